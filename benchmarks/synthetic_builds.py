"""Builds of any size in seconds, to serve from: real files, invented articles and lists.

They are written by the build's own writers, so that serving can't tell them from others; but their
texts are strung together from syllables and their lists are arithmetic: article ``row`` is of topic
``row mod topics``, and its list holds others of the topic. They say what a request costs, and
nothing of what related articles are worth.
"""

from __future__ import annotations

import datetime as dt
import random
import time
from pathlib import Path

import numpy as np

from index.articles.card import render_card
from index.build.article_columns import ArticleColumns
from index.build.explanations import explain_lists
from index.build.id_table import write_id_table
from index.build.link_graph import PageLinks
from index.build.list_dates import CARD, build_date
from index.build.manifest import (
    FORMAT_VERSION,
    IndexEntry,
    Manifest,
    describe_files,
    write_manifest,
)
from index.build.name_table import NameTable
from index.build.ragged import Ragged
from index.files import BlobWriter, save_array, save_names
from index.root.journal import utc_timestamp
from index.root.root import Root
from recommender.article import Article, Image
from recommender.encoder import Fingerprint
from recommender.keyphrases import PER_ARTICLE
from recommender.labels import NO_LABELS, Labels
from recommender.visibility import window

DEPTH = 50
TOPIC_SIZE = 100
_OF_TOPIC = 20
_COMMON = 20_000
_SYLLABLES = "ka lo mi ren su tor vel an dri fo gel hu is jo".split()


def article_id(row: int) -> str:
    """Ids ascend with the row, as in any build."""
    return f"article-{row:07}"


def make_invented_build(
    root: Root, count: int, *, marker: str = "", half: int | None = None
) -> str:
    """Write a build and make it live.

    Args:
        root: Where.
        count: Articles; at least 200.
        marker: Put into every title.
        half: Lists hold only articles whose row is even (0) or odd (1).

    Returns:
        The build's name.
    """
    name = time.strftime("%Y%m%dT%H%M%SZ-", time.gmtime()) + f"{random.getrandbits(24):06x}"
    with root.locked("benchmark"):
        folder = root.start_build(name)
        _write(folder, name, count, marker, half)
        root.finish_build(folder)
        root.make_live(root.verify(name))
    return name


def _write(folder: Path, name: str, count: int, marker: str, half: int | None) -> None:
    topics = max(2, count // TOPIC_SIZE)
    topics -= topics % 2
    words = _words(topics * _OF_TOPIC + _COMMON)
    facts = _write_articles(folder, count, marker, words)
    facts.save(folder)
    rows = np.arange(count, dtype=np.int64)
    topic = rows % topics
    shown = topic if half is None else topic - topic % 2 + half
    steps = np.arange(1, DEPTH + 1)
    members = count // topics
    place = (rows[:, None] // topics + steps) % members
    save_array(folder / "related_rows.npy", (place * topics + shown[:, None]).astype(np.int32))
    scores = np.linspace(0.9, 0.1, DEPTH, dtype=np.float32)
    save_array(folder / "related_scores.npy", np.broadcast_to(scores, (count, DEPTH)).copy())
    generator = np.random.default_rng(7)
    phrases = generator.integers(0, _COMMON, (count, PER_ARTICLE), dtype=np.int64)
    own = generator.integers(0, _OF_TOPIC, (count, PER_ARTICLE // 4), dtype=np.int64)
    phrases[:, ::4] = _COMMON + topic[:, None] * _OF_TOPIC + own
    save_array(folder / "phrases_rows.npy", phrases.astype(np.int32))
    save_names(folder / "phrases.bin", words)
    explain_lists(folder)
    save_array(folder / "stories.npy", rows.astype(np.int32))
    save_array(folder / "newer.npy", np.zeros(count, dtype=np.int32))
    Ragged(rows.astype(np.int32), rows + 1).save(folder, "members")
    none = np.zeros(0, dtype=np.int32)
    PageLinks(Ragged(none, np.zeros(count, dtype=np.int64)), none.astype(np.uint8)).save(folder)
    NameTable(none.astype(np.uint64), none).save(folder)
    changed = np.full((count, CARD + 1), build_date(name), dtype=np.int64)
    save_array(folder / "listed_in.npy", changed)
    manifest = Manifest(
        format=FORMAT_VERSION,
        name=name,
        created=utc_timestamp(),
        alsolike="benchmark",
        encoder=Fingerprint(
            model="none", revision=None, sha256="", dim=0, max_tokens=0, precision="none"
        ),
        recipe="none",
        count=count,
        visible=count,
        depth=DEPTH,
        sources=["invented"],
        index=IndexEntry(kind="none", recall=1.0),
        quality={},
        reading={},
        encoded=0,
        seconds={},
        files=describe_files(folder),
    )
    write_manifest(folder, manifest)


def _write_articles(folder: Path, count: int, marker: str, words: list[str]) -> ArticleColumns:
    ids, cards = BlobWriter(folder / "ids.bin"), BlobWriter(folder / "cards.bin")
    start = dt.date(2020, 1, 1)
    days = np.empty(count, dtype=np.int32)
    chooser = random.Random(3)
    article = None
    for row in range(count):
        days[row] = row % 2000
        article = Article(
            id=article_id(row),
            title=" ".join([*chooser.choices(words, k=6), marker]).strip().capitalize(),
            url=f"https://site.example/articles/{article_id(row)}",
            excerpt=" ".join(chooser.choices(words, k=15)),
            image=Image(src=f"https://site.example/images/{row}.jpg", alt="A picture"),
            date=start + dt.timedelta(days=int(days[row])),
        )
        ids.append(article.id.encode())
        cards.append(render_card(article, ""))
    ids.close()
    cards.close()
    write_id_table(folder)
    assert article is not None
    return ArticleColumns(
        visibility=np.tile(np.array(window(article), dtype=np.int64), (count, 1)),
        dates=days,
        recency=days.astype(np.int64),
        languages=np.ones(count, dtype=np.int32),
        language_names=["", "en"],
        sources=np.zeros(count, dtype=np.int32),
        source_names=["synthetic"],
        tags=Labels(np.arange(count, dtype=np.int32), np.arange(count, dtype=np.int32) % 50, 50),
        tag_names=[f"tag {number}" for number in range(50)],
        authors=NO_LABELS,
        author_names=[],
        superseded={},
        pages=np.arange(count, dtype=np.int64),
        versions=np.zeros(count, dtype=np.int64),
        weights=np.ones(count, dtype=np.float32),
        translation_keys=np.zeros(count, dtype=np.int64),
    )


def _words(count: int) -> list[str]:
    words: list[str] = []
    for number in range(count):
        word = ""
        while True:
            number, rest = divmod(number, len(_SYLLABLES))
            word += _SYLLABLES[rest]
            if not number:
                break
        words.append(word)
    return words
