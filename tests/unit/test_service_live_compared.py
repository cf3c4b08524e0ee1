"""What readers get while the live lists are compared with those of a variant."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from index.build.build import Build
from index.root.comparison import (
    COMPARISON,
    ComparisonState,
    block_of,
    read_comparison,
    write_comparison,
)
from index.root.root import Root
from recommender.visibility import NEVER
from service.clicks.comparison_findings import ComparisonFinder
from service.decisions.decision_state import Override, OverrideKind
from service.serving import live as serving
from tests.support.articles import topical
from tests.support.click_reports import ClickService, event
from tests.support.compared_site import ComparedSite
from tests.support.moments import NOON, SECOND
from tests.support.page_views import Service

RECORDS = topical(40)
IDS = [record["id"] for record in RECORDS]
HOUR = 3_600
BLOCK = NOON // (HOUR * SECOND)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> ComparedSite:
    site = ComparedSite(tmp_path_factory.mktemp("made"), RECORDS)
    site.compare(weights={"meaning": 0.0, "words": 0.1, "dates": 5.0})
    site.build(RECORDS)
    return site


@pytest.fixture
def site(made: ComparedSite, tmp_path: Path) -> ComparedSite:
    shutil.copytree(made.folder, tmp_path / "site")
    return ComparedSite(tmp_path / "site")


def comparison_of(site: ComparedSite) -> ComparisonState:
    found = read_comparison(site.root.path)
    assert found is not None
    return found


def asked(article_id: str) -> str:
    return f"/v1/related?id={article_id}&limit=6&fallback=none&min_score=0"


def shown(service: Service) -> dict[str, list[str]]:
    """What every article's readers get."""
    return {each: service.ids(asked(each)) for each in IDS}


def stored(build: Build) -> dict[str, list[str]]:
    """What a build shows, by itself: no article is hidden, and none has versions."""
    root = Root(build.folder.parent.parent)
    rows = {each: build.row(each) or 0 for each in IDS}
    assert root.builds == build.folder.parent
    lists = {each: build.related(row)[0].tolist()[:6] for each, row in rows.items()}
    return {each: [build.article_id(row) for row in some] for each, some in lists.items()}


def expected(site: ComparedSite, block: int = BLOCK) -> dict[str, list[str]]:
    lists = [stored(one) for one in site.both()]
    comparison = comparison_of(site)
    return {each: lists[comparison.picks(each, block)][each] for each in IDS}


def test_article_and_block_decide_which_list_readers_get(made: ComparedSite) -> None:
    live, varied = map(stored, made.both())
    assert sum(live[each] != varied[each] for each in IDS) > 30
    service = Service(made.root)
    assert shown(service) == expected(made)
    assert shown(service) == shown(Service(made.root)), "in every worker, and after a restart"
    generation = service.live.at(service.now)
    assert generation is not None
    kinds = {each: generation.choose(each)[1] for each in IDS}
    assert {each for each in IDS if kinds[each]} == {
        each for each in IDS if comparison_of(made).picks(each, BLOCK)
    }


def test_the_end_of_a_block_ends_kept_answers_here_and_in_caches(made: ComparedSite) -> None:
    service = Service(made.root, max_age=60, stale_while_revalidate=30)
    service.now = NOON + (HOUR - 45) * SECOND
    answer = service.client.get(asked(IDS[0]))
    assert answer.headers["cache-control"] == "public, max-age=45"
    assert shown(service) == expected(made)
    service.now = NOON + HOUR * SECOND
    misses = service.tally.misses
    assert shown(service) == expected(made, BLOCK + 1)
    assert service.tally.misses == misses + len(IDS)
    assert expected(made) != expected(made, BLOCK + 1)


def test_decisions_hold_in_both(made: ComparedSite) -> None:
    service = Service(made.root)
    before = shown(service)
    down = IDS[3]
    assert any(down in some for some in before.values())
    pins = {
        each: (
            Override(
                article_id=each, target_id=IDS[7], kind=OverrideKind.PIN, position=1, until=NEVER
            ),
        )
        for each in IDS
        if each != IDS[7]
    }
    service.decisions.set(version=1, takedowns={down: NEVER}, overrides=pins)
    service.live.follow_decisions()
    after = {each: service.ids(asked(each)) for each in IDS if each != down}
    assert not any(down in some for some in after.values())
    assert {some[0] for each, some in after.items() if each != IDS[7]} == {IDS[7]}
    assert service.client.get(asked(down)).status_code == 404


def test_unchanged_lists_of_both_stay_over_a_small_build(site: ComparedSite) -> None:
    service = Service(site.root)
    bodies = {each: service.client.get(asked(each)).content for each in IDS}
    misses = service.tally.misses
    site.change([RECORDS[0] | {"title": "Renamed", "url": "/renamed"}])
    service.live.refresh()
    assert shown(service) == expected(site)
    after = {each: service.client.get(asked(each)).content for each in IDS}
    changed = {each for each in IDS if after[each] != bodies[each]}
    assert {each for each in IDS if b"Renamed" in after[each]} <= changed
    assert service.tally.misses - misses < len(IDS), "answers of both are kept"
    comparison = comparison_of(site)
    kept = set(IDS) - changed
    assert {comparison.picks(each, BLOCK) for each in kept} == {True, False}


