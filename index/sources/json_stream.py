"""Takes the elements of lists out of a JSON document of any size, one after another."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import IO

from index.articles.json_text import MAX_DEPTH
from index.errors import SourceError

MAX_ELEMENT = 16 * 1024 * 1024
"""Longest element in bytes."""

ELEMENT = "[]"
"""Stands in a path for an element of a list."""

Path = tuple[str, ...]
"""Where a list stands: the names that lead to it, and :data:`ELEMENT` for each list between."""

_CHUNK = 256 * 1024
_TOKEN = re.compile(rb'"(?:[^"\\]++|\\.)*+(")?|[\[\]{},:]', re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Element:
    """One element of a list.

    Attributes:
        path: The list it is in.
        number: Its number in the list, from 1.
        line: The line in which it begins.
        content: Its JSON, not yet parsed.
    """

    path: Path
    number: int
    line: int
    content: bytes


def stream_elements(
    file: IO[bytes], name: str, wanted: Callable[[Path], bool]
) -> Iterator[Element]:
    """Yields the elements of the lists that are wanted, in the order of the document.

    Lists inside an element that is yielded are not looked at. What an element holds is not checked
    to be JSON.

    Args:
        file: The document.
        name: Its name, for messages.
        wanted: Tells of a list's path whether its elements are wanted.

    Raises:
        SourceError: If the document breaks off or is no JSON, or an element is too long.
    """
    yield from _Scanner(file, name, wanted).elements()


@dataclass(slots=True)
class _Open:
    """A list or object whose end has not been read.

    Attributes:
        mark: ``[`` or ``{``.
        path: Where it stands.
        key: The last name that was read in it, if it is an object.
        number: The number of the element that is being read, in a list that is wanted.
        start: Where that element begins in the buffer; -1 if the list is not wanted.
    """

    mark: bytes
    path: Path
    key: str = ""
    number: int = 0
    start: int = -1


class _Scanner:
    """Reads a document token by token; keeps no more of it than the current element."""

    def __init__(self, file: IO[bytes], name: str, wanted: Callable[[Path], bool]) -> None:
        self._file = file
        self._name = name
        self._wanted = wanted
        self._buffer = b""
        self._at = 0
        self._line, self._counted = 1, 0  # the line of a position in the buffer
        self._opened: list[_Open] = []
        self._taken: _Open | None = None  # the list whose elements are being yielded
        self._text = b""

    def elements(self) -> Iterator[Element]:
        self._buffer = self._file.read(_CHUNK).removeprefix(b"\xef\xbb\xbf")
        begun = False
        while True:
            found = _TOKEN.search(self._buffer, self._at)
            if found is None or (found[0][:1] == b'"' and not found[1]):
                if self._read_on():
                    continue
                if self._opened or not begun or self._buffer[self._at :].strip():
                    raise self._broken("it breaks off" if self._opened else "it is not JSON")
                return
            if not self._opened:
                if begun or self._buffer[self._at : found.start()].strip():
                    raise self._broken("it is not one JSON document")
                if found[0] not in (b"[", b"{"):
                    raise self._broken("it is neither a list nor an object")
            begun = True
            self._at = found.end()
            yield from self._take(found[0], found.start())

    def _take(self, token: bytes, at: int) -> Iterator[Element]:
        if token in (b"[", b"{"):
            self._open(token)
        elif token in (b"]", b"}"):
            if self._opened[-1].mark != (b"[" if token == b"]" else b"{"):
                raise self._broken(f"{token.decode()} stands in the wrong place")
            closed = self._opened.pop()
            if closed is self._taken:
                self._taken = None
                if closed.number > 1 or self._buffer[closed.start : at].strip():
                    yield self._element(closed, at)
        elif token == b",":
            if self._opened[-1] is self._taken:
                yield self._element(self._taken, at)
                self._taken.number += 1
                self._taken.start = self._at
        elif token == b":":
            self._opened[-1].key = self._text[1:-1].decode(errors="replace")
        else:
            self._text = token

    def _open(self, token: bytes) -> None:
        if len(self._opened) == MAX_DEPTH:
            raise self._broken(f"it is nested deeper than {MAX_DEPTH}")
        path: Path = ()
        if self._opened:
            parent = self._opened[-1]
            path = (*parent.path, ELEMENT if parent.mark == b"[" else parent.key)
        self._opened.append(_Open(token, path))
        if token == b"[" and self._taken is None and self._wanted(path):
            self._taken = self._opened[-1]
            self._taken.number, self._taken.start = 1, self._at

    def _element(self, taken: _Open, end: int) -> Element:
        content = self._buffer[taken.start : end]
        line = self._line_of(end - len(content.lstrip()))
        return Element(path=taken.path, number=taken.number, line=line, content=content.strip())

    def _read_on(self) -> bool:
        """Reads more of the document, and forgets what is not needed any more."""
        keep = self._at if self._taken is None else self._taken.start
        if len(self._buffer) - keep > MAX_ELEMENT:
            raise self._broken(f"it is longer than {MAX_ELEMENT} bytes")
        self._line_of(keep)
        chunk = self._file.read(max(_CHUNK, len(self._buffer) - keep))
        self._buffer = self._buffer[keep:] + chunk
        self._at -= keep
        self._counted -= keep
        if self._taken is not None:
            self._taken.start = 0
        return bool(chunk)

    def _line_of(self, at: int) -> int:
        if at > self._counted:
            self._line += self._buffer.count(b"\n", self._counted, at)
            self._counted = at
        return self._line

    def _broken(self, what: str) -> SourceError:
        item = f"item {self._taken.number}, " if self._taken else ""
        return SourceError(
            f"{self._name} can't be read to its end: {item}line {self._line_of(self._at)}: {what}"
        )
