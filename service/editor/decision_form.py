"""The form for one decision: the values that it shows at first, and those that editors enter."""

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
"""The actions of the form: pin, hide in this list, hide as not related, take down."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionForm:
    """The values of the form for one decision, as text.

    Attributes:
        do: The action: ``pin``, ``hide``, ``unrelated`` (hide as not related) or ``everywhere``
            (take down).
        position: The position of a pin.
        reason: The editor's reason.
        ends: ``never``, a number of days, or ``date`` if the decision ends at ``until``.
        until: A local date and time, as sent by the browser.
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
        """Returns the position that the editor entered for a pin; ``None`` for other actions.

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
        """Describes what the editor wants to do, as the end of a sentence."""
        if self.do == "pin":
            return f"pin “{title}” at position {self.position}"
        what = {"hide": "hide", "unrelated": "hide as not related"}.get(self.do, "take down")
        return f"{what} “{title}”"


def prefilled_form(
    stored: StoredOverride | None, do: str, *, now: int, zone: ZoneInfo, position: int
) -> DecisionForm:
    """Returns the values that the form shows at first.

    They are those of an existing decision of the same kind; without one, the defaults.

    Args:
        stored: The existing decision about this article in this list, if there is one.
        do: The action that the editor chose.
        now: Microseconds since 1970 UTC.
        zone: The time zone of the form.
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
