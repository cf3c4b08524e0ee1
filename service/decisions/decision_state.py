"""All takedowns, pins and hides in memory, as the service needs them to answer page views.

Decisions are written to the database, but page views never wait for the database. Every process
that answers requests holds one :class:`DecisionState` and replaces it when the database has a newer
version. If the database is unavailable, the process reads the decisions from their copy on disk
(the snapshot). To follow a new decision, only what it changed is read and applied to the state
before.
"""

import enum
import itertools
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from recommender.visibility import NEVER
from service.decisions.list_scope import is_rule

Value = TypeVar("Value")


class OverrideKind(enum.StrEnum):
    """The two kinds of overrides: pin an article at a position of a list, or hide it there."""

    PIN = "pin"
    HIDE = "hide"


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """An editor's decision about one article in another article's list: a pin or a hide.

    It may also be a rule, about many lists. Then an id is a scope, a text that stands for all
    articles or for those with a tag; see :mod:`service.decisions.list_scope`.

    Attributes:
        article_id: The article that the list belongs to, or the scope of the lists.
        target_id: The article that is pinned or hidden there, or the scope of those to hide.
        kind: A pin shows the article at ``position``; a hide leaves out the article and all
            versions of it.
        position: Position of a pin, from 1; ``None`` for a hide.
        until: When the override ends, microseconds since 1970 UTC; ``NEVER`` for no end.
        since: When it begins; 0 for one that has always held.
    """

    article_id: str
    target_id: str
    kind: OverrideKind
    position: int | None = None
    until: int = NEVER
    since: int = 0

    def holds(self, now: int) -> bool:
        """Whether the pin or hide is in force at a time, in microseconds since 1970 UTC."""
        return self.since <= now < self.until


Overrides = Mapping[str, tuple[Override, ...]]
"""For each article id the pins and hides of the article's list: pins by position, then hides; and
for each scope of a rule those that hold in all these lists."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StateChanges:
    """The takedowns, pins and hides that changed between two versions of one database.

    Attributes:
        database: The database's own id.
        since: The earlier version.
        version: The later version.
        takedowns: By article id, when the changed takedown ends (microseconds since 1970 UTC,
            ``NEVER`` for no end); ``None`` if it was lifted.
        overrides: By the id of the article whose list changed, all pins and hides of that list;
            empty if none are left.
    """

    database: str
    since: int
    version: int
    takedowns: Mapping[str, int | None] = field(default_factory=dict)
    overrides: Overrides = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class DecisionState:
    """All takedowns, pins and hides at one version of one database.

    Attributes:
        database: The database's own id, so that versions of different databases are never compared.
        version: A number that grows with every decision that changes what readers see.
        takedowns: By the id of an article that is taken down, when the takedown ends (microseconds
            since 1970 UTC, ``NEVER`` for no end).
        overrides: By the id of an article whose list editors changed, the list's pins by position,
            then its hides.
        changes: What changed when this state was made from the one before; else ``None``.
    """

    database: str = ""
    version: int = 0
    takedowns: Mapping[str, int] = field(default_factory=dict)
    overrides: Overrides = field(default_factory=dict)
    changes: StateChanges | None = field(default=None, compare=False)

    @cached_property
    def instants(self) -> NDArray[np.int64]:
        """The times at which decisions begin or end, sorted.

        Shape (n,), int64, in microseconds since 1970 UTC.
        """
        return np.sort(_turns(self.takedowns.values(), self.overrides.values()))

    @cached_property
    def rules(self) -> tuple[Override, ...]:
        """The pins and hides that change the lists of many articles: of a tag, or of all.

        Those of the same tag stand together: pins by position, then hides.
        """
        scopes = sorted(filter(is_rule, self.overrides))
        return tuple(rule for scope in scopes for rule in self.overrides[scope])

    def in_force(self, now: int) -> Iterator[Override]:
        """Yields the pins and hides of all lists that are in force at a time.

        Args:
            now: The time, in microseconds since 1970 UTC.
        """
        return (each for some in self.overrides.values() for each in some if each.holds(now))

    def after(self, changes: StateChanges) -> "DecisionState":
        """Returns a new state with some changes applied; this one stays as it is.

        Args:
            changes: Changes since exactly this version of the same database.
        """
        takedowns, overrides = self.takedowns, self.overrides
        gone = _turns(
            [takedowns[key] for key in changes.takedowns if key in takedowns],
            [overrides[key] for key in changes.overrides if key in overrides],
        )
        come = _turns(
            [end for end in changes.takedowns.values() if end is not None],
            changes.overrides.values(),
        )
        state = DecisionState(
            database=changes.database,
            version=changes.version,
            takedowns=_replace(takedowns, changes.takedowns),
            overrides=_replace(
                overrides, {key: some or None for key, some in changes.overrides.items()}
            ),
            changes=changes,
        )
        instants = self.instants
        for end in gone:
            instants = np.delete(instants, np.searchsorted(instants, end))
        instants = np.insert(instants, np.searchsorted(instants, np.sort(come)), np.sort(come))
        state.__dict__["instants"] = instants  # here cached_property looks for its value
        if not any(map(is_rule, changes.overrides)):
            state.__dict__["rules"] = self.rules
        return state

    def changes_since(self, earlier: "DecisionState") -> StateChanges | None:
        """Returns the takedowns, pins and hides that changed since an earlier state.

        Returns ``None`` if this state was not made from the earlier one; then all of them may
        differ.
        """
        if self is earlier:
            return StateChanges(database=self.database, since=self.version, version=self.version)
        changes = self.changes
        if changes is None:
            return None
        same = (changes.database, changes.since) == (earlier.database, earlier.version)
        return changes if same else None


NO_STATE = DecisionState()
"""The state of a database without any decisions."""


def _turns(
    takedowns: Iterable[int], overrides: Iterable[tuple[Override, ...]]
) -> NDArray[np.int64]:
    found = [*takedowns]
    for override in itertools.chain.from_iterable(overrides):
        found += (override.since, override.until)
    return np.array([instant for instant in found if instant not in (0, NEVER)], dtype=np.int64)


def _replace(
    mapping: Mapping[str, Value], changed: Mapping[str, Value | None]
) -> Mapping[str, Value]:
    """Returns a copy of a mapping with some new values; for ``None``, the value is removed."""
    if not changed:
        return mapping
    new = dict(mapping)
    for key, value in changed.items():
        if value is None:
            new.pop(key, None)
        else:
            new[key] = value
    return new
