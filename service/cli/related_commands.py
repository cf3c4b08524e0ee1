"""The commands ``alsolike related``, ``export`` and ``evaluate``."""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any

import typer

from index.build.build import Build
from index.root.root import Root
from recommender.errors import InputError, NotFoundError
from recommender.relevance_judgments import read_qrels
from recommender.visibility import utc_now
from service.cli import options as option
from service.cli.options import print_result
from service.clicks.placement import open_placements
from service.curation.golden_set import Agreement, agreements_of
from service.decisions.open_decisions import read_state
from service.http.list_json import exported_json, related_json
from service.serving.list_quality import evaluate_build
from service.serving.selection import ORIGIN_PHRASES, Origin, SelectedItem, select
from service.serving.serving_view import ServingView, VisibilityStatus, visibility_status
from service.serving.static_export import export_lists
from service.settings import Settings, load_settings

_FEW = 20_000
"""Up to this many ids are compared with one that is mistyped."""


def related(
    article_id: Annotated[
        str | None, typer.Argument(metavar="ARTICLE_ID", help="The article's id.")
    ] = None,
    root: option.Root = None,
    limit: option.Limit = None,
    text: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="Text file to use instead of an article, title on its first line; - for stdin.",
        ),
    ] = None,
    language: Annotated[str | None, typer.Option(help="The language of that text.")] = None,
    as_json: option.Json = False,
) -> None:
    """Show the related articles of an article or text, with scores and why each is there."""
    if (article_id is None) is (text is None):
        raise InputError("name an article, or a text with --text FILE, and not both")
    settings = load_settings(root=root, limit=limit)
    if article_id is not None:
        print_related(settings, article_id, as_json=as_json)
        return
    _print_related_to_text(settings, text or "-", language, as_json=as_json)


def print_related(settings: Settings, article_id: str, *, as_json: bool = False) -> None:
    """Prints the related articles of an article in the live build.

    Args:
        settings: The effective settings.
        article_id: The article's id.
        as_json: Whether to print the same JSON as ``GET /v1/related``.

    Raises:
        NotFoundError: If there is no live build, or it lacks the article.
    """
    opened = Root(settings.root).open()
    row = opened.row(article_id)
    if row is None:
        raise NotFoundError(unknown_article(opened, article_id))
    now = utc_now()
    served = ServingView(opened, read_state(settings))
    chosen = select(served, row, now=now, query=settings.query)
    if as_json:
        typer.echo(related_json(opened, article_id, chosen).decode())
        return
    article = opened.article(row)
    typer.echo(f"{article.title}  [{article.id}]")
    stands = visibility_status(served, row, now)
    if stands is not VisibilityStatus.VISIBLE:
        typer.echo(f"  (not visible now: {_why_hidden(article.status, stands)})")
    print_list(opened, chosen, say_why(opened, row, chosen))


def _print_related_to_text(
    settings: Settings, file: str, language: str | None, *, as_json: bool
) -> None:
    """Prints the list that a text would have if the site published it."""
    from service.serving.drafts import DraftRelater, read_draft

    build = Root(settings.root).open()
    title, _, body = read_text(file).strip().partition("\n")
    draft = read_draft({"title": title, "summary": body, "language": language})
    served, now, query = ServingView(build, read_state(settings)), utc_now(), settings.query
    related = DraftRelater(settings.model, settings.precision).relate(
        served, draft, now=now, query=query
    )
    answer = related.answer(served, now=now, query=query)
    if as_json:
        from service.api.draft_models import draft_json

        typer.echo(draft_json(build, answer).decode())
        return
    typer.echo(title)
    typer.echo(f"  about: {', '.join(answer.terms) or 'no topic of this site'}")
    for row in answer.same_story:
        typer.echo(f"  (the same as {build.article_id(row)}: {build.article(row).title})")
    print_list(build, [*answer.items], answer.say_why(answer.items))


