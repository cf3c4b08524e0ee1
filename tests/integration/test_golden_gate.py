"""The gate that demands of a build what editors said of links."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from index.building.builder import make_build
from index.building.context import BuildOptions
from index.errors import GateError
from index.publishing.build_history import describe_builds
from index.publishing.gates import Gate, Limits, Verdict
from index.publishing.publish import publish_build
from index.query import RelatedQuery
from index.root.journal import read_journal
from index.root.root import Root
from index.sources.jsonl_source import JsonlSource
from recommender.encoder import HashingEncoder
from service.curation.golden_set import agreements_of, golden_gate
from service.decisions.decision_state import OverrideKind
from service.decisions.open_decisions import FILE, open_decisions
from service.decisions.snapshot_file import SNAPSHOT
from service.roles import Role
from service.serving.selection import select
from service.serving.serving_view import ServingView
from service.settings import Settings
from tests.support.builds import plain_mapping
from tests.support.editor_forms import add_editor, editor
from tests.support.editor_site import PAGE, TESTER, Desk, build_site, open_desk
from tests.support.editor_site import records as site_records

AWAY = "postgresql://reader:hunter2@127.0.0.1:1/x"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A root with two builds of articles on four topics, and an admin."""
    root = build_site(tmp_path_factory.mktemp("site"))
    add_editor(root, "mira", Role.ADMIN)
    return root


@pytest.fixture
def root(site: Path, tmp_path: Path) -> Root:
    shutil.copytree(site, tmp_path / "root")
    return Root(tmp_path / "root")


def demand(root: Root, least: float, **settings: Any) -> Settings:
    return Settings(root=root.path, min_golden=least, **settings)


