"""A part of the second stage of a build: resolves the pages' links to articles, and sorts them.

The numbers of names and links are kept in files, and joined in blocks, so that memory does not grow
with the number of articles.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from index.articles.article_store import ArticleStore
from index.build.build import NO_DATE
from index.build.link_graph import LinkFindings, PageLinkKind, PageLinks, RelatedBlock
from index.build.ragged import Ragged
from index.building.folder_arrays import FolderWorkspace
from index.building.link_names import KINDS, LINK, LinkNames, block_number, number_of
from recommender.article import FILE_LINK, LinkKind

FREQUENT = 0.03
"""Share of the articles from which on links to one article are kept apart."""

LEAST_FREQUENT = 10
"""Number of articles that must link to one before its links are kept apart."""

MOST_PAGES = 0.5
"""Share of a source's articles with a block from which on a program may have filled it."""

CONSTANT = 0.8
"""Share of blocks with the same length, or in the order of dates, that show a program."""

_LEAST_PAGES = 8
_LEAST_LINKS = 2
_OWN_HOST = 0.1
_MOST_HEADINGS = 1_000
_NAMED = 20
_JOIN = 4_000_000
_COLUMNS: dict[str, np.dtype[Any]] = {
    "exact_names": np.dtype("<u8"),
    "exact_rows": np.dtype("<i4"),
    "loose_names": np.dtype("<u8"),
    "loose_rows": np.dtype("<i4"),
    "named_links": LINK,
}


class LinkCollector:
    """Collects the numbers of all articles' names and links, in files.

    Args:
        workspace: Keeps the arrays.
    """

    def __init__(self, workspace: FolderWorkspace) -> None:
        self._workspace = workspace
        self._columns = {name: workspace.column(name, dtype) for name, dtype in _COLUMNS.items()}
        self.hosts: set[str] = set()
        self.articles: Counter[str] = Counter()
        self.blocks: dict[int, tuple[str, str]] = {}

    def add(self, first: int, block: Sequence[LinkNames]) -> None:
        """Adds the numbers of consecutive articles, of which ``first`` is the first row."""
        for kind in ("exact", "loose"):
            numbers = [np.frombuffer(getattr(each, kind), dtype="<u8") for each in block]
            rows = np.repeat(np.arange(first, first + len(block)), [len(each) for each in numbers])
            self._columns[f"{kind}_names"].append(np.concatenate(numbers))
            self._columns[f"{kind}_rows"].append(rows)
        links = [np.frombuffer(each.links, dtype=LINK) for each in block]
        every = np.concatenate(links)
        every["row"] = np.repeat(
            np.arange(first, first + len(block)), [len(each) for each in links]
        )
        self._columns["named_links"].append(every)
        for names in block:
            self.hosts.add(names.host)
            self.articles[names.source] += 1
            for heading in names.headings:
                if len(self.blocks) < _MOST_HEADINGS:
                    self.blocks[block_number(names.source, heading)] = names.source, heading

    def finish(self) -> dict[str, NDArray[np.generic]]:
        """Returns the arrays, memory-mapped, by their names."""
        return {name: column.finish() for name, column in self._columns.items()}

    def drop(self) -> None:
        """Removes the arrays, which may not be read afterwards."""
        self._workspace.drop(*_COLUMNS)


def resolve_links(
    collector: LinkCollector,
    store: ArticleStore,
    dates: NDArray[np.int32],
    *,
    trust_related_blocks: bool,
) -> LinkFindings:
    """Finds the articles that links lead to, and what kind each link is.

    Args:
        collector: The numbers of all names and links.
        store: The articles, for the addresses of links that lead nowhere.
        dates: Shape (n,), int32: the date of each article, in days.
        trust_related_blocks: Take related links that stand on most pages for an editor's own.
    """
    arrays = collector.finish()
    links: NDArray[np.void] = arrays["named_links"]  # type: ignore[assignment]
    targets, own = _find_targets(arrays, links, collector.hosts)
    kinds = links["kind"].astype(np.uint8)
    kinds[kinds == KINDS.index(LinkKind.APART)] = PageLinkKind.APART
    blocks = _related_blocks(collector, links, targets, dates)
    machine = [block_number(block.source, block.heading) for block in blocks if block.machine]
    if not trust_related_blocks and machine:
        numbers = np.array(machine, dtype=np.uint64)
        kinds[(kinds == PageLinkKind.RELATED) & np.isin(links["block"], numbers)] = (
            PageLinkKind.MACHINE
        )
    unresolved, count = _unresolved(links, targets, kinds, own, store)
    page_links, frequent = _page_links(links["row"], targets, kinds, len(dates))
    return LinkFindings(
        links=page_links,
        blocks=blocks,
        frequent=frequent,
        unresolved=unresolved,
        unresolved_count=count,
    )


