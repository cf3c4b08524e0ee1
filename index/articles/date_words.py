"""Reads dates in words, of several languages, and other forms that take a library to read.

This is the only module that imports dateutil and babel. A text is read only if it names year, month
and day, and only in one way.
"""

import datetime as dt
import re
import unicodedata
from contextlib import suppress
from functools import cache
from itertools import product
from typing import ClassVar
from zoneinfo import ZoneInfo

from dateutil.parser import isoparse, parser, parserinfo

from index.articles.word_table import load_table

UNKNOWN_ZONE = dt.timezone(dt.timedelta(0), "unknown")
"""Stands for a time zone that is named, but not known."""

_BEHIND = re.compile(
    r"\sm=[+-][\d.]+$|\s*\([^()]*\)$|\s*\[(?P<area>[^\[\]]*)\]$|\s(?P<zone>[A-Z]\w+(?:/[\w+-]+)+)$"
)
_NOTE = re.compile(r"\s*\((?![^A-Za-z]\))([^()]*)\)$")  # (日) is a weekday
_ZONE_LIKE_WORD = re.compile(  # elsewhere it is a weekday or a preposition
    r"(?:(?<=:\d\d)[:.,\d]*(?:\s?h\b)?|(?<=\d)\s?[AaPp]\.?\s?[Mm]\.?)"
    r"(\s?((?i:[PC]T)|AT|UT|[ADORT]))(?![\w.:]| M)"
)
_DAY_OF_YEAR = re.compile(r"\d{4}-?\d{3}(?:T.*)?")
_YEAR_FIRST = re.compile(
    r"(\d{4})\s?[-/.:年년]\s?(\d\d?)\s?[-/.:月월]\s?(\d\d?)(?:\s?[日일]|(?!\d))"
)
_DOTS = re.compile(r"(?:[^\W\d_]{1,12}\.?,? ?)?\d\d?\.\s?\d")
_SHORT_YEAR = re.compile(r"(\d\d?[ -][A-Za-z]{3}[ -])(\d\d)(?= \d\d?:\d\d)")
_BEFORE_OFFSET = re.compile(
    r"(?<=[+-]\d{4}) (?:[A-Z]{3,4}|[+-]\d\d(?:\d\d)?)$|(?<=[+-]00:00)Z$"
    r"|\s?(?:UTC|GMT)?\s?(?=[+-]\d\d?:?(?:\d\d)?$)"
)
_CET = re.compile(r"(?<=[\dm])\s?CET\b")  # the same as MEZ; elsewhere a Thursday in Slovenia
_AM_PM = re.compile(r"(?<=\d)\s?([ap])\.?\s?m\b\.?", re.IGNORECASE)
_DOTTED_CLOCK = re.compile(  # surely no date only where a word or a whole date says so
    r"(\b(?:klo?\.?|um|ore|alle) |^\d{4}[-/.]\d\d?[-/.]\d\d?,? )(\d\d?(?:\.\d\d){1,2})(?![\d.])"
    r"|(?<![\d.])(\d\d?(?:\.\d\d){1,2})(?= ?(?:[ap]\.? ?m|uhr|uur|h)\b)",
    re.IGNORECASE,
)
_YEAR_COLON = re.compile(r"(?<=[A-Za-z]/\d{4}):")  # as in the logs of servers
_YEAR_LAST = re.compile(r"(\d\d:\d\d:\d\d) ([+-]\d{4}) (\d{4})$")
_SPACED_H = re.compile(r"(?<=\d) ?h ?(?=\d\d\b)")
_EASTERN_AM_PM = re.compile("(?:(上午|午前|오전)|下午|午後|오후) ?([0-9]{1,2}:[0-9:]+)")
_EASTERN_CLOCK = re.compile(r"\s?(\d\d?) ?[時时시点點] ?(?:(\d\d?) ?[分분])?(?: ?(\d\d?) ?[秒초])?")
_EASTERN_WEEKDAY = re.compile(
    r"\s?(?:\([日月火水木金土一二三四五六월화수목금토일]\)|[日月火水木金土]曜日|(?:星期|周|週)[一二三四五六日天]|[월화수목금토일]요일|^[월화수목금토일],)"
)
_VIETNAMESE = re.compile(
    r"(?:(?:thứ|chủ) \w+,? )?(?:ngày )?(\d\d?) tháng (\d\d?),? (?:năm )?(\d{4})", re.IGNORECASE
)
_LITHUANIAN_YEAR = re.compile(r"(?<=^\d{4}) m\.")
_CROATIAN = re.compile(r"(?<=\d\. )(?:listopada(?= \d{4})|(?:lip|srp|lis)(?= \d{4}\.))", re.I)
"""Months of which Polish and Czech mean the one before or after; they put no full stop there."""
_CROATIAN_MONTHS = {"listopada": "october", "lis": "october", "lip": "june", "srp": "july"}
_HEBREW_IN = re.compile(r"\bב(?=[א-ת]{3})")
_TUESDAY = re.compile(r"mar\.?,? (?=\d\d?\.? [^\W\d]{3})", re.IGNORECASE)
_YEAR = re.compile(r"(?<!\d)\d{4}(?!\d)")
_OFFSET = re.compile(r"(?<=:\d\d)(?:[.,]\d+)?(?:\s*[+-]\d{4}\s*$)?")
_BARE_NUMBER = re.compile(r"[^\d+-]*\d+")
_BUDDHIST = re.compile(r"(?:พ\.? ?ศ\.? ?)?\b(2[45]\d\d)\b(?![:.])")
_MAY_BE_PHRASE = re.compile("[\u0600-\uffff]|thg|th[áứ]|chủ", re.IGNORECASE)  # for speed
_TWICE = re.compile(r"\b([a-z]+) *[/(] *\1 *\)?")  # as in آذار/مارس
_DEFAULTS = dt.datetime(2000, 1, 1), dt.datetime(2004, 2, 2)  # noqa: DTZ001 - what both give was named
_TABLE = load_table(__file__)
_ERAS = "|".join(_TABLE["eras"])
_ERA_YEAR = re.compile(
    rf"({_ERAS}) ?(元|\d{{1,3}})年(?: ?\(\d{{4}}年?\))?|(?<=\d年)\((?:{_ERAS})(?:元|\d+)年?\)"
)


