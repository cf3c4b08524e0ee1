"""A part of the second stage of a build: resolves the pages' links to articles, and sorts them.

The numbers of names and links are kept in files, and joined in blocks, so that memory does not grow
with the number of articles.
"""

import functools
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from index.articles.article_store import ArticleStore
from index.build.carried_rows import CarriedRows
from index.build.link_graph import LinkFindings, PageLinkKind, PageLinks, RelatedBlock
from index.build.name_table import NameTable, number_of
from index.build.ragged import Ragged
from index.building.folder_arrays import FolderWorkspace
from index.building.link_names import (
    CAPITALS,
    KINDS,
    LINK,
    OWN,
    SPELLED,
    LinkNames,
    block_number,
    spelled_keys,
)
from index.files import load_array
from recommender.arrays import find_sorted
from recommender.article import FILE_LINK, LinkKind
from recommender.visibility import NO_DAY

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
_NAME = np.dtype([("number", "<u8"), ("row", "<i4")])
_COLUMNS: dict[str, np.dtype[Any]] = {"link_names": _NAME, "named_links": LINK}


class LinkCollector:
    """Collects the names and links of all articles, as numbers in files, to resolve the links.

    The files stay in the build, so that the next small build need not read the articles again.

    Args:
        workspace: Keeps the arrays.
        carried: The rows that a small build takes from the live build; then only other articles are
            added.
        before: What :meth:`counts` returned when the live build was made; else empty.
    """

    def __init__(
        self,
        workspace: FolderWorkspace,
        carried: CarriedRows | None,
        before: Mapping[str, Any],
    ) -> None:
        self._columns = {name: workspace.column(name, dtype) for name, dtype in _COLUMNS.items()}
        self._carried = carried
        self._waiting: dict[str, list[NDArray[np.void]]] = {name: [] for name in _COLUMNS}
        known = before or {"hosts": {}, "articles": {}, "blocks": []}
        self.hosts: Counter[str] = Counter(known["hosts"])
        self.articles: Counter[str] = Counter(known["articles"])
        self.blocks: Counter[tuple[str, str]] = Counter(
            {(source, heading): count for source, heading, count in known["blocks"]}
        )

    def add(self, rows: NDArray[np.integer], block: Sequence[LinkNames]) -> None:
        """Adds the names and links of the articles in ``rows``, which are ascending."""
        for row, article in zip(rows.tolist(), block, strict=True):
            links = np.frombuffer(article.links, dtype=LINK).copy()
            numbers = np.frombuffer(article.names, dtype="<u8")
            names = np.empty(len(numbers), dtype=_NAME)
            names["number"], names["row"], links["row"] = numbers, row, row
            self._waiting["link_names"].append(names)
            self._waiting["named_links"].append(links)
            self._count(article, 1)
        if self._carried is None:
            self._write()

    def take_back(self, article: LinkNames) -> None:
        """Takes out of the counts an article of the live build that was changed or removed."""
        self._count(article, -1)

    def _count(self, article: LinkNames, by: int) -> None:
        self.hosts[article.host] += by
        self.articles[article.source] += by
        for heading in article.headings:
            block = article.source, heading
            if block in self.blocks or len(self.blocks) < _MOST_HEADINGS:
                self.blocks[block] += by

    def _write(self) -> None:
        for name, arrays in self._waiting.items():
            if arrays:
                self._columns[name].append(np.concatenate(arrays))
            arrays.clear()

    def finish(self) -> tuple[NDArray[np.void], NDArray[np.void]]:
        """Returns the names and the links, memory-mapped, in the order of their rows."""
        if self._carried is not None:
            for name, fresh in self._waiting.items():
                old = np.array(load_array(self._carried.path_of(f"{name}.npy")))
                old["row"] = self._carried.renumber(old["row"])
                every = np.concatenate([old[old["row"] >= 0], *fresh])
                fresh[:] = [every[np.argsort(every["row"], kind="stable")]]
            self._write()
        names, links = (self._columns[name].finish() for name in _COLUMNS)
        return names, links

    def counts(self) -> dict[str, Any]:
        """Returns how many articles each host, source and block of links has, as JSON values."""
        blocks = [[*block, count] for block, count in (+self.blocks).items()]
        return {"hosts": dict(+self.hosts), "articles": dict(+self.articles), "blocks": blocks}


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
        store: The articles, to look up the addresses of links that lead nowhere.
        dates: Shape (n,), int32: the date of each article, in days since 1970.
        trust_related_blocks: Whether blocks of related links that stand on most pages, as if a
            program had filled them, count as an editor's own.
    """
    names, links = collector.finish()
    table, counts, capitals = _make_table(names)
    targets, own = _find_targets(table, counts, links, set(+collector.hosts))
    if len(capitals):
        contested = _contested(names, capitals, store)
        again = np.isin(links["name"], contested) | np.isin(links["second"], contested)
        article = functools.lru_cache(1)(store.__getitem__)  # links are in the order of their rows
        for place in np.flatnonzero(again & (targets >= 0)).tolist():
            link = links[place]
            spelled = table.row_at(article(int(link["row"])).links[int(link["order"])].url)
            targets[place] = targets[place] if spelled is None else spelled
    kinds = links["kind"].astype(np.uint8)
    kinds[kinds == KINDS.index(LinkKind.APART)] = PageLinkKind.APART
    blocks = _related_blocks(collector, links, targets, dates)
    machine = [block_number(block.source, block.heading) for block in blocks if block.machine]
    if not trust_related_blocks:
        kinds[np.isin(links["block"], np.array(machine, dtype=np.uint64))] = PageLinkKind.MACHINE
    unresolved, count = _unresolved(links, targets, kinds, own, store)
    page_links, frequent = _page_links(links["row"], targets, kinds, len(dates))
    return LinkFindings(
        links=page_links,
        names=table,
        blocks=blocks,
        frequent=frequent,
        unresolved=unresolved,
        unresolved_count=count,
    )


def _make_table(
    names: NDArray[np.void],
) -> tuple[NameTable, NDArray[np.intp], NDArray[np.uint64]]:
    """Gives each name to one article: to that whose own address it is, before aliases of others.

    Returns:
        The names; shape (names,): how many articles have each; and the numbers of addresses that
        several have, one of them with capitals.
    """
    numbers, first, counts = np.unique(names["number"], return_index=True, return_counts=True)
    rows, kept = names["row"][first], np.ones(len(numbers), dtype=bool)
    for mark in (OWN, SPELLED, CAPITALS):
        at = find_sorted(numbers, numbers + np.uint64(mark))
        marked = at >= 0
        kept[at[marked]] = False
        if mark != CAPITALS:
            rows[marked] = rows[at[marked]]
    capitals: NDArray[np.uint64] = numbers[marked & (counts > 1)]
    return NameTable(numbers[kept], rows[kept]), counts[kept], capitals


def _contested(
    names: NDArray[np.void], capitals: NDArray[np.uint64], store: ArticleStore
) -> NDArray[np.uint64]:
    """Returns those numbers of addresses that articles spell in more than one way."""
    spellings: dict[int, set[str]] = {number: set() for number in capitals.tolist()}
    held = names["row"][np.isin(names["number"], capitals)]
    for row in np.unique(held).tolist():
        for spelled in spelled_keys(store[row]):
            spellings.get(number_of(spelled.casefold()), set()).add(spelled)
    found = [number for number, keys in spellings.items() if len(keys) > 1]
    return np.array(found, dtype=np.uint64)


def _find_targets(
    names: NameTable, counts: NDArray[np.intp], links: NDArray[np.void], hosts: set[str]
) -> tuple[NDArray[np.int32], NDArray[np.uint64]]:
    """Returns the row that each link leads to, -1 for none; and the numbers of the site's hosts.

    Args:
        names: The names of all articles.
        counts: Shape (names,): how many articles have each name.
        links: The links.
        hosts: The hosts of the articles' addresses.
    """
    keys, rows = names.numbers, names.rows
    exact, second = np.full((2, len(links)), -1, dtype=np.int32)
    for start in range(0, len(links) if len(keys) else 0, _JOIN):
        part = slice(start, start + _JOIN)
        # What a link without a host may mean besides is a slug or a title, which several may share.
        is_name = links["host"][part] == 0
        for column, found in (("name", exact), ("second", second)):
            at = find_sorted(keys, links[column][part])
            hit = (at >= 0) & ((column == "name") | ~is_name | (counts[at] == 1))
            found[part] = np.where(hit, rows[at], -1)
    own = np.array([0, *map(number_of, sorted(filter(None, hosts)))], dtype=np.uint64)
    if "" in hosts:  # articles whose addresses name no host
        own = np.concatenate([own, _own_hosts(links["host"], second)])
    return np.where((exact < 0) & np.isin(links["host"], own), second, exact), own


def _own_hosts(hosts: NDArray[np.uint64], by_path: NDArray[np.int32]) -> NDArray[np.uint64]:
    """Returns the hosts that the site's articles have, if their addresses do not say it.

    It is the host most of whose paths are articles', and others of which many are.
    """
    names, inverse, counts = np.unique(hosts, return_inverse=True, return_counts=True)
    hits = np.where(names == 0, 0, np.bincount(inverse, by_path >= 0, minlength=len(names)))
    best = hits == hits.max(initial=0)
    own: NDArray[np.uint64] = names[(hits > 0) & (best | (hits >= _OWN_HOST * counts))]
    return own


def _related_blocks(
    collector: LinkCollector,
    links: NDArray[np.void],
    targets: NDArray[np.int32],
    dates: NDArray[np.int32],
) -> list[RelatedBlock]:
    """Describes the blocks of related links, the commonest first."""
    found = []
    for source, heading in +collector.blocks:
        number = block_number(source, heading)
        chosen = np.flatnonzero(links["block"] == number)  # by rows, and as on the page
        if not len(chosen):  # the live build, whose counts a small one goes on from, may be older
            continue
        rows, lengths = np.unique(links["row"][chosen], return_counts=True)
        length = int(np.bincount(lengths).argmax())
        constant = float((lengths == length).mean())
        share = len(rows) / collector.articles[source]
        by_date = _by_date(links["row"][chosen], targets[chosen], dates) if length > 2 else None
        wide = share >= MOST_PAGES and len(rows) >= _LEAST_PAGES and length >= _LEAST_LINKS
        found.append(
            RelatedBlock(
                source=source,
                heading=heading,
                articles=len(rows),
                share=round(share, 4),
                length=length,
                constant=round(constant, 4),
                by_date=by_date,
                machine=wide and max(constant, by_date or 0.0) >= CONSTANT,
            )
        )
    return sorted(found, key=lambda block: (-block.articles, block.source, block.heading))


def _by_date(
    rows: NDArray[np.int32], targets: NDArray[np.int32], dates: NDArray[np.int32]
) -> float | None:
    """Returns the share of blocks that are ordered by date, newest first."""
    known = (targets >= 0) & (dates[targets] != NO_DAY)
    rows, steps = rows[known], np.diff(dates[targets[known]].astype(np.int64))
    within = (rows[1:] == rows[:-1]) & (steps != 0)
    told, rising = np.unique(rows[1:][within]), np.unique(rows[1:][within & (steps > 0)])
    return round(1 - len(rising) / len(told), 4) if len(told) >= _LEAST_PAGES else None


def _page_links(
    rows: NDArray[np.int32], targets: NDArray[np.int32], kinds: NDArray[np.uint8], count: int
) -> tuple[PageLinks, list[tuple[int, int]]]:
    """Returns the links between articles once each, and the rows that very many link to.

    The links of a row are in the order of their kinds, and those of a kind in the page's order.
    """
    held = (targets >= 0) & (targets != rows)
    keys = (rows[held].astype(np.int64) * count + targets[held]) * len(PageLinkKind) + kinds[held]
    keys, first = np.unique(keys, return_index=True)
    pairs, kind = np.divmod(keys, len(PageLinkKind))
    kind = kind.astype(np.uint8)
    row, target = np.divmod(pairs, max(count, 1))
    editorial = kind <= PageLinkKind.RELATED
    linking = np.bincount(np.unique(pairs[editorial]) % max(count, 1), minlength=count)
    often = linking > max(FREQUENT * count, LEAST_FREQUENT)
    kind[editorial & often[target]] = PageLinkKind.APART
    frequent = np.flatnonzero(often)
    frequent = frequent[np.argsort(-linking[frequent], kind="stable")][:_NAMED]
    order = np.lexsort((first, kind, row))
    links = PageLinks(Ragged.grouped(row[order], target[order], count), kind[order])
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
