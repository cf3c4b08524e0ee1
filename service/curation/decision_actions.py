"""Editors' actions: the API and the pages store decisions by them, so both have the same rules."""

import copy
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from index.build.build import Build
from index.errors import DatabaseError
from index.query import RelatedQuery
from recommender.errors import AlsoLikeError, NotFoundError
from service.curation.article_search import read_title
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
    """A decision was refused, since it would overrule another editor's newer decision.

    Args:
        entries: The audit entries of the newer decisions, latest first.
    """

    def __init__(self, entries: Sequence[AuditEntry]) -> None:
        super().__init__(f"a newer decision on the same article was made by {entries[0].who}")
        self.entries = entries


class DecisionActions:
    """Checks and stores editors' decisions.

    When a method returns, the new decision already applies to this process's answers.

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
        """Stores a decision by a function, after checking that its articles exist.

        Args:
            decide: A function that writes the decision into the database that it gets, and returns
                the number of the audit entry.
            known: The article whose list is changed and the article to pin or hide there; unless
                they are scopes of a rule, the published build must hold them. ``None`` to check
                neither.

        Returns:
            The number of the decision's entry in the audit trail.

        Raises:
            NotReadyError: If no build is served.
            UnknownArticleError: If the first article of ``known`` is not in the published build.
            DecisionError: If the second article of ``known`` is not in the published build.
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
        """Takes an article down: no list shows it, and its own list is empty.

        Args:
            actor: Who decides.
            article_id: The article's id.
            reason: The actor's reason; may be empty.
            until: When the takedown ends, in microseconds since 1970 UTC.
            ahead: Whether to take the article down even if no build holds it yet.
            seen: The number of the last audit entry that the actor could see; ``None`` to overrule
                everything.

        Returns:
            The number of the decision's entry in the audit trail.

        Raises:
            UnknownArticleError: If nothing is known of the article, and ``ahead`` is false.
            MetError: If another editor took it down, or ended its takedown, after entry ``seen``.
        """
        build = self._live.build
        known = ahead or build is None or build.row(article_id) is not None

        def write(database: Database) -> int:
            with database.together(actor) as db:  # nobody decides between the look and the writing
                _refuse_met(db, actor, "takedown", article_id, "", seen)
                return db.takedowns.put(
                    actor, article_id=article_id, reason=reason, until=until, known=known
                )

        return self.store(write)

    def change_list(
        self,
        actor: Actor,
        article_id: str,
        target_id: str,
        values: Mapping[str, Any] | None,
        *,
        reason: str = "",
        seen: int | None,
        known: bool = True,
    ) -> int:
        """Stores or removes a pin or hide, unless a newer decision of another editor conflicts.

        Two decisions about one list conflict if they are about the same article, or pin two
        articles at the same position.

        Args:
            actor: Who decides.
            article_id: The article whose list is changed, or the scope of a rule.
            target_id: The article that is pinned or hidden there, or the scope of those to hide.
            values: Further arguments of :meth:`Overrides.put`, by name; ``None`` to remove a pin or
                hide.
            reason: The actor's reason; may be empty.
            seen: The number of the last audit entry that the actor could see; ``None`` to overrule
                everything.
            known: Whether the published build must hold both articles.

        Returns:
            The number of the decision's entry in the audit trail.

        Raises:
            MetError: If another editor made a conflicting decision after audit entry ``seen``.
            ConflictError: If others changed the list during each of several attempts.
        """
        pair = (article_id, target_id)
        given: dict[str, Any] = {"article_id": article_id, "target_id": target_id, "reason": reason}
        given |= values or {}
        position = given.get("position")

        def write(database: Database) -> int:
            change = database.overrides.remove if values is None else database.overrides.put
            return change(actor, **given)

        for left in reversed(range(_TRIES)):
            database = self._database()
            given["if_version"] = database.overrides.of(article_id).version
            _refuse_met(database, actor, "override", article_id, target_id, seen, position)
            try:
                return self.store(write, known=pair if known else None)
            except ConflictError:  # a change came between: look whether it meets this one
                if not left:
                    raise
        raise AssertionError("unreachable: the loop above returns or raises an error")

    def lift(
        self, actor: Actor, article_id: str, reason: str = "", *, seen: int | None = None
    ) -> int:
        """Ends an article's takedown; returns the number of the decision's audit entry.

        Args:
            actor: Who decides.
            article_id: The article's id.
            reason: The actor's reason; may be empty.
            seen: The number of the last audit entry that the actor could see; ``None`` to overrule
                everything.

        Raises:
            MetError: If another editor took it down, or ended its takedown, after entry ``seen``.
        """

        def write(database: Database) -> int:
            with database.together(actor) as db:  # as above
                _refuse_met(db, actor, "takedown", article_id, "", seen)
                return db.takedowns.lift(actor, article_id=article_id, reason=reason)

        return self.store(write)

    def refuse_words(self, actor: Actor, article_id: str, target_id: str, words: str) -> int:
        """Stores that some words in an article's text should not become a link to another article.

        Other words of the text may still be suggested for such a link.

        Args:
            actor: Who decides.
            article_id: The article with the text.
            target_id: The article that the words should not link to.
            words: The words.

        Returns:
            The number of the decision's entry in the audit trail.

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
        """Undoes the decision of audit entry ``seq``; returns the number of the undo's own entry.

        For the errors see :meth:`AuditTrail.undo`.
        """
        return self.store(lambda database: database.audit.undo(actor, seq))

    def decide_all(
        self, actor: Actor, decisions: Sequence[Callable[["DecisionActions"], int]]
    ) -> tuple[list[int], dict[int, AlsoLikeError]]:
        """Makes several decisions in one transaction; if one is refused, the others are still made.

        Args:
            actor: Who decides.
            decisions: Functions that each make one decision by the :class:`DecisionActions` that
                they get, and return the number of its audit entry.

        Returns:
            The numbers of the audit entries; and for each refused decision its error, by its index
            in ``decisions``.

        Raises:
            DatabaseError: If the database can't be written; then no decision is stored. Or if only
                its backup copy (the snapshot) can't be written; then all decisions are stored.
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
            target_id: The article to move; readers must see it in the list, unless it was hidden
                there meanwhile: then it is pinned, as long as no other editor hid it.
            position: The new position, from 1; beyond the end of the list, the last position.
            seen: The number of the last audit entry that the actor could see; ``None`` to overrule
                everything.

        Returns:
            The number of the decision's entry in the audit trail.

        Raises:
            NotFoundError: If readers don't see the article in that list.
            DecisionError: If a pin or hide of it in that list has not begun yet.
            MetError: If another editor has moved or hidden the same article, or moved another
                article to the same position, after audit entry ``seen``.
        """
        view, now = self._live.view(refresh=True)
        row = view.build.row(article_id)
        chosen = [] if row is None else select(view, row, now=now, query=self._query)
        current = positions(view.build, chosen).get(target_id, 0)
        overrides = self._database().overrides.of(article_id)
        stored = overrides.about(target_id)
        if not current and (stored is None or stored.kind is OverrideKind.PIN):
            raise NotFoundError(
                f"readers no longer see “{read_title(view.build, target_id)}” in this list, so it "
                "can't be moved there; reload the page"
            )
        position = min(max(1, position), max(1, len(chosen)))
        below = chosen[current] if 0 < current < len(chosen) else None
        if below is not None and position == current + 1 and below.origin is Origin.PINNED:
            # The article below is pinned. Pin it at this position: of two pins at one position,
            # the one that was made later comes first.
            target_id, position = view.build.article_id(below.row), current
            stored = overrides.about(target_id)
        if stored is not None and now < stored.since:
            raise DecisionError(
                "target_id",
                f"a {stored.kind} of “{read_title(view.build, target_id)}” in this list begins "
                "later, and a move would take its place; to move the article now, remove it first",
            )
        is_pin = stored is not None and stored.kind is OverrideKind.PIN
        kept = stored if stored is not None and is_pin and stored.holds(now) else None
        return self.change_list(
            actor,
            article_id,
            target_id,
            {
                "kind": OverrideKind.PIN,
                "position": position,
                "until": now + WEEK if kept is None else kept.until,
            },
            reason="" if kept is None else kept.reason,
            seen=seen,
        )


def _refuse_met(
    database: Database,
    actor: Actor,
    kind: str,
    article_id: str,
    target_id: str,
    seen: int | None,
    position: int | None = None,
) -> None:
    if seen is None:
        return
    latest = database.audit.latest(limit=_LOOK_BACK, article_id=article_id)
    met = [
        entry
        for entry in latest
        if entry.seq > seen and entry.who != actor.name
        if entry.action.startswith(f"{kind}.") and entry.article_id == article_id
        if entry.target_id == target_id
        or (position is not None and (entry.after or {}).get("position") == position)
    ]
    if met:
        raise MetError(met)


def find_row(build: Build, article_id: str, field: str = "id") -> int:
    """Returns the row number of an article in the published build.

    Args:
        build: The published build.
        article_id: The article's id.
        field: The request's parameter that holds the id, for the error.

    Raises:
        UnknownArticleError: If the build does not hold the article.
    """
    row = build.row(article_id)
    if row is None:
        raise UnknownArticleError(
            field,
            f"the live build has no article {article_id[:80]!r}; new articles come with the next "
            "build",
        )
    return row


def check_known(build: Build, article_id: str, target_id: str) -> tuple[int, int]:
    """Checks that the published build holds both articles of a pin or hide.

    Args:
        build: The published build.
        article_id: The article whose list is changed.
        target_id: The article to pin or hide there.

    Returns:
        The row numbers of both articles in the build.

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
    """Returns the position of each article in a list, counted from 1, by article id.

    Args:
        build: The build of the list.
        chosen: The articles of the list, in their order.
    """
    return {build.article_id(item.row): at for at, item in enumerate(chosen, 1)}
