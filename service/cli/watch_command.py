"""The command ``alsolike watch``: follows sources and pushes, and keeps the build up to date."""

import os
import signal
import threading
from contextlib import closing, suppress
from pathlib import Path
from typing import Annotated

import typer

from recommender.errors import InputError
from service.cli import options as option
from service.cli.options import open_here, read_mapping
from service.settings import load_settings

_NICENESS = 19


def watch(
    source: Annotated[
        list[str] | None,
        typer.Argument(
            help="Files, folders or feeds to follow. By default, the [[source]] tables of "
            "alsolike.toml; without any, pushes alone."
        ),
    ] = None,
    root: option.Root = None,
    mapping: option.Map = None,
    url_template: option.UrlTemplate = None,
    model: option.Model = None,
    keep_missing: Annotated[
        bool,
        typer.Option("--keep-missing", help="Keep articles that their source no longer has."),
    ] = False,
    export: Annotated[
        Path | None,
        typer.Option(help="Folder for a static export, which follows: only changes are written."),
    ] = None,
    status: Annotated[
        bool, typer.Option("--status", help="Only say which pushes wait, since when and why.")
    ] = False,
) -> None:
    """Follow sources and pushes, and bring each change to readers within seconds."""
    from index.root.root import Root
    from index.sources.registry import open_sources
    from recommender.sentence_encoder import load_encoder
    from service.curation.waiting_pushes import tell_waiting
    from service.decisions.open_decisions import open_decisions
    from service.http.logs import configure_logs
    from service.watching.exporter import Exporter
    from service.watching.watcher import Watcher

    settings = load_settings(root=root, model=model, url_template=url_template)
    if status:
        with closing(open_here(settings, upgrade=False)) as database:
            for told in tell_waiting(Root(settings.root), database) or ["No push waits."]:
                typer.echo(told)
        return
    sources = []
    if source or settings.source:
        sources = open_sources(
            source or [], settings.source, settings.map, read_mapping(mapping or [])
        )
    for one in sources:
        if one.name in ("-", "standard input"):
            raise InputError("standard input can't be followed: name a file, a folder or a feed")
    configure_logs(settings.log_format)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    with suppress(OSError):
        os.nice(_NICENESS)
        for thread in Path("/proc/self/task").iterdir():  # some were started by libraries
            os.setpriority(os.PRIO_PROCESS, int(thread.name), _NICENESS)
    settings.root.mkdir(parents=True, exist_ok=True)
    with closing(open_decisions(settings)) as database:
        exporter = None if export is None else Exporter(settings, export)
        Watcher(
            settings=settings,
            sources=sources,
            encoder=load_encoder(settings.model, settings.precision),
            database=database,
            stop=stop,
            published=exporter.follow if exporter else lambda _: None,
            keep_missing=keep_missing,
        ).run()
