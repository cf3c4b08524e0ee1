"""Small builds: how many are kept, what a rollback goes to, what the gates compare them with."""

from __future__ import annotations

import itertools
import json
import re
import time
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from index.articles.record import Record
from index.building import builder
from index.building.builder import make_build
from index.building.changes import Changes
from index.building.context import BuildOptions
from index.errors import BuildError, GateError
from index.publishing.build_history import describe_builds
from index.publishing.gates import Gate, Limits
from index.publishing.publish import publish_build
from index.publishing.retention import prune
from index.reporting.report import describe_reading
from index.root.root import Root
from index.sources.jsonl_source import JsonlSource
from recommender.encoder import HashingEncoder
from service.settings import Settings
from service.watching.build_run import build_options, run_build
from tests.support.articles import topical
from tests.support.builds import live, plain_mapping, publish
from tests.support.small_disk import small_disk

COUNT = 40
RECORDS = topical(COUNT)


@pytest.fixture
def root(tmp_path: Path) -> Root:
    place = Root(tmp_path / "root")
    publish(place, tmp_path, RECORDS)
    return place


def change(root: Root, put: Iterable[dict[str, Any]] = (), remove: Iterable[str] = ()) -> str:
    """Makes a small build and publishes it, if the gates let it."""
    records = [Record(location="change", values=record) for record in put]
    options = BuildOptions(
        mapping=plain_mapping(),
        changes=Changes(put={"pushed": records}, remove=frozenset(remove)),
        limits=Limits(max_churn=1.0),
    )
    with root.locked("test"):
        made = make_build(root, [], lambda: HashingEncoder(64), options)
        name = made.manifest.name
        publish_build(root, name, options.limits, assessment=made.assessment)
    return name


@pytest.mark.parametrize("older", [False, True])
def test_a_site_of_titles_passes_its_gates_after_a_small_build_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, older: bool
) -> None:
    place = Root(tmp_path / "root")
    titles = [{**one, "title": one["summary"], "summary": ""} for one in RECORDS]
    publish(place, tmp_path, titles)
    with monkeypatch.context() as before:
        if older:  # whose small builds said nothing of all articles
            before.setattr(builder, "_reading", lambda context: describe_reading(context.report))
        change(place, [{**titles[0], "title": "Another"}])
    change(place, [{**titles[0], "title": "Yet another"}])
    with place.locked("test"):
        options = BuildOptions(mapping=plain_mapping(), limits=Limits(max_churn=1.0))
        source = JsonlSource(str(tmp_path / "articles.jsonl"))
        made = make_build(place, [source], lambda: HashingEncoder(64), options)
    assert [one.passed for one in made.assessment.verdicts if one.gate is Gate.TEXT] == [True]


