"""Reads CSV and TSV files: one article per row, usually with the columns' names in the first."""

import csv
import io
import re
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from index.articles.parse import FIELDS
from index.articles.record import Record, RecordProblem, SourceItem
from index.articles.visibility_words import NULLS, is_visibility_name, tells_by_nothing
from index.errors import RecordError, SourceError
from index.sources.encodings import codec_of, marked_codec
from index.sources.regular_file import file_errors, open_unpacked
from index.sources.source import PathSource, read_record
from recommender.errors import SettingError

MAX_CELL = 1024 * 1024
MAX_ROW = 4 * 1024 * 1024
"""Longest cell and row in characters; longer ones probably lack a closing quotation mark."""

MAX_COLUMNS = 2_000

_SAMPLE = 64 * 1024
_DELIMITERS = (",", ";", "\t", "|")
_ROWS = 50
_WHOLE = re.compile(r"\d+[.,]0")
_QUOTED = re.compile(r'"(?:[^"]|"")*+"')
_ESCAPED = re.compile(r'\\[\\"]')
_MARKED = re.compile(r"sep=(.)\r?\n", re.IGNORECASE)
_VALUE = re.compile(
    r"""[+-]?\d[\d.,]*  # a number
      | (?:https?://|/)\S+
      | \d{4}-\d\d-\d\d(?:[T ].*)? | \d{1,2}[./]\d{1,2}[./]\d{2,4}(?:[ ].*)?
      | .{61,} | (?:\S+\s+){5,}\S+  # a text""",
    re.VERBOSE | re.DOTALL,
)
"""What a cell with an article's value holds, and the name of a column does not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CsvSource(PathSource):
    """A ``.csv`` or ``.tsv`` file, gzipped or not, as spreadsheets and databases export it.

    The cells for sections, tags, ratings and the image may hold JSON.

    Attributes:
        path: The file.
        delimiter: The character between cells; if empty, it is detected from the first rows: a
            comma, a semicolon, a tab or a bar.
        header: Whether the first row names the columns; detected from the row itself by default.
        columns: The columns' names, if no row has them; "" for a column that is not read.
        encoding: The file's text encoding, such as ``windows-1252``; a byte order mark in the file
            overrides it.
    """

    delimiter: str = ""
    header: bool | None = None
    columns: tuple[str, ...] = ()
    encoding: str = "utf-8"

    def __post_init__(self) -> None:
        if len(self.delimiter) > 1 or self.delimiter in ('"', "\r", "\n"):
            raise SettingError(f"delimiter {self.delimiter!r} must be one character, such as ;")
        try:
            codec_of(self.encoding)
        except LookupError:
            raise SettingError(f"encoding {self.encoding!r} is unknown; try utf-8") from None

    def records(self) -> Iterator[SourceItem]:
        """Yields a record for each row of the table, or a problem for a row that can't be read."""
        with file_errors(self.path, "a .csv or .tsv file"):
            with open_unpacked(self.path) as file:
                codec = marked_codec(file.peek(4)) or codec_of(self.encoding)
                layout = self._layout(file.read(_SAMPLE).decode(codec, errors="replace"))
            with open_unpacked(self.path) as file:
                # Bytes that can't be decoded become surrogates: only their row is skipped.
                text = io.TextIOWrapper(file, encoding=codec, errors="surrogateescape", newline="")
                yield from self._rows(text, *layout)

    def _layout(self, sample: str) -> tuple[Mapping[str, Any], int, set[int], bool]:
        """Returns how the table is written.

        It is the form of its cells, as arguments of ``csv.reader``, how many rows at the beginning
        are passed over, the columns of which each cell is a whole number with ".0", as tools write
        the ids of tables with gaps, and whether a quotation mark within a cell is written with a
        backslash, as databases do.
        """
        marked = _MARKED.match(sample)  # as spreadsheets write it
        sample = sample[marked.end() :] if marked else sample
        tab = self.path.lower().removesuffix(".gz").endswith((".tsv", ".tab"))
        delimiter = self.delimiter or (marked[1] if marked else "")
        delimiter = delimiter or _delimiter(sample, "\t" if tab else ",")
        doubled = _doubled(sample)
        is_escaped = not _is_valid(sample, delimiter) and _is_valid(doubled, delimiter)
        sample = doubled if is_escaped else sample
        form = max(_forms(sample, delimiter), key=lambda form: _evenness(sample, form))
        head, *rows = _sample_rows(sample, form) or [[]]
        cells = [cell.strip() for cell in head]
        named = self.header or any(cell.casefold() in FIELDS for cell in cells)
        is_data = len(cells) > 1 and not named and any(map(_VALUE.fullmatch, cells))
        if not self.columns and (is_data or self.header is False):
            raise SourceError(
                f"{self.path} line 1 holds data ({', '.join(cells):.60}), not names of columns: "
                "put a line with the names before it, or name them in order in the file's "
                '[[source]] table: columns = ["id", "title", "", "summary"], "" for one that is '
                "not read. If line 1 does hold names, set header = true there"
            )
        numbers = {
            at
            for at, column in enumerate(zip(*rows, strict=False))
            if any(column) and all(not cell or _WHOLE.fullmatch(cell) for cell in column)
        }
        skipped = bool(marked) + bool(self.columns and self.header)
        return form, skipped, numbers, is_escaped

    def _rows(
        self,
        text: io.TextIOWrapper,
        form: Mapping[str, Any],
        skipped: int,
        numbers: set[int],
        is_escaped: bool,
    ) -> Iterator[SourceItem]:
        csv.field_size_limit(MAX_CELL)
        lines = _Lines(text, is_escaped)
        reader = csv.reader(lines, strict=True, **form)
        header, all_whole = list(self.columns), False
        first = True
        while True:
            line = lines.begin_row()
            location = f"{self.path} line {line}"
            try:
                row = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                if "end of data" in str(error):  # what follows the mark can't be told from its cell
                    raise self._broken_off(line, "close its quotation mark") from None
                read = f"lines {line} to {lines.number}"
                message = f"{read} are not a CSV row: {error}"
                yield RecordProblem(location=location, reason="invalid-csv", message=message)
                continue
            if not row:
                continue
            if skipped:
                skipped -= 1
            elif not header:
                header = self._header(row, form["delimiter"])
            else:
                is_whole = len(row) >= len(header)
                if lines.is_open and all_whole and not is_whole:
                    whole = "end its last line with a line break, if nothing is missing"
                    raise self._broken_off(lines.number, whole)
                all_whole, first = is_whole and (first or all_whole), False
                _mend_numbers(row, header, numbers)
                yield read_record(location, _record, row, header)

    def _broken_off(self, line: int, remedy: str) -> SourceError:
        said = f"the file breaks off here; write it anew (or {remedy})"
        return SourceError(f"{self.path} line {line}: {said}")

    def _header(self, row: list[str], delimiter: str) -> list[str]:
        header = [name.strip() for name in row]
        if len(row) > MAX_COLUMNS:
            wrong = f"it has {len(row)} columns, but at most {MAX_COLUMNS} are allowed"
        elif twice := {name for name in header if name and header.count(name) > 1}:
            wrong = f"two columns are named {min(twice)!r}; rename one"
        elif len(header) == 1 and any(mark in header[0] for mark in ";\t|"):
            wrong = (
                f"splitting at {delimiter!r} gives only one column, {header[0]!r:.60}; set the "
                "source's delimiter"
            )
        else:
            return header
        raise SourceError(f"{self.path} line 1: {wrong}")


