"""The audit trail of editorial decisions: who changed what, when and why.

Entries are never changed or removed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from service.decisions import schema
from service.decisions.decision_store import Store

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


class AuditTrail:
    """Reads the audit trail: the record of who changed what, when and why.

    Args:
        store: The open database of decisions.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

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
        with self._store.read() as connection:
            return [AuditEntry(**row) for row in connection.execute(query).mappings()]

    def get(self, seq: int) -> AuditEntry | None:
        """Returns the entry of the audit trail with this number; ``None`` if there is none."""
        with self._store.read() as connection:
            row = connection.execute(sa.select(_TABLE).where(_TABLE.c.seq == seq)).mappings()
            found = row.first()
        return None if found is None else AuditEntry(**found)

    def all(self) -> Iterator[AuditEntry]:
        """Yields all entries of the audit trail, oldest first.

        Reads 1,000 at a time, so that a long trail does not fill the memory.
        """
        last = 0
        while True:
            query = sa.select(_TABLE).where(_TABLE.c.seq > last).order_by(_TABLE.c.seq)
            with self._store.read() as connection:
                rows = connection.execute(query.limit(_PAGE)).mappings().all()
            for row in rows:
                yield AuditEntry(**row)
            if len(rows) < _PAGE:
                return
            last = int(rows[-1]["seq"])
