"""What editors do to lists: pin, hide, move, take down, judge, undo.

The JSON API, the editors' pages and the commands are three skins over these methods: each reads
its input, calls one of them and shows the result.
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
    """Checks each decision, writes it with its audit entry, and serves by it before it returns.

    Args:
        database: Gives the database of decisions, or raises
            :class:`~index.errors.DatabaseError`.
        live: What this process serves; ``None`` in one that serves nothing, such as a command.
            Without it no article can be looked up: only takedowns, judgments and undo work.
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
        """Pin or hide one article in another's list.

        Args:
            actor: Who decides.
            article_id: Whose list; the live build must hold it.
            target_id: The article to pin or hide; the live build must hold it, visible or not.
            kind: Pin or hide.
            position: 1 to 50, for a pin only.
            reason: At most 1,000 characters.
            not_related: For a hide: it also counts as a judgment.
            until: When it ends, microseconds since 1970 UTC.
            if_version: The list's version that the editor looked at; ``None`` for any.

        Raises:
            NotReadyError: If no build is served.
            UnknownArticleError: If the live build has no such article.
            InputError: If another argument is not as described, or the build has no such target.
            ConflictError: If the list was changed in the meantime.
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
        """Remove a pin or a hide; see :meth:`override`.

        Raises:
            NotFoundError: If there is none.
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
        """Pin an article one position above or below the one where readers see it.

        An earlier pin of it keeps its reason and its end.

        Args:
            actor: Who decides.
            article_id: Whose list.
            target_id: An article that readers see in it.
            by: -1 for up, 1 for down.
            query: What the site asks for by default.
            if_version: As for :meth:`override`.

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
                f"readers don't see {target_id[:80]!r} in the list of {article_id[:80]!r}"
            )
        below = _pinned_below(chosen, position)
        if by > 0 and below is not None:
            # To pass a pin, raise that one: of two pins at one position the later comes first.
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
        """Keep an article out of every list of every build; the build need not hold it.

        Raises:
            InputError: If an argument is not as :meth:`override` describes.
        """
        takedowns = self._database().takedowns
        return self._served(takedowns.put(actor, article_id=article_id, reason=reason, until=until))

    def lift_takedown(self, actor: Actor, article_id: str, *, reason: str = "") -> Written:
        """Let readers see an article again, as far as its build does.

        Raises:
            NotFoundError: If it is not taken down.
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
        """Call a link good (1) or bad (-1), in place of what the actor said of it before.

        Raises:
            InputError: If an argument is not as described.
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
        """Remove the actor's own judgment.

        Raises:
            NotFoundError: If there is none.
        """
        judgments = self._database().judgments
        return judgments.remove(actor, article_id=article_id, target_id=target_id)

    def undo(self, actor: Actor, seq: int, *, reason: str = "") -> Written:
        """Take back one entry of the audit trail.

        Raises:
            NotFoundError: If there is no such entry.
            DecisionError: If it is about an account; those are changed, not undone.
            SupersededError: If something newer touched the same thing.
        """
        return self._served(self._database().undo(actor, seq, reason=reason))

    def _serving(self) -> Live:
        if self._live is None:
            raise RuntimeError("pins and hides need a service that runs")
        return self._live

    def _served(self, written: Written) -> Written:
        """What was written, once this process serves by it."""
        if self._live is not None:
            self._live.refresh()
        return written


def check_known(build: Build, article_id: str, target_id: str) -> None:
    """Hold a decision about a list to the articles of the live build.

    Raises:
        UnknownArticleError: If it has no article whose list it could be.
        DecisionError: If it has no such target.
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
    """Where readers see each article of a list, from 1, by article id."""
    return {build.article_id(item.row): at for at, item in enumerate(chosen, 1)}


def _pinned_below(chosen: list[SelectedItem], position: int) -> int | None:
    """The row right below a position, if an editor pinned it."""
    below = chosen[position] if position < len(chosen) else None
    return below.row if below is not None and below.origin is Origin.PINNED else None
