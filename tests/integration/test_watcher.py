"""The watcher's steps: what goes into a build, what is left out, when all is related anew."""

from __future__ import annotations

import datetime as dt
import json
import re
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from index.building.builder import BuildResult, make_build
from index.errors import BusyError
from index.root.journal import read_journal
from index.root.lock import WATCH_LOCK, locked
from index.root.root import Root
from index.sources.registry import open_source
from recommender.encoder import Embeddings, Encoder, HashingEncoder, Progress
from recommender.errors import ModelError
from recommender.visibility import NEVER
from service.cli.watch_command import watch
from service.curation.waiting_pushes import tell_waiting
from service.decisions.database import Database
from service.decisions.decision_store import Actor
from service.decisions.open_decisions import open_decisions
from service.decisions.pushed_statements import NewStatement, PushedStatements
from service.settings import Settings
from service.watching import build_run
from service.watching import watcher as watching
from service.watching.followed_source import SourceRead
from service.watching.waiting_changes import Unit
from service.watching.watcher import Watcher, last_moment
from tests.support.articles import topical
from tests.support.builds import live, publish

RECORDS = topical(48)
IDS = [record["id"] for record in RECORDS]
SITE = Actor(name="cms", how="token")


class Site:
    """A root with a live build, a database, and a file to follow."""

    def __init__(self, folder: Path, database: Database, **settings: Any) -> None:
        self.file = folder / "articles.jsonl"
        self.files = [self.file]
        self.root = Root(folder / "root")
        given: dict[str, Any] = {"full_build_at": "off", "max_churn": 1.0, "max_drift": 1.0}
        given |= {"follow_seconds": 0.01, **settings}
        self.settings = Settings(root=self.root.path, **given)
        self.database = database

    def watcher(
        self, dim: int = 64, *, alone: bool = False, encoder: Encoder | None = None
    ) -> Watcher:
        """A watcher of the files and of pushes, or of pushes alone."""
        return Watcher(
            settings=self.settings,
            sources=[
                open_source({"kind": "jsonl", "path": str(file)})
                for file in ([] if alone else self.files)
            ],
            encoder=encoder or HashingEncoder(dim),
            database=self.database,
            stop=threading.Event(),
        )

    def push(self, *pushes: tuple[str, dict[str, Any] | None]) -> None:
        given = [
            NewStatement(article_id=key, record=one, hidden_until=0 if one else NEVER)
            for key, one in pushes
        ]
        self.database.pushed.put(SITE, given)

    def write(self, records: Sequence[dict[str, Any]], at: int = 0) -> None:
        self.files[at].write_text("".join(f"{json.dumps(record)}\n" for record in records))

    def has(self, key: str) -> bool:
        return self.root.open().row(key) is not None

    def events(self) -> list[str]:
        return [line["event"] for line in read_journal(self.root.path)]


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    publish(Root(tmp_path / "root"), tmp_path, RECORDS)
    with closing(open_decisions(Settings(root=tmp_path / "root"))) as opened:
        yield opened


def steps(watcher: Watcher, count: int = 6) -> None:
    for _ in range(count):
        watcher.step()
        time.sleep(0.1)


def test_the_export_goes_on_during_a_full_build(tmp_path: Path, database: Database) -> None:
    site = Site(tmp_path, database)
    site.write(RECORDS)
    watcher, before, told = site.watcher(), live(site.root), []
    watcher.published = lambda build: told.append(build.name)
    watcher._adopt()
    assert watcher._make_full("nightly")
    assert told[0] == before
    assert told[-1] == live(site.root) != before


@pytest.mark.parametrize("again", [False, True])
@pytest.mark.parametrize("days", [-2, 2])
def test_what_is_pushed_again_during_a_build_is_a_new_word_whatever_clock_the_build_has(
    tmp_path: Path, database: Database, monkeypatch: pytest.MonkeyPatch, days: int, again: bool
) -> None:
    site, clock = Site(tmp_path, database), time.time_ns
    site.write(RECORDS)
    site.push((IDS[0], RECORDS[0]))
    watcher, number = site.watcher(), database.pushed.last()

    def make(*given: Any) -> BuildResult:
        with monkeypatch.context() as off:
            off.setattr(time, "time_ns", lambda: clock() + days * 86_400 * 10**9)
            made = make_build(*given)
        if again:
            site.push((IDS[0], RECORDS[0]))
        return made

    monkeypatch.setattr(build_run, "make_build", make)
    watcher._adopt()
    assert watcher._make_full("nightly")
    found = database.pushed.get(IDS[0])
    assert found is not None
    assert (found.number > number) == again


