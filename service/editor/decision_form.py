"""The form in which an editor makes one decision, and what is shown after a conflict.

It is a conflict if another editor decided about the same article while this editor had the page
open.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from fastapi import Form

from index.build.build import Build
from recommender.visibility import NEVER
from service.curation.article_search import read_title
from service.decisions.audit_trail import AuditEntry
from service.editor.labels import label_override
from service.errors import DecisionError
from service.http.problems import ProblemError
from service.http.timestamps import read_local_moment

MOST_UNDONE = 2_000
"""Most characters of the numbers of decisions that are undone at once."""

_DAY = 86_400_000_000
DO = ("pin", "hide", "unrelated", "everywhere")
"""The actions to choose from: pin, hide in this list, hide as not related, take down."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionForm:
    """The values of the form for one decision, as text.

    Attributes:
        do: The action: ``pin``, ``hide``, ``unrelated`` (hide as not related) or ``everywhere``
            (take down).
        position: The position at which to pin the article, from 1.
        reason: The editor's reason.
        ends: When the decision ends: ``never``; after ``1``, ``7`` or ``30`` days; or ``date``
            for the time in ``until``.
        until: A local date and time, as the browser sends it: ``2026-12-31T18:00``.
        seen: The number of the last audit entry when the editor loaded the page; empty to overrule
            what other editors decided since then.
        follows: The numbers of the audit entries that this decision adds to, such as a reason to a
            hide, with commas between them; the notice offers to undo all of them at once.
    """

    do: Annotated[str, Form()]
    position: Annotated[str, Form()] = ""
    reason: Annotated[str, Form()] = ""
    ends: Annotated[str, Form()] = "never"
    until: Annotated[str, Form()] = ""
    seen: Annotated[str, Form()] = ""
    follows: Annotated[str, Form(max_length=MOST_UNDONE)] = ""

    def pinned_at(self, limit: int) -> int | None:
        """Returns the position, from 1, that the editor entered for a pin; ``None`` for a hide.

        Args:
            limit: How many articles a list shows, which is the last possible position.

        Raises:
            DecisionError: If the position is not a whole number from 1 to ``limit``.
        """
        if self.do != "pin":
            return None
        position = read_position(self.position)
        if not 1 <= position <= limit:
            raise DecisionError(
                "position", f"the list shows {limit} articles; choose a position from 1 to {limit}"
            )
        return position

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
            raise DecisionError(
                "until", "choose a date and time for the decision's end, or “further notice”"
            ) from None

    def describe(self, title: str) -> str:
        """Returns what the form does, as the end of a sentence, such as ``hide “Title”``.

        Args:
            title: The title of the article to pin, hide or take down.
        """
        if self.do == "pin":
            return f"pin “{title}” at position {self.position}"
        what = {"hide": "hide", "unrelated": "hide as not related"}.get(self.do, "take down")
        return f"{what} “{title}”"


def read_number(text: str) -> int | None:
    """Parses a whole number from a hidden form field; returns ``None`` for anything else."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 18 else None


def read_position(text: str) -> int:
    """Parses the position of a pin that an editor entered.

    Raises:
        DecisionError: If it is not a whole number.
    """
    if (position := read_number(text.strip())) is None:
        raise DecisionError(
            "position", f"the position is {text[:20]!r}; enter a whole number from 1"
        )
    return position


def check_action(field: str, action: str, known: Collection[str]) -> None:
    """Checks that a form asks for an action that its page offers.

    Args:
        field: The form's field that names the action, for the error.
        action: The action.
        known: The actions of the page.

    Raises:
        ProblemError: 422 if it is none of them.
    """
    if action not in known:
        raise ProblemError(
            422,
            f"{action[:20]!r} is not an action of this page; reload it and use its buttons",
            field=field,
        )


def describe_conflict(
    build: Build, entries: Sequence[AuditEntry], when: Callable[[int], str]
) -> dict[str, Any]:
    """Returns what others decided meanwhile, for the template that tells an editor about it.

    Args:
        build: The build that titles are read from.
        entries: The audit entries of the other decisions, latest first.
        when: A function that writes a time, in microseconds since 1970 UTC, for people.

    Returns:
        ``who`` decided; and as ``changes`` for each article the pin, hide or takedown that was
        ``seen`` when the editor loaded the page, that of ``now``, and who changed it, when and why.
    """

    def label(values: Mapping[str, Any] | None) -> str:
        if not entries[0].action.startswith("takedown."):
            return "neither pinned nor hidden" if values is None else label_override(values)
        if values is None:
            return "not taken down"
        return f"taken down until {when(values['until'])}" if values["until"] else "taken down"

    changes = []
    for target_id in dict.fromkeys(entry.target_id for entry in entries):
        about = [entry for entry in entries if entry.target_id == target_id]
        changes.append(
            {
                "title": read_title(build, target_id or about[0].article_id),
                "seen": label(about[-1].before),
                "now": label(about[0].after),
                "who": about[0].who,
                "at": about[0].at,
                "reason": about[0].reason,
            }
        )
    return {
        "who": " and ".join(dict.fromkeys(entry.who for entry in reversed(entries))),
        "changes": changes,
    }
