"""What a page says of its own visibility, in the words of all generators and systems.

This is the one place that judges such words, for every source. Visibility fails closed: a page
that says it is not to be listed is hidden, and so is one whose word is not understood.
"""

import datetime as dt
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from index.articles.cleaning import plain_text
from index.articles.date_words import DateError
from index.articles.foreign_dates import DateReader
from index.articles.json_text import load_json
from index.articles.record import plain_name, short, unwrapped
from index.articles.word_table import load_table
from recommender.article import Status

_TABLES = load_table(__file__)
_STATUSES = {word: Status(kind) for kind, words in _TABLES["status"].items() for word in words}
_FIELDS = {kind: frozenset(names) for kind, names in _TABLES["fields"].items()}
_FIELDS["status"] |= _FIELDS["may_be_state"] | _FIELDS["may_be_state_but_no_number"]
_FIELDS["hides_if_true"] |= _FIELDS["draft"]
_FIELDS["hides_if_true"] |= _FIELDS["times"] | {f"is{name}" for name in _FIELDS["hides_if_true"]}
_WITHIN, _LISTS, _OWN = (_FIELDS.pop(name) for name in ("within", "lists", "own"))
_JUDGED = frozenset[str]().union(*_FIELDS.values())
_MADE_OF_PARTS = {
    name: re.compile(pattern, re.VERBOSE) for name, pattern in _TABLES["made_of_parts"].items()
}
_FLAGS = _FIELDS["hides_if_true"] | _FIELDS["hides_if_false"]
_NULLS_HIDE = _FIELDS["null_if_draft"] | _FIELDS["null_if_empty"]
_FOR_ROBOTS = _FIELDS["robots"] | _FIELDS["tags"]
_TOGETHER = _TABLES["times"].pop("if_together")
_TIMES = {kind: frozenset(names) for kind, names in _TABLES["times"].items()}
# Those of both lists that only say when a page is shown stay apart from the dates.
_TIMES["published"] |= _FIELDS["may_be_date"] - _TIMES["visible_from"]
_TIMES["visible_from"] |= _TIMES["published"]
_WORDS = _TABLES["words"]
_WORDS["not_for_all"] += _WORDS["closed"]
_OPTIONS = {"list": ("always", "true", "local"), "render": ("always", "true")}
_NOT_INDEXED = re.compile(r"(?<!-preview:)(?<!-preview: )\b(no[-_ ]?index|none)\b", re.IGNORECASE)
_UNAVAILABLE = re.compile(r"unavailable_after:\s*([^,]+(?:,\s*\d[^,]*)?)", re.IGNORECASE)
_RETRACTED = re.compile(
    r"\[?(?:RETRACTED|WITHDRAWN)(?: (?:ARTICLE|PAPER|CHAPTER))?\]?:"
    r"|\[(?i:retracted|withdrawn)(?i: article)?\]"
)
_SANITY = re.compile(r"drafts\.|versions\.[^.]+\.[^.]")
_JOOMLA = re.compile(r"[2346-9]|[1-9]\d")
"""Access levels of Joomla that are not for everyone; 1 is public, 5 for guests."""
NULLS = ("NULL", r"\N")
"""How databases write that there is no value."""

_DEEPEST = 6
_HEAD = re.compile(r"<meta\b[^<>]{0,400}?\bnoindex\b", re.IGNORECASE)
_LOCALE = re.compile(r"[a-z]{2,3}[-_][A-Z]{2}")
_LONGEST_JSON = 20_000
_LONGEST_WORD = 40
_FEW_FIELDS = 100
_NUMBER = re.compile(r"(?!1(?:\.0)?$)-?\d+(?:\.0)?")
_WHOLE_NUMBER = re.compile(r"-?\d+(?:\.0)?")
_YEAR = re.compile(r"(?<!\d)\d{4}(?!\d)|^\d{10,}$")
_UNLIKE = re.compile(r"[^\w+#]")  # what systems write in a title in different ways
_HELD = {"rendered", "raw", "value"}  # names of a title within an object


@dataclass(frozen=True, slots=True)
class HidingWord:
    """A value of a record that hides the article, such as the status ``draft``.

    Attributes:
        field: The field that holds the value.
        status: The status that the article gets because of the value.
        unknown: A message for people if the value is not understood; else empty.
    """

    field: str
    status: Status
    unknown: str = ""


