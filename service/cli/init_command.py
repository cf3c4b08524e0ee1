"""The command ``alsolike init``: asks about the site and writes the settings file."""

import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from recommender.errors import InputError
from service.cli.first_records import language_found, with_proposals
from service.settings import load_settings, settings_path, toml_value

_FOR_A_TRIAL = ("cache", "sample")

_FILE = """\
# Settings of AlsoLike; every one of them is explained in docs/reference.md.
# Try them with: alsolike sources check

# Where builds are kept; a build takes some 15 KB for an article.
root = {root}

# The site's address, for the editors' previews.
{site_url}

# The language of labels and dates on cards, where an article does not say its own.
locale = {locale}

# The model knows English. For other languages: pip install 'alsolike[multilingual]'
{model}

# Where articles come from; docs/sources.md says what each kind can read. Settings of the site
# stand above this line.
{sources}"""


def init(
    place: Annotated[
        str | None,
        typer.Argument(
            metavar="ADDRESS-OR-FOLDER",
            help="The site's address, or a folder or file with its articles.",
        ),
    ] = None,
    source: Annotated[str | None, typer.Option(hidden=True)] = None,
    site_url: Annotated[str | None, typer.Option(help="The site's address, for links.")] = None,
    locale: Annotated[str | None, typer.Option(help="The site's language, such as en.")] = None,
    root: Annotated[str | None, typer.Option(help="Folder for the builds.")] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Replace the settings file that is there.")
    ] = False,
) -> None:
    """Ask four questions and write the settings file alsolike.toml; options answer beforehand."""
    from index.sources.site_discovery import discover_site

    path = settings_path()
    if path.exists() and not force:
        raise InputError(f"the file {path} exists already; edit it, or replace it with --force")
    source = _ask(place or source, "Where are the articles? An address, a folder or a file", None)
    found = discover_site(source, most=1, cache="")
    typer.echo(found.how, err=True)
    tables = [*map(with_proposals, found.tables)]
    site_url = _ask(site_url, "The site's address (empty: none yet)", found.home).rstrip("/")
    if locale is None:
        spoken = found.language or language_found(tables[0])
        locale = _ask(None, "The site's language, such as en or pt-BR", spoken or "en")
    root = _ask(root, "A folder for the builds", "alsolike-root")
    english = locale.partition("-")[0].lower() == "en"
    text = _FILE.format(
        root=toml_value(root),
        site_url=f"site_url = {toml_value(site_url)}" if site_url else '# site_url = "https://…"',
        locale=toml_value(locale),
        model=f'{"# " * english}model = "multilingual"',
        sources="\n".join(map(_table, tables)),
    )
    _try_settings(path, text)
    typer.echo(f"{path} is written. Next: alsolike doctor, alsolike build, alsolike serve")


def _ask(given: str | None, question: str, usual: str | None) -> str:
    """Asks for what an option does not say; where nobody can answer, returns what is usual.

    Raises:
        InputError: If nobody can answer, and nothing is usual.
    """
    if given is not None:
        return given
    if sys.stdin.isatty():
        return str(typer.prompt(question, default=usual)).strip()
    if usual is None:
        raise InputError(
            "standard input is no terminal, so nobody can answer where the articles are; say "
            "alsolike init ADDRESS-OR-FOLDER"
        )
    return usual


def _table(table: Mapping[str, Any]) -> str:
    said = {name: value for name, value in table.items() if value and name not in _FOR_A_TRIAL}
    lines = [f"{name} = {toml_value(value)}\n" for name, value in said.items()]
    return f"[[source]]\n{''.join(lines)}"


def _try_settings(path: Path, text: str) -> None:
    """Writes the settings file; if it does not hold, puts back what was there, and raises why."""
    path = path.resolve()  # a link stays one
    kept, new = (path.with_name(f".{path.name}.{os.getpid()}.{end}") for end in ("old", "new"))
    replaces = path.exists()
    try:
        new.write_text(text, encoding="utf-8")
        if replaces:
            shutil.copymode(path, new)
            path.rename(kept)
        new.rename(path)
        load_settings()
    except BaseException:
        new.unlink(missing_ok=True)
        if kept.exists():
            kept.replace(path)
        elif not replaces:
            path.unlink(missing_ok=True)
        raise
    kept.unlink(missing_ok=True)
