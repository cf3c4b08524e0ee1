"""A request's parameters: parsed, checked, and refused by name.

Parameters that no route names are ignored, as caches and trackers add some of their own.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from urllib.parse import unquote_to_bytes

from index.query import MAX_LIMIT, Fallback, Order, RelatedQuery
from recommender.article import check_id
from recommender.errors import ArticleError
from service.http.problems import ProblemError
from service.settings import Settings

MAX_EXCLUDE = 100
MAX_FIELDS = 200
LANGUAGE_PATTERN = "^[A-Za-z0-9]+(-[A-Za-z0-9]+)*$"

_LANGUAGE = re.compile(LANGUAGE_PATTERN)

_FALLBACKS = frozenset(Fallback)
_ORDERS = frozenset(Order)


def parse_query(query: bytes) -> dict[str, list[str]]:
    """The parameters by name.

    Raises:
        ProblemError: 422, naming the parameter that is not UTF-8.
    """
    fields = query.split(b"&")
    if len(fields) > MAX_FIELDS:
        raise ProblemError(422, f"the query string has over {MAX_FIELDS} fields")
    parameters: dict[str, list[str]] = {}
    for field in fields:
        if field:
            raw_name, _, value = field.partition(b"=")
            name = _unquote(raw_name).decode(errors="replace")
            try:
                parameters.setdefault(name, []).append(_unquote(value).decode())
            except UnicodeDecodeError:
                raise ProblemError(
                    422, f"{name[:80]} is not percent-encoded UTF-8", field=name[:80]
                ) from None
    return parameters


def _unquote(text: bytes) -> bytes:
    text = text.replace(b"+", b" ")
    return unquote_to_bytes(text) if b"%" in text else text


def read_article_id(path_id: bytes | None, parameters: Mapping[str, list[str]]) -> str:
    """The article asked about.

    Args:
        path_id: The percent-encoded segment, for a route that has one.
        parameters: Where ``id`` stands for the others.

    Raises:
        ProblemError: 422, if there is none or it can't be an article's id.
    """
    if path_id is not None:
        try:
            return _check_id("article_id", unquote_to_bytes(path_id).decode())
        except UnicodeDecodeError:
            raise ProblemError(
                422, "article_id in the path is not percent-encoded UTF-8", field="article_id"
            ) from None
    article_id = _single(parameters, "id")
    if article_id is None:
        raise ProblemError(422, "the parameter id is missing: /v1/related?id=…", field="id")
    return _check_id("id", article_id)


def default_query(settings: Settings) -> RelatedQuery:
    """What is meant by a request that leaves everything open."""
    return RelatedQuery(
        limit=settings.limit, min_score=settings.min_score, fallback=settings.fallback
    )


def read_related_query(parameters: Mapping[str, list[str]], defaults: RelatedQuery) -> RelatedQuery:
    """What a request asks for.

    Raises:
        ProblemError: 422, naming the parameter and its value.
    """
    query = defaults
    for name in parameters:
        read = _READERS.get(name)
        if read is not None:
            query = read(_single(parameters, name) or "", query)
    if excluded := parameters.get("exclude"):
        if len(excluded) > MAX_EXCLUDE:
            raise _wrong("exclude", f"{len(excluded)} ids", f"at most {MAX_EXCLUDE} ids")
        for article_id in excluded:
            _check_id("exclude", article_id)
        query = replace(query, exclude=frozenset(excluded))
    return query


def _read_limit(text: str, query: RelatedQuery) -> RelatedQuery:
    if not (text.isascii() and text.isdecimal() and len(text) <= 4 and 1 <= int(text) <= MAX_LIMIT):
        raise _wrong("limit", text, f"a whole number from 1 to {MAX_LIMIT}")
    return replace(query, limit=int(text))


def _read_min_score(text: str, query: RelatedQuery) -> RelatedQuery:
    try:
        score = float(text)
    except ValueError:
        score = -1.0
    if not 0 <= score <= 1:
        raise _wrong("min_score", text, "a number from 0 to 1")
    return replace(query, min_score=score)


def _read_fallback(text: str, query: RelatedQuery) -> RelatedQuery:
    if text not in _FALLBACKS:
        raise _wrong("fallback", text, f"one of {', '.join(Fallback)}")
    return replace(query, fallback=Fallback(text))


def _read_sort(text: str, query: RelatedQuery) -> RelatedQuery:
    if text not in _ORDERS:
        raise _wrong("sort", text, f"one of {', '.join(Order)}")
    return replace(query, order=Order(text))


def check_language(text: str) -> str:
    """A language tag in lower case.

    Raises:
        ProblemError: 422, if it is none.
    """
    if not 2 <= len(text) <= 35 or not _LANGUAGE.fullmatch(text):
        raise _wrong("language", text, "a language tag like en or pt-BR")
    return text.lower()


def _read_language(text: str, query: RelatedQuery) -> RelatedQuery:
    return replace(query, language=check_language(text))


_READERS: Mapping[str, Callable[[str, RelatedQuery], RelatedQuery]] = {
    "limit": _read_limit,
    "min_score": _read_min_score,
    "fallback": _read_fallback,
    "sort": _read_sort,
    "language": _read_language,
}


def _check_id(name: str, value: str) -> str:
    try:
        return check_id(value, field=name)
    except ArticleError as error:
        raise ProblemError(422, str(error), field=name) from None


def _single(parameters: Mapping[str, list[str]], name: str) -> str | None:
    values = parameters.get(name)
    if values is None:
        return None
    if len(values) > 1:
        raise ProblemError(422, f"the parameter {name} is given {len(values)} times", field=name)
    return values[0]


def _wrong(name: str, value: str, allowed: str) -> ProblemError:
    return ProblemError(422, f"{name} is {value[:80]!r}; it must be {allowed}", field=name)
