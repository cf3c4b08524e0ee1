"""Processes of the server: whether one runs, and workers that end with their parent."""

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
    """End this process once its parent is gone; a process without one goes on.

    Args:
        grace: Seconds after SIGTERM at which the process ends in any case.
    """
    parent = multiprocessing.parent_process()
    if parent is None:
        return

    def end_after_parent() -> None:
        parent.join()
        log.error("the process that started this worker is gone, so it ends too")
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(grace)
        os._exit(1)

    threading.Thread(target=end_after_parent, name="parent", daemon=True).start()
