"""All takedowns, pins and hides in memory, as the service needs them to answer page views.

Decisions are written to the database, but page views never wait for the database. Every process
that answers requests holds one :class:`DecisionState` and replaces it when the database has a newer
version. If the database is unavailable, the process reads the decisions from their copy on disk
(the snapshot). To follow a new decision, only what it changed is read and applied to the state
before.
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
    """The two kinds of overrides: pin an article at a position of a list, or hide it there."""

    PIN = "pin"
    HIDE = "hide"


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """An editor's decision about one article in another article's list: a pin or a hide.

    Attributes:
        article_id: The article that the list belongs to.
        target_id: The article in that list.
        kind: A pin shows the article at ``position``; a hide leaves out the article and all
            versions of it.
        position: Position of a pin, from 1; ``None`` for a hide.
        until: When the override ends, microseconds since 1970 UTC; ``NEVER`` for no end.
    """

    article_id: str
    target_id: str
    kind: OverrideKind
    position: int | None = None
    until: int = NEVER


Overrides = Mapping[str, tuple[Override, ...]]
"""For each article id the pins and hides of the article's list: pins by position, then hides."""


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
    """

    database: str = ""
    version: int = 0
    takedowns: Mapping[str, int] = field(default_factory=dict)
    overrides: Overrides = field(default_factory=dict)

    @cached_property
    def instants(self) -> NDArray[np.int64]:
        """Times at which decisions end, sorted: shape (n,), int64, microseconds since 1970 UTC."""
        return np.sort(_ends(self.takedowns.values(), self.overrides.values()))

    def after(self, changes: StateChanges) -> DecisionState:
        """Returns a new state with some changes applied; this one stays as it is.

        Args:
            changes: Changes since exactly this version of the same database.
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
        state.__dict__["instants"] = instants  # here cached_property looks for its value
        return state


NO_STATE = DecisionState()
"""The state of a database without any decisions."""


def _ends(takedowns: Iterable[int], overrides: Iterable[tuple[Override, ...]]) -> NDArray[np.int64]:
    ends = [*takedowns, *(override.until for some in overrides for override in some)]
    return np.array([end for end in ends if end != NEVER], dtype=np.int64)


def differing(mapping: Mapping[str, Value], earlier: Mapping[str, Value]) -> set[str] | None:
    """Returns the keys whose values may differ between a mapping and an earlier version of it.

    Only the keys that changed are looked at. If these are not known, because the two mappings are
    not layers over the same one, this returns ``None``: then any value may differ.
    """
    if mapping is earlier:
        return set()
    return mapping.differing(earlier) if isinstance(mapping, LayeredState) else None


_MOST_LAID_OVER = 1_000
_numbers = itertools.count()


class LayeredState(Mapping[str, Value]):
    """A mapping stored as a large base mapping and a few changes to it.

    To change a few keys of a large mapping, only the changes are copied, not the base.

    Args:
        base: The large mapping; must not be modified any more.
        laid: The new values of changed keys; ``None`` for removed keys.
        number: A number that identifies the base.
        former: The number of the base that this base was made from, and the keys in which the two
            differ; ``None`` if it was made from none.
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
        """Returns a mapping with some changes; the given one stays as it is.

        The whole mapping is copied only when over 1,000 changes have come together.

        Args:
            mapping: The mapping to change.
            laid: The new values of changed keys; ``None`` for removed keys.
        """
        if not isinstance(mapping, LayeredState):
            return cls(mapping, laid, next(_numbers))
        together = {**mapping._laid, **laid}
        if len(together) <= _MOST_LAID_OVER:
            return cls(mapping._base, together, mapping._number, mapping._former)
        base = {**mapping._base, **together}
        whole = {key: value for key, value in base.items() if value is not None}
        return cls(whole, {}, next(_numbers), (mapping._number, frozenset(together)))

    def differing(self, earlier: Mapping[str, Value]) -> set[str] | None:
        """Returns the keys whose values may differ from those in an earlier version.

        Returns ``None`` if this is not known, because the two don't share a base; then any value
        may differ.
        """
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
        """Returns the value of a key, or ``default`` if the key is missing, as a ``dict`` does.

        The inherited method does the same but is slower, and every request calls this.
        """
        if key in self._laid:
            value = self._laid[key]
            return default if value is None else value
        return self._base.get(key, default)

    def __iter__(self) -> Iterator[str]:
        yield from (key for key in self._base if key not in self._laid)
        yield from (key for key, value in self._laid.items() if value is not None)

    def __len__(self) -> int:
        return self._length
