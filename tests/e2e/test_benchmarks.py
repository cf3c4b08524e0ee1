"""Benchmarks run without any data from outside and end with one JSON object."""

import asyncio
import gzip
import importlib
import json
import math
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest

from benchmarks.offered_load import offer, percentile
from benchmarks.synthetic_builds import make_invented_build
from index.root.root import Root
from recommender.sentence_encoder import load_encoder

pytestmark = pytest.mark.xdist_group("model")

HERE = Path(__file__).parents[2]


def last_line(*arguments: str) -> dict:
    done = subprocess.run(
        [sys.executable, "-m", *arguments], cwd=HERE, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture
def last_line_here(monkeypatch, capsys):
    """As :func:`last_line`, in this process: importing the model's libraries takes seconds."""

    def run(module: str, *arguments: str) -> dict:
        monkeypatch.setattr(sys, "argv", [module, *arguments])
        importlib.import_module(module).main()
        return json.loads(capsys.readouterr().out.splitlines()[-1])

    return run


@pytest.mark.full
@pytest.mark.model
@pytest.mark.filterwarnings("default")  # those of the libraries that are compared
def test_encode_compares_equal_vectors(last_line_here):
    found = last_line_here("benchmarks.encode", "--windows", "8")
    assert set(found) == {"alsolike_per_s", "plain_per_s", "ratio", "min_cosine"}
    assert found["min_cosine"] >= 0.9995


@pytest.mark.model
@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("model", ["hashing:512", pytest.param(None, marks=pytest.mark.full)])
def test_relevance_measures_every_method_on_the_sample(last_line_here, monkeypatch, model):
    if model is not None:
        monkeypatch.setattr("benchmarks.relevance.load_encoder", partial(load_encoder, model))
    found = last_line_here("benchmarks.relevance")
    methods = {"dense", "bm25", "tfidf", "more-like-this", "rrf", "alsolike"}
    assert set(found["macro_ndcg10"]) == methods
    assert set(found["sets"]["series"]) == {*methods, "seeds", "against", "spread"}
    assert found["macro_ndcg10"]["alsolike"] > found["macro_ndcg10"]["dense"]


def test_sentences_of_the_sample_name_what_stands_in_both(last_line_here):
    found = last_line_here("benchmarks.sentences", "--model", "hashing:64")
    assert found["links"] > 100
    assert found["untrue"] == 0
    assert found["nothing_named"] < 0.1


def test_translations_tells_each_direction_with_and_without_the_language(last_line_here, tmp_path):
    for language, common in (("de", "und " * 9), ("es", "pero " * 9), ("fr", "mais " * 9)):
        lines = (
            json.dumps({"id": f"{n}.md", "title": f"word{n}", "text": f"{common} term{n} word{n}"})
            for n in range(40)
        )
        (tmp_path / f"help-{language}.jsonl.gz").write_bytes(
            gzip.compress("\n".join(lines).encode())
        )
    arguments = ("--data", str(tmp_path), "--model", "hashing:512")
    found = last_line_here("benchmarks.translations", *arguments)
    assert len(found["raw"]) == 3 * 2 + 1
    assert found["centered"]["help-de to help-fr"] > 0.9
    assert found["centered"]["mean"] > found["raw"]["mean"] > 0


@pytest.mark.full
@pytest.mark.model
@pytest.mark.parametrize("module", ["ablation", "learning", "template"])
def test_the_slower_ones_run_too(module):
    assert last_line(f"benchmarks.{module}")


@pytest.mark.full
@pytest.mark.model
def test_comparing_and_learning_from_clicks_are_measured_on_a_simulated_site():
    found = last_line("benchmarks.clicks", "--runs", "50", "--sites", "2", "--chances", "4")
    names = {"power", "false_alarms", "propensity_error", "learned_gain", "refused"}
    assert set(found) == names
    assert found["power"] >= 0.6
    assert found["propensity_error"] < 0.06
    assert found["refused"] == 4


@pytest.mark.full
def test_an_index_in_milvus_is_compared_and_its_server_killed_and_found_again():
    found = last_line("benchmarks.milvus")
    assert all(float(index["recall@50"]) >= 0.95 for index in found["indexes"])
    assert ", 0 failed" in found["found"][0]
    assert " 0 of them otherwise than before" in found["found"][2]


@pytest.mark.full
def test_what_an_editor_waits_for_is_measured_on_invented_articles():
    found = last_line(
        *("benchmarks.editor", "--articles", "300", "--searches", "60", "--previews", "10")
    )
    assert set(found) == {
        *("articles", "search_p95_ms", "search_ratio", "preview_p95_ms", "first_page_p95_ms")
    }
    assert found["articles"] == 300
    assert min(found.values()) > 0


@pytest.mark.full
def test_clusters_of_one_and_two_nodes_build_the_same_lists():
    assert last_line("benchmarks.capacity")["equal_lists"]


@pytest.mark.full
def test_a_cluster_of_this_machine_alone_builds_the_same_lists_and_its_cost_is_told():
    found = last_line("benchmarks.ray")
    assert found["equal_lists"]
    assert found["ndcg10_difference"] == 0.0


@pytest.mark.full
def test_fresh_tells_when_pushed_articles_are_shown():
    arguments = ("--sizes", "120", "--puts", "2", "--model", "hashing:64")
    arguments += ("--rounds", "1", "--seconds", "2")
    (found,) = last_line("benchmarks.fresh", *arguments)["sizes"]
    assert found["articles"] == 120
    assert 0 < found["own_p50_s"] <= found["own_p95_s"] <= found["neighbors_p95_s"] < 60
    assert 0 < found["burst_s"] < 300
    assert (found["builds"] > 0, found["errors"]) == (True, 0)


def test_a_build_invented_for_load_is_one_that_can_be_served(tmp_path):
    root = Root(tmp_path)
    make_invented_build(root, 400, marker="#even", half=0)
    build = root.open_live()
    assert build.count == 400
    assert build.title(7).endswith("#even")
    rows = build.related_rows[7]
    assert len(set(rows[rows >= 0])) > 10
    assert not (rows[rows >= 0] % 2).any()


def test_readers_at_a_fixed_rate_see_all_of_the_time_that_a_server_stands_still():
    stall, asked = 0.6, []

    class Server(asyncio.Protocol):
        def connection_made(self, transport):
            self.transport = transport

        def data_received(self, data):
            asked.append(data.split()[1])
            if len(asked) == 20:
                time.sleep(stall)  # and answers nobody
            status = 404 if len(asked) == 100 else 200
            self.transport.write(b"HTTP/1.1 %d OK\r\nContent-Length: 0\r\n\r\n" % status)

    async def serve():
        server = await asyncio.get_running_loop().create_server(Server, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        async with server:
            return await asyncio.to_thread(offer, port, ["/a", "/b"], 100, 1.0)

    latencies = asyncio.run(serve())
    assert asked.count(b"/a") == asked.count(b"/b") == 50
    assert max(latencies[:18]) < stall < latencies[19]
    for number in range(20, 60):  # what was left of it when they came
        assert latencies[number] > stall - 0.01 * (number - 18)
    assert percentile(latencies[:-1], 50) < 1e3 * stall
    assert percentile(latencies, 100) == math.inf, "not answered with 200"
