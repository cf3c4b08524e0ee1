"""Dates of other programs: every clear form is read, and an unclear one is refused."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from contextlib import suppress
from decimal import Decimal
from typing import Any, Literal
from zoneinfo import ZoneInfo

import pytest
from babel.dates import format_date
from hypothesis import given
from hypothesis import strategies as st

from index.articles.date_words import DateError
from index.articles.foreign_dates import (
    FAR_FUTURE,
    FAR_PAST,
    DateReader,
    check_date_format,
    first_month,
)

READER = DateReader(timezone=ZoneInfo("Europe/Berlin"))
NINE = "2026-03-01T09:00:00+00:00"  # ten o'clock in Berlin


@pytest.mark.parametrize(
    "written",
    [
        "2026-03-01T10:00:00",
        "2026-03-01 10:00:00.000",
        "2026-03-01T09:00Z",
        "2026-03-01T09:00:00.000+00:00Z",
        "2026-03-01 10:00:00 +0100",
        "2026-03-01T10+01",
        "20260301T100000",
        "20260301100000",
        "20260301100000000",  # TiddlyWiki
        "2026-W09-7T10:00",
        "2026-060T10:00",
        "2026/03/01 10:00",
        "2026.3.1, 10:00",
        "2026:03:01 10:00:00",
        "2026-03-01 09:00:00 UTC",
        "2026-03-01 09:00:00 +0000 UTC",
        "2026-03-01 10:00:00 +0100 CET",
        "2026-03-01 10:00:00 +0100 +0100",  # Go, of a zone without a name
        "2026-03-01 10:00:00 +0100 +01",
        "2026-03-01T10:00:00[Europe/Berlin]",
        "2026-03-01T04:00:00-05:00[America/New_York]",
        "2026-03-01T08:00:00\u221201:00",
        '"2026-03-01T10:00:00"',
        "2026-03-01 - 10:00",
        '<time datetime="2026-03-01T09:00:00Z" class="datetime">03/01/2026</time>\n',
        "01/Mar/2026:10:00:00 +0100",
        "Sun Mar 01 10:00:00 +0100 2026",
        "Sun, 01 Mar 2026 09:00:00 GMT",
        "Sun, 1 Mar 2026 04:00 EST",
        "Sun, 01 Mar 26 10:00:00 +0100 (CET)",
        "Sunday, 01-Mar-26 09:00:00 GMT",
        "Sun Mar  1 09:00:00 UTC 2026",
        "Sun Mar 01 2026 10:00:00 GMT+0100 (Mitteleuropäische Normalzeit)",
        "March 1st, 2026 at 10:00 AM",
        "Sonntag, 1. März 2026, 10:00 Uhr MEZ",
        "dimanche 1er mars 2026 à 10h00",
        "domingo, 1 de março de 2026 às 10:00",
        "01.03.2026 10:00",
        "2026年3月1日 10:00",
        "2026年3月1日 上午10:00",
        "2026년 3월 1일 오전 10:00",
        "1 марта 2026 \u0433. \u0432 10:00",
        "1 березня 2026 \u0440. \u043e 10:00",
        "1er mars 2026 à 10 h 00",
        "1. marts 2026 kl. 10.00",
        "1. maaliskuuta 2026 klo 10.00",
        "1. März 2026, 10.00 Uhr",
        "1 marzo 2026 ore 10:00",
        "1 de marzo de 2026, 10:00 h",
        "1. března 2026 v 10:00",
        "March 1, 2026 | 10:00 am",
        "2026-03-01 10.00",
        "2026-03-01 09:00:00.000000 +0000 UTC",
        "2026-03-01 09:00:00.000000 +0000 UTC m=+0.000012",
        "/Date(1772355600000+0100)/",
        1772355600,
        1772355600.0,
        Decimal("1772355600000"),
        "1772355600000",
        1772355600_000_000,
        1772355600_000_000_000,
        dt.datetime(2026, 3, 1, 9, tzinfo=dt.UTC),
        dt.datetime(2026, 3, 1, 10),  # noqa: DTZ001 - it has no zone
    ],
)
def test_a_clear_time_is_read_whatever_program_wrote_it(written: Any) -> None:
    instant = READER.instant(written)
    assert instant is not None
    assert instant.isoformat() == NINE
    assert READER.date(written) == dt.date(2026, 3, 1)


@pytest.mark.parametrize(
    "written",
    [
        "2026-3-1",
        "2026_03_01",
        "2026\u201103\u201101",
        "2026\u20133\u20131 10:00",
        "20260301",
        20260301,
        "2026-060",
        "2026W097",
        "1 March 2026",
        "on the 1st of March, 2026",
        "March 1, 2026",
        "1-Mar-2026",
        "2026 Mar 1",
        "1. Mär. 2026",
        "1. Maerz 2026",
        "01. Mrz 2026",
        "1er mars 2026",
        "mar. 1 Mar 2026".replace("mar. ", "dom. "),
        "søndag 1. mars 2026",
        "niedziela, 1 marca 2026 r.",
        "воскресенье, 1 марта 2026 \u0433.",
        "1 березня 2026 \u0440.",
        "1 Mart 2026 Pazar",
        "1 martie 2026",
        "\u0662\u0660\u0662\u0666-\u0660\u0663-\u0660\u0661",
        "\u200e2026-03-01",
        "1 de marzo de 2026",
        "1 marzo 2026",
        "1 de março de 2026",
        "1 maart 2026",
        "1. marraskuuta 2026".replace("marras", "maalis"),
        "dim. 1 mars 2026",
        "1 марта 2026 года",
        "الأحد، 1 مارس 2026",
        "\u0661 مارس \u0662\u0660\u0662\u0666",
        "יום ראשון, 1 במרץ 2026",
        "Κυριακή 1 Μαρτίου 2026",
        "2026. március 1., vasárnap",
        "1 март 2026 \u0433.",
        "nedelja, 1. mart 2026",
        "1. marca 2026",
        "1. märts 2026",
        "2026. gada 1. marts",
        "Minggu, 1 Maret 2026",
        "1.3.2026",
        "2026-03-01Z",
        "2026-03-01+01:00",
        "Sun, 01 Mar 2026 10:00:00 XYZ",
        "令和8年3月1日",
        "令和８年(2026年)3月1日（日）",  # noqa: RUF001 - as written in Japanese
        "2026年(令和8年)3月1日",
        "民國115年3月1日",
        "วันอาทิตย์ที่ 1 มีนาคม 2569",
        "1 มี.ค. พ.ศ. 2569 เวลา 10:30 น.",
        "1 آذار/مارس 2026",
        "Tháng Ba 1, 2026",
        "周日, 01 三月 2026 10:30:00 +0800",
        "일, 01 3월 2026 10:30:00 +0900",
        "So, 01.03.2026 10:30",
        dt.date(2026, 3, 1),
    ],
)
def test_a_clear_date_is_read_in_many_languages(written: Any) -> None:
    assert READER.date(written) == dt.date(2026, 3, 1)


@pytest.mark.parametrize(
    ("names", "months"),
    [
        ("янв фев мар апр мая июн июл авг сен окт ноя дек", range(1, 13)),
        ("січ лют бер кві тра чер лип сер вер жов лис гру", range(1, 13)),  # noqa: RUF001
        ("Mrz noi", (3, 11)),
    ],
)
def test_months_are_known_by_three_letters(names: str, months: Sequence[int]) -> None:
    read = [READER.date(f"Пт, 2 {name} 2026 10:00:00 +0300") for name in names.split()]
    assert read == [dt.date(2026, month, 2) for month in months]


@pytest.mark.parametrize(
    "written",
    [
        "03/04/2026",
        "1\u20133 March 2026",
        "3-4-2026",
        "03/04/26",
        "1 Mar 26",
        "26-03-01",
        "2026",
        2026,
        "2026-03",
        "March 2026",
        "10:00",
        "Sunday",
        "today",
        202603,
        45352,
        202603011000,
        "2026-13-01",
        "2026-02-30",
        "2026-03-01T25:00",
        "2026-03-01 at 10",
        "2026-03-01/2026-03-04",
        "before 1 March 2026",
        "1 March 2026 - 4 March 2026",
        "1.3.2026-4.3.2026",
        "1 March 2026 2027",
        "March 1 to 4, 2026",
        "5. Woche 2026",
        "1 Nonsense 2026",
        "Mon, 01 Jan 99999999999999 00:00:00 GMT",
        "Mon, 01 Jan 2024 00:00:00 +9999999999999",
        "1" * 200,
        float("nan"),
        float("inf"),
        Decimal("sNaN"),
        True,
        [2026, 3, 1],
        {},
    ],
)
def test_an_unclear_date_is_refused_and_no_part_is_invented(written: Any) -> None:
    for read in (READER.date, READER.instant):
        with pytest.raises(DateError):
            read(written)


def test_a_date_that_can_be_two_is_refused_with_the_setting_that_mends_it() -> None:
    with pytest.raises(DateError, match=r"date_format = \"%d/%m/%Y\""):
        READER.date("03/04/2026")
    assert DateReader(date_format="%d/%m/%Y").date("03/04/2026") == dt.date(2026, 4, 3)
    assert DateReader(date_format="%m/%d/%y").date("03/04/26") == dt.date(2026, 3, 4)
    for clear in ("25/12/2026", "12/25/2026", "25-12-2026"):
        assert READER.date(clear) == dt.date(2026, 12, 25), "there is no month 25"


def test_a_clear_date_is_read_beside_the_date_format() -> None:
    assert DateReader(date_format="%d/%m/%Y").date("2026-03-01") == dt.date(2026, 3, 1)


@pytest.mark.parametrize("wrong", ["%d/%m", "%Y", "DD/MM/YYYY", "%q", 5, None, ["%d"]])
def test_a_date_format_names_day_month_and_year(wrong: Any) -> None:
    with pytest.raises(ValueError, match="must say where day, month and year stand"):
        check_date_format(wrong)


@pytest.mark.parametrize(
    "written",
    [
        None,
        "",
        " ",
        0,
        "0",
        "0000-00-00",
        "0000-00-00 00:00:00",
        "0001-01-01",
        "0001-01-01T00:00:00Z",
        dt.datetime(1, 1, 1, tzinfo=dt.UTC),
    ],
)
def test_what_programs_write_for_no_date_is_none(written: Any) -> None:
    assert READER.date(written) is None
    assert READER.instant(written) is None


@pytest.mark.parametrize(
    ("written", "end"),
    [
        ("9999-12-31T23:59:59", FAR_FUTURE),
        ("9999-12-31T23:59:59-12:00", FAR_FUTURE),
        ("+275760-09-13T00:00:00.000Z", FAR_FUTURE),
        ("+010000-01-01T00:00:00.000Z", FAR_FUTURE),
        ("infinity", FAR_FUTURE),
        (253402300799, FAR_FUTURE),
        (253402300799999, FAR_FUTURE),
        (10**40, FAR_FUTURE),
        (dt.datetime(9999, 12, 31, 23, tzinfo=dt.UTC), FAR_FUTURE),
        (-(10**40), FAR_PAST),
        ("-infinity", FAR_PAST),
        ("0001-01-01T00:00+14:00", FAR_PAST),
    ],
)
def test_the_ends_of_the_calendar_are_far_and_no_day_for_a_card(
    written: Any, end: dt.datetime
) -> None:
    assert READER.instant(written) == end
    with pytest.raises(DateError, match="never comes"):
        READER.date(written)


@pytest.mark.parametrize(
    "written",
    [
        *(
            "1404-05-01",
            "\u06f1\u06f4\u06f0\u06f4/\u06f0\u06f5/\u06f0\u06f1",
            "1446-09-01",
            "2568-03-01",
            "2568-12-31",
            "1 March 2568",
        ),
        *("5786-01-02", "0115-03-01", "0007-03-01", "20255-03-01", "+020255-03-01T00:00:00.000Z"),
        *(
            "-20255-03-01",
            "202-03-01",
            dt.date(2568, 3, 1),
            dt.datetime(1404, 5, 1, tzinfo=dt.UTC),
            18880000000,
        ),
    ],
)
def test_a_year_of_another_calendar_or_a_slip_is_refused(written: Any) -> None:
    for read in (READER.date, READER.instant):
        with pytest.raises(DateError):
            read(written)


@pytest.mark.parametrize("written", ["2999-12-31", "3000-01-01T00:00Z", "4712-12-31", 32503680000])
def test_a_far_end_of_a_year_means_never_to_programs(written: Any) -> None:
    found = READER.instant(written)
    assert found is not None
    assert found.year > 2900


@given(
    st.one_of(
        st.text(max_size=40),
        st.text(alphabet="0123456789-/:.,+TZ MarchDez", max_size=30),
        st.integers(),
        st.floats(),
        st.decimals(),
        st.datetimes(timezones=st.none() | st.timezones()),
        st.binary(),
    )
)
def test_any_value_is_read_or_refused(value: Any) -> None:
    for read in (READER.date, READER.instant):
        with suppress(DateError):
            assert isinstance(read(value), dt.date | None)


@given(st.datetimes(dt.datetime(1500, 1, 2), dt.datetime(2299, 1, 1), timezones=st.just(dt.UTC)))  # noqa: DTZ001 - the zones are drawn
def test_a_time_survives_every_common_way_of_writing_it(instant: dt.datetime) -> None:
    assert READER.instant(instant.isoformat()) == instant
    whole = instant.replace(microsecond=0)
    assert READER.instant(f"{whole:%Y}".zfill(4) + f"{whole:-%m-%d %H:%M:%S} +0000") == whole
    assert READER.instant(f"{whole:%a, %d %b} {whole.year:04} {whole:%H:%M:%S} GMT") == whole


@pytest.mark.parametrize(
    "given",
    [
        {"$date": "2026-03-01T09:00:00Z"},
        {"$date": {"$numberLong": "1772355600000"}},
        {"seconds": 1772355600, "nanoseconds": 0},
        {"_seconds": 1772355600, "_nanoseconds": 0},
        {"date-parts": [[2026, 3, 1]], "date-time": "2026-03-01T09:00:00Z"},
        {"date": "2026-03-01 10:00:00.000000", "timezone_type": 3},
        {"date": "2026-03-01 04:00:00.000000", "timezone_type": 3, "timezone": "America/New_York"},
        {"date": "2026-03-01 06:00:00", "timezone": "America/Argentina/Buenos_Aires"},
        {"date": "2026-03-01 11:00:00.000000", "timezone_type": 1, "timezone": "+02:00"},
        {"date": "2026-03-01 04:00:00.000000", "timezone_type": 2, "timezone": "EST"},
        ["2026-03-01T10:00"],
    ],
)
def test_an_object_that_stands_for_a_time_is_read(given: Any) -> None:
    assert READER.instant(given) == dt.datetime(2026, 3, 1, 9, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    "written", ["2026-03-01T24:00:00Z", "2026-03-01 24:00Z", "20260301T240000Z", "2026-03-02Z"]
)
def test_the_end_of_a_day_is_the_beginning_of_the_next(written: str) -> None:
    assert READER.instant(written) == dt.datetime(2026, 3, 2, tzinfo=dt.UTC)
    assert READER.instant("9999-12-31T24:00") == FAR_FUTURE


@pytest.mark.parametrize("none", ["-", "—", "n/a", "NULL", "None", "NaN", "NaT", r"\N"])
def test_words_for_no_date_are_none(none: str) -> None:
    assert READER.date(none) is READER.instant(none) is None


@pytest.mark.parametrize(
    ("form", "zone", "utc"),
    [
        ("2026-07-01 10:00 {}", "CET", 9),
        ("1 July 2026 10:00:00{}", "CET", 9),
        ("July 1, 2026 at 10:00 a.m. {}", "CET", 9),
        ("Wed Jul  1 10:00:00 {} 2026", "CET", 9),
        ("Wed Jul  1 10:00:00 {} 2026", "MSK", 7),
        ("2026-07-01 10:00 {}", "EST", 15),
        ("2026-07-01 10:00 ({})", "PST", 18),
        ("July 1, 2026 10:00 am ({})", "GMT-5", 15),
        ("2026-07-01 10:00 ({})", "America/New_York", 14),
        ("Wed Jul 01 2026 10:00:00 GMT+0200 ({})", "PST", 8),
        ("2026-07-01 10:00 ({})", "Wednesday", 1),
    ],
)
def test_a_zone_is_read_even_if_it_is_a_weekday_elsewhere(form: str, zone: str, utc: int) -> None:
    instant = DateReader(timezone=ZoneInfo("Asia/Tokyo")).instant(form.format(zone))
    assert instant == dt.datetime(2026, 7, 1, utc, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    "written",
    [
        "November 29, 2026 1:00 AM PT",
        "3:00 p.m. CT, March 1, 2026",
        "2026-03-01 10:30 CT",
        "2026-03-01 10.30 h CT",
        "2026-03-01 10.30 CT",
        "2026-03-01 10:30:00.000 pt",
        "Sun Mar 1 10:00:00 CT 2026",
        "1 March 2026 10:30 AT",
        "1 March 2026 10:30 R",
        "2026-03-01 10:30 ET",
        "2026-03-01 10:30 (IST)",
        "2026-03-01 10:30 (Pacific Time)",
        {"date": "2026-03-01 10:00:00", "timezone_type": 3, "timezone": "Mars/Base"},
    ],
)
def test_a_zone_that_is_unknown_is_told_even_if_it_is_a_weekday_elsewhere(written: Any) -> None:
    with pytest.raises(DateError, match="time zone of"):
        READER.instant(written)


@pytest.mark.parametrize(
    ("written", "utc"),
    [
        ("2026-11-29+14:00", "2026-11-28T10:00:00+00:00"),
        ("2026-03-01+09:00", "2026-02-28T15:00:00+00:00"),
        ("2026-03-01-10:00", "2026-03-01T10:00:00+00:00"),
        ("2026-03-01Z", "2026-03-01T00:00:00+00:00"),
        ("2026-03-01_10:00", NINE),
    ],
)
def test_an_offset_behind_a_date_is_no_time_of_day(written: str, utc: str) -> None:
    instant = READER.instant(written)
    assert instant is not None
    assert instant.isoformat() == utc


@pytest.mark.parametrize("written", ["4 paź 2026", "4 Paź 2026", "niedz., 4 paź 2026"])
def test_a_word_that_is_a_month_is_no_weekday(written: str) -> None:
    assert READER.date(written) == dt.date(2026, 10, 4)
    assert READER.date("pt., 6 mar 2026") == dt.date(2026, 3, 6)


@pytest.mark.parametrize("width", ["full", "long", "medium"])
def test_dates_of_many_languages_are_read(width: Literal["full", "long", "medium"]) -> None:
    languages = ["ja", "ko", "zh", "ca", "lt", "mk", "gl", "sq", "ka", "az", "be", "uz", "sw", "bs"]
    languages += ["hi", "bn", "mr", "ta", "te", "gu", "th", "fa", "ur", "vi"]
    for day in (dt.date(2026, month, 5) for month in range(1, 13)):
        for language in languages:
            written = format_date(day, width, locale=language)
            assert READER.date(written) == day, written
    assert READER.date("Thứ Năm, 5 tháng 11, 2026") == dt.date(2026, 11, 5)
    assert READER.date("ngày 5 tháng 11 năm 2026") == dt.date(2026, 11, 5)


@pytest.mark.parametrize("width", ["full", "long", "medium"])
def test_months_that_neighbors_call_otherwise_are_croatian_by_their_full_stops(
    width: Literal["full", "long", "medium"],
) -> None:
    for day in (dt.date(2026, month, 5) for month in range(1, 13)):
        for language in ("hr", "cs", "pl", "sl", "sr_Latn"):
            assert READER.date(format_date(day, width, locale=language)) == day, language


def test_mar_before_a_day_and_its_month_is_a_tuesday() -> None:
    assert READER.date("mar. 3 mars 2026") == READER.date("Mar 3, 2026") == dt.date(2026, 3, 3)


@pytest.mark.parametrize(
    ("written", "clock"),
    [
        ("2 Jan, 2026 10.30am", "10:30"),
        ("2 Jan 2026 10.30.15 p.m.", "22:30:15"),
        ("2. Jänner 2026 10.30 Uhr", "10:30"),
        ("2 Jan 2026 10.30 h", "10:30"),
        ("2026-01-02 10.30", "10:30"),
        ("2026年1月2日 下午3:00", "15:00"),
        ("2026年1月2日(金) 10時30分", "10:30"),
        ("2026年1月2日星期五 下午3时", "15:00"),
        ("2026/01/02\uff08金\uff0910:30", "10:30"),
        ("2026年1月2日10点30分", "10:30"),
        ("2026년 1월 2일 금요일 15시 30분 10초", "15:30:10"),
    ],
)
def test_a_time_of_day_is_read_as_its_country_writes_it(written: str, clock: str) -> None:
    instant = DateReader().instant(written)
    assert instant == dt.datetime.fromisoformat(f"2026-01-02T{clock}Z")
    with pytest.raises(DateError):  # the time, or the end of a range
        DateReader().instant("1.3.2026 04.03")


def test_a_weekday_behind_a_date_is_read() -> None:
    for day in range(1, 8):  # as Org mode writes it
        date = f"{dt.date(2026, 3, day):%Y-%m-%d %a}"
        assert str(READER.read(date)) == f"2026-03-0{day} 00:00:00"
        assert str(READER.read(f"{date} 10:00")) == f"2026-03-0{day} 10:00:00"


def test_short_weekdays_and_seconds_between_two_days_are_read() -> None:
    for day in ("Tues, 3", "Weds, 4", "Thur, 5", "Thurs, 5"):
        found = READER.read(f"{day} Mar 2026 10:00:00 GMT")
        assert found is not None
        assert found.day == int(day[-1])
    for leap in ("Sat, 31 Dec 2016 23:59:60 GMT", "2016-12-31T23:59:60Z"):
        assert str(READER.read(leap)) == "2016-12-31 23:59:59+00:00"


@pytest.mark.parametrize(
    "said",
    "December YEAR|Dec. YEAR|décembre YEAR|12/YEAR|12.YEAR|12-YEAR|YEAR12|YEAR-12|YEAR年12月|"
    "YEAR-12-24|ธันวาคม THAI|THAI-12-24".split("|"),
)
def test_the_month_of_a_value_of_this_year_is_read(said: str) -> None:
    year = dt.datetime.now(dt.UTC).year
    said = said.replace("YEAR", str(year)).replace("THAI", str(year + 543))
    assert first_month(said) == (year, 12)
    assert first_month([f"Waves 12, {year}"]) == first_month(year) == (year, 0)
