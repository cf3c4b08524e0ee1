"""How soon is a pushed article shown: its own list, and its place in its neighbors' lists?

``python -m benchmarks.fresh [--sizes 1000,10000] [--data DIR] [--puts 60]``: for each size, a full
build; then ``alsolike serve`` and ``alsolike watch`` run on it, and articles are pushed one after
another, each as soon as the one before is shown. Times are from the answered PUT, measured at the
service. Then a burst of 100 in one batch, until all of them are shown. At last ``--rounds`` of
``--seconds`` each, by turns quiet and with one edit after another: what readers notice, who ask for
500 lists a second (:mod:`benchmarks.offered_load`).

Up to 20,000 articles are real ones, encoded by the model. More would take hours to encode: they,
and those that are pushed, are put together from sentences as by :mod:`benchmarks.scale`, and what
the full build holds has embeddings put together likewise. Whatever is pushed, the model encodes.
"""

from __future__ import annotations

import argparse
import gzip
import json
import math
import os
import random
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import quote

from benchmarks.corpora import SAMPLE, data_folder, say
from benchmarks.offered_load import offer, percentile
from benchmarks.scale import MOST, PoolEncoder, encode_pool, make_pool
from benchmarks.support.servers import free_port, running
from index.building.builder import make_build
from index.root.root import Root
from index.sources.jsonl_source import JsonlSource
from recommender.encoder import Encoder, Fingerprint
from recommender.sentence_encoder import DEFAULT_MODEL, load_encoder
from service.settings import load_settings
from service.watching.build_run import build_options

BURST = 100
RATE = 500
"""Lists that readers ask for per second."""

ENCODED = 20_000
"""Most articles that are real ones."""

_PATIENCE = 300.0
_LOOK = 0.02
_SEED = 19
_SENTENCE = re.compile(r"(?<=[.!?])\s+")


def records(data: Path | None, count: int) -> list[dict[str, Any]]:
    """Articles of the data folder in English, or of the sample; mixed ones if it has too few."""
    paths = [SAMPLE / "articles.jsonl"]
    if data is not None:
        named = ("arxiv-60k", "synergy", "trec-genomics", "ms-research")
        paths = [data / f"{name}.jsonl.gz" for name in named]
    found = [one for path in paths for one in _read(path)]
    draw = random.Random(_SEED)
    draw.shuffle(found)
    sentences = [text for _, text in found for text in _SENTENCE.split(text)]
    while len(found) < count:
        parts = draw.sample(sentences, 8)
        found.append((parts[0][:80].rstrip("."), " ".join(parts)))
    return [
        {"id": f"a{number:06}", "title": title, "url": f"/{number}", "summary": text}
        for number, (title, text) in enumerate(found[:count])
    ]


class ComposedEncoder(PoolEncoder):
    """Gives texts of a pool's sentences embeddings put together from theirs, in a model's name.

    Args:
        folder: Where the sentences and their embeddings are.
        model: The model that made these.
    """

    def __init__(self, folder: Path, model: Encoder) -> None:
        super().__init__(folder)
        self._model = model

    @property
    def fingerprint(self) -> Fingerprint:
        """The model's, which goes on with the build."""
        return self._model.fingerprint


def composed(data: Path, model: str, count: int) -> tuple[list[dict[str, Any]], Encoder]:
    """Articles put together from sentences, and the encoder for those of the full build."""
    pool = make_pool(data, MOST)
    folder, _ = encode_pool(pool, model)
    articles = [{**pool.article(number), "url": f"/{number}"} for number in range(count)]
    return articles, ComposedEncoder(folder, load_encoder(model))


def _read(path: Path) -> Iterator[tuple[str, str]]:
    content = path.read_bytes()
    content = gzip.decompress(content) if path.suffix == ".gz" else content
    for line in content.splitlines():
        record = json.loads(line)
        parts = [part["text"] for part in record.get("sections", []) if "text" in part]
        body = record.get("text") or record.get("summary") or " ".join(parts)
        if record.get("title") and len(body) > 200:
            yield record["title"], body


