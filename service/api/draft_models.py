"""What a draft looks like over HTTP: the request, checked, and the answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from index.articles.cleaning import MAX_URL
from index.articles.record_parser import MAX_LABEL, MAX_LABELS, MAX_TEXT, MAX_TITLE
from index.build.build import Build
from index.query import MAX_LIMIT, Fallback, Order, RelatedQuery
from recommender.article import MAX_ID_BYTES
from service.api.openapi import CardImage, RelatedItem
from service.http.list_rendering import items_json, quoted
from service.http.query_params import MAX_EXCLUDE
from service.settings import Settings

if TYPE_CHECKING:
    from service.serving.drafts import DraftAnswer

MAX_SECTIONS = 200


class DraftSection(BaseModel):
    """A stretch of text under an optional heading."""

    model_config = ConfigDict(extra="forbid")

    heading: Annotated[str, Field(max_length=MAX_TITLE)] = ""
    text: Annotated[str, Field(max_length=MAX_TEXT)]


class DraftRequest(BaseModel):
    """A draft, and what is asked for."""

    model_config = ConfigDict(extra="forbid")

    title: Annotated[str, Field(min_length=1, max_length=MAX_TITLE)]
    summary: Annotated[str, Field(max_length=MAX_TEXT)] | None = Field(
        None, description="its text, if it has no sections"
    )
    sections: Annotated[list[DraftSection], Field(max_length=MAX_SECTIONS)] | None = None
    language: Annotated[str, Field(max_length=35)] | None = Field(
        None, description="BCP 47 tag; articles of the same language come first"
    )
    tags: list[Annotated[str, Field(max_length=MAX_LABEL)]] = Field(
        default_factory=list, max_length=MAX_LABELS, description="for the fallback “tag”"
    )
    limit: Annotated[int, Field(ge=1, le=MAX_LIMIT)] | None = None
    min_score: Annotated[float, Field(ge=0, le=1)] | None = None
    fallback: Fallback | None = None
    sort: Order = Order.RELEVANCE
    only_language: Annotated[str, Field(max_length=35)] | None = Field(
        None, description="only articles of this language"
    )
    exclude: list[Annotated[str, Field(max_length=MAX_ID_BYTES)]] = Field(
        default_factory=list, max_length=MAX_EXCLUDE, description="ids that must not appear"
    )

    def fields(self) -> dict[str, Any]:
        """What it is, as a source would give it."""
        return self.model_dump(include={"title", "summary", "sections", "language", "tags"})

    def query(self, settings: Settings) -> RelatedQuery:
        """What is asked for."""
        return RelatedQuery(
            limit=settings.limit if self.limit is None else self.limit,
            exclude=frozenset(self.exclude),
            min_score=settings.min_score if self.min_score is None else self.min_score,
            fallback=settings.fallback if self.fallback is None else self.fallback,
            order=self.sort,
            language=None if self.only_language is None else self.only_language.lower(),
        )


def request_schema() -> dict[str, Any]:
    """The JSON Schema of a request, whole: the route reads its body by itself."""
    schema = DraftRequest.model_json_schema()
    parts = schema.pop("$defs")

    def inlined(value: Any) -> Any:
        if isinstance(value, list):
            return [inlined(item) for item in value]
        if not isinstance(value, dict):
            return value
        reference = value.get("$ref")
        if reference is not None:
            value = {**parts[reference.rpartition("/")[2]], **value}
            del value["$ref"]
        return {name: inlined(item) for name, item in value.items()}

    found: dict[str, Any] = inlined(schema)
    return found


class SameStory(BaseModel):
    """An article that is a near-duplicate of the draft."""

    article_id: str
    title: str
    url: str = Field(max_length=MAX_URL)
    excerpt: str
    image: CardImage | None
    date: str | None


class DraftRelated(BaseModel):
    """What is related to a draft, best first."""

    build: str
    terms: list[str] = Field(description="what the draft is about, in the site's own phrases")
    same_story: list[SameStory] = Field(
        description="visible near-duplicates of the draft: they are not in its list"
    )
    items: list[RelatedItem] = Field(max_length=MAX_LIMIT)


def draft_json(build: Build, answer: DraftAnswer) -> bytes:
    """The body of an answer: cards come as the build has them."""
    return b'{"build":%b,"terms":[%b],"same_story":[%b],"items":%b}' % (
        quoted(build.name),
        b",".join(map(quoted, answer.terms)),
        b",".join(b"{%b}" % build.cards[row] for row in answer.same_story),
        items_json(build, answer.items),
    )
