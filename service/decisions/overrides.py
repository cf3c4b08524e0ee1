"""Stores overrides: editors' pins and hides of articles in other articles' lists.

A pin shows an article at a position of a list, a hide leaves it out. Either may be a rule, about
the lists of all articles with a tag or of all, see :mod:`service.decisions.list_scope`.
"""

from dataclasses import dataclass

import sqlalchemy as sa

from recommender.visibility import NEVER
from service.decisions import schema
from service.decisions.decision_rules import MAX_POSITION, check_until
from service.decisions.decision_state import Override, OverrideKind
from service.decisions.decision_store import Actor, Table, list_version
from service.decisions.list_scope import check_scopes, is_rule
from service.errors import DecisionError

_TABLE = schema.overrides
_BY_ID = sa.select(_TABLE).order_by(_TABLE.c.id)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredOverride(Override):
    """A pin or hide as stored, with its author, reason and time; one that has ended is kept, too.

    Attributes:
        id: The number of the pin or hide in the database.
        reason: The editor's reason; may be empty.
        not_related: Whether a hide says that the two articles have nothing to do with each other.
            This counts as the author's judgment as long as the override exists.
        author: The editor who decided last.
        created: Time of the decision, microseconds since 1970 UTC.
    """

    id: int
    reason: str
    not_related: bool
    author: str
    created: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ListOverrides:
    """The pins and hides of one article's list.

    Attributes:
        version: A number that grows with each change of these pins and hides, to pass as
            ``if_version`` with the next change; 0 if no editor ever changed the list.
        items: Pins by position, then hides, including those that have ended.
    """

    version: int
    items: tuple[StoredOverride, ...]

    def about(self, target_id: str) -> StoredOverride | None:
        """Returns the pin or hide of an article; ``None`` if there is none."""
        return next((each for each in self.items if each.target_id == target_id), None)


class Overrides(Table):
    """Reads and changes the database table of overrides: pins and hides in articles' lists."""

    def of(self, article_id: str) -> ListOverrides:
        """Returns the pins and hides of one article's list, and the list's version."""
        query = _BY_ID.where(_TABLE.c.article_id == article_id)
        with self._store.read() as connection:
            version = list_version(connection, article_id)
            found = [StoredOverride(**row) for row in connection.execute(query).mappings()]
        return ListOverrides(version=version, items=tuple(sorted(found, key=_list_order)))

    def into(self, target_id: str) -> list[StoredOverride]:
        """Returns the pins and hides of this article in all other articles' lists.

        They are sorted by the ids of those articles.
        """
        query = _BY_ID.where(_TABLE.c.target_id == target_id)
        found = [StoredOverride(**row) for row in self._rows(query)]
        return sorted(found, key=lambda item: item.article_id)

    def all(self, *, after: int = 0, limit: int | None = None) -> list[StoredOverride]:
        """Returns pins and hides of all lists, sorted by their numbers in the database.

        Args:
            after: Return only those with a larger number, to get the next page.
            limit: The largest number of pins and hides to return; ``None`` for all.
        """
        query = _BY_ID.where(_TABLE.c.id > after).limit(limit)
        return [StoredOverride(**row) for row in self._rows(query)]

    def rules(self) -> list[StoredOverride]:
        """Returns the pins and hides in many articles' lists, sorted by their numbers."""
        query = _BY_ID.where(_TABLE.c.article_id.startswith(" "))
        return [StoredOverride(**row) for row in self._rows(query)]

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
        since: int = 0,
        if_version: int | None = None,
    ) -> int:
        """Pins or hides an article in a list, replacing an earlier pin or hide of it there.

        Args:
            actor: The actor who decides.
            article_id: The article that the list belongs to; for many lists their scope, as
                :mod:`service.decisions.list_scope` writes it.
            target_id: The article to pin or hide in that list; to hide all with a tag, its scope.
            kind: Pin or hide.
            position: Position of a pin, 1 to 50; ``None`` for a hide.
            reason: The actor's reason, at most 1,000 characters.
            not_related: Whether a hide is also a judgment that the articles are not related.
            until: When the override ends, microseconds since 1970 UTC.
            since: When it begins; 0 for at once.
            if_version: The list version that the editor saw; ``None`` to accept any.

        Returns:
            The number of the decision's entry in the audit trail.

        Raises:
            InputError: If an argument is not as described.
            ConflictError: If the list has changed since ``if_version``.
            DatabaseError: If the database can't be written; then nothing was changed.
        """
        check_scopes(article_id, target_id)
        _check_kind(kind, position, not_related=not_related)
        if kind is OverrideKind.PIN and is_rule(target_id):
            raise DecisionError(
                "target_tag", "a pin shows one article, not all with a tag; name it by its id"
            )
        if not_related and is_rule(article_id):
            raise DecisionError(
                "not_related", "not_related is only for a hide in one article's list; leave it out"
            )
        check_until(until, self._store.now())
        if not 0 <= since < until:
            raise DecisionError("since", "the beginning (since) must be before the end (until)")
        with self._store.change(actor) as change:
            return change.decide(
                "override.put",
                _TABLE,
                {"article_id": article_id, "target_id": target_id},
                {
                    "kind": kind,
                    "position": position,
                    "reason": reason,
                    "not_related": not_related,
                    "author": actor.name,
                    "created": change.now,
                    "until": until,
                    "since": since,
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
    ) -> int:
        """Removes a pin or a hide from an article's list.

        Args:
            actor: The actor who decides.
            article_id: The article that the list belongs to.
            target_id: The article that is pinned or hidden in that list.
            reason: The actor's reason, at most 1,000 characters.
            if_version: The version of the list that the editor saw; ``None`` to accept any.

        Returns:
            The number of the decision's entry in the audit trail.

        Raises:
            InputError: If an argument is not as described.
            NotFoundError: If there is no such pin or hide.
            ConflictError: If the list has changed since ``if_version``.
            DatabaseError: If the database can't be written; then nothing was changed.
        """
        check_scopes(article_id, target_id)
        with self._store.change(actor) as change:
            return change.decide(
                "override.remove",
                _TABLE,
                {"article_id": article_id, "target_id": target_id},
                None,
                reason=reason,
                if_version=if_version,
                absent=f"{target_id!r} is not pinned or hidden in the list of {article_id!r}",
            )


def _list_order(item: StoredOverride) -> tuple[int, int]:
    """Returns a key that sorts pins by position, the newer first, and puts hides after them."""
    return (MAX_POSITION + 1 if item.position is None else item.position), -item.created


def _check_kind(kind: OverrideKind, position: int | None, *, not_related: bool) -> None:
    if kind is OverrideKind.HIDE:
        if position is not None:
            raise DecisionError("position", "a hide has no position; leave the position out")
        return
    if position is None or not 1 <= position <= MAX_POSITION:
        given = "none" if position is None else position
        raise DecisionError(
            "position", f"a pin needs a position from 1 to {MAX_POSITION}, not {given}"
        )
    if not_related:
        raise DecisionError("not_related", "not_related is for hides only; leave it out of a pin")
