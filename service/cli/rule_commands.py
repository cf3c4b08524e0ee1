"""The command ``alsolike rules``: pins and hides in the lists of all articles with a tag."""

from contextlib import closing
from typing import Annotated, Any

import typer

from index.root.root import Root
from recommender.errors import InputError, NotFoundError
from service.cli import options as option
from service.cli.options import command_actor, open_here, print_result, read_moment
from service.cli.related_commands import unknown_article
from service.decisions.decision_state import OverrideKind
from service.decisions.list_scope import (
    EVERY,
    is_rule,
    name_lists,
    name_scope,
    scope_values,
    tag_scope,
)
from service.decisions.overrides import StoredOverride
from service.http.timestamps import format_timestamp
from service.settings import load_settings


def rules(
    article_id: Annotated[
        str | None, typer.Argument(metavar="ARTICLE_ID", help="The article to pin or hide.")
    ] = None,
    tag: Annotated[
        str | None, typer.Option(help="Hide all articles with this tag instead.")
    ] = None,
    lists_of: Annotated[
        str | None, typer.Option(metavar="TAG", help="In the lists of articles with this tag.")
    ] = None,
    everywhere: Annotated[bool, typer.Option("--everywhere", help="In all lists.")] = False,
    pin: Annotated[
        int | None, typer.Option(metavar="POSITION", help="Pin the article there.")
    ] = None,
    hide: Annotated[bool, typer.Option("--hide", help="Hide it, or all with --tag.")] = False,
    remove: Annotated[bool, typer.Option("--remove", help="Remove such a rule.")] = False,
    since: Annotated[
        str | None, typer.Option("--from", metavar="TIME", help="When it begins, like --until.")
    ] = None,
    until: option.Until = None,
    reason: option.AuditReason = "",
    root: option.Root = None,
    as_json: option.Json = False,
) -> None:
    """Pin or hide an article in the lists of all articles with a tag, or in all lists (a rule).

    Without --pin, --hide or --remove, print all rules.
    """
    settings = load_settings(root=root)
    decides = [pin is not None, hide, remove].count(True)
    with closing(open_here(settings, upgrade=decides > 0)) as database:
        if decides > 1:
            raise InputError("use only one of --pin, --hide and --remove")
        if decides:
            target = _one(article_id, tag, None, "name an article or, with --tag, a tag")
            scope = _one(
                None, lists_of, everywhere, "say which lists: --lists-of TAG or --everywhere"
            )
            pair: dict[str, Any] = {"article_id": scope, "target_id": target, "reason": reason}
            if remove:
                database.overrides.remove(command_actor(), **pair)
            else:
                build = Root(settings.root).open()
                if not is_rule(target) and build.row(target) is None:
                    raise NotFoundError(unknown_article(build, target))
                database.overrides.put(
                    command_actor(),
                    **pair,
                    kind=OverrideKind.HIDE if pin is None else OverrideKind.PIN,
                    position=pin,
                    since=read_moment(since, settings, option="--from", without=0),
                    until=read_moment(until, settings),
                )
        found = database.overrides.rules()
    lines = [_line(each) for each in found] or ["There are no rules."]
    print_result([_values(each) for each in found], *lines, as_json=as_json)


def _one(article_id: str | None, tag: str | None, every: bool | None, problem: str) -> str:
    given = [article_id, None if tag is None else tag_scope(tag), EVERY if every else None]
    scopes = [each for each in given if each is not None]
    if len(scopes) != 1:
        raise InputError(problem)
    return scopes[0]


def _line(rule: StoredOverride) -> str:
    what = "hide" if rule.position is None else f"pin at {rule.position}"
    span = [f"from {format_timestamp(rule.since)}"] * bool(rule.since)
    span += [f"until {end}" for end in [format_timestamp(rule.until)] if end]
    told = " ".join(
        [f"{what}: {name_scope(rule.target_id)} in {name_lists(rule.article_id)}", *span]
    )
    return f"{told} ({rule.author}{f': {rule.reason}' if rule.reason else ''})"


def _values(rule: StoredOverride) -> dict[str, Any]:
    times = {name: format_timestamp(getattr(rule, name)) for name in ("created", "until")}
    since = format_timestamp(rule.since) if rule.since else None
    scopes = scope_values(rule.article_id, rule.target_id)
    names = ("kind", "position", "reason", "author")
    return {**scopes, **{name: getattr(rule, name) for name in names}, **times, "since": since}
