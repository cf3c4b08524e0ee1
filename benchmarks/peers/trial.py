"""One peer on one corpus, in a process of its own so that its memory is its own.

``python -m benchmarks.peers.trial`` is started by :mod:`benchmarks.peers` and prints one JSON
object.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from urllib.parse import quote

import numpy as np
from _pytest.outcomes import OutcomeException

from benchmarks.corpora import CachedEncoder, Corpus, data_folder, load_corpus, say
from benchmarks.peers.alsolike import STORIES, shown_ids
from benchmarks.peers.lists import all_lists, worth_of
from benchmarks.peers.load import measure_load
from benchmarks.peers.memory import PeakMemory, proportional_bytes
from benchmarks.peers.peer import Peer, open_peer, server_of
from benchmarks.peers.web import ARTICLES
from recommender.sentence_encoder import DEFAULT_MODEL
from recommender.text import PreparedText

SHARE = 0.01
_SEED = 20_260_101


def change(texts: list[PreparedText]) -> list[int]:
    """Let 1 % of the texts go on with another's; returns their rows."""
    draw = random.Random(_SEED)
    rows = sorted(draw.sample(range(len(texts)), max(1, round(SHARE * len(texts)))))
    for row, other in zip(rows, draw.choices(texts, k=len(rows)), strict=True):
        texts[row] = replace(texts[row], body=f"{texts[row].body} {other.whole[:300]}")
    return rows


def run(
    peer: Peer, corpus: Corpus, built: Path, *, seconds: float, patience: float, before: int
) -> dict[str, object]:
    """Build, ask, serve, change.

    Args:
        peer: In an empty folder, its server running.
        corpus: The articles.
        built: AlsoLike's folder for the same corpus; its own is where the peer's is.
        seconds: How long each run of requests lasts.
        patience: Seconds after which no more lists are asked for.
        before: Bytes that this process held before the peer's code was loaded.
    """
    clock: Callable[[], float] = time.perf_counter
    with PeakMemory(before) as memory:
        if peer.encodes is not None:
            from benchmarks.peers.encoders import load_peer_encoder

            encoder = CachedEncoder(
                load_peer_encoder(peer.encodes, peer.model), f"-peers-{corpus.name}"
            )
            peer.encoder, clock = encoder, encoder.clock
        start = clock()
        peer.build(corpus.ids, corpus.texts)
        build_s = clock() - start
        say(f"{corpus.name}: built in {build_s:.1f} s")
        lists, lists_s = all_lists(peer, corpus, patience)
    (peer.folder / ARTICLES).write_text(
        json.dumps([[i, text.title] for i, text in zip(corpus.ids, corpus.texts, strict=True)])
    )
    disk = peer.disk_bytes()
    shown = shown_ids(built, corpus.ids)
    load = measure_load(
        peer.command, [peer.path(quote(i, safe="")) for i in shown], peer.folder, seconds
    )
    say(f"{corpus.name}: {load.rps} requests/s, p99 {load.p99_ms} ms")
    texts = list(corpus.texts)
    rows = change(texts)
    start = clock()
    peer.change(rows, texts)
    rebuild_s = clock() - start
    say(f"{corpus.name}: changed in {rebuild_s:.1f} s")
    stories = np.load(built / STORIES)
    precomputed = None
    if peer.folder != built:
        from benchmarks.peers.precomputed import precomputed_load

        precomputed = precomputed_load(lists, shown, built, peer.folder, seconds).rps
    return {
        "version": peer.version,
        "call": peer.call,
        **asdict(worth_of(lists, corpus, stories)),
        "build_s": round(build_s, 2),
        "lists_s": round(lists_s, 1),
        "rebuild_s": round(rebuild_s, 2),
        **asdict(load),
        "precomputed_rps": precomputed,
        "peak_rss_mb": round(memory.peak / 1e6, 1),
        "disk_mb": round(disk / 1e6, 1),
    }


def main() -> None:
    """Run one trial."""
    parser = data_folder(argparse.ArgumentParser(description=__doc__))
    parser.add_argument("peer")
    parser.add_argument("corpus")
    parser.add_argument("folder", type=Path)
    parser.add_argument("built", type=Path)
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--patience", type=float, required=True)
    parser.add_argument("--model", default=DEFAULT_MODEL)
    arguments = parser.parse_args()
    corpus = load_corpus(arguments.data, arguments.corpus)
    arguments.folder.mkdir(parents=True)
    before = proportional_bytes(os.getpid())
    try:
        with server_of(arguments.peer, arguments.folder):
            peer = open_peer(arguments.peer, arguments.folder)
            peer.model = arguments.model
            found = run(
                peer,
                corpus,
                arguments.built,
                seconds=arguments.seconds,
                patience=arguments.patience,
                before=before,
            )
    except OutcomeException as error:  # a server's program is missing
        found = {"skipped": str(error)}
    print(json.dumps(found))


if __name__ == "__main__":
    main()
