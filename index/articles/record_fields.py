"""Reads the fields of one record, and notes which values were repaired or left out."""

import re
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar

from index.articles.cleaning import cut_text, drop_open_tag, plain_text
from index.articles.date_words import DateError
from index.articles.json_text import load_json
from index.articles.record import (
    Record,
    RecordProblem,
    get_field,
    names_in_other_spelling,
    unwrapped,
)
from index.articles.text_lists import split_listed
from recommender.errors import ArticleError

_WITH_PARTS = set("sections image tags ratings authors links related aliases".split())
_BY_LANGUAGE = ("title", "excerpt")  # which a JSON column may hold in several languages
_NOTHING = re.compile(
    r"\W?(?:n/a|no (?:abstract|summary|description|author(?: name)?s?) (?:is )?available)\W?",
    re.IGNORECASE,
)
"""What databases write in a field that has no value."""

_WITH_NAMES = ("tags", "authors", "aliases", "related")

T = TypeVar("T")


class FieldReader:
    """Base class of record parsers: reads the fields of one record and notes problems.

    Args:
        record: The record to read.

    Attributes:
        field: The field that was read last.
        notes: One problem for each value that was repaired or left out.
    """

    def __init__(self, record: Record) -> None:
        self._record, self._values = record, record.values
        self._others = names_in_other_spelling(tuple(record.values))
        self.field = ""
        self.notes: list[RecordProblem] = []

    def _get(self, name: str) -> Any:
        """Return a field's value; JSON text of a list or object, as in a CSV cell, is parsed.

        So are lists of names as PostgreSQL and Python write them. A field is found in another
        spelling too: ``Title``, ``Visible From``. A dotted name of a template for links leads into
        objects. A list of one text or number, as Solr has it, is that value.
        """
        self.field = name
        value = self._values.get(name)
        if value is None:
            if "." in name or "," in name:
                value = get_field(self._values, name)
            elif self._others:
                value = self._values.get(self._others.get(name.replace("_", ""), ""))
        if isinstance(value, dict):
            value = unwrapped(value)
        if isinstance(value, list) and len(value) == 1 and name not in _WITH_PARTS:
            value = value[0] if isinstance(value[0], str | int | float) else value
        return _parsed(name, value) if isinstance(value, str) else value

    def _optional(self, name: str, parse: Callable[[Any], T]) -> T | None:
        """Parse a field; return ``None`` if it is empty or invalid (which is also noted)."""
        value = self._get(name)
        if value in (None, "", [], [None]):  # the last as a database gathers what a join lacks
            return None
        try:
            return parse(value)
        except ArticleError as error:
            self._note(error.reason, f"{error}: left out", name)
        except DateError as error:
            self._note("invalid", f"{name} {error}: left out", name)
        return None

    def _note(self, reason: str, message: str, field: str = "") -> None:
        """Note a problem with a field: the one that was read last, if no other is named."""
        at, field = self._record.location, field or self.field
        problem = RecordProblem(location=at, field=field, reason=reason, message=message)
        self.notes.append(problem)

    def _plain(self, value: Any, limit: int) -> str:
        """Return a value as plain text of at most ``limit`` characters, without markup."""
        if value is None or value == "":
            return ""
        if not isinstance(value, str):
            self._note("not-text", f"expected text, found {type(value).__name__}: left out")
            return ""
        most = 4 * limit  # so that cleaning stays cheap
        text = plain_text(value if len(value) <= most else drop_open_tag(value[:most]))
        if len(value) > most or len(text) > limit:
            self._note("too-long", f"{self.field} has {len(value)} characters, cut at {limit}")
            text = cut_text(text, limit)
        return "" if self.field != "title" and _NOTHING.fullmatch(text) else text


def _parsed(name: str, text: str) -> Any:
    """Parse a text that is the JSON of a list or object, if the field may be one."""
    if name in _WITH_PARTS and text.strip() == "null":  # as MariaDB's and MySQL's JSON columns say
        return None
    kinds = ("[", "{") if name in _WITH_PARTS else ("{",) if name in _BY_LANGUAGE else ()
    if text.lstrip()[:1] not in kinds:
        return text
    with suppress(ValueError):
        return load_json(text) or []  # {} is PostgreSQL's empty list
    return (name in _WITH_NAMES and split_listed(text)) or text
