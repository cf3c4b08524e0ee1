"""Pins that readers don't get to see, or soon won't: what an editor should look at."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from recommender.visibility import NEVER
from service.decisions.decision_state import Kind, Override
from service.serving.serving_view import Served
from service.serving.visibility_status import Standing, standing


class Reason(enum.StrEnum):
    """Why a pin is without effect."""

    NO_ARTICLE = "no-article"
    NO_TARGET = "no-target"
    SAME_STORY = "same-story"
    SCHEDULED = "scheduled"
    EXPIRED = "expired"
    EXPIRES = "expires"
    UNPUBLISHED = "unpublished"
    TAKEN_DOWN = "taken-down"


_SENTENCES = {
    Reason.NO_ARTICLE: "the article itself is not in the live build, so nothing can be pinned",
    Reason.NO_TARGET: "the pinned {target} is not in the live build",
    Reason.SAME_STORY: "the pinned {target} is another version of the article itself",
    Reason.SCHEDULED: "the pinned {target} is not visible yet",
    Reason.EXPIRED: "the pinned {target} is not visible any more",
    Reason.EXPIRES: "the pinned {target} will not be visible any more before the pin ends",
    Reason.UNPUBLISHED: "the pinned {target} is not published",
    Reason.TAKEN_DOWN: "the pinned {target} is taken down",
}

_STANDINGS = {
    Standing.SCHEDULED: Reason.SCHEDULED,
    Standing.EXPIRED: Reason.EXPIRED,
    Standing.UNPUBLISHED: Reason.UNPUBLISHED,
    Standing.TAKEN_DOWN: Reason.TAKEN_DOWN,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """One pin without effect.

    Attributes:
        override: The pin.
        reason: Why.
        moment: For ``scheduled`` when it begins to work, for ``expires`` when it ceases to;
            microseconds since 1970 UTC.
    """

    override: Override
    reason: Reason
    moment: int | None = None

    def sentence(self) -> str:
        """For people."""
        return _SENTENCES[self.reason].format(target=self.override.target_id)


def find_alerts(served: Served, *, now: int) -> list[Alert]:
    """Every pin that holds at ``now`` and is without effect, now or before it ends.

    A hide of something that is not there does no harm, and is none.

    Args:
        served: The live build under what editors decided.
        now: Microseconds since 1970 UTC.
    """
    return [
        alert
        for some in served.state.overrides.values()
        for override in some
        if override.kind is Kind.PIN and now < override.until
        if (alert := check_pin(served, override, now=now)) is not None
    ]


def check_pin(served: Served, pin: Override, *, now: int) -> Alert | None:
    """Why a pin is without effect, now or before it ends; ``None`` if it does what it says."""
    build = served.build
    row, target = build.row(pin.article_id), build.row(pin.target_id)
    if row is None:
        return Alert(override=pin, reason=Reason.NO_ARTICLE)
    if target is None:
        return Alert(override=pin, reason=Reason.NO_TARGET)
    if build.stories[row] == build.stories[target]:
        return Alert(override=pin, reason=Reason.SAME_STORY)
    start, end = (int(instant) for instant in build.visibility[target])
    reason = _STANDINGS.get(standing(served, target, now))
    if reason is not None:
        moment = start if reason is Reason.SCHEDULED else None
        return Alert(override=pin, reason=reason, moment=moment)
    if end != NEVER and end < pin.until:
        return Alert(override=pin, reason=Reason.EXPIRES, moment=end)
    return None
