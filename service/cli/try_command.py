"""The command ``alsolike try``: from an address or a folder to related lists, unconfigured."""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from index.build.build import Build
from index.publishing.retention import prune
from index.root.root import Root
from recommender.errors import InputError
from recommender.shared_phrases import explain
from recommender.visibility import utc_now
from service.cli.build_command import progress_bar
from service.cli.options import JsonOption, ModelOption, field_mapping, print_json
from service.curation.publishing import publish_by_settings
from service.decisions.open_decisions import read_state
from service.serving.selection import Origin, SelectedItem, select
from service.serving.serving_view import ServingView
from service.settings import Settings, load_settings

if TYPE_CHECKING:
    from index.building.builder import BuildResult
    from index.sources.configured_source import ConfiguredSource

_FROM_WEB = 200
_FROM_FILES = 1_000
_SHOWN = 4
_ITEMS = 5
_INTERRUPTED = 130  # as a shell reports Ctrl+C


def try_site(
    location: Annotated[
        str,
        typer.Argument(
            metavar="ADDRESS-OR-FOLDER",
            help="A site, its sitemap or feed (https://example.org), or a folder or file.",
        ),
    ],
    limit: Annotated[
        int | None,
        typer.Option(min=1, help="Most pages to read; by default 200, of files 1000."),
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(help="Port of the service; the preview takes the next. Default: free ones."),
    ] = None,
    model: ModelOption = None,
    serve: Annotated[
        bool, typer.Option("--serve/--no-serve", help="Serve a preview afterwards.")
    ] = True,
    as_json: JsonOption = False,
) -> None:
    """Read a site as it is, show some related lists, and serve a preview on this machine."""
    try:
        _try(location, limit, port or 0, model, serve=serve and not as_json, as_json=as_json)
    except KeyboardInterrupt:
        typer.echo("stopped", err=True)
        raise typer.Exit(_INTERRUPTED) from None


def _try(
    location: str,
    limit: int | None,
    port: int,
    model: str | None,
    *,
    serve: bool,
    as_json: bool,
) -> None:
    from index.sources.registry import open_source
    from index.sources.site_discovery import discover_site

    started = time.monotonic()
    folder = _folder(location)
    settings = load_settings(
        root=folder / "root",
        model=model,
        host="127.0.0.1",  # whatever is configured: a preview is for this machine alone
        port=port,
        database="",
        index="local",
        engine="local",
        read_token=False,
    )
    found = discover_site(location, most=limit or _FROM_WEB, cache=str(folder / "pages"))
    if not as_json:
        typer.echo(f"{found.how}; reading …", err=True)
    sources = [open_source(table) for table in found.tables]
    made = _build(sources, limit or _FROM_FILES, settings)
    build = Root(settings.root).open(made.manifest.name)
    view = ServingView(build, read_state(settings))
    lists = _some_lists(view, settings)
    facts = {
        "found": found.how,
        "kinds": [table["kind"] for table in found.tables],
        "remarks": [remark for source in sources for remark in source.remarks],
        "languages": dict(
            Counter(article.language or "unknown" for article in build.articles).most_common()
        ),
        "read": made.report.read,
        "kept": made.report.kept,
        "visible": made.manifest.visible,
        "skipped": dict(made.report.skipped),
        "folder": str(folder),
        "seconds": round(time.monotonic() - started, 1),
    }
    if as_json:
        problems = [problem.to_dict() for problem in made.report.problems]
        print_json({**facts, "problems": problems, "lists": _as_json(build, lists)})
        return
    _print_facts(facts, made)
    _print_lists(build, lists)
    if serve:
        from service.demo.demo_content import build_content
        from service.demo.site import bind_demo, run_demo

        first = build.article_id(next(iter(lists), 0))
        sockets = bind_demo(settings.host, settings.port, exact=port != 0)
        run_demo(build_content(build, location, first), settings, *sockets)


def _folder(location: str) -> Path:
    """Returns a folder for what is read and built: in the user's cache, else a temporary one."""
    name = re.sub(r"[^\w.-]+", "-", location.partition("://")[2] or location).strip("-.")[-40:]
    name = f"{name or 'site'}-{hashlib.sha256(_whole(location).encode()).hexdigest()[:8]}"
    cache = os.environ.get("XDG_CACHE_HOME") or str(Path("~/.cache").expanduser())
    folder = Path(cache) / "alsolike" / "try" / name
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (OSError, RuntimeError):  # a machine without a home
        return Path(tempfile.mkdtemp(prefix="alsolike-try-"))
    return folder


