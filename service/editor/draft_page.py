"""``/editor/drafts``: the page that finds related articles for an unpublished text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Depends, Form, Request
from pydantic import ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from recommender.errors import ArticleError
from service.api.draft_models import DraftRequest
from service.api.draft_routes import Drafts
from service.curation.article_search import ArticleRow, SearchQuery, read_article_row
from service.editor.editor_pages import EditorPages, sentence
from service.editor.links_page import link_values
from service.http.auth import Identity
from service.http.problems import ProblemError
from service.invalid_values import describe_invalid
from service.serving.serving_view import ServingView, VisibilityStatus

if TYPE_CHECKING:
    from service.curation.text_link_finder import LinkSuggestion
    from service.serving.drafts import RelatedDraft

_WAITING = 30


def draft_page_router(pages: EditorPages, drafts: Drafts) -> APIRouter:
    """Returns the routes of the page that finds related articles for a draft.

    Args:
        pages: What all editors' pages share: templates, access checks, the published build.
        drafts: Finds related articles for drafts.
    """
    router = pages.router()

    def page(person: Identity, given: dict[str, str], **more: Any) -> Response:
        values: dict[str, Any] = {"problem": "", "answer": None, "given": given, **more}
        return pages.render("drafts", person, waiting=_unpublished(pages), **values)

    @router.get("/editor/drafts")
    def form(person: Identity = Depends(pages.reader)) -> Response:
        return page(person, {"title": "", "text": "", "language": ""})

    @router.post("/editor/drafts")
    async def relate(
        request: Request,
        title: Annotated[str, Form()] = "",
        text: Annotated[str, Form()] = "",
        language: Annotated[str, Form()] = "",
        person: Identity = Depends(pages.writer),
    ) -> Response:
        given = {"title": title, "text": text, "language": language}
        try:
            drafts.take(request)
            title = title.strip() or text.strip().partition("\n")[0].strip()[:200]
            fields = {"title": title, "summary": text, "language": language.strip() or None}
            draft = DraftRequest.model_validate(fields)
            view, related, links = await drafts.suggest_links(request, draft)
        except ValidationError as error:
            first = error.errors()[0]
            field = str(first["loc"][0]).replace("summary", "text")
            problem = (
                "Use a language code, such as en or pt-BR."
                if field == "language"
                else f"The {field} {describe_invalid(first)}."
            )
            return await run_in_threadpool(page, person, given, problem=problem, status=422)
        except (ProblemError, ArticleError) as error:
            status = error.status if isinstance(error, ProblemError) else 422
            return await run_in_threadpool(
                page, person, given, problem=sentence(error), status=status
            )
        return await run_in_threadpool(
            lambda: page(person, given, answer=_answer(pages, view, related, links))
        )

    return router


def _answer(
    pages: EditorPages,
    view: ServingView,
    related: RelatedDraft,
    links: Sequence[LinkSuggestion],
) -> dict[str, Any]:
    """Returns what the page shows of a draft: related articles with reasons, and links."""
    now = pages.context.live.clock()
    closeness = pages.closeness(view.build)
    return {
        "terms": related.terms,
        "same_story": [read_article_row(view, row, now) for row in related.same_story],
        "items": [
            {
                "item": read_article_row(view, each.row, now),
                "score": each.score,
                "closeness": closeness.word(each.score),
                "rank": closeness.rank(each.score),
                "origin": each.origin.value,
                "sentence": why,
            }
            for each, why in zip(related.items, related.say_why(related.items), strict=True)
        ],
        "links": link_values(view, now, links),
    }


def _unpublished(pages: EditorPages) -> list[ArticleRow]:
    """Returns articles of the published build that readers don't see yet.

    These are up to 30 unpublished articles, then up to 30 that appear at a scheduled time.
    """
    view, now = pages.view()
    rows = [
        row
        for standing in (VisibilityStatus.UNPUBLISHED, VisibilityStatus.SCHEDULED)
        for row in pages.context.search.find(
            view, SearchQuery(standing=standing), now=now, limit=_WAITING
        ).rows
    ]
    return [read_article_row(view, row, now) for row in rows]
