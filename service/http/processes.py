"""Checks whether a process runs, and ends workers when their parent process is gone."""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import threading
import time

log = logging.getLogger("alsolike")


def is_running(pid: int) -> bool:
    """Whether a process with this id exists."""
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True


def end_with_parent(grace: float) -> None:
    """Ends this process once its parent process is gone; does nothing in a main process.

    Args:
        grace: Seconds after SIGTERM until the process is ended by force.
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
