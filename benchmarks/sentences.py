"""How many links say why they are there, and is it true?

``python -m benchmarks.sentences [--data DIR] [--corpus ms-research] [--articles 699]``: a build of
the first articles of a corpus, then the sentence of every link that a page shows. *Nothing named*
is the share that only says "close in meaning" or less; *untrue* counts sentences that name a word
or a title which the texts lack, looked up there. Fifty sentences are printed with both titles, to
be read.
"""

from __future__ import annotations

import argparse
import gzip
import itertools
import json
import random
import re
import tempfile
from collections import Counter
from pathlib import Path

from benchmarks.corpora import SAMPLE, data_folder, say, table
from index.build.build import Build
from index.build.sentences import BuildSentences
from index.building.builder import make_build
from index.building.context import BuildOptions
from index.root.root import Root
from index.sources.registry import open_sources
from recommender.neighbors import NO_ROW
from recommender.parameters import SHOWN
from recommender.sentence_encoder import DEFAULT_MODEL, load_encoder
from recommender.sentences import CLOSE, NOTHING
from service.settings import Settings

_READ = 50
_IN_BOTH = ("both mention ",)
_TITLE_IN = ("the text names ", "its text names ")


def _folded(text: str) -> str:
    return " ".join(["", *re.findall(r"\w+", text.casefold()), ""])


def untrue(sentence: str, mine: str, theirs: str) -> bool:
    """Whether a sentence names words or a title that one of two folded texts lacks."""
    for clause in sentence[:-1].split(", and "):
        clause = clause[:1].lower() + clause[1:]
        kind = next((kind for kind in (*_IN_BOTH, *_TITLE_IN) if clause.startswith(kind)), None)
        if kind is None:
            continue
        named = clause[len(kind) :]
        names = re.findall("“(.+?)”", named) or re.split(", | and ", named)
        texts = {"the text names ": [mine], "its text names ": [theirs]}.get(kind, [mine, theirs])
        if not all(_folded(name) in text for name in names for text in texts):
            return True
    return False


def measure(build: Build) -> tuple[Counter[str], list[tuple[str, str, str]]]:
    """Counts a build's shown links, those that name nothing and those that are untrue."""
    articles = [build.article(row) for row in range(build.count)]
    texts = [
        _folded(" . ".join([a.title, *(f"{part.heading} . {part.text}" for part in a.sections)]))
        for a in articles
    ]
    found: Counter[str] = Counter()
    told = []
    sentences = BuildSentences(build.checked)
    for row in range(build.count):
        rows = build.related(row)[0][:SHOWN]
        others = [other for other in rows.tolist() if other != NO_ROW]
        for other, sentence in zip(others, sentences.among(row, others), strict=True):
            found["links"] += 1
            found["nothing named"] += sentence in (CLOSE, NOTHING)
            found["untrue"] += untrue(sentence, texts[row], texts[other])
            told.append((articles[row].title, articles[other].title, sentence))
    return found, told


def main() -> None:
    """Run the benchmark."""
    parser = data_folder(argparse.ArgumentParser(description=__doc__))
    parser.add_argument("--corpus", default="ms-research", help="with --data: its name")
    parser.add_argument("--articles", type=int, default=699, help="the first so many of it (699)")
    parser.add_argument("--model", default=DEFAULT_MODEL, help="hashing:64: for a trial run")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = SAMPLE / "articles.jsonl"
        if arguments.data is not None:
            path = Path(folder) / "articles.jsonl"
            with gzip.open(arguments.data / f"{arguments.corpus}.jsonl.gz", "rt") as lines:
                path.write_text("".join(itertools.islice(lines, arguments.articles)))
        root = Root(Path(folder) / "root")
        renamed = {} if arguments.data is None else {"summary": "text"}
        sources = open_sources([str(path)], [], renamed, {})
        options = BuildOptions(mapping=Settings().mapping)
        with root.locked("benchmarks.sentences"):
            made = make_build(root, sources, lambda: load_encoder(arguments.model), options)
        build = root.open(made.manifest.name)
        found, told = measure(build)
    say(f"{build.count} articles")
    for mine, theirs, sentence in random.Random(11).sample(told, min(_READ, len(told))):
        print(f"{mine}\n  → {theirs}\n  {sentence}")
    share = found["nothing named"] / found["links"]
    rows = [[str(found["links"]), f"{share:.1%}", str(found["untrue"])]]
    print(table(["links", "nothing named", "untrue"], rows))
    print(json.dumps({**found, "nothing_named": round(share, 4)}))


if __name__ == "__main__":
    main()
