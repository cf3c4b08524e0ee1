"""Figures of what readers see and follow: rates with intervals, the best and the worst links."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

from index.build.build import Build
from recommender.clicks.click_rates import rate_interval, sure_ratios
from service.clicks.click_store import ClickStore
from service.settings import Settings

LEAST = 100
"""How often something must have been seen before its rate says anything."""

NARROW = 0.01
"""How wide a rate's interval may be in any case; also that of what is hardly ever followed."""

OF_LISTS = ("article", "build", "day", "variant")
"""What tells lists apart. A list is followed if a reader follows any of its links."""

OF_LINKS = ("position", "origin")
"""What tells links apart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """How often something was seen and followed.

    Attributes:
        name: What it is, such as a day or a position.
        seen: How often it was seen.
        clicked: How often it was followed.
        low: The lower end of the rate's 95 % interval.
        high: The upper end.
    """

    name: str
    seen: int
    clicked: int
    low: float
    high: float

    @property
    def rate(self) -> float:
        """The share of views in which it was followed."""
        return min(self.clicked / self.seen, 1.0) if self.seen else 0.0

    @property
    def enough(self) -> bool:
        """Whether it was seen so often that its rate says something."""
        return self.seen >= LEAST and self.high - self.low <= max(self.rate, NARROW)

    def describe(self) -> dict[str, Any]:
        """Returns the figure as JSON; rate and interval are ``None`` if it was seen too rarely."""
        rate = {"rate": round(self.rate, 5), "low": round(self.low, 5), "high": round(self.high, 5)}
        return asdict(self) | (rate if self.enough else dict.fromkeys(rate))


def make_figures(rows: Sequence[Sequence[Any]]) -> list[Figure]:
    """Returns the figures of names, each with how often it was seen and clicked."""
    # A click after midnight may be of a view before it.
    lows, highs = rate_interval([min(row[1:]) for row in rows], [row[1] for row in rows])
    return [
        Figure(name=str(name), seen=seen, clicked=clicked, low=low, high=high)
        for (name, seen, clicked), low, high in zip(
            rows, lows.tolist(), highs.tolist(), strict=True
        )
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkFigure:
    """How often a link was seen and followed, and what links in its places usually get.

    Attributes:
        article: The article in whose list the link is.
        figure: How often it was seen and followed; its name is the article that it leads to.
        usual: How often links are followed that are seen as often in the same positions.
        surely: How many times as often as usual it is followed at least or, below 1, at most. It is
            1 if it may be as usual, as one of all links that were looked at.
    """

    article: str
    figure: Figure
    usual: float
    surely: float


class ClickFigures:
    """The figures of the last days, each read once.

    Args:
        store: What was counted.
        since: The first day, such as ``2026-01-31``.

    All raise :class:`index.errors.DatabaseError` if the counts can't be read.
    """

    def __init__(self, store: ClickStore, since: str) -> None:
        self._store, self.since = store, since

    @cached_property
    def total(self) -> Figure:
        """How often any list was seen, and how often a reader followed a link of it."""
        return make_figures([("", *self._store.sums(since=self.since, lists=True)[0])])[0]

    def by(self, kind: str) -> list[Figure]:
        """Returns the figures of lists or links that differ in something.

        Args:
            kind: One of :data:`OF_LISTS` or :data:`OF_LINKS`.

        Returns:
            Positions, days and builds in their order, all else from the most seen to the least.
        """
        rows = self._store.sums(kind, since=self.since, lists=kind in OF_LISTS)
        ordered = kind in ("position", "day", "build")
        return make_figures(sorted(rows, key=lambda row: row[0] if ordered else (-row[1], row[0])))

    @cached_property
    def positions(self) -> list[Figure]:
        """The figures of each position in lists."""
        return self.by("position")

    @cached_property
    def days(self) -> list[Figure]:
        """The figures of each day since the first that was counted, even of empty ones."""
        found = {figure.name: figure for figure in self.by("day")}
        if not found:
            return []
        first, last = (dt.date.fromisoformat(day) for day in (min(found), max(found)))
        days = [str(first + dt.timedelta(days=at)) for at in range((last - first).days + 1)]
        return [found.get(day) or make_figures([(day, 0, 0)])[0] for day in days]

    @cached_property
    def links(self) -> list[LinkFigure]:
        """The links that were seen often enough in one position, in no order."""
        return self._read_links(least=LEAST)

    def list_of(self, article: str) -> Figure:
        """Returns how often an article's list was seen, and how often a link of it followed."""
        sums = self._store.sums(since=self.since, lists=True, article=article)
        return make_figures([(article, *sums[0])])[0]

    def links_of(self, article: str) -> dict[str, LinkFigure]:
        """Returns all counted links of an article's list, by the id of where they lead to."""
        return {link.figure.name: link for link in self._read_links(article=article)}

    def _read_links(self, **which: Any) -> list[LinkFigure]:
        rates = {int(figure.name): figure.rate for figure in self.positions}
        found: dict[tuple[str, str], tuple[int, int, float]] = {}
        columns = ("article", "target", "position")
        for *pair, position, seen, clicked in self._store.sums(*columns, since=self.since, **which):
            old = found.get(tuple(pair), (0, 0, 0.0))
            usual = seen * rates.get(position, 0.0)  # which may have come since
            found[tuple(pair)] = old[0] + seen, old[1] + clicked, old[2] + usual
        figures = make_figures([(pair[1], *sums[:2]) for pair, sums in found.items()])
        surely = _sure_ratios(figures, [usual for *_, usual in found.values()])
        return [
            LinkFigure(article=article, figure=figure, usual=usual, surely=ratio)
            for ((article, _), (_, _, usual)), figure, ratio in zip(
                found.items(), figures, surely, strict=True
            )
        ]

    @cached_property
    def unfollowed(self) -> list[Figure]:
        """The lists of which readers follow no link, the most seen first.

        Only those that are surely followed less often than lists usually are.
        """
        rows = self._store.sums("article", since=self.since, lists=True, least=LEAST)
        found = make_figures(rows)
        ratios = _sure_ratios(found, [figure.seen * self.total.rate for figure in found])
        never = (
            figure
            for figure, ratio in zip(found, ratios, strict=True)
            if ratio < 1 and not figure.clicked
        )
        return sorted(never, key=lambda figure: (-figure.seen, figure.name))

    def by_evidence(self, build: Build) -> list[Figure]:
        """Returns the figures of related links by what speaks most for them, the most seen first.

        Args:
            build: The build in which the evidence is looked up.
        """
        columns = ("article", "target", "origin")
        rows = [row for row in self._store.sums(*columns, since=self.since) if row[2] == "related"]
        sums: dict[str, tuple[int, int]] = {}
        from service.clicks.link_evidence import strongest_evidence  # which loads FAISS

        kinds = strongest_evidence(build, [row[:2] for row in rows])
        for kind, (*_, seen, clicked) in zip(kinds, rows, strict=True):
            old = sums.get(kind, (0, 0))
            sums[kind] = old[0] + seen, old[1] + clicked
        told = [(kind or "unknown", *both) for kind, both in sums.items()]
        return make_figures(sorted(told, key=lambda row: (-row[1], row[0])))

    @property
    def rejections(self) -> list[tuple[str, int]]:
        """How many reported events did not count, by reason, most first."""
        return self._store.rejections(self.since)


def _sure_ratios(figures: Sequence[Figure], usual: Sequence[float]) -> list[float]:
    clicked, seen = ([getattr(figure, name) for figure in figures] for name in ("clicked", "seen"))
    ratios: list[float] = sure_ratios(clicked, seen, usual).tolist()
    return ratios


def first_day(settings: Settings, days: int) -> str:
    """Returns the first of the last days in the site's time zone, such as ``2026-01-31``.

    Args:
        settings: The effective settings.
        days: How many days, with today.
    """
    return str(dt.datetime.now(settings.zone).date() - dt.timedelta(days=days - 1))


def best_links(links: Sequence[LinkFigure]) -> list[LinkFigure]:
    """Returns the links that are surely followed more often than usual, the best first."""
    return sorted((link for link in links if link.surely > 1), key=lambda link: -link.surely)


def worst_links(links: Sequence[LinkFigure]) -> list[LinkFigure]:
    """Returns the links that are surely followed less often than usual, the worst first."""
    return sorted((link for link in links if link.surely < 1), key=lambda link: link.surely)