class Site:
    """A client of the service that pushes articles and asks for lists."""

    def __init__(self, port: int, token: str) -> None:
        self._connection = HTTPConnection("127.0.0.1", port, timeout=60)
        self._headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}

    def ask(self, method: str, path: str, value: Any = None) -> tuple[int, Any]:
        """The status and the JSON of an answer."""
        body = None if value is None else json.dumps(value)
        self._connection.request(method, path, body=body, headers=self._headers)
        answer = self._connection.getresponse()
        return answer.status, json.loads(answer.read() or b"null")

    def shown(self, article_id: str) -> bool:
        """Whether an article has its own list."""
        return self.ask("GET", f"/v1/related?id={quote(article_id)}")[0] == 200

    def holds(self, article_id: str, other: str) -> bool:
        """Whether a list shows another article."""
        _, found = self.ask("GET", f"/v1/related?id={quote(article_id)}")
        return any(item["article_id"] == other for item in found.get("items", []))

    def push(self, record: dict[str, Any]) -> tuple[float, float]:
        """Seconds from the answered PUT until its own list, and until its neighbors show it."""
        key = record["id"]
        status, answer = self.ask("PUT", f"/v1/articles?id={quote(key)}", record)
        if status != 202:
            raise RuntimeError(f"{key}: {status} {answer}")
        start = time.perf_counter()
        own = _until(lambda: self.shown(key), start)
        _, told = self.ask("GET", f"/v1/articles/status?id={quote(key)}")
        neighbors = [one for one in told["lists"] if one != key]
        return own, _until(lambda: all(self.holds(one, key) for one in neighbors), start)

    def edit(self, record: dict[str, Any]) -> None:
        """Push an article that is there already, and wait until it is live."""
        key = quote(record["id"])
        self._connection.close()  # it may have rested too long
        self.ask("PUT", f"/v1/articles?id={key}", record)
        start = time.perf_counter()
        _until(
            lambda: self.ask("GET", f"/v1/articles/status?id={key}")[1]["state"] == "live", start
        )


def _until(reached: Callable[[], bool], start: float) -> float:
    while not reached():
        if time.perf_counter() - start > _PATIENCE:
            raise RuntimeError(f"it is not shown after {_PATIENCE:.0f} s; see the watcher's log")
        time.sleep(_LOOK)
    return time.perf_counter() - start


def measure(
    articles: list[dict[str, Any]], encoder: Encoder, options: argparse.Namespace, folder: Path
) -> dict[str, Any]:
    """Build all but the last articles, then push these."""
    size, model = len(articles) - options.puts - BURST - 1, options.model
    source = folder / "articles.jsonl"
    source.write_text("".join(f"{json.dumps(one)}\n" for one in articles[:size]))
    os.environ |= {"ALSOLIKE_ROOT": str(folder / "root"), "ALSOLIKE_MODEL": model}
    os.environ |= {"ALSOLIKE_FULL_BUILD_AT": "off", "ALSOLIKE_PUSH_RATE": "100000"}
    os.environ |= {"ALSOLIKE_MAX_DRIFT": "1", "ALSOLIKE_DRAFTS": "false"}
    command = [sys.executable, "-m", "service.cli"]
    settings = load_settings()
    root = Root(settings.root)
    start = time.perf_counter()
    root.path.mkdir()
    with root.locked("benchmark"):
        made = make_build(
            root, [JsonlSource(str(source))], lambda: encoder, build_options(settings)
        ).manifest
        root.make_live(root.verify(made.name))
    full = time.perf_counter() - start
    say(f"{size} articles: a full build takes {full:.1f} s")
    tokens = [*command, "tokens", "add", "benchmark", "--role", "publisher", "--json"]
    token = json.loads(subprocess.run(tokens, check=True, capture_output=True).stdout)["token"]
    port = free_port()
    serve = running([*command, "serve", "--port", str(port)], folder / "serve.log", port)
    with serve, (folder / "watch.log").open("wb") as log:
        watcher = subprocess.Popen([*command, "watch"], stdout=log, stderr=log)
        try:
            site = Site(port, token)
            pushed = _push_all(site, articles[size:])
            readers = _ask_beside(site, port, articles, options) if options.rounds else {}
            return {"articles": size, **pushed, "full_s": round(full, 1), **readers}
        except RuntimeError:
            say((folder / "watch.log").read_text()[-4_000:])
            raise
        finally:
            watcher.terminate()
            watcher.wait(60)


