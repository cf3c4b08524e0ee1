"""How fast are sources read, and does memory stay flat?

``python -m benchmarks.sources [--rows N]``: the same articles, recombined from the sample
corpus, as one SQLite table and as one JSONL file; the first 2,000 also as folders of Markdown and
HTML pages and as one RSS feed. Each is read three times in a process of its own: by the bare reader
(``sqlite3``; ``json.loads`` a line; the files' bytes), by the source, and by the source with every
record made an article. Memory is the process's anonymous memory (``RssAnon``) after
a tenth of the rows and its highest value after that. Rows are counted per second, and per second
of processor time, of which the ratio is taken: other work on the machine changes it little.
"""

from __future__ import annotations

import argparse
import html
import json
import random
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from benchmarks.corpora import SAMPLE, say
from index.articles.parse import FieldMapping, parse_records
from index.articles.read_report import ReadReport
from index.sources.registry import open_source

_SEED = 20_260_101
_QUERY = "SELECT id, title, summary, date, tags FROM articles"
_WAYS = ("bare", "source", "articles")
_PAGES = 2_000
_TABLES = ("sqlite", "jsonl")
_DOCUMENTS = {
    "markdown": "---\ntitle: {title!r}\ndate: {date}\ntags: {tags}\n---\n# {title}\n\n{summary}\n",
    "html": "<!doctype html><html lang=en><head><title>{title}</title><meta name=date"
    " content={date}></head><body><nav><a href=/>Home</a></nav><article><h1>{title}</h1>"
    "<p>{summary}</p></article><footer>Imprint</footer></body></html>",
    "feed": "<item><title>{title}</title><link>https://example.org/{id}</link>"
    "<pubDate>{date}</pubDate><description>{summary}</description></item>",
}


def records(rows: int) -> Iterator[dict[str, Any]]:
    """Articles of one section each, whose texts are recombined from the sample's sentences."""
    sample = [json.loads(line) for line in (SAMPLE / "articles.jsonl").read_bytes().splitlines()]
    sentences = [
        sentence
        for record in sample
        for section in record["sections"]
        for sentence in section["text"].split(". ")
    ]
    generator = random.Random(_SEED)
    for row in range(rows):
        base = sample[row % len(sample)]
        yield {
            "id": f"article-{row}",
            "title": base["title"],
            "summary": ". ".join(generator.sample(sentences, 6)),
            "date": base["date"],
            "tags": base["tags"],
        }


def write(kind: str, rows: int, path: Path) -> None:
    """Write the articles in one of the forms."""
    if kind in _DOCUMENTS:
        write_documents(kind, rows, path)
        return
    if kind == "jsonl":
        with path.open("w", encoding="utf-8") as file:
            for record in records(rows):
                file.write(json.dumps(record, ensure_ascii=False) + "\n")
        return
    with closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE articles (id, title, summary, date, tags)")
        database.executemany(
            "INSERT INTO articles VALUES (:id, :title, :summary, :date, :tags)",
            ({**record, "tags": json.dumps(record["tags"])} for record in records(rows)),
        )
        database.commit()


def write_documents(kind: str, rows: int, path: Path) -> None:
    """Write the articles as pages of a folder, or as the items of one feed."""
    texts = {
        record["id"]: _DOCUMENTS[kind].format(
            **record if kind == "markdown" else {k: html.escape(str(v)) for k, v in record.items()}
        )
        for record in records(rows)
    }
    if kind == "feed":
        items = "".join(texts.values())
        path.write_text(f"<rss version='2.0'><channel><title>Sample</title>{items}</channel></rss>")
        return
    path.mkdir()
    for name, text in texts.items():
        (path / f"{name}.{'md' if kind == 'markdown' else kind}").write_text(text)


def reader(kind: str, way: str, path: Path) -> Iterable[Any]:
    """One way to read one form."""
    if way == "bare":
        return _BARE.get(kind, _bare_files)(path)
    options: dict[str, Any] = {"kind": kind, "path": str(path)}
    if kind == "sqlite":
        options = {"kind": "sql", "url": f"sqlite:///{path}", "query": _QUERY}
    source = open_source(options)
    if way == "source":
        return source.records()
    mapping = FieldMapping(url_template="/{id}", timezone=ZoneInfo("UTC"))
    return parse_records(source.records(), mapping, ReadReport())


def _bare_jsonl(path: Path) -> Iterator[Any]:
    with path.open("rb") as file:
        for line in file:
            yield json.loads(line)


def _bare_sqlite(path: Path) -> Iterator[Any]:
    with closing(sqlite3.connect(path)) as database:
        yield from database.execute(_QUERY)


def _bare_files(path: Path) -> Iterator[Any]:
    files = [path] if path.is_file() else path.iterdir()
    for file in files:
        yield from file.read_bytes().split(b"<item>")[path.is_file() :]


_BARE = {"jsonl": _bare_jsonl, "sqlite": _bare_sqlite}


def anonymous_mb() -> float:
    """This process's anonymous memory in MB."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    line = next(line for line in status.splitlines() if line.startswith("RssAnon"))
    return int(line.split()[1]) / 1024


def measure(kind: str, way: str, path: Path, rows: int) -> dict[str, float]:
    """Read everything once, in this process."""
    early = peak = 0.0
    count = 0
    start, started = time.perf_counter(), time.process_time()
    for _ in reader(kind, way, path):
        count += 1
        if count % max(1, rows // 20) == 0:
            memory = anonymous_mb()
            peak = max(peak, memory)
            if not early and count >= rows // 10:
                early = peak = memory
    seconds, spent = time.perf_counter() - start, time.process_time() - started
    if count != rows:
        raise RuntimeError(f"{kind}, {way}: {count} of {rows} rows came back")
    return {
        "rows_s": round(rows / seconds),
        "rows_cpu_s": round(rows / spent),
        "anon_mb_at_tenth": round(early, 1),
        "anon_mb_peak": round(peak, 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000, help="articles (default 100,000)")
    parser.add_argument(
        "--worker", nargs=3, metavar=("KIND", "WAY", "PATH"), help=argparse.SUPPRESS
    )
    given = parser.parse_args()
    if given.worker:
        kind, way, path = given.worker
        print(json.dumps(measure(kind, way, Path(path), given.rows)))
        return
    found: dict[str, Any] = {"rows": given.rows}
    with tempfile.TemporaryDirectory() as folder:
        for kind in (*_TABLES, *_DOCUMENTS):
            path = Path(folder, kind)
            rows = given.rows if kind in _TABLES else min(given.rows, _PAGES)
            write(kind, rows, path)
            found[kind] = {}
            for way in _WAYS:
                command = [sys.executable, "-m", "benchmarks.sources", "--rows", str(rows)]
                done = subprocess.run(
                    [*command, "--worker", kind, way, str(path)],
                    check=True,
                    capture_output=True,
                    text=True,
                )
                found[kind][way] = json.loads(done.stdout)
                say(f"{kind:7} {way:9} {found[kind][way]}")
            if path.is_file():
                path.unlink()
            bare, source = (found[kind][way]["rows_cpu_s"] for way in ("bare", "source"))
            found[kind]["ratio_to_bare"] = round(source / bare, 3)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
