"""A day of a site: edits, pushes, bad feeds, losses, a full disk, a rollback, another model.

The service never stops and never shows what it must not, and the journal tells the story.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from index.root.journal import read_journal
from index.root.root import Root
from recommender.visibility import NEVER
from service.decisions.decision_store import Actor
from service.decisions.open_decisions import open_decisions
from service.decisions.pushed_statements import NewStatement
from service.settings import Settings
from tests.support.articles import topical
from tests.support.service_process import alsolike, free_ports, get, until
from tests.support.small_disk import fill, small_disk

COUNT = 150
FEED = 60
SITE = Actor(name="cms", how="token")


class Day:
    """A site, the watcher and the service, each a process."""

    def __init__(self, folder: Path, disk: Path) -> None:
        self.folder, self.root = folder, Root(disk / "root")
        self.records = {record["id"]: record for record in topical(COUNT)}
        self.feed_ids = [*self.records][-FEED:]
        self.port = free_ports()
        self.gone: dict[str, float] = {}
        self.answers = 0
        self.wrong: list[str] = []
        (folder / "alsolike.toml").write_text(
            f'root = "{self.root.path}"\nmodel = "hashing:64"\nnotify = "tee -a told.jsonl"\n'
            'full_build_at = "off"\nmax_drift = 1.0\nfollow_seconds = 1\nmax_churn = 1.0\n'
            '[[source]]\nkind = "jsonl"\npath = "articles.jsonl"\n'
            '[[source]]\nkind = "json"\npath = "feed.json"\n'
        )
        self.write()

    def write(self, feed: str | None = None) -> None:
        rest = [one for key, one in self.records.items() if key not in self.feed_ids]
        fed = [self.records[key] for key in self.feed_ids if key in self.records]
        lines = "".join(f"{json.dumps(record)}\n" for record in rest)
        for name, text in (("articles.jsonl", lines), ("feed.json", feed or json.dumps(fed))):
            (self.folder / f"{name}.new").write_text(text)
            (self.folder / f"{name}.new").replace(self.folder / name)

    def edit(self, key: str, title: str) -> None:
        self.records[key] = {**self.records[key], "title": title}
        self.write()

    def live(self) -> str:
        pointer = self.root.current()
        return "" if pointer is None else pointer.build

    def title(self, key: str) -> str:
        build = self.root.open(verify=False)
        row = build.row(key)
        return "" if row is None else build.title(row)

    def has(self, key: str) -> bool:
        return self.root.open(verify=False).row(key) is not None

    def events(self, event: str) -> list[dict[str, Any]]:
        return [line for line in read_journal(self.root.path) if line["event"] == event]

    def told(self) -> list[dict[str, Any]]:
        path = self.folder / "told.jsonl"
        text = path.read_text() if path.exists() else ""
        return [json.loads(line) for line in text.replace("}{", "}\n{").splitlines()]

    def has_told(self, event: str, times: int) -> bool:
        return sum(one["event"] == event for one in self.told()) >= times

    def command(self, *arguments: str) -> int:
        command = [sys.executable, "-m", "service.cli", *arguments]
        done = subprocess.run(command, cwd=self.folder, capture_output=True, timeout=120)
        return done.returncode

    def when_free(self, *arguments: str) -> int:
        """A command's exit code, tried again while the watcher holds the lock."""
        codes: list[int] = []
        until(lambda: codes.append(self.command(*arguments)) or codes[-1] != 5)
        return codes[-1]

    def push(self, key: str, record: dict[str, Any] | None) -> None:
        settings = Settings(root=self.root.path)
        until_ = NEVER if record is None else 0
        new = NewStatement(article_id=key, record=record, hidden_until=until_)
        with closing(open_decisions(settings)) as database:
            database.pushed.put(SITE, [new])
        if record is None:
            self.gone[key] = time.monotonic()

    def read(self, stop: threading.Event) -> None:
        """Reads lists all day, as readers do."""
        draw = random.Random(1)
        while not stop.is_set():
            key = draw.choice([*self.records])
            asked = time.monotonic()
            answer = get(f"http://127.0.0.1:{self.port}/v1/related?id={key}")
            if answer is None or answer.status not in (200, 404):
                self.wrong.append(f"{key}: {answer and answer.status}")
            elif answer.status == 200:
                self.answers += 1
                for item in answer.json()["items"]:
                    since = self.gone.get(item["article_id"], asked)
                    if asked - since > 2:
                        self.wrong.append(f"{item['article_id']} is shown although it is gone")
            time.sleep(0.01)


