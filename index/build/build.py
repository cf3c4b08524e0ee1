"""The class ``Build``: a build opened for reading, by the service, the commands and the gates.

All files are memory-mapped, so that opening is fast at any size and the service's processes share
the memory. In the table, n is the number of articles.

=====================  =======================================================================
file                   content
=====================  =======================================================================
ids.bin                each row's article id, ascending
slots_*.npy            a hash table from ids to rows; see index.build.id_table
cards.bin              each row's card, as a JSON object without its braces
visibility.npy         (n, 2) int64: shown while from <= now < until, microseconds since 1970
related_rows.npy       (n, depth) int32: each row's related rows, best first, then -1
related_scores.npy     (n, depth) float32 in [0, 1]
phrases_rows.npy       (n, 40) int32: the key phrases of each article, as positions in phrases.bin
phrases.bin            the text of every key phrase · phrase_weights.npy: (phrases,) float32
shared.bin             phrases shared with the first eight of each row's list, as JSON strings
sentences.bin          why these eight are related, as JSON arrays of sentences
stories.npy            (n,) int32: the story of each row · newer.npy: how many ages of its story
                       are newer than each row
members_*.npy          each story's rows, newest version first
facets.json            the names of tags, authors, languages and sources
languages.npy          (n,) int32: each row's language, 0 unknown · sources.npy: its source
recent_*.npy           each language's rows, newest first
tags_*.npy             each row's tags · tagged_*.npy: each tag's rows, newest first
dates.npy              (n,) int32: days since 1970
preferences.npy        (n,) float32: the factor by which the site's preferences multiply scores
embeddings.npy         (n, dim) float32, unit rows · text_digests.npy: hashes of their texts
centering.npy          (m, dim) float32: what was taken out of them; see recommender.encoder.center
index.faiss            the neighbor index over the embeddings
words.bin, lexical_*   term weights of every article · spellings.bin: the words as people write them
titles_*, …_vectors_*  shares of titles' words, vectors of tags and of authors:
                       what else articles are compared by; see recommender.evidence.
                       …_vectors_idf.npy: (labels,) float64: roots of the labels' idf
learning.json          what the weights were learned from, and how good they are
calibration.json       weights and what else is frozen for scoring · nearest.npy: (n,) float32: how
                       close each article is to its ten nearest
articles.sqlite        the articles themselves · search.sqlite: the full-text index over them
article_numbers.npy    (n,) int32: the number of each row's article in these two
facts.npy, counted.json, link_names.npy, named_links.npy, seen.npy
                       what the next small build takes over of articles that do not change
candidate_*.npy        (n, 130): rows that each row is compared with, best first, their own scores,
                       how they were found · candidate_least.npy: (n, 2) float32: by how little
close_pairs.npy        (m, 4) int32: near-duplicates, and rows that might have been
adopted.npy            (n,) uint16: the place in each list from which an orphan moved up; what this
                       and the two before are for: recommender.carried
names_*.npy            numbers of addresses and other names, ascending · the rows that they name
boilerplate.json       text that the pages share, ignored in comparisons
links_*.npy            the rows that each row's own page links to · link_kinds.npy: what these are
listed_in.npy          (n, 5) int64: when each list last changed · list_digests.npy: by which
                       this is found; see index.build.list_dates
rejected_rows.npy      (n, 20) int32: candidates left out of each list, best first
rejected_reasons.npy   (n, 20) uint8: why; see recommender.rerank.RejectReason
report.json            figures about the build, for operators
=====================  =======================================================================
"""

import datetime as dt
import functools
import json
import threading
import time
from collections import defaultdict
from collections.abc import Set
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from index.articles.article_store import ARTICLES, NUMBERS, ArticleStore
from index.build.explanations import SHARED, split_explained
from index.build.file_watch import FileWatch
from index.build.id_table import IdTable
from index.build.link_graph import PAGE_LINK_FILES, PageLinks
from index.build.manifest import Manifest, check_files
from index.build.name_table import NAME_FILES, NameTable
from index.build.ragged import Ragged
from index.build.search_index import FULL_TEXT, FullText
from index.errors import BuildError
from index.files import Blob, Names, Rows, load_array, read_json
from index.query import DAY
from recommender.article import Article
from recommender.visibility import ALWAYS, Visibility, epochs, visible_at