def find_hiding_word(values: Mapping[str, Any], status: Any) -> HidingWord | None:
    """Return the value of a record that hides its article; ``None`` if none does.

    Args:
        values: All values of the record by field name.
        status: The value of the record's field ``status``.
    """
    known = _known_status("" if status is None else status)
    if known is None:
        return _unknown("status", status)
    found = [HidingWord("status", known)] if known is not Status.PUBLISHED else []
    found += _hiding_words(values)
    if status is None or str(status).strip() == "":
        found += _drafts_without_time(values)
    # Words that are understood go first, and of these drafts.
    found.sort(key=lambda one: (bool(one.unknown), one.status is not Status.DRAFT))
    return next(iter(found), None)


def is_retracted(title: str) -> bool:
    """Return whether a title bears the mark by which journals say that they retracted a paper."""
    return bool(_RETRACTED.match(title))


def is_scheduled(values: Mapping[str, Any], status: Any) -> bool:
    """Return whether a record's status says that the article is scheduled to appear later.

    Args:
        values: All values of the record by field name.
        status: The value of the record's field ``status``.
    """
    judged = _FIELDS["status"]
    named = (values[name] for name, plain in _fields(judged, values) if plain in judged)
    words = (_plain_status(one) for one in (status, *named) if isinstance(one, str))
    return any(word in _TABLES["scheduled"] for word in words)


def is_visibility_name(name: str) -> bool:
    """Return whether a field with this name may hide an article; see :func:`find_hiding_word`."""
    return _standard_name(name) in _JUDGED | _WITHIN


def tells_by_nothing(name: str) -> bool:
    """Return whether an empty field of this name in a table says that the article is a draft."""
    return plain_name(name) in _NULLS_HIDE


def _unknown(name: str, value: Any) -> HidingWord:
    said = f"{name} {short(value)} is unknown: kept hidden"
    if _WHOLE_NUMBER.fullmatch(str(value)[:20]):
        said += (
            "; what a number means differs from system to system: give status published or draft"
        )
    return HidingWord(name, Status.HIDDEN, said)


def _find(
    names: frozenset[str], values: Mapping[str, Any], prefix: str = ""
) -> Iterator[tuple[str, str, Any]]:
    """Yields path, plain name and value of fields, also of those in objects such as "seo"."""
    for name, plain in _fields(names, values):
        given = values[name]
        if plain in names:
            for said in _by_locale(given):
                if plain not in _FIELDS["layouts"] or not _is_other_layout(said, values):
                    yield prefix + name, plain, said.strip() if isinstance(said, str) else said
        if plain in _WITHIN and prefix.count(".") < _DEEPEST:
            is_list = isinstance(given, list) and (plain in _LISTS or len(given) == 1)
            for one in given[:100] if is_list else _by_locale(given):
                if isinstance(one, str) and one[:1] == "{" and len(one) <= _LONGEST_JSON:
                    with suppress(ValueError):  # a cell or column may hold JSON as text
                        one = load_json(one)
                within = f"{prefix}{name}."
                if isinstance(one, Mapping) and not (
                    plain == "translation" and _is_other_article(values, one, within)
                ):
                    yield from _find(names, one, within)


def _is_other_article(values: Mapping[str, Any], inner: Mapping[str, Any], within: str) -> bool:
    """Tells whether a record and an object in it, such as a translation, have different titles.

    Markup, letter case, blanks and signs make no difference, but for those of C++ and C#.
    """
    title = next((values[name] for name in values if plain_name(str(name)) == "title"), None)
    found = [said for _, _, said in _find(frozenset({"title"}), inner, within)]
    own, others = _titles([title]), _titles(found)
    return bool(own and others) and own.isdisjoint(others)


def _titles(given: list[Any]) -> set[str]:
    """Returns the texts of titles, also in lists and objects, as they are compared."""
    items = [item for one in given for item in (one[:100] if isinstance(one, list) else [one])]
    found = [said for item in items for said in _by_locale(item)]
    found += [said[key] for said in found if isinstance(said, Mapping) for key in _HELD & {*said}]
    plain = (plain_text(str(one)[:1000]) for one in found if isinstance(one, str | int | float))
    return {_UNLIKE.sub("", one.casefold()) for one in plain} - {""}


