"""All lists of a peer, kept between runs since some take minutes, and what they are worth.

The seconds they take are measured anew in each run on a sample, whose lists must be the kept ones.
"""

from __future__ import annotations

import hashlib
import sys
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.corpora import OUT, Corpus, say
from benchmarks.peers.peer import Peer
from recommender.ranking_metrics import measure_relevance

DEPTH = 50
SHOWN = 6
NOT_ASKED = -2

_SAMPLE = 64
_STEP = 200
_SEED = 20_260_101

Lists = NDArray[np.int32]
"""Shape (n, :data:`DEPTH`): rows best first, -1 at the end; :data:`NOT_ASKED` in all of a row."""


def all_lists(peer: Peer, corpus: Corpus, patience: float) -> tuple[Lists, float]:
    """Every article's list and the seconds that all of them take, at this run's rate.

    Args:
        peer: Built.
        corpus: What it was built of.
        patience: Seconds after which no more lists are asked for. Which were is random, and what
            one run has got the next needs not ask for.
    """
    count = len(corpus.ids)
    order = np.random.default_rng(_SEED).permutation(count)
    kept = OUT / "peers" / f"{_key(peer, corpus)}.npy"
    kept.parent.mkdir(parents=True, exist_ok=True)
    found = np.load(kept) if peer.keeps_lists and kept.is_file() else _nothing(0)
    whole = None if len(found) else peer.related_all(DEPTH)
    if whole is not None:
        found = _padded(whole)[order]
        np.save(kept, found)
    deadline = time.monotonic() + patience
    while len(found) < count and time.monotonic() < deadline:
        asked = order[len(found) : len(found) + _STEP].tolist()
        found = np.concatenate([found, _padded(_ask(peer, asked))])
        np.save(kept, found)
        say(f"{corpus.name}: {len(found)} lists")
    lists = _nothing(count)
    lists[order[: len(found)]] = found
    sample = order[: min(_SAMPLE, len(found))].tolist()
    start = time.perf_counter()
    again = _padded(_ask(peer, sample))
    seconds = (time.perf_counter() - start) / len(sample) * count
    same = (again == lists[sample]).mean()
    if same < 0.99:
        say(f"{corpus.name}: {kept.name} was kept from an earlier run, and {same:.1%} is the same")
    return lists, seconds


def _nothing(count: int) -> Lists:
    return np.full((count, DEPTH), NOT_ASKED, dtype=np.int32)


def _key(peer: Peer, corpus: Corpus) -> str:
    module = type(peer).__module__
    digest = hashlib.blake2b(f"{module} {peer.version}".encode(), digest_size=8)
    digest.update(Path(str(sys.modules[module].__file__)).read_bytes())
    for text in corpus.texts:
        digest.update(text.digest())
    return f"{module.rpartition('.')[2]}-{corpus.name}-{digest.hexdigest()}"


def _ask(peer: Peer, rows: Sequence[int]) -> list[list[int]]:
    with ThreadPoolExecutor(peer.threads) as pool:
        return list(pool.map(lambda row: peer.related(row, DEPTH), rows))


def _padded(found: Iterable[Sequence[int]]) -> Lists:
    return np.array([[*some, *[-1] * (DEPTH - len(some))] for some in found], dtype=np.int32)


@dataclass(frozen=True, slots=True, kw_only=True)
class Worth:
    """What lists are worth, over what a page shows.

    Attributes:
        lists: How many were asked for.
        ndcg10: By judged set.
        orphans: Articles in nobody's list; ``None`` unless all lists were asked for.
        largest_hub: Share of lists that the most linked article is in.
        duplicates: Lists that show one story twice, the page's own story counting as shown.
        empty: Lists without any article.
    """

    lists: int
    ndcg10: dict[str, float]
    orphans: int | None
    largest_hub: float
    duplicates: int
    empty: int


def worth_of(lists: Lists, corpus: Corpus, stories: NDArray[np.integer]) -> Worth:
    """Measure all lists of a corpus.

    Args:
        lists: Of every article.
        corpus: With its judgments.
        stories: Shape (n,): which articles are near-duplicates of each other.
    """
    asked = np.flatnonzero(lists[:, 0] != NOT_ASKED)
    shown = lists[asked, :SHOWN]
    inbound = np.bincount(shown[shown >= 0], minlength=len(lists))
    twice = 0
    for row, some in zip(asked, shown, strict=True):
        there = [int(stories[row]), *stories[some[some >= 0]].tolist()]
        twice += len(set(there)) < len(there)
    ndcg10 = {}
    for name, judged in corpus.judged.items():
        ranked = {corpus.ids[row]: [corpus.ids[r] for r in lists[row] if r >= 0] for row in asked}
        known = {seed: grades for seed, grades in judged.items() if seed in ranked}
        ndcg10[name] = round(measure_relevance(ranked, known).ndcg10.mean, 4)
    return Worth(
        lists=len(asked),
        ndcg10=ndcg10,
        orphans=int((inbound == 0).sum()) if len(asked) == len(lists) else None,
        largest_hub=round(float(inbound.max()) / len(asked), 4),
        duplicates=twice,
        empty=int((shown[:, 0] < 0).sum()),
    )
