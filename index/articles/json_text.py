"""Parsing of untrusted JSON: text with too many values or too deep nesting is not parsed at all."""

import json
import re
from collections import Counter
from typing import Any

MAX_DEPTH = 64
"""How deep objects and lists may be nested."""

MAX_VALUES = 200_000
"""Most values in one record, because many small values take forty times the text's memory."""

_MARK = re.compile(r'"(?:[^"\\]++|\\.)*+"?|[\[\]{},]', re.DOTALL)
_MAX_DIGITS = 400
_AS_SPACES = str.maketrans("01", " \t")


def check_json(text: str, values: int = MAX_VALUES) -> None:
    """Check that a JSON text has at most ``values`` values and is not nested too deep.

    Raises:
        ValueError: If it has too many values or is nested too deep; the message says which.
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
            raise ValueError(f"the JSON text is nested more than {MAX_DEPTH} levels deep")
        if count > values:
            raise ValueError(f"the JSON text has more than {values} values")


def load_json(text: str, values: int = MAX_VALUES, *, strict: bool = True) -> Any:
    """Parse a JSON text; integers of more than 400 digits are returned as text.

    Raises:
        ValueError: If the text is not JSON, has too many values or is nested too deep.
    """
    check_json(text, values)
    try:
        return json.loads(text, parse_int=_whole_number, object_pairs_hook=table_of, strict=strict)
    except RecursionError as error:
        raise ValueError(f"the JSON text is nested more than {MAX_DEPTH} levels deep") from error


def table_of(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Make a dictionary of the names and values of a JSON object, which may repeat names.

    A repeated name gets its last value. The earlier values are kept under the name with white space
    appended, so that a value that hides an article is never lost.
    """
    table = dict(pairs)
    if len(table) == len(pairs):
        return table
    later = Counter(name for name, _ in pairs)
    for name, value in pairs:
        later[name] -= 1
        table[name + (f"{later[name]:b}".translate(_AS_SPACES) if later[name] else "")] = value
    return table


def _whole_number(text: str) -> int | str:
    return int(text) if len(text) <= _MAX_DIGITS else text
