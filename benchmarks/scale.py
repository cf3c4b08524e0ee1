"""How do time, memory and disk grow with the number of articles?

``python -m benchmarks.scale [--data DIR] [--sizes 10000,100000,1000000]``: builds of articles put
together from the sentences of real ones of the same category. Title and sentence ``x`` of article
``(a, b)`` are number ``a·x + b`` (mod a prime) of their pools, and two lines meet in one point at
most: no two articles share more than one of their nine parts. An article's embedding is the mean of
its sentences' real embeddings plus noise, so that a million take no hour of encoding; the encoder's
time is extrapolated from a sample and kept apart. Every other stage is the build's own code, each
size in a process of its own. ``cpu_s`` is all that it and its child processes used, putting
embeddings together included: on a machine that does other work too, it says more than ``seconds``.

Without ``--data`` it runs on the sample, to show that it does: that is so small that its sentences,
coming back in one of a hundred articles, are left out as boilerplate.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from benchmarks.corpora import OUT, SAMPLE, data_folder, say, table
from index.articles.parse import FieldMapping
from index.building.builder import make_build
from index.building.context import BuildOptions
from index.root.root import Root
from index.sources.jsonl_source import JsonlSource
from recommender.boilerplate import split_sentences
from recommender.encoder import Embeddings, Fingerprint, Progress, embed_texts, normalized
from recommender.sentence_encoder import DEFAULT_MODEL, load_encoder
from recommender.text import PreparedText

PARTS = 9
"""A title and eight sentences."""

NOISE = 0.35
"""Length of the noise beside an embedding of length 1: what word order and context add."""

MOST = 1_000_000

_RATE_SAMPLE = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """Sentences to put articles together from.

    Attributes:
        prime: How many choices there are for each part of an article.
        categories: For each category ``PARTS`` lists of ``prime`` sentences, titles first.
    """

    prime: int
    categories: list[list[list[str]]]

    @property
    def sentences(self) -> list[str]:
        """All of them, in a fixed order."""
        return [text for parts in self.categories for part in parts for text in part]

    def article(self, number: int) -> dict[str, Any]:
        """An article of its own for every number below ``len(categories) · prime²``."""
        line, category = divmod(number, len(self.categories))
        slope, start = divmod(line, self.prime)
        parts = [
            choices[(slope * place + start) % self.prime]
            for place, choices in enumerate(self.categories[category])
        ]
        return {
            "id": f"{number:07}",
            "title": parts[0],
            "summary": " ".join(parts[1:]),
            "tags": [f"category-{category}"],
        }


def make_pool(data: Path | None, most: int) -> Pool:
    """Sentences enough for ``most`` articles, from the richest categories."""
    by_category: dict[str, tuple[dict[str, None], dict[str, None]]] = defaultdict(lambda: ({}, {}))
    for category, title, text in _read(data):
        titles, sentences = by_category[category]
        if _is_plain(f"{title}."):
            titles[f"{title}."] = None
        sentences.update((s, None) for s in split_sentences(text) if _is_plain(s))
    pools = [
        (list(titles), list(sentences))
        for titles, sentences in sorted(
            by_category.values(), key=lambda pool: (-len(pool[0]), min(pool[0], default=""))
        )
    ]
    for count in range(len(pools), 0, -1):
        prime = _prime_from(max(PARTS, int(np.ceil(np.sqrt(most / count)))))
        if all(
            len(titles) >= prime and len(sentences) >= (PARTS - 1) * prime
            for titles, sentences in pools[:count]
        ):
            chosen = pools[:count]
            break
    else:
        raise SystemExit(f"the data is too small for {most} articles: name --data or other --sizes")
    return Pool(
        prime=prime,
        categories=[
            [
                titles[:prime],
                *(sentences[place * prime :][:prime] for place in range(PARTS - 1)),
            ]
            for titles, sentences in chosen
        ],
    )


def _read(data: Path | None) -> Iterator[tuple[str, str, str]]:
    """Category, title and text of every article."""
    if data is None:
        for record in map(json.loads, (SAMPLE / "articles.jsonl").read_bytes().splitlines()):
            text = "\n".join(section["text"] for section in record["sections"])
            yield record["language"], record["title"], text
        return
    with gzip.open(data / "arxiv-60k.jsonl.gz", "rt") as file:
        for record in map(json.loads, file):
            yield record["primary_category"], record["title"], record["text"]


def _is_plain(sentence: str) -> bool:
    """Whether it stays one sentence, word for word, within an article."""
    plain = " ".join(sentence.split())
    return 30 <= len(sentence) <= 400 and plain == sentence and split_sentences(plain) == [plain]


def _prime_from(least: int) -> int:
    while any(least % factor == 0 for factor in range(2, int(least**0.5) + 1)):
        least += 1
    return least


class PoolEncoder:
    """Gives texts made of known sentences the mean of their embeddings, plus noise.

    Args:
        folder: Where :func:`encode_pool` left sentences and embeddings.
    """

    def __init__(self, folder: Path) -> None:
        lines = (folder / "sentences.json").read_text()
        self._rows = {text: row for row, text in enumerate(json.loads(lines))}
        self._embeddings: Embeddings = np.load(folder / "embeddings.npy", mmap_mode="r")
        self._name = folder.name

    @property
    def fingerprint(self) -> Fingerprint:
        """Its own: such embeddings fit no others."""
        return Fingerprint(
            model="sentences of a pool",
            revision="1",
            sha256=self._name,
            dim=self._embeddings.shape[1],
            max_tokens=0,
            precision="float32",
        )

    def encode(self, texts: Sequence[str], *, progress: Progress | None = None) -> Embeddings:
        """See :class:`recommender.encoder.Encoder`."""
        digest = hashlib.blake2b("\0".join(texts).encode(), digest_size=8).digest()
        noise = np.random.default_rng(int.from_bytes(digest))
        vectors = noise.standard_normal((len(texts), self._embeddings.shape[1]), np.float32)
        vectors = normalized(vectors, origin="noise") * np.float32(NOISE)
        for place, text in enumerate(texts):
            whole = text if text.endswith((".", "!", "?")) else f"{text}."
            rows = [self._rows[part] for part in split_sentences(whole) if part in self._rows]
            if rows:
                mean = self._embeddings[rows].mean(axis=0)
                vectors[place] += mean / np.linalg.norm(mean)
        if progress is not None:
            progress(len(texts))
        return normalized(vectors, origin="the pool")


def encode_pool(pool: Pool, model: str) -> tuple[Path, float]:
    """Encode a pool's sentences, once; returns their folder and the articles encoded a second."""
    sentences = pool.sentences
    digest = hashlib.blake2b(f"{model}\0{len(sentences)}".encode(), digest_size=8)
    for text in sentences:
        digest.update(text.encode())
    folder = OUT / "scale" / digest.hexdigest()
    encoder = load_encoder(model, "auto")
    if not (folder / "sentences.json").is_file():
        folder.mkdir(parents=True, exist_ok=True)
        say(f"encoding {len(sentences)} sentences")
        np.save(folder / "embeddings.npy", encoder.encode(sentences))
        (folder / "sentences.json").write_text(json.dumps(sentences))
    articles = [pool.article(number * 7) for number in range(_RATE_SAMPLE)]
    texts = [PreparedText(title=a["title"], body=a["summary"]) for a in articles]
    start = time.perf_counter()
    embed_texts(encoder, texts)
    return folder, _RATE_SAMPLE / (time.perf_counter() - start)


