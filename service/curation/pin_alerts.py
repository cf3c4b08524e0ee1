"""Warns editors about pins and rules that have no effect, or lose their effect before they end."""

import enum
from dataclasses import dataclass

from index.query import RelatedQuery
from recommender.visibility import NEVER
from service.decisions.decision_state import Override, OverrideKind
from service.decisions.list_scope import is_rule, name_scope
from service.serving.list_rules import tag_number
from service.serving.selection import select
from service.serving.serving_view import ServingView, VisibilityStatus, visibility_status


class AlertReason(enum.StrEnum):
    """Why a pin or rule has no effect, or will soon have none; ``trouble`` says it in words."""

    trouble: str

    NO_TAG = "no-tag", "has no effect: no article has the tag"
    NO_ARTICLE = "no-article", "has no list: the article itself is not in the live build"
    NO_TARGET = "no-target", "is not in the live build"
    SAME_STORY = "same-story", "is another version of the article itself"
    SCHEDULED = "scheduled", "is not visible yet"
    EXPIRED = "expired", "is no longer visible"
    EXPIRES = "expires", "stops being visible before the pin ends"
    UNPUBLISHED = "unpublished", "is unpublished"
    TAKEN_DOWN = "taken-down", "is taken down"
    BELOW_LIST = "below-list", "is below the last article that the list shows"
    STORY_SHOWN = "story-shown", "is another version of an article that the list shows"

    def __new__(cls, value: str, trouble: str = "") -> "AlertReason":
        """Makes a member of its value and its words."""
        reason = str.__new__(cls, value)
        reason._value_, reason.trouble = value, trouble
        return reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """A warning about a pin or rule that has no effect now, or will have none before it ends.

    Attributes:
        override: The pin or rule.
        reason: Why it has no effect, or will have none.
        moment: When the pinned article appears (``scheduled``) or disappears (``expires``), in
            microseconds since 1970 UTC; else ``None``.
    """

    override: Override
    reason: AlertReason
    moment: int | None = None

    @property
    def trouble(self) -> str:
        """Why a pin has no effect, as the end of a sentence on its article: ``is unpublished``."""
        return self.reason.trouble

    def sentence(self) -> str:
        """Returns the warning as text for editors, such as ``the pinned news/7 is unpublished``."""
        if self.reason is AlertReason.NO_TAG:
            return f"the rule about {name_scope(self.override.target_id)} {self.trouble}"
        return f"the pinned {self.override.target_id} {self.trouble}"


def find_alerts(served: ServingView, *, now: int, query: RelatedQuery) -> list[Alert]:
    """Finds all pins and rules that have no effect now, or will have none before they end.

    A hide of an article that is not in the build does no harm, so it raises no alert.

    Args:
        served: The published build with the editors' decisions.
        now: The current time, in microseconds since 1970 UTC.
        query: What the site asks for by default: how many articles, and which.
    """
    return [
        alert
        for override in served.state.in_force(now)
        if (alert := check_override(served, override, now=now, query=query)) is not None
    ]


def check_override(
    served: ServingView, pin: Override, *, now: int, query: RelatedQuery
) -> Alert | None:
    """Returns the warning about a pin or rule; ``None`` if it has an effect now and until it ends.

    Args:
        served: The published build with the editors' decisions.
        pin: The pin, hide or rule to check; for a hide without a tag the result is ``None``.
        now: The current time, in microseconds since 1970 UTC.
        query: What the site asks for by default: how many articles, and which.
    """
    build = served.build
    row, target = build.row(pin.article_id), build.row(pin.target_id)
    scopes, by_rule = (pin.article_id, pin.target_id), is_rule(pin.article_id)
    if any(is_rule(scope) and tag_number(build, scope) is None for scope in scopes):
        return Alert(override=pin, reason=AlertReason.NO_TAG)
    if pin.kind is OverrideKind.HIDE:
        return None
    if row is None and not by_rule:
        return Alert(override=pin, reason=AlertReason.NO_ARTICLE)
    if target is None:
        return Alert(override=pin, reason=AlertReason.NO_TARGET)
    if row is not None and build.stories[row] == build.stories[target]:
        return Alert(override=pin, reason=AlertReason.SAME_STORY)
    start, end = (int(instant) for instant in build.visibility[target])
    standing = visibility_status(served, target, now)
    if standing is not VisibilityStatus.VISIBLE:
        moment = start if standing is VisibilityStatus.SCHEDULED else None
        return Alert(override=pin, reason=AlertReason(standing), moment=moment)
    if pin.position is not None and pin.position > query.limit:
        return Alert(override=pin, reason=AlertReason.BELOW_LIST)
    if row is not None and all(
        item.row != target for item in select(served, row, now=now, query=query)
    ):
        return Alert(override=pin, reason=AlertReason.STORY_SHOWN)
    if end != NEVER and end < pin.until:
        return Alert(override=pin, reason=AlertReason.EXPIRES, moment=end)
    return None