class DateError(ValueError):
    """A value is not a date, or can be read as several dates; the message says what to do."""


def parse_date_words(text: str) -> dt.datetime:
    """Parse a date in words or another form, if it names year, month and day and is unambiguous.

    Raises:
        DateError: If a part is missing, or the text can be two dates.
        ValueError: If the text can't be parsed.
    """
    found = _NOTE.search(text)
    return _parse_noted(text[: found.start()], found[1].strip()) if found else _parse_words(text)


def _parse_noted(text: str, note: str) -> dt.datetime:
    """Parse a date with a note in parentheses, which is its zone if a time has no other."""
    moment = parse_date_words(text)
    if moment.tzinfo is not None or not note or not (":" in text or moment.time() != dt.time()):
        return moment
    with suppress(ValueError):
        zoned = parse_date_words(f"{text} {note}")
        if zoned.replace(tzinfo=None) == moment:  # without a zone if the note is a weekday
            return zoned
    return moment.replace(tzinfo=UNKNOWN_ZONE)


def _parse_words(text: str) -> dt.datetime:
    area = ""
    while found := _BEHIND.search(text):
        text, area = text[: found.start()], found["area"] or found["zone"] or area
    text = _YEAR_LAST.sub(r"\3 \1 \2", _YEAR_COLON.sub(" ", _plain_clock(_plain_words(text))))
    if found := _ZONE_LIKE_WORD.search(text):
        text, area = text[: found.start(1)] + text[found.end(1) :], found[2]
    if _DAY_OF_YEAR.fullmatch(text):
        day: dt.datetime = isoparse(text)
        return day
    days_first: tuple[bool, ...] = (False, True)
    if found := _YEAR_FIRST.match(text):
        rest = text[found.end() :].lstrip(" ,")
        rest = rest if rest[1:2].isalpha() else rest.lstrip("T ,")  # not of Tue and Thu
        rest = rest.removeprefix("- ")
        if rest[:1] == "/" or _BARE_NUMBER.fullmatch(rest):
            raise ValueError(text)  # a second date, or a number that may be no hour
        clock = "0:00 " if rest[:1] in "Z+-" else ""  # dateutil reads a zone only behind a time
        text, days_first = f"{'-'.join(found.groups())} {clock}{rest}", (False,)
    elif _DOTS.match(text):
        days_first = (True,)  # with dots, every country puts the day first
    text = _TUESDAY.sub("", _HEBREW_IN.sub("", _without_accents(text)))
    text = _SHORT_YEAR.sub(_full_year, text)
    text = _CET.sub(" MEZ", _AM_PM.sub(r" \1m", _BEFORE_OFFSET.sub(" ", text)))
    ways = [_parse(text, _DEFAULTS[0], day_first) for day_first in days_first]
    years = _YEAR.findall(_OFFSET.sub("", text))
    if _parse(text, _DEFAULTS[1], days_first[0]) != ways[0] or years != [f"{ways[0].year:04}"]:
        raise DateError(
            "is no date, or lacks its day, its month or a year of four digits; write it as "
            "2026-03-01, or say how the source writes dates with date_format"
        )
    if ways[0] != ways[-1]:
        raise DateError(
            'can be two dates: say how the source writes them, with date_format = "%d/%m/%Y" '
            'or "%m/%d/%Y"'
        )
    moment: dt.datetime = ways[0]
    if moment.tzinfo is not None or not area:
        return moment
    with suppress(ValueError, KeyError, OSError):
        return moment.replace(tzinfo=ZoneInfo(area))
    return moment.replace(tzinfo=UNKNOWN_ZONE)


