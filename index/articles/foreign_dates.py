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
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

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

_NUMBER = re.compile(r"[+-]?\d+(?:\.\d*)?(?:[eE]\+?\d{1,2})?")
_JSON_DATE = re.compile(r"/?Date\((-?\d{1,30})(?:[+-]\d{4})?\)/?")
_NO_DATE = re.compile(r"0{4}([-/.:])0{1,2}\1(?:0{1,2})(?:[T ][0:.]*)?Z?|0{8}(?:0{6})?")
_COMMENT = re.compile(r"\s*\([^()]*\)$|\s*\[(?P<zone>[^\[\]]*)\]$")
_FAR_YEAR = re.compile(r"([+-]?)\d{5,}-\d\d-\d\d(?!\d).*")
_CJK = re.compile(r"(\d{4})\s*[年년]\s*(\d{1,2})\s*[月월]\s*(\d{1,2})\s*[日일]\s*")
_COMPACT = re.compile(
    r"((?:1[5-9]|2[0-2])\d\d)(\d\d)(\d\d)(?:[T ]?(\d\d)(\d\d)(\d\d)?(?!\d))?(\D.*)?"
)
_YEAR_FIRST = re.compile(r"(\d{4})([-/.:])(\d{1,2})\2(\d{1,2})(?!\d)(.*)")
_YEAR_LAST = re.compile(r"(\d{1,2})([-/.])\s?(\d{1,2})\2\s?(\d{4})(?!\d)(.*)")
_DAY_OF_YEAR = re.compile(r"(\d{4})-?(\d{3})(T.*)?")
_WEEK = re.compile(r"\d{4}-?W\d\d-?\d(?:T.*)?")
_WEEKDAY = r"(?:(?P<weekday>[^\W\d_]{2,}(?:-[^\W\d_]+)?)\.?,?\s)?"
_MONTH = r"(?:(?:de|of|d['’])\s?)?(?P<month>[^\W\d_]{3,})\.?"  # noqa: RUF001 - Catalan's apostrophe
_DAY = r"(?:(?:den|the|le|el|il|o)\s)?(?P<day>\d{1,2})(?:st|nd|rd|th|er|re|de|te|\.|º|ª)?"
_YEAR = r"(?:(?:de|del|of)\s)?(?P<year>\d{4})(?!\d)(?P<rest>.*)"
_ARTICLE = re.compile(r"^(?:on|the|le|el|il|den|am)\s(?:the\s)?", re.IGNORECASE)
_IN_WORDS = (
    re.compile(rf"{_WEEKDAY}{_DAY}[\s-]{_MONTH},?[\s-]{_YEAR}", re.IGNORECASE),
    re.compile(rf"{_WEEKDAY}{_MONTH}[\s-]{_DAY},?[\s-]{_YEAR}", re.IGNORECASE),
    re.compile(rf"(?P<year>\d{{4}})[\s-]{_MONTH}[\s-]{_DAY}(?!\d)(?P<rest>.*)", re.IGNORECASE),
)
_CLOCK_BEFORE_YEAR = re.compile(r"(\s\d\d?:\d\d(?::\d\d)?(?:\s[A-Z+][\w:+]*)?)\s(\d{4})$")
_SHORT_YEAR = re.compile(r"(\d{1,2}[ -][A-Za-z]{3}[ -])(\d\d)(?= \d\d?:\d\d)")
_TIME = re.compile(
    r"(?:[T,\s]|at|um|[aà]s?|a las|alle|om|kl\.?|klo|\s)*"
    r"(\d{1,2})(?:\s?[:.h]\s?(\d\d)(?:[:.](\d\d)(?:[.,](\d{1,9}))?)?)?\s?([ap]\.?m\.?\b)?"
    r"\s?(?:(?:uhr|uur|hs?)\b)?\s?(.*)",
    re.IGNORECASE,
)
_OFFSET = re.compile(r"(?:UTC|GMT)?\s?([+-])(\d{1,2}):?([0-5]\d)?(?:(?<=00)Z)?")
_UTC = {"Z", "UTC", "UT", "GMT"}
_HOURS = dict(
    zip(
        "EST EDT CST CDT MST MDT PST PDT WET WEST CET CEST MEZ MESZ EET EEST MSK JST KST".split(),
        (-5, -4, -6, -5, -7, -6, -8, -7, 0, 1, 1, 2, 1, 2, 2, 3, 3, 9, 9),
        strict=True,
    )
)
"""Hours from UTC of the zones of mail (RFC 822) and of others that have one meaning."""

