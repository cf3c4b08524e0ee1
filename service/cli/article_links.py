"""What ``alsolike inspect ID`` prints: the links on an article's page, and those to it."""

from __future__ import annotations

from typing import Any

import typer

from index.build.build import Build
from index.build.link_graph import PageLinkKind
from recommender.article import FILE_LINK
from service.cli.options import print_json

_KINDS = {
    PageLinkKind.TEXT: "in the text",
    PageLinkKind.RELATED: "called related",
    PageLinkKind.MACHINE: "in a block that a program filled",
    PageLinkKind.APART: "apart",
}
_MOST = 200


def print_article_links(build: Build, row: int, *, as_json: bool) -> None:
    """Prints the links between an article and others by kind, and all links on its page."""
    article = build.article(row)
    graph = build.page_links
    groups = {"links_out": graph.out(row), "links_in": graph.into(row)}
    found: dict[str, Any] = {"article_id": article.id, "title": article.title}
    for name, links in groups.items():
        found[name] = [
            {"article_id": build.article_id(other), "title": build.title(other), "kind": kind.name}
            for other, kind in links[:_MOST]
        ]
    found["on_the_page"] = [
        {"url": link.url, "text": link.text, "kind": link.kind.value, "heading": link.heading}
        for link in article.links[:_MOST]
    ]
    if as_json:
        print_json(found)
        return
    typer.echo(f"{article.title}  [{article.id}]")
    for name, label in (("links_out", "links to"), ("links_in", "is linked from")):
        typer.echo(f"\n{label} {len(groups[name])} articles of this site")
        for item in found[name]:
            kind = _KINDS[PageLinkKind[item["kind"]]]
            typer.echo(f"  {item['title']}  [{item['article_id']}]  {kind}")
    typer.echo(f"\nall links on its page: {len(article.links)}")
    for item in found["on_the_page"]:
        where = f"under {item['heading']}" if item["heading"] else item["kind"]
        words = item["text"] or "(no words)"
        typer.echo(f"  {words}  {item['url'].removeprefix(FILE_LINK)}  {where}")
