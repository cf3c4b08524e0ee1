"""A thread with low CPU priority, for work that must not slow down page views."""

from __future__ import annotations

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

_NICE = 10


def background_thread(name: str) -> ThreadPoolExecutor:
    """Returns an executor with one low-priority thread.

    Threads that this thread starts have the same low priority.
    """
    return ThreadPoolExecutor(1, thread_name_prefix=name, initializer=_lower_priority)


def _lower_priority() -> None:
    with suppress(OSError, AttributeError):  # not every system has a priority per thread
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICE)
