"""What does an index in Milvus cost beside one in the process, and what happens when it is away?

``python -m benchmarks.milvus [--data DIR] [--model hashing:384]``: one machine, one run, a real
server of the package ``milvus``. Candidates of all articles and drafts, one at a time and four at
once, from FAISS and from Milvus, exact and approximate; then the alias is switched under load, and
the server killed and started again under load. Embeddings of a hashing encoder say how fast an
index is, not how good its lists are; recall is against exact search either way. All of them share
the machine's cores.

Without ``--data`` it runs on the sample, to show that it does.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.corpora import data_folder, load_corpus, say, table
from index.build.vectors import VectorIndex, make_index
from index.scale_out.milvus import milvus_index
from index.scale_out.milvus.milvus_client import Milvus, MilvusColumns
from index.scale_out.milvus.milvus_settings import MilvusSettings
from recommender import faiss_index
from recommender.encoder import Embeddings, embed_texts
from recommender.errors import AlsoLikeError
from recommender.faiss_index import measure_recall
from recommender.parameters import DEFAULT_RECIPE
from recommender.sentence_encoder import load_encoder
from recommender.visibility import ALWAYS, NEVER, Visibility

SEARCHED = 2_048
"""Articles whose candidates are looked for, spread evenly over the corpus."""

DRAFTS = 200
HIDDEN = 0.1
"""Share of articles that a draft's search must leave out."""

_DEPTH = 50
_SWITCHES = 50
_AWAY = 10.0
_PATIENCE = 180.0
_SERVE = """
import signal, socket, sys
from milvus import MilvusServer, MilvusServerConfig

class Config(MilvusServerConfig):
    def try_bind_port(self, port):
        try:  # as the server does, whom connections of one that was killed are no obstacle
            return socket.create_server(("127.0.0.1", port))
        except OSError:
            return None

signal.signal(signal.SIGTERM, lambda *_: sys.exit())
config = Config(data_dir=sys.argv[1], proxy_port=int(sys.argv[2]))
server = MilvusServer(config)
try:
    server.start()
    print(server.server_proc.pid, flush=True)
    sys.stdin.read()
finally:
    server.stop()
"""


class Server:
    """A Milvus server that can be killed and started again with what it holds."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._port = probe.getsockname()[1]
        self.uri = f"http://127.0.0.1:{self._port}"
        self._keeper: subprocess.Popen[bytes] | None = None
        self._server = 0

    def start(self) -> float:
        """Seconds until it says that it is ready."""
        began = time.perf_counter()
        self._keeper = subprocess.Popen(
            [sys.executable, "-c", _SERVE, str(self._folder), str(self._port)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert self._keeper.stdout is not None
        self._server = int(self._keeper.stdout.readline())
        return time.perf_counter() - began

    def kill(self) -> None:
        """End it without a word of warning."""
        os.kill(self._server, signal.SIGKILL)
        self.stop()

    def stop(self) -> None:
        """End it and its keeper."""
        if self._keeper is not None:
            self._keeper.communicate()
            self._keeper = None


@dataclass(slots=True)
class Seen:
    """What clients saw: the moment each asked, how long it took, and whether it was answered."""

    asked: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    answered: list[bool] = field(default_factory=list)
    errors: dict[str, int] = field(default_factory=dict)

    def ask(self, search: Callable[[], object]) -> None:
        """Ask once."""
        began = time.perf_counter()
        try:
            search()
            answered = True
        except AlsoLikeError as error:
            answered = False
            self.errors[type(error).__name__] = self.errors.get(type(error).__name__, 0) + 1
        self.asked.append(began)
        self.seconds.append(time.perf_counter() - began)
        self.answered.append(answered)


@contextmanager
def load(searches: Sequence[Callable[[], object]], pause: float = 0.0) -> Iterator[Seen]:
    """Ask from one thread for each search, until the block ends."""
    seen, done = Seen(), threading.Event()

    def repeat(search: Callable[[], object]) -> None:
        while not done.is_set():
            seen.ask(search)
            time.sleep(pause)

    threads = [threading.Thread(target=repeat, args=(search,)) for search in searches]
    for thread in threads:
        thread.start()
    try:
        yield seen
    finally:
        done.set()
        for thread in threads:
            thread.join()


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One of the indexes that are compared."""

    name: str
    title: str
    wanted: MilvusSettings | None
    exact: bool


