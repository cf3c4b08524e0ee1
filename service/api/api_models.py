"""The bases of the API's models, and the models of related lists and errors.

What stands below a field is its description in the OpenAPI document.
"""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from index.articles.card import ArticleCard
from index.query import MAX_LIMIT
from service.clicks.placement import MAX_PLACEMENT
from service.decisions.decision_rules import MAX_REASON
from service.serving.selection import Origin

ReasonText = Annotated[str, Field(max_length=MAX_REASON)]
"""Why something is decided, recorded in the audit trail or the journal; may be empty."""


class ApiModel(BaseModel):
    """A JSON object of the API."""

    model_config = ConfigDict(use_attribute_docstrings=True)


class RequestModel(ApiModel):
    """A JSON object in a request, which must not have unknown fields."""

    model_config = ConfigDict(extra="forbid")


class RelatedItem(ArticleCard):
    """One related article, with the fields to show."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    score: float = Field(ge=0, le=1)
    """similarity: 0 like two random articles of the site, 1 identical"""

    origin: Origin
    """why the article is in the list; site: the page itself names it as related"""

    position: int = Field(ge=1, le=MAX_LIMIT)
    """its position in the list"""

    shared_terms: list[str] = Field(max_length=4)
    """phrases that the two articles share"""


class RelatedAnswer(ApiModel):
    """The related articles of one article, best first."""

    article_id: str
    """the id of the article whose list it is"""

    build: str
    """the name of the build in which the list last changed"""

    placement: str | None = Field(None, max_length=MAX_PLACEMENT)
    """the signed text by which a report of clicks names the list; only while the setting clicks is
    on"""

    items: list[RelatedItem] = Field(max_length=MAX_LIMIT)
    """the related articles"""


class Problem(ApiModel):
    """The JSON object with which every error is reported: problem details (RFC 9457)."""

    type: str
    """always about:blank"""

    title: str
    """the HTTP status in words"""

    status: int
    """the HTTP status"""

    detail: str
    """what is wrong, and what to do"""

    field: str | None = None
    """the parameter or field at fault, if there is one"""
