"""Tells how a CSV file is laid out: what parts its cells, and whether its first row is a header."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass

from index.articles.parse import FIELDS

_DELIMITERS = (",", ";", "\t", "|")
_ROWS = 50
_MARKED = re.compile(r"sep=(.)\r?\n", re.IGNORECASE)
_NAMES = {
    *FIELDS,
    *(
        "headline",
        "name",
        "heading",
        "link",
        "permalink",
        "slug",
        "body",
        "content",
        "text",
        "html",
    ),
    *("description", "abstract", "teaser", "author", "category", "categories", "keywords", "lang"),
    *("created", "updated", "published", "published_at", "created_at", "updated_at", "pubdate"),
    *("titel", "datum", "inhalt", "titre", "contenu", "título", "titulo", "fecha", "contenido"),
}
_NUMBER = re.compile(r"[+-]?\d[\d.,]*")
_LINK = re.compile(r"(?:https?://|/)\S+")
_DATE = re.compile(r"\d{4}-\d\d-\d\d(?:[T ].*)?|\d{1,2}[./]\d{1,2}[./]\d{2,4}(?: .*)?")
_STATES = {
    *("published", "publish", "public", "live", "draft", "pending", "private", "hidden", "trash"),
    *("scheduled", "future", "archived", "unpublished"),
}
_KEY = re.compile(r"\S{1,200}")
_LONG = 60
_WORDS = 5
"""A cell of so many characters or words is a text, not the name of a column."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CsvLayout:
    """How a file is laid out.

    Attributes:
        delimiter: The character between cells.
        skipped: How many rows at the beginning hold no article.
        columns: The names of the columns; empty if the first row that is not skipped names them.
        guessed: Whether the names were taken from what the columns hold.
    """

    delimiter: str
    skipped: int = 0
    columns: tuple[str, ...] = ()
    guessed: bool = False


def csv_layout(
    sample: str,
    *,
    delimiter: str = "",
    usual: str = ",",
    header: bool | None = None,
    columns: tuple[str, ...] = (),
) -> CsvLayout:
    """Tells a file's layout from its beginning.

    Args:
        sample: The beginning, whose last row may be cut.
        delimiter: The delimiter, if it is known.
        usual: The delimiter that is preferred where several are possible.
        header: Whether the first row names the columns, if that is known.
        columns: The columns' names, if they are known; then the first row is no header unless
            ``header`` says so.
    """
    skipped = 0
    if marked := _MARKED.match(sample):  # as spreadsheets write it
        delimiter, skipped = delimiter or marked[1], 1
        sample = sample[marked.end() :]
    delimiter = delimiter or _delimiter(sample, usual)
    rows = [row for row in _rows(sample, delimiter) if row]
    if columns:
        return CsvLayout(delimiter=delimiter, skipped=skipped + bool(header), columns=columns)
    if header or (header is None and (not rows or not _is_data(rows[0]))):
        return CsvLayout(delimiter=delimiter, skipped=skipped)
    names = _names(rows)
    return CsvLayout(delimiter=delimiter, skipped=skipped, columns=names, guessed=True)


def _rows(sample: str, delimiter: str) -> list[list[str]]:
    rows: list[list[str]] = []
    try:
        for row in csv.reader(io.StringIO(sample, newline=""), delimiter=delimiter):
            rows.append(row)
            if len(rows) == _ROWS:
                return rows
    except csv.Error:
        pass
    return rows[:-1] or rows  # the last one may be cut


def _delimiter(sample: str, usual: str) -> str:
    """Returns the delimiter that parts the most rows into equally many cells, at least two."""

    def evenness(delimiter: str) -> tuple[float, bool, int]:
        widths = [len(row) for row in _rows(sample, delimiter) if row]
        if not widths or widths[0] < 2:
            return 0.0, False, 0
        return widths.count(widths[0]) / len(widths), delimiter == usual, widths[0]

    best = max((usual, *_DELIMITERS), key=evenness)
    return best if evenness(best)[0] else usual


def _is_data(row: Sequence[str]) -> bool:
    """Tells whether a first row holds an article rather than the names of columns."""
    cells = [cell.strip() for cell in row]
    if any(cell.casefold() in _NAMES for cell in cells):
        return False
    return len(cells) > 1 and any(map(_is_value, cells))


def _is_value(cell: str) -> bool:
    return bool(
        _NUMBER.fullmatch(cell)
        or _LINK.fullmatch(cell)
        or _DATE.fullmatch(cell)
        or len(cell) > _LONG
        or len(cell.split()) > _WORDS
    )


def _names(rows: Sequence[Sequence[str]]) -> tuple[str, ...]:
    """Names the columns of a file without header by what they hold; "" for those not understood."""
    width = len(rows[0])
    columns = [[row[at].strip() for row in rows if len(row) == width] for at in range(width)]
    names = [""] * width

    def name(field: str, fits: bool, at: int) -> None:
        if fits and not names[at] and field not in names:
            names[at] = field

    for at, cells in enumerate(columns):
        name("url", all(map(_LINK.fullmatch, cells)), at)
        name("status", all(cell.casefold() in _STATES for cell in cells), at)
        name("date", all(map(_DATE.fullmatch, cells)), at)
    for at, cells in enumerate(columns):
        unique = len(set(cells)) == len(cells)
        name("id", unique and all(map(_KEY.fullmatch, cells)), at)
    texts = [
        at
        for at, cells in enumerate(columns)
        if not names[at] and not all(map(_NUMBER.fullmatch, cells)) and any(cells)
    ]
    if texts:
        longest = max(texts, key=lambda at: sum(map(len, columns[at])))
        name("title", True, next((at for at in texts if at != longest), longest))
        name("summary", True, longest)
    return tuple(names)
