"""Articles from databases: SQLite here, PostgreSQL and MariaDB as real servers."""

from __future__ import annotations

import datetime as dt
import itertools
import socket
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from index.articles.record import Record
from index.errors import SourceError
from index.sources.registry import open_source
from index.sql_engine import open_engine, parse_url
from recommender.article import Status
from recommender.errors import SettingError
from tests.support.builds import SAMPLE
from tests.support.corpus_writers import COLUMNS, rows, write_sqlite
from tests.support.real_servers import mariadb, postgres
from tests.support.sample_records import RECORDS, read

PASSWORD = "päss@w/ord%"

TYPES = {
    "postgresql": {"date": "date", "visible_from": "timestamptz", "other": "jsonb"},
    "mysql": {"date": "date", "visible_from": "varchar(40)", "other": "json"},
}


@pytest.fixture(scope="module", params=["postgresql", "mysql"])
def server(request: pytest.FixtureRequest) -> Iterator[str]:
    """A server's URL, with the corpus in the table ``articles`` and a million numbers."""
    start = postgres if request.param == "postgresql" else mariadb
    with start(PASSWORD) as url:
        engine = open_engine(parse_url(url, PASSWORD))
        types = TYPES[request.param]
        columns = ", ".join(
            f"{name} {types['other'] if name in COLUMNS[8:] else types.get(name, 'varchar(500)')}"
            for name in COLUMNS
        )
        with engine.begin() as connection:
            connection.exec_driver_sql(f"CREATE TABLE articles ({columns})")
            marks = ", ".join(["%s"] * len(COLUMNS))
            for row in rows(RECORDS):
                connection.exec_driver_sql(f"INSERT INTO articles VALUES ({marks})", row)
        engine.dispose()
        yield url


@pytest.fixture(autouse=True)
def password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SITE_DATABASE_PASSWORD", PASSWORD)


def table(url: str, query: str, **options: Any) -> dict[str, Any]:
    secret = {} if url.startswith("sqlite") else {"password_env": "SITE_DATABASE_PASSWORD"}
    return {"kind": "sql", "url": url, "query": query, **secret, **options}


def test_a_real_server_gives_the_corpus_as_it_is(server: str) -> None:
    articles, report = read(table(server, "SELECT * FROM articles"))
    expected, _ = read({"kind": "jsonl", "path": str(SAMPLE / "articles.jsonl")})
    assert not report.skipped
    assert articles == expected


def test_rows_come_from_the_server_as_they_are_asked_for(server: str) -> None:
    """A hundred million rows would fill the memory, and take minutes to let go of."""
    numbers = " CROSS JOIN ".join(f"(SELECT id FROM articles LIMIT 100) AS t{n}" for n in range(4))
    records = open_source(table(server, f"SELECT t0.id, 1 AS title FROM {numbers}")).records()
    with closing(records):
        first = list(itertools.islice(records, 2_500))
    assert len(first) == 2_500
    assert all(isinstance(item, Record) for item in first)


def test_nothing_is_written_on_a_real_server(server: str) -> None:
    with pytest.raises(SourceError):
        list(open_source(table(server, "DELETE FROM articles")).records())
    assert len(list(open_source(table(server, "SELECT id FROM articles")).records())) == 120


def test_a_table_that_another_program_keeps_locked_ends_the_reading(
    server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("index.sources.sql._LOCK_SECONDS", 1)
    how = "LOCK TABLE {}" if server.startswith("postgresql") else "LOCK TABLES {} WRITE"
    engine = open_engine(parse_url(server, PASSWORD))
    with engine.connect() as other:
        other.exec_driver_sql(how.format("articles"))
        with pytest.raises(SourceError, match=r"(?i)lock"):
            list(open_source(table(server, "SELECT id FROM articles")).records())
    engine.dispose()


def test_a_server_that_never_says_anything_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "index.sources.sql._LIMITS",
        {"psycopg": {"connect_timeout": "2"}, "pymysql": {"read_timeout": "1"}},
    )
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        for kind in ("postgresql", "mysql", "mariadb"):
            with pytest.raises(SourceError, match=r"(?i)time"):
                list(open_source(table(f"{kind}://me@127.0.0.1:{port}/x", "SELECT 1")).records())


