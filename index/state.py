"""What editors decided, as reading needs it: takedowns, pins and hides, whole and in memory.

The database (:mod:`service.decisions`) is where decisions are written; reading never waits for it.
Every serving process keeps one :class:`State`, replaces it when the database has a newer version,
and finds it again in a snapshot file when the database is away.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from recommender.visibility import NEVER


class Kind(enum.StrEnum):
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
    kind: Kind
    position: int | None = None
    until: int = NEVER


@dataclass(frozen=True, kw_only=True)
class State:
    """All decisions at one version of one database.

    Attributes:
        database: The database's own id, so that versions of two are never compared.
        version: Counts changes; higher is newer.
        takedowns: Articles that no reader may see, whatever a build says, and the moment at which
            each ends (microseconds since 1970 UTC, ``NEVER`` for no end).
        overrides: For each article with any, its overrides; pins by position, then hides.
    """

    database: str = ""
    version: int = 0
    takedowns: Mapping[str, int] = field(default_factory=dict)
    overrides: Mapping[str, tuple[Override, ...]] = field(default_factory=dict)

    @cached_property
    def instants(self) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
        """Sorted moments at which a decision ends."""
        ends = [
            *self.takedowns.values(),
            *(override.until for some in self.overrides.values() for override in some),
        ]
        return np.unique(np.array([end for end in ends if end != NEVER], dtype=np.int64))


NO_STATE = State()
"""Nothing was decided."""
