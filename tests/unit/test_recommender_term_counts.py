"""Words are read once and counted exactly."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recommender import tokenizer as scanning
from recommender.term_counts import (
    CorpusTerms,
    TermCounts,
    count_corpus,
    count_terms,
    count_titles,
)
from recommender.text import MARKS, PreparedText
from recommender.tokenizer import BREAK, TITLE_WEIGHT, split_terms, tokenize_corpus


def texts_of(*pairs: tuple[str, str]) -> list[PreparedText]:
    return [PreparedText(title=title, body=body) for title, body in pairs]


def count_all(texts: list[PreparedText]) -> CorpusTerms:
    return count_corpus(tokenize_corpus(texts))


def counted(found: CorpusTerms, article: int, counts: TermCounts | None = None) -> dict[str, float]:
    row = (counts or found.counts(*found.blocks[0])).words[[article]].toarray()[0]
    return {found.vocabulary[column]: float(row[column]) for column in np.flatnonzero(row)}


def paired(
    found: CorpusTerms, article: int, counts: TermCounts | None = None
) -> dict[tuple[str, str], float]:
    row = (counts or found.counts(*found.blocks[0])).pairs[[article]].toarray()[0]
    width = len(found.vocabulary)
    return {
        (
            found.vocabulary[int(found.pair_keys[column]) // width],
            found.vocabulary[int(found.pair_keys[column]) % width],
        ): float(row[column])
        for column in np.flatnonzero(row)
    }


@pytest.mark.parametrize(
    ("spelling", "expected"),
    [
        ("Kelp", ["kelp"]),
        ("STRASSE", ["strasse"]),
        ("Straße", ["strasse"]),
        ("anti-CD20", ["anti", "cd20", "anti-cd20"]),
        ("anti‑CD20", ["anti", "cd20", "anti-cd20"]),  # noqa: RUF001 - a hyphen that doesn't break
        ("B-cell", ["cell", "b-cell"]),
        ("x", ["x"]),
        ("", []),
        ("C++", ["c++"]),
        ("U.S.", ["u-s"]),
        ("अ.भा.", ["अ-भा"]),
        ("มี.ค.", ["มี-ค"]),
        ("7", ["7"]),
        ("海藻の森", ["海藻", "藻の", "の森"]),
    ],
)
def test_a_word_counts_as_itself_and_as_its_parts(spelling: str, expected: list[str]) -> None:
    assert split_terms(spelling) == expected


def test_a_scan_keeps_every_word_in_order_with_breaks_at_marks_and_ends() -> None:
    corpus = tokenize_corpus(texts_of(("Tall kelp", "Kelp, tall. Kelp"), ("", "reef")))
    printed = [corpus.spellings[token] or "|" for token in corpus.tokens.tolist()]
    assert printed == "Tall kelp | Kelp | tall | Kelp | | reef |".split()
    assert corpus.ends.tolist() == [9, 12]
    assert corpus.title_ends.tolist() == [3, 10]
    block = corpus.block(0, 2)
    assert block.owners.tolist() == [0] * 9 + [1] * 3
    assert block.weights.tolist() == [TITLE_WEIGHT] * 3 + [1] * 6 + [TITLE_WEIGHT] + [1] * 2
    assert BREAK == 0


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("हिन्दी भाषा।", ["हिन्दी", "भाषा"]),
        ("বাংলা, தமிழ்", ["বাংলা", "தமிழ்"]),
        ("ශ්\u200dරී ලංකාව", ["ශ්\u200dරී", "ලංකාව"]),
        ("שָׁלוֹם", ["שָׁלוֹם"]),
        ("o\u0323\u0300ro\u0323\u0300-e\u0301", ["o\u0323\u0300ro\u0323\u0300", "e\u0301"]),
        ("วัคซีน", ["วั", "ัค", "คซ", "ซี", "ีน"]),
        ("❤\ufe0f 1\ufe0f\u20e3", ["1"]),
        ("अ.भा. परिषद है.वह", ["परिषद", "है", "वह"]),
        ("มี.ค.", []),
    ],
)
def test_a_word_keeps_the_marks_of_its_letters(text: str, terms: list[str]) -> None:
    corpus = tokenize_corpus(texts_of((text, "")))
    found = [term for spelling in corpus.spellings for term in split_terms(spelling)]
    assert [term for term in found if "-" not in term] == terms


@given(st.text(st.characters(exclude_characters=MARKS), max_size=40), st.data())
def test_marks_elsewhere_change_no_words(text: str, data: st.DataObject) -> None:
    mixed = "".join(data.draw(st.permutations([*text, *"C++ U.S. e-mail a.b Ж가漢字"])))
    plain, marked = (
        tokenize_corpus(texts_of(("", body))) for body in (mixed, f"{mixed} \u0915\u093f")
    )
    assert marked.spellings[: len(plain.spellings)] == plain.spellings
    assert marked.tokens[: len(plain.tokens) - 1].tolist() == plain.tokens[:-1].tolist()


def test_words_of_the_title_count_more() -> None:
    found = count_all(texts_of(("Kelp", "Kelp slows"), ("Kelp slows", "slows")))
    assert counted(found, 0) == {"kelp": TITLE_WEIGHT + 1, "slows": 1}
    assert counted(found, 1) == {"kelp": TITLE_WEIGHT, "slows": TITLE_WEIGHT + 1}


def test_a_word_of_one_article_matches_nothing_and_is_dropped() -> None:
    found = count_all(texts_of(("", "kelp urchin"), ("", "kelp otter")))
    assert found.vocabulary == ["kelp"]
    assert (found.counts(0, 2).unmatched > 0).all()


def test_a_single_article_keeps_all_its_words() -> None:
    found = count_all(texts_of(("", "kelp urchin")))
    assert found.vocabulary == ["kelp", "urchin"]


def test_pairs_are_neighbors_with_no_mark_and_no_article_between() -> None:
    found = count_all(texts_of(("", "tall kelp, tall reef"), ("", "tall kelp; reef")))
    assert paired(found, 0) == {("tall", "kelp"): 1}
    assert paired(found, 1) == {("tall", "kelp"): 1}


def test_a_text_outside_a_build_is_counted_in_its_columns_and_no_others() -> None:
    build = count_all(texts_of(("", "tall kelp slows"), ("", "tall kelp grows slows")))
    draft = count_terms(
        tokenize_corpus(texts_of(("Tall kelp", "urchin slows urchin"))),
        build.vocabulary,
        build.pair_keys,
    )
    assert counted(build, 0, draft) == {"tall": 2, "kelp": 2, "slows": 1}
    assert paired(build, 0, draft) == {("tall", "kelp"): 2}


def test_texts_outside_a_build_may_fill_many_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scanning, "_BLOCK_ARTICLES", 2)
    drafts = tokenize_corpus(
        texts_of(("Kelp kelp", "reef"), ("Reef", ""), ("", "kelp"), ("Tall", ""), ("A reef", ""))
    )
    titles = count_titles(drafts, ["kelp", "reef"])
    assert titles.words.toarray().tolist() == [[1, 0], [0, 1], [0, 0], [0, 0], [0, 1]]
    assert titles.unmatched.tolist() == [0, 0, 0, 1, 1]
    words = count_terms(drafts, ["kelp", "reef"], np.empty(0, dtype=np.int64)).words
    assert words.toarray().tolist() == [[4, 1], [0, 2], [1, 0], [0, 0], [0, 2]]


words = st.sampled_from(["kelp", "Kelp", "reef", "tall", "x", "anti-CD20", ",", "\n", "海藻", "7"])
corpora = st.lists(
    st.tuples(
        st.lists(words, max_size=4).map(" ".join), st.lists(words, max_size=12).map(" ".join)
    ),
    min_size=1,
    max_size=12,
)


@given(corpora)
def test_counts_are_those_of_counting_one_by_one(pairs: list[tuple[str, str]]) -> None:
    texts = texts_of(*pairs)
    found = count_all(texts)
    expected: list[Counter[str]] = []
    for text in texts:
        bag: Counter[str] = Counter()
        for part, weight in ((text.title, TITLE_WEIGHT), (text.body, 1)):
            for word in part.split():
                for term in split_terms(word):
                    bag[term] += weight
        expected.append(bag)
    holders = Counter(term for bag in expected for term in bag)
    kept = sorted(term for term, count in holders.items() if count >= min(2, len(texts)))
    assert list(found.vocabulary) == kept
    for article, bag in enumerate(expected):
        assert counted(found, article) == {term: bag[term] for term in kept if bag[term]}


@given(corpora)
@settings(max_examples=20)
def test_counting_in_many_blocks_changes_nothing(pairs: list[tuple[str, str]]) -> None:
    corpus = tokenize_corpus(texts_of(*pairs))
    whole = count_corpus(corpus)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scanning, "_BLOCK_ARTICLES", 2)
        blocks = count_corpus(corpus)
    assert len(blocks.blocks) == (len(pairs) + 1) // 2
    assert whole.vocabulary == blocks.vocabulary
    assert np.array_equal(whole.pair_keys, blocks.pair_keys)
    for start, stop in blocks.blocks:
        counts, part = whole.counts(0, len(pairs)), blocks.counts(start, stop)
        assert np.array_equal(counts.words[start:stop].toarray(), part.words.toarray())
        assert np.array_equal(counts.pairs[start:stop].toarray(), part.pairs.toarray())
        titles, some = whole.title_counts(start, stop), blocks.title_counts(start, stop)
        assert np.array_equal(titles.words.toarray(), some.words.toarray())
