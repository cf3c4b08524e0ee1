"""Databases of decisions for tests: a SQLite file, or a database on a real PostgreSQL."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from index.errors import DatabaseError
from index.sql_engine import open_engine, parse_url
from service.decisions.database import Database, open_database, upgrade_database
from service.decisions.decision_state import DecisionState, StateChanges
from service.decisions.decision_store import Actor
from service.decisions.open_decisions import keep_state
from service.decisions.poller import PolledState
from service.settings import Settings
from tests.support.real_servers import postgres

PASSWORD = "päss@w/ord%"
MIRA = Actor(name="mira", how="session")
OMAR = Actor(name="omar", how="token")
NewUrl = Callable[[], str]

_numbers = itertools.count()


def started(settings: Settings) -> PolledState:
    """What a process that starts now finds."""
    keeper = keep_state(settings)
    keeper.refresh()
    kept = keeper.kept
    keeper.close()
    return kept


@contextmanager
def urls(kind: str, folder: Path) -> Iterator[NewUrl]:
    """Gives URLs of databases that are empty, with the password inside.

    Args:
        kind: ``"sqlite"`` or ``"postgresql"``.
        folder: For files.
    """
    if kind == "sqlite":
        yield lambda: f"sqlite:///{folder}/decisions-{next(_numbers)}.sqlite"
        return
    with postgres(PASSWORD) as server:
        engine = open_engine(parse_url(server, PASSWORD), isolation_level="AUTOCOMMIT")

        def make() -> str:
            name = f"decisions{next(_numbers)}"
            with engine.connect() as connection:
                connection.exec_driver_sql(f"CREATE DATABASE {name}")
            url = parse_url(server, PASSWORD).set(database=name)
            return url.render_as_string(hide_password=False)

        yield make
        engine.dispose()


@contextmanager
def opened(url: str, **options: Any) -> Iterator[Database]:
    """A database with its tables made; ``options`` are :func:`open_database`'s."""
    upgrade_database(url)
    database = open_database(url, **options)
    try:
        yield database
    finally:
        database.close()


class Server:
    """A PostgreSQL that a test stops and starts.

    Args:
        url: Its URL, with the password.
    """

    def __init__(self, url: str) -> None:
        self._folder = Path(_ask(url, "SHOW data_directory"))
        self._command = Path(f"/proc/{self._pid()}/cmdline").read_text().rstrip("\0").split("\0")
        self._started: subprocess.Popen[bytes] | None = None

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        pid = self._pid()
        os.kill(pid, how)
        while Path(f"/proc/{pid}/cmdline").exists() and Path(f"/proc/{pid}/cmdline").read_bytes():
            time.sleep(0.02)

    def start(self) -> None:
        """Start it, again and again while another process has its port for a moment."""
        owner = self._folder.stat()
        user = {"user": owner.st_uid, "group": owner.st_gid} if os.getuid() == 0 else {}
        while self._started is None or self._started.poll() is not None:
            self._started = subprocess.Popen(
                self._command,
                cwd=self._folder,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                **user,  # type: ignore[arg-type]
            )
            with suppress(subprocess.TimeoutExpired):
                self._started.wait(0.5)

    def end(self) -> None:
        if self._started is not None:
            self._started.terminate()
            self._started.wait(20)

    def _pid(self) -> int:
        return int((self._folder / "postmaster.pid").read_text().split()[0])


@contextmanager
def server() -> Iterator[tuple[str, Server]]:
    """A PostgreSQL of a test's own, and the URL of an empty database on it."""
    with postgres(PASSWORD) as plain:
        url = parse_url(plain, PASSWORD).render_as_string(hide_password=False)
        started = Server(url)
        try:
            yield url, started
        finally:
            started.end()


def _ask(url: str, question: str) -> str:
    engine = open_engine(parse_url(url))
    try:
        with engine.connect() as connection:
            return str(connection.exec_driver_sql(question).scalar_one())
    finally:
        engine.dispose()


def reopen(url: str) -> Database:
    """A database on a server that is starting."""
    deadline = time.monotonic() + 60
    while True:
        try:
            return open_database(url)
        except DatabaseError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


class History:
    """A database that went through some states, and is in the last."""

    def __init__(self, states: list[DecisionState]) -> None:
        self.states = states

    def version(self) -> tuple[str, int]:
        return self.states[-1].database, self.states[-1].version

    def state(self) -> DecisionState:
        return self.states[-1]

    def changes(self, database: str, version: int) -> StateChanges | None:
        known = [
            state for state in self.states if (state.database, state.version) == (database, version)
        ]
        return differences(known[-1], self.states[-1]) if known else None

    def lacks(self, version: int) -> bool:
        return version > self.states[-1].version


def differences(old: DecisionState, new: DecisionState) -> StateChanges:
    taken, listed = {*old.takedowns, *new.takedowns}, {*old.overrides, *new.overrides}
    return StateChanges(
        database=new.database,
        since=old.version,
        version=new.version,
        takedowns={
            key: new.takedowns.get(key)
            for key in taken
            if old.takedowns.get(key) != new.takedowns.get(key)
        },
        overrides={
            key: new.overrides.get(key, ())
            for key in listed
            if old.overrides.get(key) != new.overrides.get(key)
        },
    )
