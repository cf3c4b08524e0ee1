"""A build, opened for reading: what the service, the commands and the gates look at.

Everything is mapped, not loaded, so that opening is quick at any size and workers share memory.

=====================  =======================================================================
file                   holds
=====================  =======================================================================
ids.bin                each row's article id, ascending
slots_*.npy            rows by a hash of their ids; see index.build.id_table
cards.bin              each row's card, the inside of a JSON object
visibility.npy         (n, 2) int64: shown while from <= now < until, microseconds since 1970
related_rows.npy       (n, depth) int32: related rows, best first, -1 at the end
related_scores.npy     (n, depth) float32 in [0, 1]
phrases_rows.npy       (n, 40) int32: what each article is about
phrases.bin            the phrases themselves
shared.bin             phrases shared with the first eight of each row's list, as JSON strings
stories.npy            (n,) int32: which story a row belongs to
members_*.npy          each story's rows, newest version first
facets.json            the names of tags and languages
languages.npy          (n,) int32: each row's language, 0 unknown
recent_*.npy           each language's rows, newest first
tags_*.npy             each row's tags · tagged_*.npy: each tag's rows, newest first
dates.npy              (n,) int32: days since 1970
embeddings.npy         (n, dim) float32, unit rows · text_digests.npy: what each was made from
index.faiss            the neighbor index over them
words.bin, lexical_*   term weights of every article; calibration.json: what chance looks
                       like; both to score a draft as the build would have
articles.sqlite        the articles themselves · search.sqlite: the full-text index over them
boilerplate.json       what the pages share and was ignored
rejected_rows.npy      (n, 20) int32: candidates left out of each list, best first
rejected_reasons.npy   (n, 20) uint8: why; see recommender.rerank.RejectReason
report.json            figures for operators
=====================  =======================================================================
"""

from __future__ import annotations

import datetime as dt
import functools
import json
import threading
import time
from collections.abc import Set
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from index.articles.article_store import ARTICLES, ArticleStore
from index.build.explanations import SHARED, split_explained
from index.build.file_watch import FileWatch
from index.build.id_table import IdTable
from index.build.manifest import Manifest, check_files
from index.build.ragged import Ragged
from index.build.search_index import FULL_TEXT, FullText
from index.errors import BuildError
from index.files import Blob, Names, Rows, load_array, prefault
from recommender.article import Article
from recommender.visibility import ALWAYS, Visibility, epochs, visible_at

SERVED = frozenset(
    {
        "ids.bin",
        "ids_ends.npy",
        "slots_values.npy",
        "slots_ends.npy",
        "cards.bin",
        "cards_ends.npy",
        "visibility.npy",
        "related_rows.npy",
        "related_scores.npy",
        "phrases_rows.npy",
        "phrases.bin",
        "phrases_ends.npy",
        "shared.bin",
        "shared_ends.npy",
        "stories.npy",
        "members_values.npy",
        "members_ends.npy",
        "facets.json",
        "languages.npy",
        "tags_values.npy",
        "tags_ends.npy",
        "tagged_values.npy",
        "tagged_ends.npy",
        "recent_values.npy",
        "recent_ends.npy",
        "dates.npy",
    }
)
"""Files that answering a request may read: hashed when a build is opened."""

NO_DATE = np.iinfo(np.int32).min
_DAY = 86_400_000_000


