"""Whatever happens, and in whatever order: nothing taken down is shown, and no answer is stale.

The builds, the database, the snapshot and what is served are the real ones; clocks jump, disks
refuse, processes are killed amid a decision, and everything starts anew in between.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from index.root.root import Root
from recommender.errors import AlsoLikeError
from recommender.visibility import NEVER
from service.decisions.database import Database, open_database
from service.decisions.decision_state import OverrideKind
from service.decisions.poller import StatePoller
from service.decisions.snapshot import has_snapshot, update_snapshot
from service.decisions.snapshot_file import SNAPSHOT
from service.http.metrics import RequestCounts
from service.http.related_lists import RelatedLists
from service.http.related_routes import RelatedRoutes
from service.serving.live import Live
from service.settings import Settings
from tests.support.articles import prose
from tests.support.builds import publish
from tests.support.decision_databases import MIRA
from tests.support.fork_server import forked
from tests.support.moments import NOON, SECOND, moment

IDS = [f"p-{number}" for number in range(10)]
BUILDS = 3
YEAR = 365 * 24 * 3600

ids = st.sampled_from(IDS)
until = st.sampled_from([NOON + 10 * SECOND, NOON + 60 * SECOND, NOON + YEAR * SECOND, NEVER])
asked = st.builds(
    "/v1/related{}?id={}&limit={}&fallback={}".format,
    st.sampled_from(["", ".html"]),
    ids,
    st.sampled_from([3, 50]),
    st.sampled_from(["none", "newest"]),
)
steps = st.one_of(
    st.tuples(st.just("ask"), asked),
    st.tuples(st.just("clock"), st.integers(-20, 90) | st.sampled_from([-YEAR, YEAR])),
    st.tuples(st.just("publish"), st.integers(0, BUILDS - 1)),
    st.tuples(st.just("rollback"), st.none()),
    st.tuples(st.just("take_down"), st.tuples(ids, until)),
    st.tuples(st.just("lift"), ids),
    st.tuples(st.just("pin"), st.tuples(ids, ids, st.integers(1, 3), until)),
    st.tuples(st.just("hide"), st.tuples(ids, ids, until)),
    st.tuples(st.just("remove"), st.tuples(ids, ids)),
    st.tuples(st.just("judge"), st.tuples(ids, ids)),
    st.tuples(st.just("undo"), st.integers(0, 4)),
    st.tuples(st.just("snapshot"), st.booleans()),
    st.tuples(st.just("database"), st.booleans()),
    st.tuples(st.just("restart"), st.none()),
    st.tuples(st.just("kill"), st.tuples(ids, st.sampled_from([1, 3, 5, 8, 12, 20, 1_000]))),
)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Root:
    """Builds that differ in what exists, and in when it may be seen."""
    folder = tmp_path_factory.mktemp("history")
    place = Root(folder / "root")
    for build in range(BUILDS):
        records: list[dict[str, Any]] = [
            {"id": name, "title": f"Title of {name}", "summary": prose(number)}
            for number, name in enumerate(IDS)
            if number != build
        ]
        for number, record in enumerate(records):
            if number % 3 == build:
                record["visible_from"] = moment(NOON + (number * 7 - 10) * SECOND)
            elif number % 4 == build:
                record["visible_until"] = moment(NOON + (number * 9 - 10) * SECOND)
            elif number == 8 - build:
                record["status"] = "draft"
        publish(place, folder, records)
    return place


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database in which nothing was decided."""
    path = tmp_path_factory.mktemp("empty") / "empty.sqlite"
    open_database(f"sqlite:///{path}").close()
    return path


def connect(folder: Path, now: Callable[[], int]) -> Database:
    """The database of a root, as the service opens it."""
    return open_database(
        f"sqlite:///{folder / 'database' / 'd.sqlite'}",
        create=not has_snapshot(folder),
        save=partial(update_snapshot, folder),
        now=now,
    )


def take_down_and_die(
    folder: Path, article_id: str, now: int, milliseconds: int, confirmed: Connection
) -> None:
    """Take an article down in a process that is killed on the way, or soon after."""
    signal.signal(signal.SIGALRM, signal.SIG_DFL)  # which ends it as a kill does
    with suppress(AlsoLikeError):
        database = connect(folder, lambda: now)
        signal.setitimer(signal.ITIMER_REAL, milliseconds / 1e3)
        database.takedowns.put(MIRA, article_id=article_id)
        confirmed.send("on disk")
    os.kill(os.getpid(), signal.SIGKILL)


