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
"""The number of changed lists on one page."""

_NAMED = 30
"""The largest number of added and of removed articles that a page names."""


class Builds:
    """Renders the pages about builds.

    Args:
        pages: What all editors' pages share: templates, access checks, the live build.
    """

    def __init__(self, pages: EditorPages) -> None:
        self._pages, self._root = pages, pages.context.root
        self.diff = BuildDiff(self._root, pages.context.query)

    def overview(self, person: Identity, notice: str) -> Response:
        """Renders the page with all builds, newest first.

        Args:
            person: The signed-in editor.
            notice: A sentence that says what was just done; empty if nothing was.
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
        """Renders one page of the comparison of two builds, which shows whose lists changed."""
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
        """Renders the form to publish a build.

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
            except AlsoLikeError:  # the live build is damaged; publishing must still work
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
        """Returns the report about a build, as an HTML page.

        The page's content security policy allows only the styles and scripts inside the page.
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
    """Returns the routes of the builds pages."""
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
    """Adds the routes that only an admin may use."""
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
        The hash of each such element in the page, separated by spaces.
    """
    found = re.findall(rf"<{element}[^>]*>(.*?)</{element}>", page, re.DOTALL)
    digests = [base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in found]
    return " ".join(f"'sha256-{digest}'" for digest in digests) or "'none'"
