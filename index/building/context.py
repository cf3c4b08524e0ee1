"""The context that all stages of a build share: options, folder, progress and report."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from index.articles.parse import FieldMapping
from index.articles.read_report import ReadReport
from index.build.build import Build
from index.build.carried_rows import CarriedRows
from index.building.changes import Changes
from index.building.engine import Engine, LocalEngine
from index.publishing.gates import Limits
from index.scale_out.milvus.milvus_settings import MilvusSettings
from index.sources.pushed_source import Statement
from recommender.parameters import DEFAULT_DEPTH
from recommender.preferences import Preferences

Progress = Callable[[str, int, int | None], None]
"""Called with a stage's name, the number of items done, and their total if it is known."""

ClickCount = tuple[str, str, int, int, int]
"""Ids of an article and of a target in its list, position from 1, times seen, times clicked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildOptions:
    """The options of one build.

    Attributes:
        mapping: Which field of a record holds which field of an article.
        depth: Length of the stored related lists.
        strict: End the build at the first problem with a record.
        changes: The changed articles of a small build, which reads no source and takes all other
            articles from the live build; ``None`` for a build from sources.
        pushed: The number of the newest pushed statement that the build includes.
        statements: Returns the articles that the site pushed, as statements; full builds read them
            besides the sources. ``None`` if nothing can be pushed.
        only: Ids to read from the source, for a small build; all other articles come from the live
            build.
        max_drift: If few articles changed, and less than this share of the lists has changed since
            the last full build, a build of whole sources is small too; 0 to compute all lists anew.
        keep_missing: Keep articles of the live build that the source no longer holds.
        relearn: Learn the boilerplate and the weights of evidence again instead of reusing the
            live build's.
        learn: Learn the weights of evidence from the site's own links and from judgments.
        weights: Weights of kinds of evidence, by name, to use instead of learned ones.
        judgments: Returns judged pairs: the ids of an article and of another, and a grade above 0
            if the second belongs into the list of the first, 0 if not. Called if weights are
            learned.
        clicks: Returns the counts of clicks by article, target and position. Called if weights are
            learned.
        from_scratch: Reuse nothing of the live build: encode and learn everything again.
        limits: The limits of the gates.
        on_read: Called with what was read of the sources, before texts are prepared and encoded.
        on_prepared: Called with the number of articles in each language, by BCP 47 tag (empty if
            unknown), before texts are encoded.
        to_publish: Whether the build is only made to be published: if a gate refuses what was read,
            no build is made.
        preferences: The site's ranking preferences, such as boosts by tag.
        adopt_orphans: Add articles that are in no list to a list where they fit well.
        trust_related_blocks: Take blocks of related links that stand on most pages, with nearly the
            same length, for an editor's own.
        milvus: The Milvus server to store vectors in; by default they are in a file of the build.
        engine: Runs the heavy stages of a full build, in this process or on a cluster.
    """

    mapping: FieldMapping
    depth: int = DEFAULT_DEPTH
    strict: bool = False
    changes: Changes | None = None
    pushed: int = 0
    statements: Callable[[], Iterable[Statement]] | None = None
    only: frozenset[str] = frozenset()
    max_drift: float = 0.0
    keep_missing: bool = False
    relearn: bool = False
    learn: bool = True
    weights: Mapping[str, float] = field(default_factory=dict)
    judgments: Callable[[], Mapping[tuple[str, str], int]] = dict
    clicks: Callable[[], Iterable[ClickCount]] = tuple
    preferences: Preferences = field(default_factory=Preferences)
    adopt_orphans: bool = True
    trust_related_blocks: bool = False
    milvus: MilvusSettings | None = None
    engine: Engine = field(default_factory=LocalEngine)
    from_scratch: bool = False
    limits: Limits = field(default_factory=Limits)
    on_read: Callable[[ReadReport], None] = lambda _report: None
    on_prepared: Callable[[Mapping[str, int]], None] = lambda _languages: None
    to_publish: bool = False

    @property
    def small(self) -> bool:
        """Whether the build must be small: take all unchanged articles from the live build."""
        return self.changes is not None or bool(self.only)


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """A finished build whose articles a new build takes, to make it otherwise, without sources.

    Attributes:
        build: The finished build.
        name: The name of the new build, if it is a variant's, which gates don't compare with
            another build; ``None`` for a name made from the time.
        previous: The build whose results the new one can reuse; ``None`` if there is none.
        changed: If the new build is to be a small one: the articles, encoded by id, in which
            ``build`` differs from ``previous``, and the ids of those that it lacks.
        calibrated: The build whose calibration of scores is used; ``None`` to make it anew.
    """

    build: Build
    name: str | None = None
    previous: Build | None = None
    changed: tuple[Mapping[str, bytes], Sequence[str]] | None = None
    calibrated: Build | None = None


@dataclass(slots=True, kw_only=True)
class BuildContext:
    """The state of a build in progress, which its stages share.

    Attributes:
        folder: The folder of the build's files, under a temporary name that nothing reads.
        options: The build's options.
        previous: The live build, whose embeddings and boilerplate can be reused; ``None`` if there
            is none.
        progress: Called with a stage's name, the number of items done, and their total if known.
        carried: The rows that a small build takes from the live build; set when it has read the
            changes.
        report: Counts of records read, kept and skipped, with the problems.
        seconds: Duration of each stage in seconds, by the stage's name.
        seen: The article store of the live build, which says what sources held before; ``None`` if
            there is none.
        refused: Statements whose record can't be read any more: id, number and reason.
        beside: The finished build whose articles are taken, if no source is read.
        changed: How a small build differs from the live one: its new and changed articles by id,
            encoded, and the ids it lacks.
    """

    folder: Path
    options: BuildOptions
    previous: Build | None
    progress: Progress
    carried: CarriedRows | None = None
    report: ReadReport = field(default_factory=ReadReport)
    seconds: dict[str, float] = field(default_factory=dict)
    seen: Path | None = None
    refused: list[tuple[str, int, str]] = field(default_factory=list)
    beside: Beside | None = None
    changed: tuple[Mapping[str, bytes], Sequence[str]] | None = None

    @property
    def engine(self) -> Engine:
        """The engine that runs the heavy stages: for a small build always this process.

        Sending the few rows of a small build to others takes longer than the work on them.
        """
        small = self.carried is not None or self.options.changes is not None
        return LocalEngine() if small else self.options.engine

    def fail_with(self, beside: Future[None]) -> None:
        """Ends the build early if work in the background, ``beside``, fails.

        The stages then raise the background work's error when they next report progress. So a full
        disk is reported soon, not only when all stages are done.
        """
        report_progress = self.progress

        def progress(stage: str, done: int, total: int | None) -> None:
            if beside.done():
                beside.result()
            report_progress(stage, done, total)

        self.progress = progress

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Reports that a stage begins, and records its duration when the ``with`` block ends."""
        self.progress(name, 0, None)
        start = time.perf_counter()
        yield
        spent = time.perf_counter() - start
        self.seconds[name] = round(self.seconds.get(name, 0.0) + spent, 3)
