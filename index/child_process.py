"""Starts child processes that run a function of this program and end with their parent."""

import multiprocessing
import os
import subprocess
import sys
from collections.abc import Callable
from multiprocessing.connection import Connection

_MAIN = (
    "import importlib, sys; sys.path[:] = sys.argv[4:]; "
    "serve = getattr(importlib.import_module(sys.argv[1]), sys.argv[2]); "
    "serve(*map(int, sys.argv[3].split()))"
)

_ENVIRONMENT = {
    "ARROW_DEFAULT_MEMORY_POOL": "system",
    "OMP_NUM_THREADS": "1",
    # The C library keeps up to this much freed memory: to get it anew from the system for each
    # block would take as long as a tenth of the work on it.
    "MALLOC_MMAP_THRESHOLD_": str(2**25),
    "MALLOC_TRIM_THRESHOLD_": str(2**27),
}


def start_child(
    serve: Callable[..., None], *numbers: int
) -> tuple[Connection, "subprocess.Popen[bytes]"]:
    """Starts a process that runs ``serve(descriptor, *numbers)``.

    Unlike those of the module multiprocessing, it does not import the main program again, whose
    author need not know of it. Its libraries use one thread for sums.

    Args:
        serve: A function of a module. It should receive from the connection with this file
            descriptor until that ends, as it does when this process ends in whatever way.
        numbers: More arguments.

    Returns:
        This end of the connection, and the process.
    """
    connection, theirs = multiprocessing.Pipe()
    with theirs:
        descriptor = theirs.fileno()
        arguments = " ".join(map(str, (descriptor, *numbers)))
        process = subprocess.Popen(  # noqa: S603 - this very program
            [sys.executable, "-c", _MAIN, serve.__module__, serve.__name__, arguments, *sys.path],
            pass_fds=(descriptor,),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, **_ENVIRONMENT},
        )
    return connection, process
