"""Judgments: whether editors find two articles related, for measuring lists by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from recommender.errors import NotFoundError
from service.decisions import schema
from service.decisions.decision_rules import check_name, check_pair, check_reason
from service.decisions.decision_store import Actor, Change, Store, Written, upsert
from service.errors import DecisionError

_TABLE = schema.judgments
_OVERRIDES = schema.overrides


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgment:
    """One editor's word on one pair.

    Attributes:
        article_id: Whose list.
        target_id: The article judged in it.
        verdict: 1 for a good link, -1 for a bad one.
        author: Whose word.
        build: The build that was looked at; empty if it came with an override.
        reason: Why; may be empty.
        created: When, microseconds since 1970 UTC.
    """

    article_id: str
    target_id: str
    verdict: int
    author: str
    build: str
    reason: str
    created: int


class Judgments:
    """The table of judgments, and those that overrides say with "not related".

    Args:
        store: The database.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    def all(self) -> list[Judgment]:
        """Every judgment by article, target and author.

        Where an author hid a pair as not related, that is the author's word on it.
        """
        with self._store.read() as connection:
            return _sorted(_select(connection))

    def of(self, article_id: str) -> list[Judgment]:
        """The judgments of one article's list; see :meth:`all`."""
        with self._store.read() as connection:
            return _sorted(_select(connection, article_id))

    def put(
        self,
        actor: Actor,
        *,
        article_id: str,
        target_id: str,
        verdict: int,
        build: str = "",
        reason: str = "",
    ) -> Written:
        """Judge a pair, in place of what the same author said of it before.

        Args:
            actor: Who judges.
            article_id: Whose list.
            target_id: The article judged in it.
            verdict: 1 or -1.
            build: The build that is looked at.
            reason: At most 1,000 characters.

        Raises:
            InputError: If an argument is not as described.
            DatabaseError: If it can't be written; then it was not.
        """
        check_pair(article_id, target_id)
        check_reason(reason)
        if build:
            check_name(build, "build")
        if verdict not in (1, -1):
            raise DecisionError("verdict", f"a verdict is 1 or -1, not {verdict}")
        with self._store.change(actor) as change:
            values = {
                "verdict": verdict,
                "build": build,
                "reason": reason,
                "created": change.now,
            }
            pair = (article_id, target_id)
            return set_judgment(change, "judgment.put", *pair, actor.name, values, reason=reason)

    def remove(self, actor: Actor, *, article_id: str, target_id: str, reason: str = "") -> Written:
        """Take one's own word back.

        Raises:
            InputError: If an argument is not as :meth:`put` describes.
            NotFoundError: If this author did not judge the pair.
            DatabaseError: If it can't be written; then it was not.
        """
        check_pair(article_id, target_id)
        check_reason(reason)
        pair = (article_id, target_id)
        with self._store.change(actor) as change:
            if stored_values(change.connection, *pair, actor.name) is None:
                raise NotFoundError(f"{actor.name!r} did not judge {target_id!r} here")
            return set_judgment(change, "judgment.remove", *pair, actor.name, None, reason=reason)


def set_judgment(
    change: Change,
    action: str,
    article_id: str,
    target_id: str,
    author: str,
    values: Mapping[str, Any] | None,
    *,
    reason: str,
) -> Written:
    """Put a judgment's columns in place, or none, and record it; readers see no difference."""
    before = stored_values(change.connection, article_id, target_id, author)
    pair = {"article_id": article_id, "target_id": target_id}
    if values is None:
        where = _is(article_id, target_id, author)
        change.connection.execute(sa.delete(_TABLE).where(*where))
    else:
        upsert(change.connection, _TABLE, {**pair, "author": author}, **values)
    seq = change.record(
        action,
        **pair,
        before=None if before is None else {"author": author, **before},
        after=None if values is None else {"author": author, **values},
        reason=reason,
    )
    return Written(seq=seq, version=change.version, list_version=change.list_version(article_id))


def stored_values(
    connection: sa.Connection, article_id: str, target_id: str, author: str
) -> dict[str, Any] | None:
    """A judgment's columns but its key; ``None`` if there is none."""
    columns = (column for column in _TABLE.c if not column.primary_key)
    query = sa.select(*columns).where(*_is(article_id, target_id, author))
    row = connection.execute(query).mappings().first()
    return None if row is None else dict(row)


def _is(article_id: str, target_id: str, author: str) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        _TABLE.c.article_id == article_id,
        _TABLE.c.target_id == target_id,
        _TABLE.c.author == author,
    )


def _select(connection: sa.Connection, article_id: str | None = None) -> list[Judgment]:
    given = sa.select(_TABLE)
    hidden = sa.select(
        _OVERRIDES.c.article_id,
        _OVERRIDES.c.target_id,
        _OVERRIDES.c.author,
        _OVERRIDES.c.reason,
        _OVERRIDES.c.created,
    ).where(_OVERRIDES.c.not_related)
    if article_id is not None:
        given = given.where(_TABLE.c.article_id == article_id)
        hidden = hidden.where(_OVERRIDES.c.article_id == article_id)
    found = [Judgment(**row) for row in connection.execute(given).mappings()]
    implied = [
        Judgment(**row, verdict=-1, build="") for row in connection.execute(hidden).mappings()
    ]
    by_key = {(item.article_id, item.target_id, item.author): item for item in [*found, *implied]}
    return list(by_key.values())


def _sorted(found: list[Judgment]) -> list[Judgment]:
    return sorted(found, key=lambda item: (item.article_id, item.target_id, item.author))