def read(watcher: Watcher, *files: Path) -> None:
    """Reads the files, and what else is due, to the end, and makes no build."""
    watcher._adopt()
    assert watcher.live is not None
    watcher.changes.files_changed({str(file) for file in files})
    watcher.changes.look(watcher.live)
    while watcher.changes._reading:
        time.sleep(0.02)
        watcher.changes.look(watcher.live)


def started(site: Site) -> Watcher:
    """A watcher that has made a full build and read the sources."""
    watcher = site.watcher()
    watcher._make_full("test")
    read(watcher)
    return watcher


def waiting(watcher: Watcher) -> list[Unit]:
    assert watcher.live is not None
    return list(watcher.changes.units(watcher.live))


def test_what_is_as_live_makes_no_build(tmp_path: Path, database: Database) -> None:
    site = Site(tmp_path, database)
    before = live(site.root)
    steps(site.watcher())
    assert live(site.root) == before


@pytest.mark.parametrize("complete", [False, True])
def test_of_a_source_that_was_read_in_part_nothing_is_gone(
    tmp_path: Path, database: Database, complete: bool
) -> None:
    site = Site(tmp_path, database)
    site.write(RECORDS[1:])
    watcher = site.watcher()
    read(watcher, *site.files)
    changes = watcher.changes
    changes._owners = dict.fromkeys(IDS, watcher.sources[0].name)
    changes._read[0] = replace(changes._read[0], fresh={}, complete=complete)
    removed = [key for unit in waiting(watcher) for key in unit.remove]
    assert removed == IDS[: int(complete)]


def test_what_is_at_fault_is_left_out_alone(tmp_path: Path, database: Database) -> None:
    site = Site(tmp_path, database, max_loss=0.03)
    new = {**topical(49)[48], "id": "new", "url": "/new"}
    gone = [(key, None) for key in IDS[1:4]]
    site.push(("new", new), *gone, ("unusable", {"title": [5, 6]}))
    watcher = site.watcher()
    steps(watcher)
    assert site.has("new")
    assert [site.has(key) for key in IDS[1:4]] == [False, False, True], "47 of 48 pass, 46 do not"
    kept = database.pushed.get(IDS[3])
    assert kept is not None
    assert "in the last full build" in str(kept.refused) or "in the live build" in str(kept.refused)
    unusable = database.pushed.get("unusable")
    assert unusable is not None
    assert "corrected" in str(unusable.refused)
    made = site.events().count("build")
    steps(watcher)
    assert site.events().count("build") == made, "what was refused is not tried again"


class FailingEncoder(HashingEncoder):
    """An encoder with a mistake that texts with a certain word reveal."""

    word = "kaboom"

    def encode(self, texts: Sequence[str], *, progress: Progress | None = None) -> Embeddings:
        if any(self.word in text for text in texts):
            raise ZeroDivisionError("a mistake")
        return super().encode(texts, progress=progress)


