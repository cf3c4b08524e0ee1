"""stdout and stderr that are full, closed, or of an encoding that lacks letters.

What a command did decides how it ends, not whether someone could be told: a write that fails is
remembered, and raises nothing in the midst of the work.
"""

from __future__ import annotations

import errno
import io
import os
import sys
from typing import IO, Any


class _Steady(io.RawIOBase):
    """A descriptor that takes all that is written, whatever becomes of it.

    Attributes:
        failed: Why a write failed, if one did.
    """

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor
        self.failed: OSError | None = None
        self._closed: OSError | None = None
        try:
            os.fstat(descriptor)
        except OSError as error:
            self._closed = error
            # Or the next file that is opened would get the number, and what is printed.
            os.open(os.devnull, os.O_RDWR)

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self.descriptor

    def isatty(self) -> bool:
        return os.isatty(self.descriptor)

    def write(self, content: Any) -> int:
        try:
            if self._closed is not None:
                raise self._closed
            return os.write(self.descriptor, content)
        except OSError as error:
            self.failed = self.failed or error
            return len(content)


class Streams:
    """Takes the places of ``sys.stdout`` and ``sys.stderr`` before anything is opened.

    What somebody else put into their places stays.
    """

    def __init__(self) -> None:
        _Steady(0)
        self._out, err = _Steady(1), _Steady(2)
        if sys.stdout is sys.__stdout__:
            sys.stdout = _text(self._out, sys.stdout)
        if sys.stderr is sys.__stderr__:
            sys.stderr = _text(err, sys.stderr)

    def finish(self) -> str | None:
        """Write what waits; says what went wrong if stdout, no pipe that was closed, took less."""
        sys.stdout.flush()
        failed = self._out.failed
        if failed is None or failed.errno == errno.EPIPE:
            return None
        return f"not all of the output could be written: stdout: {failed.strerror}"


def _text(raw: _Steady, before: IO[str] | None) -> io.TextIOWrapper:
    encoding = getattr(before, "encoding", None) or "utf-8"
    return io.TextIOWrapper(
        io.BufferedWriter(raw),
        encoding=encoding,
        errors="replace",
        line_buffering=raw.descriptor == 2 or raw.isatty(),
    )
