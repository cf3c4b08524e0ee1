"""The second stage: what is compared and what serving must know of each row, beside its text."""

from __future__ import annotations

import json
import time
from array import array
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from index.articles.article_store import ArticleStore
from index.build.article_columns import ArticleColumns
from index.build.id_table import IdTable, write_id_table
from index.building.article_block import PreparedBlock, prepare_block
from index.building.context import BuildContext
from index.files import Blob, BlobWriter, ends_path, save_array
from recommender.boilerplate import Boilerplate
from recommender.parallel import equal_blocks, in_turn
from recommender.text import PreparedText

_BLOCK = 1_024


class PreparedTexts:
    """The prepared texts in a file of their own, so that memory does not grow with them."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._blob = Blob(path)

    def __reduce__(self) -> tuple[type[PreparedTexts], tuple[Path]]:
        """Another process opens the file anew."""
        return PreparedTexts, (self._path.resolve(),)

    def __len__(self) -> int:
        return len(self._blob)

    def __getitem__(self, row: int) -> PreparedText:
        return _decode(self._blob[row])

    def __iter__(self) -> Iterator[PreparedText]:
        return map(_decode, self._blob)

    def discard(self) -> None:
        """Remove the files."""
        self._path.unlink()
        ends_path(self._path).unlink()


def _decode(data: bytes) -> PreparedText:
    title, _, body = data.decode().partition("\0")
    return PreparedText(title=title, body=body)


def prepare_articles(
    making: BuildContext, store: ArticleStore, boilerplate: Boilerplate, count: int
) -> tuple[ArticleColumns, PreparedTexts]:
    """Write ids, cards and texts without boilerplate, and collect the facts about each row."""
    folder = making.folder
    ids, cards = BlobWriter(folder / "ids.bin"), BlobWriter(folder / "cards.bin")
    texts = BlobWriter(folder / "prepared.bin")
    visibility = np.empty((count, 2), dtype=np.int64)
    dates = np.empty(count, dtype=np.int32)
    recency = np.empty(count, dtype=np.int64)
    digests = np.empty((count, 16), dtype=np.uint8)
    boosts = np.empty(count, dtype=np.float32)
    languages = np.zeros(count, dtype=np.int32)
    language_ids: dict[str, int] = {"": 0}
    tag_numbers: dict[str, int] = {}
    tag_rows, tag_ids = array("i"), array("i")
    preferences = making.options.preferences
    supersedes: dict[int, str] = {}

    def work(start: int, stop: int) -> PreparedBlock:
        return prepare_block(store.rows(start, stop), boilerplate, preferences)

    first = 0
    spread = in_turn(making.options.engine.spread)
    for part in spread(work, equal_blocks(count, _BLOCK), stage="prepare"):
        here = slice(first, first + len(part.dates))
        for name, writer in (("ids", ids), ("cards", cards), ("texts", texts)):
            for piece in part.pieces(name):
                writer.append(piece)
        visibility[here], digests[here], dates[here] = part.visibility, part.digests, part.dates
        recency[here], boosts[here] = part.recency, part.boosts
        for row, facets in enumerate(part.pieces("facets"), first):
            if facets:
                found = json.loads(facets)
                languages[row] = language_ids.setdefault(
                    found.get("language", ""), len(language_ids)
                )
                for tag in found.get("tags", ()):
                    tag_rows.append(row)
                    tag_ids.append(tag_numbers.setdefault(tag, len(tag_numbers)))
                if "supersedes" in found:
                    supersedes[row] = found["supersedes"]
        first = here.stop
        making.progress("prepare", first, count)
    for writer in (ids, cards, texts):
        writer.close()
    write_id_table(folder)
    save_array(folder / "text_digests.npy", digests)
    facts = ArticleColumns(
        visibility=visibility,
        dates=dates,
        recency=recency,
        languages=languages,
        language_names=list(language_ids),
        tag_rows=np.frombuffer(tag_rows, dtype=np.int32),
        tag_ids=np.frombuffer(tag_ids, dtype=np.int32),
        tag_names=list(tag_numbers),
        weights=boosts * preferences.fade(dates, int(time.time() // 86_400)),
        superseded=_find_older(IdTable(folder), supersedes),
    )
    return facts, PreparedTexts(folder / "prepared.bin")


def _find_older(ids: IdTable, supersedes: dict[int, str]) -> dict[int, int]:
    """The rows of the older versions that are there."""
    found = {row: ids.row(older) for row, older in supersedes.items()}
    return {row: older for row, older in found.items() if older is not None}
