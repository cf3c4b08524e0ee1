"""The comparison with other ways to related articles: what is counted, and that all of it runs."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from benchmarks.corpora import Corpus
from benchmarks.peers.lists import DEPTH, NOT_ASKED, worth_of
from benchmarks.peers.peer import PEERS, without
from benchmarks.peers.plots import as_json, draw, render
from benchmarks.peers.precomputed import build_with
from index.query import Fallback, RelatedQuery
from index.root.root import Root
from recommender.article import Article
from service.serving.selection import select
from service.serving.serving_view import ServingView
from tests.support.real_servers import need

pytestmark = pytest.mark.slow_first

HERE = Path(__file__).parents[2]


def corpus(judged=None):
    articles = [Article(id=name, title=name, url="/") for name in "abcde"]
    return Corpus(name="five", articles=articles, judged=judged or {})


def lists(*rows):
    return np.array([[*row, *[-1] * (DEPTH - len(row))] for row in rows], dtype=np.int32)


def test_an_article_that_is_in_no_list_is_an_orphan():
    found = worth_of(lists([1], [2], [1], [1], []), corpus(), np.arange(5))
    assert found.orphans == 3  # a, d and e
    assert found.largest_hub == 0.6
    assert found.empty == 1


def test_only_what_a_page_shows_counts():
    deep = [1, 2, 1, 2, 1, 2, 4]
    found = worth_of(lists(deep, [0], [3], [0], [0]), corpus(), np.arange(5))
    assert found.orphans == 1  # e stands seventh


def test_a_story_counts_as_shown_twice_on_its_own_page_too():
    stories = np.array([0, 1, 1, 3, 3])
    found = worth_of(lists([1, 2], [0, 3], [0, 1], [0], [0, 1]), corpus(), stories)
    assert found.duplicates == 2  # a shows b and c; c shows b, its own story
    assert worth_of(lists([1], [0], [0], [0], [0]), corpus(), stories).duplicates == 0


def test_a_perfect_ranking_scores_one():
    judged = {"set": {"a": {"b": 1, "c": 1, "d": 1}}}
    perfect = worth_of(lists([1, 2, 3], [0], [0], [0], [0]), corpus(judged), np.arange(5))
    worse = worth_of(lists([4, 1, 2], [0], [0], [0], [0]), corpus(judged), np.arange(5))
    assert perfect.ndcg10["set"] == 1.0
    assert 0 < worse.ndcg10["set"] < 1


def test_lists_that_were_not_asked_for_count_nowhere():
    some = lists([1, 2, 3], [0], [0], [0], [0])
    some[3:] = NOT_ASKED
    judged = {"set": {"a": {"b": 1, "c": 1, "d": 1}, "e": {"a": 1, "b": 1, "c": 1}}}
    found = worth_of(some, corpus(judged), np.arange(5))
    assert (found.lists, found.orphans, found.duplicates) == (3, None, 0)
    assert found.ndcg10["set"] == 1.0  # of the two seeds only a's list is there
    assert found.largest_hub == round(2 / 3, 4)


def test_the_article_itself_is_left_out_wherever_it_stands():
    assert without(3, [3, 1, 2], 2) == [1, 2]
    assert without(3, [1, 3, 2], 2) == [1, 2]


def test_lists_put_into_a_build_are_what_is_served(sample_build, tmp_path):
    given = np.full((sample_build.count, DEPTH), -1, dtype=np.int32)
    given[:, 0] = (np.arange(sample_build.count) + 1) % sample_build.count
    given[-3:] = NOT_ASKED
    build_with(given, sample_build, tmp_path / "root")
    built = Root(tmp_path / "root").open()
    now = time.time_ns() // 1000
    served, query = ServingView(built), RelatedQuery(limit=6, fallback=Fallback.NONE)
    checked = 0
    for row, (shown, *_) in enumerate(given.tolist()):
        if shown == NOT_ASKED:
            assert select(served, row, now=now, query=query) == []
            continue
        same_story = built.stories[row] == built.stories[shown]
        if built.is_visible(shown, now) and not same_story:
            (found,) = select(served, row, now=now, query=query)
            assert built.stories[found.row] == built.stories[shown]
            checked += 1
    assert checked > 80


def figures(**more):
    return {
        "version": "x 1",
        "call": "asks",
        "ndcg10": {"five-cited": 0.5},
        "lists": 5,
        "orphans": 1,
        "largest_hub": 0.2,
        "duplicates": 3,
        "empty": 0,
        "build_s": 1.5,
        "lists_s": 20.0,
        "rebuild_s": 0.2,
        "rps": 1234.5,
        "p99_ms": 3.25,
        "serve_mb": 70.0,
        "precomputed_rps": 5000.0,
        "peak_rss_mb": 100.0,
        "disk_mb": 2.0,
        **more,
    }


def test_tables_plots_and_json_hold_every_peer_that_ran(tmp_path):
    results = {
        "five": {
            "alsolike": figures(precomputed_rps=None),
            "tfidf": figures(rps=10.0),
            "milvus": {"skipped": "needs a server"},
        }
    }
    text = render(results)
    assert "| scikit-learn TF-IDF | 0.5000 | 1 | 20.0% | 3 | 1.50 s |" in text
    assert "Milvus: left out, needs a server" in text
    peers = as_json(results)["peers"]
    assert set(peers) == {"alsolike", "tfidf"}
    assert peers["tfidf"]["rps"] == 10.0
    assert peers["tfidf"]["ndcg10"] == {"five-cited": 0.5}
    for path in draw(results, tmp_path):
        assert "scikit-learn TF-IDF" in path.read_text()


def run(*peers):
    need("wrk")
    done = subprocess.run(
        [
            *(sys.executable, "-m", "benchmarks.peers", "--peers", ",".join(peers)),
            *("--model", "hashing:64", "--seconds", "1"),
        ],
        cwd=HERE,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout.splitlines()[-1])["peers"]
    assert set(found) == {"alsolike", *peers}, done.stderr[-3000:]
    return found


def check(found):
    for name, peer in found.items():
        assert peer["rps"] > 0, name
        assert peer["p99_ms"] > 0, name
        assert peer["build_s"] > 0, name
        assert 0 < peer["ndcg10"]["series"] <= 1, name
        assert peer["peak_rss_mb"] > 0, name
    assert found["alsolike"]["duplicates"] == 0


@pytest.mark.full
@pytest.mark.timeout(900)
def test_all_of_them_run_on_the_sample():
    check(run(*(name for name in PEERS if name != "alsolike")))
