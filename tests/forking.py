"""Processes forked from one that has everything imported: a kill meets work, not a start."""

from __future__ import annotations

import functools
import os
from multiprocessing import forkserver, get_context
from multiprocessing.context import ForkServerContext
from pathlib import Path

import pytest

MODULES = ("test_keeper", "test_crash", "test_database_killed", "test_serving_history")
"""What they run; imported once, as these tests start hundreds of processes."""


@functools.cache
def forked() -> ForkServerContext:
    """The context whose processes are forked from that one, which is started when first needed."""
    context = get_context("forkserver")
    context.set_forkserver_preload(list(MODULES))
    with pytest.MonkeyPatch.context() as patch:
        # Before 3.13 that process looks for modules without this one's path, and finds none.
        patch.setenv("PYTHONPATH", os.pathsep.join([str(Path(__file__).parent), str(Path.cwd())]))
        forkserver.ensure_running()
    return context
