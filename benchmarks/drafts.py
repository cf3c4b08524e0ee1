"""What does it take to relate a text that is in no build?

``python -m benchmarks.drafts [--data DIR | --root DIR] [--drafts 200]``: drafts are related one
after another, as the service's one thread does it, and each one's time is split into encoding and
everything else. The build is made of ms-research (with ``--data``), of the sample, or is the live
one of a root that was built before (``--root``). The drafts are articles of the build, evenly
spread: that they find themselves in it changes nothing in the work.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from benchmarks.corpora import SAMPLE, CachedEncoder, data_folder, say, table
from index.articles.parse import FieldMapping
from index.build.build import Build
from index.building.builder import make_build
from index.building.context import BuildOptions
from index.query import RelatedQuery
from index.root.root import Root
from index.sources.registry import open_sources
from recommender.article import Article
from recommender.encoder import Embeddings, Encoder, Progress
from recommender.sentence_encoder import DEFAULT_MODEL, load_encoder
from service.serving.drafts import DraftIndex, read_draft
from service.serving.serving_view import ServingView

WARM_UP = 5


def made_build(folder: Path, data: Path | None, encoder: Encoder) -> Build:
    """A build of ms-research, or of the sample."""
    source = SAMPLE / "articles.jsonl" if data is None else data / "ms-research.jsonl.gz"
    mapped = {} if data is None else {"summary": "text"}
    root = Root(folder / "root")
    with root.locked("benchmark"):
        manifest = make_build(
            root,
            open_sources([str(source)], [], {}, mapped),
            lambda: encoder,
            BuildOptions(mapping=FieldMapping(url_template="/{id}", timezone=ZoneInfo("UTC"))),
        ).manifest
    return root.open(manifest.name)


def as_draft(article: Article) -> dict[str, Any]:
    """What an editor would send of it."""
    return {
        "title": article.title,
        "sections": [{"heading": one.heading, "text": one.text} for one in article.sections],
        "language": article.language,
        "tags": list(article.tags),
    }


class _TimedEncoder:
    """An encoder that says how many seconds its last call took."""

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder
        self.fingerprint = encoder.fingerprint
        self.spent = 0.0

    def encode(self, texts: Sequence[str], *, progress: Progress | None = None) -> Embeddings:
        """Encode and take the time."""
        start = time.perf_counter()
        embeddings = self._encoder.encode(texts, progress=progress)
        self.spent = time.perf_counter() - start
        return embeddings


def measure(build: Build, encoder: Encoder, drafts: int) -> dict[str, Any]:
    """Times of one draft after another."""
    start = time.perf_counter()
    index = DraftIndex(build)
    opened = time.perf_counter() - start
    say(f"{build.count} articles, opened in {opened:.2f} s")
    rows = np.linspace(0, build.count - 1, drafts + WARM_UP).astype(int).tolist()
    spent: dict[str, list[float]] = {"encode": [], "search": [], "whole": []}
    served, query, timed = ServingView(build), RelatedQuery(), _TimedEncoder(encoder)
    for row in rows:
        fields = as_draft(build.article(row))
        begun = time.perf_counter()
        article, now = read_draft(fields), time.time_ns() // 1000
        related = index.relate(article, timed, served=served, now=now, query=query)
        related.answer(served, now=now, query=query)
        done = time.perf_counter()
        spent["encode"].append(timed.spent)
        spent["search"].append(done - begun - timed.spent)
        spent["whole"].append(done - begun)
    figures: dict[str, Any] = {
        "articles": build.count,
        "drafts": drafts,
        "open_s": round(opened, 3),
    }
    for name, seconds in spent.items():
        for quantile in (50, 99):
            value = float(np.percentile(seconds[WARM_UP:], quantile))
            figures[f"{name}_p{quantile}_ms"] = round(1000 * value, 1)
    figures["per_s"] = round(drafts / sum(spent["whole"][WARM_UP:]), 1)
    return figures


def main() -> None:
    """Run the benchmark."""
    parser = data_folder(argparse.ArgumentParser(description=__doc__))
    parser.add_argument("--root", type=Path, help="a root with a live build, instead of making one")
    parser.add_argument("--drafts", type=int, default=200, help="how many (200)")
    parser.add_argument("--model", default=DEFAULT_MODEL, help="model name, folder or hashing:DIM")
    arguments = parser.parse_args()
    encoder = load_encoder(arguments.model)
    with ExitStack() as stack:
        if arguments.root is not None:
            build = Root(arguments.root).open()
        else:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            build = made_build(folder, arguments.data, CachedEncoder(encoder))
        figures = measure(build, encoder, arguments.drafts)
    rows = [
        [part, *(f"{figures[f'{part}_p{quantile}_ms']:.1f}" for quantile in (50, 99))]
        for part in ("encode", "search", "whole")
    ]
    print(f"{figures['drafts']} drafts against {figures['articles']} articles, one at a time\n")
    print(table(["", "p50 ms", "p99 ms"], rows))
    print(f"\n{figures['per_s']:.1f} drafts a second in one worker")
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
