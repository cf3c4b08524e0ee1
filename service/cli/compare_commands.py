"""The commands ``alsolike compare …``: compare the live lists with those of a variant."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from index.root.journal import acting_for, who
from index.root.root import Root
from recommender.errors import InputError
from service.cli import options as option
from service.cli.build_progress import progress_bar
from service.cli.options import command_actor, command_group, print_result
from service.cli.publish_commands import print_cleanup
from service.curation.publishing import BuildActions
from service.settings import CONFIG_FILE, Settings, load_settings

if TYPE_CHECKING:
    from service.watching.comparisons import Comparisons

compare_app = command_group(
    "Compare the live lists with those of a variant, by readers' clicks.", "compare status"
)

_UNITS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}


@compare_app.command(
    epilog="Example: alsolike compare start fresh --share 0.5 --block 1h",
    short_help="Make the variant's build, and show its lists in a share of articles.",
)
def start(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="The variant: its settings are in [variant.NAME].")
    ],
    root: option.Root = None,
    share: Annotated[
        float,
        typer.Option(
            help="Share of articles that show the variant's lists, drawn anew in each block."
        ),
    ] = 0.5,
    block: Annotated[
        str, typer.Option(help="How long an article keeps its variant, such as 30m, 1h or 1d.")
    ] = "1h",
    reason: option.Reason = "",
    as_json: option.Json = False,
) -> None:
    """Make a build with a variant's settings, and begin to compare its lists with the live ones.

    For each article and block of time it is drawn which of both lists readers get. Until the
    comparison ends, every build is made for both.
    """
    if (found := re.fullmatch(r"(\d{1,6})([smhd])", block)) is None:
        raise InputError(f"--block {block!r} must be a number and a unit, such as 30m, 1h or 1d")
    settings = load_settings(root=root)
    with _comparisons(settings) as comparisons:
        state = comparisons.start(
            name, share=share, block=int(found[1]) * _UNITS[found[2]], reason=reason
        )
    sentence = (
        f"from now on {share:.0%} of articles show the lists of {name}, drawn anew every {block}; "
        "see how it goes: alsolike compare status"
    )
    print_result(state.model_dump(exclude={"salt"}), sentence, as_json=as_json)


@compare_app.command(
    epilog="Example: alsolike compare status", short_help="Say what has been found out so far."
)
def status(root: option.Root = None, as_json: option.Json = False) -> None:
    """Say which of both lists readers click more often, how sure that is, and how long it takes."""
    from service.clicks.comparison_findings import ComparisonFinder

    found = ComparisonFinder(load_settings(root=root)).find()
    print_result(found.figures(), *found.sentences(), as_json=as_json)


@compare_app.command(
    epilog="Example: alsolike compare stop --reason 'no difference'",
    short_help="End the comparison: all readers get the live lists.",
)
def stop(
    root: option.Root = None, reason: option.Reason = "", as_json: option.Json = False
) -> None:
    """End the comparison: all readers get the live lists. The counted clicks stay."""
    actions = BuildActions(load_settings(root=root), report=print_cleanup)
    state = actions.stop_comparison(command_actor(), reason=reason)
    sentence = f"{state.variant} is compared no longer; all readers get the live lists"
    print_result({"stopped": state.variant}, sentence, as_json=as_json)


@compare_app.command(
    epilog="Example: alsolike compare publish --reason 'followed 9 % more often'",
    short_help="Give all readers the variant's lists, and end the comparison.",
)
def publish(
    root: option.Root = None,
    force: option.Force = False,
    reason: option.Reason = "",
    by: Annotated[str, typer.Option(hidden=True, help="In whose name; the page's admin.")] = "",
    as_json: option.Json = False,
) -> None:
    """Publish a build with the compared variant's settings, and print the settings to write.

    It is made from the live build's articles, and must pass the gates like any other build.
    """
    from service.clicks.comparison_findings import settings_lines

    settings = load_settings(root=root)
    with acting_for(by or who()), _comparisons(settings) as comparisons:
        state, build = comparisons.publish(force=force, reason=reason)
    lines = "\n".join(settings_lines(state))
    print_result(
        {"live": build, "settings": state.settings},
        f"live: {build}, with the lists of {state.variant}. So that the next builds are made like "
        f"it, write above the tables of {CONFIG_FILE}, and start alsolike watch and serve "
        f"again:\n{lines}",
        as_json=as_json,
    )


@contextmanager
def _comparisons(settings: Settings) -> Iterator[Comparisons]:
    """Holds the root's lock while a comparison begins or ends."""
    from recommender.sentence_encoder import load_encoder
    from service.watching.comparisons import Comparisons

    with (
        Root(settings.root).locked("alsolike compare") as found,
        progress_bar(Root(settings.root)) as progress,
    ):
        print_cleanup(found)
        yield Comparisons(
            settings, lambda: load_encoder(settings.model, settings.precision), progress
        )
