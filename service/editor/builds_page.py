"""``/editor/builds``: pages to list, compare, publish and roll back builds."""

import functools
import threading
from collections.abc import Sequence
from contextlib import suppress
from typing import Annotated, Any, Literal

import numpy as np
from fastapi import APIRouter, Depends, Form
from starlette.responses import HTMLResponse, RedirectResponse, Response

from index.build.build import Build
from index.errors import GateError
from index.publishing.build_history import describe_builds, last_rollback, shown_again
from index.publishing.churn import Churn, compare
from index.query import RelatedQuery
from index.reporting.report_page import render_page
from index.root.comparison import read_comparison
from index.root.journal import read_journal
from index.root.lock import work_in_progress
from index.root.root import Root
from recommender.errors import AlsoLikeError
from recommender.visibility import utc_now
from service.clicks.comparison_findings import settings_lines
from service.curation.article_search import ArticleRow, find_article_row, read_article_row
from service.curation.waiting_pushes import tell_waiting
from service.decisions.decision_rules import MAX_REASON
from service.decisions.decision_state import DecisionState
from service.editor.editor_pages import EditorPages, page_number
from service.http.auth import Identity
from service.http.content_policy import page_policy
from service.serving.selection import SelectedItem, select
from service.serving.serving_view import ServingView

Comparison = tuple[Build, Build, Churn]
"""An older build, a newer one, and what differs between their lists."""


class BuildDiff:
    """Compares two builds, and keeps the latest comparison for further pages that show it.

    It keeps both builds open until ``forget`` is called.

    Args:
        root: The folder that holds the builds.
        query: What the site asks for by default: how many articles, and which.
    """

    def __init__(self, root: Root, query: RelatedQuery) -> None:
        self._root, self._query = root, query
        self._lock = threading.Lock()
        self._latest = functools.lru_cache(maxsize=1)(self._compare)
        self.forget = self._latest.cache_clear

    def compare(self, old: str, new: str) -> Comparison:
        """Opens two builds and compares their lists of related articles.

        Args:
            old: The name of the older build.
            new: The name of the newer build.

        Returns:
            The older build, the newer build and the comparison.

        Raises:
            NotFoundError: If a build does not exist.
            BuildError: If a build is damaged.
        """
        with self._lock:
            return self._latest(old, new)

    def _compare(self, old: str, new: str) -> Comparison:
        first, second = self._root.open(old), self._root.open(new)
        return first, second, compare(first, second, now=utc_now(), query=self._query)

    def changed(
        self, compared: Comparison, state: DecisionState, now: int, indices: Sequence[int]
    ) -> list[dict[str, Any]]:
        """Returns some articles' lists in the older and in the newer build, for the template.

        Args:
            compared: What :meth:`compare` returned.
            state: The editors' decisions, which are applied to the lists of both builds.
            now: The current time, in microseconds since 1970 UTC.
            indices: Which articles to return, as indices into the comparison's ``rows``.

        Returns:
            For each article a dictionary: the article (``item``), its list in the older build
            (``before``) and in the newer (``after``), and whether both show the ``same`` articles.
        """
        old, new, churn = compared
        before, after = ServingView(old, state), ServingView(new, state)
        changed = []
        for at in indices:
            old_row, new_row = int(churn.old_rows[at]), int(churn.rows[at])
            old_items = select(before, old_row, now=now, query=self._query)
            new_items = select(after, new_row, now=now, query=self._query)
            old_ids = [old.article_id(each.row) for each in old_items]
            new_ids = [new.article_id(each.row) for each in new_items]
            changed.append(
                {
                    "item": read_article_row(after, new_row, now),
                    "before": _positions(before, old_items, new_ids, "out", now),
                    "after": _positions(after, new_items, old_ids, "in", now),
                    "same": old_ids == new_ids,
                }
            )
        return changed


def figures(churn: Churn) -> dict[str, Any]:
    """Returns the numbers by which a page sums up the comparison of two builds, by name.

    They count the articles ``added``, ``removed``, ``hidden`` (no longer visible), ``revealed``
    (visible again) and ``rewritten`` (edited), and the lists ``compared`` and ``changed``.
    """
    return {
        "added": len(churn.added),
        "removed": len(churn.removed),
        "hidden": len(churn.hidden),
        "revealed": len(churn.revealed),
        "rewritten": churn.rewritten,
        "compared": len(churn.rows),
        "changed": int((churn.turned > 0).sum()),
    }


