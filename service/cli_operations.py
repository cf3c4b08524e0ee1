"""What operations ask: what was built, what it would change, what stays, what is exported."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Annotated

import typer

from index.build import Build
from index.churn import compare, describe_churn
from index.decisions import read_state
from index.export import export_lists
from index.files import replace_file
from index.golden_gate import golden_gate
from index.history import describe_builds
from index.page import PAGE
from index.publishing import publish_build
from index.retention import prune as prune_builds
from index.root import Root
from index.selection import Wish, select
from index.served import Served
from index.settings import Settings, load_settings
from index.snapshot import Snapshot
from recommender.errors import GateError
from service.cli_options import JsonOption, LimitOption, ReasonOption, RootOption, print_json


def say_found(found: list[str]) -> None:
    """Tell what a process that died left behind."""
    for sentence in found:
        typer.echo(f"cleaned up: {sentence}", err=True)


def publish_made(
    place: Root, name: str, settings: Settings, *, accept_change: bool, force: bool, reason: str
) -> GateError | None:
    """Publish a build made just now and remove old ones; returns the refusal, if there is one.

    A refusal is for the caller to raise once it has said what was built.
    """
    refusal = None
    try:
        publish_build(
            place,
            name,
            settings.limits,
            golden=golden_gate(settings),
            accept_change=accept_change,
            force=force,
            reason=reason,
        )
    except GateError as error:
        refusal = error
    prune_builds(place, settings.keep)
    return refusal


def builds(root: RootOption = None, as_json: JsonOption = False) -> None:
    """List the builds, oldest first: which is live, what became of each."""
    place = Root(load_settings(root=root).root)
    found = describe_builds(place)
    rows, held = found["items"], found["held"]
    if found["problem"] is not None:
        typer.echo(f"alsolike: {found['problem']}", err=True)
    if as_json:
        print_json({"builds": rows, "held": held})
        return
    for row in rows:
        typer.echo(
            f"{row['build']}  {row['state']:8}  {row.get('articles', ''):>9}  "
            f"{row.get('encoded', ''):>8} encoded  {row.get('seconds', ''):>7} s  "
            f"{row.get('mb', ''):>7} MB  {row.get('note', '')}".rstrip()
        )
    if not rows:
        typer.echo(f"there is no build in {place.path}")
    if held is not None:
        why = f": {held['reason']}" if held["reason"] else ""
        typer.echo(f"publishing is held since {held['since']} by {held['who']}{why}")


def diff(
    old: Annotated[str, typer.Argument(metavar="A", help="The older build.")],
    new: Annotated[
        str | None, typer.Argument(metavar="B", help="The newer one; the live one if left out.")
    ] = None,
    root: RootOption = None,
    limit: LimitOption = None,
    as_json: JsonOption = False,
) -> None:
    """Compare two builds: articles in and out, and the lists that changed most."""
    place = Root(load_settings(root=root).root)
    first = Snapshot.of(place.folder(old), place.manifest(old))
    second = Snapshot.of(place.folder(new), place.manifest(new))
    now = time.time_ns() // 1000
    churn = compare(first, second, now=now)
    found = describe_churn(first, second, churn, now=now, limit=limit or 10)
    if as_json:
        print_json(found)
        return
    for sign, key in (("+", "added"), ("-", "removed")):
        typer.echo(f"{found[key]['count']} articles {key}")
        for item in found[key]["first"]:
            typer.echo(f"  {sign} {item['title']}  [{item['article_id']}]")
    typer.echo(f"{found['rewritten']} articles with another text")
    lists = found["lists"]
    typer.echo(
        f"{lists['changed']:.1%} of {lists['compared']} lists show other articles; "
        f"{lists['replaced']:.1%} of all places changed hands"
    )
    for item in found["most_changed"]:
        typer.echo(f"\n{item['title']}  [{item['article_id']}]  {item['replaced']:.0%} new")
        for sign, key in (("+", "in"), ("-", "out")):
            for title in item[key]:
                typer.echo(f"  {sign} {title}")


def prune(
    root: RootOption = None,
    keep: Annotated[
        int | None, typer.Option(min=1, help="How many of the latest stay (setting keep).")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Remove old builds, never the live one nor the one that a rollback would go to."""
    settings = load_settings(root=root, keep=keep)
    place = Root(settings.root)
    with place.locked("alsolike prune"):
        removed = prune_builds(place, settings.keep)
    if as_json:
        print_json({"removed": removed})
    else:
        typer.echo(f"removed {len(removed)}: {', '.join(removed)}" if removed else "none to remove")


def release(
    root: RootOption = None, reason: ReasonOption = "", as_json: JsonOption = False
) -> None:
    """Let builds be published again after a rollback."""
    place = Root(load_settings(root=root).root)
    with place.locked("alsolike release"):
        released = place.release(reason=reason)
    if as_json:
        print_json({"released": released})
    else:
        typer.echo(
            "builds are published again, the next one first" if released else "nothing was held"
        )


def export(
    out: Annotated[Path, typer.Option(help="Folder of the files: new, empty, or exported before.")],
    root: RootOption = None,
    limit: LimitOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write every visible article's list as a JSON file; touch only files that changed.

    An embargo that begins or ends, or a takedown, reaches these files only at the next export,
    and a CDN only when it fetches them again; the service honors both at once.
    """
    from service.rendering import items_json

    settings = load_settings(root=root, limit=limit)
    place = Root(settings.root)
    pointer = place.current()
    live = Build(
        place.folder(), manifest_sha256=None if pointer is None else pointer.manifest_sha256
    )
    now = time.time_ns() // 1000
    wish = Wish(limit=settings.limit, min_score=settings.min_score, fallback=settings.fallback)

    served = Served(live, read_state(settings))

    def render(row: int) -> bytes:
        return b'{"article_id":%b,"items":%b}\n' % (
            json.dumps(live.article_id(row), ensure_ascii=False).encode(),
            items_json(live, select(served, row, now=now, wish=wish)),
        )

    done = export_lists(served, out, render, now=now)
    if as_json:
        print_json({"written": done.written, "unchanged": done.unchanged, "removed": done.removed})
    else:
        typer.echo(
            f"{done.written} written, {done.unchanged} unchanged, {done.removed} removed in {out}"
        )


def report(
    name: Annotated[
        str | None, typer.Argument(metavar="BUILD", help="The live one if left out.")
    ] = None,
    root: RootOption = None,
    out: Annotated[
        Path | None, typer.Option(help="Copy the page to this file instead of naming its place.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Show where a build's report page lies: charts, gates, hubs, orphans, a map."""
    place = Root(load_settings(root=root).root)
    manifest = place.manifest(name)
    opened = Build(place.folder(manifest.name))
    if as_json:
        print_json(opened.report())
        return
    page = opened.checked(PAGE)
    if out is not None:
        replace_file(out, page.read_bytes())
        page = out
    typer.echo(page.resolve().as_uri())
