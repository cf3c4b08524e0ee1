"""Reads dates and times as other programs write them: every clear form, and no unclear one.

A form is clear if it can be read in one way only: ISO 8601, mail dates (RFC 822 to 5322), months in
words, dates with the year first, and seconds to nanoseconds since 1970, told by their size. Parts
that a text does not name are never filled in. ``03/04/2026`` and years of two digits are refused:
``date_format`` says what they mean.
"""

import datetime as dt
import decimal
import re
import unicodedata
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

from index.articles.date_words import UNKNOWN_ZONE, DateError, parse_date_words
from index.articles.record import short, unwrapped

FAR_PAST = dt.datetime(1, 1, 2, tzinfo=dt.UTC)
"""Stands for every time at or before the beginning of the calendar."""

FAR_FUTURE = dt.datetime(9999, 12, 30, tzinfo=dt.UTC)
"""Stands for every time at or after the end of the calendar. A day is left at both ends, so that
the time can be shown in every time zone."""

_MAX_TEXT = 100
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_LAST_YEAR = 253_370_764_800, 253_402_300_800  # year 9999 in seconds since 1970

_MAIL = re.compile(
    r"(?:[A-Z][a-z]{2}, )?\d\d? [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d (?:GMT|(?!-0000)[+-]\d{4})"
)
_ISO = re.compile(r"\d{4}-?(?:\d\d-?\d\d|W\d\d(?:-?\d)?)(?:[Tt _](?!\d\d[.,]).+)?")
"""Python also takes the sign of an offset for the start of a time of day, and 10.30 for 10:00."""

_NUMBER = re.compile(r"[+-]?\d+(?:\.\d*)?(?:[eE]\+?\d{1,2})?")
_JSON_DATE = re.compile(r"/?Date\((-?\d{1,30})(?:[+-]\d{4})?\)/?")
_NO_DATE = re.compile(
    r"0{4}([-/.:])0{1,2}\1(?:0{1,2})(?:[T ][0:.]*)?Z?|0{8}(?:0{6})?"
    r"|[-\u2013\u2014]+|n/?a|none|null|nil|nan|nat|undefined|\\N",
    re.IGNORECASE,
)
_MIDNIGHT = re.compile(r"(?<=\d[T ])24(?=:?00(?::?00(?:[.,]0+)?)?(?![\d:]))")
_LEAP_SECOND = re.compile(r"(?<=:\d\d):60(?!\d)")
_HELD = ("seconds", "_seconds", "iso", "date", "timestampValue")
"""Where databases and languages keep the time in an object that stands for one."""

_TIME_TAG = re.compile(r'<time\b[^<>]*\sdatetime="([^"<>]+)"')  # as Drupal's views write a date
_DIGIT = re.compile(r"\d")  # of any script
_DIRECTION = re.compile("[\u200e\u200f\u061c\u2066-\u2069\u202a-\u202e]")
_OTHER_DASHES = re.compile(r"^(\d{4})[\u2010-\u2015_](\d{1,2})[\u2010-\u2015_](\d{1,2})(?!\d)")
_INFINITY = re.compile("(-?)infinity", re.IGNORECASE)
_FAR_YEAR = re.compile(r"([+-]?)0*(?:10000|[1-9]\d{5,})-\d\d-\d\d(?!\d).*")
_CENTURIES = (2399, 2400, 2499, 2500)  # the last are Plone's; others may be years of Buddha
_ENDS = {(1, 1), (12, 31)}
"""The days of a far year by which programs mean never, such as 2999-12-31."""

_YEAR_OR_MONTH = re.compile(r"(\d{4})(?:[-/.](0?[1-9]|1[0-2]))?", re.ASCII)
_YEAR = re.compile(r"(?:://|10\.\d{4,9}/)\S*|(?<!\d)(\d{4})(?:0[1-9]|1[0-2])?(?!\d)")
"""A year, also that of 202703, but none in an address or a DOI, where a preprint was published."""

