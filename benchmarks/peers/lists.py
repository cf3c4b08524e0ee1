"""All lists of a peer, kept between runs since some take minutes, and what they are worth.

The seconds they take are measured anew in each run on a sample, whose lists must be the kept ones.
"""

from __future__ import annotations

import hashlib
import random
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
from recommender.evaluation import measure_relevance

DEPTH = 50
SHOWN = 6
_SAMPLE = 64
_STEP = 500
_SEED = 20_260_101

Lists = NDArray[np.int32]
"""Shape (n, :data:`DEPTH`): rows best first, -1 at the end."""


def all_lists(peer: Peer, corpus: Corpus) -> tuple[Lists, float]:
    """Every article's list and the seconds that all of them take, at this run's rate."""
    count = len(corpus.ids)
    kept = OUT / "peers" / f"{_key(peer, corpus)}.npy"
    rows = sorted(random.Random(_SEED).sample(range(count), min(_SAMPLE, count)))
    kept.parent.mkdir(parents=True, exist_ok=True)
    lists = np.load(kept) if kept.is_file() else np.empty((0, DEPTH), dtype=np.int32)
    whole = peer.related_all(DEPTH) if not len(lists) else None
    if whole is not None:
        lists = _padded(whole)
        np.save(kept, lists)
    while len(lists) < count:  # what a run that is cut off has got, the next one needs not ask
        asked = range(len(lists), min(len(lists) + _STEP, count))
        lists = np.concatenate([lists, _padded(_ask(peer, asked))])
        np.save(kept, lists)
        say(f"{corpus.name}: {len(lists)} lists")
    start = time.perf_counter()
    again = _padded(_ask(peer, rows))
    seconds = (time.perf_counter() - start) / len(rows) * count
    same = (again == lists[rows]).mean()
    if same < 0.99:
        say(f"{corpus.name}: {kept.name} was kept from an earlier run, and {same:.1%} is the same")
    return lists, seconds


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
        ndcg10: By judged set.
        orphans: Articles in nobody's list.
        largest_hub: Share of lists that the most linked article is in.
        duplicates: Lists that show one story twice, the page's own story counting as shown.
        empty: Lists without any article.
    """

    ndcg10: dict[str, float]
    orphans: int
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
    count = len(corpus.ids)
    shown = lists[:, :SHOWN]
    inbound = np.bincount(shown[shown >= 0], minlength=count)
    twice = 0
    for row, some in enumerate(shown):
        there = [int(stories[row]), *stories[some[some >= 0]].tolist()]
        twice += len(set(there)) < len(there)
    rows = {article_id: row for row, article_id in enumerate(corpus.ids)}
    ndcg10 = {}
    for name, judged in corpus.judged.items():
        ranked = {seed: [corpus.ids[r] for r in lists[rows[seed]] if r >= 0] for seed in judged}
        ndcg10[name] = round(measure_relevance(ranked, judged).ndcg10.mean, 4)
    return Worth(
        ndcg10=ndcg10,
        orphans=int((inbound == 0).sum()),
        largest_hub=round(float(inbound.max()) / count, 4),
        duplicates=twice,
        empty=int((shown[:, 0] < 0).sum()),
    )
