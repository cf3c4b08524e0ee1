"""What two builds are compared by: who is in them, what readers see, and what made them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray

from index.build.manifest import EncoderEntry, Manifest
from index.build.ragged import Ragged
from index.files import Blob, load_array
from index.query import RelatedQuery, shown_scores
from recommender.neighbors import NO_ROW
from recommender.parameters import SHOWN
from recommender.visibility import Visibility

_CHUNK = 8_192


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildSnapshot:
    """The files of one build that comparing needs, mapped; the build may be unfinished.

    Attributes:
        name: The build's.
        encoder: What made its embeddings.
        recipe: Which text recipe made its texts.
        recall: Of its index, as measured.
        ids: Article ids, ascending.
        cards: Their cards.
        digests: Shape (n, 16), uint8: what each embedding was made from.
        visibility: Shape (n, 2), int64 microseconds.
        rows: Shape (n, depth), int32: related rows, best first, -1 at the end.
        scores: Shape (n, depth), float32.
        stories: Shape (n,), int32: which story each row belongs to.
        members: Each story's rows, newest version first.
    """

    name: str
    encoder: EncoderEntry
    recipe: str
    recall: float
    ids: Blob
    cards: Blob
    digests: NDArray[np.uint8]
    visibility: Visibility
    rows: NDArray[np.int32]
    scores: NDArray[np.float32]
    stories: NDArray[np.int32]
    members: Ragged

    @classmethod
    def read(
        cls, folder: Path, *, name: str, encoder: EncoderEntry, recipe: str, recall: float
    ) -> BuildSnapshot:
        """Map the files of a folder.

        Raises:
            BuildError: If one is missing or unreadable.
        """
        return cls(
            name=name,
            encoder=encoder,
            recipe=recipe,
            recall=recall,
            ids=Blob(folder / "ids.bin"),
            cards=Blob(folder / "cards.bin"),
            digests=cast("NDArray[np.uint8]", load_array(folder / "text_digests.npy")),
            visibility=cast("Visibility", load_array(folder / "visibility.npy")),
            rows=cast("NDArray[np.int32]", load_array(folder / "related_rows.npy")),
            scores=cast("NDArray[np.float32]", load_array(folder / "related_scores.npy")),
            stories=cast("NDArray[np.int32]", load_array(folder / "stories.npy")),
            members=Ragged.load(folder, "members"),
        )

    @classmethod
    def of(cls, folder: Path, manifest: Manifest) -> BuildSnapshot:
        """The snapshot of a finished build.

        Raises:
            BuildError: If a file is missing or unreadable.
        """
        return cls.read(
            folder,
            name=manifest.name,
            encoder=manifest.encoder,
            recipe=manifest.recipe,
            recall=manifest.index.recall,
        )

    def __len__(self) -> int:
        return len(self.rows)

    def article_id(self, row: int) -> str:
        """The id of a row."""
        return self.ids[row].decode()

    def title(self, row: int) -> str:
        """The title of a row, as its card shows it."""
        return cast("str", json.loads(b"{" + self.cards[row] + b"}")["title"])

    def visible(self, now: int) -> NDArray[np.bool_]:
        """Shape (n,): what may be shown at ``now`` (microseconds since 1970 UTC)."""
        found: NDArray[np.bool_] = (self.visibility[:, 0] <= now) & (now < self.visibility[:, 1])
        return found

    def shown(
        self, now: int, visible: NDArray[np.bool_] | None = None
    ) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """What stands first in every list once the invisible is left out, for figures of a build.

        What readers get leaves out more, see :meth:`related`.

        Args:
            now: Microseconds since 1970 UTC.
            visible: Shape (n,): what may be shown, where more is known than the build's times.

        Returns:
            Rows, shape (n, 6), -1 at the end; and the best score among them, shape (n,),
            ``-inf`` without any.
        """
        visible = self.visible(now) if visible is None else visible
        head = np.full((len(self), SHOWN), NO_ROW, dtype=np.int32)
        best = np.full(len(self), -np.inf, dtype=np.float32)
        for start in range(0, len(self), _CHUNK):
            some = np.arange(start, min(start + _CHUNK, len(self)))
            # Nearly always enough are visible among the first; where not, the whole list.
            for width in (2 * SHOWN, self.rows.shape[1]):
                rows = np.asarray(self.rows[some, :width])
                head[some], best[some] = _front(rows, self.scores[some, :width], visible)
                some = some[(head[some, -1] == NO_ROW) & (rows[:, -1] != NO_ROW)]
        return head, best

    def related(
        self, now: int, query: RelatedQuery, rows: NDArray[np.int64] | None = None
    ) -> NDArray[np.int32]:
        """The related articles that readers get, as ``service.serving.selection.select`` has them.

        For all lists at once; without fallbacks and without what editors decided.

        Args:
            now: Microseconds since 1970 UTC.
            query: What is asked for; its limit and its least score count.
            rows: Shape (m,): whose lists; everyone's by default.

        Returns:
            Rows, shape (m, limit), -1 at the end.
        """
        wanted = np.arange(len(self)) if rows is None else rows
        newest = newest_visible(self.visible(now), self.stories, self.members)
        lists = np.full((len(wanted), query.limit), NO_ROW, dtype=np.int32)
        for start in range(0, len(wanted), _CHUNK):
            some = np.arange(start, min(start + _CHUNK, len(wanted)))
            for width in (2 * query.limit, self.rows.shape[1]):
                candidates = np.asarray(self.rows[wanted[some], :width])
                scores = self.scores[wanted[some], :width]
                # A stored list holds each story once, and its own not at all.
                shown = newest[np.where(candidates == NO_ROW, 0, candidates)]
                there = (candidates != NO_ROW) & (shown != NO_ROW)
                there &= shown_scores(scores) >= query.min_score
                lists[some] = _head(there, shown, query.limit)[0]
                some = some[(lists[some, -1] == NO_ROW) & (candidates[:, -1] != NO_ROW)]
        return lists


def _front(
    rows: NDArray[np.int32], scores: NDArray[np.float32], visible: NDArray[np.bool_]
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """The first visible rows of each list, and the best of their scores."""
    there = (rows != NO_ROW) & visible[np.where(rows == NO_ROW, 0, rows)]
    head, order, taken = _head(there, rows, SHOWN)
    best = np.where(taken, np.take_along_axis(scores, order, axis=1), -np.inf).max(axis=1)
    return head, best.astype(np.float32)


def _head(
    there: NDArray[np.bool_], rows: NDArray[np.int32], length: int
) -> tuple[NDArray[np.int32], NDArray[np.intp], NDArray[np.bool_]]:
    """The first of each list that are there, the places that they had, and which of those are."""
    order = np.argsort(~there, axis=1, kind="stable")[:, :length]
    taken = np.take_along_axis(there, order, axis=1)
    head = np.full((len(rows), length), NO_ROW, dtype=np.int32)
    head[:, : order.shape[1]] = np.where(taken, np.take_along_axis(rows, order, axis=1), NO_ROW)
    return head, order, taken


def newest_visible(
    visible: NDArray[np.bool_], stories: NDArray[np.int32], members: Ragged
) -> NDArray[np.int32]:
    """The newest visible version of each row's story, or -1; shape (n,).

    Args:
        visible: Shape (n,): which rows may be shown.
        stories: Shape (n,): which story each belongs to.
        members: Each story's rows, newest version first.
    """
    shown = members.values[visible[members.values]][::-1]
    newest = np.full(len(members), NO_ROW, dtype=np.int32)
    newest[stories[shown]] = shown  # of several the last is kept: the newest
    return newest[stories]
