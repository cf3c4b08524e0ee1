"""The changes from which a small build is made: records to put, and ids to remove."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from index.articles.record import Record, RecordProblem
from index.sources.source import Source


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """The changed articles of a small build, which takes all other articles from the live build.

    Attributes:
        put: For the name of each source, its records that are new or changed. Of several records
            with the same id, the first is used.
        remove: Ids of articles to leave out, unless ``put`` has them; unknown ones are ignored.
        lost: Those of these ids that were removed because no source has them any more.
    """

    put: Mapping[str, Sequence[Record | RecordProblem]] = field(default_factory=dict)
    remove: frozenset[str] = frozenset()
    lost: frozenset[str] = frozenset()

    def sources(self) -> list[Source]:
        """Returns the new and changed records as sources, one for each source's name."""
        return [ChangedRecords(name=name, changed=changed) for name, changed in self.put.items()]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangedRecords:
    """The changed records of a source, as a source of their own.

    Attributes:
        name: The name of the source that they are from.
        changed: The records.
    """

    name: str
    changed: Sequence[Record | RecordProblem]

    def records(self) -> Iterator[Record | RecordProblem]:
        """Yields the changed records in order."""
        return iter(self.changed)
