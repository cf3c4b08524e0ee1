"""How long an answer may be shown: ``Cache-Control``, and which conditions it meets.

What must not show any more must go from every cache at its instant, so no answer outlives the
epoch in which it was given: ``max-age`` and ``stale-while-revalidate`` together end before it.
``stale-if-error`` is never sent: it would show what was taken down while the service is away.
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass

from service.http.header_lines import as_lines

_SECOND = 1_000_000

_CODING = re.compile(
    rb"([!#$%&'*+.^_`|~0-9a-z-]+)(?:[ \t]*;[ \t]*q=(0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?))?"
)


@dataclass(frozen=True, slots=True)
class Freshness:
    """The policy that the settings name.

    Attributes:
        max_age: Seconds for which an answer is fresh.
        stale: Seconds after that in which a cache may hand it out while it asks anew.
        kept_by: ``public``, or ``private`` for what no cache that others share may keep.
    """

    max_age: int
    stale: int
    kept_by: str = "public"

    @property
    def span(self) -> int:
        """Microseconds for which an answer may be shown at most."""
        return (self.max_age + self.stale) * _SECOND

    def line(self, left: int) -> bytes:
        """The header of an answer given ``left`` microseconds before the next change."""
        seconds = min(left, self.span) // _SECOND
        return _line(self.kept_by, self.max_age, self.stale, seconds)


@functools.lru_cache(maxsize=1_000)
def _line(kept_by: str, max_age: int, stale: int, seconds: int) -> bytes:
    fresh = min(max_age, seconds)
    value = f"{kept_by}, max-age={fresh}"
    if after := min(stale, seconds - fresh):
        value += f", stale-while-revalidate={after}"
    return as_lines([(b"cache-control", value.encode())])


@functools.lru_cache(maxsize=1_000)
def accepts_gzip(accepted: bytes) -> bool:
    """Whether an ``Accept-Encoding`` names gzip, or anything, and does not refuse it.

    One that is not written as RFC 9110 has it gets what everyone can read: no gzip.
    """
    takes: dict[bytes, bool] = {}
    for part in accepted.lower().split(b","):
        found = _CODING.fullmatch(part.strip(b" \t"))
        if found is not None:
            takes[found[1]] = takes.get(found[1], True) and (found[2] or b"1").strip(b"0.") != b""
        elif part.strip(b" \t"):
            return False
    return takes.get(b"gzip", takes.get(b"x-gzip", takes.get(b"*", False)))


def matches(condition: bytes, tag: bytes) -> bool:
    """Whether an ``If-None-Match`` names a tag; compared weakly, as RFC 9110 has it for this."""
    parts = [part.strip(b" \t") for part in condition.split(b",")]
    return parts == [b"*"] or any(part.removeprefix(b"W/") == tag for part in parts)
