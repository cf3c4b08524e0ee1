"""Pickles work for other processes; arrays that are mapped from files travel as their paths.

Every machine of a cluster sees the root, so an array that is mapped from a file here is mapped from
the same file there. These pickles are sent, never written to a file.
"""

from __future__ import annotations

import hashlib
import io
from pathlib import Path
from typing import Any

import cloudpickle
import numpy as np
from numpy.typing import NDArray

from index.build.vectors import LocalIndex


def dumps(value: object) -> bytes:
    """Pickle ``value`` with its code; arrays that are mapped from files, and indexes, as paths."""
    buffer = io.BytesIO()
    _Pickler(buffer).dump(value)
    return buffer.getvalue()


def digest(value: object) -> bytes:
    """A digest of ``value``: equal for the same code and arrays of the same contents."""
    buffer = io.BytesIO()
    _Digester(buffer).dump(value)
    return hashlib.blake2b(buffer.getvalue(), digest_size=16).digest()


loads = cloudpickle.loads


class _Pickler(cloudpickle.Pickler):  # type: ignore[misc]  # it has no types
    def reducer_override(self, obj: Any) -> Any:
        """What stands for ``obj``: a function and what it is called with."""
        if isinstance(obj, np.ndarray):
            mapped = _mapped(obj)
            if mapped is not None:
                return _map, mapped
        return super().reducer_override(obj)


def _mapped(array: NDArray[Any]) -> tuple[str, str, tuple[int, ...], int] | None:
    """Path, type, shape and offset of an array whose bytes lie in a file as they are."""
    base: Any = array
    while base is not None and not isinstance(base, np.memmap):
        base = base.base if isinstance(base, np.ndarray) else None
    if base is None or base.filename is None or not array.flags.c_contiguous or not array.size:
        return None
    while isinstance(base.base, np.memmap):  # a part of a mapped array keeps the whole one's offset
        base = base.base
    offset = base.offset + array.ctypes.data - base.ctypes.data
    return str(Path(base.filename).resolve()), array.dtype.str, array.shape, int(offset)


def _map(path: str, dtype: str, shape: tuple[int, ...], offset: int) -> NDArray[Any]:
    return np.asarray(np.memmap(path, np.dtype(dtype), mode="r", offset=offset, shape=shape))


class _Digester(cloudpickle.Pickler):  # type: ignore[misc]  # it has no types
    def reducer_override(self, obj: Any) -> Any:
        """What stands for the contents of ``obj``; nobody reads it."""
        if isinstance(obj, LocalIndex):
            return str, (f"{obj.kind} of {obj.count}",)  # the rest of it lies in the embeddings
        if isinstance(obj, np.ndarray) and obj.dtype != object:
            content = hashlib.blake2b(np.ascontiguousarray(obj).data, digest_size=16)
            return str, (f"{obj.dtype} {obj.shape} {content.hexdigest()}",)
        return super().reducer_override(obj)