def test_a_build_that_is_removed_meanwhile_is_not_listed(
    root: Root, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = root.names()
    monkeypatch.setattr(Root, "names", lambda _: ["20200101T000000Z-aaaaaa", *there])
    assert [item["build"] for item in describe_builds(root)["items"]] == there


def retitled(number: int) -> list[dict[str, Any]]:
    return [{**RECORDS[number], "title": f"Another title, number {number}"}]


def test_many_small_losses_do_not_pass_one_by_one(root: Root) -> None:
    full = live(root)
    for number in range(4):
        change(root, remove=[RECORDS[number]["id"]])
    before = live(root)
    with pytest.raises(GateError, match="35 articles against 40 in the last full build") as refused:
        change(root, remove=[RECORDS[4]["id"]])
    assert refused.value.gate == Gate.ARTICLES
    assert live(root) == before
    change(root, put=retitled(9))
    days = describe_builds(root)["days"]
    assert [(day["published"], day["refused"]) for day in days] == [(5, 1)]
    with root.locked("test"):
        assert root.rollback(full=True) == full


def test_lists_that_only_small_builds_made_do_not_hold_a_full_build_back(
    root: Root, tmp_path: Path
) -> None:
    more = topical(2 * COUNT)
    assert more[:COUNT] == RECORDS
    change(root, put=more[COUNT:])
    (source := tmp_path / "all.jsonl").write_text("".join(f"{json.dumps(one)}\n" for one in more))
    options = BuildOptions(mapping=plain_mapping())
    with root.locked("test"):
        made = make_build(root, [JsonlSource(str(source))], lambda: HashingEncoder(64), options)
    assert made.assessment is not None
    (verdict,) = [one for one in made.assessment.verdicts if one.gate is Gate.LISTS]
    assert re.search(rf"\b(of|in) {COUNT}\b", verdict.message), verdict.message
    assert made.assessment.churn is not None
    assert len(made.assessment.churn.rows) == 2 * COUNT, "people see the changes of all lists"


def test_a_rollback_goes_to_the_build_before_or_to_the_last_full_one(root: Root) -> None:
    full = live(root)
    small = [change(root, put=retitled(number)) for number in range(3)]
    assert root.kept_for_rollback() == [small[2], small[1], full]
    assert describe_builds(root)["rollback"] == [small[1], full]
    with root.locked("test"):
        assert root.rollback() == small[1]
        assert root.rollback(full=True) == full
        with pytest.raises(BuildError, match="no earlier full build"):
            root.rollback(full=True)


def test_builds_are_listed_without_a_journal_that_can_be_read(root: Root) -> None:
    (root.path / "journal.jsonl").unlink()
    (root.path / "journal.jsonl").mkdir()
    found = describe_builds(root)
    assert "journal.jsonl can't be read" in found["problem"]
    assert [one["build"] for one in found["items"]] == root.names()


def test_small_builds_go_by_number_and_age(root: Root, monkeypatch: pytest.MonkeyPatch) -> None:
    full = live(root)
    small = [change(root, put=retitled(number)) for number in range(5)]
    with root.locked("test"):
        assert prune(root, 1, 2) == [], "a process may still read them"
    clock = time.time
    monkeypatch.setattr(time, "time", lambda: clock() + 120)
    with root.locked("test"):
        assert prune(root, 1, 2) == small[:3]
        assert root.names() == [full, *small[3:]]
        monkeypatch.setattr(time, "time", lambda: clock() + 86_400)
        assert prune(root, 1, 5, 12) == [], "those that a rollback goes to stay"
        assert prune(root, 1, 5, float("inf")) == []


def test_small_builds_named_by_a_clock_that_was_ahead_go_like_others(
    root: Root, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, since = time.time_ns, time.time
    with monkeypatch.context() as ahead:
        ahead.setattr(time, "time_ns", lambda: clock() + 365 * 86_400 * 10**9)
        change(root, put=retitled(0))
    small = [change(root, put=retitled(number)) for number in range(1, 5)]
    monkeypatch.setattr(time, "time", lambda: since() + 120)
    with root.locked("test"):
        prune(root, 1, 2)
        assert root.names()[-2:] == small[2:]
        assert len(root.names()) == 3


@pytest.mark.long
def test_a_disk_that_old_builds_fill_has_room_for_the_next_try(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with small_disk(tmp_path / "disk", 12) as disk:
        root = Root(disk / "root")
        publish(root, tmp_path, RECORDS)
        changes = map(retitled, itertools.cycle(range(COUNT)))
        with pytest.raises(BuildError, match=r"full|No space"):
            any(not change(root, put=records) for records in changes)
        clock = time.time
        monkeypatch.setattr(time, "time", lambda: clock() + 120)
        records = [Record(location="change", values={**RECORDS[0], "title": "At last"})]
        settings = Settings(root=root.path, max_churn=1.0)
        options = build_options(settings, changes=Changes(put={"pushed": records}))
        make = partial(run_build, root, settings, [], options, lambda: HashingEncoder(64))
        with root.locked("test"):
            with pytest.raises(BuildError, match=r"full|No space"):
                make(lambda *_: None)
            assert make(lambda *_: None).refusal is None
        build = root.open()
        assert build.title(build.row(RECORDS[0]["id"]) or 0) == "At last"
