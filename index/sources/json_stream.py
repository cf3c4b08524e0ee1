"""Takes the elements of lists out of a JSON document of any size, one after another."""

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
_TOKEN = re.compile(rb'"(?:[^"\\]++|\\.)*+(")?|[\[\]{},]', re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Element:
    """One element of a list in a JSON document.

    Attributes:
        path: Where the list stands in the document: the names that lead to it.
        number: The element's number in the list, from 1.
        line: The line of the document in which it begins, from 1.
        content: Its JSON, not yet parsed.
    """

    path: Path
    number: int
    line: int
    content: bytes


class ElementStream:
    """Iterates over the elements of the wanted lists in a JSON document, in its order.

    Lists inside a yielded element are not searched, and its content is not checked to be valid
    JSON. The document is read token by token; only the current element is kept in memory.

    Args:
        file: The document.
        name: Its name, for messages.
        wanted: Called with the path of a list; returns whether its elements are wanted.

    Raises:
        SourceError: If the document breaks off or is no JSON, or an element is too long.
    """

    def __init__(self, file: IO[bytes], name: str, wanted: Callable[[Path], bool]) -> None:
        self._file = file
        self._name = name
        self._wanted = wanted
        self._buffer = file.read(_CHUNK).removeprefix(b"\xef\xbb\xbf")
        self._at = 0
        self._line, self._counted = 1, 0  # the line of a position in the buffer
        self._opened: list[tuple[bytes, Path]] = []  # how each open list or object ends
        self._text = b""  # the last text; before a list or object in an object, it is its name
        self._depth = 0  # of the list whose elements are yielded; 0 if none is open
        self._path: Path = ()  # of this list
        self._start = self._number = 0  # of its current element

    def __iter__(self) -> Iterator[Element]:
        begun = False
        while True:
            found = _TOKEN.search(self._buffer, self._at)
            if found is None or (found[0][:1] == b'"' and not found[1]):
                if self._read_on():
                    continue
                if self._opened or not begun or self._buffer[self._at :].strip():
                    raise self._broken("it breaks off" if self._opened else "it is not JSON")
                return
            if not self._opened and (
                begun or self._buffer[self._at : found.start()].strip() or found[0] not in b"[{"
            ):
                raise self._broken("it is not JSON: it must be one list or object")
            begun = True
            self._at = found.end()
            yield from self._take(found[0], found.start())

    def _take(self, token: bytes, at: int) -> Iterator[Element]:
        is_taken = 0 < self._depth == len(self._opened)
        if token in (b"[", b"{"):
            self._open(token)
        elif token in (b"]", b"}"):
            if self._opened.pop()[0] != token:
                raise self._broken(f"{token.decode()} stands in the wrong place")
            if is_taken:
                self._depth = 0
                if self._number > 1 or self._buffer[self._start : at].strip():
                    yield self._element(at)
        elif token != b",":
            self._text = token
        elif is_taken:
            yield self._element(at)
            self._number += 1
            self._start = self._at

    def _open(self, token: bytes) -> None:
        if len(self._opened) == MAX_DEPTH:
            raise self._broken(f"it is nested deeper than {MAX_DEPTH}")
        path: Path = ()
        if self._opened:
            end, parent = self._opened[-1]
            name = ELEMENT if end == b"]" else self._text[1:-1].decode(errors="replace")
            path = (*parent, name)
        self._opened.append((b"]" if token == b"[" else b"}", path))
        if token == b"[" and not self._depth and self._wanted(path):
            self._depth = len(self._opened)
            self._path, self._number, self._start = path, 1, self._at

    def _element(self, end: int) -> Element:
        content = self._buffer[self._start : end]
        line = self._line_of(end - len(content.lstrip()))
        return Element(path=self._path, number=self._number, line=line, content=content.strip())

    def _read_on(self) -> bool:
        """Reads more of the document, and forgets what is not needed any more."""
        keep = self._start if self._depth else self._at
        if len(self._buffer) - keep > MAX_ELEMENT:
            raise self._broken(f"one element is longer than {MAX_ELEMENT} bytes")
        self._line_of(keep)
        chunk = self._file.read(max(_CHUNK, len(self._buffer) - keep))
        self._buffer = self._buffer[keep:] + chunk
        self._at -= keep
        self._counted -= keep
        self._start = 0
        return bool(chunk)

    def _line_of(self, at: int) -> int:
        if at > self._counted:
            self._line += self._buffer.count(b"\n", self._counted, at)
            self._counted = at
        return self._line

    def _broken(self, what: str) -> SourceError:
        item = f"item {self._number}, " if self._depth else ""
        return SourceError(
            f"{self._name} can't be read to its end: {item}line {self._line_of(self._at)}: {what}"
        )