def judge(settings: Settings, *words: int) -> None:
    """Say something of the first links of a page, as readers see them."""
    build = Root(settings.root).open()
    row = build.row(PAGE)
    assert row is not None
    shown = select(ServingView(build), row, now=time.time_ns() // 1000, query=RelatedQuery(limit=6))
    with closing(open_decisions(settings)) as database:
        for item, verdict in zip(shown, words, strict=False):
            target_id = build.article_id(item.row)
            database.judgments.put(TESTER, article_id=PAGE, target_id=target_id, verdict=verdict)


def demanded(settings: Settings, **more: Any) -> Limits:
    return Limits(max_churn=1.0, max_weak=1.0, golden=golden_gate(settings), **more)


def publish(
    root: Root, settings: Settings, *, accept_change: bool = False, force: bool = False
) -> list[Verdict]:
    """Publish the live build once more: only this gate has anything to say."""
    pointer = root.current()
    assert pointer is not None
    limits = demanded(settings, accept_change=accept_change)
    with root.locked("test"):
        return publish_build(root, pointer.build, limits, force=force)


def golden_of(verdicts: list[Verdict]) -> Verdict:
    [found] = [verdict for verdict in verdicts if verdict.gate is Gate.GOLDEN]
    return found


def test_nothing_is_demanded_unless_the_settings_do(root: Root) -> None:
    judge(demand(root, 0.0), -1)
    assert golden_gate(demand(root, 0.0)) is None
    assert Gate.GOLDEN not in {verdict.gate for verdict in publish(root, demand(root, 0.0))}


@pytest.mark.parametrize(("least", "held"), [(0.75, False), (0.76, True)])
def test_a_build_that_follows_editors_too_little_is_held_back(
    root: Root, least: float, held: bool
) -> None:
    settings = demand(root, least)
    judge(settings, 1, 1, -1, 1)
    if not held:
        assert golden_of(publish(root, settings)).value == 0.75
        return
    with pytest.raises(GateError, match=r"75\.0% of the 4 links .* at least 76\.0% are") as refused:
        publish(root, settings)
    assert refused.value.gate == Gate.GOLDEN
    assert "--golden" in str(refused.value)
    with pytest.raises(GateError):
        publish(root, settings, accept_change=True)
    name = root.names()[-1]
    told = read_journal(root.path)[-1]
    assert (told["event"], told["gates"]) == ("refuse", {"golden": 0.75})
    [row] = [item for item in describe_builds(root)["items"] if item["build"] == name]
    assert row["note"] == "golden"
    assert row["found"] == [golden_of(publish(root, settings, force=True)).message]
    told = read_journal(root.path)[-1]
    assert (told["event"], told["gates"]) == ("force", {"golden": 0.75})
    assert told["found"] == row["found"]


def test_the_gate_measures_what_evaluate_does_without_overrides(root: Root) -> None:
    settings = demand(root, 0.1)
    judge(settings, 1, -1)
    build = root.open()
    with closing(open_decisions(settings)) as database:
        database.overrides.put(
            TESTER, article_id=PAGE, target_id="rail-003", kind=OverrideKind.PIN, position=1
        )
    [found] = agreements_of([build], settings)
    assert found.missed == ((PAGE, "rail-003"),)
    assert golden_of(publish(root, settings)).value == found.share == pytest.approx(1 / 3)


def test_where_nobody_said_anything_nothing_is_demanded_and_no_database_made(root: Root) -> None:
    for path in root.path.glob(f"{FILE}*"):
        path.unlink()
    (root.path / SNAPSHOT).unlink(missing_ok=True)
    found = golden_of(publish(root, demand(root, 1.0)))
    assert found.passed
    assert "have not judged or pinned any link" in found.message
    assert not (root.path / FILE).exists()


@pytest.mark.parametrize("how", ["away", "lost"])
def test_what_editors_said_must_be_readable(root: Root, how: str) -> None:
    """A gate that passes what it can't measure is none; forcing is for people to decide."""
    settings = demand(root, 0.5, **({"database": AWAY} if how == "away" else {}))
    if how == "lost":
        with closing(open_decisions(settings)) as database:
            database.takedowns.put(TESTER, article_id="gone")
        for path in root.path.glob(f"{FILE}*"):
            path.unlink()
    with pytest.raises(GateError, match="editors' judgments can't be read") as refused:
        publish(root, settings)
    assert refused.value.gate == Gate.GOLDEN
    assert "hunter2" not in str(refused.value)
    assert not golden_of(publish(root, settings, force=True)).passed


def test_a_first_build_is_held_to_nothing_that_editors_said(
    root: Root, tmp_path: Path, write_jsonl: Callable[..., Path]
) -> None:
    (root.path / "CURRENT").unlink()
    settings = demand(root, 1.0, database=AWAY)
    with root.locked("test"):
        found = publish_build(root, root.names()[0], demanded(settings))
    assert not golden_of(found).passed
    assert root.current() is not None


def test_the_report_says_what_the_gate_would(root: Root, write_jsonl: Callable[..., Path]) -> None:
    settings = demand(root, 0.6)
    judge(settings, 1, -1)
    source = JsonlSource(str(write_jsonl(site_records())))
    options = BuildOptions(mapping=plain_mapping(), limits=Limits(golden=golden_gate(settings)))
    with root.locked("test"):
        manifest = make_build(root, [source], lambda: HashingEncoder(64), options).manifest
    assert root.verify(manifest.name).files
    build = root.open(manifest.name)
    told = build.report()["gates"][-1]
    assert (told["gate"], told["exit_code"], told["value"]) == ("golden", 18, 0.5)
    assert not told["passed"]
    assert agreements_of([build], settings)[0].share == 0.5
    assert told["message"] in build.checked("report.html").read_text()


# Against the live build


def shown(root: Root) -> list[str]:
    """The first list as readers of the live build see it."""
    build = root.open()
    row = build.row(PAGE)
    assert row is not None
    items = select(ServingView(build), row, now=time.time_ns() // 1000, query=RelatedQuery(limit=6))
    return [build.article_id(item.row) for item in items]


def rebuild(root: Root, tmp_path: Path, **changes: dict[str, Any] | None) -> str:
    """Another build of the site, some of whose articles are other ones, or gone."""
    kept = [
        {**record, **(changes.get(record["id"]) or {})}
        for record in site_records()
        if changes.get(record["id"], {}) is not None
    ]
    path = tmp_path / "changed.jsonl"
    path.write_text("".join(f"{json.dumps(record)}\n" for record in kept))
    options = BuildOptions(mapping=plain_mapping())
    with root.locked("test"):
        sources = [JsonlSource(str(path))]
        return make_build(root, sources, lambda: HashingEncoder(64), options).manifest.name


def publish_after(root: Root, name: str, settings: Settings) -> Verdict:
    with root.locked("test"):
        return golden_of(publish_build(root, name, demanded(settings)))


OFF_TOPIC = {"title": "Tram depot", "summary": "Pantograph viaduct siding turnout gauge depot."}


def test_a_new_judgment_moves_both_builds_and_holds_nothing_back(
    root: Root, tmp_path: Path
) -> None:
    name = rebuild(root, tmp_path)
    judge(demand(root, 0.0), -1, -1, -1)
    with pytest.raises(GateError, match=r"0\.0% of the 3 links"):
        publish_after(root, name, demand(root, 0.5))
    found = publish_after(root, name, demand(root, 0.0, max_golden_drop=0.0))
    assert (found.value, found.limit, found.passed) == (0.0, 0.0, True)
    assert "in the live build 0.0%" in found.message


@pytest.mark.parametrize(("most", "held"), [(0.0, True), (0.24, True), (0.25, False)])
def test_a_build_that_loses_good_links_against_the_live_one_is_held_back(
    root: Root, tmp_path: Path, most: float, held: bool
) -> None:
    settings = demand(root, 0.0, max_golden_drop=most)
    judge(settings, 1, 1, 1, 1)
    name = rebuild(root, tmp_path, **{shown(root)[1]: OFF_TOPIC})
    if not held:
        assert publish_after(root, name, settings).value == 0.75
        return
    with pytest.raises(GateError, match=r"of the 4 .* 75\.0% are .* live build 100\.0%") as refused:
        publish_after(root, name, settings)
    assert refused.value.gate == Gate.GOLDEN
    assert root.current().build != name  # type: ignore[union-attr]


def test_a_good_link_lost_and_a_bad_one_gone_weigh_the_same(root: Root, tmp_path: Path) -> None:
    judge(demand(root, 0.0), 1, -1)
    first, second, *_ = shown(root)
    name = rebuild(root, tmp_path, **{first: OFF_TOPIC, second: OFF_TOPIC})
    found = publish_after(root, name, demand(root, 0.0, max_golden_drop=0.0))
    assert (found.value, found.limit) == (0.5, 0.5)


def test_an_article_that_left_takes_what_was_said_of_it_along(root: Root, tmp_path: Path) -> None:
    judge(demand(root, 0.0), 1, 1)
    gone, *_ = shown(root)
    name = rebuild(root, tmp_path, **{gone: None})
    found = publish_after(root, name, demand(root, 0.0, max_golden_drop=0.0))
    assert "of the 1 judged or pinned links that both builds could show" in found.message
    assert found.value == 1.0


def test_where_both_builds_share_no_judged_article_nothing_is_lost(
    root: Root, tmp_path: Path
) -> None:
    name = rebuild(root, tmp_path)
    found = publish_after(root, name, demand(root, 0.0, max_golden_drop=0.0))
    assert found.passed
    assert "have not judged or pinned any link" in found.message


def test_of_two_demands_both_are_told_and_either_holds_back(root: Root, tmp_path: Path) -> None:
    judge(demand(root, 0.0), 1, 1)
    name = rebuild(root, tmp_path, **{shown(root)[0]: OFF_TOPIC})
    for least, most in ((0.4, 0.0), (0.6, 1.0)):
        with pytest.raises(
            GateError, match=r"50\.0% of the 2 links .*; of the 2 judged .* build 100"
        ):
            publish_after(root, name, demand(root, least, max_golden_drop=most))
    assert publish_after(root, name, demand(root, 0.5, max_golden_drop=0.5)).value == 0.5


def test_without_another_live_build_there_is_nothing_to_lose(root: Root) -> None:
    settings = demand(root, 0.0, max_golden_drop=0.0)
    judge(settings, -1, 1)
    assert golden_of(publish(root, settings)).passed  # it is live itself
    (root.path / "CURRENT").unlink()
    assert publish_after(root, root.names()[-1], settings).passed


def test_a_live_build_that_cant_be_read_is_told_and_forced_past(root: Root, tmp_path: Path) -> None:
    settings = demand(root, 0.0, max_golden_drop=0.0)
    name = rebuild(root, tmp_path)
    with (root.folder() / "related_rows.npy").open("r+b") as file:
        file.write(b"\xff" * 200)
    with pytest.raises(GateError, match=r"the live build can.t be read"):
        publish_after(root, name, settings)
    with root.locked("test"):
        publish_build(root, name, demanded(settings), force=True)
    assert root.current().build == name  # type: ignore[union-attr]


@pytest.fixture
def desk(site: Path, tmp_path: Path) -> Iterator[Desk]:
    with open_desk(site, tmp_path, max_churn=1.0, min_golden=0.9, model="hashing:64") as opened:
        judge(opened.settings, 1, -1)
        yield opened


def test_over_http_and_on_the_page_the_gate_holds_and_says_why(desk: Desk) -> None:
    name = desk.root.names()[-1]
    refused = desk.ask("POST", f"/v1/builds/{name}/publish", Role.ADMIN, json={})
    assert refused.status_code == 409
    assert "50.0% of the 2 links" in refused.json()["detail"]
    with editor(desk) as mira:
        mira.get("/editor/builds/publish", build=name)
        answer = mira.send("/editor/builds/publish", build=name)
        assert answer.status_code == 409
        assert "50.0% of the 2 links" in mira.said
        done = mira.send("/editor/builds/publish", build=name, force="yes", reason="looked at")
        assert "The build is now live." in mira.page, done.text
    assert read_journal(desk.root.path)[-1]["gates"] == {"golden": 0.5}


def test_the_page_of_builds_says_what_a_refused_one_was_refused_for(desk: Desk) -> None:
    desk.ask("POST", "/v1/rollback", Role.ADMIN, json={})
    desk.ask("POST", "/v1/release", Role.ADMIN, json={})
    name = desk.root.names()[-1]
    assert desk.ask("POST", f"/v1/builds/{name}/publish", Role.ADMIN, json={}).status_code == 409
    [told] = [i for i in desk.ask("GET", "/v1/builds").json()["items"] if i["build"] == name]
    assert told["state"] == "refused"
    with editor(desk) as mira:
        assert told["found"][0] in mira.get("/editor/builds").text