class World:
    """A service with a history, and what it must say by the plainest means."""

    def __init__(self, root: Root, folder: Path, empty: Path) -> None:
        self.root = root
        self.folder = folder
        self.now = NOON
        (folder / "database").mkdir()
        shutil.copy(empty, folder / "database" / "d.sqlite")
        self.taken: dict[str, int] = {}
        """What is known to be taken down, and until when."""
        self.unsure: set[str] = set()
        """About which an answer was an error, or none came: it holds or not, as it may."""
        self.blocks = [folder / f"{SNAPSHOT}-journal", folder / ".decisions-snapshot.new"]
        self.start()

    def start(self) -> None:
        self.keeper = StatePoller(self.folder, partial(connect, self.folder, self.clock))
        self.live, self.client = self.service(cache_bytes=200_000)
        self.look()

    def clock(self) -> int:
        return self.now

    def service(self, *, cache_bytes: int) -> tuple[Live, TestClient]:
        settings = Settings(root=self.root.path)
        live = Live(self.root, keeper=self.keeper, cache_bytes=cache_bytes, clock=self.clock)
        live.refresh()
        tally = RequestCounts()
        lists = RelatedLists(settings, tally)
        return live, TestClient(RelatedRoutes(_nothing, live, lists))

    def look(self) -> None:
        """What a second's passing does: whatever was decided is taken up."""
        self.live.refresh()
        kept = self.keeper.kept
        if kept.problem is not None:
            return
        takedowns, overrides = self.tables()
        assert kept.state is not None
        assert dict(kept.state.takedowns) == takedowns
        assert {
            (key, item.target_id, item.kind.value, item.position, item.until)
            for key, some in kept.state.overrides.items()
            for item in some
        } == overrides
        if kept.unsaved is None:
            self.taken, self.unsure = takedowns, set()
        else:
            self.unsure |= {
                key
                for key in {*takedowns, *self.taken}
                if takedowns.get(key) != self.taken.get(key)
            }

    def tables(self) -> tuple[dict[str, int], set[tuple[Any, ...]]]:
        with closing(sqlite3.connect(self.folder / "database" / "d.sqlite")) as connection:
            return (
                dict(connection.execute("SELECT article_id, until FROM takedowns")),
                set(
                    connection.execute(
                        "SELECT article_id, target_id, kind, position, until FROM overrides"
                    )
                ),
            )

    def hidden(self, article_id: str) -> bool:
        """Whether no reader may see it, for sure."""
        return article_id not in self.unsure and self.now < self.taken.get(article_id, -NEVER)

    def may_be_seen(self, article_id: str) -> bool:
        """By the build, whatever was decided."""
        assert self.live.build is not None
        row = self.live.build.row(article_id)
        if row is None:
            return False
        start, end = self.live.build.visibility[row].tolist()
        return bool(start <= self.now < end)

    def do(self, step: str, value: Any) -> None:
        getattr(self, f"do_{step}")(value)

    def do_ask(self, url: str) -> None:
        self.check(url)

    def do_clock(self, seconds: int) -> None:
        self.now += seconds * SECOND

    def do_publish(self, build: int) -> None:
        with self.root.locked("test"):
            self.root.release()
            self.root.make_live(self.root.verify(self.root.names()[build]))
        self.look()

    def do_rollback(self, _: None) -> None:
        pointer = self.root.current()
        if pointer is not None and pointer.before:
            with self.root.locked("test"):
                self.root.rollback()
            self.look()

    def do_restart(self, _: None) -> None:
        self.start()

    def do_snapshot(self, writable: bool) -> None:
        for path in self.blocks:
            if writable and path.is_dir():
                path.rmdir()
            elif not writable and not path.exists():
                path.mkdir()
        self.look()

    def do_database(self, there: bool) -> None:
        here, away = self.folder / "database", self.folder / "away"
        if there and away.exists():
            away.rename(here)
        elif not there and here.exists():
            here.rename(away)
        self.look()

    def do_kill(self, how: tuple[str, int]) -> None:
        article_id, milliseconds = how
        ours, theirs = forked().Pipe(duplex=False)
        arguments = (self.folder, article_id, self.now, milliseconds, theirs)
        process = forked().Process(target=take_down_and_die, args=arguments)
        process.start()
        theirs.close()
        process.join()
        with suppress(EOFError):
            ours.recv()
            self.taken[article_id] = NEVER
            self.unsure.discard(article_id)
            self.look()
            return
        self.unsure.add(article_id)
        self.look()

    def decide(self, about: str, action: Callable[[Database], Any]) -> None:
        """Make a decision; one that is answered holds from now on."""
        try:
            action(self.keeper.database)
        except AlsoLikeError:
            self.unsure.add(about)
        else:
            self.taken = self.tables()[0]
            self.unsure.discard(about)
        self.look()

    def do_take_down(self, what: tuple[str, int]) -> None:
        article_id, end = what
        self.decide(
            article_id,
            lambda database: database.takedowns.put(MIRA, article_id=article_id, until=end),
        )

    def do_lift(self, article_id: str) -> None:
        self.decide(
            article_id, lambda database: database.takedowns.lift(MIRA, article_id=article_id)
        )

    def do_pin(self, what: tuple[str, str, int, int]) -> None:
        self.override(what[:2], kind=OverrideKind.PIN, position=what[2], until=what[3])

    def do_hide(self, what: tuple[str, str, int]) -> None:
        self.override(what[:2], kind=OverrideKind.HIDE, until=what[2])

    def override(self, pair: tuple[str, str], **how: Any) -> None:
        article_id, target_id = pair
        with suppress(AlsoLikeError):
            self.keeper.database.overrides.put(
                MIRA, article_id=article_id, target_id=target_id, **how
            )
        self.look()

    def do_remove(self, pair: tuple[str, str]) -> None:
        with suppress(AlsoLikeError):
            self.keeper.database.overrides.remove(MIRA, article_id=pair[0], target_id=pair[1])
        self.look()

    def do_judge(self, pair: tuple[str, str]) -> None:
        with suppress(AlsoLikeError):
            self.keeper.database.judgments.put(
                MIRA, article_id=pair[0], target_id=pair[1], verdict=-1
            )
        self.look()

    def do_undo(self, number: int) -> None:
        with suppress(AlsoLikeError):
            entries = self.keeper.database.audit.latest(limit=number + 1)
            if len(entries) > number:
                entry = entries[number]
                about = entry.article_id if entry.action.startswith("takedown.") else ""
                self.decide(about, lambda database: database.audit.undo(MIRA, entry.seq))

    def check(self, url: str) -> None:
        kept = self.client.get(url)
        _, uncached = self.service(cache_bytes=0)
        new = uncached.get(url)
        assert kept.status_code == new.status_code
        assert kept.content == new.content
        for header in ("etag", "cache-control"):
            assert kept.headers.get(header) == new.headers.get(header)
        page = url.partition("id=")[2].partition("&")[0]
        if kept.status_code == 503:
            assert self.keeper.kept.state is None
            return
        state = self.keeper.kept.state
        assert state is not None
        shown = []
        if kept.status_code == 200:
            assert self.may_be_seen(page)
            if ".html" not in url:
                shown = [item["article_id"] for item in json.loads(kept.content)["items"]]
            shown.append(page)
        elif self.may_be_seen(page):
            assert self.now < state.takedowns[page]
        leaks = [each for each in shown if not self.may_be_seen(each) or self.hidden(each)]
        assert leaks == []
        overrides = [item for item in state.overrides.get(page, ()) if self.now < item.until]
        hides = {item.target_id for item in overrides if item.kind is OverrideKind.HIDE}
        assert not set(shown) & hides
        assert shown.count(page) <= 1


