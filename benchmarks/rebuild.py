"""What does a nightly rebuild cost when little changed?

``python -m benchmarks.rebuild [--data DIR] [--compare]``: a full build, then 1 % of the articles
get another text and the same source is read for a small build. Both times are of reading, building,
comparing and publishing, without the start of a process and the loading of the model. ``--compare``
also builds the changed articles from scratch and tells how far the two builds agree.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from benchmarks.corpora import SAMPLE, data_folder, say
from index.articles.parse import FieldMapping
from index.build.build import Build
from index.building.builder import make_build
from index.building.context import BuildOptions
from index.errors import GateError
from index.files import load_array
from index.publishing.gates import Limits
from index.publishing.publish import publish_build
from index.root.root import Root
from index.sources.configured_source import ConfiguredSource
from index.sources.jsonl_source import JsonlSource
from recommender.encoder import Embeddings, Encoder, Fingerprint, Progress
from recommender.sentence_encoder import DEFAULT_MODEL, load_encoder

SHARE = 0.01
_SEED = 20_260_101


class CountingEncoder:
    """An encoder that counts what it is really asked for: the bodies, each of one article."""

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder
        self.articles = 0

    @property
    def fingerprint(self) -> Fingerprint:
        """Of the encoder behind it."""
        return self._encoder.fingerprint

    def encode(self, texts: Sequence[str], *, progress: Progress | None = None) -> Embeddings:
        """See :class:`recommender.encoder.Encoder`."""
        if progress is not None:  # the builder follows bodies only, not their titles
            self.articles += len(texts)
        return self._encoder.encode(texts, progress=progress)


def load_records(data: Path | None) -> list[dict[str, Any]]:
    """Articles of synergy, or of the sample."""
    if data is None:
        lines = (SAMPLE / "articles.jsonl").read_bytes().splitlines()
    else:
        lines = gzip.decompress((data / "synergy.jsonl.gz").read_bytes()).splitlines()
    return [json.loads(line) for line in lines]


def change(records: list[dict[str, Any]]) -> int:
    """Give 1 % of the articles a text that goes on with another's; returns how many."""
    draw = random.Random(_SEED)
    count = max(1, round(SHARE * len(records)))
    for place, other in zip(
        draw.sample(range(len(records)), count), draw.sample(records, count), strict=True
    ):
        record = dict(records[place])
        if "sections" in record:
            record["sections"] = [*record["sections"], other["sections"][-2]]
        else:
            record["text"] = f"{record.get('text') or ''} {str(other.get('text'))[:300]}"
        records[place] = record
    return count


def timed_build(
    root: Root, records: list[dict[str, Any]], encoder: Encoder, *, from_scratch: bool = False
) -> tuple[float, Build]:
    """Seconds of one build from file to publish, and the build."""
    source = root.path.parent / "articles.jsonl"
    source.write_text("\n".join(json.dumps(record) for record in records))
    mapped = {} if "sections" in records[0] else {"summary": "text"}
    options = BuildOptions(
        mapping=FieldMapping(url_template="/{id}", timezone=ZoneInfo("UTC")),
        from_scratch=from_scratch,
        max_drift=1.0,
    )
    start = time.perf_counter()
    with root.locked("benchmark"):
        read = ConfiguredSource(source=JsonlSource(str(source)), fields=mapped)
        manifest = make_build(root, [read], lambda: encoder, options).manifest
        try:
            publish_build(root, manifest.name, Limits())
        except GateError as error:
            say(str(error))
    seconds = time.perf_counter() - start
    say(", ".join(f"{stage} {spent:.2f} s" for stage, spent in manifest.seconds.items()))
    return seconds, root.open(manifest.name)


def agreement(one: Build, other: Build) -> dict[str, float]:
    """How far two builds of the same articles agree.

    Learned anew, a passage that only just counts as shared may count no longer; articles whose
    text differs by that are counted, and have no say in the cosine.
    """
    mine, theirs = (load_array(build.checked("embeddings.npy")) for build in (one, other))
    texts = [load_array(build.checked("text_digests.npy")) for build in (one, other)]
    same = (texts[0] == texts[1]).all(axis=1)
    cosines = np.einsum("ij,ij->i", mine[same], theirs[same])
    shared = [
        len(np.intersect1d(a[a >= 0], b[b >= 0])) / max((a >= 0).sum(), (b >= 0).sum(), 1)
        for a, b in zip(one.related_rows[:, :10], other.related_rows[:, :10], strict=True)
    ]
    return {
        "other_texts": int((~same).sum()),
        "lowest_cosine": round(float(cosines.min()), 6),
        "top10_overlap": round(float(np.mean(shared)), 4),
    }


def main() -> None:
    """Run the benchmark."""
    parser = data_folder(argparse.ArgumentParser(description=__doc__))
    parser.add_argument("--model", default=DEFAULT_MODEL, help="model name, folder or hashing:DIM")
    parser.add_argument("--compare", action="store_true", help="with a build from scratch too")
    arguments = parser.parse_args()
    records = load_records(arguments.data)
    encoder = CountingEncoder(load_encoder(arguments.model, "auto"))
    encoder.encode(["Warm up."] * 8)
    with tempfile.TemporaryDirectory() as folder:
        root = Root(Path(folder) / "root")
        full_s, _ = timed_build(root, records, encoder)
        changed = change(records)
        encoder.articles = 0
        rebuild_s, rebuilt = timed_build(root, records, encoder)
        result: dict[str, float] = {
            "articles": len(records),
            "full_s": round(full_s, 2),
            "rebuild_s": round(rebuild_s, 2),
            "ratio": round(rebuild_s / full_s, 4),
            "changed": changed,
            "encoded": encoder.articles,
        }
        if arguments.compare:
            _, fresh = timed_build(root, records, encoder, from_scratch=True)
            result |= agreement(rebuilt, fresh)
    print(json.dumps(result))


if __name__ == "__main__":
    main()
