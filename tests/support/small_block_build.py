"""Makes a build of invented articles in small blocks, so that what grows with the articles shows.

``python -m tests.support.small_block_build COUNT FOLDER``; run by
``test_build_memory.py``, which watches it.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np

from index.articles.parse import FieldMapping
from index.building.builder import make_build
from index.building.context import BuildOptions
from index.root.root import Root
from index.sources.jsonl_source import JsonlSource
from recommender import pipeline as related
from recommender import postings
from recommender import tokenizer as scanning
from recommender.encoder import HashingEncoder

WORDS = 60


def write_articles(path: Path, count: int) -> None:
    """Articles of as many words each, out of a vocabulary that does not grow."""
    generator = np.random.default_rng(9)
    shares = 1.0 / np.arange(5, 4_005)
    with path.open("w") as file:
        for number in range(count):
            chosen = generator.choice(4_000, size=WORDS, p=shares / shares.sum())
            text = " ".join(f"w{word}" for word in chosen)
            record = {"id": f"{number:07}", "title": text[:30], "summary": text}
            file.write(json.dumps(record) + "\n")


def main() -> None:
    """Build and end."""
    folder = Path(sys.argv[2])
    write_articles(folder / "articles.jsonl", int(sys.argv[1]))
    scanning._BLOCK_TOKENS, scanning._BLOCK_ARTICLES = 10_000, 128
    scanning._SCANNED = 256
    postings._ENTRIES, postings._ROWS, postings.POSTINGS = 50_000, 256, 64
    related._BLOCK, related._SEARCHED = 64, 256
    root = Root(folder / "root")
    mapping = FieldMapping(url_template="/{id}", timezone=ZoneInfo("UTC"))
    source = JsonlSource(str(folder / "articles.jsonl"))
    with root.locked("test"):
        make_build(root, [source], lambda: HashingEncoder(64), BuildOptions(mapping=mapping))


if __name__ == "__main__":
    main()
