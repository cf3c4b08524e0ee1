"""Says in plain words what is wrong with a value that pydantic refuses, in settings or requests."""

from collections.abc import Mapping
from typing import Any

_REQUIRED = {
    **dict.fromkeys(("int_parsing", "int_type", "int_from_float"), "must be a whole number"),
    **dict.fromkeys(("float_parsing", "float_type"), "must be a number"),
    **dict.fromkeys(("bool_parsing", "bool_type"), "must be true or false"),
    "string_type": "must be text",
    "list_type": "must be a list",
    **dict.fromkeys(("dict_type", "model_type", "model_attributes_type"), "must be an object"),
    "greater_than_equal": "must be {ge} or more",
    "greater_than": "must be more than {gt}",
    "less_than_equal": "must be {le} or less",
    "less_than": "must be less than {lt}",
    "too_short": "must have {min_length} or more entries",
    "too_long": "must have {max_length} entries or less",
    "string_too_short": "must have {min_length} or more characters",
    "string_too_long": "must have {max_length} characters or less",
    "string_pattern_mismatch": "must have the form that is documented for it",
}
"""What a value must be, by the type of the error that pydantic found."""

_BUILD_PATTERN = "[0-9]{8}T[0-9]{6}Z"


def describe_invalid(found: Mapping[str, Any]) -> str:
    """Returns what is wrong with a value: ``must be …``, or a sentence of one of our own checks.

    Args:
        found: An error, as pydantic's ``ValidationError.errors`` lists them.
    """
    limits = found.get("ctx", {})
    if _BUILD_PATTERN in str(limits.get("pattern")):
        return "must be the name of a build, like 20260131T120000Z-0a1b2c"
    if found["type"] in _REQUIRED:
        shown = {
            name: f"{limit:g}" if isinstance(limit, int | float) and abs(limit) < 1e6 else limit
            for name, limit in limits.items()
        }
        return _REQUIRED[found["type"]].format(**shown)
    # Errors of our own checks have the prefix.
    return str(found["msg"]).removeprefix("Value error, ").replace("Input should be", "must be")
