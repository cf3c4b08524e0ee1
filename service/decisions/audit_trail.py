"""The audit trail of editorial decisions: who changed what, when and why; and how to undo it.

Entries are never changed or removed. An undo is a new decision, which restores the earlier values.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from recommender.errors import NotFoundError
from recommender.visibility import NEVER
from service.decisions import schema
from service.decisions.decision_store import Actor, Change, Table
from service.decisions.takedowns import editors_part, joined, note_lifted, said_by_push
from service.errors import DecisionError, SupersededError

_TABLE = schema.audit
_PAGE = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """One change, as recorded in the audit trail.

    Attributes:
        seq: The entry's number; numbers have no gaps.
        at: Time of the change, microseconds since 1970 UTC.
        who: The name of the actor who made the change.
        how: How the actor signed in: ``"cli"``, ``"token"``, ``"session"``, ``"proxy"`` or
            ``"link"``.
        action: What was done, as noun and verb: ``"override.put"``, ``"takedown.lift"``, …
        article_id: The article whose list or takedown changed; empty for changes of accounts.
        target_id: The article that was pinned, hidden or judged in that list; empty for takedowns
            and accounts.
        before: The earlier values as JSON; ``None`` if there were none. An ``until`` of ``None``
            means no end.
        after: The new values as JSON; ``None`` if there are none any more.
        reason: The actor's reason; may be empty.
    """

    seq: int
    at: int
    who: str
    how: str
    action: str
    article_id: str
    target_id: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    reason: str


class AuditTrail(Table):
    """Reads the audit trail, the record of who changed what, when and why; and undoes changes."""

    def latest(
        self,
        *,
        before: int | None = None,
        limit: int = 100,
        article_id: str | None = None,
        who: str | None = None,
    ) -> list[AuditEntry]:
        """Returns entries of the audit trail, latest first.

        Args:
            before: Return only entries with a number below this, to get the next page.
            limit: The largest number of entries to return.
            article_id: Return only entries about this article: about its list, its takedown, or
                about a pin, hide or judgment of it in another list.
            who: Return only entries of the actor with this name.
        """
        query = sa.select(_TABLE).order_by(_TABLE.c.seq.desc()).limit(limit)
        if before is not None:
            query = query.where(_TABLE.c.seq < before)
        if article_id is not None:
            about = sa.or_(_TABLE.c.article_id == article_id, _TABLE.c.target_id == article_id)
            query = query.where(about)
        if who is not None:
            query = query.where(_TABLE.c.who == who)
        return [AuditEntry(**row) for row in self._rows(query)]

    def newest(self) -> int:
        """Returns the number of the newest entry; 0 if there is none."""
        return next((each.seq for each in self.latest(limit=1)), 0)

    def get(self, seq: int) -> AuditEntry | None:
        """Returns the entry of the audit trail with this number; ``None`` if there is none."""
        rows = self._rows(sa.select(_TABLE).where(_TABLE.c.seq == seq))
        return next((AuditEntry(**row) for row in rows), None)

    def all(self) -> Iterator[AuditEntry]:
        """Yields all entries of the audit trail, oldest first.

        Reads 1,000 at a time, so that a long trail does not fill the memory.
        """
        last = 0
        while True:
            query = sa.select(_TABLE).where(_TABLE.c.seq > last).order_by(_TABLE.c.seq)
            rows = self._rows(query.limit(_PAGE))
            for row in rows:
                yield AuditEntry(**row)
            if len(rows) < _PAGE:
                return
            last = int(rows[-1]["seq"])

    def undo(self, actor: Actor, seq: int, *, reason: str = "") -> int:
        """Undoes the decision that one entry of the audit trail records.

        Refuses if a newer decision changed the same pin, hide, takedown, judgment or words, unless
        that one was undone.

        Args:
            actor: The actor who undoes the decision.
            seq: The number of the entry.
            reason: The actor's reason, at most 1,000 characters.

        Returns:
            The number of the new entry, which records the undo.

        Raises:
            NotFoundError: If there is no such entry.
            DecisionError: If the entry is about an account or token, which can't be undone.
            SupersededError: If there is a newer decision on the same thing.
            DatabaseError: If the database or the snapshot (its copy on disk) can't be written. If
                only the snapshot can't, the decision is undone nevertheless.
        """
        with self._store.change(actor) as change:
            query = sa.select(_TABLE).where(_TABLE.c.seq == seq)
            entry = change.connection.execute(query).mappings().first()
            if entry is None:
                raise NotFoundError(
                    f"the audit trail has no entry {seq}; see the numbers with: alsolike audit"
                )
            kind = entry["action"].partition(".")[0]
            if kind not in UNDONE:
                raise DecisionError(
                    "seq",
                    f"entry {seq} of the audit trail ({entry['action']}) can't be undone; only "
                    "pins, hides, takedowns, judgments and refused words can",
                )
            key = {"article_id": entry["article_id"]}
            if kind != "takedown":
                key["target_id"] = entry["target_id"]
            key |= further_key(kind, entry["before"], entry["after"])
            if change.stored(UNDONE[kind], key) != _as_stored(kind, entry["after"], key):
                _refuse_newer(change, entry, kind)
            values = _as_stored(kind, entry["before"], key)
            if kind == "takedown":
                values = _with_push(change, entry, values)
                if values is None and change.stored(UNDONE[kind], key) is not None:
                    note_lifted(change, entry["article_id"])
            return change.decide(f"{kind}.undo", UNDONE[kind], key, values, reason=reason)


UNDONE: Mapping[str, sa.Table] = {
    "override": schema.overrides,
    "takedown": schema.takedowns,
    "judgment": schema.judgments,
    "words": schema.refused_words,
}
"""The tables of the kinds of decisions that can be undone."""

_FURTHER = {"judgment": "author", "words": "words"}
"""The columns of the tables' keys besides the ids, which entries keep among the values."""


