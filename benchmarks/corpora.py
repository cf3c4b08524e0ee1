"""What benchmarks measure on: the data folder if one is named, else the sample corpus.

Of the folder, ``NAME.jsonl.gz`` with ``NAME.qrels….tsv.gz`` is a corpus with judged sets, and
``NAME-posts.tar.gz`` a blog whose own links are the judgments.

Encoding takes minutes and does not change from run to run, so embeddings are kept under
``benchmarks/out/``; the seconds that encoding takes are measured anew in every run.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import itertools
import json
import re
import sys
import tarfile
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np

from index.articles.parse import FieldMapping, parse_records
from index.articles.read_report import ReadReport
from index.build.link_numbers import link_numbers
from index.building.link_names import link_names
from index.errors import SourceError
from index.sources.registry import open_source
from recommender.article import Article, Link, LinkKind, Status, to_articles
from recommender.boilerplate import Boilerplate
from recommender.encoder import Embeddings, Encoder, Fingerprint, Progress
from recommender.relevance_judgments import judged_seeds, read_qrels
from recommender.text import PreparedText, prepare, without_link_words

OUT = Path(__file__).parent / "out"
SAMPLE = Path(__file__).parent.parent / "index" / "sample"

_RATE_SAMPLE = 200
_RATE_LENGTH = 100_000
_STEP = 1_000
_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_NO_BOILERPLATE = Boilerplate(passages={}, labels={}, headings={})

_ANY_RELATED = 1
_BLOG_ADDRESS = "/{year}/{month}/{day}/{slug}/"

Judged = dict[str, dict[str, dict[str, int]]]
"""Judged set to seeds to grades."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Corpus:
    """A corpus in the order of ids.

    Attributes:
        name: Of the file.
        articles: With text and, where the data says them, tags, authors and dates.
        judged: The judgments.
    """

    name: str
    articles: list[Article]
    judged: Judged = field(default_factory=dict)

    @property
    def ids(self) -> list[str]:
        """Article ids, ascending."""
        return [article.id for article in self.articles]

    @property
    def texts(self) -> list[PreparedText]:
        """Title and text of each article, as they came."""
        return [prepare(article, _NO_BOILERPLATE) for article in self.articles]


