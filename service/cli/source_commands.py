"""The command ``alsolike sources check``, which tests a build's sources before the build."""

from dataclasses import asdict
from typing import Annotated, Any

import typer

from index.articles.parse import FieldMapping
from index.articles.read_report import ReadReport
from index.errors import SourceError
from index.sources.configured_source import ConfiguredSource
from index.sources.source_check import SourceCheck, check_source
from service.cli import options as option
from service.cli.options import command_group, print_result, read_mapping
from service.settings import load_settings

_COUNTS = ("skipped", "notes", "languages")

sources_app = command_group("Check the sources of a build.", "sources check")


@sources_app.callback()
def _group() -> None:
    """Check the sources of a build."""


@sources_app.command(
    epilog="Example: alsolike sources check articles.csv --map summary=body",
    short_help="Show how the fields of the first records are read.",
)
def check(
    source: Annotated[
        list[str] | None,
        typer.Argument(
            help="Files, folders or feeds; by default the [[source]] tables of alsolike.toml."
        ),
    ] = None,
    mapping: option.Map = None,
    url_template: option.UrlTemplate = None,
    limit: Annotated[int, typer.Option(min=1, help="Records to read of each source.")] = 20,
    sitemap: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS-OR-FILE",
            help="Compare the addresses of all articles with the site's own sitemap instead.",
        ),
    ] = None,
    as_json: option.Json = False,
) -> None:
    """Read the first records of each source, and show how AlsoLike reads each field."""
    from index.sources.registry import open_sources

    settings = load_settings(url_template=url_template)
    plain = settings.mapping
    opened = open_sources(source or [], settings.source, settings.map, read_mapping(mapping or []))
    if sitemap is not None:
        _check_addresses(sitemap, opened, plain, as_json=as_json)
        return
    checks = [check_source(one, plain, limit) for one in opened]
    print_result([_summary(one) for one in checks], *map(_describe, checks), as_json=as_json)
    failed = [one for one in checks if one.error or not one.report.kept]
    if failed:
        unusable = (
            f"no usable article in the first records of {failed[0].name}; see the reasons above"
        )
        raise SourceError(failed[0].error or unusable)
    for one in checks:
        if one.report.notes.get("url: no-field", 0) * 2 > one.report.kept:
            raise SourceError(
                f"most records of {one.name} lack a field that url_template names; correct the "
                "template (docs/sources.md), as a build of whose links most can't be made is not "
                "published"
            )


def _check_addresses(
    location: str, sources: list[ConfiguredSource], mapping: FieldMapping, *, as_json: bool
) -> None:
    """Compares the addresses of all articles of the sources with those in a sitemap.

    Raises:
        SourceError: If the sitemap or a source can't be read, or there is no usable article.
    """
    from index.sources.site_discovery import sitemap_addresses
    from index.sources.sitemap_check import EXAMPLES, compare_addresses

    report = ReadReport()
    found = compare_addresses(sitemap_addresses(location), sources, mapping, report)
    if not report.kept:
        raise SourceError(
            f"none of the records of {sources[0].name} is a usable article; to see why, leave out "
            "--sitemap"
        )
    lines = [
        f"{location} names {found.pages} pages",
        f"  {found.found} of {found.articles} published articles stand in it",
    ]
    for addresses, words in (
        ([f"{ours} for {theirs}" for ours, theirs in found.respelled], "written otherwise there"),
        (found.missing, "articles do not stand in it"),
        (found.unknown, "of its pages belong to no article"),
        (found.hidden, "of its pages are hidden or drafts here"),
    ):
        if addresses:
            lines.append(f"  {len(addresses)} {words}, such as:")
            lines += [f"    {address}" for address in addresses[:EXAMPLES]]
    for hint in found.hints:
        ours, theirs = hint.example
        lines.append(f"  {hint.setting} would mend {hint.mends}, such as {ours} to {theirs}")
    values = {"sitemap": location, "read": report.read, "kept": report.kept, **asdict(found)}
    print_result(values, *lines, as_json=as_json)


def _summary(check: SourceCheck) -> dict[str, Any]:
    report = check.report
    return {
        "source": check.name,
        **{name: getattr(report, name) for name in ("read", "kept", *_COUNTS)},
        "fields": [asdict(one) for one in check.fields],
        "unread": check.unread,
        "problems": [problem.to_dict() for problem in report.problems],
        "remarks": check.remarks,
        "error": check.error,
        "whole": check.whole,
    }


def _describe(check: SourceCheck) -> str:
    report = check.report
    skipped = sum(report.skipped.values())
    lines = [
        f"{check.name}: read {'' if check.whole else 'the first '}{report.read}, "
        f"kept {report.kept}, skipped {skipped}{'' if check.whole else ' (--limit reads more)'}"
    ]
    lines += check.remarks
    width = max(len(one.theirs) for one in check.fields)
    lines.append(f"{'field':13} {'have':>4}  {'from':{width}}  the first")
    for one in check.fields:
        lines.append(f"{one.field:13} {one.filled or '-':>4}  {one.theirs:{width}}  {one.example}")
    if report.languages.keys() - {"field", "unknown"}:
        ways = ", ".join(f"{way} {count}" for way, count in sorted(report.languages.items()))
        lines.append(f"language from: {ways}")
    lines += [f"not read: {name}  {example}" for name, example in check.unread.items()]
    for reason, count in [*report.skipped.items(), *report.notes.items()]:
        first = next((f", the first: {one}" for one in report.problems if one.key == reason), "")
        lines.append(f"{reason}: {count}{first}")
    lines += [check.error] if check.error else []
    return "\n  ".join(line.rstrip() for line in lines) + "\n"
