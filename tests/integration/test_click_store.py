"""The database of counted clicks: sums add up, whoever adds them, in a file or in PostgreSQL."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from pathlib import Path
from types import SimpleNamespace

import pytest
import sqlalchemy as sa

from service.clicks import click_store
from service.clicks.click_store import SCHEMA, ClickStore, blocks, counts, open_clicks, rejected
from service.settings import Settings
from service.watching.build_run import build_options
from tests.support.decision_databases import NewUrl

KEY = ("2026-01-31", "live", "20260130T030000Z-00ab12", "a", "b", 1, "related")


def rows(store: ClickStore, table: sa.Table) -> list[tuple[object, ...]]:
    with store.read() as connection:
        return [tuple(row) for row in connection.execute(sa.select(table))]


@pytest.fixture
def settings(new_url: NewUrl, tmp_path: Path) -> Settings:
    return Settings(root=tmp_path, clicks=True, clicks_database=new_url())


def test_what_several_processes_add_is_summed(settings: Settings) -> None:
    def add(_: int) -> None:
        with closing(open_clicks(settings)) as store:
            for _ in range(5):
                store.add({counts: {KEY: [2, 1]}, rejected: {("2026-01-31", "robot"): [3]}})

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(add, range(4)))
    with closing(open_clicks(settings)) as store:
        assert rows(store, counts) == [(*KEY, 40, 20)]
        assert rows(store, rejected) == [("2026-01-31", "robot", 60)]
        assert rows(store, blocks) == []


def test_processes_that_count_the_same_lists_in_another_order_wait_for_each_other(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    halfway = threading.Barrier(2)

    def pause(_: float) -> None:
        with suppress(threading.BrokenBarrierError):
            halfway.wait(0.5)

    monkeypatch.setattr(click_store, "time", SimpleNamespace(sleep=pause))
    day, variant, build, *_ = KEY
    keys = [(day, variant, build, "a", "b", position, "related") for position in range(1, 151)]

    def add(some: list[tuple[str | int, ...]]) -> None:
        with closing(open_clicks(settings)) as store:
            store.add({counts: {key: [1, 0] for key in some}})

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(add, (keys, keys[::-1])))
    with closing(open_clicks(settings)) as store:
        assert {row[-2] for row in rows(store, counts)} == {2}


def test_what_is_too_old_is_removed_in_small_parts_even_of_one_day(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(click_store, "_DELETED_AT_ONCE", 2)
    with closing(open_clicks(settings)) as store:
        day, variant, build, *link = KEY
        old = [(day, variant, build, article, *link[1:]) for article in "abcd"]
        ended = [(f"{name}@1700000000", block, "a", "live") for name in "xy" for block in (1, 2)]
        store.add(
            {
                counts: {key: [1, 0] for key in (("2026-01-30", *KEY[1:]), *old)},
                rejected: {(each, "robot"): [1] for each in (day, "2026-02-01")},
                blocks: {key: [1, 0] for key in (*ended, ("x@1900000000", 0, "a", "live"))},
            }
        )
        store.add({counts: {("2026-02-01", *KEY[1:]): [1, 0]}})
        for more, *kept in ((True, 4, 1, 3), (True, 2, 1, 1), (False, 1, 1, 1), (False, 1, 1, 1)):
            assert store.forget("2026-02-01") == more
            assert [len(rows(store, table)) for table in (counts, rejected, blocks)] == kept
        assert store.blocks_of("x@1900000000").tolist() == [[0, 0, 0, 1, 0]]


def test_the_clicks_of_one_article_are_found_by_an_index(settings: Settings) -> None:
    with closing(open_clicks(settings)) as store:
        (index,) = sa.inspect(store.engine).get_indexes(
            counts.name, schema=SCHEMA if "postgresql" in store.label else None
        )
    assert index["column_names"] == ["article", "day"]


def test_weights_are_learned_from_the_sums_of_links_over_days_variants_and_builds(
    settings: Settings,
) -> None:
    day, _, build, *link = KEY
    with closing(open_clicks(settings)) as store:
        store.add({counts: {KEY: [5, 2], (day, "words", build, *link): [3, 1]}})
        store.add({counts: {("2026-02-01", "live", "", "a", "b", 2, "related"): [4, 0]}})
        store.add({counts: {(day, "live", build, "a", "", 0, ""): [9, 3]}})  # the list itself
        store.add({counts: {(day, "live", build, "a", "c", 3, "related"): [1, 7]}})  # never seen
    found = build_options(settings).clicks()
    assert iter(found) is found, "not all in memory at once"
    assert sorted(found) == [("a", "b", 1, 8, 3), ("a", "b", 2, 4, 0), ("a", "c", 3, 1, 1)]
    off = settings.model_copy(update={"clicks": False})
    assert list(build_options(off).clicks()) == []
