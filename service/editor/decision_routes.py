"""The forms to pin, hide, take down, judge and undo; each leads back to the list it changed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Form
from starlette.responses import RedirectResponse, Response

from recommender.errors import InputError, NotFoundError
from service.decisions.decision_store import Written
from service.editor.article_page import show_article
from service.editor.conflicts import describe_conflict
from service.editor.decision_form import DO, DecisionForm, ask_again, read_number
from service.editor.decision_writer import VERBS, DecisionWriter
from service.editor.editor_context import EditorContext
from service.editor.labels import label_article, title_of
from service.editor.page_templates import PageTemplates, page_route
from service.errors import ConflictError
from service.http.auth import Identity
from service.http.problems import ProblemError
from service.serving.selection import select
from service.serving.visibility_status import VisibilityStatus


class DecisionRoutes:
    """Brings up forms, and carries out what they ask for.

    Args:
        room: Where to look and to write.
        pages: Renders what can't be done.
    """

    def __init__(self, room: EditorContext, pages: PageTemplates) -> None:
        self._room, self._pages = room, pages
        self.decider = DecisionWriter(room)

    def carry_out(
        self,
        person: Identity,
        article_id: str,
        do: Callable[[], Written],
        *,
        wanted: str,
        action: str,
        fields: Mapping[str, str],
    ) -> Response:
        """Write, then lead back to the list; or show what a second editor needs to know.

        Args:
            person: Who decides.
            article_id: Whose list is shown afterwards.
            do: Writes.
            wanted: What it does, as the end of a sentence.
            action: Where the form leads that asked for it.
            fields: What that form sent.
        """
        try:
            written = do()
        except ConflictError:
            served, _ = self._room.look()
            conflict = describe_conflict(
                self._room.desk.database(),
                served.build,
                article_id,
                seen=read_number(fields.get("seen", "")),
                wanted=wanted,
                action=action,
                fields={**fields, "csrf": person.csrf},
            )
            return show_article(
                self._room, self._pages, person, article_id, status=409, conflict=conflict
            )
        self._room.desk.live.refresh()
        return back_to(article_id, written.seq)

    def title(self, article_id: str) -> str:
        """An article's title, or its id."""
        served = self._room.desk.find_served()
        return article_id if served is None else title_of(served.build, article_id)

    def ask(
        self, article_id: str, target_id: str, do: str, version: str, seen: str
    ) -> DecisionForm:
        """The form as it comes up first.

        Raises:
            ProblemError: If that can't be done at all.
        """
        if do not in DO:
            raise ProblemError(422, f"nobody can {do[:20]!r} here", field="do")
        room = self._room
        served, now = room.look()
        row = served.build.row(article_id)
        chosen = [] if row is None else select(served, row, now=now, query=room.query)
        places = {served.build.article_id(item.row): at for at, item in enumerate(chosen, 1)}
        zone, place = room.settings.zone, places.get(target_id, 1)
        asked = ask_again(
            self.decider.stored(article_id, target_id), do, now=now, zone=zone, position=place
        )
        if not version:  # opened by itself: what is there now is what is seen
            version = str(room.desk.database().overrides.of(article_id).version)
        return replace(asked, version=version, seen=seen)

    def form(
        self,
        person: Identity,
        article_id: str,
        target_id: str,
        asked: DecisionForm,
        problem: str = "",
    ) -> Response:
        """The page with the form for one decision."""
        served, now = self._room.look()
        rows = [served.build.row(each) for each in (article_id, target_id)]
        if rows[0] is None or rows[1] is None:
            raise NotFoundError(f"build {served.build.name} has no such article")
        item, target = (label_article(served, row, now) for row in rows if row is not None)
        pin, same = asked.do == "pin", article_id == target_id
        unseen = pin and target.standing is not VisibilityStatus.VISIBLE
        return self._pages.render(
            "decide",
            person,
            here="find",
            status=422 if problem else 200,
            heading="Pin" if pin else "Take down" if same else "Hide",
            verb="Pin" if pin else "Take down" if same else "Hide",
            choose="pin" if pin else "hide",
            same=same,
            item=item,
            target=target,
            form=asked,
            problem=problem,
            warning=f"Readers can't see it now ({target.standing.replace('-', ' ')}): the pin "
            "takes effect once they can."
            if unseen
            else "",
            zone=self._room.settings.timezone,
        )


