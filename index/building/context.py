"""What the stages of a build share: its options, folder, progress and report."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from index.articles.parse import FieldMapping
from index.articles.read_report import ReadReport
from index.build.build import Build
from index.building.engine import Engine, LocalEngine
from index.publishing.gates import GoldenGate, Limits
from index.scale_out.milvus.milvus_settings import MilvusSettings
from recommender.parameters import DEFAULT_DEPTH
from recommender.preferences import Preferences

Progress = Callable[[str, int, int | None], None]
"""Called with a stage's name, how much of it is done, and of how much (if known)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildOptions:
    """The options of one build.

    Attributes:
        mapping: How the source's fields are named.
        depth: Length of the stored lists.
        strict: Refuse the source at its first problem.
        only: Take these ids from the source and all other articles from the live build.
        keep_missing: Keep the live build's articles that the source does not hold.
        relearn: Learn the boilerplate anew instead of carrying it over from the live build.
        from_scratch: Carry nothing over: encode and learn everything anew.
        limits: What the gates let through.
        golden: The gate that asks what editors said.
        accept_change: Let another encoder or text recipe through.
        preferences: What the site prefers among its own articles.
        adopt_orphans: Put articles that are in no list into one where they fit well.
        milvus: Put the vectors there instead of into a file of the build.
        engine: What runs the heavy stages.
    """

    mapping: FieldMapping
    depth: int = DEFAULT_DEPTH
    strict: bool = False
    only: frozenset[str] = frozenset()
    keep_missing: bool = False
    relearn: bool = False
    preferences: Preferences = field(default_factory=Preferences)
    adopt_orphans: bool = False
    milvus: MilvusSettings | None = None
    engine: Engine = field(default_factory=LocalEngine)
    from_scratch: bool = False
    limits: Limits = field(default_factory=Limits)
    golden: GoldenGate | None = None
    accept_change: bool = False


@dataclass(slots=True, kw_only=True)
class BuildContext:
    """A build while it is made.

    Attributes:
        folder: Where its files are written, under a name that nothing reads.
        options: Its options.
        previous: The live build, whose embeddings and boilerplate can be carried over.
        progress: See :data:`Progress`.
        report: What became of every record.
        seconds: Time spent by stage.
    """

    folder: Path
    options: BuildOptions
    previous: Build | None
    progress: Progress
    report: ReadReport = field(default_factory=ReadReport)
    seconds: dict[str, float] = field(default_factory=dict)

    def fail_with(self, beside: Future[None]) -> None:
        """End the stages with the error of what is done beside them, once it has failed.

        A full disk is reported when it is full, not when everything else is done.
        """
        report_progress = self.progress

        def progress(stage: str, done: int, total: int | None) -> None:
            if beside.done():
                beside.result()
            report_progress(stage, done, total)

        self.progress = progress

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Report a stage's begin and take its time."""
        self.progress(name, 0, None)
        start = time.perf_counter()
        yield
        spent = time.perf_counter() - start
        self.seconds[name] = round(self.seconds.get(name, 0.0) + spent, 3)
