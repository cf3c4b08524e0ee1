"""How long does an editor wait?

``python -m benchmarks.editor [--data DIR] [--articles 100000] [--keep DIR]``: a real service on a
site of that size (:mod:`benchmarks.editorial_load`), asked over HTTP with an editor's session.

- **Search**: the page that answers what is typed, one request after another: beginnings of words
  as they come off the keyboard, whole words, words with an accent put on or left out, words with
  one wrong letter, with filters, and filters alone. After each, the same words as a bare FTS5
  query: ``MATCH`` by rank, forty rows, from the same file, in this process. It finds no
  misspelled word, counts nothing, filters nothing and makes no page.
- **Preview**: an article's page and, one after the other, the frame with its cards.
- **First page**: the page that editors begin on.

With every fiftieth request an editor decides something, so that what is kept between requests is
made anew. The last line says the 95th percentiles; ``search_ratio`` is the search's over the bare
query's. The table also tells what the service's threads had of a core: on a machine that does other
work too, that says more than milliseconds by the clock.
"""

from __future__ import annotations

import argparse
import html
import http.client
import json
import re
import sqlite3
import tempfile
import time
from collections import defaultdict
from contextlib import closing, suppress
from pathlib import Path
from urllib.parse import urlencode

import numpy as np
from numpy.typing import NDArray

from benchmarks.corpora import data_folder, say, table
from benchmarks.editorial_load import ACTOR, SEED, make_newsroom, sign_in
from benchmarks.query_generator import Typist
from benchmarks.serve import serving, warm
from index.build.build import Build
from index.build.search_index import FULL_TEXT, split_words
from index.root.root import Root
from service.decisions.decision_state import OverrideKind
from service.decisions.open_decisions import open_decisions
from service.http.auth import COOKIE
from service.settings import Settings

SHOWN = 40
_EVERY = 50


class Browser:
    """One connection with a session.

    Args:
        port: Of the service.
        cookie: The session's.
    """

    def __init__(self, port: int, cookie: str) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self._headers = {"Cookie": f"{COOKIE}={cookie}"}

    def get(self, path: str, **parameters: str) -> tuple[float, str]:
        """Milliseconds until the last byte, and the page."""
        start = time.perf_counter()
        path = f"{path}?{urlencode(parameters)}" if parameters else path
        self._connection.request("GET", path, headers=self._headers)
        answer = self._connection.getresponse()
        page = answer.read()
        spent = 1e3 * (time.perf_counter() - start)
        if answer.status != 200:
            raise SystemExit(f"{path} was answered {answer.status}")
        return spent, page.decode()


class BareQuery:
    """The same words, asked of the build's file by SQLite alone.

    Args:
        path: The file.
    """

    def __init__(self, path: Path) -> None:
        self._database = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro&immutable=1", uri=True)

    def milliseconds(self, words: str) -> float:
        """For the forty best rows."""
        expression = " AND ".join(f'"{word}"*' for word in split_words(words))
        start = time.perf_counter()
        self._database.execute(
            "SELECT rowid FROM words WHERE words MATCH ? ORDER BY rank LIMIT ?", (expression, SHOWN)
        ).fetchall()
        return 1e3 * (time.perf_counter() - start)


class Decider:
    """Hides something in a list with every fiftieth step.

    Args:
        root: Whose database.
        build: The live one.
    """

    def __init__(self, root: Root, build: Build) -> None:
        self._database = open_decisions(Settings(root=root.path))
        self._build, self._steps = build, 0

    def step(self, row: int) -> None:
        """Perhaps hide the best of a row's list."""
        self._steps += 1
        if self._steps % _EVERY == 0:
            self._database.overrides.put(
                ACTOR,
                article_id=self._build.article_id(row),
                target_id=self._build.article_id(max(self._build.related(row)[0][0], 0)),
                kind=OverrideKind.HIDE,
            )

    def close(self) -> None:
        """Let go of the database."""
        self._database.close()


