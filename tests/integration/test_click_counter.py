"""Counted clicks on their way to disk: a database that fails, a kill, two processes."""

from __future__ import annotations

import logging
import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from index.errors import DatabaseError
from index.root.comparison import ComparisonState, Variant
from index.root.root import Root
from service.clicks import click_counter
from service.clicks.click_counter import ClickCounter
from service.clicks.click_events import ListEvent, Outcome
from service.clicks.click_store import ClickStore, blocks, open_clicks
from service.clicks.placement import open_placements
from tests.support.click_reports import (
    RECORDS,
    ClickService,
    click_site,  # noqa: F401 - a fixture
    counted_root,  # noqa: F401 - a fixture
    event,
)
from tests.support.moments import SECOND

IDS = [record["id"] for record in RECORDS]
PAGE = IDS[0]


def lists_seen(site: ClickService) -> int:
    return sum(seen for target, seen in site.stored("counts", "target", "seen") if not target)


def test_sums_of_two_processes_add_up(root: Root, tmp_path: Path) -> None:
    first, second = ClickService(root, tmp_path), ClickService(root, tmp_path)
    for site, views in ((first, 3), (second, 4), (first, 2)):
        for _ in range(views):
            site.report(event(site.placement(PAGE), [1], [1]))
        site.counter.flush()
    assert first.stored("counts", "position", "seen", "clicked") == [(0, 9, 9), (1, 9, 9)]


def test_while_the_database_is_away_sums_are_kept_said_and_stored_later(
    site: ClickService, caplog: pytest.LogCaptureFixture
) -> None:
    site.database.mkdir()  # no file can be opened there
    caplog.set_level(logging.INFO, logger="alsolike")
    for _ in range(3):
        site.report(event(site.placement(PAGE), [1, 2], [2]))
        site.counter.flush()
    assert site.counter.waiting == 3
    assert site.counter.problem is not None
    assert str(site.database) in site.counter.problem
    site.database.rmdir()
    assert site.stored("counts", "position", "seen", "clicked") == [
        (0, 3, 3),
        (1, 3, 0),
        (2, 3, 3),
    ]
    assert site.counter.problem is None
    assert site.counter.waiting == 0
    told = [record.getMessage() for record in caplog.records if record.name == "alsolike"]
    assert len([each for each in told if each.startswith("clicks are kept in memory")]) == 1
    assert told[-1] == "clicks are stored again; 0 events were lost"


def test_a_database_that_goes_away_while_it_is_used_comes_back(site: ClickService) -> None:
    site.report(event(site.placement(PAGE), [1]))
    assert lists_seen(site) == 1
    for left in site.database.parent.glob("clicks.sqlite*"):
        left.unlink()
    site.report(event(site.placement(PAGE), [1]))
    site.counter.flush()
    site.counter.flush()
    assert lists_seen(site) == 1