_MONTHS = (
    "january february march april may june july august september october november december"
).split()
_WEEKDAYS = "monday tuesday wednesday thursday friday saturday sunday".split()
_LANGUAGES = ("de", "fr", "es", "it", "pt", "nl", "da", "sv", "nb", "fi", "pl", "cs", "ca")


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
        if text[4:5] == "-" and text[7:8] == "-" and text[10:11] in ("", "T", " "):
            with suppress(ValueError):
                return dt.datetime.fromisoformat(text)
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
        except (ValueError, OverflowError, ArithmeticError, LookupError) as error:
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
    zone = ""
    while comment := _COMMENT.search(text):
        text, zone = text[: comment.start()], comment["zone"] or zone
    text = _CJK.sub(r"\1-\2-\3 ", text).strip()
    if found := _FAR_YEAR.fullmatch(text):
        return FAR_PAST if found[1] == "-" else FAR_FUTURE
    if found := _YEAR_FIRST.fullmatch(text):
        return _combine(found[1], found[3], found[4], found[5], zone)
    if found := _COMPACT.fullmatch(text):
        clock = ":".join(filter(None, found.groups()[3:6]))
        return _combine(found[1], found[2], found[3], f"{clock}{found[7] or ''}", zone)
    if found := _YEAR_LAST.fullmatch(text):
        # With dots, every country puts the day first; with slashes and hyphens, not every one.
        if found[2] != "." and int(found[1]) <= 12:
            raise DateError(
                'can be two dates: say how the source writes them, with date_format = "%d/%m/%Y" '
                'or "%m/%d/%Y"'
            )
        return _combine(found[4], found[3], found[1], found[5], zone)
    if _WEEK.fullmatch(text):
        return dt.datetime.fromisoformat(text)
    if found := _DAY_OF_YEAR.fullmatch(text):
        day = dt.datetime(int(found[1]), 1, 1) + dt.timedelta(days=int(found[2]) - 1)  # noqa: DTZ001
        if found[2] == "000" or day.year != int(found[1]):
            raise ValueError(text)
        return _combine(found[1], str(day.month), str(day.day), found[3] or "", zone)
    return _parse_words(text, zone)


def _parse_words(text: str, area: str) -> dt.datetime:
    """Read a text with the name of a month."""
    text = _ARTICLE.sub("", text)
    text = _CLOCK_BEFORE_YEAR.sub(r" \2\1", _SHORT_YEAR.sub(_full_year, text))
    found = next(filter(None, (form.fullmatch(text) for form in _IN_WORDS)), None)
    if found is None:
        raise DateError(
            "is no date, or lacks its day, its month or a year of four digits; write it as "
            "2026-03-01, or say how the source writes dates with date_format"
        )
    parts = found.groupdict()
    months, weekdays = _names()
    month = _number(parts["month"], _MONTHS) or months.get(_letters(parts["month"]))
    if month is None:
        raise DateError(f"has no month that is known: {parts['month']}; write it as 2026-03-01")
    weekday = parts.get("weekday")
    if weekday and not _number(weekday, _WEEKDAYS) and _letters(weekday) not in weekdays:
        raise DateError(f"begins with a word that is no weekday: {weekday}")
    return _combine(parts["year"], str(month), parts["day"], parts["rest"], area)


