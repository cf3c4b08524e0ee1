"""Judgments: whether editors call a link good or bad; lists are measured by them."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from recommender.errors import NotFoundError
from service.decisions import schema
from service.decisions.decision_rules import check_name, check_pair, check_reason
from service.decisions.decision_store import Actor, Store, Written
from service.errors import DecisionError

_TABLE = schema.judgments
_OVERRIDES = schema.overrides


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgment:
    """What one editor said of one link.

    Attributes:
        article_id: Whose list.
        target_id: The article judged in it.
        verdict: 1 for a good link, -1 for a bad one.
        author: Who said so.
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
    """The table of judgments; overrides with "not related" count as judgments too.

    Args:
        store: The database.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    def all(self) -> list[Judgment]:
        """Every judgment by article, target and author.

        Where an author hid a pair as not related, that is the author's judgment of it.
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
        """Judge a link, in place of the same author's earlier judgment.

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
            key = _key(article_id, target_id, actor)
            return change.decide("judgment.put", _TABLE, key, values, reason=reason)

    def remove(self, actor: Actor, *, article_id: str, target_id: str, reason: str = "") -> Written:
        """Remove the actor's own judgment.

        Raises:
            InputError: If an argument is not as :meth:`put` describes.
            NotFoundError: If this author did not judge the pair.
            DatabaseError: If it can't be written; then it was not.
        """
        check_pair(article_id, target_id)
        check_reason(reason)
        key = _key(article_id, target_id, actor)
        with self._store.change(actor) as change:
            if change.stored(_TABLE, key) is None:
                raise NotFoundError(
                    f"{actor.name!r} did not judge {target_id!r} in the list of {article_id!r}"
                )
            return change.decide("judgment.remove", _TABLE, key, None, reason=reason)


def _key(article_id: str, target_id: str, actor: Actor) -> dict[str, str]:
    return {"article_id": article_id, "target_id": target_id, "author": actor.name}


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