class _Lines:
    """Iterates over a table's lines; raises if a row is longer than :data:`MAX_ROW` characters.

    Attributes:
        number: The number of the line that was read last.
        is_open: Whether no line break ends it, as it is the file's last.
    """

    def __init__(self, text: io.TextIOWrapper, is_escaped: bool = False) -> None:
        self._text, self._is_escaped = text, is_escaped
        self._room = MAX_ROW
        self.number, self.is_open = 0, False

    def begin_row(self) -> int:
        """Starts a new row; returns the number of its first line."""
        self._room = MAX_ROW
        return self.number + 1

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._text.readline(MAX_ROW + 1)
        if not line:
            raise StopIteration
        self.number += 1
        self.is_open = line[-1] not in "\r\n"
        self._room -= len(line)
        if self._room < 0:
            while len(line) > MAX_ROW and line[-1] not in "\r\n":
                line = self._text.readline(MAX_ROW + 1)
            raise csv.Error(f"longer than {MAX_ROW} characters; close the row's quotation marks")
        return _doubled(line) if self._is_escaped else line


def _mend_numbers(row: list[str], header: list[str], numbers: set[int]) -> None:
    """Takes ".0" from ids in the columns where a tool wrote whole numbers so."""
    for at in numbers:
        if at < len(header) and header[at].casefold().endswith(("id", "supersedes")):
            row[at : at + 1] = [
                cell[:-2] if _WHOLE.fullmatch(cell) else cell for cell in row[at : at + 1]
            ]


