"""Options that several commands share, their parsing, and the printing of results."""

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from index.root.journal import as_utf8, who
from index.root.root import Root as BuildsFolder
from recommender.errors import InputError, NotFoundError
from recommender.visibility import NEVER
from service.decisions.database import Database
from service.decisions.decision_store import Actor
from service.decisions.open_decisions import nothing_decided, open_decisions
from service.http.timestamps import read_local_moment
from service.settings import Settings

Root = Annotated[Path | None, typer.Option("--root", help="Folder of the builds (setting root).")]
Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
Limit = Annotated[int | None, typer.Option("--limit", min=1, max=50, help="Most articles to list.")]
Reason = Annotated[
    str, typer.Option("--reason", callback=as_utf8, help="Why, recorded in the journal.")
]
AuditReason = Annotated[
    str, typer.Option("--reason", callback=as_utf8, help="Why, recorded in the audit trail.")
]
BuildName = Annotated[
    str | None, typer.Argument(metavar="BUILD", help="The build; by default the live one.")
]
Map = Annotated[
    list[str] | None,
    typer.Option(
        "--map", metavar="OURS=THEIRS", help="Say what the source calls a field of AlsoLike."
    ),
]
Model = Annotated[str | None, typer.Option(help="Model name, folder, or hashing:DIM.")]
UrlTemplate = Annotated[
    str | None, typer.Option(help="Link for articles without one, such as /{year}/{slug}/.")
]
Until = Annotated[
    str | None,
    typer.Option("--until", metavar="TIME", help="End time, like 2026-12-31 or 2026-12-31T18:00."),
]
Force = Annotated[
    bool,
    typer.Option(
        "--force", help="Publish even if a gate refuses the build; the journal records it."
    ),
]
Accept = Annotated[
    bool,
    typer.Option(
        "--accept-change", help="Publish though the model or the preparation of texts has changed."
    ),
]

GATES_EPILOG = (
    "A build that a gate (a check) refuses is kept for inspection. The exit code names the gate: "
    "10 too many articles lost, 11 too many lists changed, 12 too many articles without a good "
    "related article, 13 one article in too many lists, 14 the index misses neighbors, 15 model or "
    "text preparation changed, 16 publishing on hold since a rollback, 17 the live build can't be "
    "read, 18 too few of the editors' judgments met, 19 most articles without text, 20 a variant "
    "is compared and not decided on, 21 most links not as url_template says. For 19 and 21 a full "
    "build ends before it is made."
)


def command_group(purpose: str, example: str) -> typer.Typer:
    """Returns a group of commands, such as ``alsolike tokens``.

    Args:
        purpose: What its commands do, as a sentence.
        example: One of its commands, without ``alsolike``.
    """
    return typer.Typer(
        help=purpose,
        epilog=f"Example: alsolike {example}",
        no_args_is_help=True,
        rich_markup_mode=None,
    )


def read_mapping(pairs: list[str]) -> dict[str, str]:
    """Parses the values of ``--map``, such as ``summary=text``.

    Args:
        pairs: The values, each OURS=THEIRS: AlsoLike's name of a field and the source's.

    Returns:
        The source's names of fields by AlsoLike's names.

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


def read_moment(
    text: str | None, settings: Settings, *, option: str = "--until", without: int = NEVER
) -> int:
    """Parses the value of an option that is a time.

    Args:
        text: The option's value, such as ``2026-12-31T18:00``; ``None`` if it is not given.
        settings: The effective settings; ``timezone`` is the zone of a time without one.
        option: The option's name, for the error message.
        without: The time to return if the option is not given.

    Returns:
        Microseconds since 1970 UTC.

    Raises:
        InputError: If the value is not a date or time.
    """
    if text is None:
        return without
    try:
        return read_local_moment(text, settings.zone)
    except (ValueError, OverflowError):
        raise InputError(
            f"{option} {text!r} must be a date or time such as 2026-12-31 or 2026-12-31T18:00"
        ) from None


def open_here(settings: Settings, *, first: bool = False, upgrade: bool = True) -> Database:
    """Opens the database of decisions, but makes none in a folder where a command went astray.

    Args:
        settings: The effective settings.
        first: Whether the command may be the first of all on a site, so that a note is enough.
        upgrade: Whether the command decides, and so upgrades an SQLite file of an older schema.

    Raises:
        NotFoundError: If the folder of the builds has neither builds nor decisions.
        DatabaseError: If the database can't be opened.
    """
    if nothing_decided(settings):
        try:
            BuildsFolder(settings.root).check_builds()
        except NotFoundError as error:
            if not first:
                raise
            typer.echo(f"note: decisions begin anew here: {error}", err=True)
    return open_decisions(settings, upgrade=upgrade)


def command_actor() -> Actor:
    """Returns who runs the command, for the audit trail: the operating system's user."""
    return Actor(name=who(), how="cli")


def count_articles(count: int) -> str:
    """Returns a number of articles in words: ``1 article``, ``7 articles``."""
    return f"{count} article{'s' * (count != 1)}"


def print_result(value: Any, *lines: str, as_json: bool) -> None:
    """Prints a command's result.

    Args:
        value: The result as JSON values.
        *lines: The result as text for people.
        as_json: Whether to print ``value`` instead of ``lines``.
    """
    if as_json:
        print_json(value)
        return
    for line in lines:
        typer.echo(line)


def print_json(value: Any) -> None:
    """Prints a value as indented JSON, in characters that stdout can encode."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    typer.echo(json.dumps(value, ensure_ascii=not encoding.startswith("utf"), indent=2))
