"""The commands ``alsolike serve`` and ``alsolike demo``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from index.errors import BuildError
from index.root.root import Root
from recommender.errors import NotFoundError
from service.cli.build_command import build
from service.cli.options import ModelOption, RootOption
from service.cli.related_commands import related
from service.settings import load_settings


def serve(
    root: RootOption = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on (setting host).")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on (setting port).")] = None,
    workers: Annotated[int | None, typer.Option(help="Server processes (setting workers).")] = None,
) -> None:
    """Serve the live build over HTTP, and switch to each new build once it is published."""
    from service.server import run_server

    run_server(load_settings(root=root, host=host, port=port, workers=workers))


def demo(
    root: Annotated[Path, typer.Option(help="Folder for the demo's build.")] = Path(".demo"),
    port: Annotated[
        int | None,
        typer.Option(
            help="Port of the service; the demo site uses the next one. 0: any free ports. "
            "Default: the setting port or, if that is taken, any free ports."
        ),
    ] = None,
    model: ModelOption = None,
    serve_: Annotated[
        bool, typer.Option("--serve/--no-serve", help="Serve the result afterwards.")
    ] = True,
) -> None:
    """Build the sample corpus, show one list, and serve it with a small demo site."""
    from service.demo.demo_content import SAMPLE_ARTICLE, SAMPLE_SOURCE, sample_content
    from service.demo.site import bind_demo, run_demo

    settings = load_settings(root=root, port=port, model=model)
    # Bind the ports first, so that a taken port is reported before the build.
    sockets = bind_demo(settings.host, settings.port, exact=port is not None) if serve_ else None
    # A build of another version or model may be replaced, as the demo's root holds only the sample.
    stale = is_unreadable(Root(settings.root))
    build(
        source=[str(SAMPLE_SOURCE)],
        root=root,
        model=model,
        from_scratch=stale,
        accept_change=True,
        force=stale,
    )
    typer.echo()
    related(SAMPLE_ARTICLE, root=root)
    if sockets is not None:
        run_demo(sample_content(settings), settings, *sockets)


def is_unreadable(opened_root: Root) -> bool:
    """Tells whether a live build is damaged, or of a format that this version can't read."""
    try:
        if opened_root.current() is not None:
            opened_root.open()
    except (BuildError, NotFoundError):
        return True
    return False
