"""Making builds live and unmaking it: publish, roll back, release, prune."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from index.errors import GateError
from index.publishing.retention import prune as prune_builds
from index.root.root import Root
from service.cli.options import (
    AcceptOption,
    ForceOption,
    JsonOption,
    ReasonOption,
    RootOption,
    print_json,
)
from service.curation.golden_gate import publish_as_set
from service.settings import Settings, load_settings

if TYPE_CHECKING:
    from index.building.builder import BuildResult


def say_found(found: list[str]) -> None:
    """Tell what a process that died left behind."""
    for sentence in found:
        typer.echo(f"cleaned up: {sentence}", err=True)


def publish_made(
    place: Root,
    made: BuildResult,
    settings: Settings,
    *,
    accept_change: bool,
    force: bool,
    reason: str,
) -> GateError | None:
    """Publish a build made just now and remove old ones; returns the refusal, if there is one.

    A refusal is for the caller to raise once it has said what was built.
    """
    refusal = None
    try:
        publish_as_set(
            place,
            made.manifest.name,
            settings,
            accept_change=accept_change,
            force=force,
            reason=reason,
            assessment=made.assessment,
        )
    except GateError as error:
        refusal = error
    prune_builds(place, settings.keep)
    return refusal


def publish(
    name: Annotated[str, typer.Argument(metavar="BUILD")],
    root: RootOption = None,
    accept_change: AcceptOption = False,
    force: ForceOption = False,
    reason: ReasonOption = "",
    as_json: JsonOption = False,
) -> None:
    """Verify a build, compare it with the live one, and make it live."""
    settings = load_settings(root=root)
    place = Root(settings.root)
    with place.locked("alsolike publish") as found:
        say_found(found)
        publish_as_set(
            place, name, settings, accept_change=accept_change, force=force, reason=reason
        )
    _done(as_json, name, f"live: {name}")


def rollback(
    root: RootOption = None, reason: ReasonOption = "", as_json: JsonOption = False
) -> None:
    """Make the build live that was live before, and publish no other until "release"."""
    place = Root(load_settings(root=root).root)
    with place.locked("alsolike rollback") as found:
        say_found(found)
        name = place.rollback(reason=reason)
    _done(as_json, name, f"live again: {name}; publishing is held until: alsolike release")


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


def _done(as_json: bool, name: str, sentence: str) -> None:
    if as_json:
        print_json({"live": name})
    else:
        typer.echo(sentence)
