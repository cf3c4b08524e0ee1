"""Overrides: editors' pins and hides of single articles in single lists."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from recommender.errors import NotFoundError
from recommender.visibility import NEVER
from service.decisions import schema
from service.decisions.decision_rules import MAX_POSITION, check_pair, check_reason, check_until
from service.decisions.decision_state import OverrideKind
from service.decisions.decision_store import Actor, Store, Written
from service.errors import DecisionError

_TABLE = schema.overrides


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredOverride:
    """An override with its author, reason and dates.

    Attributes:
        id: Its number in the database.
        article_id: Whose list it is.
        target_id: Which article in that list.
        kind: Pin or hide.
        position: From 1, for a pin; ``None`` for a hide.
        reason: Why; may be empty.
        not_related: For a hide: the two have nothing to do with each other. Counts as the
            author's judgment for as long as the override is there.
        author: Who decided it last.
        created: When, microseconds since 1970 UTC.
        until: When it ends; ``NEVER`` for no end. An override that ended stays until it is
            removed or decided anew.
    """

    id: int
    article_id: str
    target_id: str
    kind: OverrideKind
    position: int | None
    reason: str
    not_related: bool
    author: str
    created: int
    until: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ListOverrides:
    """One article's overrides.

    Attributes:
        version: Of the list, for ``if_version``; 0 if nobody ever touched it.
        items: Pins by position, then hides; ended ones included.
    """

    version: int
    items: tuple[StoredOverride, ...]


class Overrides:
    """The table of overrides.

    Args:
        store: The database.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    def of(self, article_id: str) -> ListOverrides:
        """The overrides of one article's list, and the list's version."""
        versions = schema.list_versions
        with self._store.read() as connection:
            version = connection.execute(
                sa.select(versions.c.version).where(versions.c.article_id == article_id)
            ).scalar()
            found = _select(connection, _TABLE.c.article_id == article_id)
        return ListOverrides(version=version or 0, items=tuple(sorted(found, key=_list_order)))

    def into(self, target_id: str) -> list[StoredOverride]:
        """The overrides of any list that concern this article, by list."""
        with self._store.read() as connection:
            found = _select(connection, _TABLE.c.target_id == target_id)
        return sorted(found, key=lambda item: item.article_id)

    def all(self, *, after: int = 0, limit: int | None = None) -> list[StoredOverride]:
        """Overrides by number, beginning after one; ``limit`` of them at most."""
        with self._store.read() as connection:
            return _select(connection, _TABLE.c.id > after, limit)

    def put(
        self,
        actor: Actor,
        *,
        article_id: str,
        target_id: str,
        kind: OverrideKind,
        position: int | None = None,
        reason: str = "",
        not_related: bool = False,
        until: int = NEVER,
        if_version: int | None = None,
    ) -> Written:
        """Pin or hide an article in a list, in place of an earlier decision about it.

        Args:
            actor: Who decides.
            article_id: Whose list.
            target_id: Which article.
            kind: Pin or hide.
            position: 1 to 50, for a pin only.
            reason: At most 1,000 characters.
            not_related: For a hide: also a judgment.
            until: When it ends, microseconds since 1970 UTC.
            if_version: The list's version that the editor looked at; ``None`` for any.

        Raises:
            InputError: If an argument is not as described.
            ConflictError: If the list was changed in the meantime.
            DatabaseError: If it can't be written; then it was not.
        """
        check_pair(article_id, target_id)
        check_reason(reason)
        _check_kind(kind, position, not_related=not_related)
        check_until(until, self._store.now())
        with self._store.change(actor) as change:
            return change.decide(
                "override.put",
                _TABLE,
                {"article_id": article_id, "target_id": target_id},
                {
                    "kind": kind.value,
                    "position": position,
                    "reason": reason,
                    "not_related": not_related,
                    "author": actor.name,
                    "created": change.now,
                    "until": until,
                },
                reason=reason,
                if_version=if_version,
            )

    def remove(
        self,
        actor: Actor,
        *,
        article_id: str,
        target_id: str,
        reason: str = "",
        if_version: int | None = None,
    ) -> Written:
        """Remove a pin or a hide.

        Raises:
            InputError: If an argument is not as :meth:`put` describes.
            NotFoundError: If there is none.
            ConflictError: If the list was changed in the meantime.
            DatabaseError: If it can't be written; then it was not.
        """
        check_pair(article_id, target_id)
        check_reason(reason)
        with self._store.change(actor) as change:
            key = {"article_id": article_id, "target_id": target_id}
            if change.stored(_TABLE, key) is None:
                raise NotFoundError(f"{target_id!r} has no override in the list of {article_id!r}")
            return change.decide(
                "override.remove", _TABLE, key, None, reason=reason, if_version=if_version
            )


def _list_order(item: StoredOverride) -> tuple[int, int]:
    """Sorts pins by position, of one position the newer first at it, then hides."""
    return (MAX_POSITION + 1 if item.position is None else item.position), -item.created


def _select(
    connection: sa.Connection, where: sa.ColumnElement[bool], limit: int | None = None
) -> list[StoredOverride]:
    query = sa.select(_TABLE).where(where).order_by(_TABLE.c.id).limit(limit)
    return [
        StoredOverride(**{**row, "kind": OverrideKind(row["kind"])})
        for row in connection.execute(query).mappings()
    ]


def _check_kind(kind: OverrideKind, position: int | None, *, not_related: bool) -> None:
    if kind is OverrideKind.HIDE:
        if position is not None:
            raise DecisionError("position", "a hide has no position; leave it out")
        return
    if position is None or not 1 <= position <= MAX_POSITION:
        given = "none" if position is None else position
        raise DecisionError("position", f"a pin needs a position 1 to {MAX_POSITION}, not {given}")
    if not_related:
        raise DecisionError("not_related", "what is not related can be hidden, not pinned")
