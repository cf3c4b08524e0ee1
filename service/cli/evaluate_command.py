"""The command ``alsolike evaluate``: scores a build's lists against judgments."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from index.build.build import Build
from index.root.root import Root
from recommender.errors import InputError
from recommender.relevance_judgments import read_qrels
from service.cli.options import BuildArgument, JsonOption, RootOption, print_json
from service.curation.golden_gate import agreement_of
from service.curation.golden_set import Agreement
from service.decisions.open_decisions import read_state
from service.serving.list_quality import evaluate_build
from service.settings import load_settings

GOLDEN_EXIT_CODE = 21
"""The exit code of ``evaluate --golden`` if the measured share is below ``--least``."""


def evaluate(
    name: BuildArgument = None,
    qrels: Annotated[
        Path | None,
        typer.Option(help="File of judgments: seed, article and grade, tab-separated; .gz too."),
    ] = None,
    golden: Annotated[
        bool,
        typer.Option(
            "--golden",
            help="Use editors' judgments and pins; measure lists without pins and hides.",
        ),
    ] = False,
    own_links: Annotated[
        bool,
        typer.Option(
            "--own-links",
            help="Use the links of the site's own pages as judgments, and measure lists made "
            "without the links' words.",
        ),
    ] = False,
    min_related: Annotated[
        int, typer.Option(min=1, help="With --own-links: least number of an article's links.")
    ] = 1,
    seeds: Annotated[
        int, typer.Option(min=1, help="With --own-links: most articles to measure.")
    ] = 200,
    least: Annotated[
        float | None,
        typer.Option(min=0, max=1, help="With --golden: exit with code 21 below this share."),
    ] = None,
    root: RootOption = None,
    as_json: JsonOption = False,
) -> None:
    """Measure how well a build's lists agree with judgments, from a file or by editors."""
    settings = load_settings(root=root)
    opened_root = Root(settings.root)
    build = opened_root.open(name)
    chosen = [qrels is not None, golden, own_links].count(True)
    if chosen != 1 or (least is not None and not golden):
        raise InputError("use --qrels FILE, --golden or --own-links; --least needs --golden")
    if qrels is not None:
        query = settings.query
        _print_figures(
            evaluate_build(build, read_qrels(qrels), query, read_state(settings)), as_json
        )
        return
    if own_links:
        from service.serving.drafts import DraftRelater
        from service.serving.own_links import evaluate_own_links

        figures = evaluate_own_links(
            build,
            DraftRelater(settings.model, settings.precision),
            settings.query,
            read_state(settings),
            min_related=min_related,
            seeds=seeds,
        )
        _print_own_links(figures, as_json)
        return
    found = agreement_of(build, settings)
    _print_agreement(build, found, as_json)
    if least is not None and found.share < least:
        raise typer.Exit(GOLDEN_EXIT_CODE)


def _print_agreement(build: Build, found: Agreement, as_json: bool) -> None:
    if as_json:
        print_json(
            {
                "build": build.name,
                "share": round(found.share, 4),
                **{name: figure for name, figure in asdict(found).items() if name != "pairs"},
            }
        )
        return
    typer.echo(
        f"{found.share:.1%} as editors want it, build {build.name}: {found.good_shown} of "
        f"{found.good} good links shown, {found.bad_shown} of {found.bad} bad links shown"
    )
    for sign, pairs in (("+", found.missed), ("-", found.wrong)):
        for article_id, target_id in pairs:
            typer.echo(f"  {sign} {target_id}  in the list of  {article_id}")


def _print_own_links(figures: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print_json(figures)
        return
    typer.echo(
        f"{figures['seeds']} of {figures['linking']} articles that link to others, "
        f"build {figures['build']}"
    )
    for part, label in (("masked", "without the links' words"), ("as_written", "as written")):
        typer.echo(f"{label}:")
        _print_estimates(figures[part])


def _print_figures(figures: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print_json(figures)
        return
    typer.echo(
        f"{figures['seeds']} articles with 3 or more related by judgment, build {figures['build']}"
    )
    _print_estimates(figures)
    for name in ("coverage", "orphans", "largest_hub", "diversity"):
        typer.echo(f"{name:12} {figures[name]:g}")


def _print_estimates(figures: dict[str, Any]) -> None:
    for name in ("ndcg10", "p6", "recall50"):
        low, high = figures[f"{name}_95"]
        typer.echo(f"{name:12} {figures[name]:.4f}   (95 %: {low:.4f} to {high:.4f})")
