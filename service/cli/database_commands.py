"""The commands ``alsolike db …``, which create, upgrade, copy and show the decision database."""

from pathlib import Path
from typing import Annotated, Any

import typer

from index.sql_engine import describe, parse_url
from service.cli import options as option
from service.cli.options import command_group, print_result
from service.decisions.database import back_up, copy_database
from service.decisions.open_decisions import database_url, decisions_status, upgrade_decisions
from service.decisions.schema import HEAD
from service.http.timestamps import format_timestamp
from service.settings import load_settings

db_app = command_group("Create, upgrade, copy and inspect the database of decisions.", "db status")


@db_app.command(
    epilog="Example: alsolike db upgrade", short_help="Create the tables, or upgrade older ones."
)
def upgrade(root: option.Root = None, as_json: option.Json = False) -> None:
    """Create the tables of the database of decisions, or upgrade older ones; safe to run again."""
    before = upgrade_decisions(load_settings(root=root))
    sentence = f"the database now has schema {HEAD} (before: {before or 'empty'})"
    if before == HEAD:
        sentence = f"the database already has schema {HEAD}"
    print_result({"before": before, "now": HEAD}, sentence, as_json=as_json)


@db_app.command(
    epilog="Example: alsolike db backup /backup/alsolike.sqlite",
    short_help="Back up the SQLite database, even while it is in use.",
)
def backup(
    target: Annotated[
        Path, typer.Argument(metavar="FILE", help="The backup file; it is replaced if it exists.")
    ],
    root: option.Root = None,
    as_json: option.Json = False,
) -> None:
    """Back up the database of decisions in SQLite, even in use; for PostgreSQL use pg_dump."""
    back_up(database_url(load_settings(root=root)), target)
    size = target.stat().st_size
    print_result({"backup": str(target), "bytes": size}, f"copied to {target}", as_json=as_json)


@db_app.command(
    epilog="Example: alsolike db copy --to postgresql://alsolike@db.example/alsolike",
    short_help="Copy all decisions to another database.",
)
def copy(
    target: Annotated[
        str, typer.Option("--to", metavar="URL", help="An empty database; its tables are created.")
    ],
    source: Annotated[
        str | None,
        typer.Option(
            "--from", metavar="URL", help="The database to copy; by default the one in use."
        ),
    ] = None,
    root: option.Root = None,
    as_json: option.Json = False,
) -> None:
    """Copy all decisions, accounts and the audit trail, from SQLite to PostgreSQL or back.

    ALSOLIKE_DATABASE_PASSWORD is used for a URL without a password. Stop the service first, as
    decisions made during or after the copy are not in it.
    """
    settings = load_settings(root=root)
    held = settings.database_password.get_secret_value()
    copied = copy_database(
        source or database_url(settings),
        target,
        source_password=held if source is None else _password_for(source, held),
        target_password=_password_for(target, held),
    )
    rows = ", ".join(f"{count} {name}" for name, count in copied.items() if count)
    lines = (
        f"copied to {describe(target)}: {rows or 'nothing, as there are no decisions'}",
        "now set the setting database to this URL and restart the service",
    )
    print_result({"to": describe(target), "rows": copied}, *lines, as_json=as_json)


def _password_for(url: str, held: str) -> str:
    return "" if parse_url(url).password else held


@db_app.command(
    epilog="Example: alsolike db status --json",
    short_help="Show the database of decisions and its copy (snapshot).",
)
def status(root: option.Root = None, as_json: option.Json = False) -> None:
    """Show the database of decisions, what it holds, and whether its copy is up to date.

    The copy, called the snapshot, is a file in the root, which the service reads while the
    database is down.

    Exits with code 7 if the database can't be used.
    """
    settings = load_settings(root=root)
    found = decisions_status(settings)
    database_id, version = found.version or (None, None)
    saved = found.snapshot
    values: dict[str, Any] = {
        "database": settings.model_dump(mode="json")["database"] or database_url(settings),
        "problem": found.problem,
        "database_id": database_id,
        "version": version,
        "rows": found.counts,
        "snapshot_id": saved and saved.database,
        "snapshot_version": saved and saved.version,
        "only_in_snapshot": found.only_in_snapshot,
        "only_in_database": found.only_in_database,
    }
    lines = [f"database  {values['database']}"]
    if version is not None:
        rows = ", ".join(f"{count} {name}" for name, count in found.counts.items())
        lines += [f"holds     {rows}", f"changed   {format_timestamp(version)}"]
    elif found.problem is None:
        lines.append("holds     nothing yet; it is created with the first decision")
    lines.append(f"snapshot  {'none' if saved is None else format_timestamp(saved.version)}")
    lines += [f"  only in the snapshot (the copy): {each}" for each in found.only_in_snapshot]
    lines += [f"  only in the database: {each}" for each in found.only_in_database]
    print_result(values, *lines, as_json=as_json)
    if found.problem is not None:
        typer.echo(f"alsolike: {found.problem}", err=True)
        raise typer.Exit(7)