@contextmanager
def served(day: Day) -> Iterator[None]:
    """The service, with readers."""
    stop = threading.Event()
    (day.folder / "serve").mkdir(exist_ok=True)
    arguments = ("serve", "--port", str(day.port), "--root", str(day.root.path))
    with alsolike(*arguments, folder=day.folder / "serve") as process:
        ready = f"http://127.0.0.1:{day.port}/readyz"
        until(lambda: (answer := get(ready)) and answer.status == 200)
        reader = threading.Thread(target=day.read, args=(stop,))
        reader.start()
        try:
            yield
        finally:
            stop.set()
            reader.join()
        assert process.poll() is None, "the service never stops"


def niceness(process: int) -> set[int]:
    """Of all threads of a process."""
    found = set()
    for thread in Path(f"/proc/{process}/task").iterdir():
        with suppress(ProcessLookupError):  # it has ended meanwhile
            found.add(os.getpriority(os.PRIO_PROCESS, int(thread.name)))
    return found


def live_a_day(folder: Path, edits: int) -> None:
    with ExitStack() as stack:
        disk = stack.enter_context(small_disk(folder / "disk", 192))
        day = Day(folder, disk)
        threads = {"OPENBLAS_NUM_THREADS": "2"}
        watcher = stack.enter_context(alsolike("watch", folder=folder, environment=threads))
        until(day.live)
        assert niceness(watcher.pid) == {19}
        stack.enter_context(served(day))
        keys = [key for key in day.records if key not in day.feed_ids]

        draw = random.Random(edits)
        for number in range(edits):
            day.edit(draw.choice(keys), f"Edited, version {number}")
            if number % 7 == 3:
                time.sleep(draw.random())
        last = f"Edited, version {edits - 1}"
        until(lambda: any(day.title(key) == last for key in keys))
        assert {key: day.title(key) for key in keys} == {
            key: day.records[key]["title"] for key in keys
        }

        new = {**topical(COUNT + 1)[-1], "id": "pushed-1", "url": "/pushed/1"}
        day.push("pushed-1", new)
        until(lambda: day.has("pushed-1"))
        day.push(keys[0], None)
        until(lambda: not day.has(keys[0]))

        before = day.live()
        for number, bad in enumerate(("{", "<rss", "[1, 2"), 1):
            day.write(feed=bad)
            until(partial(day.has_told, "source", number))
        day.write()
        day.edit(keys[1], "After the bad feeds")
        until(lambda: day.title(keys[1]) == "After the bad feeds")
        assert all(day.has(key) for key in day.feed_ids)
        assert day.live() != before

        watcher.kill()
        watcher.wait()
        day.edit(keys[2], "While nobody watched")
        watcher = stack.enter_context(alsolike("watch", folder=folder))
        until(lambda: day.title(keys[2]) == "While nobody watched")
        assert not day.has(keys[0]), "the source still has it, but it was pushed that it is gone"

        full = day.root.manifest(day.root.manifest().full).count
        while not day.events("refuse"):
            gone, day.feed_ids = day.feed_ids[:3], day.feed_ids[3:]
            for key in gone:
                day.records.pop(key, None)
            day.write()
            until(lambda gone=gone: day.events("refuse") or not any(map(day.has, gone)))
        assert day.root.manifest().count >= 0.9 * full - 1
        assert "the last full build" in day.events("refuse")[-1]["reason"]
        until(partial(day.has_told, "refused", 1))

        ballast = fill(disk, 20_000)
        day.edit(keys[3], "On a full disk")
        until(lambda: b"changes wait" in (folder / "stderr").read_bytes())
        ballast.unlink()
        until(lambda: day.title(keys[3]) == "On a full disk")

        day.edit(keys[4], "To be rolled back")
        until(lambda: day.title(keys[4]) == "To be rolled back")
        assert day.when_free("rollback", "--reason", "odd") == 0
        held = day.live()
        day.edit(keys[5], "While on hold")
        time.sleep(2)
        assert day.live() == held
        assert day.when_free("release") == 0
        until(lambda: day.title(keys[5]) == "While on hold")
        until(lambda: day.title(keys[4]) == "To be rolled back")

        live = day.live()
        assert day.when_free("build", "--model", "hashing:96") == 15
        assert day.live() == live
        day.edit(keys[6], "After the other model")
        until(lambda: day.title(keys[6]) == "After the other model")

        assert day.command("watch") == 5, "one is enough"
        watcher.terminate()
        assert watcher.wait(30) == 0
    assert day.wrong == []
    assert day.answers > 100


@pytest.mark.long
def test_a_day_of_a_site(tmp_path: Path) -> None:
    live_a_day(tmp_path, 4)


@pytest.mark.full
@pytest.mark.timeout(3_000)
def test_a_long_day_of_a_site(tmp_path: Path) -> None:
    live_a_day(tmp_path, 500)
