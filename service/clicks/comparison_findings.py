"""What a comparison of a variant with the live lists has shown so far, in figures and sentences."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from index.root.comparison import ComparisonState, read_comparison, variant_folder
from index.root.journal import read_journal
from index.root.root import Root
from recommender.errors import NotFoundError
from service.clicks.click_store import open_clicks
from service.decisions.snapshot_file import BUSY_SECONDS
from service.settings import Settings, toml_value

if TYPE_CHECKING:
    from recommender.clicks.comparison import Comparison

_DAY = 86_400
_POWER = 0.8
_FEW = 100
_KEPT_TIMES = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparisonFindings:
    """What a comparison has shown.

    Attributes:
        state: The comparison, running or ended.
        result: The rates of both, with the interval of their difference.
        worth: The true difference for which power is told, as a share of the live rate.
        missing: Why readers get live lists only; empty if the variant's are there.
        now: The time for which this holds, in seconds since 1970.
        zone: The site's time zone, for dates.
    """

    state: ComparisonState
    result: Comparison
    worth: float
    missing: str
    now: float
    zone: Any

    def sentences(self) -> Iterator[str]:
        """Yields what it means, a sentence or two for each matter."""
        state, result = self.state, self.result
        name, since = state.variant, self._date(state.started)
        span, show = f"has been compared with the live lists since {since}", "show"
        if state.ended is not None:
            until = self._date(state.ended)
            span, show = f"was compared with the live lists from {since} until {until}", "showed"
        drawn = f"{state.share:.0%} of articles {show} its lists, drawn anew every"
        yield f"The variant {name} {span}: {drawn} {duration(state.block)}."
        if self.missing:
            yield self.missing
        if result.views < _FEW or result.live_rate <= 0:
            seen = "1 list was" if result.views == 1 else f"{result.views:,} lists were"
            yield f"{seen} seen in that time: too few to say anything."
            return
        part, low, high = result.relative
        yield (
            f"{result.views:,} lists were seen. Readers followed {result.live_rate:.1%} of the "
            f"live ones and {result.other_rate:.1%} of those of {name}: {part:+.1%}, in truth "
            f"between {max(low, -1):+.1%} and {high:+.1%}, however often you look."
        )
        if result.decided:
            better = name if result.low > 0 else "the live build"
            yield f"That is decided: readers follow the lists of {better} more often."
            return
        yield (
            f"That is not decided. If one were truly followed {self.worth:.0%} more often, the "
            f"chance to know it by now would be {result.power(self.worth):.0%}."
        )
        if state.ended is None:
            yield self._expected()

    def _expected(self) -> str:
        needed = self.result.needed_views(self.worth, _POWER)
        if needed is None:
            return "Too little is known yet to say how long it takes."
        if needed <= self.result.views:
            return f"More than {self.worth:.0%} is not likely; smaller differences take longer."
        views_a_day = self.result.views * _DAY / max(self.now - self.state.started, 60)
        days = (needed - self.result.views) / views_a_day
        when = "within ten years not"
        if days < 3_650:
            when = f"on {self._date(self.now + days * _DAY)}"
        return f"A chance of {_POWER:.0%} takes {needed:,} seen lists: at this pace, {when}."

    def figures(self) -> dict[str, Any]:
        """Returns everything as JSON values."""
        result = self.result
        return {
            "variant": self.state.variant,
            "started": self.state.started,
            "ended": self.state.ended,
            "share": self.state.share,
            "block": self.state.block,
            "settings": self.state.settings,
            "missing": self.missing,
            "views": result.views,
            "live_rate": result.live_rate,
            "variant_rate": result.other_rate,
            "difference": result.difference,
            "low": result.low,
            "high": result.high,
            "decided": result.decided,
            "power": result.power(self.worth),
            "needed_views": result.needed_views(self.worth, _POWER),
            "sentences": list(self.sentences()),
        }

    def _date(self, moment: float) -> str:
        return datetime.fromtimestamp(moment, self.zone).strftime("%Y-%m-%d %H:%M")


class ComparisonFinder:
    """Finds out what a comparison has shown, by counts that one thread at a time reads.

    Millions of counts take seconds to read: for twenty times as long their result is told again.

    Args:
        settings: The effective settings.
        wait: How long to wait for a process that locks the counts, in seconds.
    """

    def __init__(self, settings: Settings, wait: float = BUSY_SECONDS) -> None:
        self._settings, self._wait = settings, wait
        self._lock = threading.Lock()
        self._kept: tuple[ComparisonState, Comparison, float] | None = None

    def find(self) -> ComparisonFindings:
        """Finds out what the comparison that runs, or has ended last, has shown so far.

        Raises:
            NotFoundError: If there is none.
            DatabaseError: If the counts can't be read.
        """
        from recommender.clicks.comparison import WORTH_FINDING  # by SciPy

        settings = self._settings
        state = read_comparison(settings.root, running=False)
        if state is None:
            told = "no comparison is running; begin one with: alsolike compare start NAME"
            raise NotFoundError(told)
        return ComparisonFindings(
            state=state,
            worth=WORTH_FINDING,
            result=self._compare(state),
            missing="" if state.ended is not None else _why_missing(settings, state.variant),
            now=time.time(),
            zone=settings.zone,
        )

    def _compare(self, state: ComparisonState) -> Comparison:
        from recommender.clicks.comparison import compare_variants

        with self._lock:
            kept, began = self._kept, time.monotonic()
            if kept is not None and kept[0] == state and began < kept[2]:
                return kept[1]
            with closing(open_clicks(self._settings, self._wait)) as store:
                counts = store.blocks_of(state.key)
            result = compare_variants(*counts.T, share=state.share)
            now = time.monotonic()
            self._kept = state, result, now + _KEPT_TIMES * (now - began)
            return result


def _why_missing(settings: Settings, variant: str) -> str:
    """Returns why there is no build of a variant beside the live one; empty if there is one."""
    root = Root(settings.root)
    pointer = root.current()
    if pointer is None or pointer.build in Root(variant_folder(root.path, variant)).names():
        return ""
    told = [line for line in read_journal(root.path) if line.get("event") == "variant"]
    why = next((line["reason"] for line in told if line.get("build") == pointer.build), "")
    return f"Now all readers get the live lists: {why or 'its build is not made yet'}."


def duration(seconds: int) -> str:
    """Returns a span of time as ``--block`` takes it, such as ``1h``."""
    for unit, length in (("d", _DAY), ("h", 3_600), ("m", 60)):
        if seconds % length == 0:
            return f"{seconds // length}{unit}"
    return f"{seconds}s"


def settings_lines(state: ComparisonState) -> Iterator[str]:
    """Yields the lines by which the variant's settings become the site's own."""
    for name, value in state.settings.items():
        yield f"{name} = {toml_value(value)}"
