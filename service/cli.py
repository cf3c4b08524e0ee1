"""The one command, ``alsolike``: composes everything, decides nothing."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from index.articles import FieldMapping, ReadReport
from index.build import Build
from index.decisions import read_state
from index.golden_gate import golden_gate
from index.manifest import Manifest
from index.publishing import publish_build
from index.root import Root
from index.selection import Wish, select
from index.served import Served
from index.settings import load_settings
from index.standing import Standing, standing
from recommender.errors import AlsoLikeError, BuildError, InputError, NotFoundError
from service import cli_operations
from service.cli_database import db_app
from service.cli_decisions import audit, check_overrides, takedown
from service.cli_editors import editors_app
from service.cli_evaluate import evaluate
from service.cli_options import (
    GATES_EPILOG,
    AcceptOption,
    ForceOption,
    JsonOption,
    LimitOption,
    ReasonOption,
    RootOption,
    print_json,
    read_mapping,
)
from service.cli_related import print_list, related_to_text
from service.cli_sources import sources_app
from service.cli_tokens import tokens_app

app = typer.Typer(
    name="alsolike",
    help="Related articles for a site: build lists offline, serve them fast.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    add_completion=False,
)
app.add_typer(sources_app, name="sources")
app.add_typer(db_app, name="db")
app.add_typer(tokens_app, name="tokens")
app.add_typer(editors_app, name="editors")


def main() -> None:
    """Run the command; an expected error is one line and its exit code, never a traceback."""
    try:
        sys.exit(app(prog_name="alsolike", standalone_mode=False))
    except typer.TyperException as error:  # a command line that can't be read
        if len(sys.argv) == 1:
            typer.echo(error.format_message(), err=True)  # the help, instead of an error
        else:
            context = getattr(error, "ctx", None)
            command = "alsolike" if context is None else context.command_path
            _fail(f"{error.format_message().rstrip('.')}; see {command} --help")
        sys.exit(error.exit_code)
    except AlsoLikeError as error:
        _fail(str(error))
        sys.exit(error.exit_code)
    except OSError as error:  # a full disk, a missing right
        _fail(str(error))
        sys.exit(1)


def _fail(message: str) -> None:
    typer.echo("alsolike: " + " ".join(message.splitlines()), err=True)


@app.command(
    epilog="Example: alsolike build articles.jsonl.gz --map summary=text "
    f"--url-template 'https://example.org/{{id}}'\n\n{GATES_EPILOG}"
)
def build(
    source: Annotated[
        list[str] | None,
        typer.Argument(
            help="Files, folders or feeds, - for stdin; of an id in two the first wins. Left out: "
            "the [[source]] tables of alsolike.toml."
        ),
    ] = None,
    root: RootOption = None,
    mapping: Annotated[
        list[str] | None,
        typer.Option("--map", metavar="OURS=THEIRS", help="Name a field as the source has it."),
    ] = None,
    url_template: Annotated[
        str | None, typer.Option(help="Link of articles without one; {id} is the escaped id.")
    ] = None,
    model: Annotated[str | None, typer.Option(help="Model name, folder, or hashing:DIM.")] = None,
    precision: Annotated[str | None, typer.Option(help="auto, bfloat16 or float32.")] = None,
    depth: Annotated[int | None, typer.Option(help="Length of the stored lists.")] = None,
    index: Annotated[
        str | None, typer.Option(help="Where vectors are searched: local or milvus.")
    ] = None,
    milvus_uri: Annotated[
        str | None,
        typer.Option(help="http://host:19530, or a path ending in .db; milvus.db in the root."),
    ] = None,
    engine: Annotated[
        str | None, typer.Option(help="What runs the heavy stages: local or ray.")
    ] = None,
    ray_address: Annotated[
        str | None, typer.Option(help="host:port of a Ray cluster's head; this machine if unset.")
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option(metavar="ID", help="Add or refresh this article only; may be repeated."),
    ] = None,
    publish_: Annotated[
        bool, typer.Option("--publish/--no-publish", help="Make the build live when it is done.")
    ] = True,
    strict: Annotated[
        bool, typer.Option("--strict", help="Refuse a source with problems.")
    ] = False,
    keep_missing: Annotated[
        bool,
        typer.Option("--keep-missing", help="Keep live articles that the source does not hold."),
    ] = False,
    relearn: Annotated[
        bool, typer.Option("--relearn", help="Learn anew what the pages share.")
    ] = False,
    from_scratch: Annotated[
        bool, typer.Option("--from-scratch", help="Take nothing over: encode and learn it all.")
    ] = False,
    accept_change: AcceptOption = False,
    force: ForceOption = False,
    reason: ReasonOption = "",
    as_json: JsonOption = False,
) -> None:
    """Read articles, relate each to all others, and publish the result."""
    from index.builder import make_build
    from index.engine import open_engine
    from index.making import BuildOptions
    from index.sources.registry import open_sources
    from recommender.sentence_encoder import load_encoder

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
    sources = open_sources(source or [], settings.source, settings.map, read_mapping(mapping or []))
    options = BuildOptions(
        mapping=FieldMapping(
            fields={},  # the sources rename their own
            url_template=settings.url_template,
            timezone=settings.zone,
        ),
        depth=settings.depth,
        strict=strict,
        only=frozenset(only or ()),
        keep_missing=keep_missing,
        relearn=relearn,
        preferences=settings.preferences,
        adopt_orphans=settings.adopt_orphans,
        from_scratch=from_scratch,
        limits=settings.limits,
        golden=golden_gate(settings),
        accept_change=accept_change,
        milvus=settings.milvus,
    )
    place = Root(settings.root)
    refusal = None
    with place.locked("alsolike build") as found:
        cli_operations.say_found(found)
        with (
            open_engine(settings.engine, address=settings.ray_address, root=place.path) as running,
            _progress_bar() as progress,
        ):
            manifest, report = make_build(
                place,
                sources,
                lambda: load_encoder(settings.model, settings.precision),
                replace(options, engine=running),
                progress,
            )
        if publish_:
            refusal = cli_operations.publish_made(
                place,
                manifest.name,
                settings,
                accept_change=accept_change,
                force=force,
                reason=reason,
            )
    published = publish_ and refusal is None
    if as_json:
        print_json(_build_summary(manifest, report, published=published))
    else:
        _print_build(manifest, report, place, published=published)
    if refusal is not None:
        raise refusal


@app.command(
    epilog="Example: alsolike related my-article --limit 6 && alsolike related --text draft.txt"
)
def related(
    article_id: Annotated[
        str | None, typer.Argument(metavar="ARTICLE_ID", help="The site's own id.")
    ] = None,
    root: RootOption = None,
    limit: LimitOption = None,
    text: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="A text that is in no build instead, its title on the first line; - for stdin.",
        ),
    ] = None,
    language: Annotated[str | None, typer.Option(help="The language of that text.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Show an article's related list as the site gets it, with what the articles share."""
    if (article_id is None) is (text is None):
        raise InputError("name an article, or a text with --text FILE")
    settings = load_settings(root=root, limit=limit)
    place = Root(settings.root)
    opened = _open(place, None)
    wish = Wish(limit=settings.limit, min_score=settings.min_score, fallback=settings.fallback)
    if article_id is None:
        related_to_text(opened, settings, wish, text or "-", language, as_json=as_json)
        return
    row = opened.row(article_id)
    if row is None:
        raise NotFoundError(_unknown(opened, article_id))
    now = time.time_ns() // 1000
    served = Served(opened, read_state(settings))
    chosen = select(served, row, now=now, wish=wish)
    if as_json:
        from service.rendering import related_json

        typer.echo(related_json(opened, article_id, chosen).decode())
        return
    article = opened.article(row)
    typer.echo(f"{article.title}  [{article.id}]")
    stands = standing(served, row, now)
    if stands is not Standing.VISIBLE:
        typer.echo(f"  (not visible now: {_why_hidden(article.status, stands)})")
    print_list(opened, chosen)


