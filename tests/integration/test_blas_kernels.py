"""Matrices are multiplied with the best kernels, and in one thread where more would wait."""

from __future__ import annotations

import os
import platform
import subprocess
import sys

import pytest
from threadpoolctl import ThreadpoolController, threadpool_limits

from recommender.blas_kernels import kernels, one_thread

IMPORT = """
import os
from recommender import blas_kernels
kernels = blas_kernels.kernels
blas_kernels.kernels = lambda library: {chosen!r}
import recommender.faiss_index
print(kernels("faiss"), os.environ.get("OPENBLAS_CORETYPE"))
"""

pytestmark = pytest.mark.skipif(
    platform.machine() != "x86_64" or kernels("numpy") is None,
    reason="NumPy uses no OpenBLAS for x86-64 here",
)


def faiss_kernels(chosen: str, **environment: str) -> list[str]:
    """The kernels of FAISS if NumPy chose these, and what the environment says afterwards."""
    inherited = {name: value for name, value in os.environ.items() if name != "OPENBLAS_CORETYPE"}
    done = subprocess.run(
        [sys.executable, "-c", IMPORT.format(chosen=chosen)],
        env=inherited | environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.split()


@pytest.mark.parametrize(
    ("chosen", "taken"), [("Nehalem", "Nehalem"), ("SapphireRapids", "SkylakeX")]
)
def test_faiss_takes_the_kernels_of_numpy(chosen: str, taken: str) -> None:
    assert faiss_kernels(chosen) == [taken, "None"]


def test_an_operator_s_choice_stands() -> None:
    assert faiss_kernels("Nehalem", OPENBLAS_CORETYPE="Core2") == ["Core2", "Core2"]


def test_a_library_without_openblas_has_none() -> None:
    assert kernels("no such library") is None


def test_one_thread_is_one_meanwhile_and_as_many_as_before_afterwards() -> None:
    libraries = ThreadpoolController().select(user_api="blas")

    def threads() -> set[int]:
        return {library["num_threads"] for library in libraries.info()}

    with threadpool_limits(2, user_api="blas"):
        with one_thread():
            assert threads() == {1}
        assert threads() == {2}
