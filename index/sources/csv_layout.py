"""Tells how a CSV file is laid out: what parts its cells, and whether its first row is a header."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass

from index.articles.parse import FIELDS

_DELIMITERS = (",", ";", "\t", "|")
_ROWS = 50
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
class CsvLayout:
    """How a file is laid out.

    Attributes:
        delimiter: The character between cells.
        skipped: How many rows at the beginning name neither columns nor hold an article.
        is_data: Whether the next row holds an article, rather than the columns' names.
    """

    delimiter: str
    skipped: int
    is_data: bool


def csv_layout(sample: str, *, delimiter: str = "", usual: str = ",") -> CsvLayout:
    """Tells a file's layout from its beginning.

    Args:
        sample: The beginning, whose last row may be cut.
        delimiter: The delimiter, if it is known.
        usual: The delimiter that is preferred where several are possible.
    """
    marked = _MARKED.match(sample)  # as spreadsheets write it
    if marked:
        delimiter = delimiter or marked[1]
        sample = sample[marked.end() :]
    delimiter = delimiter or _delimiter(sample, usual)
    cells = [cell.strip() for cell in next(iter(_rows(sample, delimiter)), [])]
    named = any(cell.casefold() in FIELDS for cell in cells)
    is_data = len(cells) > 1 and not named and any(map(_VALUE.fullmatch, cells))
    return CsvLayout(delimiter=delimiter, skipped=int(bool(marked)), is_data=is_data)


def _rows(sample: str, delimiter: str) -> list[list[str]]:
    rows: list[list[str]] = []
    try:
        for row in csv.reader(io.StringIO(sample, newline=""), delimiter=delimiter):
            rows += [row] if row else []
            if len(rows) == _ROWS:
                return rows
    except csv.Error:
        pass
    return rows[:-1] or rows  # the last one may be cut


def _delimiter(sample: str, usual: str) -> str:
    """Returns the delimiter that parts the most rows into equally many cells, at least two."""

    def evenness(delimiter: str) -> tuple[float, bool, int]:
        widths = [len(row) for row in _rows(sample, delimiter)]
        width = widths[0] if widths else 0
        return (widths.count(width) / len(widths) if width > 1 else 0, delimiter == usual, width)

    return max((usual, *_DELIMITERS), key=evenness)
