"""The state of all decisions in memory: takedowns, pins and hides, as serving needs them.

Decisions are written to the database; serving never waits for it. Every serving process holds one
:class:`DecisionState`, replaces it when the database has a newer version, and reads it from the
snapshot when the database is not available. A newer state is made from the one before and from
what changed, at the cost of what changed.
"""

from __future__ import annotations

import enum
import itertools
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from recommender.visibility import NEVER

Value = TypeVar("Value")


class OverrideKind(enum.StrEnum):
    """What an override does."""

    PIN = "pin"
    HIDE = "hide"


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """An editor's decision about one article in another's list.

    Attributes:
        article_id: Whose list it is.
        target_id: Which article in that list.
        kind: Show it at ``position``, or leave it (and its story) out.
        position: From 1, for a pin; ``None`` for a hide.
        until: Ends at this moment, microseconds since 1970 UTC; ``NEVER`` for no end.
    """

    article_id: str
    target_id: str
    kind: OverrideKind
    position: int | None = None
    until: int = NEVER


Overrides = Mapping[str, tuple[Override, ...]]
"""By article the overrides of its list; pins by position, then hides."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StateChanges:
    """The changes between two versions of one database.

    Attributes:
        database: The database's own id.
        since: The version before.
        version: The version after.
        takedowns: By article when its takedown ends; ``None`` if it was lifted.
        overrides: By article all overrides of its list; empty if none are left.
    """

    database: str
    since: int
    version: int
    takedowns: Mapping[str, int | None] = field(default_factory=dict)
    overrides: Overrides = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class DecisionState:
    """All decisions at one version of one database.

    Attributes:
        database: The database's own id, so that versions of two are never compared.
        version: Counts changes; higher is newer.
        takedowns: By article when its takedown ends (microseconds since 1970 UTC, ``NEVER`` for
            no end).
        overrides: For each article with any, its overrides; pins by position, then hides.
    """

    database: str = ""
    version: int = 0
    takedowns: Mapping[str, int] = field(default_factory=dict)
    overrides: Overrides = field(default_factory=dict)

    @cached_property
    def instants(self) -> NDArray[np.int64]:
        """The sorted moments at which decisions end, int64, microseconds since 1970 UTC."""
        return np.sort(_ends(self.takedowns.values(), self.overrides.values()))

    def after(self, changes: StateChanges) -> DecisionState:
        """The state after some changes; this one stays as it is.

        Args:
            changes: Since this very version of this very database.
        """
        takedowns, overrides = self.takedowns, self.overrides
        gone = _ends(
            [takedowns[key] for key in changes.takedowns if key in takedowns],
            [overrides[key] for key in changes.overrides if key in overrides],
        )
        come = _ends(
            [end for end in changes.takedowns.values() if end is not None],
            changes.overrides.values(),
        )
        state = DecisionState(
            database=changes.database,
            version=changes.version,
            takedowns=LayeredState.over(takedowns, changes.takedowns),
            overrides=LayeredState.over(
                overrides, {key: some or None for key, some in changes.overrides.items()}
            ),
        )
        instants = self.instants
        for end in gone:
            instants = np.delete(instants, np.searchsorted(instants, end))
        instants = np.insert(instants, np.searchsorted(instants, np.sort(come)), np.sort(come))
        state.__dict__["instants"] = instants  # as cached_property keeps it
        return state


NO_STATE = DecisionState()
"""No decisions."""


def _ends(takedowns: Iterable[int], overrides: Iterable[tuple[Override, ...]]) -> NDArray[np.int64]:
    ends = [*takedowns, *(override.until for some in overrides for override in some)]
    return np.array([end for end in ends if end != NEVER], dtype=np.int64)


def differing(mapping: Mapping[str, Value], earlier: Mapping[str, Value]) -> set[str] | None:
    """Keys whose values may differ between a mapping and an earlier one.

    ``None`` if only comparing all keys could tell.
    """
    if mapping is earlier:
        return set()
    return mapping.differing(earlier) if isinstance(mapping, LayeredState) else None


_MOST_LAID_OVER = 1_000
_numbers = itertools.count()


class LayeredState(Mapping[str, Value]):
    """A large mapping with few changes on top: a changed copy at the cost of the changes.

    Args:
        base: The large mapping; it must not change any more.
        laid: The values that differ, ``None`` for keys that are gone.
        number: Identifies the base.
        former: The number of the base before, and the keys in which this base differs from it.
    """

    __slots__ = ("_base", "_former", "_laid", "_length", "_number")

    def __init__(
        self,
        base: Mapping[str, Value],
        laid: Mapping[str, Value | None],
        number: int,
        former: tuple[int, frozenset[str]] | None = None,
    ) -> None:
        self._base = base
        self._laid = laid
        self._number = number
        self._former = former
        gone = sum(key in base for key, value in laid.items() if value is None)
        new = sum(key not in base for key, value in laid.items() if value is not None)
        self._length = len(base) + new - gone

    @classmethod
    def over(
        cls, mapping: Mapping[str, Value], laid: Mapping[str, Value | None]
    ) -> LayeredState[Value]:
        """A mapping with changes on top; once there are many, they are merged into a new base."""
        if not isinstance(mapping, LayeredState):
            return cls(mapping, laid, next(_numbers))
        together = {**mapping._laid, **laid}
        if len(together) <= _MOST_LAID_OVER:
            return cls(mapping._base, together, mapping._number, mapping._former)
        base = {**mapping._base, **together}
        whole = {key: value for key, value in base.items() if value is not None}
        return cls(whole, {}, next(_numbers), (mapping._number, frozenset(together)))

    def differing(self, earlier: Mapping[str, Value]) -> set[str] | None:
        """See :func:`differing`."""
        if self._base is earlier:
            return set(self._laid)
        if not isinstance(earlier, LayeredState):
            return None
        if self._number == earlier._number:
            return {*self._laid, *earlier._laid}
        if self._former is not None and self._former[0] == earlier._number:
            return {*self._laid, *earlier._laid, *self._former[1]}
        return None

    def __getitem__(self, key: str) -> Value:
        value = self._laid[key] if key in self._laid else self._base[key]
        if value is None:
            raise KeyError(key)
        return value

    def get(self, key: str, default: Any = None) -> Any:
        """As of any mapping; here for speed, as every request calls it."""
        if key in self._laid:
            value = self._laid[key]
            return default if value is None else value
        return self._base.get(key, default)

    def __iter__(self) -> Iterator[str]:
        yield from (key for key in self._base if key not in self._laid)
        yield from (key for key, value in self._laid.items() if value is not None)

    def __len__(self) -> int:
        return self._length
