"""The command ``alsolike build``: makes a build from the sources, and publishes it."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer

from index.articles.read_report import ReadReport
from index.build.manifest import Manifest
from index.errors import GateError
from index.root.root import Root
from recommender.sentence_encoder import DEFAULT_MODEL
from service.cli import options as option
from service.cli.build_progress import progress_bar
from service.cli.builds_commands import counts
from service.cli.options import count_articles, print_json, read_mapping
from service.cli.publish_commands import print_cleanup
from service.settings import Settings, load_settings

if TYPE_CHECKING:
    from index.building.builder import BuildResult
    from index.building.context import BuildOptions
    from index.sources.configured_source import ConfiguredSource


def build(
    source: Annotated[
        list[str] | None,
        typer.Argument(
            help="Files, folders or feeds, or - for stdin; if articles share an id, the first "
            "is used. By default, the [[source]] tables of alsolike.toml."
        ),
    ] = None,
    root: option.Root = None,
    mapping: option.Map = None,
    url_template: option.UrlTemplate = None,
    model: option.Model = None,
    precision: Annotated[
        str | None, typer.Option(help="Number format of the model: auto, bfloat16, float32.")
    ] = None,
    depth: Annotated[
        int | None, typer.Option(help="How many related articles to store for each article.")
    ] = None,
    index: Annotated[
        str | None, typer.Option(help="Where vectors are searched: local or milvus.")
    ] = None,
    milvus_uri: Annotated[
        str | None,
        typer.Option(
            help="Milvus server (http://host:19530) or file (*.db); default milvus.db in root."
        ),
    ] = None,
    engine: Annotated[
        str | None, typer.Option(help="Where the heavy work runs: local (this process) or ray.")
    ] = None,
    ray_address: Annotated[
        str | None, typer.Option(help="host:port of a Ray cluster's head; by default this machine.")
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option(metavar="ID", help="Add or refresh this article only; may be repeated."),
    ] = None,
    small: Annotated[
        bool,
        typer.Option(
            "--small", help="Compute only what changed, if little did since the last full build."
        ),
    ] = False,
    publish_: Annotated[
        bool, typer.Option("--publish/--no-publish", help="Make the build live when it is done.")
    ] = True,
    strict: Annotated[
        bool, typer.Option("--strict", help="Refuse a source that has any problem.")
    ] = False,
    keep_missing: Annotated[
        bool,
        typer.Option(
            "--keep-missing", help="Keep articles of the live build that the source lacks."
        ),
    ] = False,
    relearn: Annotated[
        bool,
        typer.Option("--relearn", help="Learn boilerplate and the weights of evidence again."),
    ] = False,
    from_scratch: Annotated[
        bool,
        typer.Option(
            "--from-scratch", help="Encode every article again, reusing no earlier build."
        ),
    ] = False,
    accept_change: option.Accept = False,
    force: option.Force = False,
    reason: option.Reason = "",
    as_json: option.Json = False,
) -> None:
    """Read articles, find related ones for each, and publish the result."""
    from index.sources.registry import open_sources
    from service.watching.build_run import build_options

    settings = load_settings(
        root=root,
        url_template=url_template,
        model=model,
        precision=precision,
        depth=depth,
        index=index,
        milvus_uri=milvus_uri,
        engine=engine,
        ray_address=ray_address,
    )
    options = build_options(
        settings,
        strict=strict,
        only=frozenset(only or ()),
        max_drift=settings.max_drift if small else 0.0,
        keep_missing=keep_missing,
        relearn=relearn,
        from_scratch=from_scratch,
        accept_change=accept_change,
        on_read=print_problems,
        on_prepared=partial(hint_languages, settings.model),
    )
    sources = []
    if source or settings.source or not options.pushed:  # a site may live by pushes alone
        renamed = read_mapping(mapping or [])
        sources = open_sources(source or [], settings.source, settings.map, renamed)
    made, refusal = make_live(
        settings, sources, options, publish=publish_, force=force, reason=reason
    )
    manifest, report = made.manifest, made.report
    published = publish_ and refusal is None
    if as_json:
        print_json(build_summary(manifest, report, published=published))
    else:
        print_build(manifest, settings, published=published)
    if refusal is not None:
        raise refusal


def make_live(
    settings: Settings,
    sources: Sequence[ConfiguredSource],
    options: BuildOptions,
    *,
    publish: bool = True,
    force: bool = False,
    reason: str = "",
    most: int | None = None,
    choose_model: Callable[[], str] | None = None,
) -> tuple[BuildResult, GateError | None]:
    """Makes a build from sources, and publishes it.

    Args:
        settings: The effective settings.
        sources: The sources of articles to read.
        options: The build's options.
        publish: Whether to publish the build.
        force: Whether to publish the build even if a gate refuses it.
        reason: The reason for publishing, for the journal of builds; may be empty.
        most: The largest number of records to read of each source; ``None`` for all.
        choose_model: Called for the model once articles are prepared; by default the settings'.

    Returns:
        The build; and why it was not published if a gate refused it, else ``None``.
    """
    from index.sources.source import FirstRecords
    from recommender.sentence_encoder import load_encoder
    from service.watching.build_run import run_build

    for source in sources:
        for remark in source.remarks:
            typer.echo(f"{source.name}: {remark}", err=True)
    root = Root(settings.root)
    bar = progress_bar(root, stages=most is not None)
    with root.locked("alsolike build") as found, bar as progress:
        print_cleanup(found)
        read = itertools.count(1)
        first = [
            FirstRecords(
                source=one, most=most or 0, count=lambda: progress("read", next(read), None)
            )
            for one in sources
        ]
        run = run_build(
            root,
            settings,
            first if most else sources,
            options,
            lambda: load_encoder(
                choose_model() if choose_model else settings.model, settings.precision
            ),
            progress,
            publish=publish,
            force=force,
            reason=reason,
        )
    for verdict in run.verdicts:
        if not verdict.passed and most is None:  # of the first records, many may fail
            typer.echo(f"published although a gate fails: {verdict.message}", err=True)
    return run.made, run.refusal


def build_summary(manifest: Manifest, report: ReadReport, *, published: bool) -> dict[str, Any]:
    """Returns the values about a build that ``alsolike build --json`` prints.

    Args:
        manifest: The build's manifest.
        report: The numbers and problems of the records that were read.
        published: Whether the build was published.
    """
    return {
        "build": manifest.name,
        "published": published,
        "articles": manifest.count,
        "visible": manifest.visible,
        "encoded": manifest.encoded,
        "reading": manifest.reading,
        "quality": manifest.quality,
        "index": manifest.index.model_dump(),
        "seconds": manifest.seconds,
        "problems": [problem.to_dict() for problem in report.problems],
    }


def print_problems(report: ReadReport) -> None:
    """Prints for people the problems of the records that were read, on stderr."""
    told = report.told()
    for problem in told[:10]:
        typer.echo(problem, err=True)
    if len(told) > 10:
        typer.echo(f"… and {len(told) - 10} more; see the build's report.json", err=True)
    without_text = report.notes["summary: no-text"]
    if without_text > report.kept // 2:
        name, count = next(iter(report.unused_fields.most_common(1)), ("", 0))
        long = f"; did you mean --map summary={name}, a long field of {count} records?"
        typer.echo(
            f"hint: {without_text} of {report.kept} articles have no text, so their titles alone "
            "are compared; name the field that holds it with --map summary=FIELD"
            + (long if count > report.kept // 2 else ""),
            err=True,
        )


def hint_languages(model: str, languages: Mapping[str, int]) -> None:
    """Prints for people, on stderr, that the default model does not know most articles' languages.

    Args:
        model: The model that the texts are to be encoded with.
        languages: The number of articles of each language, by its BCP 47 tag.
    """
    from recommender.multilingual import MULTILINGUAL

    if others := unknown_languages(model, languages):
        typer.echo(
            f"hint: most articles are not in English ({others}), the only language that the "
            f'default model knows; set model = "{MULTILINGUAL}", after pip install '
            "'alsolike[multilingual]' (docs/tuning.md)",
            err=True,
        )


def unknown_languages(model: str, languages: Mapping[str, int]) -> str:
    """Returns in which languages articles are, if the default model does not know most of them.

    Args:
        model: The model that the texts are to be encoded with.
        languages: The number of articles of each language, by its BCP 47 tag.

    Returns:
        The five most frequent with their numbers, such as ``de 12, fr 3``; empty if the model is
        another or most articles are in English.
    """
    others = Counter(
        {name: n for name, n in languages.items() if name.partition("-")[0] not in ("en", "")}
    )
    if model != DEFAULT_MODEL or 2 * others.total() <= sum(languages.values()):
        return ""
    return ", ".join(f"{name} {n}" for name, n in others.most_common(5))


def print_build(manifest: Manifest, settings: Settings, *, published: bool) -> None:
    """Prints for people a summary of a build.

    Args:
        manifest: The build's manifest.
        settings: The effective settings.
        published: Whether the build was published.
    """
    total = sum(manifest.seconds.values())
    typer.echo(
        f"{count_articles(manifest.count)} ({manifest.visible} visible), "
        f"{manifest.encoded} encoded, in {total:.1f} s"
    )
    typer.echo(counts(manifest.reading))
    state = "published" if published else "built, not published"
    typer.echo(f"{state}: {Root(settings.root).builds / manifest.name}")