def _positions(
    served: ServingView, chosen: list[SelectedItem], others: list[str], moved: str, now: int
) -> list[dict[str, Any]]:
    """Returns a list's articles: each ``item``, whether it ``moved``, and is ``pinned``."""
    items = [read_article_row(served, each.row, now) for each in chosen]
    return [
        {
            "item": item,
            "moved": "" if item.article_id in others else moved,
            "pinned": each.origin == "pinned",
        }
        for item, each in zip(items, chosen, strict=True)
    ]


Reason = Annotated[str, Form(max_length=MAX_REASON)]

SHOWN = 20
"""How many articles with changed lists one page of a comparison shows."""

_NAMED = 30
"""How many of the added articles a comparison names at most, and how many of the removed ones."""


_NOTICES = {
    "published": "The build is now live.",
    "back": "The previous build is live. Publishing is paused.",
    "released": "Publishing is resumed. It starts with the next build.",
    "stop": "The comparison has ended. All readers get the live lists.",
    "publish": "The variant's build is being made. Reload this page to see when it is live.",
}


_EVENTS = {
    "build": "made the build",
    "fail": "could not make the build",
    "publish": "published the build",
    "refuse": "tried to publish the build; its checks failed",
    "force": "published the build despite failed checks",
    "rollback": "rolled back to the build",
    "release": "resumed publishing after the build",
    "compare": "began to compare the live lists with the variant",
    "compared": "ended the comparison of the variant",
}
"""What each event of the journal means, after the name of whoever did it."""

_SHOWN_EVENTS = 20


def list_events(root: Root, most: int = _SHOWN_EVENTS) -> list[dict[str, Any]]:
    """Returns the latest events of the journal of builds for a page, the latest first.

    Events of small builds are left out.

    Args:
        root: The folder that holds the builds.
        most: The largest number of events to return.

    Returns:
        For each event a dictionary: the time ``at`` (ISO 8601), ``who`` acted, what they ``did``
        (the end of a sentence), ``build`` (its name), ``reason``, and ``found`` (a message for
        each check that failed).
    """
    told = [
        {
            "at": str(line["at"]),
            "who": str(line.get("who", "")),
            "did": _EVENTS[line["event"]],
            "build": str(line.get("variant") or line.get("build", "")),
            "reason": str(line.get("reason") or ""),
            "found": line["event"] != "build"
            and (line.get("found") or list(line.get("gates", {}))),
        }
        for line in read_journal(root.path)
        if line.get("event") in _EVENTS and "at" in line and not line.get("small")
    ]
    return told[: -most - 1 : -1]


def builds_page_router(pages: EditorPages) -> APIRouter:
    """Returns the routes of the pages about builds."""
    router, root, actions = pages.router(), pages.context.root, pages.context.builds
    diff = BuildDiff(root, pages.context.query)
    pages.context.live.forgetful.append(diff.forget)

    @router.get("/editor/builds")
    def overview(done: str = "", person: Identity = Depends(pages.reader)) -> Response:
        builds = describe_builds(root)
        # A small build is listed only if something sets it apart.
        builds["items"] = [
            each for each in reversed(builds["items"]) if not each.get("small") or each["state"]
        ]
        builds["days"].reverse()
        waiting: list[str] = []
        with suppress(AlsoLikeError):  # every page says so if the database can't be read
            waiting = tell_waiting(root, pages.context.database())
        return pages.render(
            "builds",
            person,
            admin=person.role == "admin",
            builds=builds,
            notice=_NOTICES.get(done, ""),
            again=_shown_again(pages) if done in ("back", "published") else [],
            waiting=waiting,
            events=list_events(root),
            working=work_in_progress(root.path),
            comparison=_comparison(pages),
        )

    @router.get("/editor/builds/changes")
    def changes(
        new: str, old: str = "", page: str = "1", person: Identity = Depends(pages.reader)
    ) -> Response:
        view, now = pages.view()
        number = page_number(page)
        before, after, churn = diff.compare(old or view.build.name, new)
        order = np.lexsort((churn.rows, -churn.replaced))
        indices: list[int] = order[churn.replaced[order] > 0].tolist()  # the most changed first
        first = (number - 1) * SHOWN
        shown = indices[first : first + SHOWN]
        return pages.render(
            "changes",
            person,
            here="builds",
            old=before.name,
            new=after.name,
            figures=figures(churn),
            added=_rows(after, churn.added[:_NAMED].tolist(), now),
            removed=_rows(before, churn.removed[:_NAMED].tolist(), now),
            hidden=_rows(after, churn.hidden[:_NAMED].tolist(), now),
            revealed=_rows(after, churn.revealed[:_NAMED].tolist(), now),
            changed=diff.changed((before, after, churn), view.state, now, shown),
            page=number,
            further=first + SHOWN < len(indices),
        )

    @router.get("/editor/builds/report")
    def report(build: str, person: Identity = Depends(pages.reader)) -> Response:
        found, header = root.open(build), pages.templates.header(person, here="builds")
        page = render_page(found.manifest, found.report(), pages="/editor", header=header)
        # No script may run, as from a build only figures and texts are taken, which are escaped.
        policy = {"Content-Security-Policy": page_policy(page, more="img-src data:")}
        return HTMLResponse(pages.templates.below_prefix(page.encode()), headers=policy)

    @router.get("/editor/builds/publish")
    def confirm(build: str, person: Identity = Depends(pages.admin_reader)) -> Response:
        return _confirm(pages, diff, person, build)

    @router.post("/editor/builds/publish")
    def publish(
        build: Annotated[str, Form()],
        reason: Reason = "",
        accept_change: Annotated[str, Form()] = "",
        force: Annotated[str, Form()] = "",
        person: Identity = Depends(pages.admin_writer),
    ) -> Response:
        accepts, forces = bool(accept_change), bool(force)
        try:
            actions.publish(person, build, accept_change=accepts, force=forces, reason=reason)
        except GateError as error:
            return _confirm(pages, diff, person, build, reason=reason, problem=str(error))
        return RedirectResponse("/editor/builds?done=published", 303)

    _add_actions(router, pages)
    return router


