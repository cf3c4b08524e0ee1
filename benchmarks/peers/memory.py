"""Memory of a process with everything it started, shared pages counted once."""

from __future__ import annotations

import os
import threading
from contextlib import suppress
from pathlib import Path
from types import TracebackType

_EVERY = 0.1


def proportional_bytes(pid: int) -> int:
    """A process's proportional set size; 0 once it is gone."""
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    return 0


def descendants(pid: int) -> list[int]:
    """Every process that one started, itself not among them."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            with suppress(OSError):
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
                children.setdefault(int(fields[1]), []).append(int(entry.name))
    found = list(children.get(pid, ()))
    for child in found:
        found.extend(children.get(child, ()))
    return found


class PeakMemory:
    """The most memory that this process, beyond what it had, and its descendants ever held.

    A context manager; sampled ten times a second.

    Args:
        before: What this process had, in bytes: corpus and harness, none of the peer's code.

    Attributes:
        peak: Bytes.
    """

    def __init__(self, before: int) -> None:
        self.peak = 0
        self._own = before
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> PeakMemory:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._done.set()
        self._thread.join()
        self._sample()

    def _watch(self) -> None:
        while not self._done.wait(_EVERY):
            self._sample()

    def _sample(self) -> None:
        own = proportional_bytes(os.getpid()) - self._own
        self.peak = max(self.peak, own + sum(map(proportional_bytes, descendants(os.getpid()))))
