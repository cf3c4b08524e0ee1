"""The form in which an editor makes one decision: what it shows at first, and what was entered."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from recommender.visibility import NEVER
from service.decisions.decision_state import OverrideKind
from service.decisions.overrides import StoredOverride
from service.errors import DecisionError
from service.http.timestamps import read_local_moment

_DAY = 86_400_000_000
DO = ("pin", "hide", "unrelated", "everywhere")
"""The actions to choose from: pin, hide in this list, hide as not related, take down."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionForm:
    """The values of the form for one decision, as text.

    Attributes:
        do: The action: ``pin``, ``hide``, ``unrelated`` (hide as not related) or ``everywhere``
            (take down).
        position: The position of a pin.
        reason: The editor's reason.
        ends: ``never``; a number of days (``1``, ``7`` or ``30``); or ``date`` if the decision
            ends at ``until``.
        until: A local date and time, as the browser sends it: ``2026-12-31T18:00``.
        version: The version of the list that the editor saw; empty for any.
        seen: The number of the last audit entry when the editor loaded the page.
    """

    do: str
    position: str = ""
    reason: str = ""
    ends: str = "never"
    until: str = ""
    version: str = ""
    seen: str = ""

    def pinned_at(self) -> int | None:
        """Returns the position, from 1, that the editor entered for a pin; else ``None``.

        Raises:
            DecisionError: If the position is not a number.
        """
        if self.do != "pin":
            return None
        if not self.position.isascii() or not self.position.isdecimal():
            raise DecisionError(
                "position", f"the position is {self.position[:20]!r}; it must be a whole number"
            )
        return int(self.position[:6])

    def end(self, now: int, zone: ZoneInfo) -> int:
        """Returns when the decision ends, in microseconds since 1970 UTC.

        Args:
            now: The current time, in microseconds since 1970 UTC.
            zone: The time zone of the date that the editor entered.

        Raises:
            DecisionError: If the date is missing or invalid.
        """
        if self.ends == "never":
            return NEVER
        if self.ends in ("1", "7", "30"):
            return now + int(self.ends) * _DAY
        try:
            return read_local_moment(self.until, zone)
        except (ValueError, OverflowError):
            raise DecisionError("until", "choose a date and time for the end, or “never”") from None

    def describe(self, title: str) -> str:
        """Returns what the editor wants to do, as the end of a sentence: ``hide “Title”``.

        Args:
            title: The title of the article to pin, hide or take down.
        """
        if self.do == "pin":
            return f"pin “{title}” at position {self.position}"
        what = {"hide": "hide", "unrelated": "hide as not related"}.get(self.do, "take down")
        return f"{what} “{title}”"


def prefilled_form(
    stored: StoredOverride | None, do: str, *, now: int, zone: ZoneInfo, position: int
) -> DecisionForm:
    """Returns the values that the form shows when it is opened.

    If the article is already pinned, a form for a pin shows that pin's values; in the same way for
    a hide. Otherwise the form shows the defaults.

    Args:
        stored: The pin or hide of this article in this list, if there is one.
        do: The action that the editor chose: ``pin``, ``hide``, ``unrelated`` or ``everywhere``.
        now: The current time, in microseconds since 1970 UTC.
        zone: The time zone in which the form shows the end.
        position: The position that is suggested for a new pin.
    """
    same = stored is not None and (stored.kind is OverrideKind.PIN) == (do == "pin")
    if stored is None or not same:
        return DecisionForm(do=do, position=str(position))
    ends, until = "never", ""
    if now < stored.until < NEVER:
        local = dt.datetime.fromtimestamp(stored.until / 1e6, zone)
        ends, until = "date", local.strftime("%Y-%m-%dT%H:%M")
    return DecisionForm(
        do="unrelated" if stored.not_related else do,
        position=str(stored.position or position),
        reason=stored.reason,
        ends=ends,
        until=until,
    )


def read_number(text: str) -> int | None:
    """Parses a whole number from a hidden form field; returns ``None`` for anything else."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 18 else None
