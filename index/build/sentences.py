"""Sentences that say why articles are in lists, from the files of a build.

Those of the first articles of each list are stored, since the files from which they are made are
large: nobody who reads a stored one has to wait until these files are verified.
"""

import functools
import itertools
import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from index.articles.article_store import ARTICLES, NUMBERS, ArticleStore
from index.build.carried_rows import CarriedRows, blob_writer
from index.build.explanations import EXPLAINED, SHARED, split_explained
from index.build.lexicon import PathOf, load_calibration, load_pairs
from index.build.link_graph import PAGE_LINK_FILES, PageLinkKind, PageLinks
from index.build.ragged import Ragged
from index.files import Blob, Names, load_array, open_blob, read_json, save_array
from recommender.evidence import PairData
from recommender.neighbors import Rows
from recommender.parallel import BlockMapper, equal_blocks, in_turn, map_in_threads
from recommender.sentences import ListNames, Sentences, SiteNames
from recommender.shared_phrases import SharedPhrases
from recommender.text import PreparedText
from recommender.tokenizer import split_terms
from recommender.visibility import Visibility, utc_now, visible_at

SENTENCES = "sentences.bin"

_SEEN = "seen.npy"
"""Shape (n,), bool: which articles readers could see when the sentences were written."""

_BLOCK = 1_024

_JSON, _TITLE = json.JSONDecoder(), '"title":'

_TEXTS = 1_000
"""How many texts are kept, since the same articles are in the lists of similar ones."""


