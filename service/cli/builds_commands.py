"""The commands ``alsolike builds``, ``inspect``, ``diff``, ``report`` and ``verify``."""

from pathlib import Path
from typing import Annotated, Any

import typer

from index.build.build import Build
from index.build.link_graph import PageLinkKind
from index.capacity import near_limits
from index.files import replace_file
from index.publishing.build_history import describe_builds
from index.publishing.churn import compare, describe_churn
from index.reporting.report_page import PAGE
from index.root.root import Root
from recommender.article import FILE_LINK
from recommender.visibility import utc_now
from service.cli import options as option
from service.cli.options import count_articles, print_json, print_result
from service.settings import load_settings

_COLUMNS = ("build", "state", "articles", "encoded", "seconds", "MB", "")
_ROW = "{:23}  {:8}  {:>9}  {:>9}  {:>8}  {:>8}  {}"


def builds(
    root: option.Root = None,
    every: Annotated[
        bool, typer.Option("--all", help="List small builds too, not only how many there were.")
    ] = False,
    as_json: option.Json = False,
) -> None:
    """List the builds, oldest first, with their states, such as live or refused by a gate.

    A build whose state is rollback was live before; a rollback goes back to the last of them.
    """
    opened_root = Root(load_settings(root=root).root)
    found = describe_builds(opened_root)
    rows, held = found["items"], found["held"]
    if found["problem"] is not None:
        typer.echo(f"alsolike: {found['problem']}", err=True)
    if as_json:
        print_json({"builds": rows, "held": held, "days": found["days"]})
        return
    if rows:
        typer.echo(_ROW.format(*_COLUMNS).rstrip())
    for row in rows:
        if row.get("small") and not row["state"] and not every:
            continue
        values = (row.get(name, "") for name in ("articles", "encoded", "seconds", "mb", "note"))
        typer.echo(_ROW.format(row["build"], row["state"], *values).rstrip())
    for day in found["days"]:
        refused = f", {day['refused']} refused" if day["refused"] else ""
        typer.echo(f"{day['day']}: {day['published']} small builds{refused}, last {day['last']}")
    if not rows:
        typer.echo(f"there are no builds in {opened_root.path}")
    if held is not None:
        why = f": {held['reason']}" if held["reason"] else ""
        typer.echo(
            f"publishing has been on hold since {held['who']} rolled back on {held['since']}{why}"
        )


def inspect(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="BUILD_OR_ID",
            help="A build, by default the live one; or an article's id, for the links of its page.",
        ),
    ] = None,
    root: option.Root = None,
    boilerplate: Annotated[
        bool, typer.Option("--boilerplate", help="List the boilerplate that was ignored.")
    ] = False,
    as_json: option.Json = False,
) -> None:
    """Show what a build holds, how it was made, and its measured quality."""
    settings = load_settings(root=root)
    opened_root = Root(settings.root)
    if name and name not in opened_root.names() and (live_build := opened_root.open_live()):
        row = live_build.row(name)
        if row is not None:
            _print_article_links(live_build, row, as_json=as_json)
            return
    build = opened_root.open(name)
    manifest = build.manifest
    live = opened_root.live == manifest.name
    shared = build.read_json("boilerplate.json")
    if boilerplate:
        _print_boilerplate(shared, as_json=as_json)
        return
    near = near_limits(manifest, settings.keep, opened_root.path)
    if as_json:
        print_json({"live": live, "near_limits": near, **manifest.model_dump()})
        return
    size = sum(entry.bytes for entry in manifest.files.values())
    report = build.report()
    pages = report["page_links"]
    rows = {
        "build": manifest.name + ("  (live)" if live else ""),
        "created": manifest.created,
        "sources": ", ".join(manifest.sources),
        "articles": f"{manifest.count} ({manifest.visible} visible when it was made)",
        "encoder": f"{manifest.encoder.model}, {manifest.encoder.dim} wide, "
        f"{manifest.encoder.precision}; encoded {manifest.encoded} anew",
        "index": f"{manifest.index.kind}, recall {manifest.index.recall}"
        + (f", {manifest.index.collection} at {manifest.index.uri}" if manifest.index.uri else ""),
        "lists": f"{manifest.depth} deep",
        "quality": ", ".join(f"{key} {value:g}" for key, value in manifest.quality.items()),
        "ignored": ", ".join(f"{len(found)} {kind}" for kind, found in shared.items())
        + " that many articles share (--boilerplate lists them)",
        "languages": ", ".join(f"{row['name']} {row['articles']}" for row in report["languages"]),
        "links": f"{pages['articles']} articles link to others; "
        + ", ".join(f"{count} {kind}" for kind, count in pages["links"].items()),
        "reading": counts(manifest.reading),
        "seconds": ", ".join(f"{key} {value:g}" for key, value in manifest.seconds.items()),
        "size": f"{size / 1e6:.1f} MB in {len(manifest.files)} files",
    }
    for label, value in rows.items():
        typer.echo(f"{label:9} {value}")
    for warning in near:
        typer.echo(f"near a limit: {warning}")


