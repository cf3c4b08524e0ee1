"""Exports the audit trail (who changed which editorial decision, when and why) as JSON or CSV."""

from __future__ import annotations

import csv
import io
import itertools
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from service.decisions.audit_trail import AuditEntry
from service.http.timestamps import format_timestamp

if TYPE_CHECKING:  # the command that prints the audit trail must not import the web framework
    from starlette.responses import StreamingResponse


_FORMULA = re.compile(r"(?:^|(?<=[;\t\r\n]))(?=[^\S\t\r\n]*[=+\-@])")
"""Where a cell begins that a spreadsheet would run as a formula; a quote there makes it text.

Many take semicolons or tabs for separators, and then heed no quotes amid a line.
"""


def audit_json(entry: AuditEntry) -> dict[str, Any]:
    """Returns an audit entry as a dictionary of JSON values, the time as ISO 8601 text in UTC."""
    return {**asdict(entry), "at": format_timestamp(entry.at)}


def csv_lines(entries: Iterable[AuditEntry]) -> Iterator[str]:
    """Yields the audit trail as CSV: a line with the column names, then one line for each entry."""
    yield csv_line(AuditEntry.__slots__)
    for entry in entries:
        yield csv_line(audit_json(entry).values())


def download(entries: Iterator[AuditEntry], filename: str) -> StreamingResponse:
    """Returns a response that streams the audit entries to the browser as a CSV or JSON file.

    Args:
        entries: The audit entries, in the order of the file.
        filename: The name under which the browser saves the file; it ends in ``.csv`` or
            ``.json``, which gives one JSON array.

    Raises:
        DatabaseError: If the entries can't be read; raised before anything is sent.
    """
    from starlette.responses import StreamingResponse

    as_csv = filename.endswith(".csv")
    # The first entry is read now: if the database can't be read, an error page can still be sent.
    begun = itertools.chain([*itertools.islice(entries, 1)], entries)
    return StreamingResponse(
        (csv_lines if as_csv else _json_lines)(begun),
        media_type="text/csv; charset=utf-8" if as_csv else "application/json",
        headers={"Content-Disposition": f'attachment; filename="{filename}"'},
    )


def _json_lines(entries: Iterator[AuditEntry]) -> Iterator[str]:
    opening = "[\n"
    for entry in entries:
        yield opening + json.dumps(audit_json(entry), ensure_ascii=False)
        opening = ",\n"
    yield "[]\n" if opening == "[\n" else "\n]\n"


def _cell(value: Any) -> str:
    if value is None:
        return ""
    text = json.dumps(value, ensure_ascii=False) if isinstance(value, dict) else str(value)
    return _FORMULA.sub("'", text)


def csv_line(values: Iterable[Any]) -> str:
    """Returns values as a line of CSV, escaped so that no spreadsheet runs one as a formula."""
    line = io.StringIO()
    csv.writer(line).writerow(map(_cell, values))
    return line.getvalue()
