"""Limits how many views and clicks one network address can add, without storing any address.

An address is kept as a hash, made with a secret that the process draws when it starts and that is
never written anywhere; ten minutes after its first event it is forgotten.
"""

import os
import time
from collections import OrderedDict
from collections.abc import Callable
from hashlib import blake2b

from service.clicks.click_events import ListEvent, Outcome

MAX_EVENTS_A_MINUTE = 120
"""How many events of one address are counted in a minute."""

MAX_VIEWS = 10
"""How many views of one list are counted for one address in ten minutes."""

MINUTE, TEN_MINUTES = 60.0, 600.0

MAX_ADDRESSES = 20_000
"""How many addresses of the last minute are known; then the oldest is forgotten early."""

MAX_LISTS = 50_000
"""How many lists of the last ten minutes are known, each with an address; then as above."""

_VIEWS, _CLICKED_VIEWS, _POSITIONS = 0, 1, 2


class ClickBounds:
    """Limits how many views and clicks one network address can add to the counts.

    It remembers what addresses reported in the last ten minutes; each process has its own memory.

    Args:
        clock: A function that returns monotonic time in seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._salt = os.urandom(16)
        self._minutes = _Windows(MINUTE, MAX_ADDRESSES, clock)
        self._lists = _Windows(TEN_MINUTES, MAX_LISTS, clock)

    def __len__(self) -> int:
        return len(self._minutes) + len(self._lists)

    def hashed(self, address: str) -> bytes:
        """Returns a keyed hash of a network address, 8 bytes, from which nobody can find it."""
        return blake2b(address.encode(), digest_size=8, key=self._salt).digest()

    def admit(
        self, address: bytes, signature: bytes, length: int, event: ListEvent
    ) -> tuple[Outcome, bool]:
        """Decides whether an event counts, and remembers it if it does.

        One address can add no more views of a link than views of its list, and no more clicks on a
        link than views of it. A list that the event says to report *again*, but that is not
        remembered, was reported to another process or more than ten minutes ago: all its links
        count as seen before.

        Args:
            address: The hash of the sender's address, as :meth:`hashed` returns it.
            signature: The signature of the list's placement, which identifies the list.
            length: The number of links in the list.
            event: What the page reports of the list.

        Returns:
            The outcome: counted, or why not; and whether the event has the first click in a view
            of the list.
        """
        minute = self._minutes.state(address, 1)
        if minute[0] == MAX_EVENTS_A_MINUTE:
            return Outcome.TOO_MANY, False
        minute[0] += 1
        seen, clicked = {*event.seen}, {*event.clicked}
        if not (seen or clicked) or max(seen | clicked) > length:
            return Outcome.ABSURD, False
        known = self._lists.state(address + signature, _POSITIONS + 2 * length)
        views = known[_VIEWS] + (not event.again)
        if views > MAX_VIEWS:
            return Outcome.TOO_MANY, False
        before = known[_POSITIONS : _POSITIONS + length]
        if not views:
            views = 1
            before = bytearray(position not in seen for position in range(1, length + 1))
        for position in seen:
            before[position - 1] += 1
        after = known[_POSITIONS + length :]
        for position in clicked:
            after[position - 1] += 1
        if max(before) > views or any(map(int.__gt__, after, before)):
            return Outcome.ABSURD, False
        first = bool(clicked) and known[_CLICKED_VIEWS] < views
        known[:] = bytes((views, known[_CLICKED_VIEWS] + first)) + before + after
        return Outcome.COUNTED, first

    def forget(self) -> None:
        """Forgets the addresses whose first event is more than a minute or ten minutes ago."""
        self._minutes.forget()
        self._lists.forget()


class _Windows:
    """A state of some bytes for each key, for some time from the key's first use."""

    def __init__(self, seconds: float, most: int, clock: Callable[[], float]) -> None:
        self._seconds = seconds
        self._most = most
        self._clock = clock
        self._states: OrderedDict[bytes, tuple[float, bytearray]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._states)

    def state(self, key: bytes, size: int) -> bytearray:
        """Returns the state of a key, all zero at first; the caller may change it."""
        self.forget()
        found = self._states.get(key)
        if found is None:
            found = self._states[key] = self._clock(), bytearray(size)
            if len(self._states) > self._most:
                self._states.popitem(last=False)
        return found[1]

    def forget(self) -> None:
        """Forgets the keys whose time is over."""
        over = self._clock() - self._seconds
        while self._states and next(iter(self._states.values()))[0] <= over:
            self._states.popitem(last=False)
