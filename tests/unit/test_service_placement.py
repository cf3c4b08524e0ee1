"""Placements: what a list says of itself comes back whole, and nobody else can say it."""

from __future__ import annotations

import os
import stat
from base64 import urlsafe_b64decode
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from index.build.build import Build
from index.build.id_table import id_digest
from index.query import MAX_LIMIT, Order, RelatedQuery
from recommender.errors import SettingError
from service.clicks import placement
from service.clicks.placement import (
    KEY_FILE,
    MAX_PLACEMENT,
    Placements,
    Variant,
    open_placements,
)
from service.serving.selection import Origin, SelectedItem, select
from service.serving.serving_view import ServingView
from service.settings import Settings
from tests.support.moments import NOON

PLACEMENTS = Placements(bytes(32))
QUERY = RelatedQuery(limit=6)


def chosen(build: Build, row: int = 3, query: RelatedQuery = QUERY) -> list[SelectedItem]:
    return select(ServingView(build), row, now=NOON, query=query)


@pytest.fixture(scope="module")
def token(sample_build: Build) -> str:
    return PLACEMENTS.token(sample_build, 3, chosen(sample_build), QUERY)


def test_a_placement_says_the_list_the_build_and_the_variant(
    sample_build: Build, token: str
) -> None:
    placement, items = PLACEMENTS.read(token), chosen(sample_build)
    assert placement is not None
    assert placement.variant is Variant.LIVE
    assert placement.full_build_name == sample_build.name
    assert sample_build.row_of_digest(placement.article) == 3
    shown = [(sample_build.row_of_digest(digest), origin) for digest, origin in placement.items]
    assert shown == [(item.row, item.origin) for item in items]


def test_every_article_of_a_build_is_found_by_its_digest_and_no_other(sample_build: Build) -> None:
    found = [sample_build.row_of_digest(id_digest(each)) for each in sample_build.ids]
    assert found == list(range(sample_build.count))
    assert sample_build.row_of_digest(id_digest(b"of another site")) is None


def test_queries_that_leave_articles_out_are_not_kept(sample_build: Build) -> None:
    kept = placement._digest.cache_info().currsize
    query = RelatedQuery(exclude=frozenset({"of one reader"}))
    assert PLACEMENTS.token(sample_build, 3, [], query)
    assert placement._digest.cache_info().currsize == kept


def test_lists_of_other_queries_and_variants_have_other_placements(sample_build: Build) -> None:
    items = chosen(sample_build)
    queries = [QUERY, RelatedQuery(limit=6, sort=Order.NEWEST)]
    tokens = {
        PLACEMENTS.token(sample_build, 3, items, query, variant)
        for query in queries
        for variant in Variant
    }
    assert len(tokens) == len(queries) * len(Variant)


def test_the_longest_placement_is_as_long_as_said(sample_build: Build) -> None:
    items = [SelectedItem(row, 0.5, Origin.FALLBACK, b"") for row in range(MAX_LIMIT)]
    token = PLACEMENTS.token(sample_build, 3, items, QUERY)
    assert len(token) <= MAX_PLACEMENT < len(token) + 4
    placement = PLACEMENTS.read(token)
    assert placement is not None
    assert len(placement.items) == MAX_LIMIT


def test_a_placement_with_any_byte_or_character_changed_is_nobody_s(token: str) -> None:
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    for place, was in enumerate(token):
        for other in (*alphabet, "=", "+", "/", " ", "\n", "é"):
            if other != was:
                changed = token[:place] + other + token[place + 1 :]
                assert PLACEMENTS.read(changed) is None, (place, other)
    for length in range(len(token)):
        assert PLACEMENTS.read(token[:length]) is None
    for added in ("=", "==", "A", "AAAA", " ", "\n", "\ud800"):
        assert PLACEMENTS.read(token + added) is None
        assert PLACEMENTS.read(added + token) is None
    assert urlsafe_b64decode(token + "=" * (-len(token) % 4))


def test_a_placement_of_another_key_is_nobody_s(token: str) -> None:
    assert Placements(b"k" * 32).read(token) is None


def test_processes_that_start_at_once_share_one_key_that_only_their_user_reads(
    tmp_path: Path, sample_build: Build
) -> None:
    settings = Settings(root=tmp_path / "root", clicks=True)
    with ThreadPoolExecutor(8) as pool:
        opened = list(pool.map(lambda _: open_placements(settings), range(8)))
    items = chosen(sample_build)
    tokens = {each.token(sample_build, 3, items, QUERY) for each in opened if each}
    assert len(tokens) == 1
    assert os.listdir(settings.root) == [KEY_FILE]  # noqa: PTH208 - hidden files count
    assert stat.S_IMODE((settings.root / KEY_FILE).stat().st_mode) == 0o600
    assert open_placements(Settings(root=tmp_path / "off")) is None
    assert not (tmp_path / "off").exists()


def test_a_key_that_can_t_be_used_is_named_with_the_remedy(tmp_path: Path) -> None:
    settings = Settings(root=tmp_path, clicks=True)
    (tmp_path / KEY_FILE).write_bytes(b"short")
    with pytest.raises(SettingError, match=r"clicks\.key has 5 bytes instead of 32: restore"):
        open_placements(settings)
    (tmp_path / KEY_FILE).unlink()
    (tmp_path / KEY_FILE).mkdir()
    with pytest.raises(SettingError, match=r"clicks\.key, which can't be read or made"):
        open_placements(settings)
