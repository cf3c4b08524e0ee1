"""Takedowns: articles that no reader may see in any list, whatever a build says."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from recommender.article import check_id
from recommender.errors import NotFoundError
from recommender.visibility import NEVER
from service.decisions import schema
from service.decisions.decision_rules import check_reason, check_until
from service.decisions.decision_store import Actor, Store, Written

_TABLE = schema.takedowns


@dataclass(frozen=True, slots=True, kw_only=True)
class Takedown:
    """One takedown.

    Attributes:
        article_id: Which article; it need not be in any build.
        since: When it was decided, microseconds since 1970 UTC.
        who: Who decided it.
        reason: Why; may be empty.
        until: When it ends; ``NEVER`` for no end.
    """

    article_id: str
    since: int
    who: str
    reason: str
    until: int


class Takedowns:
    """The table of takedowns.

    Args:
        store: The database.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    def all(self, *, offset: int = 0, limit: int | None = None) -> list[Takedown]:
        """Takedowns, latest first, ended ones included; ``limit`` of them at most."""
        query = sa.select(_TABLE).order_by(_TABLE.c.since.desc(), _TABLE.c.article_id)
        query = query.offset(offset).limit(limit)
        with self._store.read() as connection:
            return [Takedown(**row) for row in connection.execute(query).mappings()]

    def get(self, article_id: str) -> Takedown | None:
        """The takedown of an article, if there is one."""
        query = sa.select(_TABLE).where(_TABLE.c.article_id == article_id)
        with self._store.read() as connection:
            row = connection.execute(query).mappings().first()
        return None if row is None else Takedown(**row)

    def put(
        self, actor: Actor, *, article_id: str, reason: str = "", until: int = NEVER
    ) -> Written:
        """Keep an article from all readers.

        Durable when this returns: it is on the database's disk, and in the root's snapshot.

        Args:
            actor: Who decides.
            article_id: Which article.
            reason: At most 1,000 characters.
            until: When it ends, microseconds since 1970 UTC.

        Raises:
            InputError: If an argument is not as described.
            DatabaseError: If it can't be written. If only the snapshot can't be, the takedown
                holds all the same; doing it again is harmless.
        """
        check_id(article_id, field="article_id")
        check_reason(reason)
        check_until(until, self._store.now())
        with self._store.change(actor) as change:
            return change.decide(
                "takedown.put",
                _TABLE,
                {"article_id": article_id},
                {"since": change.now, "who": actor.name, "reason": reason, "until": until},
                reason=reason,
            )

    def lift(self, actor: Actor, *, article_id: str, reason: str = "") -> Written:
        """Let readers see an article again, as far as its build does.

        Raises:
            InputError: If an argument is not as :meth:`put` describes.
            NotFoundError: If it is not taken down.
            DatabaseError: As for :meth:`put`.
        """
        check_id(article_id, field="article_id")
        check_reason(reason)
        with self._store.change(actor) as change:
            key = {"article_id": article_id}
            if change.stored(_TABLE, key) is None:
                raise NotFoundError(f"article {article_id!r} is not taken down")
            return change.decide("takedown.lift", _TABLE, key, None, reason=reason)
