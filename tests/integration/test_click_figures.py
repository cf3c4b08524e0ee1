"""What readers follow: figures of counted clicks, on the editors' pages and by the command."""

from __future__ import annotations

import datetime as dt
import json
import shutil
import sqlite3
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from numpy.typing import NDArray

from index.root.comparison import COMPARISON, ComparisonState, write_comparison
from recommender.evidence import KINDS
from service.clicks import click_figures, comparison_findings
from service.clicks.click_figures import ClickFigures, best_links, first_day, worst_links
from service.clicks.click_store import FILE, ClickStore, counts, open_clicks, rejected
from service.clicks.comparison_findings import ComparisonFinder
from service.clicks.link_evidence import strongest_evidence
from service.roles import Role
from service.settings import Settings
from tests.support.articles import topical
from tests.support.commands import runner
from tests.support.compared_site import ComparedSite
from tests.support.decision_databases import NewUrl
from tests.support.editor_forms import add_editor, editor
from tests.support.editor_site import PAGE, Desk, build_site, open_desk

BUILD = "20260130T030000Z-00ab12"
LOVED, IGNORED, RARE, DEAD = "sea-016", "sea-020", "sea-024", "song-001"
"""Of PAGE's list, what readers follow, pass over and hardly saw; and a list that nobody follows."""


def today() -> dt.date:
    """Asked anew each time: a run that begins before midnight may come here after it."""
    return dt.datetime.now(dt.UTC).date()


def count(settings: Settings) -> None:
    """Two days of two lists, and a day long past."""
    rows = {}
    for ago in (0, 2, 400):
        day = str(today() - dt.timedelta(days=ago))
        for article, target, position, origin, seen, clicked in (
            (PAGE, "", 0, "", 500, 100),
            (PAGE, LOVED, 1, "related", 500, 90),
            (PAGE, IGNORED, 1, "pinned", 500, 10),
            (PAGE, RARE, 2, "fallback", 20, 1),
            (DEAD, "", 0, "", 300, 0),
            (DEAD, PAGE, 1, "related", 300, 0),
        ):
            rows[day, "live", BUILD, article, target, position, origin] = [seen, clicked]
    with closing(open_clicks(settings)) as store:
        store.add(
            {counts: rows, rejected: {(str(today()), "robot"): [7], (str(today()), "forged"): [9]}}
        )


def test_figures_sum_up_the_last_days(new_url: NewUrl, tmp_path: Path) -> None:
    settings = Settings(root=tmp_path, clicks=True, clicks_database=new_url())
    with closing(open_clicks(settings)) as store:
        figures = ClickFigures(store, first_day(settings, 7))
        assert (figures.total.seen, figures.days, figures.links) == (0, [], [])
        assert not figures.total.enough
    count(settings)
    with closing(open_clicks(settings)) as store:
        figures = ClickFigures(store, first_day(settings, 7))
        total = figures.total
        assert (total.seen, total.clicked, total.enough) == (1600, 200, True)
        assert total.low < total.rate == 0.125 < total.high
        assert [(each.name, each.seen) for each in figures.positions] == [("1", 2600), ("2", 40)]
        assert not figures.positions[1].enough, "2 of 40 says little"
        dead = next(each for each in figures.by("article") if each.name == DEAD)
        assert dead.enough, "0 of 600 says that the list is hardly ever followed"
        assert [day.seen for day in figures.days] == [800, 0, 800]
        assert [each.name for each in figures.by("origin")] == ["related", "pinned", "fallback"]
        assert [link.figure.name for link in best_links(figures.links)] == [LOVED]
        assert [link.figure.name for link in worst_links(figures.links)] == [PAGE, IGNORED]
        assert figures.links_of(PAGE)[LOVED].usual == pytest.approx(1000 * 200 / 2600)
        assert 1 < figures.links_of(PAGE)[LOVED].surely < 180 / (1000 * 200 / 2600)
        assert figures.list_of(PAGE).rate == 0.2
        assert [each.name for each in figures.unfollowed] == [DEAD]
        assert figures.rejections == [("forged", 9), ("robot", 7)]
        assert len(list(store.export(figures.since))) == 1 + 12


