"""One write, sync, rename or statement after another fails: what was live and decided stays."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from index.building.builder import make_build
from index.building.context import BuildOptions
from index.errors import DatabaseError
from index.publishing.gates import Limits
from index.publishing.publish import publish_build
from index.query import RelatedQuery
from index.root.journal import read_journal
from index.root.root import Root
from index.sources.jsonl_source import JsonlSource
from recommender.encoder import HashingEncoder
from recommender.errors import AlsoLikeError
from recommender.visibility import NEVER, utc_now
from service.decisions.database import Database
from service.decisions.decision_state import OverrideKind
from service.decisions.open_decisions import open_decisions
from service.decisions.pushed_statements import NewStatement
from service.decisions.snapshot import load_snapshot
from service.serving.selection import select
from service.serving.serving_view import ServingView
from service.settings import Settings
from tests.support.articles import topical
from tests.support.builds import live, plain_mapping, publish
from tests.support.decision_databases import MIRA, started
from tests.support.faulty_disk import Faults, faulty_disk

LASTING = pytest.mark.parametrize("lasting", [False, True], ids=["once", "from then on"])


def build_and_publish(root: Root, source: Path) -> None:
    options = BuildOptions(mapping=plain_mapping())
    with root.locked("test"):
        made = make_build(root, [JsonlSource(str(source))], lambda: HashingEncoder(64), options)
        publish_build(root, made.manifest.name, Limits(), assessment=made.assessment, force=True)


def check_root(root: Root) -> None:
    """What is live is whole, and so is whatever has a build's name."""
    for name in root.names():
        root.verify(name)
    build = root.open(live(root))
    view = ServingView(build)
    for row in range(build.count):
        assert len(select(view, row, now=utc_now(), query=RelatedQuery())) == 6


