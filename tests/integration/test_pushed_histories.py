"""Pushes, restarts and nights of a source that lags or disagrees, in any order: what is live."""

from __future__ import annotations

import json
import random
import threading
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from index.root.root import Root
from index.sources.registry import open_source
from recommender.encoder import HashingEncoder
from recommender.visibility import utc_now, visible_at
from service.curation.pushed_articles import PushedArticles
from service.decisions.database import Database
from service.decisions.decision_store import Actor
from service.decisions.open_decisions import open_decisions
from service.serving.live import Live
from service.settings import Settings
from service.watching.build_run import build_options, run_build
from service.watching.watcher import Watcher
from tests.support.articles import topical
from tests.support.undecided import Undecided

CMS = Actor(name="cms", how="token")
OTHERS = topical(8)
EMBARGOED = "Embargoed"


@dataclass
class Page:
    """What the source and the site say of a page, and what should be live: titles, or nothing."""

    source: str | None = None
    read: str | None = None
    seen: str | None = None
    since: int = 0
    pushed: str | None = None
    number: int = 0
    live: str | None = None

    def follow(self, last: int) -> None:
        """The watcher reads the source."""
        before, self.read = self.read, self.source
        if self.source == self.seen or (self.number and self.pushed is None):
            return  # what was pushed as gone stays gone until no source has it
        if self.source is None and before is None:
            return  # until a full build, as it was pushed after the source had lost it
        self.seen = self.live = self.source
        self.since = last
        if self.source is None:
            self.number = 0

    def night(self, last: int) -> None:
        """A full build reads the source and what was pushed."""
        if self.source is not None and self.source != self.seen:
            self.since = last
        if self.source is None:
            holds = self.pushed is not None and self.seen is None
        else:
            newer = self.source != self.pushed and self.since < self.number
            holds = self.pushed is None or newer
        if self.number and holds:
            self.live = self.pushed
        else:
            self.live, self.number = self.source, 0
        self.read = self.seen = self.source


def record(key: str, title: str) -> dict[str, Any]:
    hidden = {"visible_from": "2099-01-01T00:00:00Z"} if title.startswith(EMBARGOED) else {}
    return {**OTHERS[int(key[1:])], "id": key, "url": f"/{key}", "title": title, **hidden}


