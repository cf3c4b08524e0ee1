"""What editors' forms write: pins, hides, takedowns, judgments."""

from __future__ import annotations

from recommender.errors import NotFoundError
from recommender.visibility import NEVER
from service.decisions.decision_state import OverrideKind
from service.decisions.decision_store import Written
from service.decisions.overrides import StoredOverride
from service.editor.decision_form import DecisionForm
from service.editor.editor_context import EditorContext
from service.http.auth import Identity
from service.serving.selection import Origin, SelectedItem, select

VERBS = ("up", "down", "remove", "good", "bad", "lift")
"""What single buttons ask for."""


class DecisionWriter:
    """Decides in someone's name.

    Args:
        room: Where to look and to write.
    """

    def __init__(self, room: EditorContext) -> None:
        self._room = room

    def decide(
        self, person: Identity, article_id: str, target_id: str, asked: DecisionForm
    ) -> Written:
        """Do what a form for one decision asks.

        Raises:
            InputError: If it can't be done as asked.
            ConflictError: If the list was changed since the editor looked.
        """
        database = self._room.desk.database()
        until = asked.end(self._room.desk.live.clock(), self._room.settings.zone)
        if asked.do == "everywhere":
            return database.takedowns.put(
                person.actor, article_id=target_id, reason=asked.reason, until=until
            )
        served, _ = self._room.look()
        for known in (article_id, target_id):
            if served.build.row(known) is None:
                raise NotFoundError(f"build {served.build.name} has no article {known[:80]!r}")
        return database.overrides.put(
            person.actor,
            article_id=article_id,
            target_id=target_id,
            kind=OverrideKind.PIN if asked.do == "pin" else OverrideKind.HIDE,
            position=asked.pinned_at(),
            reason=asked.reason,
            not_related=asked.do == "unrelated",
            until=until,
            if_version=asked.looked_at(),
        )

    def act(
        self, person: Identity, article_id: str, verb: str, target_id: str, version: int | None
    ) -> Written:
        """Do what a single button asks; see :meth:`decide`."""
        database = self._room.desk.database()
        if verb in ("up", "down"):
            return self._move(person, article_id, verb, target_id, version)
        if verb == "remove":
            return database.overrides.remove(
                person.actor, article_id=article_id, target_id=target_id, if_version=version
            )
        if verb == "lift":
            return database.takedowns.lift(person.actor, article_id=target_id)
        verdict = 1 if verb == "good" else -1
        said = {
            each.target_id: each.verdict
            for each in database.judgments.of(article_id)
            if each.author == person.name
        }
        if said.get(target_id) == verdict:  # pressed again: no word any more
            return database.judgments.remove(
                person.actor, article_id=article_id, target_id=target_id
            )
        build = self._room.look()[0].build.name
        return database.judgments.put(
            person.actor, article_id=article_id, target_id=target_id, verdict=verdict, build=build
        )

    def _move(
        self, person: Identity, article_id: str, verb: str, target_id: str, version: int | None
    ) -> Written:
        served, now = self._room.look()
        row = served.build.row(article_id)
        chosen = [] if row is None else select(served, row, now=now, query=self._room.query)
        places = {served.build.article_id(item.row): at for at, item in enumerate(chosen, 1)}
        place = places.get(target_id)
        if place is None:
            raise NotFoundError(f"{target_id!r} is not among what readers see of {article_id!r}")
        below = _next_pinned(chosen, place)
        if verb == "down" and below is not None:
            # To pass a pin, lift that one: of two pins at one position the later comes first.
            target_id, position = served.build.article_id(below), place
        else:
            position = min(max(1, place + (1 if verb == "down" else -1)), len(chosen))
        stored = self.stored(article_id, target_id)
        kept = stored if stored is not None and now < stored.until else None
        return self._room.desk.database().overrides.put(
            person.actor,
            article_id=article_id,
            target_id=target_id,
            kind=OverrideKind.PIN,
            position=position,
            reason="" if kept is None else kept.reason,
            until=NEVER if kept is None else kept.until,
            if_version=version,
        )

    def stored(self, article_id: str, target_id: str) -> StoredOverride | None:
        """What was decided about a pair."""
        listed = self._room.desk.database().overrides.of(article_id).items
        return next((each for each in listed if each.target_id == target_id), None)


def _next_pinned(chosen: list[SelectedItem], place: int) -> int | None:
    """The row right below a place, if an editor pinned it."""
    below = chosen[place] if place < len(chosen) else None
    return below.row if below is not None and below.origin is Origin.PINNED else None
