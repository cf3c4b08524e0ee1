"""Builds small enough to check by hand, as far as comparing and judging looks at them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import numpy as np

from index.build.article_columns import ArticleColumns
from index.build.build import Build
from index.build.explanations import explain_lists
from index.build.id_table import write_id_table
from index.build.link_graph import PageLinks
from index.build.manifest import FORMAT_VERSION, IndexEntry, Manifest
from index.build.name_table import NameTable
from index.build.ragged import Ragged
from index.files import BlobWriter, save_array, save_names
from index.publishing.gates import Limits
from recommender.encoder import Fingerprint
from recommender.labels import NO_LABELS
from recommender.visibility import ALWAYS, NEVER, NO_DAY

NOW = 1_000_000
WISH = Limits().query

ENCODER = Fingerprint(
    model="m", revision=None, sha256="0", dim=8, max_tokens=0, precision="float32"
)


def snapshot(
    folder: Path,
    lists: Mapping[str, Sequence[str]],
    *,
    hidden: Collection[str] = (),
    texts: Mapping[str, str] | None = None,
    score: float = 0.5,
    encoder: Fingerprint = ENCODER,
    recipe: str = "1",
    recall: float = 1.0,
    stories: Mapping[str, str] | None = None,
    scores: Mapping[str, Mapping[str, float]] | None = None,
) -> Build:
    """A build of the given related lists.

    Args:
        folder: Where to write it; made.
        lists: Every article's id with the ids of its related articles, best first.
        hidden: Ids that are never visible.
        texts: What changes a text's digest, by id.
        score: Of every related article.
        encoder: What made its embeddings.
        recipe: Which text preparation.
        recall: Of its index.
        scores: Those that are others, by article and related article.
        stories: What stands in for a story, by id: of several the first by id is the newest.
    """
    folder.mkdir(parents=True)
    names = sorted(lists, key=str.encode)
    rows = {name: row for row, name in enumerate(names)}
    ids, cards = BlobWriter(folder / "ids.bin"), BlobWriter(folder / "cards.bin")
    depth = max([len(related) for related in lists.values()] + [1])
    related = np.full((len(names), depth), -1, dtype=np.int32)
    related_scores = np.full((len(names), depth), -np.inf, dtype=np.float32)
    visibility = np.full((len(names), 2), NEVER, dtype=np.int64)
    digests = np.zeros((len(names), 16), dtype=np.uint8)
    for name, row in rows.items():
        ids.append(name.encode())
        cards.append(json.dumps({"article_id": name, "title": f"Title of {name}"})[1:-1].encode())
        related[row, : len(lists[name])] = [rows[other] for other in lists[name]]
        own = (scores or {}).get(name, {})
        related_scores[row, : len(lists[name])] = [own.get(other, score) for other in lists[name]]
        if name not in hidden:
            visibility[row, 0] = ALWAYS
        text = (texts or {}).get(name, name).encode()
        digests[row] = np.frombuffer(hashlib.md5(text).digest(), dtype=np.uint8)
    ids.close()
    cards.close()
    told = [(stories or {}).get(name, name) for name in names]
    story_of = np.array([sorted(set(told)).index(story) for story in told], dtype=np.int32)
    save_array(folder / "stories.npy", story_of)
    newer = [told[:row].count(story) for row, story in enumerate(told)]
    save_array(folder / "newer.npy", np.array(newer, dtype=np.int32))
    Ragged.grouped(story_of, np.arange(len(names)), len(set(told))).save(folder, "members")
    save_array(folder / "related_rows.npy", related)
    save_array(folder / "related_scores.npy", related_scores)
    save_array(folder / "text_digests.npy", digests)
    save_array(folder / "phrases_rows.npy", np.full((len(names), 40), -1, dtype=np.int32))
    save_names(folder / "phrases.bin", [])
    write_id_table(folder)
    explain_lists(folder)
    none = np.zeros(0, dtype=np.int32)
    PageLinks(Ragged(none, np.zeros(len(names), dtype=np.int64)), none.astype(np.uint8)).save(
        folder
    )
    NameTable(none.astype(np.uint64), none).save(folder)
    ArticleColumns(
        visibility=visibility,
        dates=np.full(len(names), NO_DAY, dtype=np.int32),
        recency=np.zeros(len(names), dtype=np.int64),
        languages=np.zeros(len(names), dtype=np.int32),
        language_names=[""],
        tags=NO_LABELS,
        tag_names=[],
        authors=NO_LABELS,
        author_names=[],
        superseded={},
        pages=np.arange(len(names), dtype=np.int64),
        sources=np.zeros(len(names), dtype=np.int32),
        source_names=[""],
        versions=np.zeros(len(names), dtype=np.int64),
        weights=np.ones(len(names), dtype=np.float32),
        translation_keys=np.zeros(len(names), dtype=np.int64),
    ).save(folder)
    manifest = Manifest(
        format=FORMAT_VERSION,
        name=folder.name,
        created="2026-01-01T00:00:00+00:00",
        alsolike="0",
        encoder=encoder,
        recipe=recipe,
        count=len(names),
        visible=len(names),
        depth=depth,
        sources=[],
        index=IndexEntry(kind="exact", recall=recall),
        quality={},
        reading={},
        encoded=0,
        seconds={},
        files={},
    )
    return Build(folder, manifest, verify=False)


def ring(count: int, near: int = 6, prefix: str = "a") -> dict[str, list[str]]:
    """Articles in a circle, each related to those that follow it."""
    names = [f"{prefix}{number:03}" for number in range(count)]
    return {
        name: [names[(place + step) % count] for step in range(1, near + 1)]
        for place, name in enumerate(names)
    }