def _find_targets(
    arrays: dict[str, NDArray[np.generic]], links: NDArray[np.void], hosts: set[str]
) -> tuple[NDArray[np.int32], NDArray[np.uint64]]:
    """Returns the row that each link leads to, -1 for none; and the numbers of the site's hosts."""
    own = np.array([0, *map(number_of, sorted(filter(None, hosts)))], dtype=np.uint64)
    targets = np.full(len(links), -1, dtype=np.int32)
    by_path = np.full(len(links), -1, dtype=np.int32)
    exact, loose = (
        (arrays[f"{kind}_names"], arrays[f"{kind}_rows"]) for kind in ("exact", "loose")
    )
    for start in range(0, len(links), _JOIN):
        part = slice(start, start + _JOIN)
        block = links[part]
        found = _join(block["name"], *exact)[0]
        if (block["by_name"] & (found < 0)).any():
            first, last = _join(block["second"], *loose)
            alone = block["by_name"] & (found < 0) & (first == last)
            found = np.where(alone, first, found)
        targets[part] = found
        if "" in hosts:  # articles whose addresses name no host
            by_path[part] = np.where(block["by_name"], -1, _join(block["second"], *exact)[0])
    if "" in hosts:
        own = np.concatenate([own, _own_hosts(links["host"], by_path)])
        targets = np.where((targets < 0) & np.isin(links["host"], own), by_path, targets)
    return targets, own


