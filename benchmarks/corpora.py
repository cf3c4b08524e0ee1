"""What benchmarks measure on: the data folder if one is named, else the sample corpus.

Encoding takes minutes and does not change from run to run, so embeddings are kept under
``benchmarks/out/``; the seconds that encoding takes are measured anew in every run.
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

from index.errors import SourceError
from recommender.encoder import Embeddings, Encoder, Fingerprint, Progress
from recommender.relevance_judgments import judged_seeds, read_qrels
from recommender.text import PreparedText

OUT = Path(__file__).parent / "out"
SAMPLE = Path(__file__).parent.parent / "index" / "sample"

_RATE_SAMPLE = 200
_STEP = 1_000

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
    """Keeps the embedding of every text between runs, since a corpus takes minutes to encode.

    What encoding takes is measured in each run, on a sample of the first large batch, and counted
    by the texts' length for all that is asked for, kept or not: seconds are extrapolated from
    that rate and comparable within one run.

    Args:
        encoder: The encoder.
        part: Kept apart from the rest under this name, so that no more is loaded than is used.

    Attributes:
        seconds: Encoding time of everything asked for so far, at this run's rate.
    """

    def __init__(self, encoder: Encoder, part: str = "") -> None:
        self._encoder = encoder
        self.seconds = 0.0
        self._asked = 0.0  # what the calls really took in this run
        self._seconds_per_character = 0.0
        key = hashlib.blake2b(repr(encoder.fingerprint).encode(), digest_size=8).hexdigest()
        self._path = OUT / "cache" / f"{key}{part}.npz"
        self._kept: dict[bytes, np.ndarray] = {}
        if self._path.is_file():
            with np.load(self._path) as kept:
                digests, embeddings = kept["digests"], kept["embeddings"]
            self._kept = {d.tobytes(): e for d, e in zip(digests, embeddings, strict=True)}

    @property
    def fingerprint(self) -> Fingerprint:
        """Of the encoder behind it."""
        return self._encoder.fingerprint

    def clock(self) -> float:
        """Seconds by a clock that counts kept embeddings as if they were encoded now."""
        return time.perf_counter() + self.seconds - self._asked

    def encode(self, texts: Sequence[str], *, progress: Progress | None = None) -> Embeddings:
        """See :class:`recommender.encoder.Encoder`."""
        start = time.perf_counter()
        if not self._seconds_per_character:
            self._measure_rate(texts)
        digests = [hashlib.blake2b(text.encode(), digest_size=16).digest() for text in texts]
        missing = {d: text for d, text in zip(digests, texts, strict=True) if d not in self._kept}
        todo = list(missing)
        for first in range(0, len(todo), _STEP):  # kept soon, should the run be cut off
            some = todo[first : first + _STEP]
            fresh = self._encoder.encode([missing[d] for d in some], progress=progress)
            self._kept.update(zip(some, fresh, strict=True))
            self._save()
        self.seconds += self._seconds_per_character * sum(map(len, texts))
        self._asked += time.perf_counter() - start
        return np.stack([self._kept[digest] for digest in digests])

    def _measure_rate(self, texts: Sequence[str]) -> None:
        sample = list(texts[:: max(1, len(texts) // _RATE_SAMPLE)])
        self._encoder.encode(sample[:8])  # the first call of a model is slow
        start = time.perf_counter()
        self._encoder.encode(sample)
        spent = time.perf_counter() - start
        self._seconds_per_character = spent / max(1, sum(map(len, sample)))

    def _save(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        digests = np.array([np.frombuffer(d, dtype=np.uint8) for d in self._kept])
        np.savez(self._path, digests=digests, embeddings=np.stack(list(self._kept.values())))


def say(text: str) -> None:
    """Progress, on stderr."""
    print(text, file=sys.stderr, flush=True)


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = ["| " + " | ".join(cells) + " |" for cells in (header, ["---"] * len(header), *rows)]
    return "\n".join(lines)
