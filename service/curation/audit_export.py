"""The audit trail for machines and spreadsheets."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator
from typing import Any

from service.decisions.audit_trail import AuditEntry
from service.http.timestamps import format_timestamp

COLUMNS = tuple(AuditEntry.__slots__)


def audit_json(entry: AuditEntry) -> dict[str, Any]:
    """An entry as JSON values."""
    values = {name: getattr(entry, name) for name in COLUMNS}
    return {**values, "at": format_timestamp(entry.at)}


def csv_lines(entries: Iterable[AuditEntry]) -> Iterator[str]:
    """The trail as CSV with its header, line by line."""
    yield _line(COLUMNS)
    for entry in entries:
        yield _line(_cell(value) for value in audit_json(entry).values())


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
