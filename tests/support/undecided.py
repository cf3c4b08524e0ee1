"""A source of decisions for services that nobody decides anything for."""

from __future__ import annotations

from service.decisions.decision_state import NO_STATE, DecisionState
from service.decisions.poller import PolledState


class Undecided:
    """The keeper of a service that nobody decides anything for."""

    kept = PolledState(state=NO_STATE, problem=None)

    def refresh(self) -> None:
        pass

    def poll(self) -> DecisionState | None:
        return NO_STATE