def data_folder(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    """Add ``--data`` to a benchmark's options."""
    parser.add_argument("--data", type=Path, help="folder with the judged sets; else the sample")
    return parser


def family(judged_set: str) -> str:
    """The sites of one kind that a set belongs to: what its name begins with."""
    return re.split("[-_]", judged_set)[0]


def corpus_names(data: Path) -> list[str]:
    """Every corpus of the folder that has judgments, or is a blog whose links are judgments."""
    judged = {path.name.partition(".")[0] for path in data.glob("*.qrels*.tsv.gz")}
    return sorted({*judged, *(path.name.partition(".")[0] for path in data.glob("*-posts.tar.gz"))})


def load_corpora(data: Path | None) -> Iterator[Corpus]:
    """Every judged corpus of the folder; without one, the sample with its series as judgments."""
    for name in ["sample"] if data is None else corpus_names(data):
        yield load_corpus(data, name)


def load_corpus(data: Path | None, name: str) -> Corpus:
    """A corpus of the folder by name, with its judgments where there are any; or the sample."""
    if data is None:
        return _sample()
    if (blog := data / f"{name}.tar.gz").is_file():
        return _load_blog(name, blog)
    articles = _read_articles(data / f"{name}.jsonl.gz")
    known = {article.id for article in articles}
    judged = {
        f"{name}{path.name.partition('.qrels')[2].removesuffix('.tsv.gz').replace('_', '-')}": (
            judged_seeds(read_qrels(path), known)
        )
        for path in data.glob(f"{name}.qrels*.tsv.gz")
    }
    return Corpus(name=name, articles=articles, judged=dict(sorted(judged.items())))


def _read_articles(path: Path) -> list[Article]:
    """The articles with a title of a ``.jsonl.gz`` with ``id``, ``title`` and ``text``."""
    if not path.is_file():
        raise SourceError(f"there is no {path}")
    with gzip.open(path, "rt") as file:
        records = [json.loads(line) for line in file]
    return to_articles(
        {
            "id": str(record["id"]),
            "title": record["title"],
            "text": record.get("text") or "",
            "tags": record.get("tags") or (),
            "authors": record.get("authors") or (),
            "date": date[0] if (date := _DAY.match(str(record.get("date")))) else None,
        }
        for record in records
        if record.get("title")
    )


def _load_blog(name: str, path: Path) -> Corpus:
    """A blog's posts in Markdown: related are two of which one links to the other in its text."""
    posts = read_blog(path)
    masked, qrels = take_out_links(posts)
    known = {post.id for post in posts}
    return Corpus(
        name=name,
        articles=masked,
        judged={name: judged_seeds(qrels, known, min_related=_ANY_RELATED)},
    )


def read_blog(path: Path) -> list[Article]:
    """The published posts of a blog as their authors wrote them, by id."""
    with tempfile.TemporaryDirectory() as folder:
        with tarfile.open(path) as archive:
            archive.extractall(folder, filter="data")
        table = {"kind": "markdown", "path": folder, "url_template": _BLOG_ADDRESS}
        mapping = FieldMapping(url_template="/{id}", timezone=ZoneInfo("UTC"))
        records = open_source(table).records()
        found = [article for article, _ in parse_records(records, mapping, ReadReport())]
    return sorted(
        (post for post in found if post.status is Status.PUBLISHED), key=lambda post: post.id
    )


def own_links(articles: list[Article]) -> dict[str, list[tuple[Link, str]]]:
    """The links in each article's text to other articles, with the ids of these, by its own id."""
    targets: dict[int, str] = {}
    for article in articles:
        for number in np.frombuffer(link_names(article).names, dtype="<u8").tolist():
            targets.setdefault(number, article.id)
    found: dict[str, list[tuple[Link, str]]] = {article.id: [] for article in articles}
    for article in articles:
        for link in article.links:
            names = (link_numbers(link) or ())[:2] if link.kind is LinkKind.TEXT else ()
            other = next((targets[name] for name in names if name in targets), article.id)
            if other != article.id:
                found[article.id].append((link, other))
    return found


def take_out_links(articles: list[Article]) -> tuple[list[Article], dict[str, dict[str, int]]]:
    """Make judgments of the links in texts between articles.

    Returns:
        The articles without the words of these links, and without links; and the judgments, in
        both directions.
    """
    masked, qrels = [], defaultdict[str, dict[str, int]](dict)
    own = own_links(articles)
    for article in articles:
        for _, other in own[article.id]:
            qrels[article.id][other] = qrels[other][article.id] = 1
        judging = tuple(link for link, _ in own[article.id])
        without = without_link_words(replace(article, links=judging))
        masked.append(replace(without, links=()))
    return masked, dict(qrels)


def _sample() -> Corpus:
    records = [json.loads(line) for line in (SAMPLE / "articles.jsonl").read_text().splitlines()]
    kin = json.loads((SAMPLE / "kin.json").read_text())
    articles = to_articles(
        {
            "id": record["id"],
            "title": record["title"],
            "sections": [(part["heading"], part["text"]) for part in record["sections"]],
        }
        for record in records
        if record["status"] == "published" and "visible_from" not in record
    )
    qrels = {
        one: {other: 1 for other in series if other != one}
        for series in kin["series"].values()
        for one in series
    }
    known = {article.id for article in articles}
    return Corpus(name="sample", articles=articles, judged={"series": judged_seeds(qrels, known)})


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
        spread = texts[:: max(1, len(texts) // _RATE_SAMPLE)]
        lengths = itertools.accumulate(map(len, spread))
        sample = [
            text for text, length in zip(spread, lengths, strict=True) if length < _RATE_LENGTH
        ]
        sample = sample or list(spread[:1])
        self._encoder.encode(sample[:1])  # the first call of a model is slow
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
