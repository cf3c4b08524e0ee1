"""The commands ``alsolike tokens …``, which manage the tokens that programs use for the API."""

from __future__ import annotations

from contextlib import closing
from typing import Annotated, Any

import typer

from service.cli.options import (
    AuditReasonOption,
    JsonOption,
    RootOption,
    UntilOption,
    command_actor,
    print_json,
    print_result,
    read_until,
)
from service.decisions.api_tokens import Token
from service.decisions.open_decisions import open_decisions
from service.http.timestamps import format_timestamp
from service.roles import Role
from service.settings import load_settings

tokens_app = typer.Typer(
    help="Make, list and revoke tokens for the API.",
    epilog="Example: alsolike tokens add newsroom-cms --role editor",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@tokens_app.command(epilog="Example: alsolike tokens add newsroom-cms --role editor")
def add(
    name: Annotated[str, typer.Argument(help="What the token is for.")],
    role: Annotated[
        Role, typer.Option(help="What the token may do: read, editor or admin.")
    ] = Role.EDITOR,
    until: UntilOption = None,
    root: RootOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a token, and print it once, as only its hash is stored."""
    settings = load_settings(root=root)
    with closing(open_decisions(settings)) as database:
        text, token = database.tokens.add(
            command_actor(), name=name, role=role, expires=read_until(until, settings)
        )
    if as_json:
        print_json({"token": text, **_describe(token)})
        return
    typer.echo(text)
    typer.echo(f"token {token.id} for {name} ({role}); it won't be shown again", err=True)


@tokens_app.command("list", epilog="Example: alsolike tokens list")
def list_(root: RootOption = None, as_json: JsonOption = False) -> None:
    """List all tokens, without their secrets."""
    with closing(open_decisions(load_settings(root=root))) as database:
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
            f"{token.id}  {token.role:6}  {token.name}  made {format_timestamp(token.created)} "
            f"by {token.created_by}  {ends}".rstrip()
        )
    if not found:
        typer.echo("there are no tokens; make one with: alsolike tokens add NAME", err=True)


@tokens_app.command(epilog="Example: alsolike tokens revoke 1f2e3d4c --reason 'laptop lost'")
def revoke(
    token_id: Annotated[str, typer.Argument(metavar="ID", help="The id that tokens list shows.")],
    reason: AuditReasonOption = "",
    root: RootOption = None,
    as_json: JsonOption = False,
) -> None:
    """Revoke a token at once."""
    with closing(open_decisions(load_settings(root=root))) as database:
        token = database.tokens.revoke(command_actor(), token_id, reason=reason)
    print_result({"revoked": token.id}, f"revoked {token.id} ({token.name})", as_json=as_json)


def _describe(token: Token) -> dict[str, Any]:
    return {
        "id": token.id,
        "name": token.name,
        "role": token.role.value,
        "created": format_timestamp(token.created),
        "created_by": token.created_by,
        "expires": format_timestamp(token.expires),
        "revoked": format_timestamp(token.revoked),
    }
