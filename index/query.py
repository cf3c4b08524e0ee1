"""The query for related articles: what a request asks, and what of a list readers see.

:class:`RelatedQuery` is the one description of it. The parameters of page views, the bodies of
batches and drafts, their documentation, the settings and the cache key are read from its fields.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, fields
from functools import cache
from typing import Annotated, Any, get_type_hints

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, TypeAdapter

from recommender.article import MAX_ID_BYTES

MAX_LIMIT = 50
DEFAULT_LIMIT = 6
MAX_EXCLUDE = 100
LANGUAGE_PATTERN = "^[A-Za-z0-9]+(-[A-Za-z0-9]+)*$"
ID_PATTERN = r"^(?!\.{1,2}$)(?!\s)[^\u0000-\u001f\u007f-\u009f]+(?<!\s)$"
"""What :func:`recommender.article.check_id` lets through, but for the length in bytes."""


class Fallback(enum.StrEnum):
    """What fills a list when too few related articles are good enough."""

    NONE = "none"
    TAG = "tag"
    NEWEST = "newest"


class Order(enum.StrEnum):
    """In which order the chosen articles are shown."""

    RELEVANCE = "relevance"
    NEWEST = "newest"


ArticleId = Annotated[
    str, Field(min_length=1, max_length=MAX_ID_BYTES, json_schema_extra={"pattern": ID_PATTERN})
]
Limit = Annotated[int, Field(ge=1, le=MAX_LIMIT, description="most articles to return")]
MinScore = Annotated[
    float, Field(ge=0, le=1, description="leave out related articles below this score")
]
FallbackChoice = Annotated[Fallback, Field(description="what fills a list that is too short")]
Sort = Annotated[Order, Field(description="order of the articles chosen")]
Language = Annotated[
    str,
    Field(
        min_length=2,
        max_length=35,
        pattern=LANGUAGE_PATTERN,
        description="only articles of this language",
    ),
]
Exclude = Annotated[
    frozenset[ArticleId],
    Field(max_length=MAX_EXCLUDE, description="ids that must not appear; may be repeated"),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class RelatedQuery:
    """What one request asks for.

    Attributes:
        limit: Most articles to return, 1 to 50.
        exclude: Article ids that must not appear (the page shows them already).
        min_score: Related articles below this score are left out.
        fallback: ``tag`` fills up with articles of the same tags, then the newest of the
            same language, or of any where that is unknown; ``newest`` with the newest only;
            ``none`` leaves the list short.
        sort: Order of the articles chosen; which are chosen does not depend on it.
        language: Only articles of this language, in lower case; ``None`` for any.
    """

    limit: Limit = DEFAULT_LIMIT
    exclude: Exclude = frozenset()
    min_score: MinScore = 0.0
    fallback: FallbackChoice = Fallback.TAG
    sort: Sort = Order.RELEVANCE
    language: Language | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryOption:
    """How a caller gives one field of a :class:`RelatedQuery`.

    Attributes:
        name: The field's, and the parameter's.
        description: What it does.
        schema: The JSON Schema of its values, without the default.
        allowed: Its values in words, as in "it must be a number from 0 to 1".
        type: Checks values; accepts what the schema describes.
    """

    name: str
    description: str
    schema: dict[str, Any]
    allowed: str
    type: TypeAdapter[Any]


_LEFT_OUT = ("$ref", "description", "title", "uniqueItems")
"""Of the schemas: what is said elsewhere, or does not hold for repeated parameters."""


@cache
def query_options() -> dict[str, QueryOption]:
    """Every field of :class:`RelatedQuery` as callers give it, by name."""
    hints = get_type_hints(RelatedQuery, include_extras=True)
    return {field.name: _option(field.name, hints[field.name]) for field in fields(RelatedQuery)}


def _option(name: str, hint: Any) -> QueryOption:
    adapter: TypeAdapter[Any] = TypeAdapter(hint)
    schema = adapter.json_schema()
    for definition in schema.pop("$defs", {}).values():  # of an enumeration
        schema = definition | schema
    schema = schema.get("anyOf", [schema])[0]  # an option may be left out, but not be null
    description = schema["description"]
    schema = {key: value for key, value in schema.items() if key not in _LEFT_OUT}
    return QueryOption(
        name=name,
        description=description,
        schema=schema,
        allowed=_in_words(schema),
        type=adapter,
    )


def _in_words(schema: dict[str, Any]) -> str:
    if "enum" in schema:
        return f"one of {', '.join(schema['enum'])}"
    if schema["type"] == "array":
        return f"at most {schema['maxItems']} ids"
    if schema["type"] == "string":
        return "a language tag like en or pt-BR"
    kind = "whole number" if schema["type"] == "integer" else "number"
    return f"a {kind} from {schema['minimum']:g} to {schema['maximum']:g}"


def shown_score(score: float) -> float:
    """A score to four digits, as readers and limits see it (``round`` takes thrice the time)."""
    return int(score * 10_000 + 0.5) / 10_000


def shown_scores(scores: NDArray[np.floating]) -> NDArray[np.float64]:
    """:func:`shown_score` of many."""
    rounded: NDArray[np.float64] = np.floor(scores.astype(np.float64) * 10_000 + 0.5) / 10_000
    return rounded
