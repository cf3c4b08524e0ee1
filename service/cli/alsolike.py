"""The command ``alsolike``: registers all subcommands, and turns errors into exit codes."""

import os
import sys
from collections.abc import Callable, Mapping
from importlib import metadata
from typing import Annotated

import typer

from index.errors import BuildError, BusyError, DatabaseError, GateError, UnavailableError
from recommender.errors import AlsoLikeError, InputError, ModelError, NotFoundError, VectorFileError
from recommender.machine import usable_cores
from service.cli.account_commands import editors_app, tokens_app
from service.cli.build_command import build
from service.cli.builds_commands import builds, diff, inspect, report, verify
from service.cli.click_commands import clicks
from service.cli.compare_commands import compare_app
from service.cli.database_commands import db_app
from service.cli.decision_commands import audit, check_overrides, takedown
from service.cli.first_commands import doctor, init
from service.cli.links_command import links
from service.cli.options import GATES_EPILOG
from service.cli.publish_commands import prune, publish, release, rollback
from service.cli.related_commands import evaluate, export, related
from service.cli.rule_commands import rules
from service.cli.serve_commands import demo, serve, try_site
from service.cli.source_commands import sources_app
from service.cli.streams import Streams
from service.cli.watch_command import watch
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


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"alsolike {metadata.version('alsolike')}")
        raise typer.Exit


app = typer.Typer(
    name="alsolike",
    help="Related articles for a site: build lists offline, serve them fast.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    add_completion=False,
)
app.add_typer(sources_app, name="sources")
app.add_typer(compare_app, name="compare", short_help="Compare lists with a variant's, by clicks.")
app.add_typer(db_app, name="db", short_help="Manage the database of decisions.")
app.add_typer(tokens_app, name="tokens")
app.add_typer(editors_app, name="editors")


@app.callback()
def _alsolike(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="The version.")
    ] = False,
) -> None:
    """Related articles for a site: build lists offline, serve them fast."""


_COMMANDS: tuple[tuple[Callable[..., None], str, str | None], ...] = (
    (
        try_site,
        "try https://example.org && alsolike try site/public",
        "Show a site's related lists from its address or a folder.",
    ),
    (init, "init && alsolike build", "Write alsolike.toml, by four questions."),
    (doctor, "doctor", "Look whether this machine and its settings are ready."),
    (
        build,
        "build articles.jsonl.gz --map summary=text --url-template 'https://example.org/{id}'",
        "Make a build of a site's articles, and publish it.",
    ),
    (
        related,
        "related my-article --limit 6 && alsolike related --text draft.txt",
        "Show the related list of an article or a text.",
    ),
    (
        links,
        "links my-article && alsolike links --orphans --csv",
        "Show where links to other articles would fit in a text.",
    ),
    (inspect, "inspect --root /srv/alsolike", "Show what a build holds, and its measured quality."),
    (verify, "verify && alsolike publish BUILD", None),
    (
        publish,
        "publish 20260102T030405Z-0a1b2c --reason 'checked by hand'",
        "Make a build live, if it passes every gate.",
    ),
    (
        rollback,
        "rollback --reason 'lists look odd'",
        "Go back to the previous build, and put publishing on hold.",
    ),
    (evaluate, "evaluate --qrels judgments.tsv", "Measure how well lists agree with judgments."),
    (
        takedown,
        "takedown my-article --reason 'withdrawn'",
        "Remove an article from every list, now.",
    ),
    (
        rules,
        "rules my-article --pin 1 --lists-of heat --until 2027-01-31",
        "Pin or hide by tag: in many lists, from a day to another.",
    ),
    (audit, "audit --csv", "Print every decision: when, by whom, why."),
    (check_overrides, "check-overrides --json", "Find pins that have no effect, now or soon."),
    (builds, "builds", "List the builds: which is live, which were held back."),
    (diff, "diff 20260102T030405Z-0a1b2c", "Compare the articles and lists of two builds."),
    (prune, "prune --keep 3", "Remove old builds."),
    (release, "release --reason 'feed fixed'", None),
    (export, "export --out public/related", "Write every list as a JSON file, for static sites."),
    (report, "report --out report.html", "Show where a build's report page is, or copy it."),
    (clicks, "clicks --by origin", "Show which links readers see and follow."),
    (watch, "watch --export public/related", "Follow sources and pushes; build what changes."),
    (serve, "serve --port 8000 --workers 2", "Serve the live build over HTTP."),
    (demo, "demo --port 8000", "Build the sample corpus, show a list, serve it."),
)
"""All commands, each with an example and with its line in ``alsolike --help``, which is the first
sentence of the command's docstring if the line is ``None``."""

for _command, _example, _line in _COMMANDS:
    _gates = f"\n\n{GATES_EPILOG}" if _command in (build, publish) else ""
    _name = "try" if _command is try_site else None  # a keyword can't be a function's name
    app.command(_name, epilog=f"Example: alsolike {_example}{_gates}", short_help=_line)(_command)

_ONLY_PRINTING = (
    *("related", "links", "inspect", "doctor", "builds", "diff", "evaluate", "audit", "clicks"),
    *("check-overrides", "sources check", "db status", "tokens list", "editors list"),
)
"""Commands whose only effect is their output; if that can't be written, they exit with 1."""


def main() -> None:
    """Runs the command; an expected error ends it with one line and an exit code, no traceback."""
    if usable_cores() < len(os.sched_getaffinity(0)):  # before torch and FAISS are loaded
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
        code: int | None = app(prog_name="alsolike", standalone_mode=False)
        return code or 0
    except typer.TyperException as error:  # an invalid command line
        if len(sys.argv) == 1:
            typer.echo(error.format_message(), err=True)  # which is the help text, not an error
        else:
            context = getattr(error, "ctx", None)
            command = "alsolike" if context is None else context.command_path
            _fail(f"{error.format_message().rstrip('.')}; see {command} --help")
        return error.exit_code
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
