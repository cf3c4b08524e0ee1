"""Models of the request and the response of ``POST /v1/related``, which takes a draft."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from index.articles.card import ArticleCard
from index.articles.record_parser import MAX_LABEL, MAX_LABELS, MAX_TEXT, MAX_TITLE
from index.build.build import Build
from index.query import MAX_LIMIT, Language
from service.api.api_models import ApiModel, RelatedItem, RequestModel
from service.api.query_body import QueryBody, described
from service.http.list_json import items_json, quoted

if TYPE_CHECKING:
    from service.serving.drafts import RelatedDraft

MAX_SECTIONS = 200


class DraftSection(RequestModel):
    """A part of a draft's text, under an optional heading."""

    heading: Annotated[str, Field(max_length=MAX_TITLE, description="plain text")] = ""
    text: Annotated[str, Field(max_length=MAX_TEXT, description="plain text")]


class DraftRequest(QueryBody):
    """A draft, and the query for its related articles."""

    language_field = "only_language"

    title: Annotated[str, Field(min_length=1, max_length=MAX_TITLE, description="plain text")]
    summary: Annotated[str, Field(max_length=MAX_TEXT)] | None = None
    """the draft's text, if it has no sections"""

    sections: Annotated[list[DraftSection], Field(max_length=MAX_SECTIONS)] | None = None
    """the draft's text, section by section"""

    language: Annotated[str, Field(max_length=35)] | None = None
    """the draft's language as a BCP 47 tag; articles in it come first"""

    tags: list[Annotated[str, Field(max_length=MAX_LABEL)]] = Field(
        default_factory=list, max_length=MAX_LABELS
    )
    """the draft's tags"""

    authors: list[Annotated[str, Field(max_length=MAX_LABEL)]] = Field(
        default_factory=list, max_length=MAX_LABELS
    )
    """the names of the draft's authors"""

    only_language: Language | None = described("language")

    def fields(self) -> dict[str, Any]:
        """Returns the draft's fields as a dictionary, named like those of an article's record."""
        own = {"title", "summary", "sections", "language", "tags", "authors"}
        return self.model_dump(include=own)


class SameStory(ArticleCard):
    """An article that is a near-duplicate of the draft."""


class DraftRelated(ApiModel):
    """The related articles of a draft, best first."""

    build: str
    """the name of the build that the list is from"""

    terms: list[str]
    """phrases of the site that describe the draft"""

    same_story: list[SameStory]
    """visible near-duplicates of the draft, which the list leaves out"""

    items: list[RelatedItem] = Field(max_length=MAX_LIMIT)
    """the related articles"""


def draft_json(build: Build, answer: RelatedDraft) -> bytes:
    """Returns the body of the response to a draft as JSON.

    Args:
        build: The build from whose files the fields of the articles are copied.
        answer: The related articles of the draft.
    """
    return b'{"build":%b,"terms":[%b],"same_story":[%b],"items":%b}' % (
        quoted(build.name),
        b",".join(map(quoted, answer.terms)),
        b",".join(b"{%b}" % build.cards[row] for row in answer.same_story),
        items_json(build, [*answer.items]),
    )