def decision_router(room: EditorContext, pages: PageTemplates) -> APIRouter:
    """The routes."""
    router = APIRouter(include_in_schema=False, route_class=page_route(pages, room.identify))
    steering = DecisionRoutes(room, pages)

    @router.get("/editor/decide")
    def form(
        id: str = "",
        target: str = "",
        do: str = "pin",
        version: str = "",
        seen: str = "",
        person: Identity = Depends(room.reader),
    ) -> Response:
        return steering.form(person, id, target, steering.ask(id, target, do, version, seen))

    @router.post("/editor/decide")
    def decide(
        article_id: Annotated[str, Form()],
        target_id: Annotated[str, Form()],
        do: Annotated[str, Form()],
        position: Annotated[str, Form()] = "",
        reason: Annotated[str, Form()] = "",
        ends: Annotated[str, Form()] = "never",
        until: Annotated[str, Form()] = "",
        version: Annotated[str, Form()] = "",
        seen: Annotated[str, Form()] = "",
        person: Identity = Depends(room.writer),
    ) -> Response:
        if do not in DO:
            raise ProblemError(422, f"nobody can {do[:20]!r} here", field="do")
        asked = DecisionForm(
            do=do,
            position=position.strip(),
            reason=reason.replace("\r\n", "\n").strip(),
            ends=ends,
            until=until,
            version=version,
            seen=seen,
        )
        fields = {"article_id": article_id, "target_id": target_id, **_fields(asked)}
        try:
            return steering.carry_out(
                person,
                article_id,
                lambda: steering.decider.decide(person, article_id, target_id, asked),
                wanted=asked.wording(steering.title(target_id)),
                action="/editor/decide",
                fields=fields,
            )
        except InputError as error:
            return steering.form(person, article_id, target_id, asked, problem=_sentence(error))

    @router.post("/editor/steer")
    def steer(
        article_id: Annotated[str, Form()],
        act: Annotated[str, Form()],
        version: Annotated[str, Form()] = "",
        seen: Annotated[str, Form()] = "",
        person: Identity = Depends(room.writer),
    ) -> Response:
        verb, _, target_id = act.partition(" ")
        if verb not in VERBS or not target_id:
            raise ProblemError(422, f"nobody can {verb[:20]!r} here", field="act")
        wordings = {
            "up": "move “{}” up",
            "down": "move “{}” down",
            "remove": "remove what was decided about “{}”",
        }
        return steering.carry_out(
            person,
            article_id,
            lambda: steering.decider.act(person, article_id, verb, target_id, read_number(version)),
            wanted=wordings.get(verb, "judge “{}”").format(steering.title(target_id)),
            action="/editor/steer",
            fields={"article_id": article_id, "act": act, "version": version, "seen": seen},
        )

    @router.post("/editor/undo")
    def undo(
        seq: Annotated[int, Form()],
        back: Annotated[str, Form()] = "",
        person: Identity = Depends(room.writer),
    ) -> Response:
        try:
            written = room.desk.database().undo(person.actor, seq)
        except ConflictError as error:
            raise ProblemError(409, _sentence(error)) from None
        room.desk.live.refresh()
        return back_to(back, written.seq)

    return router


def back_to(article_id: str, seq: int) -> Response:
    """To the list that was changed, or to the history; there it is told what was done."""
    if article_id:
        return RedirectResponse(
            f"/editor/article?{urlencode({'id': article_id, 'done': seq})}", 303
        )
    return RedirectResponse(f"/editor/history?done={seq}", 303)


def _fields(asked: DecisionForm) -> dict[str, Any]:
    return {name: getattr(asked, name) for name in DecisionForm.__slots__}


def _sentence(error: Exception) -> str:
    text = str(error)
    return f"{text[:1].upper()}{text[1:]}."