def test_without_a_build_of_the_variant_all_get_the_live_lists(
    site: ComparedSite, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(serving, "RETRY_SECONDS", 0.0)
    live, varied = site.both()
    away = site.folder / "away"
    service = Service(site.root)
    assert shown(service) == expected(site)

    shutil.move(varied.folder, away)
    service.live.refresh()
    assert shown(service) == stored(live)
    generation = service.live.at(service.now)
    assert generation is not None
    picked = next(each for each in IDS if comparison_of(site).picks(each, BLOCK))
    assert generation.choose(picked)[1].name == "INSTEAD"

    cards = (away / "cards.bin").read_bytes()
    (away / "cards.bin").write_bytes(cards[:-1])
    shutil.move(away, varied.folder)
    for _ in range(2):
        service.live.refresh()
    assert shown(service) == stored(live)
    assert [record.message for record in caplog.records if "cards.bin" in record.message] == [
        f"the live lists are served instead of the variant's: {varied.folder / 'cards.bin'} has "
        f"{len(cards) - 1} bytes, the manifest says {len(cards)}; make a new build"
    ]
    (varied.folder / "cards.bin").write_bytes(cards)
    service.live.refresh()
    assert shown(service) == expected(site)


def test_a_comparison_ends_begins_anew_and_is_rolled_back_with_the_builds(
    site: ComparedSite,
) -> None:
    service = Service(site.root)
    first = shown(service)
    comparison = comparison_of(site)
    write_comparison(site.root.path, comparison.model_copy(update={"ended": 1}))
    service.live.refresh()
    assert shown(service) == stored(site.root.open())
    (site.root.path / COMPARISON).write_text("damaged")
    service.live.refresh()
    assert shown(service) == stored(site.root.open())
    write_comparison(site.root.path, comparison)
    service.live.refresh()
    assert shown(service) == first
    site.change([RECORDS[0] | {"summary": RECORDS[5]["summary"]}])
    service.live.refresh()
    assert shown(service) == expected(site) != first
    site.root.rollback()
    service.live.refresh()
    assert shown(service) == first == expected(site)


def test_a_comparison_ends_while_the_newest_build_can_t_be_opened(site: ComparedSite) -> None:
    service, live = Service(site.root), site.root.open()
    assert shown(service) == expected(site) != stored(live)
    site.change([RECORDS[0] | {"summary": RECORDS[5]["summary"]}])
    (site.root.open().folder / "cards.bin").write_bytes(b"")
    service.live.refresh()
    ended = comparison_of(site).model_copy(update={"ended": 1})
    write_comparison(site.root.path, ended)
    service.live.refresh()
    assert service.live.refused
    assert shown(service) == stored(live)


def test_the_variant_s_build_alone_is_let_go_if_its_files_are_written_to(
    made: ComparedSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = Service(made.root)
    live, varied = made.both()
    monkeypatch.setattr(
        serving, "_written_to", lambda build: build and build.folder == varied.folder
    )
    service.live.follow_builds()
    assert shown(service) == stored(live)


def test_clicks_count_for_whose_list_readers_got(site: ComparedSite, tmp_path: Path) -> None:
    service = ClickService(site.root, tmp_path)
    comparison = comparison_of(site)
    assert [service.report(event(service.placement(each), [1, 2], [1])) for each in IDS] == [
        204
    ] * len(IDS)
    rows = service.stored("blocks", "article", "variant", "seen", "clicked")
    block = block_of(service.now, HOUR)
    named = {True: "bold", False: "live"}
    assert rows == sorted((each, named[comparison.picks(each, block)], 1, 1) for each in IDS)
    picked = next(each for each in IDS if comparison.picks(each, block))
    of_variant = service.placement(picked)
    later = comparison.model_copy(update={"started": comparison.started + 1})
    write_comparison(site.root.path, later)
    service.live.refresh()
    service.report(event(of_variant, [1], [1]))
    assert service.rejected() == {"outdated": 1}, "another comparison's list counts in none"
    assert service.placement(picked) != of_variant
    write_comparison(site.root.path, comparison)
    shutil.rmtree(site.both()[1].folder)
    service.live.refresh()
    for each in IDS:  # if those that were to get the live lists counted alone, they would differ
        service.report(event(service.placement(each), [1], [1]))
    assert service.stored("blocks", "article", "variant", "seen", "clicked") == rows
    assert (picked, "live", 1) in service.stored("counts", "article", "variant", "seen")
    found = ComparisonFinder(service.settings).find()
    assert found.result.views == len(IDS)
    assert "all readers get the live lists" in found.missing


def test_exploring_swaps_neighbors_of_some_lists_in_each_block(made: ComparedSite) -> None:
    plain, service = Service(made.root), Service(made.root, explore=0.4)
    swapped = []
    for number in range(3):
        plain.now = service.now = NOON + number * HOUR * SECOND
        before, after = shown(plain), shown(service)
        assert all(sorted(before[each]) == sorted(after[each]) for each in IDS)
        swapped.append({each for each in IDS if before[each] != after[each]})
    assert 8 < sum(map(len, swapped)) / 3 < 24
    assert swapped[0] != swapped[1]


def test_the_variant_s_build_is_opened_once(made: ComparedSite) -> None:
    service = Service(made.root)
    before = service.live._other
    assert before is not None
    (made.root.path / "CURRENT").touch()
    service.live.refresh()
    assert service.live._other is before
