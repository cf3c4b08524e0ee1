"""The command ``alsolike`` without subcommands, and the first of these: ``serve``."""

from collections.abc import Callable
from importlib import metadata
from typing import Annotated

import typer

from service.cli import options as option
from service.settings import load_settings


def serve(
    root: option.Root = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on (setting host).")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on (setting port).")] = None,
    workers: Annotated[int | None, typer.Option(help="Server processes (setting workers).")] = None,
) -> None:
    """Serve the live build over HTTP, and switch to each new build once it is published."""
    from service.server import run_server

    run_server(load_settings(root=root, host=host, port=port, workers=workers))


SERVE = serve, "serve --port 8000 --workers 2", "Serve the live build over HTTP."


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"alsolike {metadata.version('alsolike')}")
        raise typer.Exit


def _alsolike(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="The version.")
    ] = False,
) -> None:
    """Related articles for a site: build lists offline, serve them fast."""


def make_app() -> typer.Typer:
    """Returns the Typer app of the command ``alsolike``, without any subcommand."""
    app = typer.Typer(
        name="alsolike",
        no_args_is_help=True,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        add_completion=False,
    )
    app.callback()(_alsolike)
    return app


def add_command(
    app: typer.Typer,
    command: Callable[..., None],
    example: str,
    line: str | None,
    *,
    name: str | None = None,
) -> None:
    """Adds a subcommand to the command ``alsolike``.

    Args:
        app: The Typer app of ``alsolike``.
        command: The function that the subcommand runs.
        example: An example of the subcommand for its help, without ``alsolike``; text may follow.
        line: The subcommand's line in ``alsolike --help``; ``None`` for the first sentence of the
            function's docstring.
        name: The subcommand's name; ``None`` for the function's name.
    """
    app.command(name, epilog=f"Example: alsolike {example}", short_help=line)(command)
