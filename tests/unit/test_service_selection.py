"""From a stored list to what a reader sees at a given moment."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.build.build import Build
from index.query import Fallback, Order, RelatedQuery
from index.root.root import Root
from recommender.visibility import microseconds
from service.serving.selection import Origin, SelectedItem, select
from service.serving.serving_view import ServingView
from tests.support.articles import topical
from tests.support.builds import publish

PAGE = "sea-000"
JUNE = microseconds(dt.datetime(2026, 6, 1, tzinfo=dt.UTC))
JULY = microseconds(dt.datetime(2026, 7, 1, tzinfo=dt.UTC))
ONLY_FALLBACKS = 1.0
"""A least score that no article reaches."""


def changed(**changes: dict[str, Any]) -> list[dict[str, Any]]:
    """Forty-eight articles on four topics, some with other fields; ``sea_004`` is ``sea-004``."""
    records = topical(48)
    by_id = {record["id"]: record for record in records}
    for name, fields in changes.items():
        by_id[name.replace("_", "-")].update(fields)
    return records


def make(folder: Path, records: list[dict[str, Any]]) -> Build:
    root = Root(folder / "root")
    return root.open(publish(root, folder, records))


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> Build:
    """A site with everything that can keep an article from being shown."""
    records = changed(
        sea_004={"status": "draft"},
        sea_008={"status": "hidden"},
        sea_012={"status": "publishd"},
        sea_016={"visible_from": "2026-07-01T00:00Z"},
        sea_020={"visible_until": "2026-07-01T00:00Z"},
        sea_028={"supersedes": "sea-024"},
        sea_032={"supersedes": "sea-028", "visible_from": "2026-07-01T00:00Z"},
    )
    by_id = {record["id"]: record for record in records}
    records.append({**by_id["sea-036"], "id": "sea-036 again", "date": "2027-01-01"})
    for number, record in enumerate(records):
        record["language"] = "de" if number % 5 == 4 else "en"
        record["tags"] = [f"tag{number % 3}"]
    return make(tmp_path_factory.mktemp("site"), records)


def shown(build: Build, page: str = PAGE, *, now: int = JUNE, **query: Any) -> list[str]:
    return [build.article_id(item.row) for item in choose(build, page, now=now, **query)]


def choose(build: Build, page: str = PAGE, *, now: int = JUNE, **query: Any) -> list[SelectedItem]:
    row = build.row(page)
    assert row is not None
    return select(ServingView(build), row, now=now, query=RelatedQuery(**{"limit": 50, **query}))


def stored(build: Build, page: str = PAGE) -> set[str]:
    row = build.row(page)
    assert row is not None
    return {build.article_id(int(other)) for other in build.related_rows[row] if other >= 0}


# Who may be seen


@pytest.mark.parametrize("hidden", ["sea-004", "sea-008", "sea-012"])
def test_what_is_not_published_is_never_shown_though_the_build_holds_it(
    build: Build, hidden: str
) -> None:
    assert hidden in stored(build)
    for now in (0, JUNE, JULY, 2**62):
        for fallback in Fallback:
            assert hidden not in shown(build, now=now, fallback=fallback)


def test_an_article_appears_with_its_first_instant(build: Build) -> None:
    assert "sea-016" in stored(build)
    assert "sea-016" not in shown(build, now=JULY - 1)
    assert "sea-016" in shown(build, now=JULY)


def test_an_article_disappears_with_its_last_instant(build: Build) -> None:
    assert "sea-020" in shown(build, now=JULY - 1)
    assert "sea-020" not in shown(build, now=JULY)


def test_a_date_in_the_future_hides_nothing(build: Build) -> None:
    assert "sea-036 again" in shown(build, now=JUNE)


# Stories


def test_of_near_duplicates_the_newest_is_shown_once(build: Build) -> None:
    ids = shown(build)
    assert "sea-036 again" in ids
    assert "sea-036" not in ids


def test_a_scheduled_successor_leaves_the_old_version_until_its_hour(build: Build) -> None:
    versions = {"sea-024", "sea-028", "sea-032"}
    assert versions & set(shown(build, now=JULY - 1)) == {"sea-028"}
    assert versions & set(shown(build, now=JULY)) == {"sea-032"}


def test_a_page_is_not_given_another_version_of_itself(build: Build) -> None:
    for page in ("sea-024", "sea-028", "sea-032"):
        for now in (JUNE, JULY):
            assert not {"sea-024", "sea-028", "sea-032"} & set(shown(build, page, now=now))
    assert "sea-036" not in shown(build, "sea-036 again")


# What a request asks for


def test_excluded_articles_and_their_other_versions_are_left_out(build: Build) -> None:
    first, second, *_ = shown(build)
    left = shown(build, exclude=frozenset({first, "sea-024", "no such article", "\ud800"}))
    assert first not in left
    assert not {"sea-024", "sea-028", "sea-032"} & set(left)
    assert left[0] == second


def test_a_list_is_cut_to_its_limit_and_starts_the_same(build: Build) -> None:
    long = shown(build)
    for limit in (1, 6, 20):
        assert shown(build, limit=limit) == long[:limit]


def test_articles_below_the_least_score_are_left_out(build: Build) -> None:
    every = [item for item in choose(build) if item.origin is Origin.RELATED]
    least = sorted(item.score for item in every)[len(every) // 2]
    kept = choose(build, min_score=least, fallback=Fallback.NONE)
    assert [item.row for item in kept] == [item.row for item in every if item.score >= least]
    assert 0 < len(kept) < len(every)


def test_the_newest_first_is_another_order_of_the_same_articles(build: Build) -> None:
    by_score = choose(build, limit=6)
    by_date = choose(build, limit=6, sort=Order.NEWEST)
    assert {item.row for item in by_date} == {item.row for item in by_score}
    assert by_date != by_score
    dates = [build.article(item.row).date for item in by_date]
    assert dates == sorted(dates, key=str, reverse=True)


def test_only_articles_of_the_language_asked_for_are_shown(
    build: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    for language in ("en", "de"):
        rows = [item.row for item in choose(build, language=language)]
        assert {build.article(row).language for row in rows} == {language}
        assert choose(build, language=f"{language}-at") == choose(build, language=language)
    assert shown(build, language="fr") == []
    german = shown(build, language="de")
    regional = [name.replace("de", "de-latn-ch") for name in build.language_names]
    monkeypatch.setattr(build, "language_names", regional)
    for language in ("de", "de-latn", "de-latn-ch", "de-latn-ch-1996"):
        assert shown(build, language=language) == german != []
    for language in ("de-cyrl", "de-at", "de-latn-at"):
        assert shown(build, language=language) == [], "another script or region is not asked for"


def test_a_page_with_a_translation_in_the_language_asked_for_gets_its_list(tmp_path: Path) -> None:
    *records, german = [{**record, "language": "en"} for record in topical(18)]
    german |= {"id": "de", "language": "de", "translation_key": "one page"}
    records[0]["translation_key"] = "one page"
    made = make(tmp_path, [*records, german])
    row, english = made.row("de"), made.row(records[0]["id"])
    served, query = ServingView(made), RelatedQuery(limit=3, language="en", fallback=Fallback.NONE)
    assert row is not None
    assert english is not None
    lists = [select(served, each, now=JUNE, query=query) for each in (row, english)]
    assert lists[0] == lists[1] != []


def test_related_articles_say_which_phrases_they_share(build: Build) -> None:
    page = words_of(build, PAGE)
    explained = [item for item in choose(build) if item.shared_terms]
    assert len(explained) >= 3
    for item in explained:
        other = words_of(build, build.article_id(item.row))
        for term in item.shared_terms:
            assert set(term.casefold().split()) <= page & other


def words_of(build: Build, article_id: str) -> set[str]:
    row = build.row(article_id)
    assert row is not None
    article = build.article(row)
    return set(re.findall(r"\w+", f"{article.title} {article.sections[0].text}".casefold()))


# Fallbacks


@pytest.fixture(scope="module")
def tagged(tmp_path_factory: pytest.TempPathFactory) -> Build:
    """A page with a rare tag, a rarer and a common one, on a site of two languages."""
    records = [{**record, "date": "2025-01-01", "language": "en"} for record in topical(24)]
    by_id = {record["id"]: record for record in records}
    changes: dict[str, dict[str, Any]] = {
        PAGE: {"tags": ["rare", "rarest", "common"]},
        "sea-016": {"tags": ["rarest"]},
        "song-001": {"tags": ["rare"], "date": "2026-01-01"},
        "bread-002": {"tags": ["rare"], "date": "2026-01-02"},
        "rail-003": {"tags": ["rare"], "language": "de"},
        "sea-004": {"tags": ["common"], "date": "2026-02-01"},
        "song-005": {"tags": ["common"], "date": "2025-02-01", "visible_from": "2026-03-01"},
        "bread-006": {"tags": ["common", "rare"], "status": "draft"},
        "rail-007": {"tags": ["common"], "date": "2026-01-15"},
        "sea-008": {"tags": ["common"], "date": "2026-01-14"},
        "song-009": {"date": "2026-05-01"},
        "bread-010": {"date": "2026-04-01"},
        "rail-011": {"date": "2026-05-15", "language": "de"},
        "sea-012": {"date": "2026-05-20", "visible_from": "2026-07-01"},
    }
    for article_id, fields in changes.items():
        by_id[article_id].update(fields)
    return make(tmp_path_factory.mktemp("tagged"), records)


def test_a_short_list_is_filled_by_the_rarest_tag_then_the_newest_of_its_language(
    tagged: Build,
) -> None:
    rare = ["sea-016", "bread-002", "song-001"]
    common = ["song-005", "sea-004", "rail-007", "sea-008"]
    newest = ["song-009", "bread-010"]
    ids = shown(tagged, min_score=ONLY_FALLBACKS)
    assert ids[:9] == [*rare, *common, *newest]
    rest = {f"{one}-{number:03}" for number, one in enumerate(["sea", "song", "bread", "rail"] * 6)}
    assert set(ids[9:]) == rest - {*ids[:9], PAGE, "rail-003", "bread-006", "rail-011", "sea-012"}
    assert ids[9:] == sorted(ids[9:])


def test_a_fallback_is_labelled_and_scores_nothing(tagged: Build) -> None:
    for item in choose(tagged, min_score=ONLY_FALLBACKS):
        assert (item.origin, item.score, item.shared_terms) == (Origin.FALLBACK, 0.0, ())


def test_the_newest_alone_fill_a_list_where_tags_are_not_wanted(tagged: Build) -> None:
    ids = shown(tagged, min_score=ONLY_FALLBACKS, fallback=Fallback.NEWEST, limit=5)
    assert ids == ["song-009", "bread-010", "song-005", "sea-004", "rail-007"]


def test_a_list_stays_short_where_no_fallback_is_wanted(tagged: Build) -> None:
    assert choose(tagged, min_score=ONLY_FALLBACKS, fallback=Fallback.NONE) == []


def test_a_fallback_is_of_the_language_asked_for(tagged: Build) -> None:
    assert shown(tagged, min_score=ONLY_FALLBACKS, language="de") == ["rail-003", "rail-011"]


def test_a_page_of_unknown_language_is_filled_by_the_newest_of_any(tmp_path: Path) -> None:
    records = changed(
        sea_004={"language": "de", "date": "2026-05-09"},
        sea_008={"language": "en", "date": "2026-05-10"},
        song_001={"date": "2026-05-11"},
        bread_002={"language": "de", "date": "2025-01-01", "visible_from": "2026-05-10T12:00Z"},
        rail_003={"language": "en", "tags": ["rare"], "date": "2025-01-01"},
    )
    records[0] |= {"tags": ["rare"]}
    for record in records[4:]:
        record.setdefault("language", "fr")
        record["date"] = min(record["date"], "2026-05-11")
    build = make(tmp_path, records)
    ids = shown(build, min_score=ONLY_FALLBACKS)
    assert ids[0] == "rail-003"
    dates = [str(build.article(build.row(one) or 0).date) for one in ids if one != "bread-002"]
    assert dates[1:] == sorted(dates[1:], reverse=True)
    assert ids.index("bread-002") == ids.index("sea-008") - 1
    assert len(ids) == 47
    assert shown(build, min_score=ONLY_FALLBACKS, language="xx") == []


def test_fallbacks_stand_after_all_related_articles(tagged: Build) -> None:
    origins = [item.origin for item in choose(tagged)]
    related = origins.count(Origin.RELATED)
    assert 0 < related < len(origins)
    assert set(origins[:related]) == {Origin.RELATED}


# Whatever is asked


@given(
    page=st.integers(0, 48),
    now=st.sampled_from([0, JUNE, JULY - 1, JULY, 2**62]),
    exclude=st.frozensets(st.integers(0, 48), max_size=6),
    limit=st.integers(1, 50),
    min_score=st.sampled_from([0.0, 0.1, 0.3, 1.0]),
    fallback=st.sampled_from(Fallback),
    sort=st.sampled_from(Order),
    language=st.sampled_from([None, "en", "de", "fr"]),
)
def test_a_list_holds_visible_stories_once_and_never_the_page_or_what_it_shows_already(
    build: Build,
    page: int,
    now: int,
    exclude: frozenset[int],
    limit: int,
    min_score: float,
    fallback: Fallback,
    sort: Order,
    language: str | None,
) -> None:
    chosen = select(
        ServingView(build),
        page,
        now=now,
        query=RelatedQuery(
            limit=limit,
            exclude=frozenset(build.article_id(row) for row in exclude),
            min_score=min_score,
            fallback=fallback,
            sort=sort,
            language=language,
        ),
    )
    rows = [item.row for item in chosen]
    assert len(rows) <= limit
    assert all(build.is_visible(row, now) for row in rows)
    stories = [int(build.stories[row]) for row in (*rows, page)]
    assert len(set(stories)) == len(stories)
    known = [row for row in exclude if build.is_visible(row, now)]  # of others, nothing is told
    assert not {int(build.stories[row]) for row in known} & set(stories[:-1])
    assert all(
        (item.score >= min_score) if item.origin is Origin.RELATED else (item.score == 0)
        for item in chosen
    )
    if language is not None:
        assert {build.article(row).language for row in rows} <= {language}
    if fallback is Fallback.NONE:
        assert all(item.origin is Origin.RELATED for item in chosen)
