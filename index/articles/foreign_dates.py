"""Reads dates and times as other programs write them: every clear form, and no unclear one.

A form is clear if it can be read in one way only: ISO 8601, mail dates (RFC 822 to 5322), months in
words, dates with the year first, and seconds to nanoseconds since 1970, told by their size. Parts
that a text does not name are never filled in. ``03/04/2026`` and years of two digits are refused:
``date_format`` says what they mean.
"""

from __future__ import annotations

import datetime as dt
import decimal
import re
import unicodedata
from contextlib import suppress
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from functools import cache
from itertools import product
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from dateutil.parser import isoparse, parser, parserinfo

from index.articles.record import short

FAR_PAST = dt.datetime(1, 1, 2, tzinfo=dt.UTC)
"""Stands for every time at or before the beginning of the calendar."""

FAR_FUTURE = dt.datetime(9999, 12, 30, tzinfo=dt.UTC)
"""Stands for every time at or after the end of the calendar. A day is left at both ends, so that
the time can be shown in every time zone."""

_MAX_TEXT = 100
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_LAST_YEAR = 253_370_764_800, 253_402_300_800  # year 9999 in seconds since 1970
_UNKNOWN_ZONE = dt.timezone(dt.timedelta(0), "unknown")

_MAIL = re.compile(
    r"(?:[A-Z][a-z]{2}, )?\d\d? [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d (?:GMT|(?!-0000)[+-]\d{4})"
)
_NUMBER = re.compile(r"[+-]?\d+(?:\.\d*)?(?:[eE]\+?\d{1,2})?")
_JSON_DATE = re.compile(r"/?Date\((-?\d{1,30})(?:[+-]\d{4})?\)/?")
_NO_DATE = re.compile(r"0{4}([-/.:])0{1,2}\1(?:0{1,2})(?:[T ][0:.]*)?Z?|0{8}(?:0{6})?")
_BEHIND = re.compile(r"\s*\([^()]*\)$|\s*\[(?P<area>[^\[\]]*)\]$|\s(?P<zone>[A-Z]\w+/\w+)$")
_FAR_YEAR = re.compile(r"([+-]?)\d{5,}-\d\d-\d\d(?!\d).*")
_COMPACT = re.compile(r"((?:1[5-9]|2[0-2])\d\d)(\d\d)(\d\d)(?:(\d\d)(\d\d)(\d\d))?")
_DAY_OF_YEAR = re.compile(r"\d{4}-?\d{3}(?:T.*)?")
_YEAR_FIRST = re.compile(
    r"(\d{4})\s?[-/.:年년]\s?(\d\d?)\s?[-/.:月월]\s?(\d\d?)(?:\s?[日일]|(?!\d))"
)
_DOTS = re.compile(r"\d\d?\.\s?\d")
_SHORT_YEAR = re.compile(r"(\d\d?[ -][A-Za-z]{3}[ -])(\d\d)(?= \d\d?:\d\d)")
_BEFORE_OFFSET = re.compile(r"\s?(?:UTC|GMT)?\s?(?=[+-]\d\d?:?(?:\d\d)?$)|(?<=[+-]00:00)Z$")
_AM_PM = re.compile(r"(?<=\d)\s?([ap])\.?\s?m\b\.?", re.IGNORECASE)
_YEAR = re.compile(r"(?<!\d)\d{4}(?!\d)")
_OFFSET = re.compile(r"(?<=:\d\d)\s*[+-]\d{4}\s*$")
_BARE_NUMBER = re.compile(r"[^\d+-]*\d+")
_DEFAULTS = dt.datetime(2000, 1, 1), dt.datetime(2004, 2, 2)  # noqa: DTZ001 - what both give was named
_HOURS = dict(
    zip(
        "EST EDT CST CDT MST MDT PST PDT WET WEST CET CEST MEZ MESZ EET EEST MSK JST KST".split(),
        (-5, -4, -6, -5, -7, -6, -8, -7, 0, 1, 1, 2, 1, 2, 2, 3, 3, 9, 9),
        strict=True,
    )
)
"""Hours from UTC of the zones of mail (RFC 822) and of others that have one meaning."""

_LANGUAGES = ("en", "de", "fr", "es", "it", "pt", "nl", "da", "sv", "nb", "fi", "pl", "cs", "ca")
_BETWEEN = [
    " ",
    *"; - / ' at on and m t of the st nd rd th de d del le el il o den er re te am um om".split(),
    *"as a las alle kl klo uhr uur hs . ,".split(),
]
"""Words and signs that may stand between the parts of a date in one of these languages."""