def build_one(folder: Path, source: Path, root: Path) -> None:
    """In a process of its own: one build, its figures as JSON on stdout."""
    place = Root(root)
    mapping = FieldMapping(url_template="/{id}", timezone=ZoneInfo("UTC"))
    encoder = PoolEncoder(folder)
    start = time.perf_counter()
    with place.locked("benchmark"):
        manifest = make_build(
            place, [JsonlSource(str(source))], lambda: encoder, BuildOptions(mapping=mapping)
        ).manifest
        built = time.perf_counter()
        place.make_live(place.verify(manifest.name))
    seconds = {**manifest.seconds, "publish": round(time.perf_counter() - built, 3)}
    size = sum(entry.bytes for entry in manifest.files.values())
    print(
        json.dumps(
            {
                "articles": manifest.count,
                "seconds": round(time.perf_counter() - start - seconds["encode"], 1),
                "cpu_s": round(sum(os.times()[:4]), 1),
                "disk_mb": round(size / 1e6, 1),
                "recall": manifest.index.recall,
                "index": manifest.index.kind,
                "stages": seconds,
            }
        )
    )


def watch(process: subprocess.Popen[str], every: float = 0.05) -> tuple[float, float]:
    """Peak anonymous and resident memory of a process until it ends, in MB.

    Anonymous memory is that of its child processes, too; what is resident, they mostly share. A
    child that does not run its own program yet is passed over: its memory is still its parent's.

    Args:
        process: The process.
        every: Seconds between two looks; what is there for a shorter time may be missed.
    """
    anonymous = resident = 0
    own = Path(f"/proc/{process.pid}")
    while process.poll() is None:
        time.sleep(every)
        try:
            children = (own / "task" / own.name / "children").read_text().split()
            program = (own / "cmdline").read_bytes()
            others = [Path(f"/proc/{child}") for child in children]
            others = [other for other in others if (other / "cmdline").read_bytes() != program]
            fields = [
                dict(line.split(":", 1) for line in (each / "status").read_text().splitlines())
                for each in (own, *others)
            ]
            held = sum(int(each["RssAnon"].split()[0]) for each in fields if "RssAnon" in each)
            anonymous = max(anonymous, held)
            resident = max(resident, int(fields[0]["VmHWM"].split()[0]))
        except (OSError, KeyError):  # one of them has just ended
            continue
    return round(anonymous / 1e3, 1), round(resident / 1e3, 1)


