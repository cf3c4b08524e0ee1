"""Figures against values worked out by hand."""

import gzip
import math

import numpy as np
import pytest

from recommender.errors import InputError
from recommender.ranking_metrics import intra_list_diversity, measure_relevance
from recommender.relevance_judgments import judged_seeds, read_qrels

JUDGED = {"a": {"b": 2, "c": 1, "d": 1, "e": 0}}


def test_a_perfect_list_measures_one():
    found = measure_relevance({"a": ["b", "c", "d", "e"]}, JUDGED)
    assert found.ndcg10.mean == pytest.approx(1)
    assert found.p6.mean == pytest.approx(3 / 6)
    assert found.recall50.mean == pytest.approx(1)


def test_ndcg_is_gain_over_discount_over_ideal():
    found = measure_relevance({"a": ["x", "c", "b"]}, JUDGED)
    gained = 1 / math.log2(3) + 3 / math.log2(4)
    ideal = 3 + 1 / math.log2(3) + 1 / math.log2(4)
    assert found.ndcg10.mean == pytest.approx(gained / ideal)
    assert found.recall50.mean == pytest.approx(2 / 3)


def test_only_seeds_with_three_related_known_articles_are_measured():
    qrels = {"a": {"b": 1, "c": 1, "d": 1}, "b": {"a": 1, "c": 1, "x": 1}, "z": {"a": 1}}
    assert set(judged_seeds(qrels, {"a", "b", "c", "d"})) == {"a"}


def test_the_interval_holds_the_mean_and_narrows_with_agreement():
    same = {f"s{i}": {"b": 1, "c": 1, "d": 1} for i in range(20)}
    found = measure_relevance({seed: ["b", "c", "d"] for seed in same}, same)
    assert found.ndcg10.low == found.ndcg10.high == pytest.approx(1)
    mixed = {seed: ["b", "c", "d"] if i % 2 else ["x"] for i, seed in enumerate(same)}
    found = measure_relevance(mixed, same)
    assert 0 < found.ndcg10.low < found.ndcg10.mean < found.ndcg10.high < 1


def test_judgments_of_another_corpus_are_refused():
    with pytest.raises(InputError, match="belong to this corpus"):
        measure_relevance({}, {})


@pytest.mark.parametrize("packed", [False, True])
def test_qrels_are_read_plain_and_gzipped(tmp_path, packed):
    text = "a\tb\t2\na\ta\t1\n\na\tc\t0\n"
    path = tmp_path / ("q.tsv.gz" if packed else "q.tsv")
    path.write_bytes(gzip.compress(text.encode()) if packed else text.encode())
    assert read_qrels(path) == {"a": {"b": 2, "c": 0}}


@pytest.mark.parametrize("line", ["a b 1", "a\tb", "a\tb\tgood", "a\tb\t1.5"])
def test_a_line_that_is_no_judgment_is_named(tmp_path, line):
    path = tmp_path / "q.tsv"
    path.write_text(f"a\tb\t1\n{line}\n")
    with pytest.raises(InputError, match="line 2"):
        read_qrels(path)


def test_diversity_is_zero_for_copies_and_one_for_strangers():
    lists = np.array([[0, 1, -1]], dtype=np.int32)
    same = np.array([[1, 0], [1, 0]], dtype=np.float32)
    assert intra_list_diversity(lists, same) == pytest.approx(0)
    assert intra_list_diversity(lists, np.eye(2, dtype=np.float32)) == pytest.approx(1)
