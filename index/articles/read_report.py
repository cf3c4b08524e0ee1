"""The report on reading: records counted by outcome, and the first problems with their location."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from index.articles.record import RecordProblem

_KEPT_PROBLEMS = 1_000
"""How many problems the report holds in full; the rest are counted."""


@dataclass(slots=True, kw_only=True)
class ReadReport:
    """How many records were read, kept and skipped, and why.

    Attributes:
        read: Records seen.
        kept: Records that became articles.
        skipped: Records left out, by reason.
        notes: Repaired or hidden fields of articles that were kept, by ``field: reason``.
        problems: The first thousand problems of both kinds.
        unused_fields: Fields with long texts that nothing reads, by name: a hint that a mapping
            is missing.
    """

    read: int = 0
    kept: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    notes: Counter[str] = field(default_factory=Counter)
    problems: list[RecordProblem] = field(default_factory=list)
    unused_fields: Counter[str] = field(default_factory=Counter)

    def skip(self, problem: RecordProblem) -> None:
        """Count a record as skipped."""
        self.skipped[problem.key] += 1
        self._remember(problem)

    def note(self, problem: RecordProblem) -> None:
        """Count a problem of an article that is kept."""
        self.notes[problem.key] += 1
        if problem.reason != "made-from-template":  # true of every record of a site without links
            self._remember(problem)

    def take_back(self, problem: RecordProblem, *, at: int) -> None:
        """Count a kept article as skipped after all; ``at`` is its position among the problems."""
        self.kept -= 1
        behind = self.problems[at:]
        del self.problems[at:]
        self.skip(problem)
        self.problems += behind

    def add(self, later: ReadReport) -> None:
        """Add the report on the records that come next."""
        self.read += later.read
        self.kept += later.kept
        self.skipped += later.skipped
        self.notes += later.notes
        self.unused_fields += later.unused_fields
        self.problems += later.problems[: _KEPT_PROBLEMS - len(self.problems)]

    def _remember(self, problem: RecordProblem) -> None:
        if len(self.problems) < _KEPT_PROBLEMS:
            self.problems.append(problem)
