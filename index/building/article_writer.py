"""Writes the prepared articles of a build: ids, cards, texts, and what else is known of each."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from index.build.article_columns import ArticleColumns
from index.build.build import FACTS
from index.build.carried_rows import COUNTED, CarriedRows, blob_writer
from index.build.id_table import IdTable, write_id_table
from index.building.folder_arrays import FolderWorkspace
from index.building.link_names import LinkNames
from index.building.link_stage import LinkCollector
from index.files import BlobWriter, load_array, read_json, save_array, write_json
from index.query import DAY
from recommender.labels import LabelNumbers
from recommender.preferences import Preferences, newest_day
from recommender.visibility import utc_now

PREPARED = "prepared.bin"

_TYPE = np.dtype(
    [
        *(("visibility", "<i8", 2), ("day", "<i4"), ("recency", "<i8"), ("boost", "<f4")),
        *(("language", "<i4"), ("source", "<i4"), ("translation_key", "<i8")),
        *(("page", "<i8"), ("version", "<i8")),
        ("digest", "u1", 16),
    ]
)
_NUMBERS = ("visibility", "day", "recency", "boost", "translation_key", "page", "version")


class PreparedArticle(NamedTuple):  # quicker to send between processes than a dataclass
    """One article, in the form that a build stores.

    Attributes:
        id: The article's id, UTF-8.
        card: The card, a JSON object without its braces.
        text: Title and body without boilerplate, UTF-8, separated by a zero byte.
        digest: Digest of the text, 16 bytes.
        visibility: The times from which and until which the article is shown, in microseconds
            since 1970 UTC.
        day: The date, in days since 1970; :data:`~recommender.visibility.NO_DAY` if unknown.
        recency: The time by which "newest first" sorts, in microseconds since 1970 UTC.
        boost: The factor by which the site's boosts multiply the article's score as a candidate.
        language: BCP 47 language tag; empty if unknown.
        translation_key: The number that the page's translations share; 0 if it may have none.
        tags: The site's tags for the article.
        authors: The names of its authors.
        supersedes: The id of the older version that this article replaces, if it names one.
        page: A number that articles at one address share.
        version: A number that is higher for a newer version; 0 if unknown.
        links: The names by which links may refer to the article, and its own links, as numbers.
    """

    id: bytes
    card: bytes
    text: bytes
    digest: bytes
    visibility: tuple[int, int]
    day: int
    recency: int
    boost: float
    language: str
    translation_key: int
    tags: tuple[str, ...]
    authors: tuple[str, ...]
    supersedes: str | None
    page: int
    version: int
    links: LinkNames


class ArticleWriter:
    """Writes a build's articles into its folder as they are prepared.

    A small build copies the data of unchanged articles from the live build's files: ``facts.npy``
    holds the facts of each row, ``counted.json`` the counts over all articles.

    Args:
        folder: The build's folder.
        carried: The rows of unchanged articles in a small build; then only the others are added.

    Attributes:
        count: The number of articles that were added.
        links: Collects the names and links of the articles.
    """

    def __init__(self, folder: Path, carried: CarriedRows | None) -> None:
        self._folder, self._carried = folder, carried
        self._before: dict[str, Any] = {"newest": None, "supersedes": [], "links": {}}
        # Names that the live build has keep their numbers.
        names: dict[str, list[str]] = {"languages": [""], "sources": []}
        self._tags, self._authors = LabelNumbers(), LabelNumbers()
        if carried is not None:
            self._before = read_json(carried.path_of(COUNTED))
            names = read_json(carried.path_of("facets.json"))
            self._tags = _carried_labels(carried, names["tags"], "tag", "tags_values", "tags_ends")
            vectors = ("author_vectors_indices", "author_vectors_indptr")
            self._authors = _carried_labels(carried, names["authors"], "author", *vectors)
        self._languages, self._sources = (
            {name: number for number, name in enumerate(names[kind])}
            for kind in ("languages", "sources")
        )
        self._blobs = {
            name: blob_writer(folder / name, carried) for name in ("ids.bin", "cards.bin")
        }
        if carried is None:
            self._blobs[PREPARED] = BlobWriter(folder / PREPARED)
        self._facts = [np.zeros(0, dtype=_TYPE)]
        self._supersedes: dict[int, str] = {}
        self.count = 0
        self.links = LinkCollector(FolderWorkspace(folder), carried, self._before["links"])

    def add(self, block: Sequence[PreparedArticle]) -> None:
        """Writes the next articles, in the order of their rows."""
        first, stop = self.count, self.count + len(block)
        rows = np.arange(first, stop) if self._carried is None else self._carried.fresh[first:stop]
        facts = np.zeros(len(block), dtype=_TYPE)
        for name in _NUMBERS:
            facts[name] = [getattr(article, name) for article in block]
        digests = np.frombuffer(b"".join(article.digest for article in block), dtype=np.uint8)
        facts["digest"] = digests.reshape(-1, 16)
        languages, sources = self._languages, self._sources
        facts["language"] = [languages.setdefault(one.language, len(languages)) for one in block]
        facts["source"] = [sources.setdefault(one.links.source, len(sources)) for one in block]
        self._facts.append(facts)
        self.links.add(rows, [article.links for article in block])
        for row, article in zip(rows.tolist(), block, strict=True):
            contents = {"ids.bin": article.id, "cards.bin": article.card, PREPARED: article.text}
            for name, blob in self._blobs.items():
                blob.append(contents[name])
            self._tags.add(row, article.tags)
            self._authors.add(row, article.authors)
            if article.supersedes is not None:
                self._supersedes[row] = article.supersedes
        self.count = stop

    def finish(self, preferences: Preferences) -> ArticleColumns:
        """Completes the files, and returns the columns: arrays with a value for each article.

        Args:
            preferences: The site's ranking preferences. A small build counts ages from the same day
                as the live build.
        """
        for blob in self._blobs.values():
            blob.close()
        write_id_table(self._folder)
        facts = np.concatenate(self._facts)
        newest = newest_day(facts["day"], utc_now() // DAY)
        if self._carried is not None:
            facts = self._carried.array(FACTS, facts)
            newest = self._before["newest"]
            for old, older in self._before["supersedes"]:
                if (row := int(self._carried.new_rows[old])) >= 0:
                    self._supersedes[row] = older
        save_array(self._folder / FACTS, facts)
        save_array(self._folder / "text_digests.npy", facts["digest"])
        counted = {
            "newest": newest,
            "supersedes": sorted(self._supersedes.items()),
            "links": self.links.counts(),
        }
        write_json(self._folder / COUNTED, counted)
        ids = IdTable(self._folder)
        older_rows = {row: ids.row(older) for row, older in sorted(self._supersedes.items())}
        return ArticleColumns(
            visibility=facts["visibility"],
            dates=facts["day"],
            recency=facts["recency"],
            languages=facts["language"],
            language_names=list(self._languages),
            sources=facts["source"],
            source_names=list(self._sources),
            tags=self._tags.labels(),
            tag_names=self._tags.names,
            authors=self._authors.labels(),
            author_names=self._authors.names,
            weights=facts["boost"] * preferences.fade(facts["day"], newest),
            pages=facts["page"],
            versions=facts["version"],
            superseded={row: older for row, older in older_rows.items() if older is not None},
            translation_keys=facts["translation_key"],
        )


def _carried_labels(
    carried: CarriedRows, names: list[str], kind: str, values: str, ends: str
) -> LabelNumbers:
    """Returns the labels that the live build has, of the articles that did not change."""
    files = (values, ends, f"{kind}_vectors_idf")
    held, bounds, idf = (load_array(carried.path_of(f"{name}.npy")) for name in files)
    owners = np.searchsorted(bounds[-carried.count :], np.arange(len(held)), side="right")
    rows = carried.renumber(owners.astype(np.int32))
    kept = rows >= 0
    return LabelNumbers(names, rows[kept], held[kept], idf)
