"""Runs the command ``alsolike``, and turns errors into exit codes.

``serve`` starts without the other commands, as these take long to import.
"""

import os
import sys
from collections.abc import Mapping

import typer

from index.errors import BuildError, BusyError, DatabaseError, GateError, UnavailableError
from recommender.errors import AlsoLikeError, InputError, ModelError, NotFoundError, VectorFileError
from recommender.machine import allowed_cores, usable_cores
from service.cli.serve_command import SERVE, add_command, make_app
from service.cli.streams import Streams
from service.errors import ConflictError, missing_package

CODES: Mapping[type[AlsoLikeError], int] = {
    InputError: 2,
    ModelError: 3,
    BusyError: 5,
    UnavailableError: 9,
    BuildError: 4,
    VectorFileError: 4,
    NotFoundError: 6,
    DatabaseError: 7,
    ConflictError: 8,
}
"""The exit code of each class of error; subclasses come first, as the first match counts."""


def exit_code(error: AlsoLikeError) -> int:
    """Returns the exit code for an error; 1 if its class has none."""
    if isinstance(error, GateError):
        return error.gate
    return next((code for kind, code in CODES.items() if isinstance(error, kind)), 1)


_ONLY_PRINTING = (
    *("related", "links", "inspect", "doctor", "builds", "diff", "evaluate", "audit", "clicks"),
    *("check-overrides", "sources check", "db status", "tokens list", "editors list"),
    *("compare status", "watch --status"),
)
"""Commands whose only effect is their output; if that can't be written, they exit with 1."""


def _load_app() -> typer.Typer:
    if sys.argv[1:2] == ["serve"]:
        app = make_app()
        add_command(app, *SERVE)
        return app
    from service.cli.alsolike import app

    return app


def main() -> None:
    """Runs the command; an expected error ends it with one line and an exit code, no traceback."""
    if usable_cores() < allowed_cores():  # before torch and FAISS are loaded
        os.environ.setdefault("OMP_NUM_THREADS", str(usable_cores()))
    streams = Streams()
    code = _run()
    lost = streams.finish()
    if lost is not None and code == 0:  # else an error was printed already
        _fail(lost)
        command = " ".join(sys.argv[1:3])
        code = int(command.startswith(_ONLY_PRINTING) or "--help" in sys.argv)
    sys.exit(code)


def _run() -> int:
    try:
        code: int | None = _load_app()(prog_name="alsolike", standalone_mode=False)
        return code or 0
    except typer.TyperException as error:  # an invalid command line
        if error.format_message().startswith("Usage: "):  # the help text, not an error
            typer.echo(error.format_message(), err=True)
        else:
            context = getattr(error, "ctx", None)
            command = "alsolike" if context is None else context.command_path
            _fail(f"{error.format_message().rstrip('.')}; see {command} --help")
        return error.exit_code
    except typer.Abort:  # Ctrl-C or Ctrl-D at a question; Ctrl-C elsewhere ends with 130 too
        typer.echo("\nstopped", err=True)
        return 130
    except AlsoLikeError as error:
        _fail(str(error))
        return exit_code(error)
    except ModuleNotFoundError as error:
        _fail(missing_package(error))
        return exit_code(ModelError())
    except OSError as error:  # such as a full disk or a missing permission
        named = error.filename and error.strerror
        _fail(f"{error.filename}: {error.strerror}" if named else str(error))
        return 1


def _fail(message: str) -> None:
    typer.echo("alsolike: " + " ".join(message.splitlines()), err=True)
