"""Pickles functions and their data for other processes; a memory-mapped array becomes its path.

Every machine of a cluster can access the root, so an array that is mapped from a file on one
machine can be mapped from the same file on another. These pickles are only sent to other processes,
never written to a file.
"""

import hashlib
import io
from typing import Any

import cloudpickle
import numpy as np

from index.build.vectors import LocalIndex
from index.files import map_part, mapped_part


def dumps(value: object) -> bytes:
    """Pickles ``value`` and the code of its functions and classes.

    Memory-mapped arrays and indexes are pickled as the paths of their files.
    """
    buffer = io.BytesIO()
    _Pickler(buffer).dump(value)
    return buffer.getvalue()


def digest(value: object) -> bytes:
    """Returns a digest of ``value``, equal for values with the same code and the same contents."""
    buffer = io.BytesIO()
    _Digester(buffer).dump(value)
    return hashlib.blake2b(buffer.getvalue(), digest_size=16).digest()


loads = cloudpickle.loads


class _Pickler(cloudpickle.Pickler):  # type: ignore[misc]  # it has no types
    def reducer_override(self, obj: Any) -> Any:
        """Returns the function and arguments that recreate ``obj`` when it is unpickled."""
        if isinstance(obj, np.ndarray):
            mapped = mapped_part(obj)
            if mapped is not None:
                return map_part, mapped
        return super().reducer_override(obj)


class _Digester(cloudpickle.Pickler):  # type: ignore[misc]  # it has no types
    def reducer_override(self, obj: Any) -> Any:
        """Returns what to pickle in place of ``obj``: a value that depends on its contents only.

        Only the digest of the pickle is used, so it is never unpickled.
        """
        if isinstance(obj, LocalIndex):
            return str, (f"{obj.kind} of {obj.count}",)  # all else follows from the embeddings
        if isinstance(obj, np.ndarray) and obj.dtype != object:
            content = hashlib.blake2b(np.ascontiguousarray(obj).data, digest_size=16)
            return str, (f"{obj.dtype} {obj.shape} {content.hexdigest()}",)
        return super().reducer_override(obj)
