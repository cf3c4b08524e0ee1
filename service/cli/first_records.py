"""What the first records of a source show that nobody has said: fields, encoding, language."""

import datetime as dt
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

from index.articles.block_text import block_text
from index.articles.guessed_languages import Certainty, find_language
from index.articles.language_tags import is_language
from index.articles.parse import FieldMapping, parse_records
from index.articles.read_report import ReadReport
from index.articles.record import Record, RecordProblem, SourceItem, plain_name, unwrapped
from index.articles.word_table import load_table
from recommender.errors import AlsoLikeError

_TABLES = ("jsonl", "json", "csv", "parquet")
_READ = 20
_MAX_TEASER = 1_000
_WORDS = load_table(__file__)
_NAMES: dict[str, list[str]] = _WORDS["fields"]
_OF_ARTICLES = re.compile(r"(?:post|article|paper|study|page|entry|news|web|field|dc)(?=.)")
_LANGUAGE = re.compile(r"(?!id$)[a-z]{2}(?:[-_][A-Za-z]{2,4})?")
_ADDRESS = re.compile(r"(?:https?:/)?/\S+|[^\s:]+/[^\s:]*")
_KEY = re.compile(r".*(?:id|key|number|doi|pk)")
_MAX_KEY = 100
_LABELS = {"name", "display_name", "title", "label", "family", "fullName", "lastName"}
_PICTURES = {"src", "url", "filename", "data", "attributes"}


@dataclass(slots=True)
class _Field:
    """A field of the first records: its name without accents and marks, and its values."""

    path: str
    name: str
    values: list[Any] = field(default_factory=list)

    def is_called(self, name: str) -> bool:
        return name in (self.name, _OF_ARTICLES.sub("", self.name, count=1))

    @property
    def length(self) -> int:
        return sum(len(str(block_text(value)).strip()) for value in self.values)


def with_proposals(table: Mapping[str, Any]) -> dict[str, Any]:
    """Returns a table with the ``map`` and the ``encoding`` that its first records show.

    Args:
        table: The ``[[source]]`` table that describes the source.

    Returns:
        The table; unchanged if the source is no table of records, or can't be read.
    """
    found = dict(table)
    if table["kind"] not in _TABLES:
        return found
    items = _first(found)
    problems, records = _parted(items)
    if "invalid-encoding" in problems and all(str(one).isascii() for one in records):
        for encoding in _WORDS["encodings"]:  # as Excel saves it in one country or another
            problems, others = _parted(_first({**found, "encoding": encoding}))
            fits = _is_western if encoding == "windows-1252" else _has_known_name
            if "invalid-encoding" not in problems and fits(others):
                found, records = {**found, "encoding": encoding}, others
                break
    return {**found, "map": _map(records)}


def _first(table: Mapping[str, Any]) -> list[SourceItem]:
    from index.sources.registry import open_source

    items: list[SourceItem] = []
    with suppress(AlsoLikeError):
        items.extend(islice(open_source(table).records(), _READ))
    return items


def _parted(items: Iterable[SourceItem]) -> tuple[set[str], list[Mapping[str, Any]]]:
    """Returns the reasons of the problems among items, and the values of the records."""
    return (
        {item.reason for item in items if isinstance(item, RecordProblem)},
        [item.values for item in items if isinstance(item, Record)],
    )


def _has_known_name(records: list[Mapping[str, Any]]) -> bool:
    """Tells whether a field has a usual name in letters that only the right encoding shows."""
    known = {_plain(name) for names in _NAMES.values() for name in names}
    named = (name for values in records for name in values)
    return any(not name.isascii() and _plain(name) in known for name in named)


def _is_western(records: list[Mapping[str, Any]]) -> bool:
    """Tells whether texts that were read as windows-1252 look as if they are in this encoding."""
    text = "".join(str(part) for values in records for cell in values.items() for part in cell)
    others = [one for one in text if not one.isascii()]
    usual = _WORDS["western"] + ("" if set("ãçêèà").isdisjoint(others) else "õû")
    foreign = sum(one not in usual for one in others)
    letters = sum(map(str.isalpha, text))
    is_rare = 4 * sum(map(str.isalpha, others)) <= letters
    return bool(others) and is_rare and 20 * foreign <= len(others)


def _map(records: list[Mapping[str, Any]]) -> dict[str, str]:
    """Returns what records call those of our fields that they name otherwise."""
    held: dict[str, _Field] = {}
    for values in records:
        for path, name, value in _fields(values):
            if value not in (None, "", [], {}):
                held.setdefault(path, _Field(path, _plain(name))).values.append(value)
    given = sorted(held.values(), key=lambda one: one.path.count("."))  # the outer ones first
    found = {ours: next(_called(given, ours), None) for ours in _NAMES}
    if found["summary"] and "sections" not in held:
        found["summary"] = max(_called(given, "summary"), key=lambda one: one.length)
        short = (one for one in _called(given, "excerpt") if one is not found["summary"])
        found["excerpt"] = next((one for one in short if _is_teaser(one, found["summary"])), None)
    else:
        found["summary"] = found["excerpt"] = None
    made = found["url"] or held.get("slug")  # of which ids are made
    if made and len(made.values) == len(records):
        found["id"] = None
    elif not found["id"]:
        keys = (one for one in given if _is_key(one, len(records)))
        found["id"] = next(keys, None if made else found["title"])
    return {
        ours: one.path
        for ours, one in found.items()
        if one and plain_name(one.path) != plain_name(ours)
    }


