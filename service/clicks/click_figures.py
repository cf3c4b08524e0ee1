"""Figures of what readers see and click: rates with intervals, the best and the worst links."""

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

MOST_LINKS = 100_000

NARROW = 0.01
"""How wide a rate's interval may be in any case; also that of what is hardly ever followed."""

OF_LISTS = ("article", "build", "day", "variant")
"""What tells lists apart. A list is followed if a reader follows any of its links."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """How often some lists or links were seen and clicked.

    Attributes:
        name: Which lists or links these are: a day, a position, an article's id or the like.
        seen: How often they were seen.
        clicked: How often they were clicked; of a list, in how many of its views any link was.
        low: The lower end of the 95 % confidence interval of the rate, in [0, 1].
        high: The upper end of that interval, in [0, 1].
    """

    name: str
    seen: int
    clicked: int
    low: float
    high: float

    @property
    def rate(self) -> float:
        """The share of views with a click, in [0, 1]; 0 if there were no views."""
        return min(self.clicked / self.seen, 1.0) if self.seen else 0.0

    @property
    def enough(self) -> bool:
        """Whether there were so many views that the rate is precise enough to be shown."""
        return self.seen >= LEAST and self.high - self.low <= max(self.rate, NARROW)

    def describe(self) -> dict[str, Any]:
        """Returns the figure as JSON values; with too few views the rates are ``None``."""
        rate = {"rate": round(self.rate, 5), "low": round(self.low, 5), "high": round(self.high, 5)}
        return asdict(self) | (rate if self.enough else dict.fromkeys(rate))


def make_figures(rows: Sequence[Sequence[Any]]) -> list[Figure]:
    """Makes a figure of each row, and computes the confidence intervals.

    Args:
        rows: For each figure its name, the number of views and the number of clicks.
    """
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
    """How often a link was seen and clicked, compared with other links in the same positions.

    Attributes:
        article: The id of the article in whose list the link is.
        figure: How often the link was seen and clicked; its name is the id of the linked article.
        usual: How many clicks links in the same positions usually get with as many views.
        surely: The ratio of the link's clicks to the usual clicks that is certain in spite of
            chance: above 1 at least this ratio, below 1 at most; 1 if the link may be as usual.
    """

    article: str
    figure: Figure
    usual: float
    surely: float


class ClickFigures:
    """Figures of the views and clicks since a day; each is read from the database once.

    All methods raise :class:`index.errors.DatabaseError` if the counts can't be read.

    Args:
        store: The database of counted clicks.
        since: The first day to count, such as ``2026-01-31``.
    """

    def __init__(self, store: ClickStore, since: str) -> None:
        self._store, self.since = store, since
        self._evidence: tuple[str, list[Figure]] | None = None

    @cached_property
    def total(self) -> Figure:
        """How many lists were seen in all, and in how many of these views a link was clicked."""
        return make_figures([("", *self._store.sums(since=self.since, lists=True)[0])])[0]

    def by(self, kind: str) -> list[Figure]:
        """Returns the figures of lists or links, grouped by one property.

        Args:
            kind: The property: one of :data:`OF_LISTS` for lists; ``"position"`` or ``"origin"``
                for links.

        Returns:
            A figure for each value of the property: positions, days and builds ascending, others
            from the most seen to the least seen.
        """
        rows = self._store.sums(kind, since=self.since, lists=kind in OF_LISTS)
        ordered = kind in ("position", "day", "build")
        return make_figures(sorted(rows, key=lambda row: row[0] if ordered else (-row[1], row[0])))

    @cached_property
    def positions(self) -> list[Figure]:
        """The figures of the links in each position of lists, the first position first."""
        return self.by("position")

    @cached_property
    def days(self) -> list[Figure]:
        """The figures of all lists on each day, from the first to the last day with views."""
        found = {figure.name: figure for figure in self.by("day")}
        if not found:
            return []
        first, last = (dt.date.fromisoformat(day) for day in (min(found), max(found)))
        days = [str(first + dt.timedelta(days=at)) for at in range((last - first).days + 1)]
        return [found.get(day) or make_figures([(day, 0, 0)])[0] for day in days]

    @cached_property
    def links(self) -> list[LinkFigure]:
        """The figures of the links that were seen often enough to judge them, in no order."""
        return self._read_links(least=LEAST)

    def list_of(self, article: str) -> Figure:
        """Returns how often the list of the article with this id was seen, and a link clicked."""
        sums = self._store.sums(since=self.since, lists=True, article=article)
        return make_figures([(article, *sums[0])])[0]

    def links_of(self, article: str) -> dict[str, LinkFigure]:
        """Returns the figures of the links in one article's list, by the linked articles' ids.

        Args:
            article: The id of the article whose list it is.
        """
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
        """The figures of the lists in which no reader clicked a link, the most seen first.

        Lists with so few views that this may be chance are left out.
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
        """Returns the figures of related links, grouped by their strongest kind of evidence.

        Of a large site's links the :data:`MOST_LINKS` that were seen most are counted.

        Args:
            build: The build in which the evidence for each link is looked up.

        Returns:
            A figure for each kind of evidence, such as ``words``, the most seen first; that of
            links without any known evidence is named ``unknown``.
        """
        if self._evidence is not None and self._evidence[0] == build.name:
            return self._evidence[1]
        from service.clicks.link_evidence import strongest_evidence  # which loads FAISS

        sums: dict[str, tuple[int, int]] = {}
        rows = self._store.sums(
            "article", "target", since=self.since, origin="related", most=MOST_LINKS
        )
        kinds = strongest_evidence(build, [row[:2] for row in rows])
        for kind, (*_, seen, clicked) in zip(kinds, rows, strict=True):
            old = sums.get(kind, (0, 0))
            sums[kind] = old[0] + seen, old[1] + clicked
        told = [(kind or "unknown", *both) for kind, both in sums.items()]
        found = make_figures(sorted(told, key=lambda row: (-row[1], row[0])))
        self._evidence = build.name, found
        return found

    @property
    def rejections(self) -> list[tuple[str, int]]:
        """Why reported events were not counted: reasons with numbers of events, most first."""
        return self._store.rejections(self.since)


def _sure_ratios(figures: Sequence[Figure], usual: Sequence[float]) -> list[float]:
    clicked, seen = ([getattr(figure, name) for figure in figures] for name in ("clicked", "seen"))
    ratios: list[float] = sure_ratios(clicked, seen, usual).tolist()
    return ratios


def first_day(settings: Settings, days: int) -> str:
    """Returns the day with which a period that ends today begins, such as ``2026-01-31``.

    Args:
        settings: The effective settings, which name the site's time zone.
        days: The length of the period in days, with today.
    """
    return str(dt.datetime.now(settings.zone).date() - dt.timedelta(days=days - 1))


def best_links(links: Sequence[LinkFigure]) -> list[LinkFigure]:
    """Returns the links that are clicked more often than usual beyond chance, the best first."""
    return sorted((link for link in links if link.surely > 1), key=lambda link: -link.surely)


def worst_links(links: Sequence[LinkFigure]) -> list[LinkFigure]:
    """Returns the links that are clicked less often than usual beyond chance, the worst first."""
    return sorted((link for link in links if link.surely < 1), key=lambda link: link.surely)
