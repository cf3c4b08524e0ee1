"""Per-article columns of a build: visibility, dates, languages, tags and preference weights."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from index.build.ragged import Ragged
from index.files import save_array, write_json


@dataclass(frozen=True, slots=True, kw_only=True)
class ArticleColumns:
    """The data, besides text, that serving needs about each of n articles.

    Attributes:
        visibility: Shape (n, 2), int64: the times from which and until which each article is
            shown, in microseconds since 1970 UTC.
        dates: Shape (n,), int32: days since 1970; :data:`index.build.build.NO_DATE` if unknown.
        recency: Shape (n,), int64: the time by which articles are sorted "newest first", in
            microseconds since 1970 UTC.
        languages: Shape (n,), int32: positions in ``language_names``; 0 if unknown.
        language_names: BCP 47 tags; the first is empty and stands for an unknown language.
        tag_rows: Shape (m,), int32. Each of the m entries stands for one tag of one article; this
            is the article's row.
        tag_ids: Shape (m,), int32: the tag of each of these entries, as position in ``tag_names``.
        tag_names: The tags as the site spells them; of spellings that differ in case, the first.
        superseded: Maps the row of a newer version to the row of the version it replaces.
        pages: Shape (n,), int64: the same number for articles at one address.
        versions: Shape (n,), int64: higher for newer versions of an article.
        weights: Shape (n,), float32: the factor by which the site's preferences multiply an
            article's score as a candidate.
        translation_keys: Shape (n,), int64: the same number for all translations of a page; 0 for
            a page without key.
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
    pages: NDArray[np.int64]
    versions: NDArray[np.int64]
    weights: NDArray[np.float32]
    translation_keys: NDArray[np.int64]

    def save(self, folder: Path) -> None:
        """Write the arrays that the service reads to files in the build's folder."""
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
