"""The commands ``alsolike tokens …`` and ``alsolike editors …``: who may sign in."""

import sys
from contextlib import closing
from dataclasses import asdict
from typing import Annotated, Any

import typer

from recommender.errors import InputError
from service.cli import options as option
from service.cli.options import (
    command_actor,
    command_group,
    open_here,
    print_json,
    print_result,
    read_moment,
)
from service.decisions.api_tokens import Token
from service.decisions.editor_accounts import Editor
from service.http.timestamps import format_timestamp
from service.roles import Role
from service.settings import load_settings

_TIMES = ("created", "expires", "revoked", "disabled")

tokens_app = command_group(
    "Make, list and revoke tokens for the API.", "tokens add newsroom-cms --role editor"
)


@tokens_app.command("add", epilog="Example: alsolike tokens add newsroom-cms --role editor")
def add_token(
    name: Annotated[str, typer.Argument(help="What the token is for.")],
    role: Annotated[
        Role, typer.Option(help="What the token may do: read, publisher, editor or admin.")
    ] = Role.EDITOR,
    until: option.Until = None,
    root: option.Root = None,
    as_json: option.Json = False,
) -> None:
    """Make an API token and print it once; only its hash is stored."""
    settings = load_settings(root=root)
    with closing(open_here(settings, first=True)) as database:
        text, token = database.tokens.add(
            command_actor(), name=name, role=role, expires=read_moment(until, settings)
        )
    if as_json:
        print_json({"token": text, **_describe(token)})
        return
    typer.echo(text)
    typer.echo(f"token {token.id} for {name} ({role}); it won't be shown again", err=True)


@tokens_app.command("list", epilog="Example: alsolike tokens list")
def list_tokens(root: option.Root = None, as_json: option.Json = False) -> None:
    """List all API tokens, without their secrets."""
    with closing(open_here(load_settings(root=root), upgrade=False)) as database:
        found = database.tokens.all()
    if as_json:
        print_json([_describe(token) for token in found])
        return
    for token in found:
        ends = ""
        if token.revoked is not None:
            ends = f"revoked {format_timestamp(token.revoked)}"
        elif format_timestamp(token.expires):
            ends = f"until {format_timestamp(token.expires)}"
        typer.echo(
            f"{token.id}  {token.role:9}  {token.name}  made {format_timestamp(token.created)} "
            f"by {token.created_by}  {ends}".rstrip()
        )
    if not found:
        typer.echo("there are no tokens; make one with: alsolike tokens add NAME", err=True)


@tokens_app.command(
    "revoke", epilog="Example: alsolike tokens revoke 1f2e3d4c --reason 'laptop lost'"
)
def revoke_token(
    token_id: Annotated[str, typer.Argument(metavar="ID", help="The id that tokens list shows.")],
    reason: option.AuditReason = "",
    root: option.Root = None,
    as_json: option.Json = False,
) -> None:
    """Revoke an API token, so that it no longer works."""
    with closing(open_here(load_settings(root=root))) as database:
        token = database.tokens.revoke(command_actor(), token_id, reason=reason)
    print_result({"revoked": token.id}, f"revoked {token.id} ({token.name})", as_json=as_json)


editors_app = command_group("Manage who may sign in to the editors' pages.", "editors add mira")

NameArgument = Annotated[str, typer.Argument(help="The name that the editor signs in with.")]


@editors_app.command(
    "add",
    epilog="Example: alsolike editors add mira --role admin < password.txt",
    short_help="Add an editor; asks for the password.",
)
def add_editor(
    name: NameArgument,
    role: Annotated[Role, typer.Option(help="editor or admin.")] = Role.EDITOR,
    root: option.Root = None,
    as_json: option.Json = False,
) -> None:
    """Add an editor; asks for the password, or reads it from the first line of standard input."""
    with closing(open_here(load_settings(root=root), first=True)) as database:
        given = _read_password()
        editor = database.editors.add(command_actor(), name=name, role=role, password=given)
    print_result(_describe(editor), f"{name} may sign in as {role}", as_json=as_json)


@editors_app.command("list", epilog="Example: alsolike editors list")
def list_editors(root: option.Root = None, as_json: option.Json = False) -> None:
    """List the accounts of all editors."""
    with closing(open_here(load_settings(root=root), upgrade=False)) as database:
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
    reason: option.AuditReason = "",
    root: option.Root = None,
    as_json: option.Json = False,
) -> None:
    """Disable an editor's account, and end all its sessions; the editor's decisions stay."""
    with closing(open_here(load_settings(root=root))) as database:
        database.editors.disable(command_actor(), name, reason=reason)
    print_result({"disabled": name}, f"{name} can no longer sign in", as_json=as_json)


@editors_app.command(epilog="Example: alsolike editors password mira")
def password(name: NameArgument, root: option.Root = None, as_json: option.Json = False) -> None:
    """Change an editor's password, and end the editor's sessions."""
    with closing(open_here(load_settings(root=root))) as database:
        database.editors.set_password(command_actor(), name, _read_password())
    sentence = f"{name} has a new password, and is signed out everywhere"
    print_result({"changed": name}, sentence, as_json=as_json)


@editors_app.command("sign-out", epilog="Example: alsolike editors sign-out mira")
def sign_out(name: NameArgument, root: option.Root = None, as_json: option.Json = False) -> None:
    """End all of an editor's sessions."""
    with closing(open_here(load_settings(root=root))) as database:
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
        raise InputError("standard input holds no password; write the password on its first line")
    return given


def _describe(account: Token | Editor) -> dict[str, Any]:
    """Returns what ``--json`` prints of a token or an editor."""
    return {
        name: format_timestamp(value) if name in _TIMES else value
        for name, value in asdict(account).items()
        if name != "session_epoch"
    }
