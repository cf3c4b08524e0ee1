"""``/editor/history``: lists decisions and events of builds, with undo and downloads."""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Depends
from starlette.responses import Response

from index.build.build import Build
from recommender.visibility import microseconds
from service.curation.article_search import read_title
from service.decisions.audit_trail import UNDONE, AuditEntry, further_key
from service.editor.article_page import describe_done
from service.editor.builds_page import list_events
from service.editor.editor_pages import EditorPages
from service.editor.labels import label_end, label_entry
from service.http.audit_export import download
from service.http.auth import Identity

PAGE = 50
_BUILDS = 500
"""How many events of builds the page looks at, the latest."""

_LAST = 2**53


def history_router(pages: EditorPages) -> APIRouter:
    """Returns the routes of the history page and of the downloads of the audit trail."""
    router = pages.router()
    context = pages.context

    @router.get("/editor/history")
    def history(
        article: str = "",
        who: str = "",
        what: Literal["", "decisions", "builds"] = "",
        before: int = _LAST,
        done: str = "",
        person: Identity = Depends(pages.reader),
    ) -> Response:
        view = context.view_or_none()
        build = None if view is None else view.build
        audit, before = context.database().audit, min(max(before, 0), _LAST)
        entries = []
        if what != "builds":
            entries = audit.latest(
                before=before, limit=PAGE + 1, article_id=article or None, who=who or None
            )
        given = (("article", article), ("who", who), ("what", what))
        narrowed = {name: value for name, value in given if value}
        older = {**narrowed, "before": entries[PAGE - 1].seq} if len(entries) > PAGE else None
        lines = _lines(build, entries[:PAGE])
        if what != "decisions" and not article:
            newer = audit.get(before) if before < _LAST else None
            since = entries[PAGE - 1].at if older else 0
            until = newer.at if newer else _LAST
            for event in list_events(context.root, _BUILDS):
                at = microseconds(dt.datetime.fromisoformat(event["at"]))
                if since <= at < until and who in ("", *_names(event["who"])):
                    lines.append({"at": at, "event": event})
            lines.sort(key=lambda line: -line["at"])
        return pages.render(
            "history",
            person,
            entries=lines,
            about=read_title(build, article) if build is not None and article else article,
            article=article,
            who=who,
            what=what,
            narrowed=narrowed,
            without={
                name: _address({other: narrowed[other] for other in narrowed if other != name})
                for name, _ in given
            },
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

    Of the decisions on the same pin, hide, takedown or judgment, those get a button to undo them
    that left it as it is now: the latest, and an earlier one if all after it were undone.

    Args:
        build: The build that titles are read from; with ``None`` ids are shown instead.
        entries: The audit entries, latest first.
    """
    now: dict[tuple[str, ...], Mapping[str, Any] | None] = {}
    lines = []
    for entry in entries:
        thing = entry.action.partition(".")[0]
        further = further_key(thing, entry.before, entry.after).values()
        key = (thing, entry.article_id, entry.target_id, *further)
        lines.append(
            {
                "at": entry.at,
                "entry": entry,
                "sentence": label_entry(build, entry),
                "end": label_end(entry),
                "list": entry.article_id
                if build is not None
                and entry.article_id
                and build.row(entry.article_id) is not None
                else "",
                "undo": thing in UNDONE and now.setdefault(key, entry.after) == entry.after,
            }
        )
    return lines


def _names(who: str) -> tuple[str, str]:
    """Returns a name in the journal as it is, and without how its owner signed in, if it says so.

    For ``mira (session)``, the second is ``mira``, as in the audit trail.
    """
    return who, who.rpartition(" (")[0] or who


def _address(parameters: Mapping[str, object]) -> str:
    return f"/editor/history?{urlencode(parameters)}" if parameters else "/editor/history"
