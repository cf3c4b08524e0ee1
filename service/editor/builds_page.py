"""``/editor/builds``: what is live, what waits and why, what would change; publish and go back."""

from __future__ import annotations

import base64
import hashlib
import re
from typing import Annotated

from fastapi import APIRouter, Depends, Form
from starlette.responses import HTMLResponse, RedirectResponse, Response

from index.build.build import Build
from index.errors import GateError
from index.publishing.build_history import describe_builds
from index.reporting.report_page import PAGE as REPORT_PAGE
from recommender.errors import AlsoLikeError
from service.api.build_routes import at_work
from service.curation.golden_gate import publish_as_set
from service.editor.build_diff import BuildDiff, figures, most_changed
from service.editor.editor_context import EditorContext
from service.editor.labels import ArticleLabel, label_article
from service.editor.page_templates import HEADERS, PageTemplates, page_route, whole_number
from service.http.auth import Identity
from service.serving.serving_view import ServingView

SHOWN = 20
"""How many changed lists a page compares."""

_NAMED = 30


class Builds:
    """What the pages say of builds.

    Args:
        room: Where to look.
        pages: Renders them.
    """

    def __init__(self, room: EditorContext, pages: PageTemplates) -> None:
        self._room, self._pages, self._root = room, pages, room.desk.root
        self.differ = BuildDiff(self._root, room.query)

    def overview(self, person: Identity, notice: str) -> Response:
        """All builds, newest first."""
        told = describe_builds(self._root)
        told["items"].reverse()
        rollback = next((i["build"] for i in told["items"] if i["state"] == "rollback"), None)
        return self._pages.render(
            "builds",
            person,
            here="builds",
            admin=person.role == "admin",
            told=told,
            rollback=rollback,
            notice=_NOTICES.get(notice, ""),
        )

    def changes(self, person: Identity, old: str, new: str, page: int) -> Response:
        """Two builds side by side."""
        served, now = self._room.look()
        before, after, churn = self.differ.compare(old or served.build.name, new)
        places = most_changed(churn)
        first = (page - 1) * SHOWN
        rows = places[first : first + SHOWN]
        state = served.state
        return self._pages.render(
            "changes",
            person,
            here="builds",
            old=before.name,
            new=after.name,
            figures=figures(churn),
            added=_named(after, churn.added[:_NAMED].tolist(), now),
            removed=_named(before, churn.removed[:_NAMED].tolist(), now),
            changed=self.differ.changed(before, after, churn, state, now, rows),
            page=page,
            further=first + SHOWN < len(places),
        )

    def confirm(
        self, person: Identity, name: str, *, reason: str = "", problem: str = ""
    ) -> Response:
        """The form for making a build live."""
        build = self._root.open(name)
        pointer = self._root.current()
        compared = None
        if pointer is not None and pointer.build != name:
            try:
                compared = figures(self.differ.compare(pointer.build, name)[2])
            except AlsoLikeError:  # what is live is damaged: publishing is what repairs it
                compared = None
        return self._pages.render(
            "publish",
            person,
            here="builds",
            status=409 if problem else 200,
            manifest=build.manifest,
            gates=build.report()["gates"],
            held=None if pointer is None else pointer.held,
            live=None if pointer is None else pointer.build,
            compared=compared,
            reason=reason,
            problem=problem,
        )

    def report(self, name: str) -> Response:
        """The page that was made with a build, shut off from everything around it."""
        page = self._root.open(name).checked(REPORT_PAGE).read_text()
        policy = (
            "sandbox allow-scripts; default-src 'none'; frame-ancestors 'none'; "
            f"style-src {_hashes(page, 'style')}; script-src {_hashes(page, 'script')}"
        )
        return HTMLResponse(page, headers=HEADERS | {"Content-Security-Policy": policy})


_NOTICES = {
    "published": "The build is live.",
    "back": "The build before is live again; publishing is held until it is released.",
    "released": "Builds can be published again.",
}


def builds_page_router(room: EditorContext, pages: PageTemplates) -> APIRouter:
    """The routes that look."""
    router = APIRouter(include_in_schema=False, route_class=page_route(pages, room.identify))
    builds = Builds(room, pages)

    @router.get("/editor/builds")
    def overview(done: str = "", person: Identity = Depends(room.reader)) -> Response:
        return builds.overview(person, done)

    @router.get("/editor/builds/changes")
    def changes(
        new: str, old: str = "", page: str = "1", person: Identity = Depends(room.reader)
    ) -> Response:
        return builds.changes(person, old, new, whole_number("page", page))

    @router.get("/editor/builds/report", dependencies=[Depends(room.reader)])
    def report(build: str) -> Response:
        return builds.report(build)

    _add_writes(router, room, builds)
    return router


def _add_writes(router: APIRouter, room: EditorContext, builds: Builds) -> None:
    """The routes that only an admin may use."""
    root, live = room.desk.root, room.desk.live

    @router.get("/editor/builds/publish")
    def confirm(build: str, person: Identity = Depends(room.admin_looking)) -> Response:
        return builds.confirm(person, build)

    @router.post("/editor/builds/publish")
    def publish(
        build: Annotated[str, Form()],
        reason: Annotated[str, Form(max_length=1_000)] = "",
        accept_change: Annotated[str, Form()] = "",
        force: Annotated[str, Form()] = "",
        person: Identity = Depends(room.admin),
    ) -> Response:
        try:
            with at_work(root, person, "publish"):
                publish_as_set(
                    root,
                    build,
                    room.settings,
                    accept_change=bool(accept_change),
                    force=bool(force),
                    reason=reason,
                )
        except GateError as error:
            return builds.confirm(person, build, reason=reason, problem=str(error))
        live.refresh()
        return RedirectResponse("/editor/builds?done=published", 303)

    @router.post("/editor/builds/rollback")
    def rollback(
        reason: Annotated[str, Form(max_length=1_000)] = "", person: Identity = Depends(room.admin)
    ) -> Response:
        with at_work(root, person, "rollback"):
            root.rollback(reason=reason)
        live.refresh()
        return RedirectResponse("/editor/builds?done=back", 303)

    @router.post("/editor/builds/release")
    def release(
        reason: Annotated[str, Form(max_length=1_000)] = "", person: Identity = Depends(room.admin)
    ) -> Response:
        with at_work(root, person, "release"):
            root.release(reason=reason)
        return RedirectResponse("/editor/builds?done=released", 303)


def _named(build: Build, rows: list[int], now: int) -> list[ArticleLabel]:
    served = ServingView(build)
    return [label_article(served, row, now) for row in rows]


def _hashes(page: str, element: str) -> str:
    """The sources of a policy that allow just these inline elements."""
    found = re.findall(rf"<{element}[^>]*>(.*?)</{element}>", page, re.DOTALL)
    digests = [base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in found]
    return " ".join(f"'sha256-{digest}'" for digest in digests) or "'none'"
