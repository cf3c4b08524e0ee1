"""Deciding from the command line: takedowns, the audit trail, overrides that no longer work."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from contextlib import closing
from typing import Annotated

import typer

from index.build.id_table import IdTable
from index.root.journal import who
from index.root.root import Root
from recommender.errors import AlsoLikeError, InputError
from recommender.visibility import NEVER, microseconds, utc_now
from service.cli.options import JsonOption, RootOption, print_json
from service.curation.audit_export import audit_json, csv_lines
from service.curation.pin_alerts import find_alerts
from service.decisions.audit_trail import AuditEntry
from service.decisions.decision_store import Actor
from service.decisions.open_decisions import open_decisions, read_state
from service.http.timestamps import format_timestamp
from service.serving.serving_view import ServingView
from service.settings import Settings, load_settings

ALERTS_EXIT_CODE = 20
"""What ``check-overrides`` ends with if an editor should look."""

UntilOption = Annotated[
    str | None,
    typer.Option("--until", metavar="TIME", help="When it ends: 2026-12-31 or 2026-12-31T18:00."),
]


def command_line() -> Actor:
    """Who decides here: the system's user."""
    return Actor(name=who(), how="cli")


def read_until(text: str | None, settings: Settings) -> int:
    """A moment, in the setting ``timezone`` where it names no zone; ``NEVER`` for none.

    Raises:
        InputError: If it is not one.
    """
    if text is None:
        return NEVER
    try:
        instant = dt.datetime.fromisoformat(text)
        instant = instant if instant.tzinfo else instant.replace(tzinfo=settings.zone)
        return microseconds(instant)
    except (ValueError, OverflowError):
        raise InputError(f"--until {text!r} must be like 2026-12-31 or 2026-12-31T18:00") from None


def takedown(
    article_id: Annotated[str, typer.Argument(metavar="ARTICLE_ID", help="The site's own id.")],
    reason: Annotated[str, typer.Option(help="Why, for the audit trail.")] = "",
    until: UntilOption = None,
    lift: Annotated[bool, typer.Option("--lift", help="Let readers see it again.")] = False,
    root: RootOption = None,
    as_json: JsonOption = False,
) -> None:
    """Keep an article out of every list of every build, now; the service follows within 1 s."""
    settings = load_settings(root=root)
    if lift and until is not None:
        raise InputError("--until belongs to a takedown, not to --lift")
    with closing(open_decisions(settings)) as database:
        if lift:
            database.takedowns.lift(command_line(), article_id=article_id, reason=reason)
        else:
            end = read_until(until, settings)
            database.takedowns.put(command_line(), article_id=article_id, reason=reason, until=end)
            if doubt := _doubt(Root(settings.root), article_id):
                typer.echo(doubt, err=True)
        found = database.takedowns.get(article_id)
    if as_json:
        ends = format_timestamp(found.until) if found else None
        print_json({"article_id": article_id, "taken_down": found is not None, "until": ends})
    else:
        typer.echo(f"{article_id} {'may be shown again' if lift else 'is taken down'}")


def _doubt(root: Root, article_id: str) -> str:
    """What may be wrong with a takedown, which holds all the same: a slip must not pass for one."""
    try:
        live = root.current()
        if live is None:
            return f"{root.path} holds no live build: is it the root that the service reads?"
        if IdTable(root.folder(live.build)).row(article_id) is None:
            return f"the live build holds no article {article_id!r}: is it spelled so?"
    except (AlsoLikeError, OSError) as error:
        return f"whether there is such an article is not known: {error}"
    return ""


def audit(
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV for a spreadsheet.")] = False,
    root: RootOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print what was decided, oldest first: when, by whom, what, why."""
    with closing(open_decisions(load_settings(root=root))) as database:
        entries = database.audit.all()
        if as_json:  # one a line: a trail may be long
            lines: Iterator[str] = (
                f"{json.dumps(audit_json(entry), ensure_ascii=False)}\n" for entry in entries
            )
        elif as_csv:
            lines = csv_lines(entries)
        else:
            lines = (_sentence(entry) for entry in entries)
        for line in lines:
            typer.echo(line, nl=False)


def _sentence(entry: AuditEntry) -> str:
    account = (entry.after or entry.before or {}).get("name")
    about = " ".join(filter(None, (entry.article_id, entry.target_id, account)))
    note = f": {entry.reason}" if entry.reason else ""
    return (
        f"{format_timestamp(entry.at)}  {entry.who} ({entry.how})  {entry.action}  {about}{note}\n"
    )


def check_overrides(root: RootOption = None, as_json: JsonOption = False) -> None:
    """Find overrides that do nothing, or soon will: targets that are gone, hidden or embargoed.

    Ends with 20 if there are any.
    """
    settings = load_settings(root=root)
    served = ServingView(Root(settings.root).open(), read_state(settings))
    alerts = find_alerts(served, now=utc_now())
    if as_json:
        print_json(
            [
                {
                    "article_id": alert.override.article_id,
                    "target_id": alert.override.target_id,
                    "kind": alert.override.kind.value,
                    "position": alert.override.position,
                    "reason": alert.reason.value,
                    "from": format_timestamp(alert.moment),
                }
                for alert in alerts
            ]
        )
    else:
        for alert in alerts:
            typer.echo(f"{alert.override.article_id}: {alert.sentence()}")
        if not alerts:
            typer.echo("every override does what it says")
    if alerts:
        raise typer.Exit(ALERTS_EXIT_CODE)
