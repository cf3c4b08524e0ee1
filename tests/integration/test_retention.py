"""Which builds stay."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from index.building.builder import make_build
from index.building.context import BuildOptions
from index.errors import BuildError, GateError
from index.publishing.gates import Limits
from index.publishing.publish import publish_build
from index.publishing.retention import prune
from index.root.journal import read_journal
from index.root.root import Root
from index.sources.jsonl_source import JsonlSource
from recommender.encoder import HashingEncoder
from tests.support.builds import plain_mapping

WRITE = Callable[[Iterable[Any]], Path]
BUILD = Callable[[], str]


@pytest.fixture
def root(tmp_path: Path) -> Root:
    return Root(tmp_path / "root")


@pytest.fixture
def build(root: Root, write_jsonl: WRITE) -> BUILD:
    source = write_jsonl(
        {"id": f"a{number}", "title": f"Title {number}", "summary": "Some words."}
        for number in range(5)
    )

    def make() -> str:
        options = BuildOptions(mapping=plain_mapping())
        sources = [JsonlSource(str(source))]
        return make_build(root, sources, lambda: HashingEncoder(8), options).manifest.name

    return make


def test_the_latest_stay(root: Root, build: BUILD) -> None:
    with root.locked("test"):
        made = [build() for _ in range(4)]
        assert prune(root, 2) == made[:2]
    assert root.names() == made[2:]
    assert read_journal(root.path)[-1]["builds"] == made[:2]


def test_a_build_named_by_a_clock_that_was_ahead_is_not_the_latest_for_ever(
    root: Root, build: BUILD, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = time.time_ns
    with root.locked("test"):
        with monkeypatch.context() as ahead:
            ahead.setattr(time, "time_ns", lambda: clock() + 365 * 86_400 * 10**9)
            made = [build()]
        made += [build(), build()]
        assert prune(root, 1) == made[:2]
    assert root.names() == made[2:]


def test_nothing_is_removed_or_said_while_there_are_few(root: Root, build: BUILD) -> None:
    with root.locked("test"):
        build()
        before = read_journal(root.path)
        assert prune(root, 1) == []
    assert read_journal(root.path) == before


def test_the_live_build_and_its_rollback_stay_however_old(root: Root, build: BUILD) -> None:
    with root.locked("test"):
        first, second, *later = [build() for _ in range(5)]
        root.make_live(root.verify(first))
        root.make_live(root.verify(second))
        assert prune(root, 1) == later[:-1]
        assert root.rollback() == first
        assert root.verify().name == first


def test_after_a_rollback_the_one_before_is_kept_next(root: Root, build: BUILD) -> None:
    with root.locked("test"):
        made = [build() for _ in range(4)]
        for name in made[:3]:
            root.make_live(root.verify(name))
        root.rollback()
        assert prune(root, 1) == [made[2]]
        assert root.kept_for_rollback() == [made[1], made[0]]


def test_a_rollback_passes_over_builds_that_are_gone(root: Root, build: BUILD) -> None:
    with root.locked("test"):
        first, second, third = [build() for _ in range(3)]
        for name in (first, second, third):
            root.make_live(root.verify(name))
        root.remove(second)
        assert root.rollback() == first
        with pytest.raises(BuildError, match="no earlier build"):
            root.rollback()


def test_nothing_is_removed_while_nobody_knows_what_is_live(root: Root, build: BUILD) -> None:
    with root.locked("test"):
        made = [build() for _ in range(3)]
        root.make_live(root.verify(made[0]))
        (root.path / "CURRENT").write_text("{}")
        with pytest.raises(BuildError, match="CURRENT is damaged"):
            prune(root, 1)
    assert root.names() == made


def test_a_removal_cut_short_is_finished_by_the_next_process(root: Root, build: BUILD) -> None:
    with root.locked("test"):
        made = [build() for _ in range(2)]
        root.make_live(root.verify(made[1]))
    # As far as kill -9 may let it come: renamed, and some files gone.
    doomed = root.folder(made[0]).rename(root.builds / f".removed-{made[0]}")
    (doomed / "ids.bin").unlink()
    assert root.names() == [made[1]]
    with root.locked("test"):
        assert [path.name for path in root.builds.iterdir()] == [made[1]]


def test_what_cannot_be_removed_stops_neither_a_prune_nor_a_rollback(
    root: Root, build: BUILD, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with root.locked("test"):
        made = [build() for _ in range(4)]
        for name in made:
            root.make_live(root.verify(name))

    def refuse(path: Path) -> None:  # as another user's files do, or open ones on NFS
        raise PermissionError(13, "Permission denied", str(path / "ids.bin"))

    monkeypatch.setattr("index.root.root.shutil.rmtree", refuse)
    with root.locked("test"):
        assert prune(root, 1) == []
    assert f"build {made[0]} can't be removed: [Errno 13]" in caplog.text
    with root.cleaned("test") as told:
        assert root.rollback() == made[2]
    for name, line in zip(made[:2], told, strict=True):
        assert f".removed-{name} can't be removed: [Errno 13]" in line
    monkeypatch.undo()
    with root.locked("test"):
        assert sorted(path.name for path in root.builds.iterdir()) == made[2:]


def test_a_rollback_holds_publishing_until_it_is_released(root: Root, build: BUILD) -> None:
    with root.locked("test"):
        first, second, third = [build() for _ in range(3)]
        root.make_live(root.verify(first))
        root.make_live(root.verify(second))
        root.rollback(reason="odd lists")
        with pytest.raises(GateError, match=r"on hold since .*odd lists.*alsolike release") as held:
            publish_build(root, third, Limits())
        assert held.value.gate == 16
        assert root.verify().name == first
        fourth = build()  # builds go on
        assert root.release(reason="mended") is True
        publish_build(root, fourth, Limits())
        assert root.verify().name == fourth
        assert root.release() is False
    events = [line["event"] for line in read_journal(root.path)]
    assert events[-4:] == ["rollback", "build", "release", "publish"]


def test_the_journal_survives_a_line_cut_short(root: Root, build: BUILD) -> None:
    with root.locked("test"):
        name = build()
        with (root.path / "journal.jsonl").open("a") as file:
            file.write('{"event": "publi')
        root.make_live(root.verify(name))
    lines = (root.path / "journal.jsonl").read_text().splitlines()
    assert [json.loads(line)["event"] for line in (lines[0], lines[2])] == ["build", "publish"]
    assert [line["event"] for line in read_journal(root.path)] == ["build", "publish"]


def test_a_publish_that_died_before_its_line_is_recorded_by_the_next_process(
    root: Root, build: BUILD
) -> None:
    with root.locked("test"):
        name = build()
        journal = (root.path / "journal.jsonl").read_bytes()
        root.make_live(root.verify(name))
    (root.path / "journal.jsonl").write_bytes(journal)
    with root.locked("test") as found:
        assert len(found) == 1
        assert name in found[0]
    last = read_journal(root.path)[-1]
    assert (last["event"], last["build"]) == ("publish", name)
    with root.locked("test") as found:
        assert found == []