def test_a_record_on_which_the_build_fails_unforeseen_is_left_out_and_told(
    tmp_path: Path, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    told = tmp_path / "told"
    site = Site(tmp_path, database, notify=f"tee -a {told}")
    new = topical(52)[48:]
    bad = {"title": "A kaboom in the harbour"}
    site.write([*RECORDS, new[0], {**new[1], **bad}])
    site.push(("pushed", new[2]), ("bad", {**new[3], **bad}))
    watcher = site.watcher(encoder=FailingEncoder(64))
    steps(watcher, 8)
    assert [site.has(key) for key in (new[0]["id"], "pushed")] == [True, True]
    assert [site.has(key) for key in (new[1]["id"], "bad")] == [False, False]
    kept = database.pushed.get("bad")
    assert kept is not None
    assert "ZeroDivisionError" in str(kept.refused)
    assert "Traceback" in caplog.text
    assert "push of bad" in told.read_text()
    assert f"{site.file}: no build can be made" in told.read_text()
    made = site.events().count("fail")
    steps(watcher)
    assert site.events().count("fail") == made, "what was refused is not tried again"


def test_a_push_that_fails_alone_is_tried_again_before_it_is_refused(
    tmp_path: Path, database: Database
) -> None:
    site = Site(tmp_path, database)
    encoder = FailingEncoder(64)
    watcher = site.watcher(alone=True, encoder=encoder)
    site.push(("new", {**topical(49)[48], "title": "A kaboom"}))
    steps(watcher, 1)
    steps(watcher, 1)
    assert site.events().count("fail") == 1, "not at once"
    encoder.word = "mended"
    steps(watcher, 8)
    assert site.has("new")


def test_what_fails_unforeseen_with_all_changes_refuses_none(
    tmp_path: Path, database: Database
) -> None:
    site = Site(tmp_path, database)
    encoder = FailingEncoder(64)
    encoder.word = ""
    watcher = site.watcher(alone=True, encoder=encoder)
    site.push(*((one["id"], one) for one in topical(51)[48:]))
    steps(watcher, 8)
    kept = database.pushed.all()
    assert [one.refused for one in kept] == [None] * 3
    encoder.word = "mended"
    watcher._retry = 0.0
    steps(watcher, 1)
    assert all(site.has(one.article_id) for one in kept)


def test_a_full_build_and_an_export_that_fail_unforeseen_end_nothing(
    tmp_path: Path, database: Database
) -> None:
    def export(_: object) -> None:
        raise ZeroDivisionError("a mistake")

    told = tmp_path / "told"
    site = Site(tmp_path, database, notify=f"tee -a {told}", max_drift=0.01)
    encoder = FailingEncoder(64)
    watcher = site.watcher(encoder=encoder)
    watcher.published = export
    new = topical(49)[48]
    site.push(("new", new))
    steps(watcher, 1)
    assert site.has("new")
    encoder.word = ""
    site.write([*RECORDS, {**new, "title": "Another one"}])
    steps(watcher, 2)
    assert "the export waits: ZeroDivisionError" in told.read_text()
    assert "no build could be made: ZeroDivisionError" in told.read_text()


def test_a_source_and_a_push_about_the_same_article(tmp_path: Path, database: Database) -> None:
    site = Site(tmp_path, database)
    watcher = site.watcher()
    watcher._make_full("test")
    steps(watcher)
    site.push((IDS[0], {**RECORDS[0], "title": "Pushed"}), (IDS[1], None))
    steps(watcher)
    build = site.root.open()
    assert build.title(build.row(IDS[0]) or 0) == "Pushed"
    assert not site.has(IDS[1])

    steps(site.watcher())  # another process: the source says what it said before
    build = site.root.open()
    assert build.title(build.row(IDS[0]) or 0) == "Pushed"
    assert not site.has(IDS[1])

    steps(watcher, 1)
    changed = [{**RECORDS[0], "title": "Written since"}, *RECORDS[1:]]
    site.write(changed)
    watcher.changes.files_changed({str(site.file)})
    steps(watcher, 12)
    build = site.root.open()
    assert build.title(build.row(IDS[0]) or 0) == "Written since"

    site.push((IDS[2], {**RECORDS[2], "title": "Pushed"}))
    steps(watcher)
    site.write(changed[3:])
    watcher.changes.files_changed({str(site.file)})
    steps(watcher, 12)
    assert not site.has(IDS[2]), "the source had it, and has it no longer"


@pytest.mark.parametrize("zone", ["UTC", "Asia/Tokyo"])
def test_a_record_that_says_the_same_in_other_bytes_is_no_newer_than_a_push(
    tmp_path: Path, database: Database, zone: str
) -> None:
    """Also if it is read by other settings than before."""
    site = Site(tmp_path, database, follow_seconds=60)
    records = [{**RECORDS[0], "visible_from": "2026-01-01 20:00"}, *RECORDS[1:]]
    site.write(records)
    watcher = started(site)
    site.push((IDS[0], {**RECORDS[0], "title": "Pushed"}))
    watcher.step()
    watcher = Site(tmp_path, database, follow_seconds=60, timezone=zone).watcher()
    read(watcher)
    assert not waiting(watcher)
    site.write([dict(reversed(one.items())) for one in records])
    read(watcher, site.file)
    assert not waiting(watcher)
    site.write([{**RECORDS[0], "title": "Written since"}, *RECORDS[1:]])
    read(watcher, site.file)
    assert zone != "UTC" or [unit.ids for unit in waiting(watcher)] == [[IDS[0]]]


def test_what_was_being_read_while_a_push_went_live_is_newer_only_if_it_is_read_again(
    tmp_path: Path, database: Database
) -> None:
    site = Site(tmp_path, database, follow_seconds=60)
    watcher = started(site)
    changes, source = watcher.changes, watcher.changes._followed[0]
    edited = [{**one, "title": "Edited"} for one in RECORDS[:2]]
    site.write([*edited, *RECORDS[4:]])
    changes._reading[0] = late = Future[SourceRead | None]()
    found = source.look()
    site.push(*((one["id"], {**one, "title": "Pushed"}) for one in RECORDS[:4]))
    watcher.step()
    late.set_result(found)
    assert watcher.live is not None
    changes.look(watcher.live)
    assert not waiting(watcher)
    site.write([edited[0], *RECORDS[1:3], *RECORDS[4:]])
    read(watcher, site.file)
    assert [(unit.ids, unit.remove) for unit in waiting(watcher)] == [
        ([IDS[0]], frozenset()),
        ((), {IDS[3]}),
    ]


def test_a_source_that_is_unchanged_since_a_push_shows_what_it_showed_when_the_push_came(
    tmp_path: Path, database: Database
) -> None:
    site = Site(tmp_path, database, follow_seconds=60)
    watcher = started(site)
    site.write([{**RECORDS[0], "title": "Edited"}, *RECORDS[1:]])
    read(watcher, site.file)
    site.push((IDS[0], {**RECORDS[0], "title": "Pushed"}))
    watcher.step()
    assert not waiting(watcher)
    read(watcher, site.file)
    assert [unit.ids for unit in waiting(watcher)] == [[IDS[0]]]


def test_a_push_that_waits_with_its_removal_from_the_source_stays(
    tmp_path: Path, database: Database
) -> None:
    site = Site(tmp_path, database, follow_seconds=60)
    watcher = started(site)
    site.write(RECORDS[1:])
    read(watcher, site.file)
    site.push((IDS[0], {**RECORDS[0], "title": "Moved into the CMS"}))
    watcher.step()
    assert not waiting(watcher)
    watcher._make_full("test")
    assert site.has(IDS[0])
    site.write(RECORDS)
    read(watcher, site.file)
    watcher.step()
    site.write(RECORDS[1:])
    read(watcher, site.file)
    watcher.step()
    assert not site.has(IDS[0]), "the source had it again, and has it no longer"


def test_a_change_that_is_taken_back_while_it_waits_is_none(
    tmp_path: Path, database: Database
) -> None:
    site = Site(tmp_path, database, follow_seconds=60)
    watcher = site.watcher()
    read(watcher)
    site.write([{**RECORDS[0], "title": "By mistake"}, *RECORDS[1:]])
    read(watcher, site.file)
    assert [unit.ids for unit in waiting(watcher)] == [[IDS[0]]]
    site.write(RECORDS)
    read(watcher, site.file)
    assert not waiting(watcher)


def test_what_was_read_before_another_build_went_live_is_not_applied_to_it(
    tmp_path: Path, database: Database
) -> None:
    site = Site(tmp_path, database, follow_seconds=60)
    watcher = site.watcher()
    read(watcher)
    changes, source = watcher.changes, watcher.changes._followed[0]
    site.write(RECORDS[1:])
    read(watcher, site.file)
    assert [unit.remove for unit in waiting(watcher)] == [{IDS[0]}]
    stale = changes._read[0]
    changes._reading[0] = late = Future[SourceRead | None]()
    publish(site.root, tmp_path, RECORDS)
    watcher._adopt()
    assert not waiting(watcher), "what was read"
    source.look()
    late.set_result(stale)
    assert watcher.live is not None
    changes.look(watcher.live)
    assert not waiting(watcher), "what was being read"
    read(watcher)
    assert changes._read[0].first, "all is read again"


def test_what_one_source_no_longer_has_comes_from_another(
    tmp_path: Path, database: Database
) -> None:
    site = Site(tmp_path, database, follow_seconds=60)
    site.files.append(tmp_path / "second.jsonl")
    names = [str(file) for file in site.files]
    watcher = site.watcher()
    site.write(RECORDS[1:])
    read(watcher)
    gone = [unit.remove for unit in waiting(watcher)]
    assert gone == [{IDS[0]}], "the second can't be read: nothing is known of it"
    site.write([{**RECORDS[0], "title": "In the second"}, RECORDS[2]], 1)
    read(watcher, *site.files)
    assert not waiting(watcher)
    read(watcher)
    assert [(unit.source, unit.ids) for unit in waiting(watcher)] == [(names[1], [IDS[0]])]

    site.write(RECORDS)
    read(watcher, site.file)
    watcher.step()
    build = site.root.open()
    assert build.article(build.row(IDS[0]) or 0).source == names[0], "the first has it again"

    site.write(RECORDS[1:])
    read(watcher, site.file)
    assert not waiting(watcher)
    read(watcher)
    watcher.step()
    build = site.root.open()
    assert build.title(build.row(IDS[0]) or 0) == "In the second"

    site.write([RECORDS[2]], 1)
    read(watcher, site.files[1])
    watcher.step()
    assert not site.has(IDS[0])


def test_a_push_of_what_the_first_source_has_stands_whatever_the_second_says(
    tmp_path: Path, database: Database
) -> None:
    site = Site(tmp_path, database, follow_seconds=60)
    site.files.append(tmp_path / "second.jsonl")
    site.write(RECORDS)
    site.write([{**RECORDS[0], "title": "In the second"}], 1)
    watcher = started(site)
    site.push((IDS[0], {**RECORDS[0], "title": "Pushed"}))
    watcher.step()
    site.write([{**RECORDS[0], "title": "Edited in the second"}], 1)
    read(watcher, site.files[1])
    assert not waiting(watcher)


def test_what_one_source_no_longer_has_comes_from_another_where_missing_articles_are_kept(
    tmp_path: Path, database: Database
) -> None:
    site = Site(tmp_path, database, follow_seconds=60)
    site.files.append(tmp_path / "second.jsonl")
    site.write(RECORDS[:1], 1)
    watcher = site.watcher()
    watcher.changes.keep_missing = True
    read(watcher)
    site.write(RECORDS[2:])
    read(watcher, site.file)
    assert not waiting(watcher)
    read(watcher)
    watcher.step()
    site.write([{**RECORDS[0], "title": "In the second"}], 1)
    read(watcher, site.files[1])
    watcher.step()
    build = site.root.open()
    assert build.title(build.row(IDS[0]) or 0) == "In the second"
    site.write(RECORDS[2:3], 1)
    read(watcher, site.files[1])
    assert not waiting(watcher)
    assert site.has(IDS[0])
    assert site.has(IDS[1])


def test_of_a_push_and_a_record_that_wait_together_the_newer_goes_live(
    tmp_path: Path, database: Database
) -> None:
    site = Site(tmp_path, database, follow_seconds=60)
    watcher = started(site)
    draft = {"article_id": IDS[0], "record": {**RECORDS[0], "title": "Pushed"}}
    database.pushed.put(SITE, [NewStatement(**draft, hidden_until=NEVER)])
    site.push(*((one["id"], {**one, "title": "Pushed"}) for one in RECORDS[1:4]))
    clock = f"{dt.datetime.now(dt.UTC):%Y-%m-%dT%H:%M:%S.%f}Z"
    given = [{**one, "title": "In the source"} for one in RECORDS[:4]]
    given[0]["updated"], given[1]["updated"] = clock, "2026-01-01T08:00:00Z"
    site.write([*given, *RECORDS[4:]])
    read(watcher, site.file)
    watcher.changes.refuse(waiting(watcher)[3], "as a gate refuses it")
    watcher.step()
    watcher.step()
    build = site.root.open()
    titles = [build.title(build.row(key) or 0) for key in IDS[:4]]
    assert titles == ["In the source", "Pushed", "In the source", "In the source"]
    assert not waiting(watcher)
    assert database.takedowns.get(IDS[0]) is None


@pytest.mark.parametrize("refused", [False, True])
def test_a_push_that_is_settled_holds_no_change_of_the_source_up(
    tmp_path: Path, database: Database, monkeypatch: pytest.MonkeyPatch, *, refused: bool
) -> None:
    site = Site(tmp_path, database, follow_seconds=60)
    site.push((IDS[0], None))
    if refused:
        database.pushed.refuse(IDS[0], database.pushed.last(), "a gate was against it")
    site.write(RECORDS[1:])
    watcher = site.watcher()
    watcher._make_full("test")
    assert not site.has(IDS[0]), "no source has it either"
    assert database.pushed.get(IDS[0]) is not None, "older builds may need it"
    monkeypatch.delattr(PushedStatements, "all")  # of many, only those at hand are asked for
    read(watcher)
    assert not waiting(watcher)
    site.write(RECORDS)
    read(watcher, site.file)
    assert [unit.ids for unit in waiting(watcher)] == [[IDS[0]]]


def test_a_push_is_not_passed_over_when_a_later_one_goes_live_first(
    tmp_path: Path, database: Database
) -> None:
    site = Site(tmp_path, database)
    site.push(*((one["id"], one) for one in topical(51)[48:]))
    watcher = site.watcher(alone=True)
    watcher._adopt()
    numbers = [one.number for one in database.pushed.above(0)]
    for part, reached in (
        (slice(2, 3), numbers[0] - 1),
        (slice(1), numbers[0]),
        (slice(2), numbers[2]),
    ):
        assert watcher._publish(waiting(watcher)[part]) is None
        assert site.root.manifest().pushed == reached


def test_a_full_build_is_made_when_much_drifted(tmp_path: Path, database: Database) -> None:
    site = Site(tmp_path, database, max_drift=0.01)
    watcher = site.watcher()
    site.push(("new", {**RECORDS[0], "id": "new", "url": "/new", "title": "New and new"}))
    steps(watcher)
    manifests = [site.root.manifest(name) for name in site.root.names()]
    assert [one.small for one in manifests] == [False, True, False]
    assert site.has("new")


@pytest.mark.parametrize("moves", [False, True])
def test_after_an_upgrade_a_full_build_is_made_and_no_push_is_refused_for_lists_that_move(
    tmp_path: Path, database: Database, monkeypatch: pytest.MonkeyPatch, moves: bool
) -> None:
    for module in ("index.building.builder", "index.building.relate_stage", watching.__name__):
        monkeypatch.setattr(f"{module}.version", lambda _: "next")
    if moves:
        monkeypatch.setattr("recommender.fusion._NEAREST", 1)
    site = Site(tmp_path, database, full_build_at="00:00", max_churn=0.0 if moves else 1.0)
    site.write(RECORDS)
    site.push(("new", {**RECORDS[0], "id": "new", "url": "/new", "title": "New and new"}))
    steps(site.watcher())
    waits = database.pushed.get("new")
    assert waits is None or waits.refused is None
    if moves:
        assert site.events().count("refuse") >= 2, "the full build, and the small one"
        assert not site.has("new")
        site.settings = site.settings.model_copy(update={"max_churn": 1.0})
        steps(site.watcher())
    assert site.has("new")
    assert site.root.manifest().alsolike == "next"
    assert not site.root.manifest().small


@pytest.mark.parametrize("days", [-2, 400])
def test_a_night_that_was_missed_is_made_up_for_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, days: int
) -> None:
    """Also if the clock was ahead when the last full build was made."""
    clock = time.time_ns
    with monkeypatch.context() as earlier:
        earlier.setattr(time, "time_ns", lambda: clock() + days * 86_400 * 10**9)
        first = publish(Root(tmp_path / "root"), tmp_path, RECORDS)
    with closing(open_decisions(Settings(root=tmp_path / "root"))) as database:
        site = Site(tmp_path, database, full_build_at="00:00")
        watcher = site.watcher()
        steps(watcher, 4)
        assert site.root.names()[0] == first
        assert len(site.root.names()) == 2
        assert not site.root.manifest().small
        assert read_journal(site.root.path)[-1]["reason"] == "nightly"