class BuildSentences:
    """Writes sentences that say why articles are related, from the files of a build.

    Args:
        path_of: Returns the path of a file of the build, such as ``build.checked``.
    """

    def __init__(self, path_of: PathOf) -> None:
        self._path_of = path_of
        self._related: Rows = load_array(path_of("related_rows.npy"))
        self._phrases: NDArray[np.int32] = load_array(path_of("phrases_rows.npy"))
        self._phrase_names = Names(open_blob(path_of, "phrases.bin"))
        # What keeps methods of it, and not of this object, makes no circle: a replaced build's
        # files are closed at once, and not when garbage is next looked for.
        self._texts = _Texts(path_of)

    def __reduce__(self) -> tuple[type["BuildSentences"], tuple[PathOf]]:
        """Pickle only where the files are: another process opens them again."""
        return BuildSentences, (self._path_of,)

    def among(self, row: int, others: Sequence[int]) -> list[str]:
        """Return why some articles are related to the article in a row, a sentence for each.

        Args:
            row: The row of the article that they are related to.
            others: The rows of the related articles.
        """
        stored = json.loads(self._stored[row])
        found = dict(zip(self._related[row].tolist(), stored, strict=False))
        missing = [other for other in dict.fromkeys(others) if other not in found]
        if missing:
            own = self.pairs.take(np.array([row]))
            page = SharedPhrases(self._phrases[row].tolist(), self._phrase_names)
            shared = [page.shared_with(self._phrases[other].tolist()) for other in missing]
            (linked,) = self._links_of(np.array([row]))
            facts = self._facts(row, shared, linked)
            (told,) = self._sentences.explain(own, np.array([missing], dtype=np.int32), [facts])
            found.update(zip(missing, told, strict=True))
        return [found[other] for other in others]

    def beside(
        self,
        own: PairData,
        text: PreparedText,
        others: Sequence[int],
        shared: Sequence[Sequence[str]],
    ) -> list[str]:
        """Return why some articles are related to a draft, a sentence for each.

        Args:
            own: The data by which the draft is compared, in one row; the build lacks the draft.
            text: The draft's title and body.
            others: The rows of the related articles.
            shared: For each of these articles, the phrases that it shares with the draft.
        """
        facts = ListNames(
            title=text.title, text=lambda: text.whole, shared=shared, linked=lambda _: ""
        )
        rows = np.array([others], dtype=np.int32).reshape(1, -1)
        return self._sentences.explain(own, rows, [facts])[0]

    def shared_words(self, row: int, other: int, most: int) -> list[int]:
        """Return the words that two articles share, as columns of the term weights.

        The words that weigh most in both come first.

        Args:
            row: The row of one article.
            other: The row of the other article.
            most: How many words to return at most.
        """
        terms, words = self.pairs.terms, self._names.words
        both = terms[[row]].multiply(terms[[other]]).tocoo()
        heaviest = both.col[np.argsort(-both.data, kind="stable")].tolist()
        telling = (column for column in heaviest if column < len(words) and words[column])
        return list(itertools.islice(telling, most))

    def column(self, word: str) -> int | None:
        """Return the column of a word in the term weights; ``None`` if no article has it."""
        terms = split_terms(word)
        return self._names.column(terms[-1]) if terms else None

    def text(self, row: int) -> str:
        """Return the title and the text of the article in a row."""
        return self._texts.text(row)

    def first_of_each(self, rows: NDArray[np.integer]) -> list[list[str]]:
        """Return, for each of some rows, why the first articles of its list are related to it."""
        shared = self._shared
        facts = [
            self._facts(
                row, json.loads(b"[[%b]]" % b"],[".join(split_explained(shared[row]))), linked
            )
            for row, linked in zip(rows.tolist(), self._links_of(rows), strict=True)
        ]
        listed = self._related[rows, :EXPLAINED]
        return self._sentences.explain(self.pairs.take(rows), listed, facts)

    @functools.cached_property
    def pairs(self) -> PairData:
        """The data by which the articles of the build are compared."""
        return load_pairs(self._path_of)

    @functools.cached_property
    def _stored(self) -> Blob:
        return open_blob(self._path_of, SENTENCES)

    @functools.cached_property
    def _shared(self) -> Blob:
        return open_blob(self._path_of, SHARED)

    @functools.cached_property
    def _sentences(self) -> Sentences:
        return Sentences(self.pairs, load_calibration(self._path_of), self._names)

    @functools.cached_property
    def _names(self) -> SiteNames:
        facets = read_json(self._path_of("facets.json"))
        words = open_blob(self._path_of, "words.bin")
        return SiteNames(
            title=self._texts.title,
            text=functools.lru_cache(_TEXTS)(self._texts.text),
            column=lambda word: words.find(word.encode(errors="surrogatepass")),
            pair_keys=load_array(self._path_of("pair_keys.npy")),
            words=Names(open_blob(self._path_of, "spellings.bin")),
            tags=facets["tags"],
            authors=facets["authors"],
        )

    @functools.cached_property
    def _page_links(self) -> PageLinks:
        paths = [self._path_of(name) for name in PAGE_LINK_FILES]
        return PageLinks.load(paths[0].parent)

    @functools.cached_property
    def _visible(self) -> NDArray[np.bool_]:
        windows: Visibility = load_array(self._path_of("visibility.npy"))
        return visible_at(windows, utc_now())

    def _facts(
        self, row: int, shared: Sequence[Sequence[str]], linked: Callable[[int], str]
    ) -> ListNames:
        text = functools.partial(self._names.text, row)
        return ListNames(title=self._texts.title(row), text=text, shared=shared, linked=linked)

    def _links_of(self, rows: NDArray[np.integer]) -> Iterator[Callable[[int], str]]:
        """Yield for each of some rows what tells how links that editors set connect it with others.

        Pages that readers can't see are not named.
        """
        links = self._page_links
        values, ends = links.targets.values, links.targets.ends
        own = links.kinds <= PageLinkKind.RELATED
        place = np.full(len(ends), -1, dtype=np.int32)
        place[rows] = np.arange(len(rows))
        here = np.flatnonzero((place[values] >= 0) & own)
        sources = np.searchsorted(ends, here, side="right")
        into = Ragged.grouped(place[values[here]], sources, len(rows))

        def out(row: int) -> list[int]:
            start, end = links.targets.span(row)
            return list(values[start:end][own[start:end]].tolist())

        for at, row in enumerate(rows.tolist()):
            linking = into.numbers(at)
            pages = {page: out(page) for page in linking if self._visible[page]}
            # Of several pages that link to both, the one with the fewest links says most.
            fewest_last = sorted(pages, key=lambda page: len(pages[page]), reverse=True)
            both = {other: page for page in fewest_last for other in pages[page]}
            yield functools.partial(self._link, set(out(row)), set(linking), both)

    def _link(self, out: set[int], into: set[int], both: dict[int, int], other: int) -> str:
        if other in out:
            return "the page links to it"
        if other in into:
            return "its page links to this one"
        return f"both are linked from “{self._texts.title(both[other])}”" if other in both else ""


