"""Options that several commands share, their parsing, and the printing of results."""

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
LimitOption = Annotated[
    int | None, typer.Option("--limit", min=1, max=50, help="Most articles to list.")
]
ReasonOption = Annotated[str, typer.Option("--reason", help="Reason, for the journal.")]
AuditReasonOption = Annotated[str, typer.Option("--reason", help="Reason, for the audit trail.")]
BuildArgument = Annotated[
    str | None, typer.Argument(metavar="BUILD", help="The build; by default the live one.")
]
MapOption = Annotated[
    list[str] | None,
    typer.Option("--map", metavar="OURS=THEIRS", help="Map a field to the source's name for it."),
]
ModelOption = Annotated[str | None, typer.Option(help="Model name, folder, or hashing:DIM.")]
UrlTemplateOption = Annotated[
    str | None, typer.Option(help="Link for articles without one, such as /{year}/{slug}/.")
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
        help="Accept a changed model or text preparation, and the changed lists.",
    ),
]

GATES_EPILOG = (
    "A build that is held back is kept for inspection; the exit code names the gate: 10 articles "
    "lost, 11 lists changed, 12 articles without a good link, 13 a hub, 14 recall, 15 encoder or "
    "text preparation changed, 16 publishing held since a rollback, 17 nothing to compare with, "
    "18 too few of the editors' judgments met."
)


def read_mapping(pairs: list[str]) -> dict[str, str]:
    """Parses the values of ``--map``: returns AlsoLike's field names to the source's.

    Raises:
        InputError: If a value is not OURS=THEIRS.
    """
    mapping: dict[str, str] = {}
    for pair in pairs:
        ours, equals, theirs = pair.partition("=")
        if not equals or not ours or not theirs:
            raise InputError(f"--map {pair!r} must be OURS=THEIRS, such as summary=text")
        mapping[ours.strip()] = theirs.strip()
    return mapping


def read_until(text: str | None, settings: Settings) -> int:
    """Parses the value of ``--until``: microseconds since 1970 UTC, ``NEVER`` if not given.

    A time without a zone is in the zone of the setting ``timezone``.

    Raises:
        InputError: If the value is not a date or time.
    """
    if text is None:
        return NEVER
    try:
        return read_local_moment(text, settings.zone)
    except (ValueError, OverflowError):
        raise InputError(f"--until {text!r} must be like 2026-12-31 or 2026-12-31T18:00") from None


def command_actor() -> Actor:
    """Returns the actor of a command: the operating system's user."""
    return Actor(name=who(), how="cli")


def print_result(value: Any, sentence: str, *, as_json: bool) -> None:
    """Prints a command's result: as JSON, or as a sentence for people."""
    if as_json:
        print_json(value)
    else:
        typer.echo(sentence)


def print_json(value: Any) -> None:
    """Prints a value as indented JSON, in characters that stdout can encode."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    typer.echo(json.dumps(value, ensure_ascii=not encoding.startswith("utf"), indent=2))
