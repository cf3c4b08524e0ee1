"""What was pushed about articles: one statement for each, kept until a source has caught up.

A statement is the newest thing that a site's own program pushed about an article: its record, or
that it is gone. It is settled once a source says the same or something newer. A statement that
unpublishes an article takes it down in the same transaction. This takedown is
marked as made by the push, and a later statement that publishes the article lifts only that one.
"""

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from index.sources.pushed_source import Statement
from recommender.article import check_id
from recommender.visibility import NEVER
from service.decisions import schema
from service.decisions.decision_store import Actor, Change, Table, upsert
from service.decisions.takedowns import UNPUBLISHED, editors_part, joined, made_by_push

_TABLE, _TAKEDOWNS = schema.pushed, schema.takedowns
_BATCH = 500
_AT_ONCE, _PAUSE = 100, 0.1
"""How many statements are settled in one transaction; and for how many seconds others may then
decide. A process that waits for an SQLite file looks that often."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewStatement:
    """What a site pushes about one article: its record, or that it is gone.

    Attributes:
        article_id: The article's id.
        record: The article's record; ``None`` to say that the article is gone.
        stated: The time that the push itself gives, microseconds since 1970 UTC; ``NEVER`` if it
            gives none.
        hidden_until: Until when readers may not see the article, microseconds since 1970 UTC: 0 if
            it is published, ``NEVER`` if it is not.
        only_newer: Whether to ignore this push if one that is stored was made later.
        settled: The number of the article's last statement that a source has caught up with in the
            live build; a statement up to it is stored anew even if the record is the same.
    """

    article_id: str
    record: Mapping[str, Any] | None
    stated: int = NEVER
    hidden_until: int = 0
    only_newer: bool = False
    settled: int = 0


class PushedStatements(Table):
    """Reads and changes the database table of pushed statements, at most one for each article.

    A statement is the newest thing that was pushed about an article: its record, or that it is
    gone. It is settled once a source has caught up with it.
    """

    def put(self, actor: Actor, given: Sequence[NewStatement]) -> list[Statement]:
        """Stores what is pushed, in the given order; when this returns, all is on disk.

        Pushing the same record again keeps the stored statement with its number, unless a source
        has caught up with that.

        Args:
            actor: Who pushes.
            given: What is pushed; a later statement about the same article replaces an earlier one.

        Returns:
            For each of ``given``, the statement that is now stored about its article.

        Raises:
            ArticleError: If an id is not valid.
            DatabaseError: If the database can't be written; then nothing was stored. Also if only
                the snapshot (the copy of the decisions on disk) can't be written; then all was
                stored, and pushing it again is harmless.
        """
        for one in given:
            check_id(one.article_id)
        with self._store.change(actor) as change:
            return [_put(change, one) for one in given]

    def get(self, article_id: str) -> Statement | None:
        """Returns what was last pushed about an article; ``None`` if nothing is stored."""
        rows = self._rows(sa.select(_TABLE).where(_TABLE.c.article_id == article_id))
        return next((Statement(**row) for row in rows), None)

    def about(self, ids: Sequence[str]) -> Iterator[Statement]:
        """Yields what was last pushed about some articles, also refused statements."""
        for start in range(0, len(ids), _BATCH):
            some = _TABLE.c.article_id.in_(ids[start : start + _BATCH])
            yield from (Statement(**row) for row in self._rows(sa.select(_TABLE).where(some)))

    def last(self) -> int:
        """Returns the highest number that a pushed statement ever had; 0 before the first push."""
        return int(self._rows(sa.select(schema.meta.c.pushed))[0]["pushed"])

    def last_received(self) -> int:
        """Returns when a statement was last received, microseconds since 1970 UTC; 0 for never."""
        return int(self._rows(sa.select(sa.func.max(_TABLE.c.received).label("at")))[0]["at"] or 0)

    def refused(self, limit: int) -> list[Statement]:
        """Returns up to ``limit`` pushed statements that builds refused, by their numbers."""
        query = sa.select(_TABLE).where(_TABLE.c.refused.is_not(None)).order_by(_TABLE.c.number)
        return [Statement(**row) for row in self._rows(query.limit(limit))]

    def above(self, number: int, *, limit: int = 1_000, refused: bool = False) -> list[Statement]:
        """Returns pushed statements in the order of their numbers.

        Args:
            number: Return only statements with a higher number.
            limit: The largest number of statements to return.
            refused: Whether to also return statements that builds refused.
        """
        query = sa.select(_TABLE).where(_TABLE.c.number > number).order_by(_TABLE.c.number)
        if not refused:
            query = query.where(_TABLE.c.refused.is_(None))
        return [Statement(**row) for row in self._rows(query.limit(limit))]

    def all(self) -> Iterator[Statement]:
        """Yields all pushed statements, also refused ones, as they are at one moment."""
        with self._store.read() as connection:
            found = connection.execute(sa.select(_TABLE).execution_options(yield_per=_BATCH))
            for row in found.mappings():
                yield Statement(**row)

    def refuse(self, article_id: str, number: int, reason: str) -> None:
        """Marks a pushed statement as refused: no build uses it until the article is pushed again.

        Does nothing if a newer statement has replaced it.

        Args:
            article_id: The article's id.
            number: The number of the statement.
            reason: Why it is refused, as text for people.
        """
        statement = sa.update(_TABLE).where(
            _TABLE.c.article_id == article_id, _TABLE.c.number == number
        )
        with self._store.write() as connection:
            connection.execute(statement.values(refused=reason))

    def renew(self, settled: Mapping[str, int], since: int) -> None:
        """Gives a new number to statements that were pushed again while a build was made.

        Otherwise :meth:`settle` would remove them, though the site has pushed them once more.

        Args:
            settled: By an article's id, the number of the last statement about it with which a
                source has caught up in that build.
            since: The result of :meth:`last_received` before that build was made.
        """
        query = sa.select(_TABLE.c.article_id, _TABLE.c.number, _TABLE.c.received).where(
            _TABLE.c.received > since, _TABLE.c.refused.is_(None)
        )
        for one in self._rows(query):
            if one["number"] <= settled.get(one["article_id"], 0):
                same = (_TABLE.c[name] == one[name] for name in ("article_id", "number"))
                with self._store.write() as connection:
                    values = {"number": _next_number(connection, one["received"])}
                    connection.execute(sa.update(_TABLE).where(*same).values(**values))

    def show(self, actor: Actor, settled: Mapping[str, int], shown: Callable[[str], bool]) -> None:
        """Lifts takedowns that a push made, of articles that a source shows again since.

        Beneath an editor's own takedown it notes that the push hides the article no more.

        Args:
            actor: Who lifts them, for the audit trail.
            settled: By an article's id, the number of the last statement about it with which a
                source has caught up.
            shown: A function that takes an article's id and tells whether readers would see the
                article in the live build.
        """
        query = sa.select(_TABLE.c.article_id, _TABLE.c.number).where(_TABLE.c.hidden_until != 0)
        found = [(row["article_id"], row["number"]) for row in self._rows(query)]
        back = [key for key, number in found if number <= settled.get(key, 0) and shown(key)]
        for some in _unhurried(back):
            with self._store.change(actor) as change:
                for article_id in some:
                    now = change.stored(_TABLE, {"article_id": article_id}, _TABLE.c.number)
                    if now is not None and now["number"] <= settled[article_id]:
                        _show(change, article_id, "a source shows it again")
                        said = sa.update(_TABLE).where(_TABLE.c.article_id == article_id)
                        change.connection.execute(said.values(hidden_until=0))

    def settle(self, actor: Actor, settled: Mapping[str, int]) -> None:
        """Removes statements that a source has caught up with, and lifts their takedowns.

        Args:
            actor: Who removes them, for the audit trail.
            settled: By an article's id, the number of the last statement about it with which a
                source has caught up.
        """
        rows = self._rows(sa.select(_TABLE.c.article_id, _TABLE.c.number))
        pairs = [(row["article_id"], row["number"]) for row in rows]
        found = [one for one, number in pairs if number <= settled.get(one, 0)]
        for some in _unhurried(found):
            with self._store.change(actor) as change:
                for article_id in some:
                    gone = sa.delete(_TABLE).where(
                        _TABLE.c.article_id == article_id, _TABLE.c.number <= settled[article_id]
                    )
                    if change.connection.execute(gone).rowcount:
                        _show(change, article_id, "a source has caught up with the push")


def _unhurried(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(ids), _AT_ONCE):
        if start:
            time.sleep(_PAUSE)
        yield ids[start : start + _AT_ONCE]


def _put(change: Change, new: NewStatement) -> Statement:
    key: dict[str, Any] = {"article_id": new.article_id}
    row = change.stored(_TABLE, key)
    before = None if row is None else Statement(**key, **row)
    record = None if new.record is None else json.dumps(new.record, sort_keys=True)
    stated = min(new.stated, change.now)
    if before is not None and new.only_newer and stated < before.stated <= change.now:
        return before
    if new.hidden_until > change.now:
        _hide(change, new.article_id, new.hidden_until)
    else:
        _show(change, new.article_id, "published by a push")
    again = before is not None and before.record == record and before.refused is None
    if before is not None and again and before.number > new.settled:
        same = sa.update(_TABLE).where(_TABLE.c.article_id == new.article_id)
        said = same.values(received=change.now, stated=stated, hidden_until=new.hidden_until)
        change.connection.execute(said)
        return before
    values: dict[str, Any] = {
        "number": _next_number(change.connection, change.now),
        "stated": stated,
        "received": change.now,
        "who": change.actor.name,
        "record": record,
        "refused": None,
        "hidden_until": new.hidden_until,
    }
    upsert(change.connection, _TABLE, key, **values)
    return Statement(**key, **values)


def _next_number(connection: sa.Connection, now: int) -> int:
    """Takes the number of a new statement: higher than all before."""
    last = connection.execute(sa.select(schema.meta.c.pushed).with_for_update()).scalar_one()
    number = max(int(last) + 1, now)
    connection.execute(sa.update(schema.meta).values(pushed=number))
    return number


def _hide(change: Change, article_id: str, until: int) -> None:
    """Takes an article down, or prolongs an editor's takedown that ends earlier."""
    key = {"article_id": article_id}
    found = change.stored(_TAKEDOWNS, key)
    pushed = made_by_push(change.actor.name, until, change.now)
    values = joined(editors_part(found, change.now), pushed) or pushed
    if found is None or any(found[name] != values[name] for name in ("until", "before_push")):
        change.decide("takedown.put", _TAKEDOWNS, key, values, reason=UNPUBLISHED)


def _show(change: Change, article_id: str, reason: str) -> None:
    """Lifts the takedown that a push made; an editor's own stays."""
    key = {"article_id": article_id}
    found = change.stored(_TAKEDOWNS, key)
    if found is None or found["before_push"] is None:
        return
    values = editors_part(found, change.now)
    action = "takedown.lift" if values is None else "takedown.put"
    change.decide(action, _TAKEDOWNS, key, values, reason=reason)
