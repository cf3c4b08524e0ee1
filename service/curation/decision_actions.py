"""Editors' actions: the API and the pages decide by them, so that both have the same rules."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from functools import partial

from index.build.build import Build
from index.errors import DatabaseError
from index.query import RelatedQuery
from recommender.errors import AlsoLikeError, NotFoundError
from service.decisions.audit_trail import AuditEntry
from service.decisions.database import Database
from service.decisions.decision_state import OverrideKind
from service.decisions.decision_store import Actor
from service.decisions.list_scope import is_rule
from service.errors import ConflictError, DecisionError, UnknownArticleError
from service.serving.live import Live
from service.serving.selection import Origin, SelectedItem, select

WEEK = 7 * 86_400_000_000
"""How long an article that was moved is pinned there, in microseconds."""

_LOOK_BACK = 200
_TRIES = 5


class MetError(ConflictError):
    """A change of a list was refused, since it would overrule another editor's newer one.

    Args:
        entries: The audit entries of the newer decisions, latest first.
    """

    def __init__(self, entries: Sequence[AuditEntry]) -> None:
        super().__init__(f"{entries[0].who} has made a newer decision on the same thing")
        self.entries = entries


class DecisionActions:
    """Checks and stores editors' decisions.

    When a method returns, this process already answers requests by the new decision.

    Args:
        database: A function that returns the database of decisions, or raises
            :class:`~index.errors.DatabaseError`.
        live: Holds the build that this process serves.
        query: What the site asks for by default: how many articles, and which.
    """

    def __init__(self, database: Callable[[], Database], live: Live, query: RelatedQuery) -> None:
        self._database = database
        self._live = live
        self._refresh = live.refresh
        self._query = query

    def store(
        self, decide: Callable[[Database], int], *, known: tuple[str, str] | None = None
    ) -> int:
        """Stores a decision.

        Args:
            decide: Writes the decision into a database, as :class:`Database` and its tables do.
            known: The article whose list is changed and the one to pin or hide there, which the
                published build must hold unless they are scopes of a rule; ``None`` for a decision
                that may be about others.

        Returns:
            The number of the decision's entry in the audit trail.

        Raises:
            NotReadyError: If no build is served.
            UnknownArticleError: If the first article of ``known`` is not in the published build.
            DecisionError: If the second is not in that build.
        """
        if known is not None:
            build = self._live.view()[0].build
            if not is_rule(known[0]):
                find_row(build, known[0], "article_id")
            if not is_rule(known[1]):
                _find_target(build, known[1])
        entry = decide(self._database())
        self._refresh()
        return entry

    def take_down(
        self,
        actor: Actor,
        article_id: str,
        reason: str,
        until: int,
        *,
        ahead: bool = False,
        seen: int | None = None,
    ) -> int:
        """Takes an article down; see :meth:`service.decisions.takedowns.Takedowns.put`.

        Args:
            actor: Who decides.
            article_id: The article's id.
            reason: The actor's reason.
            until: When the takedown ends, microseconds since 1970 UTC.
            ahead: Whether the article may be one that is in no build yet.
            seen: The number of the last audit entry that the actor could see; ``None`` to overrule
                everything.

        Returns:
            The number of the decision's entry in the audit trail.

        Raises:
            UnknownArticleError: If nothing is known of the article, and ``ahead`` is false.
            MetError: If another editor took it down, or ended that, since ``seen``.
        """
        self._refuse_met(actor, "takedown", article_id, "", seen)
        build = self._live.build
        known = ahead or build is None or build.row(article_id) is not None
        return self.store(
            lambda database: database.takedowns.put(
                actor, article_id=article_id, reason=reason, until=until, known=known
            )
        )

    def change_list(
        self,
        actor: Actor,
        decide: Callable[..., int],
        *,
        article_id: str,
        target_id: str,
        position: int | None = None,
        seen: int | None,
        known: bool = True,
    ) -> int:
        """Stores a pin or hide, or removes it, unless another editor decided the same meanwhile.

        Two decisions meet if they are about the same article of a list, or pin two at the same
        position.

        Args:
            actor: Who decides.
            decide: Writes the decision; gets the database, and the version of the list as
                ``if_version``.
            article_id: The article whose list is changed.
            target_id: The article that is pinned or hidden there.
            position: The position of a pin.
            seen: The number of the last audit entry that the actor could see; ``None`` to overrule
                everything.
            known: Whether the published build must hold both articles.

        Returns:
            The number of the decision's entry in the audit trail.

        Raises:
            MetError: If another editor has made such a decision since ``seen``.
            ConflictError: If the list is changed by others all the time.
        """
        for left in reversed(range(_TRIES)):
            database = self._database()
            version = database.overrides.of(article_id).version
            self._refuse_met(actor, "override", article_id, target_id, seen, position)
            try:
                pair = (article_id, target_id) if known else None
                return self.store(partial(decide, if_version=version), known=pair)
            except ConflictError:  # a change came between: look whether it meets this one
                if not left:
                    raise
        raise AssertionError("the loop returns or raises")

    def lift(self, actor: Actor, article_id: str, reason: str, *, seen: int | None) -> int:
        """Ends a takedown; see :meth:`service.decisions.takedowns.Takedowns.lift`.

        Raises:
            MetError: If another editor decided about it since ``seen``, as for :meth:`take_down`.
        """
        self._refuse_met(actor, "takedown", article_id, "", seen)
        return self.store(lambda db: db.takedowns.lift(actor, article_id=article_id, reason=reason))

    def refuse_words(self, actor: Actor, article_id: str, target_id: str, words: str) -> int:
        """Stores that words of an article should not link to a target; others may.

        Raises:
            UnknownArticleError: If the published build does not hold the article.
            DecisionError: If it does not hold the target, or the words are invalid.
        """
        return self.store(
            lambda db: db.refused_words.put(
                actor, article_id=article_id, target_id=target_id, words=words
            ),
            known=(article_id, target_id),
        )

    def undo(self, actor: Actor, seq: int) -> int:
        """Undoes the decision of an audit entry, see :meth:`Database.undo`."""
        return self.store(lambda database: database.undo(actor, seq))

    def decide_all(
        self, actor: Actor, decisions: Sequence[Callable[[DecisionActions], int]]
    ) -> tuple[list[int], dict[int, AlsoLikeError]]:
        """Makes several decisions in one transaction; one that is refused keeps no other back.

        Args:
            actor: Who decides.
            decisions: Functions that decide by the actions that they are given.

        Returns:
            The numbers of the audit entries, and by the places of the others why they were refused.

        Raises:
            DatabaseError: If the database or the snapshot can't be written. If only the snapshot
                can't, all is decided nevertheless; if the database can't, nothing is.
        """
        done: list[int] = []
        refused: dict[int, AlsoLikeError] = {}
        with self._database().together(actor) as database:
            joined = copy.copy(self)
            joined._database, joined._refresh = lambda: database, lambda: None
            for place, decide in enumerate(decisions):
                try:
                    done.append(decide(joined))
                except DatabaseError:
                    raise
                except AlsoLikeError as error:
                    refused[place] = error
        self._refresh()
        return done, refused

    def _refuse_met(
        self,
        actor: Actor,
        kind: str,
        article_id: str,
        target_id: str,
        seen: int | None,
        position: int | None = None,
    ) -> None:
        latest = self._database().audit.latest(limit=_LOOK_BACK, article_id=article_id)
        met = [
            entry
            for entry in latest
            if seen is not None and entry.seq > seen and entry.who != actor.name
            if entry.action.startswith(f"{kind}.") and entry.article_id == article_id
            if entry.target_id == target_id
            or (position is not None and (entry.after or {}).get("position") == position)
        ]
        if met:
            raise MetError(met)

    def place(
        self,
        actor: Actor,
        article_id: str,
        target_id: str,
        position: int,
        seen: int | None,
    ) -> int:
        """Moves an article of a list to another position, by pinning it there for a week.

        If the article is pinned already, the new pin keeps its reason and its end.

        Args:
            actor: Who decides.
            article_id: The article whose list is changed.
            target_id: The article to move; readers must see it in the list.
            position: The new position, from 1; a larger one than the last means the last.
            seen: As for :meth:`change_list`.

        Returns:
            The number of the decision's entry in the audit trail.

        Raises:
            NotFoundError: If readers don't see the article in that list.
            MetError: If another editor has moved the same article, or one to the same position.
        """
        view, now = self._live.view(refresh=True)
        row = view.build.row(article_id)
        chosen = [] if row is None else select(view, row, now=now, query=self._query)
        current = positions(view.build, chosen).get(target_id)
        if current is None:
            raise NotFoundError(
                f"the list of {article_id[:80]!r} does not show {target_id[:80]!r}; reload the page"
            )
        position = min(max(1, position), len(chosen))
        below = chosen[current] if current < len(chosen) else None
        if position == current + 1 and below is not None and below.origin is Origin.PINNED:
            # The article below is pinned. Pin it at this position: of two pins at one position,
            # the one that was made later comes first.
            target_id, position = view.build.article_id(below.row), current
        stored = self._database().overrides.of(article_id).about(target_id)
        kept = stored if stored is not None and now < stored.until else None
        return self.change_list(
            actor,
            lambda database, if_version: database.overrides.put(
                actor,
                article_id=article_id,
                target_id=target_id,
                kind=OverrideKind.PIN,
                position=position,
                reason="" if kept is None else kept.reason,
                until=now + WEEK if kept is None else kept.until,
                if_version=if_version,
            ),
            article_id=article_id,
            target_id=target_id,
            position=position,
            seen=seen,
        )


def find_row(build: Build, article_id: str, field: str = "id") -> int:
    """Returns the row number of an article in the published build.

    Args:
        build: The published build.
        article_id: The article's id.
        field: The request's parameter that names it, for the error.

    Raises:
        UnknownArticleError: If the build does not hold the article.
    """
    row = build.row(article_id)
    if row is None:
        raise UnknownArticleError(
            field,
            f"the live build has no article {article_id[:80]!r}; new ones come with the next build",
        )
    return row


def check_known(build: Build, article_id: str, target_id: str) -> tuple[int, int]:
    """Checks that the published build holds both articles of a pin or hide.

    Returns:
        The row numbers of both.

    Raises:
        UnknownArticleError: If the build does not hold the article whose list it is.
        DecisionError: If the build does not hold the article to pin or hide.
    """
    return find_row(build, article_id, "article_id"), _find_target(build, target_id)


def _find_target(build: Build, target_id: str) -> int:
    try:
        return find_row(build, target_id, "target_id")
    except UnknownArticleError as error:
        raise DecisionError("target_id", str(error)) from None


def positions(build: Build, chosen: list[SelectedItem]) -> dict[str, int]:
    """Returns the position of each article in a list, counted from 1, by article id."""
    return {build.article_id(item.row): at for at, item in enumerate(chosen, 1)}
