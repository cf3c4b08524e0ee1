"""The commands ``alsolike takedown``, ``audit`` and ``check-overrides``."""

import json
from collections.abc import Iterator
from contextlib import closing, suppress
from typing import Annotated

import typer

from index.build.build import Build
from index.build.id_table import IdTable
from index.root.root import Root
from recommender.errors import AlsoLikeError, InputError, NotFoundError
from recommender.visibility import utc_now
from service.cli import options as option
from service.cli.options import command_actor, open_here, print_result, read_moment
from service.curation.pin_alerts import find_alerts
from service.decisions.audit_trail import AuditEntry
from service.decisions.list_scope import name_scope
from service.decisions.open_decisions import read_state
from service.http.audit_export import audit_json, csv_lines
from service.http.timestamps import format_timestamp
from service.serving.serving_view import ServingView
from service.settings import load_settings

_PIN = ("article_id", "target_id", "kind", "position")

ALERTS_EXIT_CODE = 20
"""The exit code of ``check-overrides`` if it finds pins or rules that have no effect."""


def takedown(
    article_id: Annotated[str, typer.Argument(metavar="ARTICLE_ID", help="The article's id.")],
    reason: option.AuditReason = "",
    until: option.Until = None,
    lift: Annotated[bool, typer.Option("--lift", help="End the article's takedown.")] = False,
    ahead: Annotated[
        bool, typer.Option("--ahead", help="Take down an article that is in no build yet.")
    ] = False,
    root: option.Root = None,
    as_json: option.Json = False,
) -> None:
    """Remove an article from every list of every build, within a second."""
    settings = load_settings(root=root)
    if lift and (ahead or until is not None):
        raise InputError("--lift can't be used with --until or --ahead")
    known = lift or ahead or _is_known(Root(settings.root), article_id)
    with closing(open_here(settings, first=ahead)) as database:
        takedowns, actor = database.takedowns, command_actor()
        if lift:
            takedowns.lift(actor, article_id=article_id, reason=reason)
        else:
            end = read_moment(until, settings)
            takedowns.put(actor, article_id=article_id, reason=reason, until=end, known=known)
        found = takedowns.get(article_id)
    told = "may be shown again" if found is None else "is taken down"
    if lift and found is not None:
        told = "stays down, as the site unpublished it; to show it all the same, run this again"
    print_result(
        {
            "article_id": article_id,
            "taken_down": found is not None,
            "until": format_timestamp(found.until) if found else None,
        },
        f"{article_id} {told}",
        as_json=as_json,
    )


def _is_known(root: Root, article_id: str) -> bool:
    """Whether the live build holds an article; if the build can't be read, a warning is printed.

    Then the takedown is to be made all the same.
    """
    try:
        live = root.current()
        if live is not None:
            return IdTable(root.folder(live.build)).row(article_id) is not None
    except (AlsoLikeError, OSError) as error:
        typer.echo(f"can't check whether the article exists: {error}", err=True)
        return True
    raise NotFoundError(
        f"the folder {root.path} holds no live build: name the service's folder of builds with "
        "--root; or, to take an article down before the first build, use --ahead"
    )


def audit(
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV for a spreadsheet.")] = False,
    root: option.Root = None,
    as_json: option.Json = False,
) -> None:
    """Print every decision, oldest first: when it was made, by whom, what and why."""
    settings = load_settings(root=root)
    with closing(open_here(settings, upgrade=False)) as database:
        entries = database.audit.all()
        if as_json:  # one object per line, because the trail may be long
            lines: Iterator[str] = (
                f"{json.dumps(audit_json(entry), ensure_ascii=False)}\n" for entry in entries
            )
        elif as_csv:
            lines = csv_lines(entries)
        else:
            build = None  # without one, the lines name ids only
            with suppress(AlsoLikeError, OSError):
                build = Root(settings.root).open_live()
            lines = (_sentence(build, entry) for entry in entries)
        for line in lines:
            typer.echo(line, nl=False)


def _sentence(build: Build | None, entry: AuditEntry) -> str:
    from service.editor.labels import label_entry

    note = f": {entry.reason}" if entry.reason else ""
    done, moment = label_entry(build, entry), format_timestamp(entry.at)
    ids = " ".join(filter(None, (entry.article_id, entry.target_id)))
    return f"{moment}  {entry.who} ({entry.how})  {done}{ids and f' [{ids}]'}{note}\n"


def check_overrides(root: option.Root = None, as_json: option.Json = False) -> None:
    """Find pins and rules that have no effect now or soon, such as pins of invisible articles.

    Exits with code 20 if there are any.
    """
    settings = load_settings(root=root)
    served = ServingView(Root(settings.root).open(), read_state(settings))
    alerts = find_alerts(served, now=utc_now(), query=settings.query)
    rows = []
    lines = []
    for alert in alerts:
        pin = {name: getattr(alert.override, name) for name in _PIN}
        rows.append({**pin, "reason": alert.reason, "from": format_timestamp(alert.moment)})
        lines.append(f"{name_scope(alert.override.article_id)}: {alert.sentence()}")
    print_result(rows, *(lines or ["All pins and rules are in effect."]), as_json=as_json)
    if alerts:
        raise typer.Exit(ALERTS_EXIT_CODE)