class Build:
    """An open build; :meth:`index.root.root.Root.open` opens the live one, or one by its name.

    Args:
        folder: Its directory.
        manifest: Its manifest, which says what its files must be.
        verify: Compare each file with the manifest before it is first read. ``False`` where all
            were compared just now, for figures that may be wrong, and for an unfinished build,
            whose manifest lists no files yet.
        watch: Watches the files that are mapped, for whoever keeps the build open for long.

    Raises:
        BuildError: If a file that serving reads is damaged.
    """

    def __init__(
        self,
        folder: Path,
        manifest: Manifest,
        *,
        verify: bool = True,
        watch: FileWatch | None = None,
    ) -> None:
        self.folder = folder
        self.manifest = manifest
        self.watch = watch
        self._verify = verify
        self._opened = time.monotonic()
        self._checked: set[str] = set()
        self._lock = threading.Lock()
        self._check(SERVED)
        self.name = manifest.name
        self.count = manifest.count
        self._table = IdTable(folder)
        self.ids = self._table.ids
        self.cards = Blob(folder / "cards.bin")
        self.visibility = cast("Visibility", self._array("visibility"))
        self.epochs = epochs(self.visibility)
        self.related_rows = cast("NDArray[np.int32]", self._array("related_rows"))
        self.related_scores = cast("NDArray[np.float32]", self._array("related_scores"))
        self.phrase_rows = cast("NDArray[np.int32]", self._array("phrases_rows"))
        self.phrase_names = Names(Blob(folder / "phrases.bin"))
        self.stories = cast("NDArray[np.int32]", self._array("stories"))
        self.members = Ragged.load(folder, "members")
        facets = cast("dict[str, list[str]]", self.read_json("facets.json"))
        self.language_names, self.tag_names = facets["languages"], facets["tags"]
        self.languages = cast("NDArray[np.int32]", self._array("languages"))
        self.tags = Ragged.load(folder, "tags")
        self.tagged = Ragged.load(folder, "tagged")
        self.recent = Ragged.load(folder, "recent")
        self.dates = cast("NDArray[np.int32]", self._array("dates"))
        # The same for single rows, as a request reads them: plain numbers.
        self._windows = Rows(self.visibility)
        self._related = Rows(self.related_rows), Rows(self.related_scores)
        self._phrases = Rows(self.phrase_rows)
        self._shared = Blob(folder / SHARED)
        self.story_of = self.stories.data
        self.language_of = self.languages.data
        self.date_of = self.dates.data

    def row(self, article_id: str) -> int | None:
        """The row of an article."""
        return self._table.row(article_id)

    def article_id(self, row: int) -> str:
        """The id of a row."""
        return self._table.article_id(row)

    def is_visible(self, row: int, now: int) -> bool:
        """Whether a row may be shown at ``now`` (microseconds since 1970 UTC)."""
        start, end = self._windows[row]
        return bool(start <= now < end)

    def visible(self, now: int) -> NDArray[np.bool_]:
        """Shape (n,): which rows may be shown at ``now`` (microseconds since 1970 UTC)."""
        return visible_at(self.visibility, now)

    def title(self, row: int) -> str:
        """The title of a row, as its card shows it."""
        return cast("str", json.loads(b"{" + self.cards[row] + b"}")["title"])

    def age(self) -> float:
        """Seconds since the build was made; never less than since it was opened.

        The clock that made it may have been ahead of this machine's.
        """
        created = dt.datetime.fromisoformat(self.manifest.created)
        since_made = (dt.datetime.now(dt.UTC) - created).total_seconds()
        return max(since_made, time.monotonic() - self._opened)

    def recency(self, row: int) -> int:
        """What "newest" goes by: since when a row is shown, or its date, microseconds UTC."""
        since = self._windows[row][0]
        return int(since) if since != ALWAYS else int(self.date_of[row]) * _DAY

    def related(self, row: int) -> tuple[memoryview, memoryview]:
        """A row's related rows, best first and -1 at the end, and their scores."""
        rows, scores = self._related
        return rows[row], scores[row]

    def phrases(self, row: int) -> memoryview:
        """Positions in :attr:`phrase_names` of a row's phrases, the most characteristic first."""
        return self._phrases[row]

    def explained(self, row: int) -> list[bytes]:
        """For each of the first of a row's list the shared phrases: JSON strings, comma between."""
        return split_explained(self._shared[row])

    def epoch(self, now: int) -> int:
        """How many instants of change lie at or before ``now``."""
        return int(np.searchsorted(self.epochs, now, side="right"))

    def next_change(self, now: int) -> int | None:
        """The next instant at which anything appears or disappears."""
        epoch = self.epoch(now)
        return int(self.epochs[epoch]) if epoch < len(self.epochs) else None

    def article(self, row: int) -> Article:
        """The article of a row, whole."""
        return self.articles[row]

    @functools.cached_property
    def text_digests(self) -> NDArray[np.uint8]:
        """Shape (n, 16): of the text each embedding was made from; hashed before its first use."""
        return cast("NDArray[np.uint8]", load_array(self.checked("text_digests.npy")))

    @functools.cached_property
    def articles(self) -> ArticleStore:
        """All articles; the file is hashed before its first use."""
        return ArticleStore(self.checked(ARTICLES))

    @functools.cached_property
    def full_text(self) -> FullText:
        """Finds rows by words; the file is hashed before its first use."""
        return FullText(self.checked(FULL_TEXT))

    def report(self) -> dict[str, Any]:
        """The figures that were taken when the build was made."""
        return cast("dict[str, Any]", self.read_json("report.json"))

    def warm_up(self) -> None:
        """Hash and open what editors read, so that the first of them does not wait for it.

        Raises:
            BuildError: If one of these files is damaged.
        """
        _ = self.articles, self.full_text

    def checked(self, name: str) -> Path:
        """The path of a file, hashed once before it is first used."""
        with self._lock:
            if name not in self._checked and name not in SERVED:
                self._check({name})
                self._checked.add(name)
        return self.folder / name

    def _check(self, names: Set[str]) -> None:
        if self.watch is not None:
            for name in names:
                self.watch.add(self.folder / name)
        if self._verify:
            check_files(self.folder, self.manifest, set(names))

    def _array(self, name: str) -> NDArray[np.generic]:
        array = load_array(self.folder / f"{name}.npy")
        if len(array) != self.count:
            raise BuildError(
                f"{self.folder / name}.npy has {len(array)} rows, the build {self.count}"
            )
        prefault(array.base)
        return array

    def read_json(self, name: str) -> Any:
        """The contents of one of the build's JSON files."""
        path = self.checked(name)
        try:
            return json.loads(path.read_bytes())
        except (OSError, ValueError) as error:
            raise BuildError(f"{path} can't be read: {error}") from error