class DateError(ValueError):
    """A value is no date, or not a clear one; the message says what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DateReader:
    """Reads dates and times of one source.

    Args:
        timezone: The time zone of times that name none.
        date_format: How the source writes dates that are not clear by themselves, in the
            notation of ``strptime`` (``"%d/%m/%Y"``); empty if it has none.
    """

    timezone: dt.tzinfo = dt.UTC
    date_format: str = ""

    def date(self, value: Any) -> dt.date | None:
        """Return the date that a value names; ``None`` if it says that there is none.

        It is the date in the time zone that the value itself names.

        Raises:
            DateError: If the value is not a clear date, or lies beyond the calendar.
        """
        found = self._read(value)
        if found is not None and found.year in (1, 9999):
            raise DateError(f"{short(value)} stands for a day that never comes")
        return None if found is None else found.date()

    def instant(self, value: Any) -> dt.datetime | None:
        """Return the time that a value names, in UTC; ``None`` if it says that there is none.

        A date without a time of day means its first moment. Times at or beyond an end of the
        calendar are :data:`FAR_PAST` and :data:`FAR_FUTURE`.

        Raises:
            DateError: If the value is not a clear time.
        """
        found = self._read(value)
        if found is None:
            return None
        if found.tzinfo is _UNKNOWN_ZONE:
            raise DateError(f"the time zone of {short(value)} is unknown; write it as +01:00")
        with suppress(OverflowError):
            found = (found if found.tzinfo else found.replace(tzinfo=self.timezone)).astimezone(
                dt.UTC
            )
            return min(max(found, FAR_PAST), FAR_FUTURE)
        return FAR_PAST if found.year == 1 else FAR_FUTURE

    def _read(self, value: Any) -> dt.datetime | None:
        found: dt.datetime | None = None
        if value is None:
            return None
        if isinstance(value, dt.datetime):
            if value != value:  # pandas' NaT, a time that is missing
                return None
            # Subclasses hold nanoseconds, which the text keeps as microseconds.
            found = dt.datetime.fromisoformat(value.isoformat())
        elif isinstance(value, dt.date):
            found = dt.datetime.combine(value, dt.time())
        elif isinstance(value, int | float | decimal.Decimal) and not isinstance(value, bool):
            found = self._from_number(decimal.Decimal(value), short(value))
        elif isinstance(value, str):
            found = self._from_text(value)
        else:
            raise DateError(f"{short(value)} is no date, but {type(value).__name__}")
        zero = found is not None and not found.utcoffset() and found.toordinal() == 1
        return None if zero else found  # the zero of Go and .NET

    def _from_text(self, value: str) -> dt.datetime | None:
        text = value.strip()
        if len(text) > _MAX_TEXT:
            raise DateError(f"{short(value)} is too long for a date")
        if self.date_format:
            with suppress(ValueError):
                return dt.datetime.strptime(text, self.date_format)  # noqa: DTZ007
        if text[:4].isdecimal() and not text.isdecimal():
            with suppress(ValueError):
                return dt.datetime.fromisoformat(text)
        if _MAIL.fullmatch(text):  # dateutil reads it too, but six times slower
            with suppress(ValueError):
                return parsedate_to_datetime(text)
        text = " ".join(unicodedata.normalize("NFKC", text).replace("\u2212", "-").split())
        if not text or _NO_DATE.fullmatch(text):
            return None
        if text.casefold() in ("infinity", "-infinity"):
            return FAR_PAST if text[0] == "-" else FAR_FUTURE
        if found := _JSON_DATE.fullmatch(text):
            return self._since_epoch(decimal.Decimal(found[1]) / 1000)
        if _NUMBER.fullmatch(text):
            return self._from_number(decimal.Decimal(text), short(text))
        try:
            return _parse_text(text)
        except (ValueError, ArithmeticError, LookupError, TypeError, AttributeError) as error:
            reason = str(error) if isinstance(error, DateError) else "is not a date that exists"
            raise DateError(f"{short(value)} {reason}") from None

    def _from_number(self, number: decimal.Decimal, shown: str) -> dt.datetime | None:
        """Read ``20260301``, or seconds, milliseconds, microseconds or nanoseconds since 1970."""
        if not number.is_finite():
            raise DateError(f"{shown} is no date")
        if number == 0:
            return None
        digits = f"{int(number):d}" if abs(number) < 10**14 and number == int(number) else ""
        if len(digits) in (8, 14) and (found := _COMPACT.fullmatch(digits)):
            parts = [int(part) for part in found.groups() if part]
            with suppress(ValueError):
                return dt.datetime(*parts)  # type: ignore[arg-type]  # noqa: DTZ001
        size = abs(number)
        if size < 10**8 or 190_001_010_000 <= size < 220_000_000_000:
            raise DateError(
                f"{shown} can be a date without punctuation or a time since 1970; write it as "
                "2026-03-01, or say how the source writes dates with date_format"
            )
        for power in (0, 3, 6, 9):
            seconds = number.scaleb(-power)
            if abs(seconds) < 10**11 or _LAST_YEAR[0] <= seconds <= _LAST_YEAR[1]:
                return self._since_epoch(seconds)
        return FAR_FUTURE if number > 0 else FAR_PAST

    def _since_epoch(self, seconds: decimal.Decimal) -> dt.datetime:
        try:
            moment = _EPOCH + dt.timedelta(microseconds=int(seconds * 1_000_000))
            return moment.astimezone(self.timezone)
        except OverflowError:
            return FAR_FUTURE if seconds > 0 else FAR_PAST


def check_date_format(date_format: Any) -> str:
    """Return a ``date_format`` if it names day, month and year, or is empty.

    Raises:
        ValueError: If it does not name all three; the message shows one that does.
    """
    probe = dt.datetime(2026, 11, 25, 13, 14, 15, tzinfo=dt.UTC)
    with suppress(ValueError, TypeError):
        found = dt.datetime.strptime(probe.strftime(date_format), date_format)  # noqa: DTZ007
        if not date_format or found.date() == probe.date():
            return str(date_format)
    raise ValueError(
        f"date_format {short(date_format)} must say where day, month and year stand, as in %d/%m/%Y"
    )


def _parse_text(text: str) -> dt.datetime:
    """Read a text by dateutil, but only if it names year, month and day, and in one way."""
    area = ""
    while found := _BEHIND.search(text):
        text, area = text[: found.start()], found["area"] or found["zone"] or area
    if found := _FAR_YEAR.fullmatch(text):
        return FAR_PAST if found[1] == "-" else FAR_FUTURE
    if _DAY_OF_YEAR.fullmatch(text):
        day: dt.datetime = isoparse(text)
        return day
    days_first: tuple[bool, ...] = (False, True)
    if found := _YEAR_FIRST.match(text):
        rest = text[found.end() :].lstrip("T ,")
        if rest[:1] == "/" or _BARE_NUMBER.fullmatch(rest):
            raise ValueError(text)  # a second date, or a number that may be no hour
        clock = "0:00 " if rest[:1] in "Z+-" else ""  # dateutil reads a zone only behind a time
        text, days_first = f"{'-'.join(found.groups())} {clock}{rest}", (False,)
    elif _DOTS.match(text):
        days_first = (True,)  # with dots, every country puts the day first
    text = _SHORT_YEAR.sub(_full_year, _without_accents(text))
    text = _AM_PM.sub(r" \1m", _BEFORE_OFFSET.sub(" ", text))
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
    return moment.replace(tzinfo=_UNKNOWN_ZONE)


def _parse(text: str, default: dt.datetime, day_first: bool) -> dt.datetime:
    found: dt.datetime = _parser().parse(text, default, dayfirst=day_first, tzinfos=_zone)
    return found


def _zone(name: str | None, seconds: int | None) -> dt.tzinfo | None:
    """Return the time zone for what dateutil found: a name, an offset, both or neither."""
    if seconds is not None:
        return dt.timezone(dt.timedelta(seconds=seconds))
    return _UNKNOWN_ZONE if name else None


@cache
def _parser() -> parser:
    """Return a parser that knows months and weekdays in several languages.

    No two of these languages disagree about a month.
    """
    from babel import Locale

    months: list[set[str]] = [set() for _ in range(12)]
    weekdays: list[set[str]] = [set() for _ in range(7)]
    for locale in map(Locale, _LANGUAGES):
        for form, width in product(("format", "stand-alone"), ("wide", "abbreviated")):
            for names, found in ((months, locale.months[form]), (weekdays, locale.days[form])):
                for number, name in found.get(width, {}).items():
                    names[number - (names is months)] |= _words(name)
    known = set().union(*months)

    class Words(parserinfo):  # type: ignore[misc] # the library has no types
        JUMP: ClassVar = _BETWEEN
        AMPM: ClassVar = [("am",), ("pm",)]
        MONTHS: ClassVar = [tuple(names) for names in months]
        # "mar" is a Tuesday too, but then a month in words follows.
        WEEKDAYS: ClassVar = [tuple(names - known) for names in weekdays]
        TZOFFSET: ClassVar = {name: 3600 * hours for name, hours in _HOURS.items()}

    return parser(Words())


def _words(name: str) -> set[str]:
    """Return the words of a month's or weekday's name, without accents and prepositions."""
    words = re.split(r"[\W\d_]+", _without_accents(name))
    return {word for word in words if word not in _BETWEEN}


def _without_accents(text: str) -> str:
    parts = unicodedata.normalize("NFKD", text)
    return "".join(part for part in parts if not unicodedata.combining(part))


def _full_year(found: re.Match[str]) -> str:
    """Write the year of an old mail date in full (RFC 5322, section 4.3)."""
    return f"{found[1]}{'20' if found[2] < '50' else '19'}{found[2]}"
