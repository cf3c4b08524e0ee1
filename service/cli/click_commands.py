"""The command ``alsolike clicks``."""

from contextlib import closing
from enum import StrEnum
from typing import Annotated

import typer

from index.root.root import Root
from recommender.errors import SettingError
from service.cli import options as option
from service.cli.options import print_result
from service.clicks.click_events import REASONS
from service.clicks.click_figures import ClickFigures, Figure, first_day
from service.clicks.click_store import open_clicks
from service.http.audit_export import csv_line
from service.settings import load_settings


class By(StrEnum):
    """The property by which the command groups the counted views and clicks."""

    POSITION = "position"
    ORIGIN = "origin"
    EVIDENCE = "evidence"
    ARTICLE = "article"
    BUILD = "build"
    DAY = "day"
    VARIANT = "variant"


def clicks(
    by: Annotated[
        By,
        typer.Option(
            help="Links by position, origin or the evidence that speaks most for them in the live "
            "build; or lists, of which readers follow a link or none, by article, full build, day "
            "or variant."
        ),
    ] = By.POSITION,
    days: Annotated[int, typer.Option(min=1, max=3_650, help="Days to sum up, with today.")] = 28,
    as_csv: Annotated[
        bool, typer.Option("--csv", help="Print every count of these days, for a spreadsheet.")
    ] = False,
    root: option.Root = None,
    as_json: option.Json = False,
) -> None:
    """Show how often readers see and click related links, with 95 % confidence intervals."""
    settings = load_settings(root=root)
    if not settings.clicks:
        raise SettingError("readers' clicks are not counted; set clicks = true in alsolike.toml")
    with closing(open_clicks(settings)) as store:
        since = first_day(settings, days)
        if as_csv:
            for row in store.export(since):
                typer.echo(csv_line(row), nl=False)
            return
        figures = ClickFigures(store, since)
        if by is By.EVIDENCE:
            found = figures.by_evidence(Root(settings.root).open())
        else:
            found = figures.by(by.value)
        total, rejected = figures.total, dict(figures.rejections)
    described = [figure.describe() for figure in found]
    values = {"since": since, "by": by.value, "lists": total.describe(), "figures": described}
    width = max([len(by.value), *(len(figure.name) for figure in found)])
    lines = [f"since {since}: no list was seen; pages report when a reader leaves them"]
    if total.seen:
        lines = [
            f"since {since}: {total.seen:,} lists seen; a link was followed in {total.clicked:,}, "
            f"{_share(total)}",
            f"{by.value:{width}}  {'seen':>11}  {'followed':>9}  share",
        ]
    for figure in found:
        counted = f"{figure.seen:>11,}  {figure.clicked:>9,}"
        lines.append(f"{figure.name:{width}}  {counted}  {_share(figure)}")
    if rejected:
        lines.append("reported, but not counted:")
        lines += [f"{count:>11,}  {REASONS.get(name, name)}" for name, count in rejected.items()]
    print_result({**values, "rejected": rejected}, *lines, as_json=as_json)


def _share(figure: Figure) -> str:
    if not figure.enough:
        return "too few to say"
    return f"{figure.rate:.2%} ({figure.low:.2%} to {figure.high:.2%})"