@pytest.mark.parametrize(
    ("now", "last"),
    [
        ("2027-03-28T01:00", "2027-03-27T02:30"),  # 03:00, half an hour before 02:30 is made up for
        ("2027-03-28T01:31", "2027-03-28T03:30"),
        ("2027-10-31T00:31", "2027-10-31T02:30"),
        ("2027-10-31T01:31", "2027-10-31T02:30"),  # the second 02:31 of that night
        ("2027-11-01T01:29", "2027-10-31T02:30"),
    ],
)
def test_a_night_whose_clocks_change_has_one_full_build(now: str, last: str) -> None:
    zone = ZoneInfo("Europe/Berlin")
    at, moment = (dt.datetime.fromisoformat(text) for text in (last, now))
    found = last_moment(dt.time(2, 30), moment.replace(tzinfo=dt.UTC).astimezone(zone))
    assert found == at.replace(tzinfo=zone).timestamp()


def test_the_first_build_is_made_as_soon_as_an_article_was_pushed(tmp_path: Path) -> None:
    with closing(open_decisions(Settings(root=tmp_path / "root"))) as database:
        site = Site(tmp_path, database, follow_seconds=60)
        watcher = site.watcher(alone=True)
        steps(watcher, 1)
        site.push((IDS[0], None), (IDS[1], {"title": [5, 6]}))
        steps(watcher, 2)
        assert site.events() == ["fail"], "of these no build can be made"
        site.push((IDS[0], RECORDS[0]))
        steps(watcher, 1)
        assert site.has(IDS[0])


