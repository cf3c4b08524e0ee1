"""The query for related articles: its options, their allowed values and their descriptions.

:class:`RelatedQuery` defines the options once. The parameters of GET requests, the bodies of batch
and draft requests, their documentation, the settings and the cache key are made from its fields.
"""

import datetime as dt
import enum
from dataclasses import dataclass, fields, replace
from functools import cache
from typing import Annotated, Any, get_type_hints

import numpy as np
from numpy.typing import NDArray
from pydantic import AfterValidator, Field, Strict, TypeAdapter

from recommender.article import MAX_ID_BYTES
from recommender.visibility import DAY_ZERO

MAX_LIMIT = 50
DEFAULT_LIMIT = 6
MAX_EXCLUDE = 100
MAX_EXCLUDED = 2_048
"""Longest id or address of an article to leave out, in bytes."""
MAX_NAME = 2_048
"""Longest name of a tag or a source to filter by, in characters."""
DAY = 86_400_000_000
"""A day in microseconds."""
LANGUAGE_PATTERN = "^[A-Za-z0-9]+(-[A-Za-z0-9]+)*$"
ID_PATTERN = r"^(?!\.{1,2}$)(?!\s)[^\u0000-\u001f\u007f-\u009f]+(?<!\s)$"
"""Regular expression for valid article ids; it allows the same ids as
:func:`recommender.article.check_id`, but does not limit their length."""


class Fallback(enum.StrEnum):
    """How a list is filled up if too few related articles score high enough."""

    NONE = "none"
    TAG = "tag"
    NEWEST = "newest"


class SkipLinked(enum.StrEnum):
    """What happens to related articles that the article's own text links to."""

    LAST = "last"
    DROP = "drop"
    OFF = "off"


class Order(enum.StrEnum):
    """The order in which the selected articles are shown."""

    RELEVANCE = "relevance"
    NEWEST = "newest"


ArticleId = Annotated[
    str, Field(min_length=1, max_length=MAX_ID_BYTES, json_schema_extra={"pattern": ID_PATTERN})
]
Excluded = Annotated[
    str, Field(min_length=1, max_length=MAX_EXCLUDED, json_schema_extra={"pattern": ID_PATTERN})
]
Limit = Annotated[int, Field(ge=1, le=MAX_LIMIT, description="most articles to return")]
MinScore = Annotated[
    float, Field(ge=0, le=1, description="leave out related articles below this score")
]
FallbackChoice = Annotated[Fallback, Field(description="how a list that is too short is filled")]
Sort = Annotated[Order, Field(description="order of the selected articles")]
Language = Annotated[
    str,
    Field(
        min_length=2,
        max_length=35,
        pattern=LANGUAGE_PATTERN,
        description="only articles in this language",
    ),
]
Exclude = Annotated[
    frozenset[Excluded],
    Field(
        max_length=MAX_EXCLUDE,
        description="ids or addresses of articles to leave out; may be repeated",
    ),
]
SkipLinkedChoice = Annotated[
    SkipLinked,
    Field(
        description="where articles stand that the article's own text links to: after all other "
        "related ones (last), nowhere (drop), or as if there were no links (off)"
    ),
]
SitePins = Annotated[
    bool, Strict(), Field(description="show first what the page itself names as related")
]
Tag = Annotated[
    str, Field(min_length=1, max_length=MAX_NAME, description="only articles with this tag")
]
Source = Annotated[
    str,
    Field(
        min_length=1,
        max_length=MAX_NAME,
        description="only articles from this source: the name of its [[source]] table, or else "
        "its path or address; pushed for what was pushed",
    ),
]


def _check_first_day(text: str) -> str:
    _first_day(text, 0)
    return text


