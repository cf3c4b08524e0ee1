"""JSON from outside: bounded in values and nesting before it is parsed."""

from __future__ import annotations

import json
import re
from typing import Any

MAX_DEPTH = 64
"""Deepest nesting of objects and lists."""

MAX_VALUES = 200_000
"""Most values of one record; a short text of brackets takes forty times its size in memory."""

_MARK = re.compile(r'"(?:[^"\\]++|\\.)*+"?|[\[\]{},]', re.DOTALL)
_MAX_DIGITS = 400


def check_json(text: str, values: int = MAX_VALUES) -> None:
    """Refuse JSON with too many values or nested too deep.

    Raises:
        ValueError: Saying which.
    """
    opened = text.count("[") + text.count("{")
    if opened <= MAX_DEPTH and (len(text) <= values or opened + text.count(",") <= values):
        return
    depth = count = 0
    for found in _MARK.finditer(text):
        mark = found[0]
        if mark in ("[", "{"):
            depth += 1
        elif mark in ("]", "}"):
            depth -= 1
            continue
        elif mark != ",":
            continue
        count += 1
        if depth > MAX_DEPTH:
            raise ValueError(f"nested deeper than {MAX_DEPTH}")
        if count > values:
            raise ValueError(f"more than {values} values")


def load_json(text: str, values: int = MAX_VALUES, *, strict: bool = True) -> Any:
    """What a JSON text holds; whole numbers that are too long stay text.

    Raises:
        ValueError: If it is not JSON, or :func:`check_json` refuses it.
    """
    check_json(text, values)
    try:
        return json.loads(text, parse_int=_whole_number, strict=strict)
    except RecursionError as error:
        raise ValueError(f"nested deeper than {MAX_DEPTH}") from error


def _whole_number(text: str) -> int | str:
    return int(text) if len(text) <= _MAX_DIGITS else text