def _whole(location: str) -> str:
    return location if "://" in location else str(Path(location).absolute())


def _build(sources: list[ConfiguredSource], most: int, settings: Settings) -> BuildResult:
    from index.building.builder import make_build
    from index.building.context import BuildOptions
    from index.sources.site_discovery import FirstRecords
    from recommender.sentence_encoder import load_encoder

    options = BuildOptions(
        mapping=field_mapping(settings),
        depth=settings.depth,
        preferences=settings.preferences,
        limits=settings.limits,
        relearn=True,
        accept_change=True,
    )
    root = Root(settings.root)
    with root.locked("alsolike try"), progress_bar() as progress:
        made = make_build(
            root,
            [FirstRecords(source=source, most=most) for source in sources],
            lambda: load_encoder(settings.model, settings.precision),
            options,
            progress,
        )
        publish_by_settings(
            root, made.manifest.name, settings, accept_change=True, force=True, reason="a trial"
        )
        prune(root, 1)
    return made


def _some_lists(view: ServingView, settings: Settings) -> dict[int, list[SelectedItem]]:
    """Returns the lists of some articles by row: of those with the best related articles."""
    build, now = view.build, utc_now()
    query = settings.query
    lists = {
        row: [*select(view, row, now=now, query=query)][:_ITEMS]
        for row in range(build.manifest.count)
        if build.is_visible(row, now)
    }

    def strength(row: int) -> float:
        return sum(item.score for item in lists[row] if item.origin is Origin.RELATED)

    best = sorted(lists, key=lambda row: (-strength(row), row))
    shown: dict[int, list[SelectedItem]] = {}
    for row in best:  # not one list after another of the same few articles
        if not {item.row for item in lists[row]} & set(shown):
            shown[row] = lists[row]
        if len(shown) == _SHOWN:
            break
    return shown


def _as_json(build: Build, lists: dict[int, list[SelectedItem]]) -> list[dict[str, Any]]:
    return [
        {
            **_card(build, row),
            "items": [
                {
                    **_card(build, item.row),
                    "score": round(item.score, 4),
                    "origin": item.origin.value,
                    "shared_terms": list(item.shared_terms),
                }
                for item in items
            ],
        }
        for row, items in lists.items()
    ]


def _card(build: Build, row: int) -> dict[str, str]:
    article = build.article(row)
    return {"article_id": article.id, "title": article.title, "url": article.url}


def _print_facts(facts: dict[str, Any], made: BuildResult) -> None:
    skipped = sum(facts["skipped"].values())
    kinds = ", ".join(dict.fromkeys(facts["kinds"]))
    languages = ", ".join(f"{name} {count}" for name, count in facts["languages"].items())
    typer.echo(f"{facts['found']} (kind {kinds})")
    for remark in facts["remarks"]:
        typer.echo(f"  {remark}")
    typer.echo(
        f"read {facts['read']}, kept {facts['kept']} ({facts['visible']} visible), skipped "
        f"{skipped}, in {facts['seconds']} s; languages: {languages}"
    )
    for reason, count in facts["skipped"].items():
        first = next(problem for problem in made.report.problems if problem.key == reason)
        typer.echo(f"  {reason}: {count}, the first: {first}")
    typer.echo(f"kept in {facts['folder']}; remove it when you like")


def _print_lists(build: Build, lists: dict[int, list[SelectedItem]]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(highlight=False, soft_wrap=False)
    for row, items in lists.items():
        table = Table(box=None, show_header=False, padding=(0, 1), pad_edge=False)
        table.add_column(justify="right", style="cyan")
        table.add_column(ratio=1)
        for item in items:
            related = item.origin is Origin.RELATED
            note = explain(item.shared_terms) if related else item.origin.value
            line = Text.assemble(build.title(item.row), (f"\n{note}" if note else "", "dim"))
            table.add_row(f"{item.score:.2f}", line)
        console.print()
        console.print(Text(build.title(row), style="bold"))
        console.print(table if items else Text("  no related articles"))
    if not lists:
        raise InputError("no article may be shown: what was read is hidden, or there is none")
