"""How much one address can add to the counts, and how long it is remembered."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.clicks import click_bounds
from service.clicks.click_bounds import MAX_EVENTS_A_MINUTE, MAX_VIEWS, ClickBounds
from service.clicks.click_events import ListEvent, Outcome

ITEMS = 6


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


class Sender:
    """One address that reports one list of six."""

    def __init__(self, name: str = "192.0.2.7", clock: Clock | None = None) -> None:
        self.clock = clock or Clock()
        self.bounds = ClickBounds(self.clock)
        self.address = self.bounds.hashed(name)

    def send(
        self,
        seen: list[int],
        clicked: list[int] | None = None,
        *,
        again: bool = False,
        of: bytes = b"list",
    ) -> tuple[Outcome, bool]:
        event = ListEvent(placement="", seen=seen, clicked=clicked or [], again=again)
        return self.bounds.admit(self.address, of, ITEMS, event)


def test_a_view_and_its_click_count_and_the_first_click_is_told() -> None:
    sender = Sender()
    assert sender.send([1, 2, 3], [2]) == (Outcome.COUNTED, True)
    assert sender.send([4], [4], again=True) == (Outcome.COUNTED, False)
    assert sender.send([1], again=False) == (Outcome.COUNTED, False)
    assert sender.send([], [1], again=True) == (Outcome.COUNTED, True)


@pytest.mark.parametrize(
    ("seen", "clicked", "again"),
    [
        ([], [], False),
        ([7], [], False),
        ([1], [7], False),
        ([1], [2], False),
        ([], [1], False),
        ([], [], True),
        ([7], [], True),
    ],
    ids=str,
)
def test_what_can_t_have_happened_is_absurd(
    seen: list[int], clicked: list[int], again: bool
) -> None:
    assert Sender().send(seen, clicked, again=again) == (Outcome.ABSURD, False)


def test_nothing_of_an_absurd_event_is_remembered() -> None:
    sender = Sender()
    sender.send([1, 2])
    assert sender.send([3], [4], again=True)[0] is Outcome.ABSURD
    assert sender.send([3], [3], again=True)[0] is Outcome.COUNTED


def test_a_list_reported_again_adds_nothing_twice() -> None:
    sender = Sender()
    sender.send([1, 2], [1])
    assert sender.send([1], again=True)[0] is Outcome.ABSURD
    assert sender.send([], [1], again=True)[0] is Outcome.ABSURD
    assert sender.send([], [2], again=True)[0] is Outcome.COUNTED
    assert sender.send([], [2], again=True)[0] is Outcome.ABSURD


def test_a_list_whose_first_report_went_elsewhere_is_taken_for_seen_whole() -> None:
    sender = Sender()
    assert sender.send([3], [2, 3], again=True) == (Outcome.COUNTED, True)
    assert sender.send([4], again=True)[0] is Outcome.ABSURD
    assert sender.send([], [2], again=True)[0] is Outcome.ABSURD
    assert sender.send([1], [1])[0] is Outcome.COUNTED


def test_views_of_a_list_are_bounded_for_ten_minutes_from_the_first() -> None:
    sender = Sender()
    for _ in range(MAX_VIEWS):
        assert sender.send([1])[0] is Outcome.COUNTED
    assert sender.send([1])[0] is Outcome.TOO_MANY
    assert sender.send([1], of=b"another")[0] is Outcome.COUNTED
    sender.clock.now += 599.9
    assert sender.send([1])[0] is Outcome.TOO_MANY
    sender.clock.now += 0.1
    assert sender.send([1])[0] is Outcome.COUNTED


def test_events_of_an_address_are_bounded_by_the_minute_whatever_they_say() -> None:
    sender = Sender()
    outcomes = [sender.send([9], of=bytes([n])) for n in range(MAX_EVENTS_A_MINUTE)]
    assert {outcome for outcome, _ in outcomes} == {Outcome.ABSURD}
    assert sender.send([1])[0] is Outcome.TOO_MANY
    sender.address = sender.bounds.hashed("192.0.2.8")
    assert sender.send([1])[0] is Outcome.COUNTED
    sender.address = sender.bounds.hashed("192.0.2.7")
    sender.clock.now += 60
    assert sender.send([1])[0] is Outcome.COUNTED


@given(
    st.lists(
        st.tuples(
            st.lists(st.integers(1, ITEMS + 1), max_size=8),
            st.lists(st.integers(1, ITEMS + 1), max_size=8),
            st.booleans(),
        ),
        max_size=60,
    )
)
def test_whatever_is_sent_no_item_is_seen_more_often_than_the_list_nor_clicked_more_than_seen(
    reports: list[tuple[list[int], list[int], bool]],
) -> None:
    sender = Sender()
    sender.send([1])
    views, seen, clicked = 1, [0, 1] + [0] * ITEMS, [0] * (ITEMS + 2)
    lists_clicked = 0
    for report in reports:
        outcome, first = sender.send(report[0], report[1], again=report[2])
        if outcome is Outcome.COUNTED:
            views += not report[2]
            lists_clicked += first
            for position in {*report[0]}:
                seen[position] += 1
            for position in {*report[1]}:
                clicked[position] += 1
        assert max(seen) <= views <= MAX_VIEWS
        assert all(c <= s for c, s in zip(clicked, seen, strict=True))
        assert lists_clicked <= views


def test_addresses_are_kept_as_hashes_of_this_process_and_forgotten() -> None:
    clock = Clock()
    sender, other = Sender(clock=clock), Sender(clock=clock)
    assert sender.address != other.address
    sender.send([1])
    assert len(sender.bounds) == 2
    clock.now += 600
    sender.bounds.forget()
    assert len(sender.bounds) == 0


def test_however_many_addresses_send_few_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(click_bounds, "MAX_ADDRESSES", 10)
    monkeypatch.setattr(click_bounds, "MAX_LISTS", 20)
    sender = Sender()
    for number in range(100):
        sender.address = sender.bounds.hashed(str(number))
        assert sender.send([1])[0] is Outcome.COUNTED
    assert len(sender.bounds) == 30