@pytest.fixture(scope="module")
def twenty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A root with a build of twenty articles, and a source of which some have changed."""
    folder = tmp_path_factory.mktemp("twenty")
    publish(Root(folder / "root"), folder, topical(20))
    changed = [*topical(20)[:15], *topical(20, seed=1)[15:]]
    (folder / "changed.jsonl").write_text("\n".join(map(json.dumps, changed)))
    return folder


def check_building(twenty: Path, folder: Path, first: int, *, lasting: bool) -> list[str]:
    """Let one operation of a build and of its publishing fail; return all that were done."""
    root, faults = Root(folder / "root"), Faults(first, lasting=lasting)
    shutil.rmtree(root.path, ignore_errors=True)
    shutil.copytree(twenty / "root", root.path)
    before, error = live(root), ""
    try:
        with faulty_disk(root.path, faults):
            build_and_publish(root, twenty / "changed.jsonl")
    except AlsoLikeError as met:
        error = str(met)
    assert "\n" not in error
    check_root(root)
    after = live(root)
    assert error or after != before
    build_and_publish(root, twenty / "changed.jsonl")  # the fault is gone
    check_root(root)
    assert live(root) not in (before, after)
    assert {path.name for path in root.builds.iterdir()} == set(root.names())
    assert not list(root.path.glob(".*.tmp"))
    moves = [
        line["build"] for line in read_journal(root.path) if line["event"] in ("publish", "force")
    ]
    assert moves == list(dict.fromkeys([before, after, live(root)]))
    return faults.done


def some(count: int, most: int) -> list[int]:
    """Numbers of operations, spread over all."""
    return random.Random(count).sample(range(1, count + 1), most)


@LASTING
def test_a_build_that_fails_anywhere_leaves_the_live_one(
    twenty: Path, tmp_path: Path, lasting: bool
) -> None:
    count = len(check_building(twenty, tmp_path, 0, lasting=False))
    assert count > 700
    for first in some(count, 4):
        check_building(twenty, tmp_path, first, lasting=lasting)


@pytest.mark.full
@pytest.mark.timeout(1_200)
@LASTING
def test_a_build_that_fails_at_each_step_leaves_the_live_one(
    twenty: Path, tmp_path: Path, lasting: bool
) -> None:
    count = len(check_building(twenty, tmp_path, 0, lasting=False))
    for first in range(1, count + 1):
        check_building(twenty, tmp_path, first, lasting=lasting)


def pin(database: Database, target: str, position: int) -> None:
    database.overrides.put(
        MIRA, article_id="a", target_id=target, kind=OverrideKind.PIN, position=position
    )


def hide(database: Database) -> None:
    database.overrides.put(MIRA, article_id="a", target_id="c", kind=OverrideKind.HIDE)


def judge(database: Database, target: str) -> None:
    database.judgments.put(MIRA, article_id="a", target_id=target, verdict=1)


def push(database: Database, **said: Any) -> None:
    record = {"id": "p", "title": "P"}
    database.pushed.put(MIRA, [NewStatement(article_id="p", record=record, **said)])


DECISIONS: dict[str, Callable[[Database], object]] = {
    "pin": lambda database: pin(database, "d", 2),
    "unpin": lambda database: database.overrides.remove(MIRA, article_id="a", target_id="b"),
    "hide": hide,
    "take down": lambda database: database.takedowns.put(MIRA, article_id="y"),
    "lift": lambda database: database.takedowns.lift(MIRA, article_id="x"),
    "judge": lambda database: judge(database, "c"),
    "withdraw": lambda database: database.judgments.remove(MIRA, article_id="a", target_id="b"),
    "undo": lambda database: database.audit.undo(MIRA, 1),
    "push": push,
    "unpublish": lambda database: push(database, hidden_until=NEVER),
}
"""Each kind of decision, made where there are a pin, a takedown and a judgment already."""

FIRST = "the first of a site"


@pytest.fixture(scope="module")
def decided(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("decided")
    with closing(open_decisions(Settings(root=root))) as database:
        pin(database, "b", 1)
        judge(database, "b")
        database.takedowns.put(MIRA, article_id="x")
    return root


def facts(database: Database) -> object:
    """All that is decided, without times."""
    return (
        [(one.target_id, one.kind, one.position) for one in database.overrides.all()],
        sorted(one.article_id for one in database.takedowns.all()),
        sorted(one.target_id for one in database.judgments.all()),
        [(one.article_id, one.number) for one in database.pushed.all()],
        [(one.seq, one.action) for one in database.audit.all()],
    )


def check_deciding(decided: Path, root: Path, kind: str, first: int, *, lasting: bool) -> int:
    """Let one operation of a decision fail; return how many were done."""
    decide = DECISIONS.get(kind, DECISIONS["take down"])
    settings, faults, error = Settings(root=root), Faults(first, lasting=lasting), ""
    shutil.rmtree(root, ignore_errors=True)
    before: object = ([], [], [], [], [])
    if kind == FIRST:
        root.mkdir()
    else:
        shutil.copytree(decided, root)
        with closing(open_decisions(settings)) as database:
            before = facts(database)
    try:
        with faulty_disk(root, faults), closing(open_decisions(settings)) as database:
            decide(database)
    except DatabaseError as met:
        error = str(met)
    assert "\n" not in error
    saved = load_snapshot(root)
    with closing(open_decisions(settings)) as database:
        after = facts(database)
        assert error or after != before
        if saved is None:
            assert kind == FIRST
            assert error
        else:
            assert error or saved.takedowns.keys() == database.state().takedowns.keys()
        if after == before:
            decide(database)  # the fault is gone
            assert facts(database) != before
    assert started(settings).state == load_snapshot(root)
    return len(faults.done)


@pytest.mark.parametrize("kind", [*DECISIONS, FIRST])
def test_a_decision_is_durable_or_refused_whatever_fails(
    decided: Path, tmp_path: Path, kind: str
) -> None:
    count = check_deciding(decided, tmp_path / "root", kind, 0, lasting=False)
    for first in some(count, 2):
        check_deciding(decided, tmp_path / "root", kind, first, lasting=bool(first % 2))


@pytest.mark.full
@LASTING
@pytest.mark.parametrize("kind", [*DECISIONS, FIRST])
def test_a_decision_is_durable_or_refused_whichever_step_fails(
    decided: Path, tmp_path: Path, kind: str, lasting: bool
) -> None:
    count = check_deciding(decided, tmp_path / "root", kind, 0, lasting=False)
    for first in range(1, count + 1):
        check_deciding(decided, tmp_path / "root", kind, first, lasting=lasting)
