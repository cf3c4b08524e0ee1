"""Checks whether a process runs, and ends worker processes when the main process is gone."""

import logging
import multiprocessing
import os
import signal
import threading
import time

log = logging.getLogger("alsolike")

METRICS_DIRECTORY = "PROMETHEUS_MULTIPROC_DIR"
"""The environment variable that names the folder in which workers store their metrics."""


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
    """Starts a thread that ends this process when its parent process is gone.

    So no worker goes on alone after the main process was killed. Does nothing in the main process.

    Args:
        grace: Seconds that the process gets to stop after SIGTERM, before it is ended by force.
    """
    parent = multiprocessing.parent_process()
    if parent is None:
        return

    def end_after_parent() -> None:
        parent.join()
        log.error("this worker stops because its parent process is gone")
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(grace)
        os._exit(1)

    threading.Thread(target=end_after_parent, name="parent", daemon=True).start()