class History:
    """A site whose pages change at random, and what should be live of them."""

    def __init__(
        self, folder: Path, seed: int, database: Database, settings: Settings, *, followed: bool
    ) -> None:
        self.draw, self.database, self.settings = random.Random(seed), database, settings
        self.followed = followed
        self.watcher: Watcher | None = None
        self.file, self.root = folder / "articles.jsonl", Root(settings.root)
        self.pages = {f"p{number}": Page() for number in range(4)}
        for page in [*self.pages.values()][:2]:
            page.source = "As it was"
        self.titles = 0
        self.night()
        live = Live(self.root, keeper=Undecided())
        self.pushes = PushedArticles(lambda: database, live, settings)
        self.restart()

    def title(self) -> str:
        self.titles += 1
        return f"{EMBARGOED if self.draw.random() < 0.2 else 'Title'} {self.titles}"

    def some(self) -> tuple[str, Page]:
        return self.draw.choice([*self.pages.items()])

    def push(self) -> None:
        for _ in range(self.draw.randrange(1, 4)):
            key, page = self.some()
            page.pushed = page.live = self.title() if self.draw.random() < 0.7 else None
            content = record(key, page.pushed) if page.pushed else None
            new, _ = self.pushes.read(key, content)
            page.number = self.pushes.put(CMS, [new])[0].statement.number
        self.watch()

    def disagree(self) -> None:
        _, page = self.some()
        page.source = self.draw.choice([None, self.title()])
        self.follow()

    def catch_up(self) -> None:
        _, page = self.some()
        page.source = page.live
        self.follow()

    def follow(self) -> None:
        if self.followed:
            self.write()
            assert self.watcher is not None
            self.watcher.changes.files_changed({str(self.file)})
            self.catch_sight()

    def catch_sight(self) -> None:
        """Let the watcher find what the source says now."""
        self.watch()
        last = self.database.pushed.last()
        for page in self.pages.values():
            page.follow(last)

    def edit_unseen(self) -> None:
        """While no watcher looks, as during a full build, the source changes a page or adds one."""
        if self.followed and self.draw.random() < 0.5:
            _, page = self.some()
            page.source = self.title()
            self.write()

    def watch(self) -> None:
        """Let the watcher do all that there is to do."""
        assert self.watcher is not None
        while self.watcher.step() or self.watcher.changes._reading:
            time.sleep(0.02)

    def restart(self) -> None:
        source = open_source({"kind": "jsonl", "path": str(self.file)})
        self.watcher = Watcher(
            settings=self.settings,
            sources=[source] if self.followed else [],
            encoder=HashingEncoder(32),
            database=self.database,
            stop=threading.Event(),
        )
        self.edit_unseen()
        if self.followed:
            self.catch_sight()

    def write(self) -> None:
        records = [record(key, page.source) for key, page in self.pages.items() if page.source]
        self.file.write_text("".join(f"{json.dumps(one)}\n" for one in OTHERS + records))

    def night(self) -> None:
        self.write()
        last = self.database.pushed.last()
        sources = [open_source({"kind": "jsonl", "path": str(self.file)})]
        options = build_options(self.settings)
        with self.root.locked("test"):
            run = run_build(
                self.root, self.settings, sources, options, lambda: HashingEncoder(32), _quiet
            )
        assert run.refusal is None
        for page in self.pages.values():
            page.night(last)
        if self.watcher is not None:
            self.edit_unseen()
            self.catch_sight()

    def check(self) -> None:
        build = self.root.open()
        rows = {key: build.row(key) for key in self.pages}
        found = {key: None if row is None else build.title(row) for key, row in rows.items()}
        assert found == {key: page.live for key, page in self.pages.items()}
        visible = visible_at(build.visibility, utc_now())
        shown = {key for key, row in rows.items() if row is not None and visible[row]}
        assert not {key for key in shown if str(found[key]).startswith(EMBARGOED)}
        down = {one.article_id for one in self.database.takedowns.all()}
        gone = {key for key, page in self.pages.items() if page.number and page.pushed is None}
        assert gone <= down
        assert not shown & down


def _quiet(_stage: str, _done: int, _total: int | None) -> None:
    pass


def live_through(folder: Path, seed: int, steps: int, *, followed: bool = False) -> None:
    settings = Settings(
        root=folder / "root", full_build_at="off", max_drift=1.0, max_loss=1.0, max_churn=1.0,
        max_weak=1.0, keep=2, learn="off",
    )  # fmt: skip
    with closing(open_decisions(settings)) as database:
        history = History(folder, seed, database, settings, followed=followed)
        kinds = [history.push, history.push, history.disagree, history.catch_up]
        for _ in range(steps):
            history.draw.choice([*kinds, history.restart, history.night, history.night])()
            history.check()
        history.night()
        history.check()


@pytest.mark.parametrize("seed", range(3))
def test_the_newest_word_is_live_after_any_history(tmp_path: Path, seed: int) -> None:
    live_through(tmp_path, seed, 10)


@pytest.mark.parametrize("seed", [2, pytest.param(4, marks=pytest.mark.long)])
def test_so_it_is_where_the_source_is_followed(tmp_path: Path, seed: int) -> None:
    live_through(tmp_path, seed, 14, followed=True)


@pytest.mark.full
@pytest.mark.timeout(1_800)
@pytest.mark.parametrize("followed", [False, True])
@pytest.mark.parametrize("seed", range(3, 40))
def test_the_newest_word_is_live_after_many_histories(
    tmp_path: Path, seed: int, *, followed: bool
) -> None:
    live_through(tmp_path, seed, 40, followed=followed)
