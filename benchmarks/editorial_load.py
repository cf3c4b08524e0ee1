"""A site of any size as editors meet it: articles to find, decisions taken, an earlier build.

With ``--data`` the articles are those of the judged sets, and beyond their number others put
together from two of them: the first one's title with a word of the second's, and their sentences
by turns, so that each reads like an article and none is another's copy. Without, the words are
invented, as common or rare as words are. One in fifty is a draft, one in a hundred is yet to come.
"""

from __future__ import annotations

import datetime as dt
import gzip
import itertools
import json
import random
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from benchmarks.corpora import say
from index.articles.parse import FieldMapping
from index.building.builder import make_build
from index.building.context import BuildOptions
from index.root.root import Root
from index.sources.configured_source import ConfiguredSource
from index.sources.jsonl_source import JsonlSource
from recommender.boilerplate import split_sentences
from recommender.encoder import HashingEncoder
from service.decisions.database import Database
from service.decisions.decision_state import OverrideKind
from service.decisions.decision_store import Actor
from service.decisions.open_decisions import open_decisions
from service.roles import Role
from service.settings import Settings

SEED = 20_260_307
DIM = 64
"""Of the hashing encoder: whose lists they are changes nothing of what a page costs."""

_BEFORE = 20
"""The build before the last has one article in so many."""

_DECIDED = 50
"""One list in so many has overrides."""

_SETS = ("arxiv-60k", "synergy", "trec-genomics")
_WORDS = 60_000
ACTOR = Actor(name="benchmark", how="cli")


def make_newsroom(folder: Path, data: Path | None, count: int) -> Root:
    """Build a site of ``count`` articles, unless the folder has one of that size already.

    Args:
        folder: Where; holds a root, and what it is made from.
        data: The judged sets; ``None`` for invented words.
        count: Articles.
    """
    root = Root(folder / f"newsroom-{count}{'' if data is None else '-real'}")
    if root.current() is None or root.manifest().count != count:
        root.path.mkdir(parents=True, exist_ok=True)
        source = root.path / "articles.jsonl"
        for size in (max(count // _BEFORE, 2), count):
            say(f"building {size} articles")
            with source.open("w") as file:
                for record in itertools.islice(_records(data, count), size):
                    file.write(json.dumps(record) + "\n")
            _build(root, source)
    with closing(open_decisions(Settings(root=root.path))) as database:
        _decide(root, database, count)
    return root


def sign_in(root: Root) -> str:
    """A fresh session of an editor: the cookie's value."""
    with closing(open_decisions(Settings(root=root.path))) as database:
        editor = database.editors.get("mira") or database.editors.add(
            ACTOR, name="mira", role=Role.EDITOR, password=random.randbytes(16).hex()
        )
        return database.sessions.open(editor)[0]


def _build(root: Root, source: Path) -> None:
    mapping = FieldMapping(url_template="/{id}", timezone=ZoneInfo("UTC"))
    read = ConfiguredSource(source=JsonlSource(str(source)), fields={"summary": "text"})
    with root.locked("benchmark"):
        manifest = make_build(
            root,
            [read],
            lambda: HashingEncoder(DIM),
            BuildOptions(mapping=mapping),
        ).manifest
        root.make_live(root.verify(manifest.name))


def _decide(root: Root, database: Database, count: int) -> None:
    """Pins and hides in one list of fifty, as editors leave them over the years."""
    if database.state().overrides:
        return
    say("deciding")
    draw = random.Random(SEED)
    build = root.open()
    for row in draw.sample(range(count), max(1, count // _DECIDED)):
        near = [other for other in build.related(row)[0] if other >= 0]
        for position, other in enumerate(draw.sample(near, min(len(near), draw.randint(1, 3))), 1):
            kind = draw.choice([OverrideKind.PIN, OverrideKind.HIDE])
            database.overrides.put(
                ACTOR,
                article_id=build.article_id(row),
                target_id=build.article_id(other),
                kind=kind,
                position=position if kind is OverrideKind.PIN else None,
                reason="as the desk asked",
            )


def _records(data: Path | None, count: int) -> Iterator[dict[str, Any]]:
    """As many articles, the same ones each time."""
    draw = random.Random(SEED)
    texts = _invented(count) if data is None else _real(data, count)
    for number, (article_id, title, text, tags) in enumerate(texts):
        record: dict[str, Any] = {
            "id": article_id,
            "title": title,
            "text": text,
            "tags": tags,
            "date": str(dt.date(2012, 1, 1) + dt.timedelta(days=draw.randrange(5_000))),
            "status": "draft" if number % 50 == 49 else "published",
        }
        if number % 20:
            record["language"] = "en"
        if number % 100 == 98:
            record["visible_from"] = "2199-01-01T06:00:00Z"
        yield record


_Text = tuple[str, str, str, list[str]]
"""Id, title, text and tags."""


def _real(data: Path, count: int) -> Iterator[_Text]:
    known: list[_Text] = []
    for name in _SETS:
        with gzip.open(data / f"{name}.jsonl.gz", "rt") as file:
            for record in map(json.loads, file):
                if record.get("title"):
                    tags = [name, *record.get("categories", []), *record.get("mesh", [])[:4]]
                    text = record.get("text") or ""
                    known.append((f"{name}/{record['id']}", record["title"], text, tags))
    random.Random(SEED).shuffle(known)
    yield from known[:count]
    for number in range(max(0, count - len(known))):
        step = 1 + number // len(known)
        (article_id, title, text, tags), (_, other, more, _) = (
            known[(number + shift) % len(known)] for shift in (0, step)
        )
        words = title.split()
        words[number % len(words)] = other.split()[-1]
        yield f"{article_id}-{step}", " ".join(words), _by_turns(text, more), tags


def _by_turns(one: str, other: str) -> str:
    pairs = itertools.zip_longest(split_sentences(one), split_sentences(other), fillvalue="")
    return " ".join(pair[place % 2] for place, pair in enumerate(pairs))


def _invented(count: int) -> Iterator[_Text]:
    """Texts of 220 words, of which a word is used as often as its rank in a vocabulary says."""
    draw = np.random.default_rng(SEED)
    words = _vocabulary(draw)
    weights = 1.0 / np.arange(2, _WORDS + 2)
    ends = np.cumsum(weights / weights.sum())
    for number in range(count):
        ranks = np.searchsorted(ends, draw.random(230))
        text = [words[rank] for rank in ranks.tolist()]
        title = " ".join(text[:10]).capitalize()
        yield f"story/{number:07}", title, f"{' '.join(text[10:])}.", [f"desk {number % 40}"]


def _vocabulary(draw: np.random.Generator) -> list[str]:
    """Words of two to five syllables, some of them with a diacritic; the commonest are short."""
    onsets = "b c d f g h j k l m n p r s t v w z br ch cl dr fl gr pl pr sh st th tr".split()
    vowels, codas = "a e i o u ai ea ou é ö".split(), ["", "", "", "n", "r", "s", "l", "t"]
    words: dict[str, None] = {}
    while len(words) < _WORDS:
        size = 1 + int(len(words) ** 0.12) + int(draw.integers(0, 2))
        parts = [
            choices[int(draw.integers(len(choices)))]
            for _ in range(size)
            for choices in (onsets, vowels, codas)
        ]
        words["".join(parts)] = None
    return list(words)