def test_memory_is_bounded_while_the_database_is_away_and_what_is_lost_is_counted(
    site: ClickService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(click_counter, "MAX_SUMS", 10)
    site.database.mkdir()
    for article in IDS:
        site.report(event(site.placement(article), [1, 2, 3]))
        site.counter.flush()
    assert site.counter.outcomes == {Outcome.COUNTED: 2, Outcome.DROPPED: len(IDS) - 2}
    assert site.counter.waiting <= 10
    site.report(event(site.placement(IDS[0]), [1, 2, 3]))
    assert site.counter.outcomes[Outcome.COUNTED] == 3, "sums that are there go on growing"
    site.database.rmdir()
    assert lists_seen(site) == 3
    assert site.rejected() == {"dropped": len(IDS) - 2}


def test_one_sum_that_can_t_be_stored_is_told_and_counted_and_keeps_no_other_back(
    site: ClickService, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert site.live.build is not None
    gone = IDS[5]
    with monkeypatch.context() as patch:
        taken = type(site.live.build).article_id
        patch.setattr(
            type(site.live.build),
            "article_id",
            lambda build, row: {gone: "\ud800"}.get(taken(build, row), taken(build, row)),
        )
        site.report(event(site.placement(gone), [1]))
        site.counter.flush()
        assert site.counter.waiting == 2, "alone, it may be the database's fault, and is kept"
        assert "surrogates not allowed" in str(site.counter.problem)
        for article in IDS:
            if article != gone:
                site.report(event(site.placement(article), [1]))
    assert lists_seen(site) == len(IDS) - 1
    assert (site.counter.waiting, site.counter.problem) == (1, None), "that it was lost"
    lost = site.counter.outcomes[Outcome.DROPPED]
    assert site.rejected() == {"dropped": lost}
    assert lost >= 2
    told = [record.getMessage() for record in caplog.records if "lost, such as" in record.message]
    assert len(told) == 1
    assert "counts ('" in told[0]


@pytest.mark.parametrize("failure", [MemoryError(), RuntimeError("a fault of ours")])
def test_no_failure_loses_what_was_counted(
    site: ClickService, monkeypatch: pytest.MonkeyPatch, failure: Exception
) -> None:
    def fail(*_: object) -> None:
        raise failure

    with monkeypatch.context() as patch:
        patch.setattr(ClickStore, "add", fail)
        for _ in range(2):
            site.report(event(site.placement(PAGE), [1]))
            site.counter.flush()
        assert (site.counter.waiting, bool(site.counter.problem)) == (2, True)
    assert lists_seen(site) == 2
    assert site.counter.problem is None


def test_what_was_counted_long_ago_is_removed_once_a_day(root: Root, tmp_path: Path) -> None:
    site = ClickService(root, tmp_path, keep_click_days=3)
    for _ in range(6):
        site.report(event(site.placement(PAGE), [1]), event("forged", [1]))
        site.counter.flush()
        site.now += 86_400 * SECOND
    with open_clicks(site.settings).write() as connection:
        for began in (site.now // SECOND - 5 * 86_400, site.now // SECOND - 86_400):
            row = {"comparison": f"fresh@{began}", "block": 1, "article": PAGE, "variant": "live"}
            connection.execute(blocks.insert().values(**row, seen=1, clicked=0))
    kept = {day for (day,) in site.stored("counts", "day")}
    assert len(site.stored("blocks")) == 1
    assert len(kept) == 3, "those of today are not there yet"
    assert {day for (day,) in site.stored("rejected", "day")} == kept


def test_old_counts_that_can_t_be_removed_keep_no_new_ones_back(
    site: ClickService, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    asked = []

    def fail(*given: object) -> None:
        asked.append(given)
        raise DatabaseError("canceling statement due to statement timeout")

    monkeypatch.setattr(ClickStore, "forget", fail)
    for stored in (1, 2):
        site.report(event(site.placement(PAGE), [1]))
        assert lists_seen(site) == stored
        assert (site.counter.waiting, site.counter.problem) == (0, None)
    assert len(asked) == 1
    assert [record.getMessage()[:27] for record in caplog.records] == [
        "old clicks can't be removed"
    ]
    site.now += 3_600 * SECOND
    site.counter.flush()
    assert len(asked) == 2


def test_lists_of_a_comparison_are_counted_by_block_too(site: ClickService) -> None:
    started = site.now // SECOND - 7_200
    comparison = ComparisonState(variant="fresh", share=0.5, started=started, salt="salt")
    for article in IDS:
        event_of = ListEvent(placement=site.placement(article), seen=[1], clicked=[1])
        assert site.live.build is not None
        site.counter.count([event_of], article, site.live.build, comparison)
    found = site.stored("blocks")
    counted = {article for _, _, article, *_ in found}
    picked = {each for each in IDS if comparison.counted_in(each, Variant.LIVE, site.now)}
    assert counted == picked
    assert {row[3:] for row in found} == {("live", 1, 1)}
    assert {row[0] for row in found} == {comparison.key}


KILLED = """
import sys, time
from pathlib import Path
from index.root.root import Root
from service.clicks.click_events import ListEvent
from tests.support.click_reports import ClickService
site = ClickService(Root(Path(sys.argv[1])), Path(sys.argv[2]))
site.counter.flush()  # makes the tables
seen = ListEvent(placement=site.placement("{page}"), seen=[1])
site.counter.count([seen], "first", site.live.build)
site.counter.flush()  # whose libraries take a while
site.counter.start()
for number in range(1, 100_000):  # each time from another address, so that no bound is met
    site.counter.count([seen], str(number), site.live.build)
    print(number + 1, flush=True)
    time.sleep(0.01)
"""


def test_a_kill_loses_no_more_than_the_last_second(root: Root, tmp_path: Path) -> None:
    code = KILLED.format(page=PAGE)
    command = [sys.executable, "-c", code, str(root.path), str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        sent: list[tuple[float, int]] = []
        while not sent or sent[-1][0] - sent[0][0] < 5.5:
            sent.append((os.times().elapsed, int(process.stdout.readline())))
        process.send_signal(signal.SIGKILL)
        rest = process.stdout.read().split()
    last = int(rest[-1]) if rest and rest[-1].isdigit() else sent[-1][1]
    # The second, and three for what is being stored on a busy machine.
    due = max(number for when, number in sent if when <= sent[-1][0] - 4)
    with closing(sqlite3.connect(tmp_path / "clicks.sqlite")) as database:
        (seen,) = database.execute("SELECT sum(seen) FROM counts WHERE target = ''").fetchone()
    assert due <= seen <= last + 1


def test_a_counter_that_ends_stores_what_is_left(
    site: ClickService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(click_counter, "FLUSH_SECONDS", 3_600)
    placements = open_placements(site.settings)
    assert placements is not None
    counter, build = ClickCounter(site.settings, placements), site.live.build
    assert build is not None
    counter.start()
    counter.count([ListEvent(placement=site.placement(PAGE), seen=[1])], "192.0.2.1", build)
    counter.stop()
    assert lists_seen(site) == 1