_FIRST_YEAR = re.compile(r"\s*(\d{4})(?!\d)", re.ASCII)
_HEBREW = range(5600, 5900)
_COMPACT = re.compile(r"((?:1[5-9]|2[0-2])\d\d)(\d\d)(\d\d)(?:(\d\d)(\d\d)(\d\d))?")


@dataclass(frozen=True, slots=True, kw_only=True)
class DateReader:
    """Parses the dates and times of one source, in all forms that are unambiguous.

    Args:
        timezone: The time zone of times that name none.
        date_format: How the source writes dates that would be ambiguous, in the
            notation of ``strptime`` (``"%d/%m/%Y"``); empty if it has none.
    """

    timezone: dt.tzinfo = dt.UTC
    date_format: str = ""

    def date(self, value: Any) -> dt.date | None:
        """Parse a date; return ``None`` if the value says that there is none, like ``0000-00-00``.

        It is the date in the time zone that the value itself names.

        Raises:
            DateError: If the value is not an unambiguous date, or lies beyond the calendar.
        """
        found = self.read(value)
        if found is not None and found.year in (1, 9999):
            raise DateError(f"{short(value)} stands for a day that never comes; leave the date out")
        return None if found is None else found.date()

    def instant(self, value: Any) -> dt.datetime | None:
        """Parse a time, as UTC; return ``None`` if the value says that there is none.

        A date without a time of day means its first moment. Times at or beyond an end of the
        calendar are :data:`FAR_PAST` and :data:`FAR_FUTURE`.

        Raises:
            DateError: If the value is not an unambiguous time.
        """
        found = self.read(value)
        if found is None:
            return None
        if found.tzinfo is UNKNOWN_ZONE:
            raise DateError(f"the time zone of {short(value)} is unknown; write it as +01:00")
        with suppress(OverflowError):
            zoned = found if found.tzinfo else found.replace(tzinfo=self.timezone)
            found = zoned.astimezone(dt.UTC)
            return min(max(found, FAR_PAST), FAR_FUTURE)
        return FAR_PAST if found.year == 1 else FAR_FUTURE

    def find_instant(self, value: Any) -> dt.datetime | None:
        """Parse a time like :meth:`instant`, but return ``None`` instead of raising an error."""
        with suppress(DateError):
            return self.instant(value)
        return None

    def read(self, value: Any) -> dt.datetime | None:
        """Parse a date or time as it is written; ``None`` if the value says that there is none.

        It has the time zone that the value names, or none; a date is its first moment.

        Raises:
            DateError: If the value is not an unambiguous date or time.
        """
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
        elif (held := _held(value)) is not value:
            return self.read(held)
        else:
            raise DateError(
                f"{short(value)} is no date, but of type {type(value).__name__}; "
                "write it as 2026-03-01"
            )
        if found is None or (not found.utcoffset() and found.toordinal() == 1):
            return None  # the zero of Go and .NET
        is_far = found.year > 2800 or found.year in _CENTURIES
        is_end = is_far and (found.month, found.day) in _ENDS
        if not 1500 <= found.year < 2300 and found.year not in (1, 9999) and not is_end:
            raise DateError(
                f"{short(value)} is in the year {found.year}: a slip, or another calendar; write "
                "it as 2026-03-01, or as 9999-12-31 if it means never"
            )
        return found

    def _from_text(self, value: str) -> dt.datetime | None:
        text = value.strip().strip("\"'")
        if found := _TIME_TAG.match(text):
            text = found[1]
        if len(text) > _MAX_TEXT:
            raise DateError(f"{short(value)} is too long for a date; write it as 2026-03-01")
        if self.date_format:
            with suppress(ValueError):
                return dt.datetime.strptime(text, self.date_format)  # noqa: DTZ007
        if _ISO.fullmatch(text) and not text.isdecimal():
            with suppress(ValueError):
                return dt.datetime.fromisoformat(text)
        if _MAIL.fullmatch(text):  # dateutil reads it too, but six times slower
            with suppress(ValueError):
                return parsedate_to_datetime(text)
        text = " ".join(unicodedata.normalize("NFKC", text).replace("\u2212", "-").split())
        text = _DIGIT.sub(lambda found: str(int(found[0])), _DIRECTION.sub("", text))
        text = _OTHER_DASHES.sub(r"\1-\2-\3", text)
        if _NUMBER.fullmatch(text):
            return self._from_number(decimal.Decimal(text), short(text))
        try:
            return self._from_form(text)
        except (ValueError, ArithmeticError, LookupError, TypeError, AttributeError) as error:
            reason = str(error) if isinstance(error, DateError) else "is not a date that exists"
            raise DateError(f"{short(value)} {reason}") from None

    def _from_form(self, text: str) -> dt.datetime | None:
        if not text or _NO_DATE.fullmatch(text):
            return None
        if found := _FAR_YEAR.fullmatch(text) or _INFINITY.fullmatch(text):
            return FAR_PAST if found[1] == "-" else FAR_FUTURE
        if found := _JSON_DATE.fullmatch(text):
            return self._since_epoch(decimal.Decimal(found[1]) / 1000)
        if _MIDNIGHT.search(text):  # the end of a day is the beginning of the next
            start = self._from_text(_MIDNIGHT.sub("00", text))
            with suppress(OverflowError):
                return start and start + dt.timedelta(days=1)
            return FAR_FUTURE
        return parse_date_words(_LEAP_SECOND.sub(":59", text))

    def _from_number(self, number: decimal.Decimal, shown: str) -> dt.datetime | None:
        """Read ``20260301``, or seconds, milliseconds, microseconds or nanoseconds since 1970."""
        if not number.is_finite():
            raise DateError(f"{shown} is no date; write it as 2026-03-01")
        if number == 0:
            return None
        digits = f"{int(number):d}" if abs(number) < 10**17 and number == int(number) else ""
        if len(digits) in (8, 14, 17) and (found := _COMPACT.fullmatch(digits[:14])):
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


