"""Takedowns: articles that no list of related articles shows, in any build, as editors decided.

A push that unpublishes an article takes it down, too. Both takedowns are one row: where an editor's
ends or is lifted, that of the push goes on.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from recommender.article import check_id
from recommender.visibility import NEVER
from service.decisions import schema
from service.decisions.decision_rules import check_until
from service.decisions.decision_store import Actor, Change, Table
from service.errors import UnknownArticleError

_TABLE = schema.takedowns
UNPUBLISHED = "unpublished by a push"
"""The reason of the takedowns that pushes make."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Takedown:
    """The decision that an article is taken down, as stored.

    Attributes:
        article_id: The article's id; the article need not be in any build.
        since: Time of the decision, microseconds since 1970 UTC.
        who: The name of the actor who decided.
        reason: The actor's reason; may be empty.
        until: When the takedown ends, microseconds since 1970 UTC; ``NEVER`` for no end.
        before_push: ``None`` if an editor took the article down. If a push from the site did, the
            end of an editor's earlier takedown, microseconds since 1970 UTC, or 0 without one.
    """

    article_id: str
    since: int
    who: str
    reason: str
    until: int
    before_push: int | None = None


class Takedowns(Table):
    """Reads and changes the database table of takedowns: articles that no list may show."""

    def all(self, *, offset: int = 0, limit: int | None = None) -> list[Takedown]:
        """Returns takedowns, latest first, including those that have ended.

        Args:
            offset: The number of takedowns to skip, for later pages.
            limit: The largest number of takedowns to return; ``None`` for all.
        """
        query = sa.select(_TABLE).order_by(_TABLE.c.since.desc(), _TABLE.c.article_id)
        query = query.offset(offset).limit(limit)
        return [Takedown(**row) for row in self._rows(query)]

    def get(self, article_id: str) -> Takedown | None:
        """Returns an article's takedown, even if it has ended; ``None`` if there is none."""
        query = sa.select(_TABLE).where(_TABLE.c.article_id == article_id)
        return next((Takedown(**row) for row in self._rows(query)), None)

    def put(
        self,
        actor: Actor,
        *,
        article_id: str,
        reason: str = "",
        until: int = NEVER,
        known: bool = True,
    ) -> int:
        """Takes an article down, so that no reader sees it in any list of related articles.

        When this returns, the takedown is on disk, in the database and in the snapshot (the copy
        of the decisions that is used if the database is unavailable).

        Args:
            actor: The actor who decides.
            article_id: The article's id.
            reason: The actor's reason, at most 1,000 characters.
            until: When the takedown ends, microseconds since 1970 UTC.
            known: Whether to accept an id of which nothing is known; if ``False``, the article must
                have been pushed or taken down before.

        Returns:
            The number of the decision's entry in the audit trail.

        Raises:
            InputError: If an argument is not as described.
            UnknownArticleError: If nothing is known of the article: its id may be mistyped.
            DatabaseError: If the database or the snapshot can't be written. If only the snapshot
                can't, the takedown is in force nevertheless; repeating it is harmless.
        """
        check_id(article_id, field="article_id")
        check_until(until, self._store.now())
        pushed = sa.select(schema.pushed.c.number).where(schema.pushed.c.article_id == article_id)
        if not known and self.get(article_id) is None and not self._rows(pushed):
            raise UnknownArticleError(
                "id",
                f"nothing was taken down: neither the live build nor a push has an article "
                f"{article_id[:80]!r}. Check the id; to take an article down before it is there, "
                'use --ahead (in the API "ahead": true)',
            )
        key = {"article_id": article_id}
        own = {"who": actor.name, "reason": reason, "until": until, "before_push": None}
        with self._store.change(actor) as change:
            own["since"] = change.now
            values = joined(own, said_by_push(change, article_id))
            return change.decide("takedown.put", _TABLE, key, values, reason=reason)

    def lift(self, actor: Actor, *, article_id: str, reason: str = "") -> int:
        """Ends a takedown; readers see the article again, unless it is unpublished or expired.

        Beneath an editor's takedown, that of a push goes on as long as the site has not published
        the article again; to lift this one lets readers see the article all the same.

        Args:
            actor: The actor who decides.
            article_id: The article's id.
            reason: The actor's reason, at most 1,000 characters.

        Returns:
            The number of the decision's entry in the audit trail.

        Raises:
            InputError: If an argument is not as described.
            NotFoundError: If the article is not taken down.
            DatabaseError: If the database or the snapshot (its copy on disk) can't be written. If
                only the snapshot can't, the takedown has ended nevertheless.
        """
        check_id(article_id, field="article_id")
        with self._store.change(actor) as change:
            key, absent = {"article_id": article_id}, f"article {article_id!r} is not taken down"
            own = editors_part(change.stored(_TABLE, key), change.now)
            left = None if own is None else said_by_push(change, article_id)
            if own is None:
                note_lifted(change, article_id)
            return change.decide("takedown.lift", _TABLE, key, left, reason=reason, absent=absent)


def made_by_push(who: str, until: int, now: int) -> dict[str, Any]:
    """Returns the values of a takedown that a push makes.

    Args:
        who: Who pushed.
        until: Until when readers may not see the article, microseconds since 1970 UTC.
        now: The current time, microseconds since 1970 UTC.
    """
    return {"since": now, "who": who, "reason": UNPUBLISHED, "until": until, "before_push": 0}


def note_lifted(change: Change, article_id: str, *, lifted: bool = True) -> None:
    """Notes, by a time below zero, that an editor lifted a push's takedown; or no longer did."""
    until, same = schema.pushed.c.hidden_until, schema.pushed.c.article_id == article_id
    noted = sa.update(schema.pushed).where(same, until > 0 if lifted else until < 0)
    change.connection.execute(noted.values(hidden_until=-until))


def said_by_push(change: Change, article_id: str) -> dict[str, Any] | None:
    """Returns the takedown of what was last pushed; ``None`` if that hides the article no more."""
    said = change.stored(schema.pushed, {"article_id": article_id})
    if said is None or said["hidden_until"] <= change.now:
        return None
    return made_by_push(said["who"], said["hidden_until"], change.now)


def editors_part(found: Mapping[str, Any] | None, now: int) -> dict[str, Any] | None:
    """Returns an editor's own part of a takedown; ``None`` if there is none, or it has ended."""
    if found is None:
        return None
    before_push = found.get("before_push")
    ends = found["until"] if before_push is None else before_push
    return {**found, "until": ends, "before_push": None} if ends > now else None


def joined(own: dict[str, Any] | None, pushed: dict[str, Any] | None) -> dict[str, Any] | None:
    """Returns one takedown for an editor's own and that of a push, either of which may be none."""
    if own is None or pushed is None:
        return own or pushed
    if own["until"] >= pushed["until"]:
        return own
    return {**own, "until": pushed["until"], "before_push": own["until"]}