def _print_boilerplate(shared: dict[str, dict[str, int]], *, as_json: bool) -> None:
    lines = []
    for kind, found in shared.items():
        lines.append(f"{kind} ({len(found)}), each with the number of articles found to contain it")
        lines += [f"{count:7}  {text}" for text, count in found.items()]
    print_result(shared, *lines, as_json=as_json)


_NAMED_IF_ANY = {"hidden": "no longer visible", "revealed": "visible again"}


def diff(
    old: Annotated[str, typer.Argument(metavar="A", help="The older build.")],
    new: Annotated[
        str | None, typer.Argument(metavar="B", help="The newer build; by default the live one.")
    ] = None,
    root: option.Root = None,
    limit: option.Limit = None,
    as_json: option.Json = False,
) -> None:
    """Compare two builds: articles added and removed, and the lists that changed most."""
    settings = load_settings(root=root)
    opened_root = Root(settings.root)
    first, second = opened_root.open(old), opened_root.open(new)
    now = utc_now()
    churn = compare(first, second, now=now, query=settings.limits.query)
    found = describe_churn(first, second, churn, now=now, limit=limit or 10)
    lines = []
    for sign, key in (("+", "added"), ("-", "removed"), ("-", "hidden"), ("+", "revealed")):
        some = found[key]
        if key not in _NAMED_IF_ANY or some["count"]:
            lines.append(f"articles {_NAMED_IF_ANY.get(key, key)}: {some['count']}")
        lines += [f"  {sign} {item['title']}  [{item['article_id']}]" for item in some["first"]]
    lists = found["lists"]
    lines += [
        f"articles with changed text: {found['rewritten']}",
        f"{lists['changed']:.1%} of {lists['compared']} lists show other related articles; "
        f"{lists['replaced']:.1%} of their entries were replaced",
    ]
    for item in found["most_changed"]:
        lines.append(f"\n{item['title']}  [{item['article_id']}]  {item['replaced']:.0%} replaced")
        for sign, key in (("+", "in"), ("-", "out")):
            lines += [f"  {sign} {title}" for title in item[key]]
    print_result(found, *lines, as_json=as_json)


def report(
    name: option.BuildName = None,
    root: option.Root = None,
    out: Annotated[
        Path | None,
        typer.Option(help="Copy the page to this file instead of printing its address."),
    ] = None,
    as_json: option.Json = False,
) -> None:
    """Print the address of a build's report page: charts, gates and a map of the articles."""
    opened = Root(load_settings(root=root).root).open(name)
    if as_json:
        print_json(opened.report())
        return
    page = opened.checked(PAGE)
    if out is not None:
        replace_file(out, page.read_bytes())
        page = out
    typer.echo(page.resolve().as_uri())


def verify(
    name: option.BuildName = None, root: option.Root = None, as_json: option.Json = False
) -> None:
    """Check that a build's files are complete and unchanged."""
    opened_root = Root(load_settings(root=root).root)
    manifest = opened_root.verify(name)
    opened_root.open(manifest.name)  # checks that this version of AlsoLike can read the build
    found = {"build": manifest.name, "files": len(manifest.files), "intact": True}
    sentence = f"{manifest.name}: {len(manifest.files)} files, all unchanged"
    print_result(found, sentence, as_json=as_json)


def counts(reading: dict[str, Any]) -> str:
    """Returns the numbers of records that were read, kept and skipped as one line of text.

    Args:
        reading: These numbers, as a build's manifest holds them.
    """
    parts = [f"read {reading['read']}", f"kept {reading['kept']}"]
    skipped = reading["skipped"]
    if skipped:
        inner = ", ".join(f"{reason} {count}" for reason, count in skipped.items())
        parts.append(f"skipped {sum(skipped.values())} ({inner})")
    parts += [f"{name} {count}" for name, count in reading["notes"].items()]
    languages = reading.get("languages", {})
    if languages.keys() - {"field", "unknown"}:
        inner = ", ".join(f"{name} {count}" for name, count in languages.items())
        parts.append(f"language from {inner}")
    return ", ".join(parts)


_KINDS = {
    PageLinkKind.TEXT: "in the text",
    PageLinkKind.RELATED: "called related",
    PageLinkKind.MACHINE: "in a block that a program filled",
    PageLinkKind.APART: "apart",
}
_MOST = 200


def _print_article_links(build: Build, row: int, *, as_json: bool) -> None:
    """Prints the links between an article and other articles, and all links on its page."""
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
    lines = [f"{article.title}  [{article.id}]"]
    for name, label in (("links_out", "links to"), ("links_in", "is linked from")):
        lines.append(f"\n{label} {count_articles(len(groups[name]))} of this site")
        for item in found[name]:
            kind = _KINDS[PageLinkKind[item["kind"]]]
            lines.append(f"  {item['title']}  [{item['article_id']}]  {kind}")
    lines.append(f"\nall links on its page: {len(article.links)}")
    for item in found["on_the_page"]:
        where = f"under {item['heading']}" if item["heading"] else item["kind"]
        words = item["text"] or "(no words)"
        lines.append(f"  {words}  {item['url'].removeprefix(FILE_LINK)}  {where}")
    print_result(found, *lines, as_json=as_json)
