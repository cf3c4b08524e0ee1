"""The fields of a query for related articles in a JSON body."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Annotated, Any, ClassVar

from pydantic import Field

from index.query import (
    MAX_EXCLUDE,
    FallbackChoice,
    Limit,
    MinScore,
    RelatedQuery,
    Sort,
    query_options,
)
from recommender.article import MAX_ID_BYTES
from service.api.api_models import RequestModel

ExcludedId = Annotated[str, Field(max_length=MAX_ID_BYTES)]


def described(name: str) -> Any:
    """Returns an optional field of a JSON body, described like the query parameter ``name``."""
    return Field(None, description=query_options()[name].description)


class QueryBody(RequestModel):
    """The options of a query in a JSON body, except the language; all are optional.

    Subclasses add the language, in the field that :attr:`language_field` names.
    """

    language_field: ClassVar[str] = "language"

    limit: Limit | None = described("limit")
    min_score: MinScore | None = described("min_score")
    fallback: FallbackChoice | None = described("fallback")
    sort: Sort | None = described("sort")
    exclude: list[ExcludedId] = Field(default_factory=list, max_length=MAX_EXCLUDE)
    """ids of articles to leave out"""

    def query(self, defaults: RelatedQuery) -> RelatedQuery:
        """Returns the query that the body describes, with ``defaults`` for missing fields."""
        given: dict[str, Any] = {}
        for field in fields(RelatedQuery):
            name = self.language_field if field.name == "language" else field.name
            value = getattr(self, name)
            if value is not None:
                given[field.name] = value
        given["exclude"] = frozenset(self.exclude)
        if "language" in given:
            given["language"] = given["language"].lower()
        return replace(defaults, **given)
