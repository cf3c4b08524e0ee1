"""Options that several commands share, and how they print for machines."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from recommender.errors import InputError

RootOption = Annotated[
    Path | None, typer.Option("--root", help="Folder of the builds (setting root).")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]
LimitOption = Annotated[int | None, typer.Option("--limit", min=1, max=50, help="Most articles.")]
ReasonOption = Annotated[str, typer.Option("--reason", help="Why, for the journal.")]
ForceOption = Annotated[
    bool, typer.Option("--force", help="Publish even what a gate holds back; the journal tells.")
]
AcceptOption = Annotated[
    bool,
    typer.Option(
        "--accept-change",
        help="The changed model or text recipe, and what it turns over, is meant.",
    ),
]

GATES_EPILOG = (
    "Held back, a build stays for inspection and the exit code names the gate: 10 articles lost, "
    "11 lists changed, 12 articles without a good link, 13 a hub, 14 recall, 15 encoder or recipe "
    "changed, 16 publishing held since a rollback, 17 nothing to compare with, "
    "18 too little of what editors said."
)


def read_mapping(pairs: list[str]) -> dict[str, str]:
    """What ``--map`` says: our field to the source's.

    Raises:
        InputError: For a pair that is none.
    """
    mapping: dict[str, str] = {}
    for pair in pairs:
        ours, equals, theirs = pair.partition("=")
        if not equals or not ours or not theirs:
            raise InputError(f"--map {pair!r} must be OURS=THEIRS, such as summary=text")
        mapping[ours.strip()] = theirs.strip()
    return mapping


def print_json(value: Any) -> None:
    """Print a value as indented JSON, in letters that stdout can take."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    typer.echo(json.dumps(value, ensure_ascii=not encoding.startswith("utf"), indent=2))
