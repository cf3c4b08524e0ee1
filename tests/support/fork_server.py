"""Processes forked from one that has everything imported: a kill meets work, not a start."""

from __future__ import annotations

import functools
from multiprocessing import forkserver, get_context
from multiprocessing.context import ForkServerContext
from pathlib import Path

import pytest

MODULES = (
    "tests.integration.test_build_crash",
    "tests.integration.test_decision_database_killed",
    "tests.integration.test_decision_state",
    "tests.integration.test_serving_history",
)
"""What they run; imported once, as these tests start hundreds of processes."""


@functools.cache
def forked() -> ForkServerContext:
    """The context whose processes are forked from that one, which is started when first needed."""
    context = get_context("forkserver")
    context.set_forkserver_preload(list(MODULES))
    with pytest.MonkeyPatch.context() as patch:
        # Before 3.13 that process looks for modules without this one's path, and finds none.
        patch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
        forkserver.ensure_running()
    return context
