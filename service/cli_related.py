"""How the command shows a related list, of an article or of a text that is in no build."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import typer

from index.build import Build
from index.decisions import read_state
from index.selection import Chosen, Origin, Wish
from index.served import Served
from index.settings import Settings
from recommender.errors import InputError
from recommender.sharing import explain


def print_list(build: Build, chosen: list[Chosen]) -> None:
    """A list for people: scores, titles, dates and what is shared."""
    typer.echo()
    for position, item in enumerate(chosen, 1):
        shown = build.article(item.row)
        note = explain(item.shared_terms) if item.origin is Origin.RELATED else item.origin.value
        typer.echo(f"{position:2}  {item.score:.2f}  {shown.title}  [{shown.id}]")
        typer.echo(f"          {shown.date or ''}  {note}".rstrip())
    if not chosen:
        typer.echo("    nothing is related to it, and no fallback fits")


def related_to_text(
    build: Build, settings: Settings, wish: Wish, file: str, language: str | None, *, as_json: bool
) -> None:
    """Show what is related to a text, as the site would get it if the text were published.

    Args:
        build: The live build.
        settings: Of which the model matters.
        wish: What is asked for.
        file: Its first line is the title; ``-`` for stdin.
        language: The text's, a BCP 47 tag.
        as_json: As ``POST /v1/related`` answers.

    Raises:
        InputError: If the text can't be read.
        ModelError: If there is no model, or not the one that the build was made by.
    """
    from index.draft import answer_draft
    from service.drafter import Drafter

    title, _, body = _read(file).strip().partition("\n")
    fields = {"title": title, "summary": body, "language": language}
    served, now = Served(build, read_state(settings)), time.time_ns() // 1000
    drafter = Drafter(settings.model, settings.precision)
    placed = drafter.place(served, fields, now=now, wish=wish)
    answer = answer_draft(served, placed, now=now, wish=wish)
    if as_json:
        from service.draft_models import draft_json

        typer.echo(draft_json(build, answer).decode())
        return
    typer.echo(title)
    typer.echo(f"  about: {', '.join(answer.terms) or 'nothing that the site speaks of'}")
    for row in answer.same_story:
        typer.echo(f"  (the same as {build.article_id(row)}: {build.article(row).title})")
    print_list(build, answer.items)


def _read(file: str) -> str:
    try:
        data = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
        return data.decode()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"--text {file}: {error}; name a UTF-8 file, or - for stdin") from None
