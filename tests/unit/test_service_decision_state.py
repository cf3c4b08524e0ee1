"""What changed between two states of decisions is known, or said not to be."""

from __future__ import annotations

from recommender.visibility import NEVER
from service.decisions.decision_state import DecisionState, StateChanges

FIRST = DecisionState(database="one", version=1, takedowns={"kelp": NEVER})
LATER = StateChanges(database="one", since=1, version=2, takedowns={"reef": 7})


def test_what_changed_is_known_since_the_state_that_the_changes_were_applied_to() -> None:
    state = FIRST.after(LATER)
    assert state.takedowns == {"kelp": NEVER, "reef": 7}
    assert state.changes_since(FIRST) is LATER
    nothing = state.changes_since(state)
    assert nothing is not None
    assert (nothing.database, nothing.since, nothing.version) == ("one", 2, 2)
    assert not nothing.takedowns


def test_what_changed_since_any_other_state_is_not_known() -> None:
    state = FIRST.after(LATER)
    for other in (
        DecisionState(database="one", version=0),
        DecisionState(database="two", version=1),
    ):
        assert state.changes_since(other) is None
    assert FIRST.changes_since(state) is None
