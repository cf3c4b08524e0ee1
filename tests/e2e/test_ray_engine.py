"""Builds on a Ray cluster of two nodes: the same lists, whatever is lost on the way."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from index.build.build import Build
from index.building.builder import make_build
from index.building.context import BuildOptions
from index.building.engine import Engine, LocalEngine
from index.errors import UnavailableError
from index.root.root import Root
from index.scale_out.open_engine import open_engine
from index.sources.jsonl_source import JsonlSource
from recommender.encoder import Encoder, HashingEncoder
from recommender.ranking_metrics import measure_relevance
from recommender.sentence_encoder import load_encoder
from tests.support.builds import SAMPLE, change, plain_mapping, sample_judgments
from tests.support.ray_cluster import RayCluster

pytestmark = pytest.mark.xdist_group("ray")

SOURCE = SAMPLE / "articles.jsonl"

_DRIVER = """
import os, sys, time
from pathlib import Path

from tests.support.builds import plain_mapping
from index.scale_out.ray import ray_engine
from index.building.builder import make_build
from index.scale_out.open_engine import open_engine
from index.building.context import BuildOptions
from index.root.root import Root
from index.sources.jsonl_source import JsonlSource
from recommender.encoder import HashingEncoder

path, source, address, pause = Path(sys.argv[1]), sys.argv[2], sys.argv[3], float(sys.argv[4])


class Slow:
    # Takes its time, and leaves a line for each text that it encodes.
    def __init__(self):
        self._encoder = HashingEncoder(64)
        self.fingerprint = self._encoder.fingerprint

    def encode(self, texts, *, progress=None):
        with (path.parent / f"encoded-{os.getpid()}.log").open("a") as log:
            log.writelines(f"{hash(text)}\\n" for text in texts)
        time.sleep(pause)
        return self._encoder.encode(texts, progress=progress)


ray_engine.SHARD = 8
root = Root(path)
with root.locked("test"), open_engine("ray", address=address, root=path) as engine:
    manifest = make_build(
        root, [JsonlSource(source)], Slow, BuildOptions(mapping=plain_mapping(), engine=engine)
    ).manifest
    root.make_live(root.verify(manifest.name))
print(manifest.name, manifest.encoded)
"""


def build_by(
    engine: Engine, path: Path, load_encoder: Callable[[], Encoder], **options: Any
) -> Build:
    root = Root(path)
    with root.locked("test"):
        manifest = make_build(
            root,
            [JsonlSource(str(SOURCE))],
            load_encoder,
            BuildOptions(mapping=plain_mapping(), engine=engine, **options),
        ).manifest
    return root.open(manifest.name)


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Build:
    path = tmp_path_factory.mktemp("local") / "root"
    return build_by(LocalEngine(), path, lambda: HashingEncoder(64))


class Driver:
    """A build on the cluster, in a process of its own, which can be watched and killed."""

    def __init__(self, path: Path, cluster: RayCluster, pause: float) -> None:
        self.path = path
        paths = [str(SAMPLE.parents[1])]
        self.process = subprocess.Popen(
            [
                *(sys.executable, "-c", f"import sys; sys.path[:0] = {paths}\n{_DRIVER}"),
                *(str(path), str(SOURCE), cluster.address, str(pause)),
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def wait_for_shards(self, count: int) -> None:
        deadline = time.monotonic() + 100
        while len(list((self.path / "work").glob("encoded-*/*.npz"))) < count:
            assert self.process.poll() is None, self.process.communicate()[1][-2000:]
            assert time.monotonic() < deadline
            time.sleep(0.02)

    def finish(self) -> tuple[Build, int]:
        said, errors = self.process.communicate(timeout=150)
        assert self.process.returncode == 0, errors[-2000:]
        name, encoded = said.split()
        return Root(self.path).open(name), int(encoded)


def encoded_texts(folder: Path) -> Counter[str]:
    """How often each text was encoded, in all processes of the cluster together."""
    return Counter(line for log in folder.glob("*.log") for line in log.read_text().splitlines())


def assert_same(build: Build, local: Build) -> None:
    ours, theirs = (np.load(b.folder / "embeddings.npy") for b in (build, local))
    assert np.array_equal(ours, theirs)
    assert np.array_equal(build.related_rows, local.related_rows)
    assert np.array_equal(build.related_scores, local.related_scores)


def test_a_cluster_that_is_not_there_is_told_at_once(tmp_path: Path) -> None:
    with (
        pytest.raises(UnavailableError, match=r"127\.0\.0\.1:9 can't be joined"),
        open_engine("ray", address="127.0.0.1:9", root=tmp_path),
    ):
        pass


_ALONE = """
import sys
from pathlib import Path

import ray

from index.scale_out.open_engine import open_engine

with open_engine("ray", address=None, root=Path(sys.argv[1])):
    print(ray.get_runtime_context().gcs_address, file=sys.__stdout__)