def measure(pool: Pool, folder: Path, count: int, rate: float) -> dict[str, Any]:
    """Build ``count`` articles in a process of their own and watch it."""
    with tempfile.TemporaryDirectory(dir=OUT) as scratch:
        source = Path(scratch) / "articles.jsonl"
        with source.open("w") as file:
            for number in range(count):
                file.write(json.dumps(pool.article(number)) + "\n")
        root = Path(scratch) / "root"
        arguments = ["--one", str(folder), str(source), str(root)]
        with subprocess.Popen(
            [sys.executable, "-m", "benchmarks.scale", *arguments],
            stdout=subprocess.PIPE,
            text=True,
        ) as process:
            peak_anon_mb, peak_rss_mb = watch(process)
            out, _ = process.communicate()
        if process.returncode:
            raise SystemExit(f"the build of {count} articles ended with {process.returncode}")
    result: dict[str, Any] = json.loads(out)
    result |= {
        "peak_anon_mb": peak_anon_mb,
        "peak_rss_mb": peak_rss_mb,
        "encoder_s_extrapolated": round(count / rate, 1),
    }
    say(json.dumps(result))
    return result


def main() -> None:
    """Run the benchmark."""
    parser = data_folder(argparse.ArgumentParser(description=__doc__))
    parser.add_argument("--sizes", help="numbers of articles, by commas, ascending")
    parser.add_argument("--model", default=DEFAULT_MODEL, help="model name, folder or hashing:DIM")
    parser.add_argument("--one", nargs=3, type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        build_one(*arguments.one)
        return
    default = "1000,3000,9000" if arguments.data is None else "10000,100000,1000000"
    sizes = [int(size) for size in (arguments.sizes or default).split(",")]
    if max(sizes) > MOST:
        parser.error(f"at most {MOST} articles can be put together")
    OUT.mkdir(exist_ok=True)
    # One pool for all sizes of a corpus, so that they differ in their number alone.
    pool = make_pool(arguments.data, max(sizes) if arguments.data is None else MOST)
    say(f"{len(pool.categories)} categories of {PARTS} times {pool.prime} sentences")
    folder, rate = encode_pool(pool, arguments.model)
    results = [measure(pool, folder, count, rate) for count in sizes]
    logs = np.log([[result["articles"], max(result["seconds"], 0.1)] for result in results])
    exponent = float(np.polyfit(logs[:, 0], logs[:, 1], 1)[0]) if len(results) > 1 else 0.0
    columns = {
        "articles": "articles",
        "seconds": "s, no encoder",
        "cpu_s": "CPU s",
        "encoder_s_extrapolated": "s, encoder*",
        "peak_anon_mb": "anon MB",
        "peak_rss_mb": "RSS MB",
        "disk_mb": "disk MB",
        "recall": "recall",
    }
    rows = [[f"{result[key]:,}" for key in columns] for result in results]
    say(table(tuple(columns.values()), rows))
    say("* extrapolated from the rate of a sample")
    print(json.dumps({"sizes": results, "exponent": round(exponent, 2)}))


if __name__ == "__main__":
    main()
