"""Loads tables of words and patterns, which stand beside the module that reads them."""

import tomllib
from pathlib import Path
from typing import Any


def load_table(module: str) -> dict[str, Any]:
    """Load the TOML file of a module's own name.

    Args:
        module: The module's ``__file__``.
    """
    return tomllib.loads(Path(module).with_suffix(".toml").read_text(encoding="utf-8"))
