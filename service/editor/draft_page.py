"""``/editor/drafts``: the related list of a text before it is published."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Request
from pydantic import ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from recommender.errors import ArticleError
from service.api.draft_models import DraftRequest
from service.api.draft_routes import Drafts
from service.curation.article_search import SearchQuery
from service.editor.editor_context import EditorContext
from service.editor.labels import label_article
from service.editor.page_templates import PageTemplates, page_route
from service.http.auth import Identity
from service.http.problems import ProblemError
from service.serving.visibility_status import VisibilityStatus

_WAITING = 30


def draft_page_router(room: EditorContext, pages: PageTemplates, drafts: Drafts) -> APIRouter:
    """The routes."""
    router = APIRouter(include_in_schema=False, route_class=page_route(pages, room.identify))

    def page(person: Identity, given: dict[str, str], **more: Any) -> Response:
        values = {"problem": "", "answer": None, "waiting": _unpublished(room), "given": given}
        status = more.pop("status", 200)
        return pages.render("drafts", person, here="drafts", status=status, **values | more)

    @router.get("/editor/drafts")
    def form(person: Identity = Depends(room.reader)) -> Response:
        return page(person, {"title": "", "text": "", "language": ""})

    @router.post("/editor/drafts")
    async def relate(
        request: Request,
        title: Annotated[str, Form()] = "",
        text: Annotated[str, Form()] = "",
        language: Annotated[str, Form()] = "",
        person: Identity = Depends(room.writer),
    ) -> Response:
        given = {"title": title, "text": text, "language": language}
        try:
            drafts.take(request)
            title = title.strip() or _first_line(text)
            fields = {"title": title, "summary": text, "language": language.strip() or None}
            asked = DraftRequest.model_validate(fields)
            served, found = await drafts.relate(request, asked)
        except ValidationError as error:
            first = error.errors()[0]
            field = str(first["loc"][0]).replace("summary", "text")
            return await run_in_threadpool(
                page, person, given, problem=f"{field}: {first['msg']}", status=422
            )
        except (ProblemError, ArticleError) as error:
            status = error.status if isinstance(error, ProblemError) else 422
            return await run_in_threadpool(
                page, person, given, problem=_sentence(error), status=status
            )
        now = room.desk.live.clock()
        answer = {
            "terms": found.terms,
            "same_story": [label_article(served, row, now) for row in found.same_story],
            "items": [
                {
                    "item": label_article(served, each.row, now),
                    "score": each.score,
                    "origin": each.origin.value,
                    "terms": each.shared_terms,
                }
                for each in found.items
            ],
        }
        return await run_in_threadpool(page, person, given, answer=answer)

    return router


def _unpublished(room: EditorContext) -> list[Any]:
    """Articles that the live build holds already and readers don't see yet."""
    served, now = room.look()
    rows = [
        row
        for standing in (VisibilityStatus.UNPUBLISHED, VisibilityStatus.SCHEDULED)
        for row in room.desk.finder.find(
            served, SearchQuery(standing=standing), now=now, limit=_WAITING
        ).rows
    ]
    return [label_article(served, row, now) for row in rows]


def _first_line(text: str) -> str:
    line = text.strip().partition("\n")[0].strip()
    return line[:200]


def _sentence(error: Exception) -> str:
    text = str(error)
    return f"{text[:1].upper()}{text[1:]}."