def _fields(names: frozenset[str], values: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """Returns name and plain name of fields to look at: those in "names", and objects' own."""
    known = _fields_among if len(values) <= _FEW_FIELDS else _fields_among.__wrapped__
    return known(names, tuple(values))


@lru_cache(maxsize=1024)  # most records of a source have the same fields
def _fields_among(names: frozenset[str], given: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    found = ((name, _standard_name(str(name))) for name in given)
    wanted = names | _WITHIN
    return tuple((name, plain) for name, plain in found if plain in wanted)


@lru_cache(maxsize=4096)
def _standard_name(name: str) -> str:
    """Returns a field's plain name; of one that is made of parts, the name that means the same."""
    plain = plain_name(name)
    if any(plain in names for names in (_JUDGED, *_TIMES.values())):
        return plain
    found = (known for known, parts in _MADE_OF_PARTS.items() if parts.fullmatch(plain))
    return next(found, plain)


def _by_locale(value: Any) -> list[Any]:
    """Returns the values of an object whose names are locales, as in Contentful; else the value."""
    value = unwrapped(value)
    if not isinstance(value, Mapping):
        return [value]
    if value.keys() == {"value"}:
        return [value["value"]]
    is_locales = value and all(
        _LOCALE.fullmatch(str(name)) or name in _WORDS["locales"] for name in value
    )
    return [*value.values()][:100] if is_locales else [value]


def _hiding_words(values: Mapping[str, Any]) -> Iterator[HidingWord]:
    for path, plain, value in _find(_JUDGED, values):
        if value in (None, "", [], {}) or plain == "index" == plain_name(path):
            continue  # index is a row's number; only within "seo" and the like is it for robots
        if plain in _FIELDS["status"]:
            yield from _other_status(path, plain, value)
            continue
        hides = _flag_hides(plain, value) if plain in _FLAGS else _word_hides(plain, value)
        if hides is None and not _may_say_else(path, plain):
            yield _unknown(path, value)
        elif hides:
            yield HidingWord(path, Status.DRAFT if plain in _FIELDS["draft"] else Status.HIDDEN)


def _is_other_layout(value: Any, values: Mapping[str, Any]) -> bool:
    """Tells whether a word that is a type of WordPress or Typecho stands in another system."""
    is_word = plain_name(str(value)[:100]) in _WORDS["not_articles_of_blogs"]
    return is_word and not any(
        plain_name(str(name)) in _WORDS["fields_of_blogs"] for name in values
    )


def _may_say_else(path: str, plain: str) -> bool:
    """Tells whether a value that is not understood is likely to say something else."""
    is_made = plain in _MADE_OF_PARTS and plain != plain_name(path.rpartition(".")[2])
    return _is_own(path) or (is_made and plain in ("hidefromsearch", "showinsearch"))


def _is_own(path: str) -> bool:
    """Tells whether a field is one that the site made for itself."""
    return any(plain_name(part) in _OWN for part in path.split(".")[:-1])


def _drafts_without_time(values: Mapping[str, Any]) -> Iterator[HidingWord]:
    """Yields what Strapi and Laravel make of a draft: there is a "publishedAt", but it is null.

    In tables a null, and a box that is not checked, is a cell without text.
    """
    for path, plain, value in _find(_NULLS_HIDE, values):
        is_null = value is None or value == [] or value in NULLS or _is_no_date(value)
        if value == "" or (is_null and plain in _FIELDS["null_if_draft"]):
            wanted = "null" if is_null else "empty"
            said = f"{path} is {wanted}: kept as a draft; if it is published, say so in status"
            yield HidingWord(path, Status.DRAFT, said)


def _is_no_date(value: Any) -> bool:
    """Tells whether a value is what databases write for no date, such as 0000-00-00."""
    with suppress(DateError):
        return DateReader().read(value) is None
    return False


def _other_status(name: str, plain: str, value: Any) -> Iterator[HidingWord]:
    """Yields what a status in another field than ``status`` says against showing the article.

    In ``state`` and ``stage`` a word that is not understood is no status, but a place or the like.
    """
    known = _known_status(value)
    is_by_word = plain in _FIELDS["may_be_state_but_no_number"]
    may_be_other = plain in _FIELDS["may_be_state"] or is_by_word or _is_own(name)
    numbers = _NUMBER if plain == "state" else _WHOLE_NUMBER  # 1 is published in Joomla
    numbered = (is_by_word or plain == "state") and numbers.fullmatch(str(value).strip()[:20])
    if known is None and name != "status" and (numbered or not may_be_other):
        yield _unknown(name, value)
    elif known not in (None, Status.PUBLISHED) and name != "status":
        yield HidingWord(name, known)


def _known_status(value: Any) -> Status | None:
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if isinstance(value, Mapping):  # as Drupal and others write it
        value = next((value[name] for name in _WORDS["holds_status"] if name in value), value)
    if not isinstance(value, str | int):
        return None
    words = str(value).split(",")  # "published,featured"
    several = {_STATUSES.get(_plain_status(word)) for word in words}
    return several.pop() if several == {Status.PUBLISHED} or len(words) == 1 else None


def _plain_status(value: str) -> str:
    """Returns ``inreview`` for In Review and in-review; numbers keep their sign."""
    word = value.strip()
    return word if word[:1] == "-" or len(word) > _LONGEST_WORD else plain_name(word) or word


def _flag_hides(plain: str, value: Any) -> bool | None:
    """Tells whether a yes or no hides the article; ``None`` if it is not understood."""
    if plain in _FIELDS["times"]:
        with suppress(DateError):  # databases write "none" in many ways, such as 0000-00-00
            found = DateReader().instant(value)
            return found is not None and found.timestamp() != 0  # 0 is what HubSpot writes for no
    if isinstance(value, Mapping) and plain not in _FIELDS["times"]:  # sitemap: {exclude: true}
        hides = any(_truth(value.get(key)) for key in _WORDS["hides_within"])
        if plain in _FIELDS["hides_if_false"]:
            hides = hides or any(_truth(value.get(key)) is False for key in _WORDS["shows_within"])
        return True if hides else False if plain in _FIELDS["may_be_other"] else None
    truth = _truth(value)
    if truth is not None:
        return truth == (plain in _FIELDS["hides_if_true"])
    if isinstance(value, str) and _NOT_INDEXED.fullmatch(value.strip()):
        return True
    word = value.strip().casefold() if isinstance(value, str) else ""
    if word in _WORDS["shows_said" if plain in _FIELDS["hides_if_true"] else "for_all"]:
        return False
    if word and plain in _FIELDS["hides_if_false"]:
        if word in _WORDS["hides_said"]:
            return True
        if not _is_date(value) and (known := _known_status(word)) is not None:
            return known is not Status.PUBLISHED
    is_date = plain in _FIELDS["may_be_date"] and _is_date(value)
    return False if is_date or plain in _FIELDS["may_be_other"] else None


def _word_hides(plain: str, value: Any) -> bool | None:
    """Tells whether what a field says in other ways hides it; ``None`` if it is not understood."""
    for kind, hides in _SAYS.items():
        if plain in _FIELDS[kind]:
            return hides(value)
    is_robots = plain in _FIELDS["robots"]
    if is_robots and isinstance(value, Mapping):
        robots = [value, *(one for one in value.values() if isinstance(one, Mapping))]
        if any(_truth(one.get("index")) is False for one in robots):
            return True
    if plain == "build":  # Hugo's options
        options = value if isinstance(value, Mapping) else {"list": _truth(value)}
        said = [(shown, options.get(name)) for name, shown in _OPTIONS.items()]
        return any(one is not None and str(one).casefold() not in shown for shown, one in said)
    word = str(value)[:1000]
    if is_robots:
        return value is False or bool(_NOT_INDEXED.search(word))
    return _readers_hide(plain, value, plain_name(word)) if plain in _FIELDS["readers"] else False


_SAYS: dict[str, Callable[[Any], bool]] = {
    "ids": lambda value: bool(_SANITY.match(str(value)[:200])),
    "groups": lambda value: any(  # 0 and -1 are everyone's
        str(one).strip() not in ("0", "-1", "")
        for one in (value if isinstance(value, list) else str(value)[:1000].split(","))
    ),
    "sys": lambda value: (  # of an entry from Contentful's management that was never published
        isinstance(value, Mapping) and "version" in value and not value.get("publishedVersion")
    ),
    "conditions": lambda value: "visitor." in str(value)[:1000],
    "tags": lambda value: any(
        kind == "refresh" or _NOT_INDEXED.search(text) for kind, text in _head_tags(value)
    ),
    "passwords": lambda value: _truth(value) is not False and value not in NULLS,
    "layouts": lambda value: (
        "redirect" in str(value)[:100]
        or plain_name(str(value)[:100]) in _WORDS["not_articles"]
        or value is True  # template: true, as in Outline; a 1 may be the number of a template
    ),
    "redirects": lambda value: (
        _truth(value) is not False
        and str(value)[:10].casefold() != "none"
        and not (
            isinstance(value, Mapping)
            and (_truth(value.get("enabled")) is False or not any(value.values()))
        )
    ),
    "heads": lambda value: bool(_HEAD.search(str(value)[:_LONGEST_JSON])),
    "page_types": lambda value: str(value) in _WORDS["not_pages"],
    "types": lambda value: plain_name(str(value)) in _WORDS["not_articles"],
}
"""How fields say that their page is hidden, by the kind of field."""


def _readers_hide(plain: str, value: Any, word: str) -> bool | None:
    if plain == "access" and _JOOMLA.fullmatch(word):
        return True
    if isinstance(value, Mapping) and plain in ("access", "protect"):
        return True  # an object holds logins, as in Grav
    if isinstance(value, Mapping):  # as ReadMe writes it
        word = plain_name(str(value.get("view", "")))
    if word in _WORDS["closed" if plain in _FIELDS["permissions"] else "not_for_all"]:
        return True
    return None if plain == "visibility" and word not in _WORDS["for_all"] else False


def _head_tags(value: Any, depth: int = 4) -> Iterator[tuple[str, str]]:
    """Yields kind and content of the tags for a page's head that are for robots or lead away."""
    if isinstance(value, Mapping):
        kind = plain_name(str(value.get("name")))
        refresh = plain_name(str(value.get("http-equiv"))) == "refresh"
        if kind in _FIELDS["robots"] or refresh:
            yield "refresh" if refresh else kind, str(value.get("content"))[:1000]
        value = list(value.values())
    if isinstance(value, list) and depth > 0:
        for item in value[:100]:
            yield from _head_tags(item, depth - 1)


def _last_days(values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yields until when robots may list the page, and the path of what says so."""
    for path, plain, value in _find(_FOR_ROBOTS, values):
        texts = value if isinstance(value, list) else [value]
        if plain in _FIELDS["tags"]:
            texts = [text for _, text in _head_tags(value)]
        for said in texts[:100]:
            if found := _UNAVAILABLE.search(str(said)[:1000]):
                yield path, found[1].strip()


def _truth(value: Any) -> bool | None:
    """Returns a yes or no in any letter case and type; ``None`` for anything else."""
    if isinstance(value, bool):
        return value
    if isinstance(value, int | float) and value in (0, 1):
        return bool(value)
    word = value[:20].strip().casefold() if isinstance(value, str) else ""
    return True if word in _WORDS["true"] else False if word in _WORDS["false"] else None


def _is_date(value: Any) -> bool:
    if isinstance(value, str):
        return bool(_YEAR.search(value[:100].strip()) or DateReader().find_instant(value))
    if isinstance(value, int | float):
        return abs(value) >= 1e8 or 1900 <= value < 2100  # seconds since 1970, or a year
    return isinstance(value, dt.date)


def is_publication_date(name: str) -> bool:
    """Return whether a field may tell the date of an article in any form, and more than that not.

    If its value can't be read, it says nothing about when the article is visible.
    """
    return plain_name(name.rpartition(".")[2]) in _TIMES["published"]


def never_ends(until: Any) -> bool:
    """Return whether a value of ``visible_until`` means that the article stays visible."""
    return until is False or (isinstance(until, str) and plain_name(until) in _TIMES["never"])


def other_instants(values: Mapping[str, Any], name: str) -> Iterator[tuple[str, Any]]:
    """Yield the fields of a record that mean the same as ``name`` under another name.

    Args:
        values: All values of the record by field name.
        name: ``"visible_from"`` or ``"visible_until"``.

    Yields:
        The path of such a field in the record, and its value.
    """
    if name == "visible_until":
        yield from _last_days(values)
    for plain_names in _TOGETHER:
        if values.keys() >= set(plain_names):
            theirs = plain_names[1 if name == "visible_from" else 2]
            if values[theirs] not in (None, ""):
                yield theirs, values[theirs]
    for path, plain, value in _find(_TIMES[name], values):
        if path == name or value in (None, "", []):
            continue
        if name == "visible_from" and _is_own(path) and "embargo" not in path.lower():
            continue  # a product's or an event's
        if plain in _TIMES["or_place"] and not any(map(str.isdigit, str(value)[:100])):
            continue
        truth = _truth(value)  # a yes is understood where it may say that the page is shown
        is_answer = truth is False or (truth and plain in _FLAGS.union(_TIMES["published"]))
        if not is_answer and (path == plain or plain not in _TIMES["only_as_written"]):
            yield path, value