if TYPE_CHECKING:
    from index.build.sentences import BuildSentences

_BLOBS = ("ids", "cards", "phrases", "shared")
_RAGGED = ("slots", "members", "tags", "tagged", "recent")
SERVED = frozenset(
    {
        *("facets.json", "visibility.npy", "languages.npy", "sources.npy", "dates.npy"),
        "preferences.npy",
        *("related_rows.npy", "related_scores.npy", "phrases_rows.npy", "listed_in.npy"),
        *("stories.npy", "newer.npy", *PAGE_LINK_FILES, *NAME_FILES),
        *(f"{name}.bin" for name in _BLOBS),
        *(f"{name}_values.npy" for name in _RAGGED),
        *(f"{name}_ends.npy" for name in (*_BLOBS, *_RAGGED)),
    }
)
"""Files that are read to answer requests; their hashes are checked when a build is opened."""

LEARNING = "learning.json"
CENTERING = "centering.npy"
FACTS = "facts.npy"

_COMPARED = (
    *("sentences.bin", "sentences_ends.npy", "embeddings.npy", "calibration.json"),
    *("words.bin", "words_ends.npy", "spellings.bin", "spellings_ends.npy", "pair_keys.npy"),
    *("lexical_idf.npy", "tag_vectors_idf.npy", "author_vectors_idf.npy", *PAGE_LINK_FILES),
    *(
        f"{name}_{part}.npy"
        for name in ("lexical", "titles", "tag_vectors", "author_vectors")
        for part in ("data", "indices", "indptr")
    ),
)
"""Files that say why articles are related; see :mod:`index.build.sentences`."""


