"""The report on reading a source: counts of records by outcome, and the first problems."""

from collections import Counter
from dataclasses import dataclass, field

from index.articles.record import RecordProblem

_KEPT_PROBLEMS = 1_000
"""Most problems that the report keeps with their messages; further ones are only counted."""

_OF_SITES = ("unknown-address", "unsure-address")
"""Problems that all pages of a site have alike."""


@dataclass(slots=True, kw_only=True)
class ReadReport:
    """How many records were read, kept and skipped, and why.

    Attributes:
        read: Number of records read.
        kept: Number of records that became articles.
        skipped: For each reason, the number of records skipped for it.
        notes: Problems of articles that were kept nevertheless: for each ``"field: reason"``, how
            often it occurred.
        languages: How many articles that were kept have their language from a ``field``, the
            ``path``, the ``page``, a ``constant`` or a ``guess``; of how many it is ``unknown``.
        problems: The first thousand problems, of skipped records and of kept articles.
        unused_fields: For each field that no mapping reads, the number of long texts in it. Such a
            field may hold the article's text, so a mapping may be missing.
    """

    read: int = 0
    kept: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    notes: Counter[str] = field(default_factory=Counter)
    languages: Counter[str] = field(default_factory=Counter)
    problems: list[RecordProblem] = field(default_factory=list)
    unused_fields: Counter[str] = field(default_factory=Counter)

    def skip(self, problem: RecordProblem) -> None:
        """Count a record as skipped, and keep the problem for which it was."""
        self.skipped[problem.key] += 1
        self._remember(problem)

    def note(self, problem: RecordProblem) -> None:
        """Count a problem of a record that became an article nevertheless."""
        self.notes[problem.key] += 1
        if problem.reason != "made-from-template":  # all records of a site without links have it
            self._remember(problem)

    def told(self) -> list[str]:
        """Return the problems as text for people, each once, without those of whole sites."""
        found = {
            one.message if one.reason in _OF_SITES else str(one): str(one)
            for one in self.problems
            if one.reason not in ("no-text", "made-from-template")
        }
        return list(found.values())

    def take_back(self, problem: RecordProblem, *, at: int) -> None:
        """Move one article from the count of kept ones to that of skipped ones.

        Args:
            problem: Why the article is skipped after all.
            at: The position in ``problems`` at which the problem is inserted.
        """
        self.kept -= 1
        behind = self.problems[at:]
        del self.problems[at:]
        self.skip(problem)
        self.problems += behind

    def count_guesses(self, guessed: int) -> None:
        """Move a number of articles in ``languages`` from ``unknown`` to ``guess``."""
        self.languages.update(guess=guessed, unknown=-guessed)
        self.languages = +self.languages  # without zeros

    def add(self, later: "ReadReport") -> None:
        """Add the counts and problems of a report on records that were read later."""
        self.read += later.read
        self.kept += later.kept
        self.skipped += later.skipped
        self.notes += later.notes
        self.languages += later.languages
        self.unused_fields += later.unused_fields
        self.problems += later.problems[: _KEPT_PROBLEMS - len(self.problems)]

    def _remember(self, problem: RecordProblem) -> None:
        if len(self.problems) < _KEPT_PROBLEMS:
            self.problems.append(problem)
