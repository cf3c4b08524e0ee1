"""The commands ``alsolike demo`` and ``try``."""

import hashlib
import json
import os
import re
import tempfile
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from index.articles.url_template import DEFAULT_TEMPLATE
from index.errors import BuildError
from index.root.root import Root
from recommender.errors import InputError, NotFoundError
from recommender.visibility import utc_now
from service.cli import options as option
from service.cli.build_command import (
    build_summary,
    hint_languages,
    make_live,
    print_build,
    print_problems,
    unknown_languages,
)
from service.cli.first_records import with_proposals
from service.cli.options import print_json
from service.cli.related_commands import print_list, print_related, say_why
from service.decisions.open_decisions import read_state
from service.http.list_json import related_json
from service.serving.selection import Origin, SelectedItem, select
from service.serving.serving_view import ServingView
from service.settings import Settings, load_settings

_OF_ITS_OWN: Mapping[str, Any] = {
    "database": "",
    "clicks_database": "",
    "index": "local",
    "engine": "local",
    "read_token": False,
    "notify": "",
    "cors_origins": ["*"],
    "learn": "auto",
}
"""Settings with which a demo or a trial shares nothing with the site that is configured."""


def demo(
    root: Annotated[Path, typer.Option(help="Folder for the demo's build.")] = Path(".demo"),
    port: Annotated[
        int | None,
        typer.Option(
            help="Port of the service; the demo site uses the next one. 0: any free ports. "
            "Default: the setting port or, if that is taken, any free ports."
        ),
    ] = None,
    model: option.Model = None,
    serve_: Annotated[
        bool, typer.Option("--serve/--no-serve", help="Serve the result afterwards.")
    ] = True,
) -> None:
    """Build the sample corpus, show one list, and serve it with a small demo site."""
    from index.sources.registry import open_sources
    from service.demo.site import SAMPLE_ARTICLE, SAMPLE_SOURCE, bind_demo, run_demo, sample_content
    from service.watching.build_run import build_options

    settings = load_settings(
        root=root, port=port, model=model, url_template=DEFAULT_TEMPLATE, **_OF_ITS_OWN
    )
    # Bind the ports first, so that a taken port is reported before the build.
    sockets = bind_demo(settings.host, settings.port, exact=port is not None) if serve_ else None
    # A build of another version or model may be replaced, as the demo's root holds only the sample.
    stale = _is_unreadable(settings)
    options = build_options(
        settings, from_scratch=stale, accept_change=True, on_read=print_problems
    )
    sources = open_sources([str(SAMPLE_SOURCE)], [], {}, {})  # the map is for the site's records
    made, refusal = make_live(settings, sources, options, force=stale)
    print_build(made.manifest, settings, published=refusal is None)
    if refusal is not None:
        raise refusal
    typer.echo()
    print_related(settings, SAMPLE_ARTICLE)
    if sockets is not None:
        run_demo(sample_content(settings), settings, *sockets)


def _is_unreadable(settings: Settings) -> bool:
    """Tells whether a live build can't be read: it is damaged, or of another version's format."""
    try:
        Root(settings.root).open_live()
    except (BuildError, NotFoundError):
        return True
    return False


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
        int | None, typer.Option(min=1, help="Most pages to read; by default 200, of files 1000.")
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(help="Port of the service; the preview takes the next. Default: free ones."),
    ] = None,
    model: option.Model = None,
    serve: Annotated[
        bool, typer.Option("--serve/--no-serve", help="Serve a preview afterwards.")
    ] = True,
    as_json: option.Json = False,
) -> None:
    """Read a site as it is, show some related lists, and serve a preview on this machine."""
    try:
        _try(location, limit, port or 0, model, serve=serve and not as_json, as_json=as_json)
    except KeyboardInterrupt:
        typer.echo("stopped", err=True)
        raise typer.Exit(_INTERRUPTED) from None


