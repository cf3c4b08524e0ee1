"""Reading on a Ray cluster of two nodes: the same articles and complaints, whatever is lost."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from index.articles.article_store import ARTICLES, ArticleStore
from index.building.builder import make_build
from index.building.context import BuildOptions
from index.building.engine import LocalEngine
from index.root.root import Root
from index.scale_out.open_engine import open_engine
from index.sources.csv_source import CsvSource
from index.sources.html_pages import HtmlSource
from index.sources.jsonl_source import JsonlSource
from index.sources.source import Source
from recommender.encoder import HashingEncoder
from recommender.errors import AlsoLikeError, InputError
from tests.support.builds import SAMPLE, plain_mapping
from tests.support.ray_cluster import RayCluster
from tests.support.slow_source import read_into

pytestmark = [
    pytest.mark.slow_first,
    pytest.mark.xdist_group("ray"),
    pytest.mark.filterwarnings("default::DeprecationWarning:ray"),
]


def nasty(folder: Path) -> list[Source]:
    """Sources of good and bad records, with ids that occur twice in and between them."""
    good = {"title": "Kelp <b>forests</b>", "url": "/k", "summary": "Tall & green. \U0001f30a"}
    lines: list[bytes] = []
    for number in range(200):
        record: dict[str, Any] = {**good, "id": f"a{number * 7 % 150}"}
        if number % 9 == 0:
            record |= {"status": "publishd", "date": "soon", "body": "x" * 300}
        if number % 11 == 0:
            record |= {"url": "javascript:alert(1)"}
        lines.append(json.dumps(record).encode())
    lines[13:13] = [b"no JSON", b"", b'{"id": "\xff"}', b"[1, 2]", b'{"title": "No id"}']
    (folder / "first.jsonl").write_bytes(b"\n".join(lines))
    rows = [f"{'b' if row % 3 else 'a'}{row},Row {row},/r,A text" for row in range(60)]
    rows[7] = "one cell"
    (folder / "second.csv").write_text("\n".join(["id,title,url,summary", *rows]))
    pages = folder / "pages"
    pages.mkdir()
    for number in range(20):
        title = "" if number % 5 == 0 else f"<title>Page {number}</title>"
        (pages / f"a{number * 40}.html").write_text(f"<html>{title}<p>A text &amp; more")
    (pages / "invalid.html").write_bytes(b"\xff\xfe\x00")
    return [
        JsonlSource(str(folder / "first.jsonl")),
        CsvSource(path=str(folder / "second.csv")),
        HtmlSource(path=str(pages)),
    ]


def stored(folder: Path) -> list[bytes]:
    store = ArticleStore(folder / ARTICLES)
    kept = list(store.kept())
    store.close()
    return kept


def test_bad_records_and_duplicates_are_told_as_by_one_process(
    cluster: RayCluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from index.scale_out.ray import ray_engine

    monkeypatch.setattr(ray_engine, "SHARD", 16)
    sources = nasty(tmp_path)
    broken = tmp_path / "broken.jsonl.gz"
    broken.write_bytes(b"\x1f\x8b\x08 no more")
    with open_engine("ray", address=cluster.address, root=tmp_path) as engine:
        here = read_into(tmp_path / "here", sources, LocalEngine())
        there = read_into(tmp_path / "there", sources, engine)
        assert there.report == here.report
        assert there.report.skipped["id: duplicate"] > 30
        assert len(there.report.skipped) > 4
        assert stored(tmp_path / "there") == stored(tmp_path / "here")
        assert engine.worked["read"] > 0  # type: ignore[attr-defined]
        for number, (some, options) in enumerate(
            [
                (sources, {"strict": True}),
                (sources[1:], {"strict": True}),
                (sources, {"only": frozenset({"a7", "nobody"})}),
                (sources, {"keep_missing": True}),
                ([*sources, JsonlSource(str(broken))], {}),
                ([JsonlSource(str(tmp_path / "absent.jsonl"))], {}),
            ]
        ):
            said = []
            for name, one in (("here", LocalEngine()), ("there", engine)):
                with pytest.raises(AlsoLikeError) as raised:
                    read_into(tmp_path / f"{name}-{number}", some, one, **options)
                said.append((type(raised.value), str(raised.value)))
            assert said[0] == said[1]


@pytest.mark.long
@pytest.mark.parametrize("options", [{"only": frozenset({"a7", "b1"})}, {"keep_missing": True}])
def test_the_rest_is_taken_from_the_live_build(
    cluster: RayCluster, tmp_path: Path, options: dict[str, Any]
) -> None:
    titles = {"a7": "Old", "b1": "Old", "kept": "Kept", "10.1/ü": "Kept", "c": "Kept"}
    lines = "\n".join(json.dumps({"id": key, "title": title}) for key, title in titles.items())
    (tmp_path / "live.jsonl").write_text(lines)
    root = Root(tmp_path / "root")
    with root.locked("test"):
        manifest = make_build(
            root,
            [JsonlSource(str(tmp_path / "live.jsonl"))],
            lambda: HashingEncoder(16),
            BuildOptions(mapping=plain_mapping()),
        ).manifest
    live = root.open(manifest.name)
    sources = nasty(tmp_path)
    with open_engine("ray", address=cluster.address, root=tmp_path) as engine:
        for name, one in (("here", LocalEngine()), ("there", engine)):
            read_into(tmp_path / name, sources, one, previous=live, **options)
        if "only" in options:
            missing = {"only": frozenset({"a7", "nobody"}), "previous": live}
            with pytest.raises(InputError, match="--only nobody: there is no usable article"):
                read_into(tmp_path / "missing", sources, engine, **missing)
    assert stored(tmp_path / "there") == stored(tmp_path / "here")
    articles = map(json.loads, stored(tmp_path / "there"))
    found = {article["id"]: article["title"] for article in articles}
    assert titles.keys() <= found.keys()
    assert (len(found) > len(titles)) == ("keep_missing" in options)
    assert found["kept"] == found["10.1/ü"] == "Kept"
    assert found["a7"] == "Kelp forests"
    assert found["b1"] == "Row 1"


def driver(folder: Path, source: Path, cluster: RayCluster) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [
            *(sys.executable, "-m", "tests.support.slow_source"),
            *(str(folder), str(source), cluster.address),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(SAMPLE.parent.parent)},
    )


def shards(folder: Path) -> list[Path]:
    return list((folder / "work").glob("read-*/*.pickle"))


def wait_for_shards(folder: Path, count: int, process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 100
    while len(shards(folder)) < count:
        assert process.poll() is None, process.communicate()[1][-2000:]
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.full
def test_reading_outlives_its_driver_and_then_a_node(cluster: RayCluster, tmp_path: Path) -> None:
    source = SAMPLE / "articles.jsonl"
    read_into(tmp_path / "here", [JsonlSource(str(source))], LocalEngine())
    first = driver(tmp_path, source, cluster)
    wait_for_shards(tmp_path, 5, first)
    first.kill()
    first.communicate()
    kept = len(shards(tmp_path))
    second = driver(tmp_path, source, cluster)
    wait_for_shards(tmp_path, kept + 2, second)
    cluster.kill_the_other_node()
    said, errors = second.communicate(timeout=150)
    assert second.returncode == 0, errors[-2000:]
    assert stored(Path(said)) == stored(tmp_path / "here")
    parsed = Counter(
        line for log in tmp_path.glob("parsed-*.log") for line in log.read_text().splitlines()
    )
    lines = len(source.read_text().splitlines())
    assert sum(parsed.values()) >= len(parsed) == lines
    # What was kept is not made again, and of what was not at most what was under way: two shards
    # when the driver died, one when the node did.
    assert sum(parsed.values()) - lines <= 3 * 8 < kept * 8