@app.command(epilog="Example: alsolike inspect --root /srv/alsolike")
def inspect(
    name: Annotated[
        str | None, typer.Argument(metavar="BUILD", help="The live one if left out.")
    ] = None,
    root: RootOption = None,
    boilerplate: Annotated[
        bool, typer.Option("--boilerplate", help="List what many articles share and was ignored.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Show what a build holds, how it was made, and how good it was measured to be."""
    from index.capacity import near_limits

    settings = load_settings(root=root)
    place = Root(settings.root)
    manifest = place.manifest(name)
    pointer = place.current()
    live = pointer is not None and pointer.build == manifest.name
    shared = Build(place.folder(manifest.name)).read_json("boilerplate.json")
    if boilerplate:
        _print_boilerplate(shared, as_json=as_json)
        return
    near = near_limits(manifest, settings.keep, place.path)
    if as_json:
        print_json({"live": live, "near_limits": near, **manifest.model_dump()})
        return
    size = sum(entry.bytes for entry in manifest.files.values())
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
        "reading": _counts(manifest.reading),
        "seconds": ", ".join(f"{key} {value:g}" for key, value in manifest.seconds.items()),
        "size": f"{size / 1e6:.1f} MB in {len(manifest.files)} files",
    }
    for label, value in rows.items():
        typer.echo(f"{label:9} {value}")
    for warning in near:
        typer.echo(f"near a limit: {warning}")


def _print_boilerplate(shared: dict[str, dict[str, int]], *, as_json: bool) -> None:
    if as_json:
        print_json(shared)
        return
    for kind, found in shared.items():
        typer.echo(f"{kind} ({len(found)}), by the number of articles that were found to hold each")
        for text, count in found.items():
            typer.echo(f"{count:7}  {text}")


@app.command(epilog="Example: alsolike verify && alsolike publish BUILD")
def verify(
    name: Annotated[
        str | None, typer.Argument(metavar="BUILD", help="The live one if left out.")
    ] = None,
    root: RootOption = None,
    as_json: JsonOption = False,
) -> None:
    """Compare every byte of a build with what was written."""
    place = Root(load_settings(root=root).root)
    manifest = place.verify(name)
    Build(place.folder(manifest.name))
    if as_json:
        print_json({"build": manifest.name, "files": len(manifest.files), "intact": True})
    else:
        typer.echo(f"{manifest.name}: {len(manifest.files)} files, all as written")


@app.command(
    epilog="Example: alsolike publish 20260102T030405Z-0a1b2c --reason 'checked by hand'\n\n"
    + GATES_EPILOG
)
def publish(
    name: Annotated[str, typer.Argument(metavar="BUILD")],
    root: RootOption = None,
    accept_change: AcceptOption = False,
    force: ForceOption = False,
    reason: ReasonOption = "",
    as_json: JsonOption = False,
) -> None:
    """Verify a build, compare it with the live one, and make it live."""
    settings = load_settings(root=root)
    place = Root(settings.root)
    with place.locked("alsolike publish") as found:
        cli_operations.say_found(found)
        publish_build(
            place,
            name,
            settings.limits,
            golden=golden_gate(settings),
            accept_change=accept_change,
            force=force,
            reason=reason,
        )
    _done(as_json, name, f"live: {name}")


@app.command(epilog="Example: alsolike rollback --reason 'lists look odd'")
def rollback(
    root: RootOption = None, reason: ReasonOption = "", as_json: JsonOption = False
) -> None:
    """Make the build live that was live before, and publish no other until "release"."""
    place = Root(load_settings(root=root).root)
    with place.locked("alsolike rollback") as found:
        cli_operations.say_found(found)
        name = place.rollback(reason=reason)
    _done(as_json, name, f"live again: {name}; publishing is held until: alsolike release")


app.command(epilog="Example: alsolike evaluate --qrels judgments.tsv")(evaluate)
app.command(epilog="Example: alsolike takedown my-article --reason 'withdrawn'")(takedown)
app.command(epilog="Example: alsolike audit --csv")(audit)
app.command("check-overrides", epilog="Example: alsolike check-overrides --json")(check_overrides)
app.command(epilog="Example: alsolike builds")(cli_operations.builds)
app.command(epilog="Example: alsolike diff 20260102T030405Z-0a1b2c")(cli_operations.diff)
app.command(epilog="Example: alsolike prune --keep 3")(cli_operations.prune)
app.command(epilog="Example: alsolike release --reason 'feed mended'")(cli_operations.release)
app.command(epilog="Example: alsolike export --out public/related")(cli_operations.export)
app.command(epilog="Example: alsolike report --out report.html")(cli_operations.report)


@app.command(epilog="Example: alsolike serve --port 8000 --workers 2")
def serve(
    root: RootOption = None,
    host: Annotated[str | None, typer.Option(help="Address (setting host).")] = None,
    port: Annotated[int | None, typer.Option(help="Port (setting port).")] = None,
    workers: Annotated[int | None, typer.Option(help="Processes (setting workers).")] = None,
) -> None:
    """Serve the live build over HTTP and follow it when another is published."""
    from service.server import run_server

    run_server(load_settings(root=root, host=host, port=port, workers=workers))


@app.command(epilog="Example: alsolike demo --port 8000")
def demo(
    root: Annotated[Path, typer.Option(help="Folder for the demo's build.")] = Path(".demo"),
    port: Annotated[
        int | None,
        typer.Option(
            help="Port of the service, the demo site takes the next; 0 for any that are free. "
            "Left out: the setting port or, if that is taken, any that are free."
        ),
    ] = None,
    model: Annotated[str | None, typer.Option(help="Model name, folder, or hashing:DIM.")] = None,
    serve_: Annotated[bool, typer.Option("--serve/--no-serve", help="Serve it afterwards.")] = True,
) -> None:
    """Build the sample corpus, show one list, and serve it with a small demo site."""
    from service.demo import SAMPLE_ARTICLE, SAMPLE_SOURCE, bind_demo, run_demo

    settings = load_settings(root=root, port=port, model=model)
    # A port that is taken is better said now than after the work.
    sockets = bind_demo(settings.host, settings.port, exact=port is not None) if serve_ else None
    # A demo of another version or model is in nobody's way: its root holds the sample alone.
    stale = _is_unreadable(Root(settings.root))
    build(
        source=[str(SAMPLE_SOURCE)],
        root=root,
        model=model,
        from_scratch=stale,
        accept_change=True,
        force=stale,
    )
    typer.echo()
    related(SAMPLE_ARTICLE, root=root)
    if sockets is not None:
        run_demo(settings, *sockets)


def _open(place: Root, name: str | None) -> Build:
    pointer = place.current()
    digest = pointer.manifest_sha256 if pointer is not None and name is None else None
    return Build(place.folder(name), manifest_sha256=digest)


def _is_unreadable(place: Root) -> bool:
    """Whether the live build is damaged, or of a format that this version does not read."""
    try:
        if place.current() is not None:
            _open(place, None)
    except (BuildError, NotFoundError):
        return True
    return False


def _unknown(opened: Build, article_id: str) -> str:
    near = [opened.article_id(row) for row in opened.articles.search(article_id, 3)]
    hint = f"; did you mean {', '.join(near)}?" if near else ""
    return f"there is no article {article_id!r} in build {opened.name}{hint}"


def _why_hidden(status: str, found: Standing) -> str:
    reasons = {
        Standing.TAKEN_DOWN: "it is taken down",
        Standing.SCHEDULED: "its visible_from lies ahead",
        Standing.EXPIRED: "its visible_until has passed",
    }
    return reasons.get(found, f"status {status}")


def _build_summary(manifest: Manifest, report: ReadReport, *, published: bool) -> dict[str, Any]:
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
        "problems": [
            {
                "place": item.place,
                "field": item.field,
                "reason": item.reason,
                "message": item.message,
            }
            for item in report.problems
        ],
    }


def _print_build(manifest: Manifest, report: ReadReport, place: Root, *, published: bool) -> None:
    skipping = [
        problem
        for problem in report.problems
        if problem.reason not in ("no-text", "made-from-template")
    ]
    for problem in skipping[:10]:
        field = f"{problem.field}: " if problem.field else ""
        typer.echo(f"{problem.place}: {field}{problem.message}", err=True)
    if len(skipping) > 10:
        typer.echo(f"… and {len(skipping) - 10} more; see report.json of the build", err=True)
    for name, count in report.unused_fields.most_common(1):
        without_text = report.notes["summary: no-text"]
        if without_text > report.kept // 2 and count > report.kept // 2:
            typer.echo(
                f"hint: {without_text} articles have no text, but {count} records hold a long "
                f"field {name!r}: did you mean --map summary={name}?",
                err=True,
            )
    total = sum(manifest.seconds.values())
    typer.echo(
        f"{manifest.count} articles ({manifest.visible} visible), {manifest.encoded} encoded, "
        f"in {total:.1f} s"
    )
    typer.echo(_counts(manifest.reading))
    state = "published" if published else "built, not published"
    typer.echo(f"{state}: {place.builds / manifest.name}")


def _counts(reading: dict[str, Any]) -> str:
    parts = [f"read {reading['read']}", f"kept {reading['kept']}"]
    skipped = reading["skipped"]
    if skipped:
        inner = ", ".join(f"{reason} {count}" for reason, count in skipped.items())
        parts.append(f"skipped {sum(skipped.values())} ({inner})")
    parts += [f"{name} {count}" for name, count in reading["notes"].items()]
    return ", ".join(parts)


def _done(as_json: bool, name: str, sentence: str) -> None:
    if as_json:
        print_json({"live": name})
    else:
        typer.echo(sentence)


@contextmanager
def _progress_bar() -> Iterator[Callable[[str, int, int | None], None]]:
    """Progress on a terminal's stderr; nothing elsewhere."""
    if not sys.stderr.isatty():
        yield lambda _stage, _done, _total: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

    with Progress(
        TextColumn("{task.description:8}"),
        BarColumn(),
        TextColumn("{task.completed:,.0f} articles"),
        TextColumn("{task.fields[speed]}"),
        TimeRemainingColumn(),
        console=Console(stderr=True),
    ) as bar:
        tasks: dict[str, TaskID] = {}

        def update(stage: str, done: int, total: int | None) -> None:
            if stage not in tasks:
                tasks[stage] = bar.add_task(stage, total=total, speed="")
            task = bar.tasks[tasks[stage]]
            speed = f"{task.speed:,.0f}/s" if task.speed else ""
            bar.update(tasks[stage], completed=done, total=total, speed=speed)

        yield update


if __name__ == "__main__":
    main()
