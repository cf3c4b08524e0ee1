"""A thread with low CPU priority, for work that must not slow down requests."""

from __future__ import annotations

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

_NICE = 10


def background_thread(name: str) -> ThreadPoolExecutor:
    """Returns an executor that runs tasks one after another on a thread with low CPU priority.

    Threads that its tasks start have the same low priority.

    Args:
        name: The beginning of the thread's name.
    """
    return ThreadPoolExecutor(1, thread_name_prefix=name, initializer=_lower_priority)


def _lower_priority() -> None:
    with suppress(OSError, AttributeError):  # some systems only have priorities of processes
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICE)