def _as_stored(
    kind: str, values: Mapping[str, Any] | None, key: Mapping[str, str]
) -> dict[str, Any] | None:
    """Returns the values in an audit entry as the table of its decision holds them."""
    if values is None:
        return None
    stored = {name: value for name, value in values.items() if name not in key}
    if "until" in stored and stored["until"] is None:
        stored["until"] = NEVER
    if kind == "override":
        stored.setdefault("since", 0)  # entries of older versions say nothing of it
    return stored


def _with_push(
    change: Change, entry: sa.RowMapping, values: dict[str, Any] | None
) -> dict[str, Any] | None:
    """Returns the takedown that an undo restores, with what the site says of the article now.

    What a push did is undone as it is. If a push's takedown was lifted and the site shows the
    article, it is restored as an editor's own, as otherwise the next push would lift it.

    Args:
        change: The open transaction.
        entry: The audit entry that is undone.
        values: The takedown before that entry; ``None`` if there was none.
    """
    after, by_push = entry["after"], values is not None and values.get("before_push") is not None
    if by_push and after is None:
        note_lifted(change, entry["article_id"], lifted=False)
    pushed = said_by_push(change, entry["article_id"])
    if values is None or values.get("before_push") is None:
        by_push = after is not None and after.get("before_push") is not None
        if pushed is None or by_push:
            return values
    elif pushed is None and after is None:
        return {**values, "before_push": None}
    return joined(editors_part(values, change.now), pushed)


def _refuse_newer(change: Change, entry: sa.RowMapping, kind: str) -> None:
    newer = sa.select(_TABLE).where(
        _TABLE.c.seq > entry["seq"],
        _TABLE.c.article_id == entry["article_id"],
        _TABLE.c.target_id == entry["target_id"],
        _TABLE.c.action.startswith(f"{kind}."),
    )
    further = further_key(kind, entry["before"], entry["after"])
    for later in change.connection.execute(newer.order_by(_TABLE.c.seq)).mappings():
        if further_key(kind, later["before"], later["after"]) == further:
            raise SupersededError(
                f"entry {entry['seq']} can't be undone, as {later['who']} has made a newer "
                f"decision (entry {later['seq']}); undo that first"
            )


def further_key(
    kind: str, before: Mapping[str, Any] | None, after: Mapping[str, Any] | None
) -> dict[str, str]:
    """Returns what identifies an audit entry's decision besides the articles' ids.

    This is whose judgment it is, or which words are refused as a link; nothing for other decisions.

    Args:
        kind: The kind of the decision, which is the first word of the entry's action.
        before: The entry's earlier values.
        after: The entry's new values.

    Returns:
        The value by the name of its column, such as ``{"author": "mira"}``; may be empty.
    """
    name = _FURTHER.get(kind)
    return {} if name is None else {name: str((after or before or {})[name])}
