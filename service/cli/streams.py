"""Standard streams that survive a full disk, a closed stream, or a limited encoding.

A failing write does not interrupt a command's work, as its output may matter less than what it
does: the error is remembered and reported at the end.
"""

import errno
import io
import os
import sys
from typing import IO, Any


class _Steady(io.RawIOBase):
    """A file whose writes never raise an error, but remember it.

    Attributes:
        failed: The first error of a write, if there was one.
    """

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor
        self.failed: OSError | None = None
        self._closed: OSError | None = None
        try:
            os.fstat(descriptor)
        except OSError as error:
            self._closed = error
            # Else the next file to be opened would get this descriptor, and the output.
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
    """Replaces ``sys.stdout`` and ``sys.stderr`` by streams whose failing writes raise no error.

    It is made before any file is opened. Streams that were replaced already, as by a test, stay.
    """

    def __init__(self) -> None:
        _Steady(0)
        self._out, err = _Steady(1), _Steady(2)
        if sys.stdout is sys.__stdout__:
            sys.stdout = _text(self._out, sys.stdout)
        if sys.stderr is sys.__stderr__:
            sys.stderr = _text(err, sys.stderr)

    def finish(self) -> str | None:
        """Flushes stdout; returns an error message if output was lost, else ``None``.

        It is no error if the reader closed the pipe, as ``head`` does.
        """
        sys.stdout.flush()
        failed = self._out.failed
        if failed is None or failed.errno == errno.EPIPE:
            return None
        return f"the output could not be written completely: stdout: {failed.strerror}"


def _text(raw: _Steady, before: IO[str] | None) -> io.TextIOWrapper:
    encoding = getattr(before, "encoding", None) or "utf-8"
    return io.TextIOWrapper(
        io.BufferedWriter(raw),
        encoding=encoding,
        errors="replace",
        line_buffering=raw.descriptor == 2 or raw.isatty(),
    )