class Build(IdTable):
    """A build opened for reading: the related lists of a site and all that serving them needs.

    It finds rows by article ids, and ids by rows, with its :class:`~index.build.id_table.IdTable`.
    :meth:`index.root.root.Root.open` opens the live build, or one by name.

    Args:
        folder: The build's folder.
        manifest: The build's manifest, with the size and hash of each file.
        verify: Compare each file with the manifest before it is first read. Use ``False`` if all
            files were just compared, if wrong figures do no harm, and for an unfinished build,
            whose manifest lists no files yet.
        watch: Notices if another process writes to a mapped file; for processes that keep the
            build open for a long time.

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
        self._files = _CheckedFiles(folder, manifest if verify else None, watch)
        self._files.check(SERVED)
        self._opened = time.monotonic()
        self.name = manifest.name
        self.count = manifest.count
        super().__init__(folder)
        self.cards = Blob(folder / "cards.bin")
        self.visibility: Visibility = self._array("visibility")
        self.epochs = epochs(self.visibility)
        self.related_rows: NDArray[np.int32] = self._array("related_rows")
        self.related_scores: NDArray[np.float32] = self._array("related_scores")
        self.phrase_rows: NDArray[np.int32] = self._array("phrases_rows")
        self.phrase_names = Names(Blob(folder / "phrases.bin"))
        self.stories: NDArray[np.int32] = self._array("stories")
        self.newer: NDArray[np.int32] = self._array("newer")
        self.members = Ragged.load(folder, "members")
        facets: dict[str, list[str]] = self.read_json("facets.json")
        self.language_names, self.tag_names = facets["languages"], facets["tags"]
        self.author_names, self.source_names = facets["authors"], facets["sources"]
        self.languages: NDArray[np.int32] = self._array("languages")
        self.sources: NDArray[np.int32] = self._array("sources")
        self.tags = Ragged.load(folder, "tags")
        self.tagged = Ragged.load(folder, "tagged")
        self.recent = Ragged.load(folder, "recent")
        self.dates: NDArray[np.int32] = self._array("dates")
        self.page_links = PageLinks.load(folder)
        self.names = NameTable.load(folder)
        self.kept_out = self._find_kept_out()
        # Requests read single rows of the same arrays, as plain numbers.
        self._windows = Rows(self.visibility)
        self._related = Rows(self.related_rows), Rows(self.related_scores)
        self._phrases = Rows(self.phrase_rows)
        self._shared = Blob(folder / SHARED)
        self.story_of = self.stories.data
        self.language_of = self.languages.data
        self.date_of = self.dates.data

    @property
    def full_name(self) -> str:
        """The name of the last build that computed all lists anew: this or an earlier one."""
        return self.manifest.full or self.name

    @functools.cached_property
    def sentences(self) -> "BuildSentences":
        """The sentences that say why articles are related; opening their files takes a while."""
        from index.build.sentences import BuildSentences

        return BuildSentences(self._files.path)

    @functools.cached_property
    def tag_numbers(self) -> dict[str, int]:
        """The number of each tag by its name in lower case."""
        return {name.casefold(): number for number, name in enumerate(self.tag_names)}

    @functools.cached_property
    def author_numbers(self) -> dict[str, int]:
        """The number of each author by the name in lower case."""
        return {name.casefold(): number for number, name in enumerate(self.author_names)}

    def language_number(self, tag: str) -> int:
        """Return the number of a language of the build; that of none, their count, if none fits.

        As RFC 4647 looks tags up, ``de-at`` finds ``de`` where no article is in ``de-at``; and
        ``de`` finds the first of ``de-at``, ``de-de`` and so on where no article is in ``de``.

        Args:
            tag: A BCP 47 tag in lower case; empty for an unknown language.
        """
        names = self.language_names
        parts = tag.split("-")
        wanted = ["-".join(parts[:end]) for end in range(len(parts), 0, -1)]
        longer = (name for name in sorted(names) if name.startswith(f"{tag}-"))
        found = next((name for name in (*wanted, *longer) if name in names), None)
        return len(names) if found is None else names.index(found)

    @property
    def learning(self) -> dict[str, Any]:
        """What the weights of evidence were learned from; empty if nothing was learned."""
        return self.read_json(LEARNING)

    def find(self, name: str) -> int | None:
        """Return the row of the article with this id or address; ``None`` if there is none.

        Args:
            name: An id; or an address, absolute or relative to the site (``/path``).
        """
        row = self.row(name)
        return self.names.row_at(name) if row is None else row

    def is_visible(self, row: int, now: int) -> bool:
        """Return whether the article in a row may be shown at ``now`` (microseconds since 1970)."""
        start, end = self._windows[row]
        return bool(start <= now < end)

    def visible(self, now: int) -> NDArray[np.bool_]:
        """Return which articles may be shown at ``now`` (microseconds since 1970), shape (n,)."""
        return visible_at(self.visibility, now)

    def named(self, row: int) -> dict[str, str]:
        """Return a dictionary with the ``article_id`` and the ``title`` of the article in a row."""
        return {"article_id": self.article_id(row), "title": self.title(row)}

    def title(self, row: int) -> str:
        """Return the title of the article in a row, as its card shows it."""
        return str(json.loads(b"{%b}" % self.cards[row])["title"])

    def age(self) -> float:
        """Return the build's age in seconds.

        If the clock that made the build was ahead, the age would be too small; so it is never less
        than the time since the build was opened.
        """
        created = dt.datetime.fromisoformat(self.manifest.created)
        since_made = (dt.datetime.now(dt.UTC) - created).total_seconds()
        return max(since_made, time.monotonic() - self._opened)

    def recency(self, row: int) -> int:
        """Return the time by which an article is sorted "newest first", in microseconds since 1970.

        It is the time from which the article is visible or, without one, its date.
        """
        since = self._windows[row][0]
        return int(since) if since != ALWAYS else int(self.date_of[row]) * DAY

    def related(self, row: int) -> tuple[memoryview, memoryview]:
        """Return the rows and scores of a row's related list, best first; -1 fills up the end."""
        rows, scores = self._related
        return rows[row], scores[row]

    def phrases(self, row: int) -> memoryview:
        """Return an article's key phrases as positions in ``phrase_names``, best first."""
        return self._phrases[row]

    def explained(self, row: int) -> list[bytes]:
        """Return the key phrases that an article shares with each of its first related articles.

        Each entry is for one related article: the phrases as JSON strings, separated by commas.
        """
        return split_explained(self._shared[row])

    def epoch(self, now: int) -> int:
        """Return how many times, up to and including ``now``, an article appeared or disappeared.

        While the number stays the same, the same articles are visible.
        """
        return int(np.searchsorted(self.epochs, now, side="right"))

    def article(self, row: int) -> Article:
        """Return the article in a row, with all its fields."""
        return self.articles[row]

    @functools.cached_property
    def listed_in(self) -> NDArray[np.int64]:
        """Which build last changed each list, shape (n, 5); see :mod:`index.build.list_dates`."""
        return self._array("listed_in")

    @functools.cached_property
    def list_dates(self) -> Rows:
        """The rows of :attr:`listed_in` as plain Python numbers, which requests read faster."""
        return Rows(self.listed_in)

    @functools.cached_property
    def text_digests(self) -> NDArray[np.uint8]:
        """The 16-byte hash of the text that each embedding was made from, shape (n, 16), uint8."""
        return load_array(self.checked("text_digests.npy"))

    @functools.cached_property
    def articles(self) -> ArticleStore:
        """The store of all articles; its file is verified before its first use."""
        path = self.checked(ARTICLES)
        self.checked(NUMBERS)
        return ArticleStore(path)

    @functools.cached_property
    def full_text(self) -> FullText:
        """The full-text index of the articles; its file is verified before its first use."""
        path = self.checked(FULL_TEXT)
        self.checked(NUMBERS)
        return FullText(path)

    def report(self) -> dict[str, Any]:
        """Return the content of ``report.json``: figures recorded when the build was made."""
        return self.read_json("report.json")

    def warm_up(self) -> None:
        """Verify and open the files that only editors' requests need, so that none has to wait.

        Raises:
            BuildError: If one of these files is damaged.
        """
        _ = self.articles, self.full_text
        for name in _COMPARED:
            self.checked(name)

    def checked(self, name: str) -> Path:
        """Return the path of a file of the build, after comparing it with the manifest once."""
        return self._files.path(name)

    def _find_kept_out(self) -> NDArray[np.bool_] | None:
        """Return which articles the site's boosts keep out of every list; ``None`` for none."""
        if self._array("preferences").all():
            return None
        # Age alone may reduce a factor to 0, too; such articles may still fill a list.
        found: NDArray[np.bool_] = load_array(self.checked(FACTS))["boost"] == 0
        return found

    def _array(self, name: str) -> NDArray[Any]:
        array = load_array(self.folder / f"{name}.npy")
        if len(array) != self.count:
            raise BuildError(
                f"{self.folder / name}.npy has {len(array)} rows, expected {self.count}; "
                "make a new build"
            )
        return array

    def read_json(self, name: str) -> dict[str, Any]:
        """Return the content of one of the build's JSON files, by the file's name."""
        return read_json(self.checked(name))


class _CheckedFiles:
    """Verifies each file of a build before its first use; without a manifest, it only watches.

    What a build holds may keep this, but not the build: in a circle, a replaced build would be
    closed only when garbage is next looked for, and whoever writes to its files would wait.
    """

    def __init__(self, folder: Path, manifest: Manifest | None, watch: FileWatch | None) -> None:
        self._folder, self._manifest, self._watch = folder, manifest, watch
        self._checked: set[str] = set()
        self._locks: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)

    def path(self, name: str) -> Path:
        with self._locks[name]:  # of its own: who wants a small file waits for no large one
            if name not in self._checked:
                self.check({name})
        return self._folder / name

    def check(self, names: Set[str]) -> None:
        if self._watch is not None:
            for name in names:
                self._watch.add(self._folder / name)
        if self._manifest is not None:
            check_files(self._folder, self._manifest, set(names))
        self._checked |= names
