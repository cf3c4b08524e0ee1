"""What benchmarks measure on: the data folder if one is named, else the sample corpus.

Encoding takes minutes and does not change from run to run, so its results are kept under
``benchmarks/out/``, together with the seconds they took when they were made: every figure that
contains encoding time counts those.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from recommender.encoder import Embeddings, Encoder, Fingerprint, Progress
from recommender.errors import SourceError
from recommender.evaluation import judged_seeds, read_qrels
from recommender.text import PreparedText

OUT = Path(__file__).parent / "out"
SAMPLE = Path(__file__).parent.parent / "index" / "sample"

JUDGED = {
    "synergy-citation": ("synergy", "synergy.qrels_citation"),
    "synergy-coincluded": ("synergy", "synergy.qrels_coincluded"),
    "trec-genomics": ("trec-genomics", "trec-genomics.qrels"),
}
"""Judged set to its corpus and its file of judgments."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Corpus:
    """A corpus by id, in the order of ids.

    Attributes:
        name: Of the file.
        ids: Article ids, ascending.
        texts: Title and text of each.
        judged: Judged set to seeds to grades.
    """

    name: str
    ids: list[str]
    texts: list[PreparedText]
    judged: dict[str, dict[str, dict[str, int]]]

    @property
    def file(self) -> str:
        """Its file's name in the data folder."""
        return f"{self.name}.jsonl.gz"


def data_folder(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    """Add ``--data`` to a benchmark's options."""
    parser.add_argument("--data", type=Path, help="folder with the judged sets; else the sample")
    return parser


def load_corpora(data: Path | None) -> list[Corpus]:
    """Every judged corpus of the folder; without one, the sample with its series as judgments."""
    if data is None:
        return [_sample()]
    names = sorted({corpus for corpus, _ in JUDGED.values()})
    return [_load(data, name) for name in names]


def load_texts(path: Path) -> tuple[list[str], list[PreparedText]]:
    """Ids and texts of a ``.jsonl.gz`` with ``id``, ``title`` and ``text``."""
    if not path.is_file():
        raise SourceError(f"there is no {path}")
    with gzip.open(path, "rt") as file:
        records = [json.loads(line) for line in file]
    records = sorted((r for r in records if r.get("title")), key=lambda record: str(record["id"]))
    texts = [PreparedText(title=r["title"], body=r.get("text") or "") for r in records]
    return [str(record["id"]) for record in records], texts


def _load(data: Path, name: str) -> Corpus:
    ids, texts = load_texts(data / f"{name}.jsonl.gz")
    known = set(ids)
    judged = {
        judged_set: judged_seeds(read_qrels(data / f"{file}.tsv.gz"), known)
        for judged_set, (corpus, file) in JUDGED.items()
        if corpus == name
    }
    return Corpus(name=name, ids=ids, texts=texts, judged=judged)


def _sample() -> Corpus:
    records = [json.loads(line) for line in (SAMPLE / "articles.jsonl").read_text().splitlines()]
    kin = json.loads((SAMPLE / "kin.json").read_text())
    records.sort(key=lambda record: record["id"])
    visible = [r for r in records if r["status"] == "published" and "visible_from" not in r]
    texts = [
        PreparedText(
            title=record["title"],
            body="\n".join(f"{s['heading']}\n{s['text']}" for s in record["sections"]),
        )
        for record in visible
    ]
    ids = [record["id"] for record in visible]
    qrels = {
        one: {other: 1 for other in series if other != one}
        for series in kin["series"].values()
        for one in series
    }
    return Corpus(
        name="sample", ids=ids, texts=texts, judged={"series": judged_seeds(qrels, set(ids))}
    )


class CachedEncoder:
    """Keeps what an encoder returned, and how long it took, between runs.

    Args:
        encoder: The encoder.

    Attributes:
        seconds: Encoding time of everything asked for so far, as measured when it was made.
    """

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder
        self.seconds = 0.0
        self._asked = 0.0  # what the calls really took in this run

    @property
    def fingerprint(self) -> Fingerprint:
        """Of the encoder behind it."""
        return self._encoder.fingerprint

    def clock(self) -> float:
        """Seconds by a clock that counts cached encoding as if it were done now."""
        return time.perf_counter() + self.seconds - self._asked

    def encode(self, texts: Sequence[str], *, progress: Progress | None = None) -> Embeddings:
        """See :class:`recommender.encoder.Encoder`."""
        start = time.perf_counter()
        try:
            return self._encode(texts, progress)
        finally:
            self._asked += time.perf_counter() - start

    def _encode(self, texts: Sequence[str], progress: Progress | None) -> Embeddings:
        digest = hashlib.blake2b(digest_size=16)
        digest.update(repr(self.fingerprint).encode())
        for text in texts:
            digest.update(hashlib.blake2b(text.encode()).digest())
        path = OUT / "cache" / f"{digest.hexdigest()}.npz"
        if path.is_file():
            with np.load(path) as kept:
                self.seconds += float(kept["seconds"])
                found: Embeddings = kept["embeddings"]
                return found
        start = time.perf_counter()
        embeddings = self._encoder.encode(texts, progress=progress)
        seconds = time.perf_counter() - start
        self.seconds += seconds
        path.parent.mkdir(parents=True, exist_ok=True)
        np.savez(path, embeddings=embeddings, seconds=seconds)
        return embeddings


def say(text: str) -> None:
    """Progress, on stderr."""
    print(text, file=sys.stderr, flush=True)


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = ["| " + " | ".join(cells) + " |" for cells in (header, ["---"] * len(header), *rows)]
    return "\n".join(lines)