def _add_actions(router: APIRouter, pages: EditorPages) -> None:
    """Adds the routes of the forms on the page of builds."""
    actions = pages.context.builds

    @router.post("/editor/builds/rollback")
    def rollback(
        reason: Reason = "",
        full: Annotated[str, Form()] = "",
        person: Identity = Depends(pages.admin_writer),
    ) -> Response:
        actions.roll_back(person, reason=reason, full=bool(full))
        return RedirectResponse("/editor/builds?done=back", 303)

    @router.post("/editor/builds/release")
    def release(reason: Reason = "", person: Identity = Depends(pages.admin_writer)) -> Response:
        actions.release(person, reason=reason)
        return RedirectResponse("/editor/builds?done=released", 303)

    @router.post("/editor/builds/comparison")
    def end_comparison(
        decision: Annotated[Literal["stop", "publish"], Form()],
        reason: Reason = "",
        person: Identity = Depends(pages.admin_writer),
    ) -> Response:
        if decision == "stop":
            actions.stop_comparison(person, reason=reason)
        else:
            actions.start_publishing_variant(person, reason=reason)
        return RedirectResponse(f"/editor/builds?done={decision}", 303)


def _comparison(pages: EditorPages) -> dict[str, Any] | None:
    """Returns the variant that is compared, and what was found out; ``None`` if none is."""
    path = pages.context.root.path
    try:
        if (state := read_comparison(path)) is None:
            return None
        found = list(pages.comparison.find().sentences())
    except AlsoLikeError as error:
        why = getattr(error, "public", error)
        return {"variant": "", "found": [f"The comparison can't be shown: {why}."]}
    return {"variant": state.variant, "found": found, "settings": "\n".join(settings_lines(state))}


def _confirm(
    pages: EditorPages,
    diff: BuildDiff,
    person: Identity,
    name: str,
    *,
    reason: str = "",
    problem: str = "",
) -> Response:
    """Renders the page with the form to publish a build, and what publishing it would change.

    Args:
        pages: What all editors' pages share: templates, access checks, the published build.
        diff: Compares builds.
        person: The signed-in admin.
        name: The name of the build.
        reason: The reason that the admin entered already, if any.
        problem: Why the build was not published; empty when the form is opened.
    """
    root = pages.context.root
    build, pointer = root.open(name), root.current()
    compared = None
    if pointer is not None and pointer.build != name:
        with suppress(AlsoLikeError):  # if the published build is damaged, another is needed
            compared = figures(diff.compare(pointer.build, name)[2])
    return pages.render(
        "publish",
        person,
        here="builds",
        status=409 if problem else 200,
        manifest=build.manifest,
        visible=bool(build.visible(utc_now()).any()),
        gates=build.report()["gates"],
        held=None if pointer is None else pointer.held,
        live=None if pointer is None else pointer.build,
        compared=compared,
        undone=last_rollback(root, name),
        reason=reason,
        problem=problem,
    )


def _shown_again(pages: EditorPages) -> list[ArticleRow]:
    """Returns the first articles that going back to an older build shows to readers again."""
    view, now = pages.view()
    ids = shown_again(pages.context.root, now=now)[:_NAMED]
    return [row for row in (find_article_row(view, each, now) for each in ids) if row is not None]


def _rows(build: Build, rows: list[int], now: int) -> list[ArticleRow]:
    view = ServingView(build)
    return [read_article_row(view, row, now) for row in rows]