def _join(
    wanted: NDArray[np.uint64], names: NDArray[np.generic], rows: NDArray[np.generic]
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Returns the first and the last row with each wanted number, -1 for none."""
    keys, inverse = np.unique(wanted, return_inverse=True)
    first = np.full(len(keys), -1, dtype=np.int32)
    last = np.full(len(keys), -1, dtype=np.int32)
    for start in range(0, len(names) if len(keys) else 0, _JOIN):
        name, row = names[start : start + _JOIN], rows[start : start + _JOIN]
        at = np.minimum(np.searchsorted(keys, name), len(keys) - 1)
        hit = keys[at] == name
        at, row = at[hit], row[hit]
        last[at] = row  # rows ascend, so the last assignment holds
        new = first[at] < 0
        first[at[new][::-1]] = row[new][::-1]
    return first[inverse], last[inverse]


def _own_hosts(hosts: NDArray[np.uint64], by_path: NDArray[np.int32]) -> NDArray[np.uint64]:
    """Returns the hosts that the site's articles have, if their addresses do not say it.

    It is the host most of whose paths are articles', and others of which many are.
    """
    names, inverse = np.unique(hosts, return_inverse=True)
    hits = np.bincount(inverse, by_path >= 0, minlength=len(names))
    of = np.bincount(inverse, minlength=len(names))
    hits[names == 0] = 0
    best = hits == hits.max(initial=0)
    own: NDArray[np.uint64] = names[(hits > 0) & (best | (hits >= _OWN_HOST * of))]
    return own


def _related_blocks(
    collector: LinkCollector,
    links: NDArray[np.void],
    targets: NDArray[np.int32],
    dates: NDArray[np.int32],
) -> list[RelatedBlock]:
    """Describes the blocks of related links, the commonest first."""
    related = np.flatnonzero(links["block"])
    order = related[np.argsort(links["block"][related], kind="stable")]
    numbers, starts = np.unique(links["block"][order], return_index=True)
    found = []
    # Each group stays in the order of rows, and within them in that of the page.
    for number, chosen in zip(numbers.tolist(), np.split(order, starts[1:]), strict=False):
        if number not in collector.blocks:
            continue
        source, heading = collector.blocks[number]
        lengths = np.unique(links["row"][chosen], return_counts=True)[1]
        length = int(np.bincount(lengths).argmax())
        constant = float((lengths == length).mean())
        share = len(lengths) / collector.articles[source]
        by_date = _by_date(links["row"][chosen], targets[chosen], dates)
        wide = bool(share >= MOST_PAGES and len(lengths) >= _LEAST_PAGES and length >= _LEAST_LINKS)
        found.append(
            RelatedBlock(
                source=source,
                heading=heading,
                articles=len(lengths),
                share=round(share, 4),
                length=length,
                constant=round(constant, 4),
                by_date=by_date,
                machine=wide and (constant >= CONSTANT or (by_date or 0.0) >= CONSTANT),
            )
        )
    return sorted(found, key=lambda block: (-block.articles, block.source, block.heading))


def _by_date(
    rows: NDArray[np.int32], targets: NDArray[np.int32], dates: NDArray[np.int32]
) -> float | None:
    """Returns the share of blocks that are ordered by date, newest first."""
    known = (targets >= 0) & (dates[targets] != NO_DATE)
    rows, days = rows[known], dates[targets[known]].astype(np.int64)
    same = rows[1:] == rows[:-1]
    rises, falls = (rows[1:][same & step] for step in (days[1:] > days[:-1], days[1:] < days[:-1]))
    told = np.unique(np.concatenate([rises, falls]))
    counts = np.unique(rows, return_counts=True)
    told = told[np.isin(told, counts[0][counts[1] >= 3])]
    if len(told) < _LEAST_PAGES:
        return None
    return round(1 - float(np.isin(told, rises).mean()), 4)


def _page_links(
    rows: NDArray[np.int32], targets: NDArray[np.int32], kinds: NDArray[np.uint8], count: int
) -> tuple[PageLinks, list[tuple[int, int]]]:
    """Returns the links between articles once each, and the rows that very many link to."""
    held = (targets >= 0) & (targets != rows)
    keys = (rows[held].astype(np.int64) * count + targets[held]) * len(PageLinkKind) + kinds[held]
    keys = np.unique(keys)
    pairs, kind = np.divmod(keys, len(PageLinkKind))
    kind = kind.astype(np.uint8)
    row, target = np.divmod(pairs, max(count, 1))
    editorial = kind <= PageLinkKind.RELATED
    linking = np.bincount(np.unique(pairs[editorial]) % max(count, 1), minlength=count)
    often = linking > max(FREQUENT * count, LEAST_FREQUENT)
    kind[editorial & often[target]] = PageLinkKind.APART
    frequent = np.flatnonzero(often)
    frequent = frequent[np.argsort(-linking[frequent], kind="stable")][:_NAMED]
    links = PageLinks(Ragged.grouped(row, target, count), kind)
    return links, [(each, int(linking[each])) for each in frequent.tolist()]


def _unresolved(
    links: NDArray[np.void],
    targets: NDArray[np.int32],
    kinds: NDArray[np.uint8],
    own: NDArray[np.uint64],
    store: ArticleStore,
) -> tuple[list[tuple[str, int, int]], int]:
    """Finds the addresses of the site that are no article's, in texts and related blocks."""
    lost = np.flatnonzero((targets < 0) & (kinds != PageLinkKind.APART))
    lost = lost[np.isin(links["host"][lost], own)]
    names, first, counts = np.unique(links["name"][lost], return_index=True, return_counts=True)
    order = np.lexsort((names, -counts))[:_NAMED].tolist()
    named = []
    for number in order:
        link = links[lost[first[number]]]
        row = int(link["row"])
        url = store[row].links[int(link["order"])].url.removeprefix(FILE_LINK)
        named.append((url, int(counts[number]), row))
    return named, len(names)
