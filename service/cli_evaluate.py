"""``alsolike evaluate``: how good the lists are, by judgments."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from index.build import Build
from index.decisions import read_state
from index.evaluation import evaluate_build
from index.root import Root
from index.selection import Wish
from index.settings import load_settings
from recommender.evaluation import read_qrels


def evaluate(
    qrels: Annotated[Path, typer.Option(help="Judgments: seed, article, grade, by tabs; .gz too.")],
    root: Annotated[
        Path | None, typer.Option("--root", help="Folder of the builds (setting root).")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for machines.")] = False,
) -> None:
    """Score the live lists, as readers get them, against judgments."""
    settings = load_settings(root=root)
    place = Root(settings.root)
    wish = Wish(min_score=settings.min_score, fallback=settings.fallback)
    figures = evaluate_build(Build(place.folder()), read_qrels(qrels), wish, read_state(settings))
    if as_json:
        typer.echo(json.dumps(figures, indent=2))
        return
    typer.echo(
        f"{figures['seeds']} judged articles with 3 or more related, build {figures['build']}"
    )
    for name in ("ndcg10", "p6", "recall50"):
        low, high = figures[f"{name}_95"]
        typer.echo(f"{name:12} {figures[name]:.4f}   (95 %: {low:.4f} to {high:.4f})")
    for name in ("coverage", "orphans", "largest_hub", "diversity"):
        typer.echo(f"{name:12} {figures[name]:g}")
