"""Tokens, editors, sessions and counted attempts, in SQLite and in PostgreSQL alike."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa
from argon2 import PasswordHasher, extract_parameters

from recommender.errors import NotFoundError
from service.decisions import editor_accounts as editors
from service.decisions.database import Database
from service.decisions.editor_accounts import Editor
from service.decisions.sessions import IDLE, LIFETIME, SKEW
from service.errors import DecisionError
from service.roles import Role
from tests.support.decision_databases import MIRA, NewUrl, opened
from tests.support.moments import Clock

SECOND = 1_000_000
PASSWORD = "corréct horse battery"


REAL_HASHER = editors._hasher


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def database(new_url: NewUrl, clock: Clock) -> Iterator[Database]:
    with opened(new_url(), now=clock) as database:
        yield database


@pytest.fixture
def mira(database: Database) -> Editor:
    return database.editors.add(MIRA, name="mira", role=Role.EDITOR, password=PASSWORD)


def everything(database: Database) -> str:
    """All that the database holds, as text."""
    with database._store.read() as connection:
        names = ("tokens", "editors", "sessions", "attempts", "audit")
        return repr([connection.exec_driver_sql(f"SELECT * FROM {n}").all() for n in names])


# Tokens


def test_a_token_opens_with_its_full_text_alone(database: Database) -> None:
    text, token = database.tokens.add(MIRA, name="cms", role=Role.EDITOR)
    assert database.tokens.find(text) == token
    other, _ = database.tokens.add(MIRA, name="cms", role=Role.ADMIN)
    mixed = text[:13] + other[13:]
    for wrong in ("", "als_", text[:-1], text + "A", text.upper(), mixed, "\udc00"):
        assert database.tokens.find(wrong) is None


def test_a_secret_is_nowhere_in_the_database(database: Database, mira: Editor) -> None:
    text, token = database.tokens.add(MIRA, name="cms", role=Role.READ)
    cookie, _ = database.sessions.open(mira)
    database.attempts.take("sign-in 192.0.2.7", limit=3, seconds=60)
    held = everything(database)
    assert token.id in held
    assert text[13:] not in held
    assert cookie not in held
    assert PASSWORD not in held
    assert "192.0.2.7" not in held


def test_a_revoked_or_ended_token_opens_nothing(database: Database, clock: Clock) -> None:
    text, token = database.tokens.add(MIRA, name="cms", role=Role.EDITOR)
    database.tokens.revoke(MIRA, token.id, reason="lost")
    assert database.tokens.find(text) is None
    database.tokens.revoke(MIRA, token.id)  # once more does nothing
    text, _ = database.tokens.add(MIRA, name="b", role=Role.READ, expires=clock.now + SECOND)
    assert database.tokens.find(text) is not None
    clock.now += SECOND
    assert database.tokens.find(text) is None
    assert [entry.action for entry in database.audit.all()] == [
        "token.add",
        "token.revoke",
        "token.add",
    ]
    with pytest.raises(NotFoundError, match="alsolike tokens list"):
        database.tokens.revoke(MIRA, "00000000")


def test_a_token_needs_a_name_and_an_end_that_lies_ahead(database: Database, clock: Clock) -> None:
    for name in ("", " cms", "c\nms", "x" * 101):
        with pytest.raises(DecisionError, match="name"):
            database.tokens.add(MIRA, name=name, role=Role.READ)
    with pytest.raises(DecisionError, match="the end time is in the past"):
        database.tokens.add(MIRA, name="cms", role=Role.READ, expires=clock.now)
    assert database.tokens.all() == []


def test_roles_hold_those_below_them() -> None:
    order = [Role.READ, Role.EDITOR, Role.ADMIN]
    for place, role in enumerate(order):
        assert [role.may(needed) for needed in order] == [needed <= place for needed in range(3)]


# Editors


def test_an_editor_is_known_by_name_and_password(database: Database, mira: Editor) -> None:
    assert database.editors.verify("mira", PASSWORD) == mira
    for name, password in (
        ("mira", PASSWORD + "x"),
        ("mira", PASSWORD[:-1]),
        ("mira", ""),
        ("mira", "\udc00" * 12),
        ("mira", "x" * 1_000_000),
        ("Mira", PASSWORD),
        ("nobody", PASSWORD),
        ("\0", PASSWORD),
        ("", PASSWORD),
    ):
        assert database.editors.verify(name, password) is None
    name, password = "山田\u3000花\xa0子\u200d", "twelve\u3000or\xa0more"
    made = database.editors.add(MIRA, name=name, role=Role.EDITOR, password=password)
    assert database.editors.verify(name, password) == made


def test_a_password_is_hashed_with_argon2id_and_a_salt(
    database: Database, mira: Editor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(editors, "_hasher", REAL_HASHER)
    database.editors.set_password(MIRA, "mira", PASSWORD)
    database.editors.add(MIRA, name="omar", role=Role.ADMIN, password=PASSWORD)
    with database._store.read() as connection:
        hashes = connection.exec_driver_sql("SELECT password_hash FROM editors").scalars().all()
    assert all(found.startswith("$argon2id$v=19$m=65536,t=3,p=4$") for found in hashes)
    assert len(set(hashes)) == 2


class Watched(PasswordHasher):
    """Remembers against what it compared."""

    def __init__(self) -> None:
        super().__init__(time_cost=1, memory_cost=64, parallelism=1)
        self.compared: list[str | bytes] = []

    def verify(self, hash: str | bytes, password: str | bytes) -> bool:  # type: ignore[override]
        self.compared.append(hash)
        return super().verify(hash, password)


def test_a_name_that_nobody_has_costs_as_much_as_a_wrong_password(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    hasher = Watched()
    monkeypatch.setattr(editors, "_hasher", hasher)
    editors._unknown.cache_clear()
    database.editors.add(MIRA, name="mira", role=Role.EDITOR, password=PASSWORD)
    for name in ("mira", "nobody", "\0"):
        assert database.editors.verify(name, "a wrong password") is None
    of_mira, *of_nobody = map(extract_parameters, map(str, hasher.compared))
    assert of_nobody == [of_mira, of_mira]
    editors._unknown.cache_clear()


@pytest.mark.parametrize("password", ["", "short", "x" * 11, "x" * 1_001, "with a\0 null byte"])
def test_a_password_too_short_or_too_long_is_refused(database: Database, password: str) -> None:
    with pytest.raises(DecisionError, match="12 to 1000 characters") as error:
        database.editors.add(MIRA, name="mira", role=Role.EDITOR, password=password)
    assert password == "" or password not in str(error.value)
    assert database.editors.all() == []


def test_a_name_is_given_once_and_an_editor_is_no_reader(database: Database, mira: Editor) -> None:
    with pytest.raises(DecisionError, match="already exists"):
        database.editors.add(MIRA, name="mira", role=Role.ADMIN, password=PASSWORD)
    with pytest.raises(DecisionError, match="editor or admin"):
        database.editors.add(MIRA, name="omar", role=Role.READ, password=PASSWORD)
    assert database.editors.all() == [mira]


def test_a_disabled_editor_gets_in_no_more_until_let_in_again(
    database: Database, mira: Editor
) -> None:
    cookie, _ = database.sessions.open(mira)
    database.editors.disable(MIRA, "mira", reason="left")
    assert database.editors.verify("mira", PASSWORD) is None
    assert database.sessions.find(cookie) is None
    again = database.editors.add(MIRA, name="mira", role=Role.ADMIN, password=PASSWORD)
    assert database.editors.verify("mira", PASSWORD) == again
    assert database.sessions.find(cookie) is None
    with pytest.raises(NotFoundError):
        database.sessions.open(mira)  # verified before it was disabled


# Sessions


def test_a_session_is_found_by_its_cookie_alone(database: Database, mira: Editor) -> None:
    cookie, session = database.sessions.open(mira)
    other, _ = database.sessions.open(mira)
    assert database.sessions.find(cookie) == session
    assert (session.editor, session.role) == ("mira", Role.EDITOR)
    for wrong in ("", cookie[:-1], session.csrf, "\udc00"):
        assert database.sessions.find(wrong) is None
    database.sessions.close(cookie)
    assert database.sessions.find(cookie) is None
    assert database.sessions.find(other) is not None


@pytest.mark.parametrize("how", ["password", "sign-out", "disable"])
def test_all_sessions_of_one_editor_end_at_once_and_no_others(
    database: Database, mira: Editor, how: str
) -> None:
    omar = database.editors.add(MIRA, name="omar", role=Role.EDITOR, password=PASSWORD)
    cookies = [database.sessions.open(mira)[0] for _ in range(3)]
    other, _ = database.sessions.open(omar)
    if how == "password":
        database.editors.set_password(MIRA, "mira", "another passphrase")
        assert database.editors.verify("mira", PASSWORD) is None
        assert database.editors.verify("mira", "another passphrase") is not None
    elif how == "sign-out":
        database.editors.sign_out(MIRA, "mira")
    else:
        database.editors.disable(MIRA, "mira")
    assert [database.sessions.find(cookie) for cookie in cookies] == [None] * 3
    assert database.sessions.find(other) is not None


def test_a_sign_in_that_began_before_the_sign_out_opens_no_session(
    database: Database, mira: Editor
) -> None:
    verified = database.editors.verify("mira", PASSWORD)
    assert verified is not None
    database.editors.set_password(MIRA, "mira", "another passphrase")
    with pytest.raises(NotFoundError, match="sign in again"):
        database.sessions.open(verified)


def test_a_sign_in_and_a_sign_out_at_once_wait_for_each_other(
    database: Database, mira: Editor, clock: Clock
) -> None:
    database.sessions.open(mira)
    clock.now += LIFETIME
    found: list[Future[None]] = []
    with ThreadPoolExecutor(1) as pool:

        @sa.event.listens_for(database._store.engine, "after_cursor_execute")
        def sign_out(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
            if statement.startswith("DELETE FROM sessions") and not found:
                found.append(Future())
                found[0] = pool.submit(database.editors.sign_out, MIRA, "mira")
                wait(found, 0.5)

        cookie, _ = database.sessions.open(mira)
    found[0].result()
    assert database.sessions.find(cookie) is None


def test_a_session_ends_after_its_time_used_or_not(
    database: Database, mira: Editor, clock: Clock
) -> None:
    cookie, session = database.sessions.open(mira)
    assert session.expires == clock.now + LIFETIME
    while clock.now < session.expires - IDLE // 2:
        clock.now += IDLE // 2
        assert database.sessions.find(cookie) is not None
    clock.now = session.expires
    assert database.sessions.find(cookie) is None


def test_an_idle_session_ends(database: Database, mira: Editor, clock: Clock) -> None:
    cookie, _ = database.sessions.open(mira)
    clock.now += IDLE - 1
    assert database.sessions.find(cookie) is not None
    clock.now += IDLE
    assert database.sessions.find(cookie) is None


DAY = 86_400 * SECOND


def test_a_session_of_a_clock_that_was_ahead_is_over_once_that_is_set_right(
    database: Database, mira: Editor, clock: Clock
) -> None:
    clock.now += 365 * DAY
    secret, _ = database.sessions.open(mira)
    assert database.sessions.find(secret) is not None
    clock.now -= 365 * DAY
    for days in (0, 1, 30, 300):
        clock.now += days * DAY
        assert database.sessions.find(secret) is None


def test_a_session_seen_by_a_clock_that_was_ahead_does_not_go_on_without_idling(
    database: Database, mira: Editor, clock: Clock
) -> None:
    secret, _ = database.sessions.open(mira)
    clock.now += IDLE - SECOND
    assert database.sessions.find(secret) is not None
    clock.now -= IDLE - SECOND
    assert database.sessions.find(secret) is None


def test_clocks_of_two_machines_may_differ_by_a_little(
    database: Database, mira: Editor, clock: Clock
) -> None:
    secret, _ = database.sessions.open(mira)
    assert database.attempts.take("a", limit=1, seconds=60) == 0
    clock.now -= SKEW
    assert database.sessions.find(secret) is not None
    assert database.attempts.take("a", limit=1, seconds=60) == 120


def test_a_role_that_changed_holds_for_sessions_that_are_open(
    database: Database, mira: Editor
) -> None:
    cookie, _ = database.sessions.open(mira)
    with database._store.write() as connection:
        connection.exec_driver_sql("UPDATE editors SET role = 'admin'")
    found = database.sessions.find(cookie)
    assert found is not None
    assert found.role is Role.ADMIN
    forged = replace(mira, role=Role.ADMIN, session_epoch=mira.session_epoch + 1)
    with pytest.raises(NotFoundError):
        database.sessions.open(forged)


def test_unknown_editors_are_told(database: Database) -> None:
    for change in (
        lambda: database.editors.disable(MIRA, "nobody"),
        lambda: database.editors.sign_out(MIRA, "nobody"),
        lambda: database.editors.set_password(MIRA, "nobody", PASSWORD),
    ):
        with pytest.raises(NotFoundError, match="there is no editor 'nobody'"):
            change()
    assert list(database.audit.all()) == []


# Attempts


def test_attempts_are_allowed_up_to_a_limit_in_a_window(database: Database, clock: Clock) -> None:
    def take(client: str = "a") -> int:
        return database.attempts.take(client, limit=3, seconds=60)

    assert [take(), take(), take(), take()] == [0, 0, 0, 60]
    clock.now += 20 * SECOND + 1
    assert take() == 40  # being refused does not make it longer
    assert take("b") == 0
    clock.now += 40 * SECOND - 1
    assert [take(), take(), take(), take()] == [0, 0, 0, 60]
    database.attempts.clear("a")
    assert take() == 0


def test_attempts_at_once_are_counted_too(database: Database) -> None:
    with ThreadPoolExecutor(8) as pool:
        waits = list(
            pool.map(lambda _: database.attempts.take("a", limit=5, seconds=60), range(40))
        )
    assert waits.count(0) == 5


def test_nobody_is_locked_out_by_a_clock_that_was_ahead(database: Database, clock: Clock) -> None:
    clock.now += 365 * DAY
    waits = [database.attempts.take("a", limit=2, seconds=60) for _ in range(3)]
    assert waits == [0, 0, 60]
    clock.now -= 365 * DAY
    waits = [database.attempts.take("a", limit=2, seconds=60) for _ in range(3)]
    assert waits == [0, 0, 60]


def test_old_attempts_are_forgotten(database: Database, clock: Clock) -> None:
    for number in range(20):
        database.attempts.take(f"client {number}", limit=5, seconds=60)
    clock.now += 86_400 * SECOND
    database.attempts.take("another", limit=5, seconds=60)
    with database._store.read() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM attempts").scalar() == 1