def read(data: Path | None, model: str) -> Embeddings:
    """One embedding an article."""
    return embed_texts(load_encoder(model), load_corpus(data, "arxiv-60k").texts)


def windows(count: int) -> Visibility:
    """When each article is seen; some never are."""
    visibility = np.tile([ALWAYS, NEVER], (count, 1)).astype(np.int64)
    hidden = np.random.default_rng(1).random(count) < HIDDEN
    visibility[hidden, 0] = NEVER
    return visibility


def measure(index: VectorIndex, embeddings: Embeddings, filled: float) -> list[str]:
    """A row of the table, after the name."""
    some = embeddings[:: max(1, len(embeddings) // SEARCHED)][:SEARCHED]
    began = time.perf_counter()
    index.search(some, DEFAULT_RECIPE.candidates + 1)
    candidates = len(some) / (time.perf_counter() - began)
    recall = measure_recall(index, embeddings, k=min(_DEPTH, len(embeddings)))
    queries = np.random.default_rng(2).choice(len(embeddings), min(DRAFTS, len(embeddings)))
    cells = [f"{filled:.1f}", f"{candidates:,.0f}", f"{recall:.4f}"]
    for threads in (1, 4):
        seen = Seen()

        def draft(row: int) -> object:
            return index.search(embeddings[[row]], DEFAULT_RECIPE.candidates)

        def work(mine: Any, seen: Seen = seen) -> None:
            for row in mine:
                seen.ask(partial(draft, row))

        began = time.perf_counter()
        workers = [
            threading.Thread(target=work, args=(queries[i::threads],)) for i in range(threads)
        ]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        rate = len(queries) / (time.perf_counter() - began)
        assert all(seen.answered)
        p50, p99 = 1e3 * np.percentile(seen.seconds, [50, 99])
        cells += [f"{rate:,.0f}", f"{p50:.1f}", f"{p99:.1f}"]
    return cells


def compare(embeddings: Embeddings, kinds: list[Kind], folder: Path) -> list[list[str]]:
    """A row for each kind of index."""
    visibility, languages = windows(len(embeddings)), np.zeros(len(embeddings), dtype=np.int32)
    rows = []
    for kind in kinds:
        for module in (faiss_index, milvus_index):
            setattr(module, "FLAT_LIMIT", 10**9 if kind.exact else 19)  # noqa: B010 - of both
        place = folder / "builds" / kind.name
        place.mkdir(parents=True)
        np.save(place / "embeddings.npy", embeddings)
        began = time.perf_counter()
        index = make_index(place, kind.name, embeddings, visibility, languages, kind.wanted)
        filled = time.perf_counter() - began
        rows.append([kind.title, index.kind, *measure(index, embeddings, filled)])
        say(" · ".join(rows[-1]))
    return rows


def switch(uri: str, embeddings: Embeddings) -> str:
    """Searches through the alias while it goes to and fro between two collections."""
    milvus, clients = Milvus(uri), [Milvus(uri) for _ in range(4)]
    some = embeddings[:1_000]
    visibility, languages = windows(len(some)), np.zeros(len(some), dtype=np.int32)
    columns = MilvusColumns(embeddings=some, visibility=visibility, languages=languages)
    milvus.create("other", columns, {"index_type": "FLAT", "params": {}})
    milvus.point("live", "build_exact")
    query = embeddings[:1]
    searches = [partial(client.search, "live", query, 20, params={}) for client in clients]
    with load(searches) as seen:
        time.sleep(1)
        for turn in range(_SWITCHES):
            milvus.point("live", ("other", "build_exact")[turn % 2])
            time.sleep(0.1)
    failed = len(seen.answered) - sum(seen.answered)
    return (
        f"{_SWITCHES} switches of the alias under 4 clients: {len(seen.answered)} searches, "
        f"{failed} failed"
    )


def kill(server: Server, embeddings: Embeddings) -> list[str]:
    """What clients see while the server is killed, gone for a while, and started again."""
    clients = [Milvus(server.uri) for _ in range(4)]
    query = embeddings[:1]
    truth, _ = clients[0].search("build_exact", query, 20, params={})
    wrong = []

    def search(client: Milvus) -> None:
        rows, _ = client.search("build_exact", query, 20, params={})
        if not np.array_equal(rows, truth):
            wrong.append(rows)

    searches = [partial(search, client) for client in clients]
    with load(searches, pause=0.02) as seen:
        time.sleep(3)
        killed = time.perf_counter()
        server.kill()
        time.sleep(_AWAY)
        started = time.perf_counter()
        ready = server.start()
        deadline = time.perf_counter() + _PATIENCE
        while time.perf_counter() < deadline and seen.answered[-20:] != [True] * 20:
            time.sleep(0.2)
        time.sleep(3)
    asked, answered = np.array(seen.asked), np.array(seen.answered)
    failed = ~answered
    first = asked[answered & (asked > started)].min()
    last = asked[failed].max() if failed.any() else killed
    waits = np.array(seen.seconds)[failed]
    return [
        f"server killed under 4 clients, started again {_AWAY:.0f} s later; it said that it was "
        f"ready {ready:.0f} s after that",
        f"{int(answered.sum())} searches answered, {len(wrong)} of them otherwise than before; "
        f"{int(failed.sum())} refused: {seen.errors}",
        f"a refusal took {1e3 * np.median(waits):.0f} ms (median), {waits.max():.1f} s at most",
        f"first answer {first - started:.1f} s after the start, last refusal "
        f"{last - started:.1f} s after it",
    ]


def main() -> None:
    """Run the benchmark."""
    parser = data_folder(argparse.ArgumentParser(description=__doc__))
    parser.add_argument("--model", default="hashing:384", help="encoder (hashing:384)")
    arguments = parser.parse_args()
    embeddings = read(arguments.data, arguments.model)
    say(f"{len(embeddings)} articles, {embeddings.shape[1]} wide, {arguments.model}")
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        server = Server(folder / "server")
        say(f"server started in {server.start():.1f} s")
        try:
            there = MilvusSettings(uri=server.uri)
            lite = MilvusSettings(uri=str(folder / "lite.db"))
            first = [
                Kind(name="flat", title="FAISS, exact", wanted=None, exact=True),
                Kind(name="ivf", title="FAISS, approximate", wanted=None, exact=False),
                Kind(name="exact", title="Milvus server, exact", wanted=there, exact=True),
            ]
            rows = compare(embeddings, first, folder)
            found = [switch(server.uri, embeddings), *kill(server, embeddings)]
            say("\n".join(found))
            then = [
                Kind(name="lite", title="milvus-lite, exact", wanted=lite, exact=True),
                Kind(name="graph", title="Milvus server, graph", wanted=there, exact=False),
            ]
            rows += compare(embeddings, then, folder)
        finally:
            server.stop()
    say(f"{len(embeddings):,} articles, {embeddings.shape[1]} wide, by {arguments.model}\n")
    header = ["index", "kind", "fill s", "candidates/s", f"recall@{_DEPTH}"]
    for threads in (1, 4):
        header += [f"drafts/s, {threads} at once", f"p50 ms of {threads}", f"p99 ms of {threads}"]
    say(table(header, rows))
    say("\n".join(f"- {line}" for line in found))
    indexes = [dict(zip(header, row, strict=True)) for row in rows]
    print(json.dumps({"articles": len(embeddings), "indexes": indexes, "found": found}))


if __name__ == "__main__":
    main()
