"""Loads tables of words and patterns, which stand beside the module that reads them."""

import tomllib
from pathlib import Path
from typing import Any


def load_table(module: str) -> dict[str, Any]:
    """Load the TOML file that lies beside a module and has the same name.

    Args:
        module: The path of the module, its ``__file__``.
    """
    return tomllib.loads(Path(module).with_suffix(".toml").read_text(encoding="utf-8"))
