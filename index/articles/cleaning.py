"""Values from outside made plain and harmless: text, links, dates, cells of tables."""

from __future__ import annotations

import datetime as dt
import decimal
import email.utils
import html
import re
import uuid
from typing import Any

_MAX_MAIL_DATE = 100
_PLAIN_TYPES = (str, int, float, dt.date, type(None))
_BYTES_TYPES = (bytes, bytearray, memoryview)
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_BIDI = re.compile("[\u202a-\u202e\u2066-\u2069]")
_TAG = re.compile(r"<(?:/?[a-zA-Z][^<>]{0,500}|!--.{0,500}?--)>")
_LONG_NUMBER = re.compile(r"&#\d{1000,};?")
_BLOCK_TAG = re.compile(r"</?(?:p|div|br|li|ul|ol|h[1-6]|tr|section)\b[^<>]{0,500}>", re.IGNORECASE)


def plain_text(text: str) -> str:
    """Text as a reader sees it, without markup, entities, control and direction marks.

    Blank lines stay as paragraph breaks (one newline); other white space becomes one space.
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
    """``html.unescape``, which raises on numbers of more than 4,300 digits."""
    return html.unescape(_LONG_NUMBER.sub("\ufffd", text))


def parse_mail_date(text: str) -> dt.datetime | None:
    """A date as e-mail, RSS and HTTP write it (RFC 5322), naive if it names no zone.

    Returns:
        ``None`` if the text is no such date, or one outside the calendar.
    """
    if len(text) > _MAX_MAIL_DATE:
        return None
    try:
        return email.utils.parsedate_to_datetime(text)
    except (ValueError, TypeError, ArithmeticError, LookupError):
        return None


def plain_value(value: Any) -> Any:
    """A cell of a table, as drivers and file formats give it, as a JSON-like value.

    Bytes that are not UTF-8 become lone surrogates, which whoever reads the field reports or
    replaces.

    Returns:
        Text, a number, a date, a list or a dictionary.
    """
    if isinstance(value, _PLAIN_TYPES):
        return value
    if isinstance(value, _BYTES_TYPES):
        return bytes(value).decode(errors="surrogateescape")
    if isinstance(value, decimal.Decimal):
        return float("nan") if value.is_nan() else float(value)  # a signalling one raises
    if isinstance(value, uuid.UUID | dt.time | dt.timedelta):
        return str(value)
    if isinstance(value, dict):
        return {str(key): plain_value(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set):
        return [plain_value(item) for item in value]
    return str(value)
