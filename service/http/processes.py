"""Processes of a server: whether one is there, and workers that end with the one behind them."""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import threading
import time

log = logging.getLogger("alsolike")


def is_running(pid: int) -> bool:
    """Whether there is a process with this number."""
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True


def end_with_parent(grace: float) -> None:
    """End this process once the one that started it is gone; nothing for one of its own.

    Args:
        grace: Seconds after which it ends though its loop does not mind being told to.
    """
    parent = multiprocessing.parent_process()
    if parent is None:
        return

    def follow() -> None:
        parent.join()
        log.error("the process that started this worker is gone, so it ends too")
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(grace)
        os._exit(1)

    threading.Thread(target=follow, name="parent", daemon=True).start()
