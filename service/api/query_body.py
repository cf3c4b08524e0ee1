"""The fields of a query for related articles in a JSON body."""

from dataclasses import fields, replace
from typing import Annotated, Any, ClassVar

from pydantic import Field

from index.query import (
    MAX_EXCLUDE,
    MAX_EXCLUDED,
    FallbackChoice,
    Limit,
    MinScore,
    NewerThan,
    RelatedQuery,
    SitePins,
    SkipLinkedChoice,
    Sort,
    Source,
    Tag,
    query_options,
)
from service.api.api_models import RequestModel


def described(name: str) -> Any:
    """Returns pydantic's ``Field`` for an optional field, with a query parameter's description.

    Args:
        name: The name of that query parameter, such as ``"min_score"``.
    """
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
    exclude: list[Annotated[str, Field(max_length=MAX_EXCLUDED)]] = Field(
        default_factory=list, max_length=MAX_EXCLUDE
    )
    """ids or addresses of articles to leave out"""

    skip_linked: SkipLinkedChoice | None = described("skip_linked")
    site_pins: SitePins | None = described("site_pins")
    tag: Tag | None = described("tag")
    source: Source | None = described("source")
    newer_than: NewerThan | None = described("newer_than")

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
