"""The commands ``alsolike editors …``, which manage who may sign in to the editors' pages."""

from __future__ import annotations

import sys
from contextlib import closing
from typing import Annotated, Any

import typer

from recommender.errors import InputError
from service.cli.options import (
    AuditReasonOption,
    JsonOption,
    RootOption,
    command_actor,
    print_json,
    print_result,
)
from service.decisions.editor_accounts import Editor
from service.decisions.open_decisions import open_decisions
from service.http.timestamps import format_timestamp
from service.roles import Role
from service.settings import load_settings

editors_app = typer.Typer(
    help="Manage who may sign in to the editors' pages.",
    epilog="Example: alsolike editors add mira",
    no_args_is_help=True,
    rich_markup_mode=None,
)

NameArgument = Annotated[str, typer.Argument(help="The name that the editor signs in with.")]


@editors_app.command(
    epilog="Example: alsolike editors add mira --role admin < password.txt",
    short_help="Add an editor; asks for the password.",
)
def add(
    name: NameArgument,
    role: Annotated[Role, typer.Option(help="editor or admin.")] = Role.EDITOR,
    root: RootOption = None,
    as_json: JsonOption = False,
) -> None:
    """Add an editor; asks for the password, or reads it from the first line of standard input."""
    with closing(open_decisions(load_settings(root=root))) as database:
        given = _read_password()
        editor = database.editors.add(command_actor(), name=name, role=role, password=given)
    print_result(_describe(editor), f"{name} may sign in as {role}", as_json=as_json)


@editors_app.command("list", epilog="Example: alsolike editors list")
def list_(root: RootOption = None, as_json: JsonOption = False) -> None:
    """List all editors."""
    with closing(open_decisions(load_settings(root=root))) as database:
        found = database.editors.all()
    if as_json:
        print_json([_describe(editor) for editor in found])
        return
    for editor in found:
        ends = "" if editor.disabled is None else f"disabled {format_timestamp(editor.disabled)}"
        typer.echo(f"{editor.role:6}  {editor.name}  {ends}".rstrip())
    if not found:
        typer.echo("there are no editors; add one with: alsolike editors add NAME", err=True)


@editors_app.command(
    epilog="Example: alsolike editors disable mira --reason 'left us'",
    short_help="Disable an editor, and end the editor's sessions.",
)
def disable(
    name: NameArgument,
    reason: AuditReasonOption = "",
    root: RootOption = None,
    as_json: JsonOption = False,
) -> None:
    """Disable an editor, and end all of the editor's sessions; earlier decisions stay."""
    with closing(open_decisions(load_settings(root=root))) as database:
        database.editors.disable(command_actor(), name, reason=reason)
    print_result({"disabled": name}, f"{name} can no longer sign in", as_json=as_json)


@editors_app.command(epilog="Example: alsolike editors password mira")
def password(name: NameArgument, root: RootOption = None, as_json: JsonOption = False) -> None:
    """Change an editor's password, and end the editor's sessions."""
    with closing(open_decisions(load_settings(root=root))) as database:
        database.editors.set_password(command_actor(), name, _read_password())
    sentence = f"{name} has a new password, and is signed out everywhere"
    print_result({"changed": name}, sentence, as_json=as_json)


@editors_app.command("sign-out", epilog="Example: alsolike editors sign-out mira")
def sign_out(name: NameArgument, root: RootOption = None, as_json: JsonOption = False) -> None:
    """End all of an editor's sessions."""
    with closing(open_decisions(load_settings(root=root))) as database:
        database.editors.sign_out(command_actor(), name)
    print_result({"signed_out": name}, f"{name} is signed out everywhere", as_json=as_json)


def _read_password() -> str:
    """Asks for the password twice, or reads it from standard input if that is no terminal.

    Raises:
        InputError: If standard input holds no password.
    """
    if sys.stdin.isatty():
        return str(typer.prompt("Password", hide_input=True, confirmation_prompt=True, err=True))
    given = sys.stdin.readline().rstrip("\r\n")
    if not given:
        raise InputError("standard input holds no password; write it on the first line")
    return given


def _describe(editor: Editor) -> dict[str, Any]:
    return {
        "name": editor.name,
        "role": editor.role.value,
        "created": format_timestamp(editor.created),
        "disabled": format_timestamp(editor.disabled),
    }
