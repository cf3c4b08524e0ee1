"""The classes for one raw record of a source, and for a problem found in a record."""

import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from index.articles.json_text import load_json
from recommender.errors import ArticleError, one_line

MAX_MESSAGE = 500
"""Longest message of a problem in characters; limited because a thousand messages are kept."""

_EXACT_FLOATS = 2**53
_OTHER_MARKS = re.compile(r"[\W_]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One raw record of a source.

    Attributes:
        location: Where the record is in the source, for messages (``"articles.jsonl line 12"``).
        values: The record's values, by the source's field names.
        given: The values before a ``map`` renamed them, which a template for links may name, too;
            empty if there is no ``map``.
        date_format: How the source writes dates, in the notation of ``strptime``; empty if it
            does not say.
        timezone: The time zone of times that the source gives without one, such as
            ``"Europe/Berlin"``; empty to use that of the site's settings.
        url_template: The source's template for the article's address, if the record has none; empty
            to use that of the site's settings.
        link: The article's address by the rules of the site's generator; empty if unknown.
        no_link: Why the address by those rules is unknown, with the remedy; empty if it is known.
        no_link_reason: The name under which reports count that.
        language: The language of the source's records that do not give theirs; empty if unknown.
        language_from: Where the language in ``values`` is from, if not from a field of the record:
            ``"path"`` (the address) or ``"page"`` (the page's ``lang``).
        outdated: Why this is what an earlier build fetched; empty if the record was fetched now.
    """

    location: str
    values: Mapping[str, Any]
    date_format: str = ""
    timezone: str = ""
    url_template: str = ""
    link: str = ""
    no_link: str = ""
    no_link_reason: str = "unknown-address"
    language: str = ""
    language_from: str = ""
    outdated: str = ""
    given: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordProblem:
    """A problem with a record, or with one of its fields.

    Attributes:
        location: Where the record is in the source.
        field: The field at fault; empty if the problem is with the whole record.
        reason: A short name of the kind of problem, by which reports count problems.
        message: A message for people with the value at fault and the remedy; cut at
            :data:`MAX_MESSAGE`.
    """

    location: str
    field: str = ""
    reason: str
    message: str

    def __post_init__(self) -> None:
        if not self.location.isprintable():
            object.__setattr__(self, "location", one_line(self.location))
        if len(self.message) > MAX_MESSAGE or not self.message.isprintable():
            object.__setattr__(self, "message", one_line(self.message[:MAX_MESSAGE]))

    @property
    def key(self) -> str:
        """The text under which reports count the problem: its field, if any, and its reason."""
        return f"{self.field}: {self.reason}" if self.field else self.reason

    def to_dict(self) -> dict[str, str]:
        """Return the problem as a dictionary, for reports and ``--json``."""
        return {
            "place": self.location,
            "field": self.field,
            "reason": self.reason,
            "message": self.message,
        }

    def __str__(self) -> str:
        """Return location, field and message on one line."""
        named = not self.field or self.message.startswith(f"{self.field} ")
        return f"{self.location}: {self.message if named else f'{self.field}: {self.message}'}"


SourceItem = Record | RecordProblem
"""What a source yields: a record, or the problem with one that can't be read."""


def unreadable(location: str, error: Exception, field: str = "") -> RecordProblem:
    """Make a problem out of the exception that a parser raised while it read a record."""
    if isinstance(error, ArticleError):
        reason, message = error.reason, str(error)
        return RecordProblem(location=location, field=error.field, reason=reason, message=message)
    message = f"can't be read ({describe(error)}): correct the value, or leave it out"
    return RecordProblem(location=location, field=field, reason="unreadable", message=message)


def describe(error: Exception) -> str:
    """Return an exception's type and the beginning of its message."""
    try:
        text = str(error)
    except Exception:  # noqa: BLE001 - the message may contain a number too long to print
        text = ""
    return f"{type(error).__name__}: {text[:200]}" if text else type(error).__name__


def short(value: Any, limit: int = 40) -> str:
    """Return ``repr(value)``, cut to ``limit`` characters, for messages.

    Never raises an exception, and is fast even for huge values.
    """
    if isinstance(value, str | bytes | list | tuple):
        value = value[: limit + 1]
    elif isinstance(value, Mapping):
        return f"an object with {len(value)} fields"
    try:
        return repr(value)[:limit]
    except Exception:  # noqa: BLE001 - a number too long to print, a list too deep
        return f"a {type(value).__name__} too large to show"


def id_text(value: Any, field: str = "id") -> str:
    """Convert an id to text: ``12`` and ``12.0`` become ``"12"``; no id becomes empty text.

    Raises:
        ArticleError: If the value is neither text nor a whole number.
    """
    if value is None or isinstance(value, str):
        return (value or "").strip()
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    # Larger floats have lost digits.
    if isinstance(value, float) and abs(value) < _EXACT_FLOATS and value.is_integer():
        return str(int(value))
    message = f"{field} {short(value)} is neither text nor a whole number; store it as text"
    raise ArticleError(field, "invalid", message)


def unwrapped(value: Any) -> Any:
    """Return the value inside an object of extended JSON: ``"65f1"`` for ``{"$oid": "65f1"}``.

    Of a date in parts, as in Crossref and CSL, it is the date: ``"2026-3-1"``.
    """
    parts = value.get("date-parts") if isinstance(value, Mapping) else None
    if parts and isinstance(parts, list) and isinstance(parts[0], list):
        return value.get("date-time") or "-".join(map(str, parts[0][:3]))
    while isinstance(value, Mapping) and len(value) == 1 and str(*value)[:1] == "$":
        (value,) = value.values()
    return value


@lru_cache(maxsize=4096)
def plain_name(name: str) -> str:
    """Return a field's name as ``noindex``, whether spelled noIndex, no_index or no-index."""
    return _OTHER_MARKS.sub("", name[:60].casefold())


@lru_cache(maxsize=256)
def names_in_other_spelling(names: tuple[str, ...]) -> Mapping[str, str]:
    """Map plain spellings (:func:`plain_name`) to the names that differ from them.

    ``("id", "Title", "Visible From")`` gives ``{"title": "Title", "visiblefrom": "Visible From"}``.
    """
    return {plain: name for name in names if (plain := plain_name(name)) != name}


@lru_cache(maxsize=2)  # several fields may be within one
def _parsed(text: str) -> Any:
    with suppress(ValueError):
        return load_json(text)
    return text


def get_field(values: Mapping[str, Any], name: str) -> Any:
    """Return a record's value by field name or dotted path; ``None`` if there is none.

    A list of one value on the path, as Drupal and Prismic write fields, counts as that value.
    ``name`` may be several names, separated by commas: then the first with a value is used.
    """
    if name in values:
        return values[name]
    if "," in name:
        found = (get_field(values, part.strip()) for part in name.split(","))
        return next((value for value in found if value not in (None, "", [])), None)
    if "." not in name:
        return None
    inner: Any = values
    while name:
        if isinstance(inner, str) and inner.startswith(("[", "{")):  # a JSON column or cell
            inner = _parsed(inner)
        if isinstance(inner, list) and len(inner) == 1:
            inner = inner[0]
        if not isinstance(inner, Mapping):
            return None
        part = name if name in inner else name.partition(".")[0]
        if part not in inner:  # a name may have dots itself, as in DSpace
            names = (key for key in inner if isinstance(key, str) and "." in key)
            dotted = (key for key in names if name.startswith(f"{key}."))
            part = max(dotted, key=len, default=part)
        inner, name = inner.get(part), name[len(part) + 1 :]
    return inner