def test_a_wrong_password_is_refused_without_being_told(
    server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SITE_DATABASE_PASSWORD", "hunter2-wrong")
    with pytest.raises(SourceError) as error:
        list(open_source(table(server, "SELECT 1")).records())
    assert "hunter2" not in str(error.value)
    assert "reader" in str(error.value)


@pytest.mark.parametrize("server", ["postgresql"], indirect=True)
def test_a_value_that_no_driver_can_hold_costs_its_field(server: str) -> None:
    query = """
        SELECT 'a' AS id, 'A' AS title, CAST('infinity' AS timestamptz) AS visible_until,
               CAST('0044-03-15 BC' AS date) AS date, CAST('[]' AS jsonb) AS tags
        UNION ALL SELECT 'b', 'B', CAST('2030-01-02 03:04:05+02' AS timestamptz),
               CAST('2026-01-02' AS date), CAST(repeat('[', 2000) || repeat(']', 2000) AS jsonb)
    """
    articles, report = read(table(server, query))
    assert articles["a"].status is Status.PUBLISHED, "it never ends"
    assert articles["a"].visible_until is None
    assert articles["a"].date is None
    assert {"date: invalid"} < set(report.notes)
    assert articles["b"].visible_until == dt.datetime(2030, 1, 2, 1, 4, 5, tzinfo=dt.UTC)
    assert articles["b"].date == dt.date(2026, 1, 2)


@pytest.mark.parametrize("server", ["postgresql"], indirect=True)
def test_a_json_column_with_one_word_or_null_is_that_word_or_nothing(server: str) -> None:
    query = """
        SELECT CAST('"a"' AS jsonb) AS id, CAST('"Say \\"A\\""' AS json) AS title,
               CAST('null' AS jsonb) AS status, CAST('null' AS json) AS tags,
               CAST('"2030-01-02"' AS jsonb) AS visible_from, CAST('24:00' AS time) AS shut
    """
    articles, report = read(table(server, query))
    assert articles["a"].title == 'Say "A"'
    assert articles["a"].status is Status.PUBLISHED
    assert articles["a"].tags == ()
    assert articles["a"].visible_from == dt.datetime(2030, 1, 2, tzinfo=dt.UTC)
    assert report.kept == report.read == 1


@pytest.mark.parametrize("server", ["postgresql"], indirect=True)
def test_a_database_that_knows_no_encoding_is_read_as_utf_8_or_as_the_url_says(server: str) -> None:
    engine = open_engine(parse_url(server, PASSWORD), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(
            "CREATE DATABASE old ENCODING 'SQL_ASCII' LOCALE 'C' TEMPLATE template0"
        )
    engine.dispose()
    old = server.removesuffix("postgres") + "old"
    utf8 = "SELECT 1 AS id, convert_from('\\xc3bc'::bytea, 'SQL_ASCII') AS title WHERE 'ü' <> ''"
    assert read(table(old, utf8))[0]["1"].title == "ü"
    latin1 = "SELECT 1 AS id, convert_from('\\xfc'::bytea, 'SQL_ASCII') AS title"
    with pytest.raises(SourceError, match="invalid byte sequence"):
        read(table(old, latin1))
    assert read(table(f"{old}?client_encoding=latin1", latin1))[0]["1"].title == "ü"


def test_an_unknown_table_is_told_in_the_servers_words(server: str) -> None:
    with pytest.raises(SourceError, match=r"(?s)after row 0.*artikles"):
        list(open_source(table(server, "SELECT * FROM artikles")).records())


def test_columns_of_one_name_are_told_without_reading_the_rows(
    server: str, recwarn: pytest.WarningsRecorder
) -> None:
    numbers = " CROSS JOIN ".join(f"(SELECT id FROM articles LIMIT 100) AS t{n}" for n in range(2))
    with pytest.raises(SourceError, match="two columns named 'id'"):
        list(open_source(table(server, f"SELECT t0.id, t1.id FROM {numbers}")).records())
    assert not recwarn.list, "the driver reads and drops what is left"


def test_percent_signs_and_colons_in_a_query_are_left_alone(server: str) -> None:
    query = "SELECT id, title FROM articles WHERE id LIKE '%tidal%' AND title <> ':x %s'"
    ids = [record.values["id"] for record in open_source(table(server, query)).records()]
    assert "tidal-kite-second-year" in ids


@pytest.fixture
def sqlite(tmp_path: Path) -> str:
    return f"sqlite:///{write_sqlite(RECORDS, tmp_path)}"


def test_a_row_is_named_by_its_number_and_first_column(sqlite: str) -> None:
    records = open_source(table(sqlite, "SELECT id, title FROM articles ORDER BY id")).records()
    place = next(iter(records)).location
    assert place.endswith("site.sqlite row 1 (id='accordion-beginners-at-seventy')")


def test_sqlite_is_opened_for_reading_only(sqlite: str) -> None:
    with pytest.raises(SourceError, match=r"readonly.*write a SELECT.*WAL"):
        list(open_source(table(sqlite, "DELETE FROM articles")).records())


def test_a_row_that_is_too_large_is_told_with_the_remedy(tmp_path: Path) -> None:
    path = tmp_path / "large.sqlite"
    with closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE t (id, title, summary)")
        database.execute("INSERT INTO t VALUES (1, 'A', 'x'), (2, 'B', zeroblob(17000000))")
        database.commit()
    with pytest.raises(SourceError, match=r"row 0: .*: leave it out by its id"):
        read(table(f"sqlite:///{path}", "SELECT * FROM t"))
    assert read(table(f"sqlite:///{path}", "SELECT * FROM t WHERE id <> 2"))[1].kept == 1


def test_a_file_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="there is no file"):
        list(open_source(table(f"sqlite:///{tmp_path}/none", "SELECT 1")).records())
    assert not list(tmp_path.iterdir())


def test_cells_of_every_type_become_plain(tmp_path: Path) -> None:
    path = tmp_path / "types.sqlite"
    with closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE t (id INTEGER, title BLOB, summary TEXT)")
        database.execute("INSERT INTO t VALUES (7, x'c3bc', 'x')")
        database.execute("INSERT INTO t VALUES (8, 'bad', CAST(x'ff41' AS TEXT))")
        database.commit()
    articles, report = read(table(f"sqlite:///{path}", "SELECT * FROM t"))
    assert articles["7"].title == "ü"
    assert articles["8"].sections[0].text == "?A"
    assert report.read == report.kept == 2


def test_an_id_of_bytes_and_an_address_without_a_slash_are_told_with_the_remedy(
    tmp_path: Path,
) -> None:
    path = tmp_path / "bytes.sqlite"
    with closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE t (id BLOB, title TEXT, url TEXT)")
        database.execute("INSERT INTO t VALUES (x'c001', 'Kelp', NULL), (7, 'Sand', 'sea/sand')")
        database.commit()
    _, report = read(table(f"sqlite:///{path}", "SELECT * FROM t"))
    ids, addresses = [one for one in report.problems if one.field in ("id", "url")][:2]
    assert "HEX(id)" in ids.message
    template = "/{url}"
    assert f'url_template = "{template}"' in addresses.message
    articles, _ = read(table(f"sqlite:///{path}", "SELECT * FROM t", url_template=template))
    assert articles["7"].url == "/sea/sand"


def test_a_json_column_without_a_value_is_no_tag_and_no_picture(tmp_path: Path) -> None:
    path = tmp_path / "json.sqlite"
    with closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE t (id, title, tags, image)")
        database.execute("INSERT INTO t VALUES (1, 'Kelp', 'null', 'null')")
        database.execute("INSERT INTO t VALUES (2, 'Sand', '[\"null\", \"tide\"]', NULL)")
        database.commit()
    articles, _ = read(table(f"sqlite:///{path}", "SELECT * FROM t"))
    assert (articles["1"].tags, articles["1"].image) == ((), None)
    assert articles["2"].tags == ("null", "tide")


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("SELECT 1 AS a, 2 AS a", "two columns named 'a'"),
        ("SELEKT", "syntax error"),
        ("CREATE TEMP TABLE x (y)", "does not return rows"),
        ("", "does not return rows"),
    ],
)
def test_a_query_that_gives_no_articles_is_refused(sqlite: str, query: str, said: str) -> None:
    with pytest.raises(SourceError, match=said):
        list(open_source(table(sqlite, query)).records())


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("nonsense", "not a database URL"),
        ("oracle+nodriver://h/x", "nodriver"),
        ("mssql+pyodbc://h/x", "pyodbc"),
    ],
)
def test_a_url_that_cant_be_used_is_told_with_the_remedy(url: str, said: str) -> None:
    with pytest.raises(SourceError, match=said):
        list(open_source({"kind": "sql", "url": url, "query": "SELECT 1"}).records())


def test_a_whole_url_may_be_the_secret(sqlite: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SITE_DATABASE_URL", sqlite)
    source = {"kind": "sql", "url_env": "SITE_DATABASE_URL", "query": "SELECT * FROM articles"}
    assert len(read(source)[0]) == len(RECORDS)


def test_a_literal_password_is_refused_and_not_told() -> None:
    for options in (
        {"url": "postgresql://me:hunter2@h/x"},
        {"url": "postgresql://me@h/x?sslmode=require&password=hunter2"},
        {"url": "mysql://me@h/x?passwd=hunter2"},
        {"url": "postgresql://me@h/x", "password": "hunter2"},
    ):
        with pytest.raises(SettingError, match="password_env") as error:
            open_source({"kind": "sql", "query": "SELECT 1", **options})
        assert "hunter2" not in str(error.value)