def _record(location: str, row: list[str], header: list[str]) -> Record:
    count = f"the row has {len(row)} cells for {len(header)} columns; check its quotation marks"
    if len(row) < len(header):
        raise RecordError("too-few-cells", count)
    if any(cell.strip() for cell in row[len(header) :]):
        raise RecordError("too-many-cells", count)
    cells = [
        (name, "" if cell in NULLS and not is_visibility_name(name) else cell)
        for name, cell in zip(header, row, strict=False)
    ]
    values = {name: cell for name, cell in cells if name and (cell or tells_by_nothing(name))}
    for name, cell in values.items():
        try:
            cell.encode()
        except UnicodeEncodeError:
            message = (
                f"the column {name!r} is not valid text: save the file as UTF-8, or say in its "
                '[[source]] table how it is encoded, such as encoding = "windows-1252"'
            )
            raise RecordError("invalid-encoding", message) from None
    return Record(location=location, values=values)


def _doubled(text: str) -> str:
    """Writes each quotation mark that stands behind a backslash as CSV has it, doubled."""
    return _ESCAPED.sub(lambda found: found[0].replace('\\"', '""'), text)


def _is_valid(sample: str, delimiter: str) -> bool:
    try:
        deque(csv.reader(io.StringIO(sample, newline=""), delimiter=delimiter, strict=True), 0)
    except csv.Error as error:
        return "end of data" in str(error)  # the sample may be cut
    return True


def _forms(sample: str, delimiter: str) -> list[dict[str, Any]]:
    """Returns how cells may be written, the usual form first.

    Blanks may stand before quotation marks; between tabs, the marks may be a text's own.
    """
    usual: dict[str, Any] = {"delimiter": delimiter}
    forms = [usual, {**usual, "skipinitialspace": True}]
    cells = [cell for cell in re.split(r"[\t\r\n]+", sample) if cell.startswith('"')]
    if delimiter == "\t" and 2 * sum(map(bool, map(_QUOTED.fullmatch, cells))) < len(cells):
        forms.append({**usual, "quoting": csv.QUOTE_NONE})
    return forms


def _evenness(sample: str, form: Mapping[str, Any]) -> float:
    """Returns which share of the rows is valid, and has as many cells as the first one."""
    reader = csv.reader(io.StringIO(sample, newline=""), strict=True, **form)
    widths: list[int] = []
    while True:
        try:
            widths += filter(None, [len(next(reader))])
        except csv.Error:
            widths.append(0)
        except StopIteration:
            return widths.count(widths[0]) / len(widths) if any(widths[:1]) else 0


def _sample_rows(sample: str, form: Mapping[str, Any]) -> list[list[str]]:
    rows: list[list[str]] = []
    try:
        for row in csv.reader(io.StringIO(sample, newline=""), **form):
            rows += [row] if row else []
            if len(rows) == _ROWS:
                return rows
    except csv.Error:
        pass
    return rows if len(sample) < _SAMPLE // 4 else rows[:-1]  # the last one may be cut


def _delimiter(sample: str, usual: str) -> str:
    """Returns the delimiter that parts the most rows into equally many cells, at least two."""

    def evenness(delimiter: str) -> tuple[float, bool, int]:
        widths = [len(row) for row in _sample_rows(sample, {"delimiter": delimiter})]
        width = widths[0] if widths else 0
        return (widths.count(width) / len(widths) if width > 1 else 0, delimiter == usual, width)

    return max((usual, *_DELIMITERS), key=evenness)