def _push_all(site: Site, articles: list[dict[str, Any]]) -> dict[str, Any]:
    first, *single = articles[:-BURST]
    site.push(first)  # until then the watcher loads the model
    times = []
    for record in single:
        times.append(site.push(record))
        say(f"{record['id']}: own {times[-1][0]:.2f} s, neighbors {times[-1][1]:.2f} s")
    own, neighbors = (sorted(one) for one in zip(*times, strict=True))
    burst = [{"id": one["id"], "record": one} for one in articles[-BURST:]]
    site.ask("POST", "/v1/articles/batch", {"statements": burst})
    start = time.perf_counter()
    for one in burst:
        burst_s = _until(lambda one=one: site.shown(one["id"]), start)  # type: ignore[misc]
    return {
        "own_p50_s": round(percentile(own, 50) / 1_000, 2),
        "own_p95_s": round(percentile(own, 95) / 1_000, 2),
        "neighbors_p95_s": round(percentile(neighbors, 95) / 1_000, 2),
        "burst_s": round(burst_s, 2),
    }


def _ask_beside(
    site: Site, port: int, articles: list[dict[str, Any]], options: argparse.Namespace
) -> dict[str, Any]:
    """What readers notice of builds, in milliseconds."""
    draw = random.Random(_SEED)
    paths = [f"/v1/related?id={quote(draw.choice(articles)['id'])}" for _ in range(5_000)]
    found: list[tuple[float, float]] = []
    edits = errors = 0
    for number in range(options.rounds):
        quiet = offer(port, paths, RATE, options.seconds)
        done = threading.Event()

        def edit(number: int = number, done: threading.Event = done) -> None:
            nonlocal edits
            while not done.is_set():
                edits += 1
                record = articles[-1 - edits % BURST]
                site.edit({**record, "title": f"{record['title']} ({number}.{edits})"})

        editing = threading.Thread(target=edit)
        editing.start()
        beside = offer(port, paths, RATE, options.seconds)
        done.set()
        editing.join()
        errors += beside.count(math.inf)
        found.append((percentile(quiet, 99), percentile(beside, 99)))
        say(f"p99 {found[-1][0]:.2f} ms, {found[-1][1]:.2f} ms beside builds, {edits} so far")
    before, after = (statistics.median(one) for one in zip(*found, strict=True))
    return {
        "builds": edits,
        "errors": errors,
        "quiet_p99_ms": round(before, 2),
        "p99_ms": round(after, 2),
        "ratio": round(after / before, 2),
    }


def main() -> None:
    """Run it."""
    parser = data_folder(argparse.ArgumentParser(description=__doc__))
    parser.add_argument("--sizes", default="1000", help="numbers of articles, by commas")
    parser.add_argument("--puts", type=int, default=60, help="articles pushed one by one")
    parser.add_argument("--rounds", type=int, default=5, help="of readers beside builds")
    parser.add_argument("--seconds", type=float, default=20, help="of each half of a round")
    parser.add_argument("--model", default=DEFAULT_MODEL)
    options = parser.parse_args()
    sizes = []
    for size in map(int, options.sizes.split(",")):
        count = size + options.puts + BURST + 1
        if size <= ENCODED:
            articles, encoder = records(options.data, count), load_encoder(options.model)
        elif options.data is None:
            parser.error(f"more than {ENCODED} articles are put together from those of --data")
        else:
            articles, encoder = composed(options.data, options.model, count)
        with tempfile.TemporaryDirectory() as folder:
            sizes.append(measure(articles, encoder, options, Path(folder)))
        say(json.dumps(sizes[-1]))
    print(json.dumps({"sizes": sizes}))


if __name__ == "__main__":
    main()
