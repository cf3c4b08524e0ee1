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
    """What a link between two articles is, as a build sees it among all others."""

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
    """The links between the pages of a site; for each row, one of each kind to a target.

    The links of a row are in the order of their kinds, and those of a kind in the page's order.

    Attributes:
        targets: For each row, the rows that its article's page links to.
        kinds: Shape (links,), uint8: the :class:`PageLinkKind` of each entry of ``targets.values``.
    """

    targets: Ragged
    kinds: NDArray[np.uint8]

    def out(self, row: int) -> list[tuple[int, PageLinkKind]]:
        """Return where a row's page links to, with the kind of each link."""
        kinds = map(PageLinkKind, self._kinds_of(row))
        return list(zip(self.targets.numbers(row), kinds, strict=True))

    def editorial(self, row: int) -> tuple[list[int], list[int]]:
        """Return which rows the text of a row's page links to, and which the page calls related.

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
        """Return the links of one kind of several rows, row by row, as on their pages.

        Args:
            rows: Shape (m,): the rows.
            kind: The kind.

        Returns:
            The position in ``rows`` that each link belongs to, shape (links,), int64; and the row
            that it leads to, shape (links,), int32.
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
        """Return which rows' pages link to a row, with the kind of each link."""
        found = np.flatnonzero(self.targets.values == row)
        sources = np.searchsorted(self.targets.ends, found, side="right").tolist()
        return list(zip(sources, map(PageLinkKind, self.kinds[found].tolist()), strict=True))

    def _kinds_of(self, row: int) -> bytes:
        start, end = self.targets.span(row)
        return self._plain[start:end].tobytes()

    @functools.cached_property
    def _plain(self) -> memoryview:
        return self.kinds.data

    def sources(self) -> NDArray[np.int32]:
        """Return the row that each entry of ``targets.values`` stands on, shape (links,)."""
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
    """The blocks of related links under one heading in one source, over all its articles.

    Attributes:
        source: The source's name.
        heading: The blocks' heading, or the name of the field; empty for a block without one.
        articles: The number of articles with such a block.
        share: Their share of the source's articles.
        length: The commonest number of links in a block.
        constant: The share of blocks that have this number of links.
        by_date: The share of blocks whose articles are ordered by date, newest first; ``None`` if
            too few can be told.
        machine: Whether a program filled them, as far as can be told.
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
    """What a build found about the links of the pages.

    Attributes:
        links: The links between articles.
        names: What articles are called.
        blocks: The blocks of related links.
        frequent: Rows that very many articles link to, so that links to them are apart, with the
            number of these articles; most first.
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
