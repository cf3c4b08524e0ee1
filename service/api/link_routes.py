"""API routes that suggest links in the texts of articles and drafts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from fastapi import APIRouter, Depends, Request, Response
from pydantic import Field
from starlette.concurrency import run_in_threadpool

from service.api.api_models import ApiModel, RequestModel
from service.api.draft_routes import DRAFT_PROBLEMS, Drafts
from service.api.editorial_router import Id, Target, json_body, make_router, problems
from service.curation.decision_actions import find_row
from service.curation.judged_links import read_judged_links
from service.decisions.decision_rules import MAX_REASON
from service.http.auth import Identity
from service.http.editorial_context import EditorialContext
from service.roles import Role
from service.serving.serving_view import ServingView

if TYPE_CHECKING:
    from service.curation.text_link_finder import LinkSuggestion


class SuggestedLink(ApiModel):
    """A suggestion to link some words of a text to an article; the text itself stays as it is."""

    article_id: str | None
    """the article with the text; null for a draft"""

    target_id: str
    """the article to link to"""

    title: str
    """the title of that article"""

    url: str
    """its address"""

    heading: str
    """the heading of the section; empty if it has none"""

    before: str
    """what stands before the words in their sentence"""

    words: str
    """the words to link"""

    after: str
    """what stands after them"""

    reason: str
    """why they fit, and why the two articles are related, for people"""

    score: float = Field(ge=0, le=1)
    """how well the link fits"""

    snippet: str
    """the words as a link in HTML, to be copied"""


class WordsRequest(RequestModel):
    """Words of an article's text that should not become a link to a certain article."""

    words: str = Field(min_length=1, max_length=MAX_REASON)
    """as they stand in the text"""


class LinksAnswer(ApiModel):
    """Suggested links, the best first."""

    build: str
    """the name of the build that the targets are from"""

    items: list[SuggestedLink]
    """the links"""


def links_router(context: EditorialContext, drafts: Drafts) -> APIRouter:
    """Returns the routes that suggest links in texts."""
    editor = context.auth.require(Role.EDITOR)
    whole, router = APIRouter(), make_router("editors", editor)
    of_drafts = APIRouter(tags=["editing"])

    @router.get(
        "/links",
        summary="Suggest links in an article's text, or articles that could link to it",
        responses=problems(404),
    )
    def links(id: Id, inbound: bool = False) -> LinksAnswer:
        """Returns words in the article's text that could link to other articles.

        With `inbound`, returns words in other articles' texts that could link to the article. Links
        that editors refused by PUT /v1/judgments and words that they refused by PUT /v1/links are
        left out.
        """
        view, now = context.live.view()
        row = find_row(view.build, id)
        finder = context.link_finder(view.build)
        suggest = finder.to_article if inbound else finder.in_article
        judged = read_judged_links(context.database())
        return _answer(view, suggest(view, row, now=now, query=context.query, judged=judged))

    @router.put(
        "/links",
        summary="Refuse the words of a suggested link, but not its target",
        status_code=204,
        responses=problems(404),
    )
    def refuse_words(
        article_id: Id, target_id: Target, body: WordsRequest, identity: Identity = Depends(editor)
    ) -> None:
        """Stores that these words of an article's text should not become a link to the target.

        Other words that fit are still suggested. POST /v1/undo takes the refusal back.
        """
        context.actions.refuse_words(identity, article_id, target_id, body.words)

    @of_drafts.post(
        "/v1/links",
        summary="Suggest links in the text of a draft",
        operation_id="links_in_draft",
        responses=DRAFT_PROBLEMS,
        openapi_extra=json_body({"$ref": "#/components/schemas/DraftRequest"}),
        dependencies=[Depends(drafts.admit)],
    )
    async def links_in_draft(request: Request, response: Response) -> LinksAnswer:
        """Returns words in the draft's text that could link to articles. Stores nothing.

        The text may be HTML; words that are linked, quoted or code there already are left out.
        """
        response.headers["Vary"] = "Authorization, Cookie"
        view, _, found = await drafts.suggest_links(request, await drafts.read(request))
        return await run_in_threadpool(_answer, view, found)

    whole.include_router(router)
    whole.include_router(of_drafts)
    return whole


def _answer(view: ServingView, found: Sequence[LinkSuggestion]) -> LinksAnswer:
    items = [SuggestedLink(**each.values(view.build)) for each in found]
    return LinksAnswer(build=view.build.name, items=items)
