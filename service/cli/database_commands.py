"""``alsolike db``: the database of decisions, made, upgraded, copied and looked at."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from index.sql_engine import describe, parse_url
from service.cli.options import JsonOption, RootOption, print_json
from service.decisions.database import back_up, copy_database
from service.decisions.open_decisions import database_url, look_at_decisions, upgrade_decisions
from service.decisions.schema import HEAD
from service.http.timestamps import format_timestamp
from service.settings import load_settings

db_app = typer.Typer(
    help="Make, upgrade, copy and look at the database of decisions.",
    epilog="Example: alsolike db status",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@db_app.command(
    epilog="Example: alsolike db upgrade",
    short_help="Make the tables, or bring older ones up to date.",
)
def upgrade(root: RootOption = None, as_json: JsonOption = False) -> None:
    """Make the tables of this version, or bring older ones up to it; safe to run again."""
    before = upgrade_decisions(load_settings(root=root))
    if as_json:
        print_json({"before": before, "now": HEAD})
    elif before == HEAD:
        typer.echo(f"the database has schema {HEAD} already")
    else:
        typer.echo(f"the database has schema {HEAD} now ({before or 'it was empty'})")


@db_app.command(
    epilog="Example: alsolike db backup /backup/alsolike.sqlite",
    short_help="Copy the SQLite database whole, while it is in use.",
)
def backup(
    target: Annotated[Path, typer.Argument(metavar="FILE", help="Replaced if it exists.")],
    root: RootOption = None,
    as_json: JsonOption = False,
) -> None:
    """Copy the SQLite database whole, while it is in use; PostgreSQL has pg_dump."""
    back_up(database_url(load_settings(root=root)), target)
    if as_json:
        print_json({"backup": str(target), "bytes": target.stat().st_size})
    else:
        typer.echo(f"copied to {target}")


@db_app.command(
    epilog="Example: alsolike db copy --to postgresql://alsolike@db.example/alsolike",
    short_help="Copy all that was decided to another database.",
)
def copy(
    target: Annotated[
        str, typer.Option("--to", metavar="URL", help="An empty database; its tables are made.")
    ],
    source: Annotated[
        str | None,
        typer.Option("--from", metavar="URL", help="Is only read; the one in use if left out."),
    ] = None,
    root: RootOption = None,
    as_json: JsonOption = False,
) -> None:
    """Copy all decisions, accounts and the audit trail, from SQLite to PostgreSQL or back.

    ALSOLIKE_DATABASE_PASSWORD serves a URL without a password. Stop the service first: what is
    decided afterwards is not in the copy.
    """
    settings = load_settings(root=root)
    held = settings.database_password.get_secret_value()
    copied = copy_database(
        source or database_url(settings),
        target,
        source_password=held if source is None else _password_for(source, held),
        target_password=_password_for(target, held),
    )
    if as_json:
        print_json({"to": describe(target), "rows": copied})
        return
    rows = ", ".join(f"{count} {name}" for name, count in copied.items() if count)
    typer.echo(f"copied to {describe(target)}: {rows or 'nothing, as nothing was decided'}")
    typer.echo("set database to it and start the service; it goes on where it was")


def _password_for(url: str, held: str) -> str:
    return "" if parse_url(url).password else held


@db_app.command(
    epilog="Example: alsolike db status --json",
    short_help="Show where decisions are, and if the snapshot fits.",
)
def status(root: RootOption = None, as_json: JsonOption = False) -> None:
    """Show which database decisions are in, what it holds, and how the snapshot compares.

    Ends with 7 if the database can't be used.
    """
    settings = load_settings(root=root)
    found = look_at_decisions(settings)
    told: dict[str, Any] = {
        "database": settings.model_dump(mode="json")["database"] or database_url(settings),
        "problem": found.problem,
        "database_id": found.version[0] if found.version else None,
        "version": found.version[1] if found.version else None,
        "rows": found.counts,
        "snapshot_id": found.snapshot.database if found.snapshot else None,
        "snapshot_version": found.snapshot.version if found.snapshot else None,
        "only_in_snapshot": found.only_in_snapshot,
    }
    if as_json:
        print_json(told)
    else:
        typer.echo(f"database  {told['database']}")
        if found.version is not None:
            rows = ", ".join(f"{count} {name}" for name, count in found.counts.items())
            typer.echo(f"holds     {rows}")
            typer.echo(f"changed   {format_timestamp(found.version[1])}")
        elif found.problem is None:
            typer.echo("holds     nothing yet; it is made with the first decision")
        snapshot = "none" if found.snapshot is None else format_timestamp(found.snapshot.version)
        typer.echo(f"snapshot  {snapshot}")
        for sentence in found.only_in_snapshot:
            typer.echo(f"  only in the snapshot: {sentence}")
    if found.problem is not None:
        typer.echo(f"alsolike: {found.problem}", err=True)
        raise typer.Exit(7)