def _plain_words(text: str) -> str:
    """Write what some languages put around the numbers of a date as dateutil knows it."""
    text = _EASTERN_WEEKDAY.sub(" ", _ERA_YEAR.sub(_year_of_era, text))
    text = _plain_phrases(_VIETNAMESE.sub(r"\3-\2-\1", text))
    text = _CROATIAN.sub(lambda found: _CROATIAN_MONTHS[found[0].lower()], text)
    return _EASTERN_CLOCK.sub(
        lambda found: f" {found[1]}:{found[2] or '00'}:{found[3] or '00'}",
        _LITHUANIAN_YEAR.sub("", text),
    )


def _year_of_era(found: re.Match[str]) -> str:
    """Write a year such as 令和6年 as 2024年."""
    years = 1 if found[2] == "元" else int(found[2] or 0)
    return f"{_TABLE['eras'][found[1]] + years}年" if found[1] else ""


def _plain_phrases(text: str) -> str:
    """Write months in English and leave weekdays out, where the parser can't find them by itself.

    Years beside the names of Thai months are those of Buddha.
    """
    if _YEAR_FIRST.match(text) or not _MAY_BE_PHRASE.search(text):
        return text
    phrases, english = _phrases()
    plain = phrases.sub(lambda found: english[found[1].lower()], text)
    if plain != text and "\u0e01" <= max(text) <= "\u0e5b":
        plain = _BUDDHIST.sub(lambda found: str(int(found[1]) - 543), plain)
    return _TWICE.sub(r"\1", plain)


@cache
def _phrases() -> tuple[re.Pattern[str], dict[str, str]]:
    """Return months and weekdays of several words, or with signs, and English months for them."""
    from babel import Locale

    english: dict[str, str] = dict(_TABLE["phrases"])
    months = Locale("en").months["format"]["wide"]
    for locale in map(Locale.parse, _TABLE["by_phrase"]):
        for form, width in product(("format", "stand-alone"), ("wide", "abbreviated")):
            named = locale.months[form].get(width, {}).items()
            english |= {name.lower(): f"{months[number].lower()} " for number, name in named}
            english |= {name.lower(): " " for name in locale.days[form]["wide"].values()}
    names = "|".join(map(re.escape, sorted(english, key=len, reverse=True)))
    return re.compile(rf"(?<!\w)({names})(?:ที่)?(?![^\W\d_])", re.IGNORECASE), english


def _plain_clock(text: str) -> str:
    """Write a time of day such as 10.30 Uhr, 10 h 30 or 下午3:00 with a colon and am or pm."""
    text = _EASTERN_AM_PM.sub(lambda found: f"{found[2]} {'am' if found[1] else 'pm'}", text)
    text = _DOTTED_CLOCK.sub(
        lambda found: (found[1] or "") + (found[2] or found[3]).replace(".", ":"), text
    )
    return _SPACED_H.sub(":", text)


def _parse(text: str, default: dt.datetime, day_first: bool) -> dt.datetime:
    found: dt.datetime = _parser().parse(text, default, dayfirst=day_first, tzinfos=_zone)
    return found


def _zone(name: str | None, seconds: int | None) -> dt.tzinfo | None:
    """Return the time zone for what dateutil found: a name, an offset, both or neither."""
    if seconds is not None:
        return dt.timezone(dt.timedelta(seconds=seconds))
    return UNKNOWN_ZONE if name else None


@cache
def _parser() -> parser:
    """Return a parser that knows months and weekdays in several languages."""
    from babel import Locale

    months: list[set[str]] = [set() for _ in range(12)]
    weekdays: list[set[str]] = [set() for _ in range(7)]
    for locale in map(Locale.parse, _TABLE["languages"]):
        for form, width in product(("format", "stand-alone"), ("wide", "abbreviated")):
            for names, found in ((months, locale.months[form]), (weekdays, locale.days[form])):
                for number, name in found.get(width, {}).items():
                    spellings = _words(name) | _words(name.replace("ä", "ae"))
                    here = names[number - (names is months)]
                    here |= spellings - set().union(*months)
    for day, short in (1, "tues"), (2, "weds"), (3, "thur"), (3, "thurs"):
        weekdays[day].add(short)
    for name, month in _TABLE["short_months"].items():
        months[month - 1].add(name)
    known = set().union(*months)

    class Words(parserinfo):  # type: ignore[misc] # the library has no types
        JUMP: ClassVar = _TABLE["between"]
        AMPM: ClassVar = [("am",), ("pm",)]
        MONTHS: ClassVar = [tuple(names) for names in months]
        WEEKDAYS: ClassVar = [tuple(names - known) for names in weekdays]
        TZOFFSET: ClassVar = {name: 3600 * hours for name, hours in _TABLE["hours"].items()}

    return parser(Words())


def _words(name: str) -> set[str]:
    """Return the words of a month's or weekday's name, without accents and prepositions."""
    words = re.split(r"[\W\d_]+", _without_accents(name).lower())
    return {word for word in words if word and word not in _TABLE["between"]}


def _without_accents(text: str) -> str:
    parts = unicodedata.normalize("NFKD", text)
    return "".join(part for part in parts if not unicodedata.combining(part))


def _full_year(found: re.Match[str]) -> str:
    """Write the year of an old mail date in full (RFC 5322, section 4.3)."""
    return f"{found[1]}{'20' if found[2] < '50' else '19'}{found[2]}"
