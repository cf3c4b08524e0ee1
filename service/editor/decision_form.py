"""The form for one decision: filled in from an earlier one, and read when it comes back."""

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
"""What the form can do: pin, hide here, hide as not related, take down."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionForm:
    """A form for one decision, as it was filled in.

    Attributes:
        do: ``pin``, ``hide``, ``unrelated`` or ``everywhere``.
        position: For a pin.
        reason: Why.
        ends: ``never``, a number of days, or ``date`` for ``until``.
        until: A local moment as a browser writes it.
        version: The version of the list that the editor looked at; empty for any.
        seen: The last entry of the audit trail at that moment.
    """

    do: str
    position: str = ""
    reason: str = ""
    ends: str = "never"
    until: str = ""
    version: str = ""
    seen: str = ""

    def pinned_at(self) -> int | None:
        """The position; ``None`` for anything but a pin.

        Raises:
            DecisionError: If it is no number.
        """
        if self.do != "pin":
            return None
        if not self.position.isascii() or not self.position.isdecimal():
            raise DecisionError("position", f"the position is {self.position[:20]!r}, not a number")
        return int(self.position[:6])

    def end(self, now: int, zone: ZoneInfo) -> int:
        """When the decision ends, microseconds since 1970 UTC.

        Raises:
            DecisionError: If that is no moment.
        """
        if self.ends == "never":
            return NEVER
        if self.ends in ("1", "7", "30"):
            return now + int(self.ends) * _DAY
        try:
            return read_local_moment(self.until, zone)
        except (ValueError, OverflowError):
            raise DecisionError(
                "until", "choose the date and time at which it ends, or “never”"
            ) from None

    def describe(self, title: str) -> str:
        """What the editor wants to do, as the end of a sentence."""
        if self.do == "pin":
            return f"pin “{title}” at {self.position}"
        what = {"hide": "hide", "unrelated": "hide as not related"}.get(self.do, "take down")
        return f"{what} “{title}”"


def prefilled_form(
    stored: StoredOverride | None, do: str, *, now: int, zone: ZoneInfo, position: int
) -> DecisionForm:
    """The form as it comes up first: with the earlier decision of this kind, else empty.

    Args:
        stored: The earlier decision about this article in this list.
        do: What the editor wants to do.
        now: Microseconds since 1970 UTC.
        zone: The time zone of the form.
        position: Suggested for a new pin.
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
    """A whole number that a page of ours wrote; ``None`` for anything else."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 18 else None
