"""Articles on their way into the store: each id once, the first one's, in the order of the ids."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.articles.article_store import ArticleStore
from index.building.article_staging import ArticleStaging


def test_the_first_owner_of_an_id_keeps_it(tmp_path: Path) -> None:
    staging = ArticleStaging(tmp_path / "staging.sqlite")
    assert staging.add([("b", b"1"), ("a", b"2")]) == []
    more = [("a", b"3"), ("c", b"4"), ("C", b"5"), ("c", b"6"), ("b", b"7")]
    assert staging.add(more) == [0, 3, 4]
    assert staging.add([]) == []
    assert staging.write(tmp_path / "articles.sqlite") == 4
    left = {path.name for path in tmp_path.iterdir()}
    assert left == {"articles.sqlite", "article_numbers.npy"}
    store = ArticleStore(tmp_path / "articles.sqlite")
    assert list(store.kept()) == [b"5", b"2", b"1", b"4"]
    store.close()


@given(st.lists(st.lists(st.sampled_from("abcdefgABCDÄß\U0001f30a\uff5e"), max_size=6), max_size=8))
def test_it_does_not_matter_how_articles_are_handed_over(
    tmp_path_factory: pytest.TempPathFactory, batches: list[list[str]]
) -> None:
    folder = tmp_path_factory.mktemp("staging")
    staging = ArticleStaging(folder / "staging.sqlite")
    owners: dict[str, bytes] = {}
    number = 0
    for batch in batches:
        twice = []
        some = []
        for place, article_id in enumerate(batch):
            data = str(number).encode()
            some.append((article_id, data))
            if owners.setdefault(article_id, data) != data:
                twice.append(place)
            number += 1
        assert staging.add(some) == twice
    assert staging.write(folder / "articles.sqlite") == len(owners)
    store = ArticleStore(folder / "articles.sqlite")
    assert list(store.kept()) == [owners[key] for key in sorted(owners, key=str.encode)]
    store.close()
