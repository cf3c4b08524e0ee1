"""Cleaning of untrusted input: plain text from markup, and the values of table cells."""

from __future__ import annotations

import datetime as dt
import decimal
import html
import re
import uuid
from typing import Any

_PLAIN_TYPES = (str, int, float, dt.date, type(None))
_BYTES_TYPES = (bytes, bytearray, memoryview)
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_BIDI = re.compile("[\u202a-\u202e\u2066-\u2069]")
_TAG = re.compile(r"<(?:/?[a-zA-Z][^<>]{0,500}|!--.{0,500}?--)>")
_LONG_NUMBER = re.compile(r"&#\d{1000,};?")
_BLOCK_TAG = re.compile(r"</?(?:p|div|br|li|ul|ol|h[1-6]|tr|section)\b[^<>]{0,500}>", re.IGNORECASE)


def plain_text(text: str) -> str:
    """Remove markup, entities, control characters and direction marks from a text.

    Entities such as ``&amp;`` are decoded. Line breaks are kept, but blank lines are removed;
    within a line, each run of white space becomes one space.
    """
    if "<" in text:
        text = _TAG.sub("", _BLOCK_TAG.sub("\n", text))
    if "&" in text:
        text = unescape(text)
    text = _CONTROL.sub(" ", text)
    if not text.isascii():
        text = _BIDI.sub("", text).encode(errors="replace").decode()
    lines = (" ".join(line.split()) for line in text.splitlines())
    return "\n".join(line for line in lines if line)


def unescape(text: str) -> str:
    """Decode HTML entities as ``html.unescape`` does, but never fail on a very long number."""
    return html.unescape(_LONG_NUMBER.sub("\ufffd", text))


def plain_value(value: Any) -> Any:
    """Convert the value of a table cell, from a database driver or a file, to a JSON-like value.

    Bytes that are not UTF-8 become lone surrogates, which the record parser later reports or
    replaces.

    Returns:
        Text, a number, a date, a list, a dictionary or ``None``.
    """
    if isinstance(value, _PLAIN_TYPES):
        return value
    if isinstance(value, _BYTES_TYPES):
        return bytes(value).decode(errors="surrogateescape")
    if isinstance(value, decimal.Decimal):
        return float("nan") if value.is_nan() else float(value)  # float() refuses sNaN
    if isinstance(value, uuid.UUID | dt.time | dt.timedelta):
        return str(value)
    if isinstance(value, dict):
        return {str(key): plain_value(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set):
        return [plain_value(item) for item in value]
    return str(value)
