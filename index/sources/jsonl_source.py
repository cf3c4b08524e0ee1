"""Reads JSON lines, one object per line, from plain or gzipped files or standard input."""

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from io import BufferedReader
from typing import IO, cast

from index.articles.json_text import check_json, table_of
from index.articles.record import Record, SourceItem
from index.errors import RecordError, SourceError
from index.sources.regular_file import file_errors, open_unpacked, unpacked
from index.sources.source import SplitItems, SplitSource, read_record

MAX_LINE_BYTES = 16 * 1024 * 1024
"""Longest line in bytes; longer ones are skipped, so that a bad file can't fill the memory."""

_DECODER = json.JSONDecoder(object_pairs_hook=table_of)

Line = tuple[int, bytes | None]
"""A line's number and content; ``None`` if it is too long."""


@dataclass(frozen=True, slots=True)
class JsonlSource(SplitSource):
    """A file of JSON lines, gzipped or not, or standard input.

    Attributes:
        path: The file, or ``-`` for standard input.
    """

    path: str

    @property
    def name(self) -> str:
        """The path, or "standard input" for ``-``."""
        return "standard input" if self.path == "-" else self.path

    def split(self) -> SplitItems:
        """Returns the file's lines with their numbers, and the function that parses one of them."""
        return self._lines(), partial(_record, self.name)

    def _lines(self) -> Iterator[Line]:
        wanted = "a .jsonl or .jsonl.gz file, or - for standard input"
        with file_errors(self.name, wanted):
            if self.path == "-":
                opened = unpacked(cast("BufferedReader", sys.stdin.buffer))
            else:
                opened = open_unpacked(self.path)
            with opened as file:
                yield from _lines(file, self.name)


def _lines(file: IO[bytes], name: str) -> Iterator[Line]:
    number, begun = 0, False
    while line := file.readline(MAX_LINE_BYTES + 1):
        number += 1
        if len(line) > MAX_LINE_BYTES:
            while line and not line.endswith(b"\n"):
                line = file.readline(MAX_LINE_BYTES)
            yield number, None
            continue
        if number == 1:
            line = line.removeprefix(b"\xef\xbb\xbf")
        if not begun and line.lstrip()[:1] == b"[":
            raise SourceError(
                f"{name} line {number}: a JSON list begins here, not JSON lines with one object a "
                'line; read the file with kind = "json"'
            )
        if not begun and line.strip() == b"{":
            raise SourceError(
                f"{name} line {number}: an object of several lines begins here, not JSON lines "
                "with one object a line; the command jq -c . writes the file so"
            )
        if line[-1:] != b"\n" and line.lstrip()[:1] == b"{" and line.rstrip()[-1:] != b"}":
            raise SourceError(f"{name} line {number}: the file breaks off here; write it anew")
        if line.strip():
            begun = True
            yield number, line


def _record(name: str, found: Line) -> SourceItem:
    number, line = found
    return read_record(f"{name} line {number}", json_object, line)


def json_object(location: str, line: bytes | None) -> Record:
    """Parses a line, one JSON object, into a record; ``None`` stands for a line too long to read.

    Raises:
        RecordError: If the line is no JSON object, or was too long.
    """
    if line is None:
        raise RecordError("line-too-long", f"the line is longer than {MAX_LINE_BYTES} bytes")
    try:
        text = line.decode()
        check_json(text)
        value = _DECODER.decode(text)  # NaN costs only its field
    except UnicodeDecodeError as error:
        at = f"byte {error.start + 1} (0x{line[error.start]:02x})"
        raise RecordError("invalid-utf8", f"{at} is not valid UTF-8") from error
    except json.JSONDecodeError as error:  # its line number counts within this line
        message = f"not a JSON object: {error.msg} at character {error.pos + 1}"
        raise RecordError("invalid-json", message) from error
    except (ValueError, RecursionError) as error:
        raise RecordError("invalid-json", f"not a JSON object: {error}") from error
    if not isinstance(value, dict):
        message = f"expected a JSON object, found {type(value).__name__}"
        raise RecordError("invalid-json", message)
    return Record(location=location, values=value)