NewerThan = Annotated[
    str,
    Field(
        pattern=r"^([1-9][0-9]{3}-((0[1-9]|1[0-2])-(0[1-9]|[12][0-9])|(0[13-9]|1[0-2])-30"
        r"|(0[13578]|1[02])-31)|[0-9]{1,5}d)$",
        description="only articles dated on this day or later, such as 2026-01-31, or in so many "
        "days up to today (UTC), such as 30d; articles without a date are left out",
    ),
    AfterValidator(_check_first_day),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class RelatedQuery:
    """The options of one request for related articles.

    Attributes:
        limit: Most articles to return, 1 to 50.
        exclude: Ids or addresses (absolute, or relative to the site) of articles to leave out,
            such as those that the page shows already; unknown ones are ignored.
        min_score: Related articles below this score are left out.
        fallback: ``tag`` fills a short list with articles that share a tag, then with the newest
            in the same language (or in any, if the language is unknown); ``newest`` with the
            newest only; ``none`` leaves the list short.
        sort: Order of the selected articles; it does not affect which are selected.
        language: Only articles in this language, in lower case; ``None`` for any.
        skip_linked: ``last`` shows related articles that the article's own text links to after all
            other related ones, ``drop`` leaves them out, ``off`` ignores these links.
        site_pins: Whether the articles that the page itself names as related come first.
        tag: Only articles with this tag, in any case; ``None`` for any.
        source: Only articles from the source of this name; ``None`` for any.
        newer_than: Only articles dated on this day (``2026-01-31``) or later, or in so many days up
            to today (``30d``); ``None`` for any.
    """

    limit: Limit = DEFAULT_LIMIT
    exclude: Exclude = frozenset()
    min_score: MinScore = 0.0
    fallback: FallbackChoice = Fallback.TAG
    sort: Sort = Order.RELEVANCE
    language: Language | None = None
    skip_linked: SkipLinkedChoice = SkipLinked.LAST
    site_pins: SitePins = True
    tag: Tag | None = None
    source: Source | None = None
    newer_than: NewerThan | None = None

    @property
    def is_filtered(self) -> bool:
        """Whether ``tag``, ``source`` or ``newer_than`` leave articles out."""
        return self.tag is not None or self.source is not None or self.newer_than is not None

    def at(self, now: int) -> "RelatedQuery":
        """Return the query with ``newer_than`` as a date, if it is a number of days; else itself.

        Args:
            now: The time, in microseconds since 1970 UTC.
        """
        if self.newer_than is None or not self.newer_than.endswith("d"):
            return self
        return replace(self, newer_than=_first_day(self.newer_than, now).isoformat())

    def first_day(self, now: int) -> int | None:
        """Return the first day that ``newer_than`` allows, in days since 1970; ``None`` for any.

        Args:
            now: The time, in microseconds since 1970 UTC.
        """
        if self.newer_than is None:
            return None
        return _first_day(self.newer_than, now).toordinal() - DAY_ZERO

    def identity(self) -> str:
        """Return a text that is the same for equal queries, in every process, such as a cache key.

        No query's text is the beginning of another query's.
        """
        values = [getattr(self, field.name) for field in fields(self)]
        return repr([sorted(value) if isinstance(value, frozenset) else value for value in values])

    def by_ranking(self) -> "RelatedQuery":
        """Return the query without options about pages' own links, to measure the ranking alone.

        Otherwise lists would be changed by the same links by which they are then measured.
        """
        return replace(self, skip_linked=SkipLinked.OFF, site_pins=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryOption:
    """Describes one option of a :class:`RelatedQuery`, for use as a request parameter.

    Attributes:
        name: The name of the field and of the parameter.
        description: What the option does.
        schema: The JSON Schema of the option's values, without the default.
        allowed: The allowed values in words, as in "it must be a number from 0 to 1".
        type: The pydantic validator, which accepts the values that the schema describes.
    """

    name: str
    description: str
    schema: dict[str, Any]
    allowed: str
    type: TypeAdapter[Any]


def _first_day(newer_than: str, now: int) -> dt.date:
    if newer_than.endswith("d"):
        return dt.date.fromordinal(DAY_ZERO + now // DAY - int(newer_than[:-1]))
    return dt.date.fromisoformat(newer_than)


_IN_WORDS = {
    "language": "a language tag like en or pt-BR",
    "newer_than": "a day like 2026-01-31, or a number of days like 30d",
}
_LEFT_OUT = ("$ref", "description", "title", "uniqueItems")
"""JSON Schema keywords that are left out of a parameter's schema: the documentation states them
elsewhere, or they are wrong for a parameter that is repeated."""


@cache
def query_options() -> dict[str, QueryOption]:
    """Return the description of every option of :class:`RelatedQuery`, by name."""
    hints = get_type_hints(RelatedQuery, include_extras=True)
    return {field.name: _option(field.name, hints[field.name]) for field in fields(RelatedQuery)}


def _option(name: str, hint: Any) -> QueryOption:
    adapter: TypeAdapter[Any] = TypeAdapter(hint)
    schema = adapter.json_schema()
    for definition in schema.pop("$defs", {}).values():  # an enumeration's schema
        schema = definition | schema
    schema = schema.get("anyOf", [schema])[0]  # an option may be left out, but not be null
    description = schema["description"]
    schema = {key: value for key, value in schema.items() if key not in _LEFT_OUT}
    return QueryOption(
        name=name,
        description=description,
        schema=schema,
        allowed=_IN_WORDS.get(name) or _in_words(schema),
        type=adapter,
    )


def _in_words(schema: dict[str, Any]) -> str:
    if "enum" in schema:
        return f"one of {', '.join(schema['enum'])}"
    if schema["type"] == "array":
        return f"at most {schema['maxItems']} ids or addresses"
    if schema["type"] == "boolean":
        return "true or false"
    if schema["type"] == "string":
        return f"a text of 1 to {schema['maxLength']} characters"
    kind = "whole number" if schema["type"] == "integer" else "number"
    return f"a {kind} from {schema['minimum']:g} to {schema['maximum']:g}"


def shown_score(score: float) -> float:
    """Round a score to four digits, the precision in which scores are shown and compared.

    This is three times as fast as ``round``.
    """
    return int(score * 10_000 + 0.5) / 10_000


def shown_scores(scores: NDArray[np.floating]) -> NDArray[np.float64]:
    """Round an array of scores to four digits, like :func:`shown_score`."""
    rounded: NDArray[np.float64] = np.floor(scores.astype(np.float64) * 10_000 + 0.5) / 10_000
    return rounded
