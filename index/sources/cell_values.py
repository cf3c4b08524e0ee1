"""Cells of tables as JSON-like values: what drivers and file formats give, made plain."""

from __future__ import annotations

import datetime as dt
import decimal
import uuid
from typing import Any

_PLAIN = (str, int, float, dt.date, type(None))
_BYTES = (bytes, bytearray, memoryview)


def plain(value: Any) -> Any:
    """A cell as text, number, date, list or object.

    Bytes that are not UTF-8 keep their places as lone surrogates, which whoever reads the
    field reports or replaces.
    """
    if isinstance(value, _PLAIN):
        return value
    if isinstance(value, _BYTES):
        return bytes(value).decode(errors="surrogateescape")
    if isinstance(value, decimal.Decimal):
        return float("nan") if value.is_nan() else float(value)  # a signalling one raises
    if isinstance(value, uuid.UUID | dt.time | dt.timedelta):
        return str(value)
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set):
        return [plain(item) for item in value]
    return str(value)
