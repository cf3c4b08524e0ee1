"""Per-article columns of a build: visibility, dates, languages, tags, sources and weights."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from index.build.ragged import Ragged
from index.files import save_array, write_json
from recommender.labels import Labels


@dataclass(frozen=True, slots=True, kw_only=True)
class ArticleColumns:
    """The data, besides text, that serving needs about each of n articles.

    Attributes:
        visibility: Shape (n, 2), int64: the times from which and until which each article is
            shown, in microseconds since 1970 UTC.
        dates: Shape (n,), int32: days since 1970; :data:`recommender.visibility.NO_DAY` if unknown.
        recency: Shape (n,), int64: the time by which articles are sorted "newest first", in
            microseconds since 1970 UTC.
        languages: Shape (n,), int32: positions in ``language_names``; 0 if unknown.
        language_names: BCP 47 tags; the first is empty and stands for an unknown language.
        sources: Shape (n,), int32: positions in ``source_names``.
        source_names: The names of the sources that articles are from.
        tags: Which articles have which tags, as positions in ``tag_names``.
        tag_names: The tags as the site spells them; of spellings that differ in case, the first.
        authors: Which articles have which authors, as positions in ``author_names``.
        author_names: The authors, likewise.
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
    sources: NDArray[np.int32]
    source_names: list[str]
    tags: Labels
    tag_names: list[str]
    authors: Labels
    author_names: list[str]
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
        save_array(folder / "sources.npy", self.sources)
        save_array(folder / "preferences.npy", self.weights)
        newest = np.lexsort((np.arange(count), -self.recency))
        Ragged.grouped(self.languages[newest], newest, len(self.language_names)).save(
            folder, "recent"
        )
        rows, tags = self.tags.rows, self.tags.numbers
        Ragged.grouped(rows, tags, count).save(folder, "tags")
        by_recency = np.lexsort((rows, -self.recency[rows]))
        Ragged.grouped(tags[by_recency], rows[by_recency], len(self.tag_names)).save(
            folder, "tagged"
        )
        write_json(
            folder / "facets.json",
            {
                "languages": self.language_names,
                "tags": self.tag_names,
                "authors": self.author_names,
                "sources": self.source_names,
            },
        )
