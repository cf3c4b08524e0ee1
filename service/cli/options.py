"""What several commands share: options, how they are read, and printing for people or machines."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from index.root.journal import who
from recommender.errors import InputError
from recommender.visibility import NEVER
from service.decisions.decision_store import Actor
from service.http.timestamps import read_local_moment
from service.settings import Settings

RootOption = Annotated[
    Path | None, typer.Option("--root", help="Folder of the builds (setting root).")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]
LimitOption = Annotated[int | None, typer.Option("--limit", min=1, max=50, help="Most articles.")]
ReasonOption = Annotated[str, typer.Option("--reason", help="Why, for the journal.")]
AuditReasonOption = Annotated[str, typer.Option("--reason", help="Why, for the audit trail.")]
BuildArgument = Annotated[
    str | None, typer.Argument(metavar="BUILD", help="The live one if left out.")
]
MapOption = Annotated[
    list[str] | None,
    typer.Option("--map", metavar="OURS=THEIRS", help="Name a field as the source has it."),
]
ModelOption = Annotated[str | None, typer.Option(help="Model name, folder, or hashing:DIM.")]
UrlTemplateOption = Annotated[
    str | None, typer.Option(help="Link of articles without one; {id} is the escaped id.")
]
UntilOption = Annotated[
    str | None,
    typer.Option("--until", metavar="TIME", help="When it ends: 2026-12-31 or 2026-12-31T18:00."),
]
ForceOption = Annotated[
    bool,
    typer.Option("--force", help="Publish even what a gate holds back; the journal records it."),
]
AcceptOption = Annotated[
    bool,
    typer.Option(
        "--accept-change",
        help="Accept a changed model or text recipe, and the lists that it changes.",
    ),
]

GATES_EPILOG = (
    "A build that is held back stays for inspection; the exit code names the gate: 10 articles "
    "lost, 11 lists changed, 12 articles without a good link, 13 a hub, 14 recall, 15 encoder or "
    "recipe changed, 16 publishing held since a rollback, 17 nothing to compare with, "
    "18 too little of what editors said."
)


def read_mapping(pairs: list[str]) -> dict[str, str]:
    """The value of ``--map``: our field's name to the source's.

    Raises:
        InputError: For a value that is not OURS=THEIRS.
    """
    mapping: dict[str, str] = {}
    for pair in pairs:
        ours, equals, theirs = pair.partition("=")
        if not equals or not ours or not theirs:
            raise InputError(f"--map {pair!r} must be OURS=THEIRS, such as summary=text")
        mapping[ours.strip()] = theirs.strip()
    return mapping


def read_until(text: str | None, settings: Settings) -> int:
    """The value of ``--until``, microseconds since 1970 UTC; ``NEVER`` without one.

    Without a time zone it is in the setting ``timezone``.

    Raises:
        InputError: If it is not a moment.
    """
    if text is None:
        return NEVER
    try:
        return read_local_moment(text, settings.zone)
    except (ValueError, OverflowError):
        raise InputError(f"--until {text!r} must be like 2026-12-31 or 2026-12-31T18:00") from None


def command_actor() -> Actor:
    """Who acts on the command line: the system's user."""
    return Actor(name=who(), how="cli")


def print_result(value: Any, sentence: str, *, as_json: bool) -> None:
    """Print what a command did: as JSON for machines, else as a sentence."""
    if as_json:
        print_json(value)
    else:
        typer.echo(sentence)


def print_json(value: Any) -> None:
    """Print a value as indented JSON, in characters that stdout can encode."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    typer.echo(json.dumps(value, ensure_ascii=not encoding.startswith("utf"), indent=2))
