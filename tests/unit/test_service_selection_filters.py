"""Filters remove from a list what has not the tag, the source or the date, and nothing else."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.build.build import Build
from index.query import DAY, Fallback, Order, RelatedQuery
from index.root.root import Root
from recommender.encoder import HashingEncoder
from recommender.visibility import microseconds
from service.decisions.decision_state import DecisionState, Override, OverrideKind
from service.serving.drafts import DraftIndex, read_draft
from service.serving.selection import Origin, select
from service.serving.serving_view import ServingView
from tests.support.articles import topical
from tests.support.builds import change, publish
from tests.support.moments import NOON
from tests.support.page_views import Service

PAGE = "sea-000"
RECORDS = [
    {**record, "language": "de" if number % 7 == 3 else "en", "tags": ["Notes", f"t{number % 5}"]}
    for number, record in enumerate(topical(60))
]
JUNE = microseconds(dt.datetime(2026, 6, 21, tzinfo=dt.UTC))
PUSHED = 8
"""How many articles come last, and were pushed."""


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Root:
    root = Root(tmp_path_factory.mktemp("filters") / "root")
    publish(root, root.path.parent, RECORDS[:-PUSHED])
    change(root, RECORDS[-PUSHED:])
    return root


@pytest.fixture(scope="module")
def build(root: Root) -> Build:
    return root.open()


def qualifies(build: Build, row: int, query: RelatedQuery) -> bool:
    article = build.article(row)
    assert article.date is not None
    return (
        (query.tag is None or query.tag.casefold() in [tag.casefold() for tag in article.tags])
        and (query.source is None or article.source == query.source)
        and (query.newer_than is None or article.date.isoformat() >= query.newer_than)
    )


@given(
    page=st.integers(0, len(RECORDS) - 1),
    tag=st.sampled_from([None, "notes", "t1", "T2", "unheard of"]),
    pushed=st.sampled_from([None, True, False]),
    newer_than=st.sampled_from([None, "2026-03-01", "2026-06-15", "2027-01-01"]),
    language=st.sampled_from([None, "en", "de"]),
    sort=st.sampled_from(Order),
    limit=st.integers(1, 12),
)
def test_a_filter_removes_and_never_rescores_and_fills_up_with_what_qualifies(
    build: Build, page: int, pushed: bool | None, limit: int, **asked: Any
) -> None:
    source = None if pushed is None else ("pushed" if pushed else build.source_names[0])
    query = RelatedQuery(source=source, limit=limit, **asked)
    served = ServingView(build)

    def chosen(**options: Any) -> list[tuple[int, float, Origin, bytes]]:
        least: dict[str, Any] = {"language": query.language, "sort": query.sort, "limit": 50}
        return [*map(tuple, select(served, page, now=NOON, query=RelatedQuery(**least | options)))]

    filtered = select(served, page, now=NOON, query=query)
    all_related = chosen(fallback=Fallback.NONE, sort=Order.RELEVANCE)
    expected = [each for each in all_related if qualifies(build, each[0], query)][:limit]
    related = [tuple(each) for each in filtered if each.origin is Origin.RELATED]
    assert sorted(related) == sorted(expected)
    assert related == expected or query.sort is Order.NEWEST
    assert all(qualifies(build, each.row, query) for each in filtered)
    fit = [row for row in range(build.count) if row != page and qualifies(build, row, query)]
    if query.language is not None:
        spoken = build.language_names.index(query.language)
        fit = [row for row in fit if build.language_of[row] == spoken]
    assert len(filtered) == min(limit, len(fit))


@pytest.mark.parametrize("options", [{"tag": "t3"}, {"source": "pushed"}, {"newer_than": "25d"}])
def test_a_drafts_list_is_filtered_like_an_articles(build: Build, options: dict[str, Any]) -> None:
    draft = read_draft({"title": "Kelp and urchins", "summary": "Reef, tide, otter, lagoon."})
    now, encoder, served = JUNE, HashingEncoder(64), ServingView(build)

    def items(query: RelatedQuery) -> list[tuple[int, float]]:
        index = DraftIndex(build)
        found = index.relate(draft, encoder, served=served, now=now, query=query)
        return [(row, score) for row, score, *_ in found.answer(served, now=now, query=query).items]

    query = RelatedQuery(limit=6, **options)
    filtered, everything = items(query), dict(items(RelatedQuery(limit=50)))
    same_day = query.at(now)
    assert len(filtered) == 6
    assert all(qualifies(build, row, same_day) for row, _ in filtered)
    listed = [(row, score) for row, score in filtered if row in everything]
    assert listed == [(row, everything[row]) for row, _ in listed]


def test_a_newer_version_that_a_filter_leaves_out_is_not_replaced_by_an_older_one(
    tmp_path: Path,
) -> None:
    records = [dict(record) for record in RECORDS[:24]]
    for record in records:
        record["tags"] = ["old"]
    records[8] |= {"supersedes": records[4]["id"], "tags": ["new"]}
    root = Root(tmp_path / "root")
    build = root.open(publish(root, tmp_path, records))
    query = RelatedQuery(tag="old", limit=50)
    chosen = select(ServingView(build), 0, now=NOON, query=query)
    shown = {build.article_id(each.row) for each in chosen}
    assert not shown & {records[4]["id"], records[8]["id"]}
    assert len(shown) == 21


def test_a_number_of_days_counts_from_the_day_of_the_request(root: Root) -> None:
    service = Service(root, max_age=60, stale_while_revalidate=30, fallback="none")
    asked = f"/v1/related?id={PAGE}&limit=50&newer_than=10d"
    seen = []
    for seconds in (-10, -2, 0):
        service.now = JUNE + seconds * 1_000_000
        answer = service.client.get(asked)
        day = RelatedQuery(newer_than="10d").at(service.now).newer_than
        by_day = service.client.get(asked.replace("10d", str(day)))
        assert answer.content == by_day.content
        assert answer.headers["etag"] == by_day.headers["etag"]
        seen.append((answer.headers["cache-control"], answer.headers["etag"]))
    assert [control for control, _ in seen] == [
        "public, max-age=10",
        "public, max-age=2",
        "public, max-age=60, stale-while-revalidate=30",
    ]
    assert seen[0][1] == seen[1][1] != seen[2][1]
    assert service.tally.hits == 4


def test_an_article_that_loses_its_tag_leaves_the_kept_list(tmp_path: Path) -> None:
    root = Root(tmp_path / "root")
    publish(root, tmp_path, RECORDS[:30])
    service = Service(root)
    asked = f"/v1/related?id={PAGE}&tag=t4&limit=2"
    before = service.client.get(asked)
    gone = before.json()["items"][0]["article_id"]
    record = next(record for record in RECORDS if record["id"] == gone)
    name = change(root, [{**record, "tags": ["Notes"]}])
    service.live.refresh()
    after = service.client.get(asked)
    assert gone not in [item["article_id"] for item in after.json()["items"]]
    assert after.json()["build"] == name != before.json()["build"]
    assert after.headers["etag"] != before.headers["etag"]


def test_days_are_dates_that_exist() -> None:
    assert RelatedQuery(newer_than="0d").first_day(NOON) == NOON // DAY
    assert RelatedQuery(newer_than="2026-01-31").at(NOON).newer_than == "2026-01-31"
    assert not RelatedQuery(limit=3).is_filtered


def test_a_day_lets_through_what_is_dated_on_it(build: Build) -> None:
    served, row = ServingView(build), build.row(PAGE) or 0
    first = build.article(select(served, row, now=JUNE, query=RelatedQuery())[0].row)
    assert first.date is not None

    def shown(day: dt.date) -> list[str]:
        query = RelatedQuery(newer_than=day.isoformat(), limit=50)
        chosen = select(served, row, now=JUNE, query=query)
        return [build.article_id(item.row) for item in chosen]

    assert first.id in shown(first.date)
    assert first.id not in shown(first.date + dt.timedelta(days=1))


def test_a_filter_leaves_out_what_is_pinned_too(build: Build) -> None:
    row = build.row(PAGE) or 0
    for target, shown in (("song-001", True), ("bread-002", False)):
        pin = Override(article_id=PAGE, target_id=target, kind=OverrideKind.PIN, position=1)
        served = ServingView(build, DecisionState(overrides={PAGE: (pin,)}))
        first = select(served, row, now=JUNE, query=RelatedQuery(tag="t1"))[0]
        assert (first.origin is Origin.PINNED) is shown
