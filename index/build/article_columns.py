"""Columns with one entry per article, by which lists are filtered, ordered and labelled."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from index.build.ragged import Ragged
from index.files import save_array, write_json


@dataclass(frozen=True, slots=True, kw_only=True)
class ArticleColumns:
    """What serving needs to know of each article beside its text; n of them.

    Attributes:
        visibility: Shape (n, 2): see :data:`recommender.visibility.Visibility`.
        dates: Shape (n,): days since 1970; :data:`index.build.build.NO_DATE` without one.
        recency: Shape (n,): what "newest" goes by, microseconds since 1970 UTC.
        languages: Shape (n,): positions in ``language_names``, 0 unknown.
        language_names: BCP 47 tags; the first is empty.
        tag_rows: Shape (m,): for each tag of each article the row.
        tag_ids: Shape (m,): and the tag's position in ``tag_names``.
        tag_names: As the site has them.
        superseded: For each row that names an older version its row.
        weights: Shape (n,): what the site's preferences multiply scores by.
    """

    visibility: NDArray[np.int64]
    dates: NDArray[np.int32]
    recency: NDArray[np.int64]
    languages: NDArray[np.int32]
    language_names: list[str]
    tag_rows: NDArray[np.int32]
    tag_ids: NDArray[np.int32]
    tag_names: list[str]
    superseded: dict[int, int]
    weights: NDArray[np.float32]

    def save(self, folder: Path) -> None:
        """Write the arrays that serving reads."""
        count = len(self.dates)
        save_array(folder / "visibility.npy", self.visibility)
        save_array(folder / "dates.npy", self.dates)
        save_array(folder / "languages.npy", self.languages)
        save_array(folder / "preferences.npy", self.weights)
        newest = np.lexsort((np.arange(count), -self.recency))
        Ragged.grouped(self.languages[newest], newest, len(self.language_names)).save(
            folder, "recent"
        )
        Ragged.grouped(self.tag_rows, self.tag_ids, count).save(folder, "tags")
        by_recency = np.lexsort((self.tag_rows, -self.recency[self.tag_rows]))
        Ragged.grouped(
            self.tag_ids[by_recency], self.tag_rows[by_recency], len(self.tag_names)
        ).save(folder, "tagged")
        write_json(
            folder / "facets.json", {"languages": self.language_names, "tags": self.tag_names}
        )