def export(
    out: Annotated[
        Path, typer.Option(help="Folder for the files: new, empty, or of an earlier export.")
    ],
    root: option.Root = None,
    limit: option.Limit = None,
    as_json: option.Json = False,
) -> None:
    """Write every visible article's list as a JSON file; rewrite only files that changed.

    A takedown, or an article that becomes visible or invisible, changes these files only at the
    next export, and copies in a CDN only when it fetches them again. The service shows it at once.
    """
    settings = load_settings(root=root, limit=limit)
    live = Root(settings.root).open()
    now = utc_now()
    query, placements = settings.query, open_placements(settings)
    served = ServingView(live, read_state(settings))

    def render(row: int) -> bytes:
        chosen = select(served, row, now=now, query=query)
        return exported_json(live, row, chosen, query, placements)

    done = export_lists(served, out, render, now=now)
    counted = ", ".join(f"{count} {what}" for what, count in done.items())
    print_result(done, f"{counted} in {out}", as_json=as_json)


def say_why(build: Build, row: int, chosen: list[SelectedItem]) -> list[str]:
    """Returns for each article of a list a sentence that says why the list shows it.

    Args:
        build: The build of the list.
        row: The row number of the article whose list it is.
        chosen: The articles of the list.
    """
    return build.sentences.among(row, [item.row for item in chosen])


def print_list(
    build: Build, chosen: list[SelectedItem], sentences: Sequence[str], *, addresses: bool = False
) -> None:
    """Prints a list of related articles for people: scores, titles, dates and reasons.

    Args:
        build: The build of the list.
        chosen: The articles of the list.
        sentences: For each article a sentence that says why the list shows it.
        addresses: Whether to print the articles' addresses, too.
    """
    typer.echo()
    for position, (item, sentence) in enumerate(zip(chosen, sentences, strict=True), 1):
        shown = build.article(item.row)
        note = sentence if item.origin is Origin.RELATED else ORIGIN_PHRASES[item.origin]
        typer.echo(f"{position:2}  {item.score:.2f}  {shown.title}  [{shown.id}]")
        typer.echo(f"          {shown.date or ''}  {note}".rstrip())
        if addresses:
            typer.secho(f"          {shown.url}", dim=True)
    if not chosen:
        typer.echo("    there are no related articles and no fallbacks")


def unknown_article(opened: Build, article_id: str) -> str:
    """Returns the error message for an article id that a build lacks; it names similar ids.

    Args:
        opened: The build.
        article_id: The id.
    """
    named = opened.find(article_id)  # by its address
    rows = opened.full_text.search(article_id, 3) if named is None else [named]
    near = [opened.article_id(row) for row in rows]
    if not near and opened.count <= _FEW:  # else it takes seconds
        near = get_close_matches(article_id, map(bytes.decode, opened.ids), 3)
    hint = f"; did you mean {', '.join(near)}?" if near else ""
    return f"there is no article {article_id!r} in build {opened.name}{hint}"


def _why_hidden(status: str, found: VisibilityStatus) -> str:
    reasons = {
        VisibilityStatus.TAKEN_DOWN: "it is taken down",
        VisibilityStatus.SCHEDULED: "its visible_from is in the future",
        VisibilityStatus.EXPIRED: "its visible_until has passed",
    }
    return reasons.get(found, f"status {status}")


def read_text(file: str) -> str:
    """Reads the text file that the option ``--text`` names.

    Args:
        file: The path of the file, in UTF-8; ``-`` for standard input.

    Raises:
        InputError: If the file can't be read or is empty.
    """
    try:
        data = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
        text = data.decode()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"--text {file}: {error}; name a UTF-8 file, or - for stdin") from None
    if not text.strip():
        raise InputError(f"--text {file} is empty; its first line is the title, the rest the text")
    return text


GOLDEN_EXIT_CODE = 21
"""The exit code of ``evaluate --golden`` if the measured share is below ``--least``."""