class _Texts:
    """Titles and texts of a build's articles."""

    def __init__(self, path_of: PathOf) -> None:
        self._path_of = path_of
        self._cards = open_blob(path_of, "cards.bin")

    def title(self, row: int) -> str:
        card = self._cards[row].decode()
        # The second of its fields; to parse the whole card takes several times as long.
        return str(_JSON.raw_decode(card, card.index(_TITLE) + len(_TITLE))[0])

    def text(self, row: int) -> str:
        return self._articles[row].whole_text

    @functools.cached_property
    def _articles(self) -> ArticleStore:
        self._path_of(NUMBERS)
        return ArticleStore(self._path_of(ARTICLES))


def write_sentences(
    folder: Path, spread: BlockMapper = map_in_threads, carried: CarriedRows | None = None
) -> None:
    """Write ``sentences.bin``: why the first articles of each list are related to its article.

    Args:
        folder: The build's folder, in which all other files that serve reading are written already.
        spread: Runs a function on every block of rows; by default in this process.
        carried: The articles to take over from the live build: sentences are copied from it for
            lists that did not change, unless links on changed pages may connect their articles.
    """
    folder = folder.resolve()
    windows: Visibility = load_array(folder / "visibility.npy")
    save_array(folder / _SEEN, visible_at(windows, utc_now()))
    related = load_array(folder / "related_rows.npy")[:, :EXPLAINED]
    known = None if carried is None else carried.lists(related)
    if carried is not None and known is not None:
        known[_linked_anew(folder, carried)] = -1
    fresh = range(len(related)) if known is None else np.flatnonzero(known < 0)
    reasons = BuildSentences(folder.joinpath)

    explain = functools.partial(_explain, reasons, fresh)
    writer = blob_writer(folder / SENTENCES, carried, known)
    blocks = equal_blocks(len(fresh), _BLOCK)
    for line in itertools.chain.from_iterable(in_turn(spread)(explain, blocks, stage="explained")):
        writer.append(line)
    writer.close()


def _explain(
    reasons: BuildSentences, fresh: range | NDArray[np.integer], start: int, stop: int
) -> list[bytes]:
    told = reasons.first_of_each(np.asarray(fresh[start:stop], dtype=np.int64))
    return [json.dumps(sentences, ensure_ascii=False).encode() for sentences in told]


def _linked_anew(folder: Path, carried: CarriedRows) -> NDArray[np.integer]:
    """Return the rows to which pages link that changed, appeared or disappeared, and these pages.

    A page has changed, too, if what its links lead to has.
    """
    count = len(carried.rows)
    for name in PAGE_LINK_FILES:
        carried.path_of(name)
    old, new = PageLinks.load(carried.path_of(_SEEN).parent), PageLinks.load(folder)
    was_seen, seen = load_array(carried.path_of(_SEEN)), load_array(folder / _SEEN)
    own = new.kinds <= PageLinkKind.RELATED
    pages, targets = new.sources()[own].astype(np.int64), new.targets.values[own]
    own = old.kinds <= PageLinkKind.RELATED
    old_pages, old_targets = old.sources()[own], carried.renumber(old.targets.values[own])
    moved = carried.renumber(old_pages)
    both = (moved >= 0) & (old_targets >= 0)
    before = moved[both].astype(np.int64) * count + old_targets[both]
    differ = np.setxor1d(pages * count + targets, before)
    changed = np.zeros(count, dtype=np.bool_)
    changed[differ // count] = True
    changed[moved[(moved >= 0) & (old_targets < 0)]] = True
    changed[carried.fresh] = True
    kept = carried.rows >= 0
    changed[kept] |= seen[kept] != was_seen[carried.rows[kept]]
    lost = (moved < 0) | changed[moved]
    reached = [targets[changed[pages]], old_targets[lost & (old_targets >= 0)]]
    return np.concatenate([np.flatnonzero(changed), *reached])
