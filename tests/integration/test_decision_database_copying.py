"""Decisions copied from one database to another, and a service that follows them there."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from index.errors import DatabaseError
from index.sql_engine import open_engine, parse_url
from service.decisions import schema
from service.decisions.connections import sqlite_engine
from service.decisions.database import (
    Database,
    back_up,
    copy_database,
    open_database,
    upgrade_database,
)
from service.decisions.decision_state import OverrideKind
from service.decisions.decision_store import WRITES
from service.decisions.open_decisions import FILE, decisions_status, open_decisions
from service.decisions.pushed_statements import NewStatement
from service.decisions.snapshot import load_snapshot
from service.roles import Role
from service.settings import Settings
from tests.support.commands import Run, runner
from tests.support.decision_databases import MIRA, OMAR, NewUrl, opened, started, urls
from tests.support.schema_0001 import make_schema_0001

PASSWORD = "correct horse battery"


@pytest.fixture(scope="module")
def new_file(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NewUrl]:
    with urls("sqlite", tmp_path_factory.mktemp("files")) as make:
        yield make


@pytest.fixture(scope="module")
def new_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NewUrl]:
    with urls("postgresql", tmp_path_factory.mktemp("servers")) as make:
        yield make


def rows(url: str) -> dict[str, list[dict[str, Any]]]:
    """Every row of every table, whatever reads them."""
    engine = open_engine(parse_url(url))
    with engine.connect() as connection:
        found = {
            table.name: [
                dict(row)
                for row in connection.execute(
                    sa.select(table).order_by(*table.primary_key)
                ).mappings()
            ]
            for table in schema.metadata.sorted_tables
        }
    engine.dispose()
    return {
        name: sorted(some, key=lambda row: json.dumps(row, sort_keys=True))
        for name, some in found.items()
    }


def read_all(url: str) -> list[object]:
    """What the service, the pages and the commands read."""
    with closing(open_database(url)) as database:
        return [
            database.version(),
            database.state(),
            database.counts(),
            database.overrides.all(),
            [database.overrides.of(name) for name in "abc"],
            sorted(database.takedowns.all(), key=lambda found: found.article_id),
            database.judgments.all(),
            database.refused_words.all(),
            database.pushed.above(0),
            database.pushed.last(),
            database.tokens.all(),
            sorted(database.editors.all(), key=lambda found: found.name),
            list(database.audit.all()),
        ]


def decide_everything(database: Database) -> str:
    """One of each thing, so that no table is empty; returns a token."""
    pin = {"article_id": "a", "kind": OverrideKind.PIN}
    database.overrides.put(MIRA, target_id="b", position=1, reason="Überblick\n2026", **pin)
    database.overrides.put(MIRA, target_id="c", position=1, until=2**62, **pin)
    hide = {"article_id": "b", "target_id": "über/日本", "kind": OverrideKind.HIDE}
    database.overrides.put(OMAR, not_related=True, **hide)
    database.overrides.put(MIRA, article_id="c", target_id="a", kind=OverrideKind.HIDE)
    database.overrides.remove(MIRA, article_id="c", target_id="a")
    database.takedowns.put(MIRA, article_id="gone", reason="withdrawn")
    database.takedowns.put(MIRA, article_id="back", until=2**61)
    database.takedowns.lift(OMAR, article_id="back")
    database.pushed.put(OMAR, [NewStatement(article_id="b", record={"title": "Über"})])
    database.judgments.put(OMAR, article_id="a", target_id="c", verdict=-1, build="b1")
    database.refused_words.put(MIRA, article_id="a", target_id="b", words="über alles")
    text, _ = database.tokens.add(MIRA, name="cms", role=Role.EDITOR)
    database.tokens.revoke(MIRA, database.tokens.add(MIRA, name="old", role=Role.READ)[1].id)
    editor = database.editors.add(MIRA, name="Zoë", role=Role.ADMIN, password=PASSWORD)
    database.editors.add(MIRA, name="anna", role=Role.EDITOR, password=PASSWORD)
    database.editors.disable(MIRA, "anna")
    database.sessions.open(editor)
    database.attempts.take("sign-in 192.0.2.7", limit=3, seconds=60)
    return text


@pytest.mark.parametrize(
    ("source", "target"),
    [("file", "server"), ("server", "file"), ("file", "file"), ("server", "server")],
)
def test_a_copy_reads_as_what_it_was_copied_from(
    source: str, target: str, new_file: NewUrl, new_server: NewUrl
) -> None:
    make = {"file": new_file, "server": new_server}
    old, new = make[source](), make[target]()
    with opened(old) as database:
        token = decide_everything(database)
    copied = copy_database(old, new)
    assert copied.keys() == rows(new).keys() - {"meta"}
    assert all(copied.values()), "every table takes part in this test"
    assert rows(new) == rows(old)
    assert read_all(new) == read_all(old)
    with opened(new) as database:
        assert database.tokens.find(token) is not None
        assert database.editors.verify("Zoë", PASSWORD) is not None


_NAMES = st.sampled_from(["a", "b", "c", "ß/é", "日本"])
_TEXTS = st.text(st.characters(exclude_categories=["Cc", "Cs"]), max_size=20)
_DECISIONS = st.lists(
    st.tuples(st.sampled_from("phtlj"), _NAMES, _NAMES, st.integers(1, 50), _TEXTS), max_size=12
)


@settings(max_examples=12, deadline=None)
@given(_DECISIONS)
def test_whatever_was_decided_is_the_same_there_and_back(
    new_file: NewUrl, new_server: NewUrl, decisions: list[tuple[str, str, str, int, str]]
) -> None:
    here, there, back = new_file(), new_server(), new_file()
    with opened(here) as database:
        for what, article_id, target_id, number, reason in decisions:
            decide(database, what, article_id, target_id, number, reason)
    copy_database(here, there)
    copy_database(there, back)
    assert read_all(here) == read_all(there) == read_all(back)
    assert rows(here) == rows(there) == rows(back)


def decide(
    database: Database, what: str, article_id: str, target_id: str, number: int, reason: str
) -> None:
    pair = {"article_id": article_id, "target_id": target_id}
    if what == "t":
        database.takedowns.put(MIRA, article_id=article_id, reason=reason)
    elif what == "l" and any(t.article_id == article_id for t in database.takedowns.all()):
        database.takedowns.lift(MIRA, article_id=article_id)
    elif article_id == target_id:
        return
    elif what == "p":
        database.overrides.put(MIRA, kind=OverrideKind.PIN, position=number, reason=reason, **pair)
    elif what == "h":
        database.overrides.put(OMAR, kind=OverrideKind.HIDE, not_related=number > 25, **pair)
    elif what == "j":
        database.judgments.put(OMAR, verdict=1 if number > 25 else -1, reason=reason, **pair)


def test_a_large_trail_is_copied_whole(new_file: NewUrl, new_server: NewUrl) -> None:
    old, new = new_file(), new_server()
    with opened(old) as database:
        for number in range(1_201):  # more than are sent at once, and one over
            database.judgments.put(MIRA, article_id="a", target_id=f"{number}", verdict=1)
    assert copy_database(old, new)["audit"] == 1_201
    assert read_all(new) == read_all(old)


@pytest.mark.parametrize("kind", ["file", "server"])
def test_decisions_go_on_in_the_copy_with_numbers_and_versions_of_their_own(
    kind: str, new_file: NewUrl, new_server: NewUrl
) -> None:
    old, new = new_file(), {"file": new_file, "server": new_server}[kind]()
    with opened(old) as database:
        decide_everything(database)
        version, last = database.version()[1], database.audit.latest()[0].seq
    copy_database(old, new)
    with opened(new) as database:
        known = {item.id for item in database.overrides.all()}
        written = database.overrides.put(
            MIRA, article_id="a", target_id="d", kind=OverrideKind.PIN, position=1
        )
        assert {item.id for item in database.overrides.all()} > known
        assert (written, database.audit.latest()[0].seq) == (last + 1, last + 1)
        assert database.version()[1] > version
        database.audit.undo(MIRA, last + 1)


def fill(database: Database) -> None:
    database.takedowns.put(MIRA, article_id="theirs")


@pytest.mark.parametrize("kind", ["file", "server"])
def test_a_target_that_holds_anything_is_refused_and_left_as_it_is(
    kind: str, new_file: NewUrl, new_server: NewUrl
) -> None:
    old, new = new_file(), {"file": new_file, "server": new_server}[kind]()
    for url in (old, new):
        with opened(url) as database:
            fill(database)
    before = rows(new)
    with pytest.raises(DatabaseError, match=r"already holds 1 takedowns, 1 audit.*name another"):
        copy_database(old, new)
    assert rows(new) == before


def test_a_database_is_not_copied_onto_itself(new_file: NewUrl) -> None:
    url = new_file()
    with opened(url) as database:
        fill(database)
    before = rows(url)
    with pytest.raises(DatabaseError, match="the target of a copy must be empty"):
        copy_database(url, url)
    assert rows(url) == before


def test_a_copy_that_fails_half_way_leaves_the_target_empty(
    new_file: NewUrl, new_server: NewUrl
) -> None:
    old, new = new_file(), new_server()
    with opened(old) as database:
        decide_everything(database)
    engine = open_engine(parse_url(old))
    with engine.begin() as connection:  # what no decision can hold, and PostgreSQL would not take
        connection.execute(sa.update(schema.takedowns).values(reason="\0"))
    engine.dispose()
    upgrade_database(new)
    before = rows(new)
    with pytest.raises(DatabaseError, match=r"^postgresql.* can't be used"):
        copy_database(old, new)
    assert rows(new) == before


def test_a_damaged_source_is_told_by_its_own_name(tmp_path: Path, new_server: NewUrl) -> None:
    path, new = tmp_path / "old.sqlite", new_server()
    with opened(f"sqlite:///{path}") as database:
        for number in range(600):
            database.takedowns.put(MIRA, article_id=f"{number}", reason="x" * 500)
    content = bytearray(path.read_bytes())
    for start in range(len(content) // 2, len(content) - 4_096, 4_096):
        content[start : start + 4_096] = b"\xff" * 4_096
    path.write_bytes(content)
    with pytest.raises(DatabaseError, match=r"old\.sqlite is damaged"):
        copy_database(f"sqlite:///{path}", new)
    assert not rows(new)["takedowns"]


@pytest.mark.parametrize("older", [False, True])
def test_what_is_copied_from_is_only_read(older: bool, tmp_path: Path, new_file: NewUrl) -> None:
    live, kept = new_file(), tmp_path / "backup.sqlite"
    if older:
        engine = sqlite_engine(Path(str(parse_url(live).database)), create=True)
        with engine.execution_options(**{WRITES: True}).begin() as connection:
            make_schema_0001(connection)
        engine.dispose()
        back_up(live, kept)
    else:
        with opened(live) as database:
            decide_everything(database)
            copy_database(live, copied := new_file())
            assert rows(copied) == rows(live), "with what only the log holds yet"
            back_up(live, kept)
    before = kept.read_bytes()
    copy_database(f"sqlite:///{kept}", new_file())
    assert kept.read_bytes() == before
    assert [*tmp_path.iterdir()] == [kept]


@pytest.mark.parametrize("empty", [False, True])
def test_there_must_be_something_to_copy(empty: bool, tmp_path: Path, new_file: NewUrl) -> None:
    path = tmp_path / "none.sqlite"
    if empty:
        path.touch()
    with pytest.raises(DatabaseError, match="there is nothing to copy"):
        copy_database(f"sqlite:///{path}", new_file())
    assert path.exists() is empty


# A service that is switched over


@pytest.fixture
def settings_here(tmp_path: Path) -> Settings:
    return Settings(root=tmp_path / "root")


@pytest.mark.parametrize("kind", ["file", "server"])
def test_a_service_switched_over_goes_on_where_it_was(
    kind: str, settings_here: Settings, new_file: NewUrl, new_server: NewUrl
) -> None:
    with closing(open_decisions(settings_here)) as database:
        decide_everything(database)
    before = started(settings_here)
    new = {"file": new_file, "server": new_server}[kind]()
    copy_database(f"sqlite:///{settings_here.root / FILE}", new)
    switched = settings_here.model_copy(update={"database": new})
    after = started(switched)
    assert after.problem is None
    assert after.state == before.state
    assert "gone" in after.state.takedowns
    assert decisions_status(switched).problem is None
    with closing(open_decisions(switched)) as database:
        database.takedowns.put(MIRA, article_id="later")
    saved = load_snapshot(settings_here.root)
    assert saved is not None
    assert set(saved.takedowns) == {"gone", "later"}
    # Back by mistake: the old one lacks what was decided since, and is not believed.
    again = started(settings_here)
    assert "lacks decisions that are in its copy" in str(again.problem)
    assert {"gone", "later"} <= again.state.takedowns.keys()


def test_what_was_decided_after_the_copy_is_not_forgotten(
    settings_here: Settings, new_file: NewUrl
) -> None:
    with closing(open_decisions(settings_here)) as database:
        database.takedowns.put(MIRA, article_id="first")
        new = new_file()
        copy_database(f"sqlite:///{settings_here.root / FILE}", new)
        database.takedowns.put(MIRA, article_id="second")
    switched = settings_here.model_copy(update={"database": new})
    after = started(switched)
    assert after.problem is not None
    assert after.state.takedowns.keys() == {"first", "second"}
    assert decisions_status(switched).only_in_snapshot == ["takedown of second"]


# The command


@pytest.fixture
def call(
    settings_here: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Run:
    """Runs the command; gives its exit code, output and errors."""
    monkeypatch.setenv("ALSOLIKE_ROOT", str(settings_here.root))

    return runner(monkeypatch, capsys)


def without_password(url: str) -> tuple[str, str]:
    parsed = parse_url(url)
    plain = parsed.set(password=None).render_as_string().replace(":***", "")
    return plain, str(parsed.password or "")


def test_the_command_moves_a_site_to_postgresql_and_back(
    call: Run, new_server: NewUrl, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert call("takedown", "x", "--ahead", "--reason", "withdrawn")[0] == 0
    url, password = without_password(new_server())
    monkeypatch.setenv("ALSOLIKE_DATABASE_PASSWORD", password)
    code, out, err = call("db", "copy", "--to", url)
    assert code == 0, err
    assert "1 takedowns, 1 audit" in out
    assert password not in out + err
    code, _, err = call("db", "copy", "--to", url)
    assert code == 7
    assert "already holds 1 takedowns, 1 audit" in err
    monkeypatch.setenv("ALSOLIKE_DATABASE", url)
    code, out, err = call("db", "status", "--json")
    told = json.loads(out)
    assert (code, told["problem"]) == (0, None)
    assert (told["database_id"], told["version"]) == (told["snapshot_id"], told["snapshot_version"])
    assert call("takedown", "y", "--ahead")[0] == 0
    back = f"sqlite:///{tmp_path}/back.sqlite"
    code, out, err = call("db", "copy", "--from", url, "--to", back, "--json")
    assert code == 0, err
    assert json.loads(out)["rows"]["takedowns"] == 2
    monkeypatch.setenv("ALSOLIKE_DATABASE", back)
    code, out, err = call("takedown", "x", "--lift")
    assert code == 0, err