def evaluate(
    name: option.BuildName = None,
    qrels: Annotated[
        Path | None,
        typer.Option(help="File of judgments: seed, article and grade, tab-separated; .gz too."),
    ] = None,
    golden: Annotated[
        bool,
        typer.Option(
            "--golden",
            help="Use editors' judgments and pins; measure lists without pins and hides.",
        ),
    ] = False,
    own_links: Annotated[
        bool,
        typer.Option(
            "--own-links",
            help="Use the links of the site's own pages as judgments, and measure lists made "
            "without the links' words.",
        ),
    ] = False,
    min_related: Annotated[
        int, typer.Option(min=1, help="With --own-links: least number of an article's links.")
    ] = 1,
    seeds: Annotated[
        int, typer.Option(min=1, help="With --own-links: most articles to measure.")
    ] = 200,
    least: Annotated[
        float | None,
        typer.Option(min=0, max=1, help="With --golden: exit with code 21 below this share."),
    ] = None,
    root: option.Root = None,
    as_json: option.Json = False,
) -> None:
    """Measure how well a build's lists agree with judgments, from a file or by editors."""
    settings = load_settings(root=root)
    opened_root = Root(settings.root)
    build = opened_root.open(name)
    chosen = [qrels is not None, golden, own_links].count(True)
    if chosen != 1 or (least is not None and not golden):
        raise InputError(
            "use exactly one of --qrels FILE, --golden and --own-links; --least needs --golden"
        )
    if golden:
        [found] = agreements_of([build], settings)
        _print_agreement(build, found, least, as_json=as_json)
        return
    if qrels is not None:
        figures = evaluate_build(build, read_qrels(qrels), settings.query, read_state(settings))
    else:
        from service.serving.drafts import DraftRelater
        from service.serving.own_links import evaluate_own_links

        figures = evaluate_own_links(
            build,
            DraftRelater(settings.model, settings.precision),
            settings.query,
            read_state(settings),
            min_related=min_related,
            seeds=seeds,
        )
    lines = _own_link_lines(figures) if own_links else _figure_lines(figures)
    print_result(figures, *lines, as_json=as_json)


def _print_agreement(build: Build, found: Agreement, least: float | None, *, as_json: bool) -> None:
    figures = {"build": build.name, "share": round(found.share, 4), **asdict(found)}
    del figures["pairs"]
    said = f"{found.share:.1%} as editors want it"
    if not found.good + found.bad:
        said = "nothing is judged or pinned yet"
    lines = [
        f"{said}, build {build.name}: {found.good_shown} of {found.good} good links shown, "
        f"{found.bad_shown} of {found.bad} bad links shown"
    ]
    for sign, pairs in (("+", found.missed), ("-", found.wrong)):
        lines += [f"  {sign} {target}  in the list of  {article}" for article, target in pairs]
    print_result(figures, *lines, as_json=as_json)
    if least is not None and found.share < least:
        raise typer.Exit(GOLDEN_EXIT_CODE)


def _own_link_lines(figures: dict[str, Any]) -> Iterator[str]:
    linking, build = figures["linking"], figures["build"]
    yield f"{figures['seeds']} of {linking} articles that link to others, build {build}"
    for part, label in (("masked", "without the links' words"), ("as_written", "as written")):
        yield f"{label}:"
        yield from _estimate_lines(figures[part])


def _figure_lines(figures: dict[str, Any]) -> Iterator[str]:
    build = figures["build"]
    yield f"{figures['seeds']} articles with 3 or more related by judgment, build {build}"
    yield from _estimate_lines(figures)
    for name in ("coverage", "orphans", "largest_hub", "diversity"):
        yield f"{name:12} {figures[name]:g}"


def _estimate_lines(figures: dict[str, Any]) -> Iterator[str]:
    for name in ("ndcg10", "p6", "recall50"):
        low, high = figures[f"{name}_95"]
        yield f"{name:12} {figures[name]:.4f}   (95 %: {low:.4f} to {high:.4f})"