async def _nothing(*_: Any) -> None:
    raise AssertionError("the related routes hand nothing on here")


@pytest.fixture
def new_world(
    root: Root, empty: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: Any
) -> Callable[[], World]:
    monkeypatch.setattr("service.decisions.poller._RETRY_SECONDS", 0.0)
    return lambda: World(root, tmp_path_factory.mktemp("world"), empty)


def run_history(world: World, history: list[tuple[str, Any]]) -> None:
    for step, value in history:
        world.do(step, value)
    for article_id in IDS:
        world.check(f"/v1/related?id={article_id}&limit=50&fallback=none")
    world.keeper.close()
    shutil.rmtree(world.folder)


unhurried = hypothesis_settings(
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)


@pytest.mark.long
@hypothesis_settings(unhurried, max_examples=15)
@given(history=st.lists(steps, max_size=15))
def test_no_history_shows_what_is_taken_down(
    new_world: Callable[[], World], history: list[tuple[str, Any]]
) -> None:
    run_history(new_world(), history)


@pytest.mark.full
@pytest.mark.timeout(3600)
@hypothesis_settings(unhurried, max_examples=1000)
@given(history=st.lists(steps, min_size=5, max_size=40))
def test_none_of_a_thousand_histories_shows_what_is_taken_down(
    new_world: Callable[[], World], history: list[tuple[str, Any]]
) -> None:
    run_history(new_world(), history)
