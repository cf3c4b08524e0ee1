"""Which pairs several articles share, counted in bounded memory, against counting them all."""

from __future__ import annotations

import itertools
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recommender import bag_of_words as bags
from recommender import tokenizer as scanning
from recommender.term_counts import count_corpus
from recommender.text import PreparedText
from recommender.tokenizer import tokenize_corpus

words = st.sampled_from([f"w{i}" for i in range(12)])
bodies = st.lists(st.lists(words, max_size=14).map(" ".join), min_size=2, max_size=14)


@given(bodies, st.sampled_from([1, 3, 10]), st.sampled_from([0, 5, 10_000]))
@settings(max_examples=80)
def test_holders_of_pairs_are_exact_however_much_the_table_collides(
    texts: list[str], bits: int, merge: int
) -> None:
    holders: Counter[tuple[str, str]] = Counter()
    for text in texts:
        parts = text.split()
        holders.update(set(itertools.pairwise(parts)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scanning, "_BLOCK_ARTICLES", 3)
        patch.setattr(bags, "_MOST_BITS", bits)
        patch.setattr(bags, "_MERGE", merge)
        found = count_corpus(tokenize_corpus([PreparedText(title="", body=text) for text in texts]))
    width = len(found.vocabulary)
    counted = {
        (found.vocabulary[key // width], found.vocabulary[key % width]): count
        for key, count in zip(found.pair_keys.tolist(), found.pair_holders.tolist(), strict=True)
    }
    assert counted == {pair: count for pair, count in holders.items() if count >= 2}