def _try(
    location: str, limit: int | None, port: int, model: str | None, *, serve: bool, as_json: bool
) -> None:
    from index.sources.registry import open_source
    from index.sources.site_discovery import discover_site
    from service.demo.site import bind_demo, build_content, run_demo
    from service.watching.build_run import build_options

    folder = _folder(location)
    settings = load_settings(
        root=folder / "root",
        model=model,
        host="127.0.0.1",  # whatever is configured: a preview is for this machine alone
        port=port,
        keep=1,
        **_OF_ITS_OWN,
    )
    # Bind the ports first, so that a taken port is reported before the build.
    sockets = bind_demo(settings.host, settings.port, exact=port != 0) if serve else None
    found = discover_site(location, most=limit or _FROM_WEB, cache=str(folder / "pages"))
    kinds = [table["kind"] for table in found.tables]
    typer.echo(f"{found.how} (kind {', '.join(dict.fromkeys(kinds))}); reading …", err=True)
    sources = [open_source(with_proposals(table)) for table in found.tables]
    stale = _is_unreadable(settings)
    spoken: Counter[str] = Counter()
    options = build_options(
        settings,
        relearn=True,
        accept_change=True,
        from_scratch=stale,
        on_read=print_problems,
        on_prepared=spoken.update,
    )
    made, refusal = make_live(
        settings,
        sources,
        options,
        force=True,
        reason="a trial",
        most=limit or _FROM_FILES,
        choose_model=lambda: _choose_model(model, settings.model, spoken),
    )
    if refusal is not None:
        raise refusal
    settings = settings.model_copy(update={"model": made.manifest.encoder.model})
    build = Root(settings.root).open(made.manifest.name)
    lists = _some_lists(ServingView(build, read_state(settings)), settings)
    languages = Counter(article.language or "unknown" for article in build.articles)
    if as_json:
        told = {"found": found.how, "kinds": kinds, "folder": str(folder), "languages": languages}
        shown = [
            json.loads(related_json(build, build.article_id(row), lists[row])) for row in lists
        ]
        summary = build_summary(made.manifest, made.report, published=True)
        print_json({**summary, **made.manifest.reading, **told, "lists": shown})
        return
    print_build(made.manifest, settings, published=True)
    typer.echo(f"languages: {', '.join(f'{name} {n}' for name, n in languages.most_common())}")
    typer.echo(f"kept in {folder}; remove it when you like")
    for row in lists:
        typer.echo(f"\n{build.title(row)}  [{build.article_id(row)}]", nl=False)
        typer.secho(f"\n{build.article(row).url}", dim=True, nl=False)
        sentences = say_why(build, row, lists[row])
        print_list(build, lists[row], sentences, addresses=True)
    if not lists:
        raise InputError(
            "there is no article to show: none was read, or all that were read are hidden"
        )
    if sockets is not None:
        first = build.article_id(next(iter(lists)))
        run_demo(build_content(build, location, first), settings, *sockets)


def _choose_model(wanted: str | None, model: str, languages: Mapping[str, int]) -> str:
    """Chooses the multilingual model, if it is installed, for languages that the default lacks."""
    from recommender.multilingual import MULTILINGUAL, has_multilingual

    others = unknown_languages(model, languages)
    if not others or wanted or not has_multilingual():
        hint_languages(model, languages)
        return model
    typer.echo(f"most articles are in {others}: taking the multilingual model", err=True)
    return MULTILINGUAL


def _folder(location: str) -> Path:
    """Returns a folder for what is read and built: in the user's cache, else a temporary one."""
    name = re.sub(r"[^\w.-]+", "-", location.partition("://")[2] or location).strip("-.")[-40:]
    whole = location if "://" in location else str(Path(location).absolute())
    name = f"{name or 'site'}-{hashlib.sha256(whole.encode()).hexdigest()[:8]}"
    cache = os.environ.get("XDG_CACHE_HOME") or str(Path("~/.cache").expanduser())
    folder = Path(cache) / "alsolike" / "try" / name
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (OSError, RuntimeError):  # a machine without a home
        return Path(tempfile.mkdtemp(prefix="alsolike-try-"))
    return folder


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
