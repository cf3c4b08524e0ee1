"""What a cluster works on at once, and the files that its results are kept in."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from index.build.explanations import ExplainedPart
from index.building.article_block import PreparedBlock
from index.building.parse_batch import ParsedBatch
from recommender.arrays import SparseRows
from recommender.bag_of_words import BagPart
from recommender.encoder import Embeddings
from recommender.keyphrases import BestPhrases
from recommender.neighbors import Neighbors
from recommender.parallel import Block
from recommender.rerank import RankedLists
from recommender.tokenizer import TokenizedPart

"""Bytes of a stream's items that travel together at most, but for a larger item."""


def shards_of(blocks: Iterable[Block], rows: int) -> Iterator[list[Block]]:
    """Neighboring blocks, as many as make so many rows."""
    shard: list[Block] = []
    for block in blocks:
        shard.append(block)
        if shard[-1][1] - shard[0][0] >= rows:
            yield shard
            shard = []
    if shard:
        yield shard


def known(
    rows: NDArray[np.int64], digests: NDArray[Any], before: NDArray[Any], values: Embeddings
) -> tuple[NDArray[np.int64], Embeddings]:
    """Those of some rows whose texts were encoded before, and their embeddings."""
    keys, wanted = _as_keys(before), _as_keys(digests[rows])
    order = np.argsort(keys)
    place = order[np.minimum(np.searchsorted(keys[order], wanted), len(keys) - 1)]
    found = keys[place] == wanted
    return rows[found], values[place[found]]


def _as_keys(digests: NDArray[Any]) -> NDArray[np.void]:
    return np.ascontiguousarray(digests).view("S16").ravel()


def save_parts(path: Path, parts: list[Any]) -> None:
    """Write the results of neighboring blocks as one."""
    names = [field.name for field in dataclasses.fields(parts[0])]
    joined = {name: np.concatenate([getattr(part, name) for part in parts]) for name in names}
    save_arrays(path, {**joined, "type": np.array(type(parts[0]).__name__)})


def load_parts(path: Path) -> Any:
    """What :func:`save_parts` wrote."""
    with np.load(path) as found:
        kind = _RESULTS[str(found["type"])]
        return kind(**{field.name: found[field.name] for field in dataclasses.fields(kind)})


def save_arrays(path: Path, arrays: dict[str, NDArray[Any]]) -> None:
    """Write a file in one step, whoever else writes the same one."""
    beside = path.with_name(f".{path.stem}.{os.uname().nodename}-{os.getpid()}.tmp")
    with beside.open("wb") as file:
        np.savez(file, allow_pickle=False, **arrays)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)


_RESULTS: dict[str, Any] = {
    kind.__name__: kind
    for kind in (
        BagPart,
        BestPhrases,
        ExplainedPart,
        RankedLists,
        Neighbors,
        ParsedBatch,
        PreparedBlock,
        TokenizedPart,
        SparseRows,
    )
}
"""What a stage may give: dataclasses of arrays, of which those of neighboring blocks are joined."""
