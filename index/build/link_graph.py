"""The links of a site's own pages to each other, as flat arrays of a build."""

import enum
import functools
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from index.build.name_table import NameTable
from index.build.ragged import Ragged
from index.files import load_array, save_array

_NAME = "links"
_KINDS = "link_kinds.npy"


class PageLinkKind(enum.IntEnum):
    """The kind of a link between two articles: who set it, and where it stands on the page."""

    TEXT = 0
    """An editor's own, in the running text."""
    RELATED = 1
    """An editor's own, in what the page calls related."""
    MACHINE = 2
    """In a block of related links that a program filled."""
    APART = 3
    """In navigation and the like, or to a page that very many articles link to."""


_NOTHING: tuple[list[int], list[int]] = [], []

EDITORIAL = (PageLinkKind.TEXT, PageLinkKind.RELATED)
"""The kinds of links that an editor set."""


@dataclass(frozen=True)
class PageLinks:
    """The links between the articles of a site.

    The links of an article are in the order of their kinds, and links of the same kind in the order
    of the page. Of several links of one kind to the same article, only one is kept.

    Attributes:
        targets: For each row, the rows that its article's page links to.
        kinds: Shape (links,), uint8: the :class:`PageLinkKind` of each entry of ``targets.values``.
    """

    targets: Ragged
    kinds: NDArray[np.uint8]

    def out(self, row: int) -> list[tuple[int, PageLinkKind]]:
        """Return the rows that an article's page links to, with the kind of each link."""
        start, end = self.targets.span(row)
        kinds = map(PageLinkKind, self.kinds[start:end].tolist())
        return list(zip(self.targets.numbers(row), kinds, strict=True))

    def editorial(self, row: int) -> tuple[list[int], list[int]]:
        """Return the rows that an article's text links to, and those that its page calls related.

        Requests need this, so it takes the same time for any number of other links.
        """
        start, end = self.targets.span(row)
        if start == end:
            return _NOTHING
        kinds = self._plain[start:end].tobytes()
        text = start + kinds.count(PageLinkKind.TEXT)
        related = text + kinds.count(PageLinkKind.RELATED)
        return self.targets.values_between(start, text), self.targets.values_between(text, related)

    def of_kind(
        self, rows: NDArray[np.integer], kind: PageLinkKind
    ) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
        """Return the links of one kind on the pages of several articles, article by article.

        Args:
            rows: Shape (m,): the rows of the articles.
            kind: The kind of links to return.

        Returns:
            For each link, the position in ``rows`` of the article that has it, shape (links,),
            int64; and the row of the article that it leads to, shape (links,), int32.
        """
        ends = self.targets.ends
        starts = np.where(rows > 0, ends[rows - 1], 0)
        lengths = ends[rows] - starts
        places = np.repeat(np.arange(len(rows)), lengths)
        first = np.cumsum(lengths) - lengths
        links = np.arange(len(places)) + np.repeat(starts - first, lengths)
        held = self.kinds[links] == kind
        return places[held], self.targets.values[links[held]]

    def into(self, row: int) -> list[tuple[int, PageLinkKind]]:
        """Return the rows of the articles that link to an article, with the kind of each link."""
        found = np.flatnonzero(self.targets.values == row)
        sources = np.searchsorted(self.targets.ends, found, side="right").tolist()
        return list(zip(sources, map(PageLinkKind, self.kinds[found].tolist()), strict=True))

    @functools.cached_property
    def _plain(self) -> memoryview:
        return self.kinds.data

    def sources(self) -> NDArray[np.int32]:
        """Return the row of the article that has each link, in the order of ``targets.values``."""
        lengths = np.diff(self.targets.ends, prepend=0)
        return np.repeat(np.arange(len(self.targets), dtype=np.int32), lengths)

    def save(self, folder: Path) -> None:
        """Write the arrays into a build's folder."""
        self.targets.save(folder, _NAME)
        save_array(folder / _KINDS, self.kinds)

    @classmethod
    def load(cls, folder: Path) -> "PageLinks":
        """Map the arrays that :meth:`save` wrote into memory, read-only."""
        return cls(Ragged.load(folder, _NAME), load_array(folder / _KINDS))


PAGE_LINK_FILES = (f"{_NAME}_values.npy", f"{_NAME}_ends.npy", _KINDS)
"""The files of a build that hold its page links."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RelatedBlock:
    """Figures on the blocks of related links that a source's pages show under one heading.

    Attributes:
        source: The source's name.
        heading: The heading of the blocks, or the name of the record's field that lists the links;
            empty for blocks without heading.
        articles: The number of articles with such a block.
        share: The share of the source's articles that have such a block.
        length: The commonest number of links in a block.
        constant: The share of blocks that have this number of links.
        by_date: The share of blocks whose links are ordered by date, newest first; ``None`` if this
            can be told of too few blocks.
        machine: Whether a program, not an editor, seems to have filled the blocks.
    """

    source: str
    heading: str
    articles: int
    share: float
    length: int
    constant: float
    by_date: float | None
    machine: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkFindings:
    """The results of reading the links on a site's pages during a build.

    Attributes:
        links: The links between articles.
        names: The addresses and other names by which links find articles.
        blocks: Figures on the blocks of related links, by source and heading.
        frequent: Rows of articles that very many others link to, with the number of these others;
            most first. Links to them count as navigation.
        unresolved: Links to the site itself that lead to no article: the address, the number of
            articles with such a link, and the row of one of them; most first.
        unresolved_count: The number of different such addresses.
    """

    links: PageLinks
    names: NameTable
    blocks: list[RelatedBlock]
    frequent: list[tuple[int, int]]
    unresolved: list[tuple[str, int, int]]
    unresolved_count: int
