"""The articles of a build come back whole, by row."""

from __future__ import annotations

import datetime as dt
import sqlite3
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.articles.article_store import NUMBERS, ArticleStore, to_bytes
from index.building.article_staging import ArticleStaging
from index.errors import BuildError
from index.files import save_array
from recommender.article import Article, Image, Section, Status

Fill = Callable[[Iterable[Article]], ArticleStore]


def store_of(folder: Path, articles: Iterable[Article]) -> ArticleStore:
    staging = ArticleStaging(folder / "staging.sqlite")
    staging.add([(article.id, to_bytes(article)) for article in articles])
    staging.write(folder / "articles.sqlite")
    return ArticleStore(folder / "articles.sqlite")


@pytest.fixture
def fill(tmp_path: Path) -> Iterable[Fill]:
    opened: list[ArticleStore] = []

    def make(articles: Iterable[Article]) -> ArticleStore:
        opened.append(store_of(tmp_path, articles))
        return opened[-1]

    yield make
    for store in opened:
        store.close()


def article(article_id: str, title: str = "A title", text: str = "") -> Article:
    sections = (Section(text=text),) if text else ()
    return Article(id=article_id, title=title, url=f"/{article_id}", sections=sections)


WHOLE = Article(
    id="10.1000/kelp forest/ü",
    title="Kelp “forests” slow <waves>",
    url="https://example.org/kelp?a=1&b=2",
    sections=(Section(heading="Facts", text="Tall.\nGreen."), Section(text="Wet \U0001f30a.")),
    excerpt="Kelp, tall and green.",
    image=Image(src="/kelp.svg", alt="Kelp, drawn"),
    date=dt.date(2031, 12, 31),
    status=Status.DRAFT,
    visible_from=dt.datetime(2026, 5, 1, 8, 0, 0, 123456, tzinfo=dt.UTC),
    visible_until=dt.datetime(2026, 6, 1, tzinfo=dt.UTC),
    supersedes="10.1000/kelp",
    language="pt-br",
    tags=("sea", "Küste"),
    ratings={"credibility": 0.1, "interest": -3.5},
    authors=("N. N.",),
)


def test_an_article_comes_back_with_every_field(fill: Fill) -> None:
    assert fill([WHOLE])[0] == WHOLE


def test_rows_are_numbered_by_the_bytes_of_the_ids(fill: Fill) -> None:
    ids = ["b", "Z", "ä", "a/2", "a 1", "a", "\U0001f30a", "\uff5e", "10", "9"]
    store = fill(article(article_id) for article_id in ids)
    assert [found.id for found in store] == sorted(ids, key=str.encode)
    assert store[2].id == sorted(ids, key=str.encode)[2]


@pytest.mark.parametrize("row", [-1, 1, 10**6])
def test_a_row_outside_is_an_error(fill: Fill, row: int) -> None:
    with pytest.raises(IndexError):
        fill([article("a")])[row]


def test_a_sample_is_spread_evenly(fill: Fill) -> None:
    store = fill(article(f"{number:03}") for number in range(100))
    assert [int(found.id) for found in store.sample(10)] == list(range(0, 100, 10))
    assert len(list(store.sample(1_000))) == 100


def test_a_store_cannot_be_written(fill: Fill, tmp_path: Path) -> None:
    before = (tmp_path, fill([article("a")]))[1]
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        before._database.execute("DELETE FROM articles")


@pytest.mark.parametrize("content", [b"", b"no database at all, though long enough to be one" * 9])
def test_a_file_that_is_no_store_is_refused_with_its_path(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "articles.sqlite"
    path.write_bytes(content)
    save_array(path.with_name(NUMBERS), np.zeros(1, dtype=np.int32))
    store = ArticleStore(path)
    with pytest.raises(BuildError, match=r"articles\.sqlite can't be read"):
        store[0]
    with pytest.raises(BuildError, match=r"articles\.sqlite can't be read"):
        list(store)
    store.close()


def test_a_missing_file_is_refused_with_its_path(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match=r"articles\.sqlite can't be opened"):
        ArticleStore(tmp_path / "articles.sqlite")


def test_an_article_that_is_no_longer_readable_is_refused(tmp_path: Path) -> None:
    store_of(tmp_path, [article("a")]).close()
    path = tmp_path / "articles.sqlite"
    with sqlite3.connect(path) as database:
        database.execute("UPDATE articles SET data = '{}'")
    database.close()
    store = ArticleStore(path)
    with pytest.raises(BuildError, match="article that can't be read"):
        store[0]
    store.close()


@given(
    st.lists(
        st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), min_size=1, max_size=8)
        .map(str.strip)
        .filter(lambda text: text not in ("", ".", "..")),
        unique=True,
        max_size=8,
    )
)
def test_any_set_of_ids_comes_back_in_the_order_of_their_bytes(
    tmp_path_factory: pytest.TempPathFactory, ids: list[str]
) -> None:
    store = store_of(tmp_path_factory.mktemp("store"), [article(found) for found in ids])
    assert [found.id for found in store] == sorted(ids, key=str.encode)
    store.close()