def _number(word: str, names: list[str]) -> int:
    """Return the number of an English name, which may be cut after three letters; 0 if none."""
    start = word.casefold()
    fitting = (number for number, name in enumerate(names, 1) if name.startswith(start))
    return next(fitting, 0) if len(start) >= 3 else 0


@cache
def _names() -> tuple[dict[str, int], set[str]]:
    """Return the number of each month's name, and the names of weekdays, in several languages.

    No two of these languages disagree about a month.
    """
    from babel import Locale

    months: dict[str, int] = {}
    weekdays: set[str] = set()
    for locale in map(Locale, _LANGUAGES):
        for form in ("format", "stand-alone"):
            for width in ("wide", "abbreviated"):
                names = locale.months[form].get(width, {})
                months |= {_letters(name): number for number, name in names.items()}
                weekdays |= set(map(_letters, locale.days[form].get(width, {}).values()))
    return months, weekdays


def _letters(name: str) -> str:
    """Return a name as it is compared: without case, accents, dot and preposition."""
    word = re.split(r"[ ’']", name.casefold().rstrip("."))[-1]  # noqa: RUF001 - as in CLDR
    return "".join(
        letter for letter in unicodedata.normalize("NFD", word) if not unicodedata.combining(letter)
    )


def _full_year(found: re.Match[str]) -> str:
    """Write the year of an old mail date in full (RFC 5322, section 4.3)."""
    return f"{found[1]}{'20' if found[2] < '50' else '19'}{found[2]}"


def _combine(year: str, month: str, day: str, rest: str, area: str) -> dt.datetime:
    """Return a date with the time of day and the zone that stand behind it.

    Args:
        year: The year, in digits.
        month: The month, in digits.
        day: The day, in digits.
        rest: What follows the date; may be empty.
        area: The name of a zone in brackets (RFC 9557), which a zone in ``rest`` precedes.
    """
    midnight = dt.datetime(int(year), int(month), int(day))  # noqa: DTZ001 - the zone follows
    found = _TIME.fullmatch(rest)
    if found is None or rest[:1] in "+-":  # no time, at most a zone
        zone = _read_zone(rest, area)
        if zone is _UNKNOWN_ZONE:
            raise ValueError(rest)  # "44-03-15 BC"
        return midnight.replace(tzinfo=zone)
    hour, minute, second = (int(part or 0) for part in found.groups()[:3])
    if found[5]:
        if not 1 <= hour <= 12:
            raise ValueError(rest)
        hour = hour % 12 + (12 if found[5][0] in "pP" else 0)
    elif found[2] is None and not rest.startswith("T"):
        raise DateError("has a number that is no time of day; write it as 2026-03-01T10:00")
    fraction = int((found[4] or "0").ljust(6, "0")[:6])
    if minute > 59 or second > 60 or hour > 24 or (hour == 24 and minute + second + fraction):
        raise ValueError(rest)
    second = min(second, 59)  # a leap second
    clock = dt.timedelta(hours=hour, minutes=minute, seconds=second, microseconds=fraction)
    return (midnight + clock).replace(tzinfo=_read_zone(found[6], area))


def _read_zone(text: str, area: str) -> dt.tzinfo | None:
    """Return the time zone that a text names, or else ``area``; ``None`` if both are empty."""
    name = text.strip(" ,.")
    if found := _OFFSET.fullmatch(name):
        offset = dt.timedelta(hours=int(found[2]), minutes=int(found[3] or 0))
        return dt.timezone(-offset if found[1] == "-" else offset)
    if name.upper() in _UTC:
        return dt.UTC
    if name.upper() in _HOURS:
        return dt.timezone(dt.timedelta(hours=_HOURS[name.upper()]))
    name = name or area
    if "/" in name:
        with suppress(ValueError, KeyError, OSError):
            return ZoneInfo(name)
    if name and not re.fullmatch(r"[A-Z]{1,5}|[A-Z]\w+/\w+", name):
        raise ValueError(text)
    return _UNKNOWN_ZONE if name else None
