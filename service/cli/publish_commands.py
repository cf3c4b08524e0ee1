"""The commands ``alsolike publish``, ``rollback``, ``release`` and ``prune``."""

from typing import Annotated

import typer

from index.publishing.build_history import last_rollback, made_since_rollback, shown_again
from index.publishing.retention import prune as prune_builds
from index.root.root import Root
from recommender.visibility import utc_now
from service.cli import options as option
from service.cli.options import command_actor, print_result
from service.curation.publishing import BuildActions
from service.settings import load_settings

_NAMED = 5


def print_cleanup(found: list[str]) -> None:
    """Prints how the files were cleaned up that a crashed process left in the folder of builds.

    Args:
        found: A sentence for each thing that was cleaned up.
    """
    for sentence in found:
        typer.echo(f"cleaning up: {sentence}", err=True)


def publish(
    name: Annotated[str, typer.Argument(metavar="BUILD", help="The build.")],
    root: option.Root = None,
    accept_change: option.Accept = False,
    force: option.Force = False,
    reason: option.Reason = "",
    as_json: option.Json = False,
) -> None:
    """Verify a build, compare it with the live one, and make it live."""
    settings = load_settings(root=root)
    actions = BuildActions(settings, report=print_cleanup)
    undone = last_rollback(Root(settings.root), name)
    actions.publish(command_actor(), name, accept_change=accept_change, force=force, reason=reason)
    if undone is not None:
        why = f" ({undone['reason']})" if undone["reason"] else ""
        said = f"{undone['who']} rolled back from this build on {undone['at']}{why}"
        typer.echo(f"warning: {said}; to go back again: alsolike rollback", err=True)
    again = _tell_shown_again(Root(settings.root))
    print_result({"live": name, "shown_again": again}, f"live: {name}", as_json=as_json)


def rollback(
    root: option.Root = None,
    full: Annotated[
        bool, typer.Option("--full", help="Go back to the last full build, not to a small one.")
    ] = False,
    reason: option.Reason = "",
    as_json: option.Json = False,
) -> None:
    """Make the previous build live again, and put publishing on hold until alsolike release."""
    settings = load_settings(root=root)
    actions = BuildActions(settings, report=print_cleanup)
    name = actions.roll_back(command_actor(), reason=reason, full=full)
    again = _tell_shown_again(Root(settings.root))
    print_result(
        {"live": name, "shown_again": again},
        f"live again: {name}; publishing is on hold until you run: alsolike release",
        as_json=as_json,
    )


def _tell_shown_again(root: Root) -> list[str]:
    """Warns of the articles that an older build shows again, and returns their ids."""
    ids = shown_again(root, now=utc_now())
    if ids:
        some = ", ".join(ids[:_NAMED]) + (", …" if len(ids) > _NAMED else "")
        typer.echo(
            f"warning: shown again, which the build before did not show: {len(ids)} ({some}); if "
            "one became a draft or was removed since then: alsolike takedown ID",
            err=True,
        )
    return ids


def release(
    root: option.Root = None, reason: option.Reason = "", as_json: option.Json = False
) -> None:
    """Allow publishing again after a rollback."""
    settings = load_settings(root=root)
    released = BuildActions(settings, report=print_cleanup).release(command_actor(), reason=reason)
    told = "publishing resumes with the next build" if released else "publishing was not paused"
    if released and (made := made_since_rollback(Root(settings.root))):
        told += f"; {made} was made meanwhile: alsolike publish {made} makes it live"
    print_result({"released": released}, told, as_json=as_json)


def prune(
    root: option.Root = None,
    keep: Annotated[
        int | None,
        typer.Option(min=1, help="How many of the latest full builds to keep (setting keep)."),
    ] = None,
    as_json: option.Json = False,
) -> None:
    """Remove old builds, but never the live one or those that a rollback would restore."""
    settings = load_settings(root=root, keep=keep)
    opened = Root(settings.root)
    opened.check_builds()
    with opened.locked("alsolike prune") as found:
        print_cleanup(found)
        removed = prune_builds(
            opened, settings.keep, settings.keep_small, settings.keep_small_hours
        )
    print_result(
        {"removed": removed},
        f"removed {len(removed)}: {', '.join(removed)}" if removed else "nothing to remove",
        as_json=as_json,
    )
