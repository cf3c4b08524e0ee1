"""``/editor/history``: a page with the audit trail, downloads, and buttons to undo decisions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends
from starlette.responses import Response

from index.build.build import Build
from service.curation.article_search import read_title
from service.decisions.audit_trail import AuditEntry
from service.editor.article_page import describe_done
from service.editor.editor_pages import EditorPages
from service.editor.labels import label_end, label_entry
from service.http.audit_export import download
from service.http.auth import Identity

PAGE = 50
_LAST = 2**53


def history_router(pages: EditorPages) -> APIRouter:
    """Returns the routes of the history page and of the downloads of the audit trail."""
    router = pages.router()
    context = pages.context

    @router.get("/editor/history")
    def history(
        article: str = "",
        who: str = "",
        before: int = _LAST,
        done: int = 0,
        person: Identity = Depends(pages.reader),
    ) -> Response:
        view = context.view_or_none()
        build = None if view is None else view.build
        entries = context.database().audit.latest(
            before=min(max(before, 0), _LAST),
            limit=PAGE + 1,
            article_id=article or None,
            who=who or None,
        )
        narrowed = {name: value for name, value in (("article", article), ("who", who)) if value}
        older = {**narrowed, "before": entries[PAGE - 1].seq} if len(entries) > PAGE else None
        return pages.render(
            "history",
            person,
            here="history",
            entries=_lines(build, entries[:PAGE]),
            about=read_title(build, article) if build is not None and article else article,
            article=article,
            who=who,
            narrowed=narrowed,
            without_article=_address({"who": who} if who else {}),
            without_who=_address({"article": article} if article else {}),
            older=older and _address(older),
            notice=describe_done(pages, person, done, back=""),
        )

    @router.get("/editor/history.csv", dependencies=[Depends(pages.reader)])
    def export_csv() -> Response:
        return download(context.database().audit.all(), "history.csv")

    @router.get("/editor/history.json", dependencies=[Depends(pages.reader)])
    def export_json() -> Response:
        return download(context.database().audit.all(), "history.json")

    return router


def _lines(build: Build | None, entries: Sequence[AuditEntry]) -> list[dict[str, Any]]:
    """Returns for each audit entry a dictionary of values for the history page's template.

    Only the latest decision on the same pin, hide, takedown or judgment gets a button to undo it.

    Args:
        build: The build that titles are read from; with ``None`` ids are shown instead.
        entries: The audit entries, latest first.
    """
    touched: set[tuple[str, ...]] = set()
    lines = []
    for entry in entries:
        thing = entry.action.partition(".")[0]
        author = str((entry.after or entry.before or {}).get("author", ""))
        key = (thing, entry.article_id, entry.target_id, author if thing == "judgment" else "")
        lines.append(
            {
                "entry": entry,
                "sentence": label_entry(build, entry),
                "end": label_end(entry),
                "list": entry.article_id
                if build is not None
                and entry.article_id
                and build.row(entry.article_id) is not None
                else "",
                "undo": key not in touched and thing in ("override", "takedown", "judgment"),
            }
        )
        touched.add(key)
    return lines


def _address(parameters: Mapping[str, object]) -> str:
    return f"/editor/history?{urlencode(parameters)}" if parameters else "/editor/history"
