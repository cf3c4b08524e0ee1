"""``/editor/history``: the audit trail, to be read, exported, and taken back entry by entry."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends
from starlette.responses import Response, StreamingResponse

from index.build.build import Build
from service.curation.audit_export import audit_json, csv_lines
from service.decisions.audit_trail import AuditEntry
from service.editor.article_page import describe_done
from service.editor.editor_context import EditorContext
from service.editor.labels import label_end, label_entry, title_of
from service.editor.page_templates import PageTemplates, page_route
from service.http.auth import Identity

PAGE = 50
_LAST = 2**53


def history_router(room: EditorContext, pages: PageTemplates) -> APIRouter:
    """The routes."""
    router = APIRouter(include_in_schema=False, route_class=page_route(pages, room.identify))
    desk = room.desk

    @router.get("/editor/history")
    def history(
        article: str = "",
        who: str = "",
        before: int = _LAST,
        done: int = 0,
        person: Identity = Depends(room.reader),
    ) -> Response:
        served = desk.find_served()
        build = None if served is None else served.build
        found = desk.database().audit.latest(
            before=min(max(before, 0), _LAST),
            limit=PAGE + 1,
            article_id=article or None,
            who=who or None,
        )
        narrowed = {name: value for name, value in (("article", article), ("who", who)) if value}
        older = {**narrowed, "before": found[PAGE - 1].seq} if len(found) > PAGE else None
        return pages.render(
            "history",
            person,
            here="history",
            entries=_lines(build, found[:PAGE]),
            about=title_of(build, article) if build is not None and article else article,
            article=article,
            who=who,
            narrowed=narrowed,
            without_article=f"/editor/history?{urlencode({'who': who})}"
            if who
            else "/editor/history",
            without_who=f"/editor/history?{urlencode({'article': article})}"
            if article
            else "/editor/history",
            older=older and f"/editor/history?{urlencode(older)}",
            notice=describe_done(room, person, done, back=""),
        )

    @router.get("/editor/history.csv", dependencies=[Depends(room.reader)])
    def export_csv() -> Response:
        lines = csv_lines(_begun(desk.database().audit.all()))
        return _download(lines, "text/csv; charset=utf-8", "history.csv")

    @router.get("/editor/history.json", dependencies=[Depends(room.reader)])
    def export_json() -> Response:
        return _download(
            _json(_begun(desk.database().audit.all())), "application/json", "history.json"
        )

    return router


def _lines(build: Build | None, entries: Sequence[AuditEntry]) -> list[dict[str, Any]]:
    """Entries, latest first; of each thing only the last that was done can be undone."""
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


def _begun(entries: Iterator[AuditEntry]) -> Iterator[AuditEntry]:
    """The same, the first looked up now: a database that is away is told, not half a file sent."""
    first = next(entries, None)
    return iter(()) if first is None else itertools.chain([first], entries)


def _json(entries: Iterator[AuditEntry]) -> Iterator[str]:
    opening = "[\n"
    for entry in entries:
        yield opening + json.dumps(audit_json(entry), ensure_ascii=False)
        opening = ",\n"
    yield "[]\n" if opening == "[\n" else "\n]\n"


def _download(lines: Iterator[str], media_type: str, name: str) -> Response:
    headers = {
        "Cache-Control": "no-store",
        "Content-Disposition": f'attachment; filename="{name}"',
    }
    return StreamingResponse(lines, media_type=media_type, headers=headers)
