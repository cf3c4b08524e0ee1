"""The audit trail for machines and spreadsheets: JSON and CSV, as lines or as a download."""

from __future__ import annotations

import csv
import io
import itertools
import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from service.decisions.audit_trail import AuditEntry
from service.http.timestamps import format_timestamp

if TYPE_CHECKING:  # a command that prints lines needs no web framework
    from starlette.responses import StreamingResponse

COLUMNS = tuple(AuditEntry.__slots__)


def audit_json(entry: AuditEntry) -> dict[str, Any]:
    """An entry as JSON values."""
    return {**asdict(entry), "at": format_timestamp(entry.at)}


def csv_lines(entries: Iterable[AuditEntry]) -> Iterator[str]:
    """The trail as CSV with its header, line by line."""
    yield _line(COLUMNS)
    for entry in entries:
        yield _line(_cell(value) for value in audit_json(entry).values())


def csv_download(entries: Iterator[AuditEntry], filename: str) -> StreamingResponse:
    """The trail as a CSV file to save.

    Raises:
        DatabaseError: If it can't be read, before anything is sent.
    """
    return _download(csv_lines(_begun(entries)), "text/csv; charset=utf-8", filename)


def json_download(entries: Iterator[AuditEntry], filename: str) -> StreamingResponse:
    """The trail as a JSON array to save; see :func:`csv_download`."""
    return _download(_json_lines(_begun(entries)), "application/json", filename)


def _begun(entries: Iterator[AuditEntry]) -> Iterator[AuditEntry]:
    """The same entries, the first read now: a missing database is an error, not half a file."""
    first = next(entries, None)
    return iter(()) if first is None else itertools.chain([first], entries)


def _json_lines(entries: Iterator[AuditEntry]) -> Iterator[str]:
    opening = "[\n"
    for entry in entries:
        yield opening + json.dumps(audit_json(entry), ensure_ascii=False)
        opening = ",\n"
    yield "[]\n" if opening == "[\n" else "\n]\n"


def _download(lines: Iterator[str], media_type: str, filename: str) -> StreamingResponse:
    from starlette.responses import StreamingResponse

    headers = {
        "Cache-Control": "no-store",
        "Content-Disposition": f'attachment; filename="{filename}"',
    }
    return StreamingResponse(lines, media_type=media_type, headers=headers)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, dict):
        return json.dumps(value, ensure_ascii=False)
    text = str(value)
    # A spreadsheet would run these as a formula; marked, they are text.
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text


def _line(cells: Iterable[str]) -> str:
    line = io.StringIO()
    csv.writer(line).writerow(cells)
    return line.getvalue()