def test_a_link_is_judged_by_its_views_in_all_positions(new_url: NewUrl, tmp_path: Path) -> None:
    settings = Settings(root=tmp_path, clicks=True, clicks_database=new_url())
    views = {LOVED: (150, 90), IGNORED: (90, 90), RARE: (60, 30)}
    rows = {
        (str(today()), "live", BUILD, PAGE, target, position, "related"): [seen, 1]
        for target, some in views.items()
        for position, seen in enumerate(some, 1)
    }
    with closing(open_clicks(settings)) as store:
        store.add({counts: rows})
        figures = ClickFigures(store, first_day(settings, 7))
        found = {link.figure.name: link for link in figures.links}
        assert {name: link.figure.seen for name, link in found.items()} == {
            LOVED: 240,
            IGNORED: 180,
        }
        assert figures.links_of(PAGE).items() >= found.items()


def test_counts_that_take_long_to_read_are_told_again_for_a_while(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings(root=tmp_path, clicks=True)
    now, read = 1_000.0, []

    def slow(store: ClickStore, comparison: str) -> NDArray[np.int32]:
        nonlocal now
        now += 17
        read.append(comparison)
        return np.array([[0, 1, 0, 5, 1], [0, 2, 1, 5, 2]], dtype=np.int32)

    monkeypatch.setattr(ClickStore, "blocks_of", slow)
    clock = SimpleNamespace(monotonic=lambda: now, time=time.time)
    monkeypatch.setattr(comparison_findings, "time", clock)
    first = ComparisonState(variant="bold", started=1_700_000_000)
    finder = ComparisonFinder(settings)
    write_comparison(tmp_path, first)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: finder.find(), range(8)))
    assert finder.find().result.views == 10
    assert read == [first.key]
    now += 20 * 17
    finder.find()
    second = first.model_copy(update={"ended": first.started + 9})
    write_comparison(tmp_path, second)
    assert finder.find().state == second
    assert read == [first.key] * 3


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = build_site(tmp_path_factory.mktemp("site"))
    for name, role in (("mira", Role.ADMIN), ("noor", Role.EDITOR)):
        add_editor(root, name, role)
    count(Settings(root=root, clicks=True))
    return root


@pytest.fixture
def desk(site: Path, tmp_path: Path) -> Iterator[Desk]:
    with open_desk(site, tmp_path, clicks=True) as opened:
        yield opened


def test_editors_see_what_readers_follow_and_admins_what_did_not_count(desk: Desk) -> None:
    for name, operates in (("noor", False), ("mira", True)):
        with editor(desk, name) as person:
            assert person.get("/editor/clicks").status_code == 200
            page = person.page
            assert "<b>1,600</b> lists seen" in page
            assert "followed 180 of 1,000 times; usual there: 77" in page
            assert "Lists in which nobody follows a link" in page
            assert "seen 600 times" in page
            assert page.count("<svg") >= 3
            assert ("a robot" in page) == operates
            assert BUILD in page or not operates
            assert person.get("/editor/clicks", days=7).status_code == 200
            assert person.get("/editor/clicks", days=8).status_code == 422
            person.get("/editor")
            assert "followed a link in 12.5\u202f% of the lists" in person.page


def test_pages_do_not_wait_for_a_process_that_locks_the_clicks(site: Path, tmp_path: Path) -> None:
    shutil.copytree(site, tmp_path / "root")
    with closing(sqlite3.connect(tmp_path / "root" / FILE, isolation_level=None)) as holder:
        holder.execute("PRAGMA locking_mode = EXCLUSIVE")
        holder.execute("BEGIN EXCLUSIVE")
        holder.execute("DELETE FROM counts")
        with (
            open_desk(site, tmp_path, clicks=True) as desk,
            editor(desk, "mira") as person,
        ):
            person.get("/editor/history")  # by which all is imported
            for path, status, said in (
                (f"/editor/article?id={PAGE}", 200, "followed these links can\u2019t be read now"),
                ("/editor/clicks", 503, "Clicks can&#39;t be read now: the database of counted"),
                ("/editor", 200, "followed links can\u2019t be read now"),
                (f"/editor/article?id={PAGE}", 200, "followed these links can\u2019t be read now"),
            ):
                began = time.monotonic()
                assert person.get(path).status_code == status
                assert time.monotonic() - began < 2.5, "not five seconds, on a busy machine too"
                assert said in person.page
                assert str(tmp_path) not in person.page
            holder.execute("ROLLBACK")
            holder.close()
            assert person.get("/editor/clicks").status_code == 200


