"""The command ``alsolike links``: where links would fit in texts."""

from collections.abc import Iterator
from contextlib import closing
from typing import Annotated, Any

import typer

from index.root.root import Root
from recommender.errors import InputError, NotFoundError
from recommender.visibility import utc_now
from service.cli import options as option
from service.cli.options import print_json
from service.cli.related_commands import read_text, unknown_article
from service.curation.judged_links import read_judged_links
from service.decisions.open_decisions import nothing_decided, open_decisions, read_state
from service.http.audit_export import csv_line
from service.serving.serving_view import ServingView
from service.settings import Settings, load_settings


def links(
    article_id: Annotated[
        str | None, typer.Argument(metavar="ARTICLE_ID", help="The article with the text.")
    ] = None,
    inbound: Annotated[
        bool, typer.Option("--inbound", help="Links to the article, in other articles' texts.")
    ] = False,
    orphans: Annotated[
        bool,
        typer.Option("--orphans", help="Links to every article that no other page links to."),
    ] = False,
    text: Annotated[
        str | None,
        typer.Option(
            metavar="FILE", help="Text file instead, title on its first line; - for stdin."
        ),
    ] = None,
    root: option.Root = None,
    limit: option.Limit = None,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV for a spreadsheet.")] = False,
    as_json: option.Json = False,
) -> None:
    """Show where links to other articles would fit in a text: sentence, words, target, reason.

    No link is inserted. With --limit, show at most that many links for each article.
    """
    if [article_id is not None, orphans, text is not None].count(True) != 1:
        raise InputError(
            "name either an article by its id, or a text with --text FILE, or --orphans"
        )
    if inbound and text is not None:
        raise InputError("--inbound needs an article: no article can link to a text of --text yet")
    settings = load_settings(root=root)
    found = _find(settings, article_id, text, inbound=inbound or orphans, limit=limit)
    if as_json:
        print_json([*found])
        return
    if as_csv:
        for number, each in enumerate(found):
            if not number:
                typer.echo(csv_line(each), nl=False)
            typer.echo(csv_line(each.values()), nl=False)
        return
    none = True
    for each in found:
        none = False
        at = f"{each['article_id']} -> " if each["article_id"] else ""
        typer.echo(f"{each['score']:.2f}  {at}{each['title']}  [{each['target_id']}]")
        typer.echo(f"      {each['before']}[{each['words']}]{each['after']}")
        typer.secho(f"      {each['reason']}  {each['url']}", dim=True)
    if none:
        typer.echo("No link would fit well.")


def _find(
    settings: Settings,
    article_id: str | None,
    text: str | None,
    *,
    inbound: bool,
    limit: int | None,
) -> Iterator[dict[str, Any]]:
    from service.curation.text_link_finder import NONE_JUDGED, LinkFinder, find_orphans

    build = Root(settings.root).open()
    served, now, query = ServingView(build, read_state(settings)), utc_now(), settings.query
    finder = LinkFinder(build)
    if text is not None:
        from service.serving.drafts import DraftRelater, read_draft

        title, _, body = read_text(text).strip().partition("\n")
        draft = read_draft({"title": title, "summary": body})
        relater = DraftRelater(settings.model, settings.precision)
        related = relater.relate(served, draft, now=now, query=query)
        found = finder.in_draft(served, draft, related, now=now, query=query)
        yield from (each.values(build) for each in found[:limit])
        return
    row = None if article_id is None else build.row(article_id)
    if article_id is not None and row is None:
        raise NotFoundError(unknown_article(build, article_id))
    judged = NONE_JUDGED
    if not nothing_decided(settings):
        with closing(open_decisions(settings, upgrade=False)) as database:
            judged = read_judged_links(database)
    suggest = finder.to_article if inbound else finder.in_article
    for each in find_orphans(served, now) if row is None else [row]:
        found = suggest(served, each, now=now, query=query, judged=judged)
        yield from (link.values(build) for link in found[:limit])