def measure(root: Root, searches: int, previews: int) -> dict[str, float]:
    """Ask a fresh service; tells what it took, in milliseconds."""
    build = root.open()
    warm(root)
    typist = Typist(build, SEED)
    bare = BareQuery(build.checked(FULL_TEXT))
    found: dict[str, list[tuple[float, float, float]]] = defaultdict(list)
    pages: list[tuple[float, float]] = []
    with serving(root) as (service, port, _), closing(Decider(root, build)) as decider:
        browser = Browser(port, sign_in(root))
        first = browser.get("/editor")[0]
        for step in range(searches):
            kind = list(typist.kinds)[step % len(typist.kinds)]
            query = typist.kinds[kind]()
            decider.step(typist.row())
            before = cpu_ms(service.pid)
            spent, _ = browser.get("/editor", **query)
            cpu = cpu_ms(service.pid) - before
            found[kind].append(
                (spent, cpu, bare.milliseconds(query["q"]) if "q" in query else np.nan)
            )
        for _ in range(previews):
            row = typist.row()
            decider.step(row)
            spent, page = browser.get("/editor/article", id=build.article_id(row))
            frame = re.search(r'src="(/editor/cards\?[^"]+)"', page)
            if frame is None:
                raise SystemExit("the page shows no frame with cards")
            pages.append((spent, browser.get(html.unescape(frame[1]))[0]))
        starts = np.empty(previews // 10)
        for number in range(len(starts)):
            decider.step(typist.row())
            starts[number] = browser.get("/editor")[0]
    rows = [_line(kind, np.array(triples)) for kind, triples in found.items()]
    every = np.array([triple for triples in found.values() for triple in triples])
    rows.append(_line("all", every))
    header = ("search", "p50 ms", "p95 ms", "most", "CPU p50", "CPU p95", "bare p50", "bare p95")
    say(table(header, rows))
    search_p95, bare_p95 = np.percentile(every[:, 0], 95), np.nanpercentile(every[:, 2], 95)
    shown = np.array(pages)
    say(f"the first page of a fresh service: {first:.0f} ms")
    of_pages = (("preview", shown[:, 0]), ("its frame", shown[:, 1]), ("first page", starts))
    for name, times in of_pages:
        say(f"{name}: p50 {np.percentile(times, 50):.1f} ms, p95 {np.percentile(times, 95):.1f} ms")
    return {
        "articles": build.count,
        "search_p95_ms": round(float(search_p95), 1),
        "search_ratio": round(float(search_p95 / bare_p95), 2),
        "preview_p95_ms": round(float(np.percentile(shown.sum(axis=1), 95)), 1),
        "first_page_p95_ms": round(float(np.percentile(starts, 95)), 1),
    }


def cpu_ms(pid: int) -> float:
    """Time that a process's threads had a core, to the microsecond."""
    spent = 0
    for path in Path(f"/proc/{pid}/task").glob("*/schedstat"):
        with suppress(FileNotFoundError, ProcessLookupError):  # the thread has just ended
            spent += int(path.read_text().split()[0])
    return spent / 1e6


def _line(kind: str, triples: NDArray[np.float64]) -> tuple[str, ...]:
    ours, cpu, bare = triples.T
    bare = bare if np.isnan(bare).all() else bare[~np.isnan(bare)]
    figures = [
        *np.percentile(ours, [50, 95, 100]),
        *np.percentile(cpu, [50, 95]),
        *np.percentile(bare, [50, 95]),
    ]
    return kind, *("–" if np.isnan(figure) else f"{figure:.1f}" for figure in figures)  # noqa: RUF001


def main() -> None:
    """Run the benchmark."""
    parser = data_folder(argparse.ArgumentParser(description=__doc__))
    parser.add_argument("--articles", type=int, default=100_000)
    parser.add_argument("--searches", type=int, default=1_200)
    parser.add_argument("--previews", type=int, default=400)
    parser.add_argument("--keep", type=Path, help="folder of the site, for the next run")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = arguments.keep or Path(scratch)
        root = make_newsroom(folder, arguments.data, arguments.articles)
        result = measure(root, arguments.searches, arguments.previews)
    print(json.dumps(result))


if __name__ == "__main__":
    main()