"""


def test_without_an_address_a_running_cluster_is_not_joined(
    cluster: RayCluster, tmp_path: Path
) -> None:
    """In a process of its own, as one that was in two clusters can't use the first any more."""
    joined = subprocess.run(
        [sys.executable, "-c", _ALONE, str(tmp_path)],
        env={
            **os.environ,
            "PYTHONPATH": str(SAMPLE.parents[1]),
            "RAY_ADDRESS": cluster.address,
        },
        capture_output=True,
        text=True,
        check=True,
    )
    assert joined.stdout.split()[-1] not in ("", cluster.address)


def relevance(build: Build) -> float:
    """nDCG@10 against the sample's series."""
    series = json.loads((SAMPLE / "kin.json").read_text())["series"].values()
    judged = {one: {other: 1 for other in some if other != one} for some in series for one in some}
    ids = [build.article_id(row) for row in range(build.count)]
    lists = {
        one: [ids[row] for row in build.related(ids.index(one))[0] if row >= 0] for one in judged
    }
    return measure_relevance(lists, judged).ndcg10.mean


@pytest.mark.full
@pytest.mark.model
@pytest.mark.filterwarnings("default::DeprecationWarning:ray")  # it sets what it deprecates
def test_the_real_model_gives_the_same_lists_though_others_batch_its_texts(
    cluster: RayCluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Measured: 98.5 % of the first ten rows, nDCG@10 0.9164 against 0.9162."""
    from index.scale_out.ray import ray_engine

    monkeypatch.setattr(ray_engine, "SHARD", 64)
    here = build_by(LocalEngine(), tmp_path / "local", load_encoder)
    with open_engine("ray", address=cluster.address, root=tmp_path / "root") as engine:
        there = build_by(engine, tmp_path / "root", load_encoder)
    assert there.manifest.encoded == here.count
    ours, theirs = (np.load(build.folder / "embeddings.npy") for build in (here, there))
    assert (ours * theirs).sum(axis=1).min() > 0.9999
    assert (here.related_rows[:, :10] == there.related_rows[:, :10]).mean() > 0.9
    assert abs(relevance(here) - relevance(there)) <= 0.002


@pytest.mark.long
@pytest.mark.filterwarnings("default::DeprecationWarning:ray")  # it sets what it deprecates
def test_lists_are_the_local_ones_with_learned_weights_and_small_builds_are_made_here(
    cluster: RayCluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from index.scale_out.ray import ray_engine

    monkeypatch.setattr(ray_engine, "SHARD", 64)
    local = build_by(
        LocalEngine(), tmp_path / "local", lambda: HashingEncoder(64), judgments=sample_judgments
    )
    assert local.learning["adopted"]
    root = Root(tmp_path / "root")
    with open_engine("ray", address=cluster.address, root=root.path) as engine:
        build = build_by(engine, root.path, lambda: HashingEncoder(64), judgments=sample_judgments)
        assert_same(build, local)
        assert build.learning == local.learning
        with root.locked("test"):
            root.make_live(root.verify(build.name))
        worked = dict(engine.worked)  # type: ignore[attr-defined]
        assert worked.keys() >= {"read", "encode", "explained"}
        change(root, [{"id": "new", "title": "Wild bees in another town"}], engine=engine)
        assert engine.worked == worked  # type: ignore[attr-defined]
        assert root.open().row("new") is not None
        kept = root.path / "work" / "encoded-of-an-unfinished-build"
        kept.mkdir(parents=True)
        again = build_by(engine, root.path, lambda: HashingEncoder(64), max_drift=0.5)
        assert again.manifest.small
        assert list(kept.parent.iterdir()) == [kept]


@pytest.mark.full
def test_a_build_outlives_its_driver_and_then_a_node(
    cluster: RayCluster, local: Build, tmp_path: Path
) -> None:
    first = Driver(tmp_path / "root", cluster, pause=0.3)
    first.wait_for_shards(5)
    first.process.kill()
    first.process.communicate()
    kept = len(list((tmp_path / "root" / "work").glob("encoded-*/*.npz")))
    second = Driver(tmp_path / "root", cluster, pause=0.1)
    second.wait_for_shards(kept + 2)
    cluster.kill_the_other_node()
    build, encoded = second.finish()
    assert_same(build, local)
    assert encoded == local.count
    report = json.loads((build.folder / "report.json").read_text())
    assert report["reading"]["kept"] == local.count
    assert not (tmp_path / "root" / "work").exists()
    assert [path.name for path in (tmp_path / "root" / "builds").iterdir()] == [build.name]
    # What was kept is not encoded again, and of what was not at most what was under way: two
    # shards when the driver died, one when the node did, a title and a body for each of 8 rows.
    twice = sum(count - 1 for count in encoded_texts(tmp_path).values())
    assert twice <= 3 * 8 * 2 < kept * 8 * 2
