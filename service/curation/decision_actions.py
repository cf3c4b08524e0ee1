"""Editors' actions: pin, hide, move, take down, judge, undo.

The JSON API, the editors' pages and the commands all call these methods: each of the three reads
its own kind of input, calls one method and shows the result.
"""

from __future__ import annotations

from collections.abc import Callable

from index.build.build import Build
from index.query import RelatedQuery
from recommender.errors import NotFoundError
from recommender.visibility import NEVER
from service.decisions.database import Database
from service.decisions.decision_state import OverrideKind
from service.decisions.decision_store import Actor, Written
from service.errors import DecisionError, UnknownArticleError
from service.serving.live import Live
from service.serving.selection import Origin, SelectedItem, select


class DecisionActions:
    """Checks and stores editors' decisions.

    When a method returns, this process already answers requests by the new decision.

    Args:
        database: A function that returns the database of decisions, or raises
            :class:`~index.errors.DatabaseError`.
        live: Holds the build that this process serves; ``None`` in a process without a server, such
            as a command. Pins, hides and moves need it, to look up articles.
    """

    def __init__(self, database: Callable[[], Database], live: Live | None = None) -> None:
        self._database = database
        self._live = live

    def override(
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
        """Pins or hides one article in the list of another.

        Args:
            actor: Who decides.
            article_id: The article whose list is changed; must be in the published build.
            target_id: The article to pin or hide; must be in the published build, visible or not.
            kind: Pin or hide.
            position: The position of a pin, 1 to 50; ``None`` for a hide.
            reason: The editor's reason, at most 1,000 characters.
            not_related: Whether hiding the article also says that it is not related, which the
                quality measures then count as a bad link.
            until: When the pin or hide ends, in microseconds since 1970 UTC.
            if_version: The version of the list that the editor saw; ``None`` for any.

        Raises:
            NotReadyError: If no build is served.
            UnknownArticleError: If ``article_id`` is not in the published build.
            InputError: If another argument is invalid, or ``target_id`` is not in that build.
            ConflictError: If the list is no longer at ``if_version``.
        """
        view, _ = self._serving().view()
        check_known(view.build, article_id, target_id)
        return self._served(
            self._database().overrides.put(
                actor,
                article_id=article_id,
                target_id=target_id,
                kind=kind,
                position=position,
                reason=reason,
                not_related=not_related,
                until=until,
                if_version=if_version,
            )
        )

    def remove_override(
        self,
        actor: Actor,
        *,
        article_id: str,
        target_id: str,
        reason: str = "",
        if_version: int | None = None,
    ) -> Written:
        """Removes a pin or a hide from an article's list.

        Args:
            actor: Who decides.
            article_id: The article whose list is changed.
            target_id: The article that is pinned or hidden.
            reason: The editor's reason, at most 1,000 characters.
            if_version: The version of the list that the editor saw; ``None`` for any.

        Raises:
            NotFoundError: If there is no such pin or hide.
            ConflictError: If the list is no longer at ``if_version``.
        """
        return self._served(
            self._database().overrides.remove(
                actor,
                article_id=article_id,
                target_id=target_id,
                reason=reason,
                if_version=if_version,
            )
        )

    def move(
        self,
        actor: Actor,
        *,
        article_id: str,
        target_id: str,
        by: int,
        query: RelatedQuery,
        if_version: int | None = None,
    ) -> Written:
        """Moves an article of a list up or down by one position, by pinning it there.

        If the article is pinned already, the new pin keeps its reason and its end.

        Args:
            actor: Who decides.
            article_id: The article whose list is changed.
            target_id: The article to move; readers must see it in the list.
            by: -1 for up, 1 for down.
            query: What the site asks for by default: how many articles, and which.
            if_version: The version of the list that the editor saw; ``None`` for any.

        Raises:
            NotFoundError: If readers don't see the article in that list.
            ConflictError: If the list was changed in the meantime.
        """
        view, now = self._serving().view(refresh=True)
        row = view.build.row(article_id)
        chosen = [] if row is None else select(view, row, now=now, query=query)
        position = positions(view.build, chosen).get(target_id)
        if position is None:
            raise NotFoundError(
                f"the list of {article_id[:80]!r} does not show {target_id[:80]!r}; reload the page"
            )
        below = _pinned_below(chosen, position)
        if by > 0 and below is not None:
            # The article below is pinned. Pin it at this position: of two pins at one position,
            # the one that was made later comes first.
            target_id = view.build.article_id(below)
        else:
            position = min(max(1, position + by), len(chosen))
        stored = next(
            (
                each
                for each in self._database().overrides.of(article_id).items
                if each.target_id == target_id
            ),
            None,
        )
        kept = stored if stored is not None and now < stored.until else None
        return self.override(
            actor,
            article_id=article_id,
            target_id=target_id,
            kind=OverrideKind.PIN,
            position=position,
            reason="" if kept is None else kept.reason,
            until=NEVER if kept is None else kept.until,
            if_version=if_version,
        )

    def take_down(
        self, actor: Actor, article_id: str, *, reason: str = "", until: int = NEVER
    ) -> Written:
        """Takes an article down: from now on no list of related articles shows it, in any build.

        The article need not be in the published build.

        Args:
            actor: Who decides.
            article_id: The article to take down.
            reason: The editor's reason, at most 1,000 characters.
            until: When the takedown ends, in microseconds since 1970 UTC.

        Raises:
            InputError: If an argument is invalid.
        """
        takedowns = self._database().takedowns
        return self._served(takedowns.put(actor, article_id=article_id, reason=reason, until=until))

    def lift_takedown(self, actor: Actor, article_id: str, *, reason: str = "") -> Written:
        """Ends a takedown; readers see the article again, unless it is unpublished or expired.

        Raises:
            NotFoundError: If the article is not taken down.
        """
        takedowns = self._database().takedowns
        return self._served(takedowns.lift(actor, article_id=article_id, reason=reason))

    def judge(
        self,
        actor: Actor,
        *,
        article_id: str,
        target_id: str,
        verdict: int,
        build: str = "",
        reason: str = "",
    ) -> Written:
        """Stores whether an editor finds a link from one article to another good or bad.

        The new judgment replaces an earlier one by the same actor.

        Args:
            actor: Who judges.
            article_id: The article whose list holds the link.
            target_id: The article that the link leads to.
            verdict: 1 for good, -1 for bad.
            build: The name of the build whose list the editor saw; may be empty.
            reason: The editor's reason, at most 1,000 characters.

        Raises:
            InputError: If an argument is invalid.
        """
        return self._database().judgments.put(
            actor,
            article_id=article_id,
            target_id=target_id,
            verdict=verdict,
            build=build,
            reason=reason,
        )

    def remove_judgment(self, actor: Actor, *, article_id: str, target_id: str) -> Written:
        """Removes what the same actor judged about a link from one article to another.

        Args:
            actor: The actor whose judgment it is.
            article_id: The article whose list holds the link.
            target_id: The article that the link leads to.

        Raises:
            NotFoundError: If the actor has not judged the link.
        """
        judgments = self._database().judgments
        return judgments.remove(actor, article_id=article_id, target_id=target_id)

    def undo(self, actor: Actor, seq: int, *, reason: str = "") -> Written:
        """Undoes the decision that one entry of the audit trail records.

        Args:
            actor: Who undoes it.
            seq: The number of the entry.
            reason: The editor's reason, at most 1,000 characters.

        Raises:
            NotFoundError: If there is no such entry.
            DecisionError: If the entry is about an account, which can't be undone.
            SupersededError: If a newer decision changed the same thing.
        """
        return self._served(self._database().undo(actor, seq, reason=reason))

    def _serving(self) -> Live:
        if self._live is None:
            raise RuntimeError("pins and hides need a running service")
        return self._live

    def _served(self, written: Written) -> Written:
        """Makes this process answer requests by the stored decision; returns ``written``."""
        if self._live is not None:
            self._live.refresh()
        return written


def check_known(build: Build, article_id: str, target_id: str) -> None:
    """Checks that the published build holds both articles of a pin or hide.

    Raises:
        UnknownArticleError: If the build does not hold the article whose list it is.
        DecisionError: If the build does not hold the article to pin or hide.
    """
    if build.row(article_id) is None:
        raise UnknownArticleError(
            "article_id", f"the live build {build.name} has no article {article_id[:80]!r}"
        )
    if build.row(target_id) is None:
        raise DecisionError(
            "target_id", f"the live build {build.name} has no article {target_id[:80]!r}"
        )


def positions(build: Build, chosen: list[SelectedItem]) -> dict[str, int]:
    """Returns the position of each article in a list, counted from 1, by article id."""
    return {build.article_id(item.row): at for at, item in enumerate(chosen, 1)}


def _pinned_below(chosen: list[SelectedItem], position: int) -> int | None:
    """Returns the row number of the article right below a position if it is pinned.

    Returns ``None`` if it is not pinned, or if nothing is below.

    Args:
        chosen: The articles of the list, in order.
        position: The position in the list, counted from 1.
    """
    below = chosen[position] if position < len(chosen) else None
    return below.row if below is not None and below.origin is Origin.PINNED else None
