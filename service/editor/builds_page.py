"""``/editor/builds``: pages to list, compare, publish and roll back builds."""

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
from service.curation.article_row import ArticleRow, read_article_row
from service.editor.build_diff import BuildDiff, figures, most_changed
from service.editor.editor_pages import EditorPages, whole_number
from service.editor.page_templates import HEADERS
from service.http.auth import Identity
from service.serving.serving_view import ServingView

SHOWN = 20
"""How many articles with changed lists one page of a comparison shows."""

_NAMED = 30
"""How many of the added articles a comparison names at most, and how many of the removed ones."""


class Builds:
    """Renders the pages about builds: the overview, the comparison of two, the form to publish.

    Args:
        pages: What all editors' pages share: templates, access checks, the published build.
    """

    def __init__(self, pages: EditorPages) -> None:
        self._pages, self._root = pages, pages.context.root
        self.diff = BuildDiff(self._root, pages.context.query)

    def overview(self, person: Identity, notice: str) -> Response:
        """Renders the page that lists all builds, newest first.

        Args:
            person: The signed-in editor.
            notice: What was just done: ``published``, ``back`` (rolled back) or ``released``
                (publishing allowed again); anything else for nothing.
        """
        builds = describe_builds(self._root)
        builds["items"].reverse()
        states = {item["state"]: item["build"] for item in builds["items"]}
        return self._pages.render(
            "builds",
            person,
            here="builds",
            admin=person.role == "admin",
            builds=builds,
            rollback=states.get("rollback"),
            notice=_NOTICES.get(notice, ""),
        )

    def changes(self, person: Identity, old: str, new: str, page: int) -> Response:
        """Renders one page of a comparison of two builds: the articles whose lists changed.

        Args:
            person: The signed-in editor.
            old: The name of the older build; empty for the published one.
            new: The name of the newer build.
            page: The number of the page, from 1.
        """
        view, now = self._pages.view()
        before, after, churn = self.diff.compare(old or view.build.name, new)
        indices = most_changed(churn)
        first = (page - 1) * SHOWN
        return self._pages.render(
            "changes",
            person,
            here="builds",
            old=before.name,
            new=after.name,
            figures=figures(churn),
            added=_rows(after, churn.added[:_NAMED].tolist(), now),
            removed=_rows(before, churn.removed[:_NAMED].tolist(), now),
            changed=self.diff.changed(
                before, after, churn, view.state, now, indices[first : first + SHOWN]
            ),
            page=page,
            further=first + SHOWN < len(indices),
        )

    def confirm(
        self, person: Identity, name: str, *, reason: str = "", problem: str = ""
    ) -> Response:
        """Renders the page with the form to publish a build, and what publishing it would change.

        Args:
            person: The signed-in admin.
            name: The name of the build.
            reason: The reason that the admin entered already, if any.
            problem: Why the build was not published; empty when the form is opened.
        """
        build = self._root.open(name)
        pointer = self._root.current()
        compared = None
        if pointer is not None and pointer.build != name:
            try:
                compared = figures(self.diff.compare(pointer.build, name)[2])
            except AlsoLikeError:  # the published build is damaged, so another must be published
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
        """Returns the report that was written when a build was made, as an HTML page.

        The response's content security policy allows only the styles and scripts inside the page.

        Args:
            name: The name of the build.
        """
        page = self._root.open(name).checked(REPORT_PAGE).read_text()
        policy = (
            "sandbox allow-scripts; default-src 'none'; frame-ancestors 'none'; "
            f"style-src {_hashes(page, 'style')}; script-src {_hashes(page, 'script')}"
        )
        return HTMLResponse(page, headers=HEADERS | {"Content-Security-Policy": policy})


_NOTICES = {
    "published": "The build is now live.",
    "back": "The previous build is live again. Publishing is on hold until an admin allows it.",
    "released": "Publishing is allowed again.",
}


def builds_page_router(pages: EditorPages) -> APIRouter:
    """Returns the routes of the pages about builds."""
    router = pages.router()
    builds = Builds(pages)

    @router.get("/editor/builds")
    def overview(done: str = "", person: Identity = Depends(pages.reader)) -> Response:
        return builds.overview(person, done)

    @router.get("/editor/builds/changes")
    def changes(
        new: str, old: str = "", page: str = "1", person: Identity = Depends(pages.reader)
    ) -> Response:
        return builds.changes(person, old, new, whole_number("page", page))

    @router.get("/editor/builds/report", dependencies=[Depends(pages.reader)])
    def report(build: str) -> Response:
        return builds.report(build)

    _add_admin_routes(router, pages, builds)
    return router


def _add_admin_routes(router: APIRouter, pages: EditorPages, builds: Builds) -> None:
    """Adds the routes that only an admin may use: publish, roll back, allow publishing again."""
    actions = pages.context.builds

    @router.get("/editor/builds/publish")
    def confirm(build: str, person: Identity = Depends(pages.admin_reader)) -> Response:
        return builds.confirm(person, build)

    @router.post("/editor/builds/publish")
    def publish(
        build: Annotated[str, Form()],
        reason: Annotated[str, Form(max_length=1_000)] = "",
        accept_change: Annotated[str, Form()] = "",
        force: Annotated[str, Form()] = "",
        person: Identity = Depends(pages.admin_writer),
    ) -> Response:
        try:
            actions.publish(
                person.actor,
                build,
                accept_change=bool(accept_change),
                force=bool(force),
                reason=reason,
            )
        except GateError as error:
            return builds.confirm(person, build, reason=reason, problem=str(error))
        return RedirectResponse("/editor/builds?done=published", 303)

    @router.post("/editor/builds/rollback")
    def rollback(
        reason: Annotated[str, Form(max_length=1_000)] = "",
        person: Identity = Depends(pages.admin_writer),
    ) -> Response:
        actions.roll_back(person.actor, reason=reason)
        return RedirectResponse("/editor/builds?done=back", 303)

    @router.post("/editor/builds/release")
    def release(
        reason: Annotated[str, Form(max_length=1_000)] = "",
        person: Identity = Depends(pages.admin_writer),
    ) -> Response:
        actions.release(person.actor, reason=reason)
        return RedirectResponse("/editor/builds?done=released", 303)


def _rows(build: Build, rows: list[int], now: int) -> list[ArticleRow]:
    view = ServingView(build)
    return [read_article_row(view, row, now) for row in rows]


def _hashes(page: str, element: str) -> str:
    """Returns what a content security policy needs to allow a page's inline scripts or styles.

    Args:
        page: The HTML of the page.
        element: The name of the element, ``script`` or ``style``.

    Returns:
        The hash of each such element in the page, such as ``'sha256-47DEQpj8…='``, separated by
        spaces; ``'none'`` if there is no such element.
    """
    found = re.findall(rf"<{element}[^>]*>(.*?)</{element}>", page, re.DOTALL)
    digests = [base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in found]
    return " ".join(f"'sha256-{digest}'" for digest in digests) or "'none'"
