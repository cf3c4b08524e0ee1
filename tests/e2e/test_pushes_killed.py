"""A service and a watcher killed at any moment amid pushes lose none, and mix up none."""

from __future__ import annotations

import http.client
import itertools
import json
import os
import random
import signal
import subprocess
import threading
import time
from contextlib import AbstractContextManager, closing
from pathlib import Path

import pytest

from index.root.root import Root
from service.decisions.open_decisions import open_decisions
from service.roles import Role
from service.settings import Settings
from tests.support.articles import topical
from tests.support.builds import publish
from tests.support.editor_site import TESTER
from tests.support.service_process import alsolike, free_ports, get, until

IDS = 7
"""Few articles, so that each is pushed again and again."""


class Pusher(threading.Thread):
    """Pushes one article after another to a service that dies now and then.

    Attributes:
        answered: Number of each push that was answered, and what the service numbered it.
    """

    def __init__(self, port: int, token: str, pushes: int) -> None:
        super().__init__()
        self._port, self._token, self._pushes = port, token, pushes
        self.answered: dict[int, int] = {}
        self.failure = ""
        self.enough = 0

    @property
    def has_enough(self) -> bool:
        """Whether enough was answered for the service to be killed."""
        return len(self.answered) >= self.enough or not self.is_alive()

    def run(self) -> None:
        for number in itertools.count():
            if len(self.answered) >= self._pushes or self.failure:
                return
            self._push(number)

    def _push(self, number: int) -> None:
        article_id = f"p-{number % IDS}"
        gone = number % 5 == 4
        body = None if gone else json.dumps({"title": f"Push {number}", "summary": "Kelp"}).encode()
        line = http.client.HTTPConnection("127.0.0.1", self._port, timeout=20)
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"}
        try:
            method = "DELETE" if gone else "PUT"
            line.request(method, f"/v1/articles?id={article_id}", body, headers)
            answer = line.getresponse()
            content = json.loads(answer.read())
        except (OSError, http.client.HTTPException, ValueError):
            time.sleep(0.02)  # it was killed; the next push comes when it is back
            return
        finally:
            line.close()
        if answer.status == 202:
            self.answered[number] = content["number"]
        elif answer.status != 503:
            self.failure = f"{answer.status}: {content}"


class WatcherKiller(threading.Thread):
    """Starts ``alsolike watch`` again and again, and kills it, mostly within a build."""

    def __init__(self, folder: Path, root: Path, environment: dict[str, str], seed: int) -> None:
        super().__init__()
        self._folder, self._draw = folder / "watch", random.Random(seed)
        self._folder.mkdir()
        self._arguments, self._environment = ("watch", "--root", str(root)), environment
        self.ended, self.kills = threading.Event(), 0

    def start_one(self) -> AbstractContextManager[subprocess.Popen[bytes]]:
        """A watcher, until the block ends."""
        return alsolike(*self._arguments, folder=self._folder, environment=self._environment)

    def run(self) -> None:
        while not self.ended.is_set():
            with self.start_one() as process:
                self.ended.wait(self._draw.uniform(1.5, 5))
                os.kill(process.pid, signal.SIGKILL)
                process.wait(20)
                self.kills += 1


def check_kills(folder: Path, pushes: int) -> None:
    root = Root(folder / "root")
    publish(root, folder, topical(12))
    settings = Settings(root=root.path)
    with closing(open_decisions(settings)) as database:
        token = database.tokens.add(TESTER, name="cms", role=Role.PUBLISHER)[0]
    port = free_ports()
    environment = {"ALSOLIKE_PUSH_RATE": "1000000", "ALSOLIKE_MODEL": "hashing:64"}
    gates = {f"ALSOLIKE_MAX_{name}": "1" for name in ("LOSS", "CHURN", "WEAK", "DRIFT")}
    environment |= {**gates, "ALSOLIKE_FULL_BUILD_AT": "off"}
    watchers = WatcherKiller(folder, root.path, environment, pushes)
    arguments = ("serve", "--root", str(root.path), "--port", str(port))
    pusher = Pusher(port, token, pushes)
    draw = random.Random(pushes)
    kills = 0
    pusher.start()
    watchers.start()
    try:
        while pusher.is_alive():
            pusher.enough = len(pusher.answered) + draw.randrange(5, min(60, pushes // 3))
            with alsolike(*arguments, folder=folder, environment=environment) as process:
                until(lambda: get(f"http://127.0.0.1:{port}/livez"))
                until(lambda: pusher.has_enough)
                time.sleep(draw.uniform(0, 0.01))  # at any moment of a push
                os.kill(process.pid, signal.SIGKILL)
                process.wait(20)
            kills += 1
            check_whole(settings, pusher)
    finally:
        pusher.failure = pusher.failure or ("" if not pusher.is_alive() else "stopped")
        pusher.join(60)
        watchers.ended.set()
        watchers.join(60)
    assert not pusher.failure
    assert len(pusher.answered) >= pushes
    assert kills >= max(2, pushes // 60)
    assert watchers.kills >= max(2, pushes // 60)
    with watchers.start_one():
        check_live(root, settings)


def check_live(root: Root, settings: Settings) -> None:
    """What was pushed last of each article is live, and no build went back behind another."""
    with closing(open_decisions(settings)) as database:
        until(lambda: root.manifest().pushed == database.pushed.last())
        kept = {one.article_id: one.record for one in database.pushed.all()}
    build = root.open()
    for article_id, record in kept.items():
        row = build.row(article_id)
        title = None if row is None else build.title(row)
        assert title == (None if record is None else json.loads(record)["title"]), article_id
    reached = [root.manifest(name).pushed for name in root.names()]
    assert reached == sorted(reached)


def check_whole(settings: Settings, pusher: Pusher) -> None:
    """Of each article the newest answered push is kept, or a later one that was cut off."""
    answered = dict(pusher.answered)
    numbers = [of for number, of in answered.items() if number % 5 != 4]  # no record comes twice
    assert numbers == sorted(set(numbers)), "numbered once each, in the order of the answers"
    with closing(open_decisions(settings)) as database:
        kept = {one.article_id: one for one in database.pushed.all()}
        taken = set(database.state().takedowns)
    for article_id, one in kept.items():
        own = [number for number in answered if f"p-{number % IDS}" == article_id]
        newest = max(own, default=-1)
        is_newest = newest >= 0 and one.number == answered[newest]
        assert is_newest or one.number > answered.get(newest, 0), article_id
        if is_newest:
            title = None if one.record is None else json.loads(one.record)["title"]
            assert title == (None if newest % 5 == 4 else f"Push {newest}")
        assert (article_id in taken) == (one.record is None), "in the same step"
    assert {f"p-{number % IDS}" for number in answered} <= kept.keys()


@pytest.mark.long
def test_a_service_that_is_killed_loses_no_answered_push(tmp_path: Path) -> None:
    check_kills(tmp_path, 25)


@pytest.mark.full
@pytest.mark.timeout(1_800)
def test_kills_during_a_thousand_pushes_lose_none_that_was_answered(tmp_path: Path) -> None:
    check_kills(tmp_path, 1_000)
