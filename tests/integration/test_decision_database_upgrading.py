"""The schema: made once by whoever comes first, held to this version's, never changed unasked."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from index.errors import DatabaseError
from index.sql_engine import open_engine, parse_url
from recommender.visibility import NEVER
from service.decisions import connections as connecting
from service.decisions import database as upgrading
from service.decisions import schema
from service.decisions.database import open_database, upgrade_database
from service.decisions.decision_state import OverrideKind
from service.decisions.decision_store import WRITES
from tests.support.decision_databases import MIRA, NewUrl, opened
from tests.support.fork_server import forked
from tests.support.schema_0001 import make_schema_0001


def test_an_empty_database_gets_the_schema_that_the_code_expects(new_url: NewUrl) -> None:
    url = new_url()
    assert upgrade_database(url) is None
    check_is_the_latest_schema(url)


def check_is_the_latest_schema(url: str) -> None:
    engine = open_engine(parse_url(url))
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"version_table": schema.VERSION_TABLE}
        )
        assert context.get_current_revision() == schema.HEAD
        assert compare_metadata(context, schema.metadata) == []
    engine.dispose()


def test_the_last_step_is_the_version_that_the_code_expects() -> None:
    script = ScriptDirectory.from_config(upgrading._config())
    assert script.get_heads() == [schema.HEAD]


def test_upgrading_again_changes_nothing(new_url: NewUrl) -> None:
    url = new_url()
    with opened(url) as database:
        database.takedowns.put(MIRA, article_id="x")
        before = database.version()
        assert upgrade_database(url) == schema.HEAD
        assert database.version() == before
        assert "x" in database.state().takedowns


def write_one(url: str, number: int) -> None:
    database = open_database(url)
    database.overrides.put(
        MIRA, article_id="a", target_id=f"t{number}", kind=OverrideKind.PIN, position=1
    )
    database.close()


def upgrade_and_write(url: str, number: int) -> None:
    upgrade_database(url)
    write_one(url, number)


def run_at_once(target: object, url: str, count: int) -> None:
    processes = [forked().Process(target=target, args=(url, n)) for n in range(count)]  # type: ignore[arg-type]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0] * count


def test_processes_that_upgrade_at_once_make_one_database(new_url: NewUrl) -> None:
    url = new_url()
    run_at_once(upgrade_and_write, url, 6)
    with opened(url) as database:
        assert len(database.overrides.all()) == 6
        assert [entry.seq for entry in database.audit.all()] == list(range(1, 7))


@contextmanager
def old_database(url: str, version: str = "0001") -> Iterator[sa.Connection]:
    """A connection to a new database of an older schema."""
    parsed = parse_url(url)
    if parsed.get_backend_name() == "sqlite":
        engine = connecting.sqlite_engine(Path(str(parsed.database)), create=True)
    else:
        engine = connecting.postgres_engine(parsed)
    with engine.connect().execution_options(**{WRITES: True}) as connection, connection.begin():
        make_schema_0001(connection)
        config = upgrading._config()
        config.attributes["connection"] = connection
        command.upgrade(config, version)
        yield connection
    engine.dispose()


def test_decisions_of_the_version_before_are_there_after_the_upgrade(new_url: NewUrl) -> None:
    url = new_url()
    with old_database(url) as connection:
        connection.exec_driver_sql(
            f"INSERT INTO takedowns VALUES ('old', 1, 'mira', 'withdrawn', {NEVER})"
        )
        connection.exec_driver_sql(
            "INSERT INTO overrides (article_id, target_id, kind, reason, not_related, author, "
            f"created, until) VALUES ('a', 'b', 'hide', '', false, 'mira', 1, {NEVER})"
        )
    assert upgrade_database(url) == "0001"
    check_is_the_latest_schema(url)
    with closing(open_database(url)) as database:
        before = database.version()
        assert set(database.state().takedowns) == {"old"}
        assert [each.since for each in database.overrides.all()] == [0]
        database.takedowns.put(MIRA, article_id="new")
        changes = database.changes(*before)
        assert changes is not None
        assert set(changes.takedowns) == {"new"}
        assert set(database.state().takedowns) == {"old", "new"}


def test_what_was_pushed_before_hides_as_its_takedown_says(new_url: NewUrl) -> None:
    url = new_url()
    with old_database(url, "0005") as connection:
        connection.exec_driver_sql(
            "INSERT INTO pushed VALUES ('gone', 1, 1, 1, 'cms', NULL, NULL), "
            "('back', 4, 1, 1, 'cms', NULL, NULL), ('down', 5, 1, 1, 'cms', NULL, NULL), "
            "('draft', 2, 1, 1, 'cms', '{}', NULL), ('shown', 3, 1, 1, 'cms', '{}', NULL)"
        )
        connection.exec_driver_sql(
            f"INSERT INTO takedowns VALUES ('draft', 1, 'cms', '', {NEVER}, 0), "
            f"('shown', 1, 'mira', '', {NEVER}, NULL), ('gone', 1, 'cms', '', {NEVER}, 0), "
            f"('down', 1, 'mira', '', {NEVER}, NULL)"
        )
    assert upgrade_database(url) == "0005"
    with closing(open_database(url)) as database:
        found = {each.article_id: each.hidden_until for each in database.pushed.all()}
    assert found == {"gone": NEVER, "down": NEVER, "draft": NEVER, "shown": 0, "back": 0}


def test_a_sqlite_file_is_made_by_whoever_opens_it_first(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/decisions.sqlite"
    run_at_once(write_one, url, 8)
    database = open_database(url, create=False)
    assert len(database.overrides.all()) == 8
    database.close()
    with closing(sqlite3.connect(tmp_path / "decisions.sqlite")) as file:
        assert file.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert file.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_a_table_that_an_early_0004_lacks_is_made_and_nothing_else_is_at_stake(
    new_url: NewUrl,
) -> None:
    url = new_url()
    engine = open_engine(parse_url(url))
    with engine.begin() as connection:
        make_schema_0001(connection)
        config = upgrading._config()
        config.attributes["connection"] = connection
        command.upgrade(config, "0004")
    assert upgrade_database(url) == "0004"
    check_is_the_latest_schema(url)
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE refused_words")
    engine.dispose()
    with (
        closing(open_database(url)) as database,
        pytest.raises(DatabaseError, match="refused_words") as error,
    ):
        database.refused_words.all()
    assert "start over" not in str(error.value)


@pytest.mark.parametrize("new_url", ["postgresql"], indirect=True)
def test_postgresql_is_never_changed_by_opening_it(new_url: NewUrl) -> None:
    url = new_url()
    with pytest.raises(DatabaseError, match="alsolike db upgrade") as error:
        open_database(url)
    assert "w/ord" not in str(error.value)
    engine = open_engine(parse_url(url))
    with engine.connect() as connection:
        tables = connection.exec_driver_sql(
            "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"
        )
        assert tables.scalar() == 0
    engine.dispose()


@pytest.mark.parametrize("command", [open_database, upgrade_database])
def test_a_schema_of_a_newer_version_is_refused_and_left_alone(
    new_url: NewUrl, command: object
) -> None:
    url = new_url()
    with opened(url):
        pass
    engine = open_engine(parse_url(url))
    with engine.begin() as connection:
        connection.exec_driver_sql(f"UPDATE {schema.VERSION_TABLE} SET version_num = '9999'")
    with pytest.raises(DatabaseError, match="schema 9999, made by a newer AlsoLike"):
        command(url)  # type: ignore[operator]
    with engine.connect() as connection:
        version = connection.exec_driver_sql(f"SELECT version_num FROM {schema.VERSION_TABLE}")
        assert version.scalar() == "9999"
    engine.dispose()


def test_a_file_that_is_gone_or_empty_is_not_made_anew_where_that_was_not_meant(
    tmp_path: Path,
) -> None:
    path = tmp_path / "decisions.sqlite"
    for _ in range(2):
        for opens in (open_database, upgrade_database):
            with pytest.raises(DatabaseError, match="restore the database from a backup"):
                opens(f"sqlite:///{path}", create=False)
        path.touch()  # as a crash may leave it
    with closing(sqlite3.connect(path)) as file:
        assert file.execute("SELECT * FROM sqlite_master").fetchall() == []


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("mysql://u:hunter2@h/x", "sqlite or postgresql"),
        ("sqlite://", "names no file"),
        ("nonsense hunter2", "not a database URL"),
        ("postgresql://u:hunter2@h:port/x", "not a database URL"),
        ("postgresql://u:hunter2@127.0.0.1:1/x", "can't be used"),
        ("sqlite:////proc/none/x.sqlite", "can't be opened"),
    ],
)
def test_a_database_that_cant_be_opened_is_told_on_one_line_without_its_password(
    url: str, said: str
) -> None:
    with pytest.raises(DatabaseError, match=said) as error:
        open_database(url)
    assert "hunter2" not in str(error.value)
    assert "\n" not in str(error.value)
