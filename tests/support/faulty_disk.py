"""A disk on which one write, sync, rename or statement fails, or all from that one on."""

from __future__ import annotations

import builtins
import errno
import io
import itertools
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest


class Faults:
    """Counts what is done to a disk, and lets it fail.

    Args:
        first: The number of the first operation that fails, from 1; 0 for none.
        lasting: Whether all later ones fail, too, as on a disk that is full or gone.

    Attributes:
        done: What was done: the kind of each operation, and on what.
    """

    def __init__(self, first: int = 0, *, lasting: bool = False) -> None:
        self._first, self._lasting = first, lasting
        self._numbers = itertools.count(1)
        self.done: list[str] = []

    def fails(self, kind: str, what: object) -> bool:
        number = next(self._numbers)
        self.done.append(f"{kind} {what}")
        return number == self._first or (self._lasting and 0 < self._first < number)

    def met(self, kind: str, what: object) -> None:
        if self.fails(kind, what):
            raise OSError(errno.EIO, os.strerror(errno.EIO), str(what))


class _File:
    """A file of which half is written where a write fails."""

    def __init__(self, file: Any, faults: Faults) -> None:
        self._file, self._faults = file, faults

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)

    def __enter__(self) -> _File:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def write(self, content: Any) -> Any:
        if not self._faults.fails("write", self._file.name):
            return self._file.write(content)
        self._file.write(content[: len(content) // 2])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self._file.name))

    def writelines(self, lines: Any) -> None:
        for line in lines:
            self.write(line)


def _connection(faults: Faults) -> type[sqlite3.Connection]:
    """A connection of which, as of its cursors, any statement may fail."""

    def failing(run: Callable[..., Any]) -> Callable[..., Any]:
        def met(self: Any, sql: str = "COMMIT", *values: Any) -> Any:
            if faults.fails("statement", sql.partition("\n")[0]):
                raise sqlite3.OperationalError("disk I/O error")
            return run(self, sql, *values)

        return met

    def on_cursor(name: str) -> Callable[..., Any]:
        return lambda self, *arguments: getattr(self.cursor(), name)(*arguments)

    names = ("execute", "executemany", "executescript")
    methods = {name: failing(getattr(sqlite3.Cursor, name)) for name in names}
    failing_cursor: Any = type("FailingCursor", (sqlite3.Cursor,), methods)

    class Connection(sqlite3.Connection):
        def cursor(self, factory: Any = failing_cursor) -> Any:
            return super().cursor(factory)

        commit = failing(lambda self, _: sqlite3.Connection.commit(self))
        execute, executemany, executescript = map(on_cursor, names)

    return Connection


@contextmanager
def faulty_disk(folder: Path, faults: Faults) -> Iterator[None]:
    """Everything that this process does in a folder is counted and may fail.

    Not so what is written into mapped pages, what is read from files, and what is removed.
    """
    opening = io.open

    def open_file(path: Any, mode: str = "r", *more: Any, **options: Any) -> Any:
        file = opening(path, mode, *more, **options)
        inside = not isinstance(path, int) and Path(os.fsdecode(path)).is_relative_to(folder)
        return _File(file, faults) if inside and mode.strip("rbt") else file

    def counted(kind: str, what: Any) -> Any:
        def run(*arguments: Any, **options: Any) -> Any:
            faults.met(kind, arguments[0])
            return what(*arguments, **options)

        return run

    with pytest.MonkeyPatch.context() as patch:
        for module in (io, builtins):
            patch.setattr(module, "open", open_file)
        patch.setattr(os, "fsync", counted("sync", os.fsync))
        for name in ("rename", "replace"):
            patch.setattr(os, name, counted("rename", getattr(os, name)))
        patch.setattr(sqlite3, "connect", partial(sqlite3.connect, factory=_connection(faults)))
        yield
