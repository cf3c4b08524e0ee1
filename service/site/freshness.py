"""How long an answer may be shown: ``Cache-Control``, and which conditions it meets.

What must not show any more must go from every cache at its instant, so no answer outlives the
epoch in which it was given: ``max-age`` and ``stale-while-revalidate`` together end before it.
``stale-if-error`` is never sent: it would show what was taken down while the service is away.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

from service.site.headers import as_lines

_SECOND = 1_000_000


@dataclass(frozen=True, slots=True)
class Freshness:
    """The policy that the settings name.

    Attributes:
        max_age: Seconds for which an answer is fresh.
        stale: Seconds after that in which a cache may hand it out while it asks anew.
    """

    max_age: int
    stale: int

    @property
    def span(self) -> int:
        """Microseconds for which an answer may be shown at most."""
        return (self.max_age + self.stale) * _SECOND

    def line(self, left: int) -> bytes:
        """The header of an answer given ``left`` microseconds before the next change."""
        return _line(self.max_age, self.stale, min(left, self.span) // _SECOND)


@functools.lru_cache(maxsize=1_000)
def _line(max_age: int, stale: int, seconds: int) -> bytes:
    fresh = min(max_age, seconds)
    value = f"public, max-age={fresh}"
    if after := min(stale, seconds - fresh):
        value += f", stale-while-revalidate={after}"
    return as_lines([(b"cache-control", value.encode())])


@functools.lru_cache(maxsize=1_000)
def accepts_gzip(accepted: bytes) -> bool:
    """Whether an ``Accept-Encoding`` names gzip, or anything, and does not refuse it."""
    found: dict[bytes, bool] = {}
    for part in accepted.lower().split(b","):
        name, _, weight = part.partition(b";")
        found[name.strip()] = weight.replace(b" ", b"").strip(b"0.") not in (b"q=",)
    return found.get(b"gzip", found.get(b"*", False))


def matches(condition: bytes, tag: bytes) -> bool:
    """Whether an ``If-None-Match`` names a tag; compared weakly, as RFC 9110 has it for this."""
    condition = condition.strip()
    if condition == b"*":
        return True
    return any(part.strip().removeprefix(b"W/") == tag for part in condition.split(b","))
