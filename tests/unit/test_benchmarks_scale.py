"""The articles that growth is measured with, and the memory that a build may take."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.scale import NOISE, PARTS, Pool, PoolEncoder, encode_pool, make_pool
from recommender.encoder import HashingEncoder

POOL = Pool(
    prime=11,
    categories=[
        [
            [f"Sentence {number} of part {part} in {name}." for number in range(11)]
            for part in range(PARTS)
        ]
        for name in ("one", "two")
    ],
)
NUMBERS = st.integers(0, 2 * 11 * 11 - 1)


def sentences(number: int) -> set[str]:
    article = POOL.article(number)
    return {article["title"], *(f"{part}." for part in article["summary"].rstrip(".").split(". "))}


@settings(max_examples=300)
@given(NUMBERS, NUMBERS)
def test_two_articles_share_less_than_a_third_of_their_sentences(one: int, other: int) -> None:
    assert len(sentences(one)) == PARTS
    if one != other:
        assert len(sentences(one) & sentences(other)) <= 0.3 * PARTS


def test_every_number_gives_an_article_of_its_own() -> None:
    assert len({frozenset(sentences(number)) for number in range(2 * 11 * 11)}) == 2 * 11 * 11


def test_articles_are_made_of_sentences_of_one_category() -> None:
    for number in range(40):
        assert len({text.rsplit(" ", 1)[1] for text in sentences(number)}) == 1


def test_an_embedding_is_the_mean_of_its_sentences_and_noise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("benchmarks.scale.OUT", tmp_path)
    pool = make_pool(None, 300)
    folder, rate = encode_pool(pool, "hashing:128")
    assert rate > 0
    article = pool.article(17)
    parts = HashingEncoder(128).encode(
        [article["title"], *(part for part in pool.sentences if part in article["summary"])]
    )
    mean = parts.mean(axis=0)
    found = PoolEncoder(folder).encode([f"{article['title']} {article['summary']}"])[0]
    cosine = float(found @ mean / np.linalg.norm(mean))
    assert cosine == pytest.approx(1 / np.sqrt(1 + NOISE**2), abs=0.05)


@pytest.mark.full
def test_the_benchmark_tells_what_it_measured() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.scale", "--model", "hashing:64", "--sizes", "500,1500"],
        check=True,
        capture_output=True,
        text=True,
    )
    found = json.loads(done.stdout)
    assert [size["articles"] for size in found["sizes"]] == [500, 1500]
    for size in found["sizes"]:
        assert size["recall"] >= 0.98
        assert 0 < size["peak_anon_mb"] <= size["peak_rss_mb"]
        assert size["disk_mb"] > 0
        # docs/operations.md states this bound.
        assert size["peak_anon_mb"] <= 600 + 0.001 * size["articles"]
        assert size["cpu_s"] > 0
    assert isinstance(found["exponent"], float)