def test_the_first_page_opens_without_counts_that_could_be_read_before(
    site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(site, tmp_path / "root")
    monkeypatch.setattr("service.editor.editor_pages._KEPT_SECONDS", -1)
    with open_desk(site, tmp_path, clicks=True) as desk, editor(desk, "mira") as person:
        assert person.get("/editor").status_code == 200
        assert "of the lists that they saw" in person.page
        with closing(sqlite3.connect(tmp_path / "root" / FILE)) as counted:
            counted.execute("DROP TABLE counts")
        assert person.get("/editor").status_code == 200
        assert "followed links can\u2019t be read now" in person.page


def test_a_damaged_comparison_is_told_with_the_remedy_beside_the_figures(desk: Desk) -> None:
    (desk.settings.root / COMPARISON).write_text('{"variant": "fresh", "share": 7}')
    try:
        with editor(desk, "mira") as person:
            assert person.get("/editor/clicks").status_code == 200
            assert "lists seen" in person.page
            assert "share Input should be less than 1): remove it to end" in person.page
    finally:
        (desk.settings.root / COMPARISON).unlink()


def test_admins_see_why_nothing_was_counted(desk: Desk) -> None:
    (desk.settings.root / FILE).unlink()
    with closing(open_clicks(desk.settings)) as store:
        store.add({rejected: {(str(today()), "foreign"): [4]}})
    for name, operates in (("noor", False), ("mira", True)):
        with editor(desk, name) as person:
            assert person.get("/editor/clicks").status_code == 200
            assert "Nothing was counted since" in person.page
            assert ("from a site that is not in cors_origins" in person.page) == operates


def test_the_page_of_an_article_says_how_its_links_are_followed(desk: Desk) -> None:
    shown = desk.shown(PAGE)
    key = (str(today()), "live", BUILD, PAGE, shown[0], 1, "related")
    with closing(open_clicks(desk.settings)) as store:
        store.add({counts: {key: [12, 1]}})
    with editor(desk, "noor") as person:
        person.look(PAGE)
        assert "Seen 12 times, too few to judge." in person.page
        assert "1,000 times and followed a link in 200 of these views: 20.0" in person.page
        assert "(the true share is very likely between 17." in person.page


def test_pages_go_on_without_the_counts(desk: Desk) -> None:
    (desk.settings.root / FILE).write_bytes(b"no database")
    with editor(desk, "noor") as person:
        assert person.get("/editor").status_code == 200
        assert person.look(PAGE).status_code == 200
        assert person.get("/editor/clicks").status_code == 503


def test_a_site_that_does_not_count_says_so(site: Path, tmp_path: Path) -> None:
    with open_desk(site, tmp_path) as desk, editor(desk, "noor") as person:
        person.get("/editor/clicks")
        assert "Clicks are not counted here" in person.page
        person.get("/editor")
        assert "/editor/clicks" not in person.page


def test_the_command_prints_figures(
    site: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run = runner(monkeypatch, capsys)
    code, _, errors = run("clicks", "--root", str(site))
    assert (code, "set clicks = true" in errors) == (2, True)
    monkeypatch.setenv("ALSOLIKE_CLICKS", "true")
    code, out, _ = run("clicks", "--root", str(site))
    assert code == 0
    assert "1,600 lists seen; a link was followed in 200, 12.50%" in out
    assert out.splitlines()[-4].endswith("too few to say")
    assert [line.split(maxsplit=1) for line in out.splitlines()[-2:]] == [
        ["9", "not a list of this service"],
        ["7", "a robot"],
    ]
    code, out, _ = run("clicks", "--root", str(site), "--by", "evidence", "--days", "1", "--json")
    told = json.loads(out)
    assert told["since"] == str(today())
    assert sum(figure["seen"] for figure in told["figures"]) == 800
    monkeypatch.setattr(click_figures, "MOST_LINKS", 1)
    out = run("clicks", "--root", str(site), "--by", "evidence", "--days", "1", "--json")[1]
    assert [figure["seen"] for figure in json.loads(out)["figures"]] == [500]
    assert run("clicks", "--root", str(site), "--days", "99999999")[0] == 2
    code, out, _ = run("clicks", "--root", str(site), "--csv")
    assert out.splitlines()[0] == "day,variant,build,article,target,position,origin,seen,clicked"
    assert len(out.splitlines()) == 13


def test_kinds_of_evidence_are_those_that_the_live_build_weighs(tmp_path: Path) -> None:
    site = ComparedSite(tmp_path, topical(24))
    for only in ("meaning", "words"):
        weights = {kind.name: float(kind.name == only) for kind in KINDS}
        site.settings = site.settings.model_copy(update={"weights": weights})
        site.build(topical(24), relearn=True)
        build = site.root.open()
        ids = [build.article_id(row) for row in range(24)]
        links = [(ids[row], ids[build.related_rows[row, 0]]) for row in range(24)]
        assert set(strongest_evidence(build, links)) == {only}
