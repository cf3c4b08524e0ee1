"""A thread for what may take its time, which gets the processor when page views leave it."""

from __future__ import annotations

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

_NICE = 10


def background_thread(name: str) -> ThreadPoolExecutor:
    """One thread, with less of the processor for it and for those that it starts."""
    return ThreadPoolExecutor(1, thread_name_prefix=name, initializer=_yield_to_all)


def _yield_to_all() -> None:
    with suppress(OSError, AttributeError):  # where threads have no niceness of their own
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICE)