@cache
def find_zone(name: str) -> ZoneInfo | None:
    """Return the time zone with a name, such as ``Europe/Berlin``; ``None`` if there is none."""
    with suppress(ValueError, KeyError, OSError):
        return ZoneInfo(name)
    return None


def check_date_format(date_format: Any) -> str:
    """Check a ``date_format``: return it unchanged if it names day, month and year, or is empty.

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


def is_month(value: Any) -> bool:
    """Return whether a value is a year alone, or a month of one in digits."""
    text = value.strip() if isinstance(value, str) else short(value)
    return _YEAR_OR_MONTH.fullmatch(text) is not None


def first_month(value: Any) -> tuple[int, int]:
    """Return the earliest year that a value seems to name (0 if none), and the month in it.

    A year is four digits with which the value begins, or a number up to a hundred years ahead
    within other words; 543 is taken off years of Buddha such as 2568, as in Thailand. The month is
    read only where the year is the current one; it is 0 if the value names none.
    """
    held, this_year = _held(value), dt.datetime.now(dt.UTC).year
    text = held[:_MAX_TEXT] if isinstance(held, str) else short(held)
    found = filter(None, _YEAR.findall(text))
    written = {int(each) - 543 * (2400 < int(each) < 2700): each for each in found}
    first = _FIRST_YEAR.match(text)
    likely = (
        year
        for year, each in written.items()
        if 1500 <= year <= this_year + 100 or (first and first[1] == each and year not in _HEBREW)
    )
    year = min(likely, default=0)
    if year == this_year:
        text = text.replace(written[year], str(year))
        dotted = re.sub("[-/]", ".", text)
        for day in (text, f"{text}-01", f"{text}01", f"1 {text}", f"1.{dotted}"):
            with suppress(DateError):
                return year, getattr(DateReader().read(day), "month", 0)
    return year, 0


def _held(value: Any) -> Any:
    """Return the time in a list of one, or in an object that stands for a time."""
    value = unwrapped(value)
    if isinstance(value, list) and len(value) == 1:
        return value[0]
    if isinstance(value, Mapping):
        if isinstance(value.get("timezone"), str) and isinstance(value.get("date"), str):  # PHP
            return f"{value['date']} {value['timezone']}"
        return next((value[name] for name in _HELD if name in value), value)
    return value
