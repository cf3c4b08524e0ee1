"""The views and clicks that a page reports of its lists, and the outcome of each report."""

import enum
from collections.abc import Mapping
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from index.query import MAX_LIMIT
from service.clicks.placement import MAX_PLACEMENT

MAX_EVENTS = 50


def _whole(value: object) -> object:
    """Converts 3.0 to 3: in JSON both are the same integer."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


Position = Annotated[int, Field(ge=1, le=MAX_LIMIT), BeforeValidator(_whole)]
Positions = Annotated[list[Position], Field(max_length=MAX_LIMIT)]


class Outcome(enum.StrEnum):
    """What became of a reported event: it was counted, or the reason why it was not."""

    COUNTED = "counted"
    OPTED_OUT = "opted-out"
    ROBOT = "robot"
    FOREIGN = "foreign"
    FORGED = "forged"
    OUTDATED = "outdated"
    UNKNOWN = "unknown"
    TOO_MANY = "too-many"
    ABSURD = "absurd"
    DROPPED = "dropped"


REASONS: Mapping[str, str] = {
    Outcome.OPTED_OUT: "browsers that ask not to be counted",
    Outcome.ROBOT: "a robot",
    Outcome.FOREIGN: "from a site that is not in cors_origins",
    Outcome.FORGED: "not a list of this service",
    Outcome.OUTDATED: "a list of an old build",
    Outcome.UNKNOWN: "an article that is no longer there",
    Outcome.TOO_MANY: "too many from one address",
    Outcome.ABSURD: "impossible, such as a click on what was never seen",
    Outcome.DROPPED: "could not be stored",
}
"""Why events don't count, for people."""


class ListEvent(BaseModel):
    """The links of one list that a reader of a page saw and clicked."""

    model_config = ConfigDict(extra="forbid", strict=True, use_attribute_docstrings=True)

    placement: Annotated[str, Field(max_length=MAX_PLACEMENT)]
    """the list's placement, as it came with the list"""

    seen: Positions = []
    """the positions that came into view, from 1; those reported before are left out"""

    clicked: Positions = []
    """the positions that were clicked, from 1; they came into view now or before"""

    again: bool = False
    """whether this page view has reported this list before"""


class EventBatch(BaseModel):
    """A page's report of the links that its reader saw and clicked, list by list."""

    model_config = ConfigDict(extra="forbid", strict=True, use_attribute_docstrings=True)

    events: Annotated[list[ListEvent], Field(min_length=1, max_length=MAX_EVENTS)]
    """one event for each list"""
