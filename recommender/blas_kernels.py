"""How libraries compute with matrices on this machine: by which kernels, in how many threads."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import threadpoolctl

_VARIABLE = "OPENBLAS_CORETYPE"

# Newer kernels that an older OpenBLAS does not have, each with the one that it has instead.
_OLDER = {"SapphireRapids": "SkylakeX", "Cooperlake": "SkylakeX"}


def kernels(library: str) -> str | None:
    """Return the name of the kernels that a library's OpenBLAS chose for this processor.

    Args:
        library: A part of the path of the loaded library, such as ``numpy``.

    Returns:
        ``SkylakeX``, ``Haswell`` or another; ``None`` if the library uses no OpenBLAS.
    """
    for loaded in threadpoolctl.threadpool_info():
        if loaded["internal_api"] == "openblas" and library in loaded["filepath"]:
            return str(loaded["architecture"])
    return None


@contextmanager
def kernels_of_numpy() -> Iterator[None]:
    """Have a library that is imported meanwhile use the kernels that NumPy has chosen.

    FAISS's wheel holds an OpenBLAS of 2021. For a processor that it does not know, it takes kernels
    for one of 2004, which are four times slower. ``OPENBLAS_CORETYPE`` in the environment has
    precedence.
    """
    chosen = kernels(str(Path(np.__file__).parent))  # and of numpy.libs beside it
    if chosen is None or _VARIABLE in os.environ:
        yield
        return
    os.environ[_VARIABLE] = _OLDER.get(chosen, chosen)
    try:
        yield
    finally:
        del os.environ[_VARIABLE]


@contextmanager
def one_thread() -> Iterator[None]:
    """Have NumPy and SciPy compute with matrices in one thread meanwhile, wherever in the process.

    Threads that wait for each other at every step of a small problem keep a core busy with waiting;
    where something else runs on the machine, they took hundreds of times as long as one alone.
    """
    with threadpoolctl.threadpool_limits(1, user_api="blas"):
        yield
