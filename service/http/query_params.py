"""Parses and checks the query parameters of a request for related articles.

Errors name the parameter at fault. Unknown parameters are ignored, since caches and trackers add
their own.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import unquote_to_bytes

from index.query import MAX_EXCLUDE, MAX_EXCLUDED, QueryOption, RelatedQuery, query_options
from recommender.article import MAX_ID_BYTES, check_id
from recommender.errors import ArticleError
from service.http.problems import ProblemError

MAX_FIELDS = 200


def parse_query(query: bytes) -> dict[str, list[str]]:
    """Parses a query string such as ``b"limit=3&exclude=a&exclude=b"``.

    Returns:
        The list of values of each parameter, such as ``{"limit": ["3"], "exclude": ["a", "b"]}``.

    Raises:
        ProblemError: 422, for more than :data:`MAX_FIELDS` fields or a value that is not UTF-8.
    """
    fields = query.split(b"&")
    if len(fields) > MAX_FIELDS:
        raise ProblemError(422, f"the query string has over {MAX_FIELDS} parameters; send fewer")
    parameters: dict[str, list[str]] = {}
    for field in fields:
        if field:
            raw_name, _, value = field.partition(b"=")
            name = _unquote(raw_name).decode(errors="replace")
            try:
                parameters.setdefault(name, []).append(_unquote(value).decode())
            except UnicodeDecodeError:
                raise ProblemError(
                    422, f"the parameter {name[:80]} is not percent-encoded UTF-8", field=name[:80]
                ) from None
    return parameters


def _unquote(text: bytes) -> bytes:
    text = text.replace(b"+", b" ")
    return unquote_to_bytes(text) if b"%" in text else text


def read_article_id(path_id: bytes | None, parameters: Mapping[str, list[str]]) -> str:
    """Returns the id of the requested article, from the path or from the parameter ``id``.

    Args:
        path_id: The percent-encoded id in the path; ``None`` for a route that has none there.
        parameters: The query parameters, as :func:`parse_query` returns them.

    Raises:
        ProblemError: 422, if the id is missing or not a valid article id.
    """
    if path_id is not None:
        try:
            return check_article_id("article_id", unquote_to_bytes(path_id).decode())
        except UnicodeDecodeError:
            raise ProblemError(
                422, "the article id in the path is not percent-encoded UTF-8", field="article_id"
            ) from None
    article_id = _single(parameters, "id")
    if article_id is None:
        raise ProblemError(422, "the parameter id is missing; write /v1/related?id=…", field="id")
    return check_article_id("id", article_id)


def read_related_query(parameters: Mapping[str, list[str]], defaults: RelatedQuery) -> RelatedQuery:
    """Turns the parameters of a request for related articles into a query.

    Args:
        parameters: The query parameters, as :func:`parse_query` returns them.
        defaults: The query whose values replace missing parameters.

    Raises:
        ProblemError: 422, naming the parameter and its value.
    """
    if parameters.keys() <= {"id"}:
        return defaults
    given: dict[str, Any] = {}
    for name, option in query_options().items():
        if name == "exclude":
            if name in parameters:
                given[name] = _read_exclude(parameters[name])
        elif (text := _single(parameters, name)) is not None:
            given[name] = _read_option(option, text)
    return replace(defaults, **given)


def _read_option(option: QueryOption, text: str) -> Any:
    try:
        if option.schema["type"] == "integer":
            return option.type.validate_python(_read_number(text))
        if option.schema["type"] == "boolean":
            return {"true": True, "false": False}[text]
        if option.schema["type"] == "number":
            return option.type.validate_python(float(text))
        value = option.type.validate_python(text)
        return value.lower() if option.name == "language" else value
    except (ValueError, KeyError):
        raise _wrong(option.name, text, option.allowed) from None


def _read_number(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= 4):
        raise ValueError
    return int(text)


def _read_exclude(names: list[str]) -> frozenset[str]:
    if len(names) > MAX_EXCLUDE:
        raise _wrong("exclude", f"{len(names)} ids", query_options()["exclude"].allowed)
    return frozenset(map(check_excluded, names))


def check_excluded(name: str) -> str:
    """Checks a value of the parameter ``exclude``, and returns it unchanged.

    Args:
        name: The id or URL of an article to leave out of the list.

    Raises:
        ProblemError: 422, saying why the value is neither an id nor a URL.
    """
    return check_article_id("exclude", name, MAX_EXCLUDED)


def check_language(text: str) -> str:
    """Checks a language tag such as ``de-AT`` and returns it in lower case.

    Raises:
        ProblemError: 422, if the text is not a language tag.
    """
    language: str = _read_option(query_options()["language"], text)
    return language


def check_article_id(name: str, value: str, longest: int = MAX_ID_BYTES) -> str:
    """Checks an article id and returns it unchanged.

    Args:
        name: The name of the request's parameter that holds the id, for the error.
        value: The id.
        longest: The largest number of bytes.

    Raises:
        ProblemError: 422, saying why the value is not a valid article id.
    """
    try:
        return check_id(value, field=name, longest=longest)
    except ArticleError as error:
        raise ProblemError(422, str(error), field=name) from None


def _single(parameters: Mapping[str, list[str]], name: str) -> str | None:
    values = parameters.get(name)
    if values is None:
        return None
    refuse_repeated(name, values)
    return values[0]


def refuse_repeated(name: str, values: list[str]) -> None:
    """Refuses a query parameter that is given more than once.

    Args:
        name: The parameter's name.
        values: All values that are given for it.

    Raises:
        ProblemError: 422, naming the parameter.
    """
    if len(values) > 1:
        name = name[:80]
        raise ProblemError(
            422, f"the parameter {name} is given {len(values)} times; give it once", field=name
        )


def _wrong(name: str, value: str, allowed: str) -> ProblemError:
    return ProblemError(422, f"{name} is {value[:80]!r}; it must be {allowed}", field=name)
