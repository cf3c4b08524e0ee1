"""Shows how far a build is and how long it still takes: a bar on a terminal, else lines."""

import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress

import typer

from index.root.root import Root
from recommender.errors import AlsoLikeError

_PER_ARTICLE = {
    "read": 0.0005,
    "prepare": 0.0015,
    "links": 0.0,
    "encode": 0.03,
    "words": 0.001,
    "index": 0.0,
    "relate": 0.002,
    "write": 0.0005,
    "search": 0.0,
    "report": 0.0002,
}
"""The stages of a build in their order, and about how many seconds of each an article takes."""

_STAGES = list(_PER_ARTICLE)
_EVERY = 10.0
"""Seconds between two lines where there is no terminal."""


class BuildProgress:
    """Estimates how far a build is, and how long it still takes.

    The rest of the current stage is estimated from how long its finished part took; the later
    stages from how long they took in the live build, or without one from usual times.

    Args:
        before: The seconds that each stage of the live build took, by the stage's name; empty if
            there is no live build.
        clock: A function that returns the time in seconds.
    """

    def __init__(
        self, before: Mapping[str, float], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._before, self._clock = before, clock
        self._stage, self._done, self._articles = "", 0, 0
        self._total: int | None = None
        self._start = self._began = clock()

    def update(self, stage: str, done: int, total: int | None) -> None:
        """Notes how far the build is; with the first stage's name, progress starts over.

        Args:
            stage: The name of the current stage, such as ``encode``.
            done: The number of articles that the stage has finished.
            total: The number of articles in all; ``None`` if it is not known.
        """
        if stage != self._stage:
            self._began = self._clock()
            if stage == _STAGES[0]:
                self._start, self._articles = self._began, 0
        self._stage, self._done, self._total = stage, done, total
        if stage in ("read", "prepare"):
            self._articles = max(self._articles, done, total or 0)

    @property
    def left(self) -> float | None:
        """About how many seconds the build still takes; ``None`` if that is not known yet."""
        if self._stage not in _PER_ARTICLE or not (self._before or self._stage != _STAGES[0]):
            return None
        usual = {stage: cost * self._articles for stage, cost in _PER_ARTICLE.items()}
        expected = self._before or usual
        spent = self._clock() - self._began
        if self._done and self._total:
            left = spent * (self._total - self._done) / self._done
        else:
            left = max(expected.get(self._stage, 0.0) - spent, 0.0)
        later = _STAGES[_STAGES.index(self._stage) + 1 :]
        return left + sum(expected.get(stage, 0.0) for stage in later)

    @property
    def share(self) -> float:
        """The share of the build's whole time that is over, in [0, 1]; 0 if that is not known."""
        spent, left = self._clock() - self._start, self.left
        return 0.0 if left is None or not spent else spent / (spent + left)

    def __str__(self) -> str:
        parts = [self._stage]
        if self._done:
            of = f" of {self._total:,}" if self._total else ""
            parts = [f"{self._stage} {self._done:,}{of} articles"]
        if (left := self.left) is not None and left >= 1:  # else it takes longer than foreseen
            parts += [f"{self.share:.0%} of the build", f"about {_in_words(left)} left"]
        return ", ".join(parts)


def _in_words(seconds: float) -> str:
    for unit, length in (("h", 3600), ("min", 60)):
        if seconds >= 1.5 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.0f} s"


@contextmanager
def progress_bar(
    root: Root, *, every: float = _EVERY, stages: bool = False
) -> Iterator[Callable[[str, int, int | None], None]]:
    """Shows the progress of a build on stderr: a bar on a terminal, else a line now and then.

    Args:
        root: The folder of builds; the live build's stages show how long a stage takes.
        every: Seconds between two lines where there is no terminal.
        stages: Whether to print a line also when a stage begins, where there is no terminal.

    Yields:
        A function to call with the stage's name, the number of items done, and their total.
    """
    before: Mapping[str, float] = {}
    with suppress(AlsoLikeError):
        before = root.manifest().seconds
    progress = BuildProgress(before)
    if sys.stderr.isatty():
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn

        columns = BarColumn(), TextColumn("{task.description}", markup=False)
        with Progress(*columns, console=Console(stderr=True)) as bar:
            task = bar.add_task("", total=1.0)

            def update(stage: str, done: int, total: int | None) -> None:
                progress.update(stage, done, total)
                bar.update(task, completed=progress.share, description=str(progress))

            yield update
        return
    ended, begun = threading.Event(), set[str]()

    def follow(stage: str, done: int, total: int | None) -> None:
        progress.update(stage, done, total)
        if stages and stage not in begun:
            typer.echo(f"{stage} …", err=True)
        begun.add(stage)

    def tell() -> None:
        while not ended.wait(every):
            typer.echo(str(progress), err=True)

    threading.Thread(target=tell, daemon=True, name="progress").start()
    try:
        yield follow
    finally:
        ended.set()