def test_the_last_article_stays_though_it_was_pushed_as_gone(tmp_path: Path) -> None:
    with closing(open_decisions(Settings(root=tmp_path / "root"))) as database:
        site = Site(tmp_path, database, follow_seconds=60)
        watcher = site.watcher(alone=True)
        site.push((IDS[0], RECORDS[0]))
        steps(watcher, 1)
        site.push((IDS[0], None))
        database.pushed.refuse(IDS[0], database.pushed.last(), "nothing would be left")
        for _ in range(2):
            assert watcher._make_full("nightly")
            assert site.has(IDS[0]), "the last one stays"


def test_what_waits_is_told_with_the_reason(
    tmp_path: Path, database: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    site = Site(tmp_path, database)
    assert tell_waiting(site.root, database) == []
    site.push(("new", {**RECORDS[0], "title": "New"}), ("newer", {**RECORDS[0], "title": "Newer"}))
    (told,) = tell_waiting(site.root, database)
    assert re.match(r"2 pushes wait since 20..-..-.. ..:..:.. UTC: no alsolike watch runs", told)
    with locked(site.root.path, "alsolike watch", WATCH_LOCK):
        (told,) = tell_waiting(site.root, database)
        assert "alsolike watch builds them now" in told
    for one in database.pushed.above(0):
        database.pushed.refuse(one.article_id, one.number, "max_loss: too few are left")
    watch(root=site.root.path, status=True)
    assert capsys.readouterr().out.splitlines() == [
        "the push of new was refused: max_loss: too few are left",
        "the push of newer was refused: max_loss: too few are left",
    ]


def test_only_one_process_watches_and_only_with_the_live_model(
    tmp_path: Path, database: Database
) -> None:
    site = Site(tmp_path, database)
    first = site.watcher()
    thread = threading.Thread(target=first.run)
    thread.start()
    while first.live is None:
        time.sleep(0.05)
    with pytest.raises(BusyError, match="alsolike watch"):
        site.watcher().run()
    first.stop.set()
    thread.join(20)
    assert not thread.is_alive()
    with pytest.raises(ModelError, match="alsolike build --accept-change"):
        site.watcher(dim=96).run()