def _fields(
    values: Mapping[str, Any], outer: str = "", depth: int = 2
) -> Iterator[tuple[str, str, Any]]:
    """Yields the path, name and value of each field, also of those within usual objects."""
    for name, given in values.items():
        value = unwrapped(given)  # as MongoDB exports ids and times
        if "," in name or name != name.strip():
            continue  # no path leads there, or it is that of a value that stands twice
        path = outer + name
        inner = value[0] if isinstance(value, list) and len(value) == 1 else value
        if isinstance(inner, Mapping):
            if inner.keys() >= {"link", "value"}:  # another record's id, as in ServiceNow
                continue
            keys = [key for key in (*_WORDS["inner"], "text") if inner.get(key)][:1]
            if inner and all(map(_LANGUAGE.fullmatch, map(str, inner))):
                keys = [next(iter(inner))]
            if name in _WORDS["outer"] and depth and (not keys or "id" in inner):
                yield from _fields(inner, f"{path}.", depth - 1)
                keys = []
            if keys and isinstance(value, Mapping):
                path, value = f"{path}.{keys[0]}", inner[keys[0]]
            elif keys:
                yield path, name, value
                path, value = f"{path}.{keys[0]}", inner[keys[0]]
        yield path, name, value


def _plain(name: str) -> str:
    """Returns a field's name without accents and marks, in lower case."""
    parts = unicodedata.normalize("NFKD", name.removesuffix("__c"))  # Salesforce's own fields
    return plain_name("".join(one for one in parts if not unicodedata.combining(one)))


def _called(given: list[_Field], ours: str) -> Iterator[_Field]:
    """Yields the fields with a usual name of one of ours and values as it has, in order."""
    for name in map(_plain, _NAMES[ours]):
        for one in given:
            if one.is_called(name) and all(_fits(ours, value) for value in one.values):
                yield one


def _fits(ours: str, value: Any) -> bool:
    """Returns whether a value may be one of a field of ours."""
    if ours in ("authors", "tags", "image"):
        first = value[0] if isinstance(value, list) else value
        if isinstance(first, Mapping):
            names = _PICTURES if ours == "image" else _LABELS
            return "value" not in first and not names.isdisjoint(first)
        if ours != "image":
            return isinstance(first, str) and not first.isdigit()
        return isinstance(first, str) and first.startswith(("https://", "http://", "/"))
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if ours in ("summary", "excerpt"):
        return isinstance(block_text(value), str)
    if ours == "url":
        is_address = isinstance(value, str) and _ADDRESS.fullmatch(value.strip())
        return bool(is_address) and not any(sign in value for sign in ("/api/", "://api."))
    if ours == "language":
        return isinstance(value, str) and is_language(value.lower().replace("_", "-"))
    value = unwrapped(value)
    kinds = (str, int, float, dt.date) if ours == "date" else (str, int)
    return isinstance(value, kinds) and not isinstance(value, bool)


def _is_teaser(one: _Field, text: _Field | None) -> bool:
    is_short = one.length <= _MAX_TEASER * len(one.values)
    return is_short and text is not None and one.length < text.length


def _is_key(one: _Field, count: int) -> bool:
    """Returns whether a field is called like an id, and no two of the records share its value."""
    texts = {str(value) for value in one.values if _fits("id", value)}
    is_short = all(len(text) <= _MAX_KEY for text in texts)
    return bool(_KEY.fullmatch(one.name)) and is_short and len(texts) == count


def language_found(table: Mapping[str, Any]) -> str:
    """Returns the language of most of a source's first articles, as BCP 47 tag.

    Args:
        table: The ``[[source]]`` table that describes the source, with its ``map``.

    Returns:
        The language; empty if most are in none that is certain, or the source can't be read.
    """
    from index.sources.registry import open_source

    counts: Counter[str] = Counter()
    mapping = FieldMapping(url_template="/{id}", timezone=ZoneInfo("UTC"))
    with suppress(AlsoLikeError):
        records = open_source(table).records()
        for article, _ in islice(parse_records(records, mapping, ReadReport()), _READ):
            language, certainty = find_language(article)
            counts[language if certainty >= Certainty.FAIR else ""] += 1
    language = max(counts, key=counts.__getitem__, default="")
    return language if 2 * counts[language] > counts.total() else ""
