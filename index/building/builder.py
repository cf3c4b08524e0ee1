"""Makes a build: runs all stages, from the sources to a folder of files.

The live build is not touched. The folder of a build in progress has a temporary name that nothing
reads. It gets its real name when every file is written and synced; only publishing makes it live.
"""

import sqlite3
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import asdict, dataclass, field
from functools import partial
from importlib.metadata import version
from pathlib import Path

import numpy as np

from index.articles.article_store import ARTICLES, ArticleStore
from index.articles.read_report import ReadReport
from index.articles.record import RecordProblem, short
from index.build.build import Build
from index.build.carried_state import load_state, save_state
from index.build.explanations import explain_lists
from index.build.list_dates import build_date, build_name, date_lists
from index.build.manifest import (
    FORMAT_VERSION,
    Manifest,
    describe_files,
    read_manifest,
    write_manifest,
)
from index.build.ragged import Ragged
from index.build.search_index import filled_beside
from index.build.sentences import write_sentences
from index.build.vectors import LOCAL, describe_index, make_index
from index.building.changed_articles import take_articles
from index.building.context import Beside, BuildContext, BuildOptions, Progress
from index.building.encode_stage import encode_texts
from index.building.folder_arrays import FolderWorkspace
from index.building.learn_stage import (
    carried_calibration,
    clicked_pairs,
    judged_pairs,
    save_learning,
    weights_by_name,
)
from index.building.link_stage import resolve_links
from index.building.prepare_stage import prepare_articles
from index.building.read_stage import read_sources
from index.building.words_stage import weigh_words
from index.building.worker_processes import in_processes
from index.errors import BuildError, UnavailableError
from index.files import save_array, write_json
from index.publishing.churn import describe_churn
from index.publishing.publish import Assessment, assess, check_reading
from index.reporting.report import REPORT, BuildFindings, describe_reading, make_report
from index.reporting.report_page import PAGE, render_page
from index.root.journal import append_journal, utc_timestamp
from index.root.root import Root
from index.scale_out.milvus.milvus_collections import check_milvus
from index.sources.pushed_source import PUSHED
from index.sources.source import Source
from recommender.boilerplate import SAMPLE, Boilerplate, learn_boilerplate
from recommender.carried import CarriedRelating
from recommender.encoder import Encoder, embed_texts
from recommender.errors import NotFoundError
from recommender.evidence import KINDS
from recommender.faiss_index import measure_recall
from recommender.gpu_index import on_gpu
from recommender.pipeline import CorpusArticles, PipelineResult, relate
from recommender.text import RECIPE
from recommender.visibility import utc_now, visible_at

RELATED_AT_ONCE = 3
"""Where more than one in this many articles changed, all are related anew. With fewer, scores that
are known save more than it takes to find out which are."""

_DRIFT_SAMPLE = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildResult:
    """The results of making a build.

    Attributes:
        manifest: The manifest of the finished build.
        report: How many records of the sources were read, kept and skipped, and why.
        assessment: The results of the gates, which are checks before publishing.
        refused: The pushed statements whose record can't be read any more: id, number, reason.
        changed: How a small build differs from the live one: its new and changed articles by id,
            encoded, and the ids it lacks; ``None`` for a full build.
    """

    manifest: Manifest
    report: ReadReport
    assessment: Assessment
    refused: list[tuple[str, int, str]] = field(default_factory=list)
    changed: tuple[Mapping[str, bytes], Sequence[str]] | None = None


def make_build(
    root: Root,
    sources: Sequence[Source],
    load_encoder: Callable[[], Encoder],
    options: BuildOptions,
    progress: Progress = lambda _stage, _done, _total: None,
    beside: Beside | None = None,
) -> BuildResult:
    """Makes a build, a folder of all that serving needs; the caller must hold the root's lock.

    Args:
        root: The folder of all builds, in which this one is made.
        sources: The sources of the articles; if two hold the same id, the article of the first
            source is used. They are not read if ``options.changes`` gives the changed records.
        load_encoder: Loads the encoder; called only after the sources were read and accepted.
        options: The options of the build.
        progress: Called with a stage's name, the number of items done, and their total if known.
        beside: A finished build from which all articles are taken, instead of the sources.

    Raises:
        SourceError: If a source can't be read, or holds no usable article.
        BuildError: If the build can't be written.
    """
    name = beside.name if beside is not None and beside.name else _new_name(root.names())
    folder = root.start_build(name)
    try:
        if beside is not None:
            previous = beside.previous
        else:
            previous = None if options.from_scratch else _previous(root)
        context = BuildContext(
            folder=folder,
            options=options,
            previous=previous,
            progress=progress,
            seen=_live_articles(root),
            beside=beside,
        )
        with ExitStack() as parallel:
            manifest, assessment = _make(context, name, sources, load_encoder, parallel)
        root.finish_build(folder)
    except BaseException as error:
        # Remove the files first, so that a full disk has room for the journal entry.
        with suppress(UnavailableError, OSError):  # the next command removes what is left
            root.discard(folder)
        with suppress(BuildError):
            append_journal(root.path, "fail", build=name, reason=str(error) or repr(error))
        if isinstance(error, OSError | sqlite3.Error):
            raise BuildError(f"the build could not be written to {folder}: {error}") from error
        raise
    if not manifest.small:  # what a full build has kept is for the next full one
        options.engine.finish()
    append_journal(
        root.path,
        "build",
        build=name,
        articles=manifest.count,
        encoded=manifest.encoded,
        skipped=sum(context.report.skipped.values()),
        seconds=round(sum(context.seconds.values()), 1),
        found=[] if assessment.live is None else assessment.failures,
        **({"small": True} if manifest.small else {}),
    )
    return BuildResult(
        manifest=manifest,
        report=context.report,
        assessment=assessment,
        refused=context.refused,
        changed=context.changed,
    )


def _new_name(names: Sequence[str]) -> str:
    """Returns a name for a new build, made from the current time, so that names sort by age.

    Args:
        names: Names of the existing builds, sorted. The new name sorts after the last of them, even
            if the clock was ahead when that build was made.
    """
    now = (time.time_ns() << 24) // 1_000_000_000
    return build_name(max(now, *(build_date(name) + 1 for name in names[-1:]), 0))


def _previous(root: Root) -> Build | None:
    """Returns the live build, to reuse its embeddings and boilerplate; ``None`` without one."""
    try:
        return root.open_live()
    except (BuildError, NotFoundError) as error:
        raise BuildError(
            f"the live build can't be reused for the new one: {error} (return to the previous "
            "build with alsolike rollback, or encode every article again with --from-scratch "
            "--force)"
        ) from error


def _live_articles(root: Root) -> Path | None:
    """Returns the article store of the live build, even if the build itself is not reused."""
    with suppress(BuildError):
        if (name := root.live) is not None:
            return root.builds / name / ARTICLES
    return None


def _check_reading(context: BuildContext, count: int) -> None:
    """Ends a build that would be held back for what was read, before texts are encoded."""
    context.options.on_read(context.report)
    if not context.options.to_publish or context.carried is not None:
        return
    live = None
    if context.seen is not None:
        with suppress(BuildError):
            live = read_manifest(context.seen.parent)
    check_reading(describe_reading(context.report), count, live)


def _make(
    context: BuildContext,
    name: str,
    sources: Sequence[Source],
    load_encoder: Callable[[], Encoder],
    parallel: ExitStack,
) -> tuple[Manifest, Assessment]:
    folder, live = context.folder, context.previous
    if context.options.milvus is not None:
        check_milvus(folder, context.options.milvus)
    with context.stage("read"):
        if context.beside is not None:
            count = take_articles(context, context.beside)
        else:
            count = read_sources(context, sources)
            _check_reading(context, count)
        full_text = parallel.enter_context(filled_beside(folder, context.carried))
        context.fail_with(full_text)
    store = ArticleStore(folder / ARTICLES)
    with context.stage("prepare"):
        boilerplate, relearned = _boilerplate(context, store)
        columns, texts, collected = prepare_articles(context, store, boilerplate)
        spoken = np.bincount(columns.languages, minlength=len(columns.language_names)).tolist()
        context.options.on_prepared(dict(zip(columns.language_names, spoken, strict=True)))
    with context.stage("links"):
        trusted = context.options.trust_related_blocks
        links = resolve_links(collected, store, columns.dates, trust_related_blocks=trusted)
        links.links.save(folder)
        links.names.save(folder)
    encoder = load_encoder()
    if (
        context.carried is not None
        and live is not None
        and live.manifest.encoder != encoder.fingerprint
    ):
        raise BuildError(
            f"the live build {live.name} was made with another encoder, "
            f"{live.manifest.encoder.model}, so that a small build can't take over its lists: "
            "build the whole source with: alsolike build"
        )
    with context.stage("encode"):
        embeddings, encoded, centering = encode_texts(
            context, encoder, load_encoder, texts, columns.languages
        )
    with context.stage("words"):
        workspace, spread = FolderWorkspace(folder), context.engine.spread
        lexical, terms = weigh_words(context, texts, columns.language_names[1:])
    with context.stage("index"):
        index = make_index(
            folder,
            name,
            embeddings,
            columns.visibility,
            columns.languages,
            wanted=context.options.milvus,
            like=_live_index(context),
        )
        if context.carried is not None and live is not None:
            recall = live.manifest.index.recall
        else:
            recall = measure_recall(index, embeddings, k=min(context.options.depth, count))
    with context.stage("relate"):
        visible = visible_at(columns.visibility, utc_now())
        calibrated = (context.beside and context.beside.calibrated) or context.previous
        if context.options.relearn:
            calibrated = None
        carried = carried_calibration(calibrated, encoder.fingerprint)
        judged = clicked = None
        if carried is None and not context.options.weights:
            encode = partial(embed_texts, encoder, centering=centering)
            judged = judged_pairs(context, store, boilerplate, links, visible, encode)
            clicked = clicked_pairs(context, visible, encode)
        related = relate(
            CorpusArticles(
                embeddings=embeddings,
                index=on_gpu(index, embeddings),
                lexical=lexical,
                terms=terms,
                languages=columns.languages,
                superseded=columns.superseded,
                pages=columns.pages,
                versions=columns.versions,
                dates=columns.dates,
                tags=columns.tags,
                authors=columns.authors,
                texts=texts,
                visible=visible,
                weights=columns.weights,
                translation_keys=columns.translation_keys,
            ),
            depth=context.options.depth,
            weights=[context.options.weights.get(kind.name, kind.weight) for kind in KINDS],
            adopt=context.options.adopt_orphans,
            calibration=carried,
            judged=judged,
            clicked=clicked,
            workspace=workspace,
            mapper=spread,
            processes=in_processes(spread, few=spread),
            carried=_carried_relating(context),
        )
        if terms is not None:
            terms.drop()
        _report_apart(context, store, related.stories.apart)
    with context.stage("write"):
        _write_stories(folder, related)
        save_state(folder, related.state)
        write_json(folder / "calibration.json", asdict(related.calibration))
        reused = calibrated if carried is not None else None
        learning = save_learning(context, related, (judged, clicked), reused)
        columns.save(folder)
        store.close()
        texts.discard()
        explain_lists(folder, in_processes(spread), context.carried)
        write_sentences(folder, in_processes(spread), context.carried)
    with context.stage("search"):
        full_text.result()
    with context.stage("report"):
        moment = utc_now()
        small = None if context.carried is None or live is None else live.manifest
        manifest = Manifest(
            format=FORMAT_VERSION,
            name=name,
            created=utc_timestamp(),
            alsolike=version("alsolike"),
            encoder=encoder.fingerprint,
            recipe=RECIPE,
            count=count,
            visible=int(visible_at(columns.visibility, moment).sum()),
            depth=context.options.depth,
            sources=_source_names(context, sources),
            index=describe_index(folder, index.kind, round(recall, 4)),
            quality={},
            reading=describe_reading(context.report),
            encoded=encoded,
            weights=weights_by_name(related.calibration),
            seconds={},
            full=name if small is None else small.full or small.name,
            small=small is not None,
            pushed=max(context.options.pushed, 0 if small is None else small.pushed)
            if context.beside is None
            else context.beside.build.manifest.pushed,
            files={},
        )
        build = Build(folder, manifest, verify=False)
        date_lists(build, context.previous)
        full_date = build_date(manifest.full)
        drift = 0.0 if small is None else float((build.listed_in[:, 0] > full_date).mean())
        variant = context.beside is not None and context.beside.name is not None
        compared = None if variant else context.previous
        assessment = assess(build, compared, context.options.limits, now=moment)
        churn = None
        if compared is not None and assessment.churn is not None:
            churn = describe_churn(compared, build, assessment.churn, now=moment)
        report = make_report(
            BuildFindings(
                now=moment,
                reading=context.report,
                columns=columns,
                build=build,
                embeddings=embeddings,
                health=related.health,
                boilerplate=boilerplate,
                relearned=relearned,
                churn=churn,
                verdicts=assessment.verdicts,
                good_score=context.options.limits.query.min_score,
                page_links=links,
                learning=learning,
            )
        )
        if small is not None and live is not None:
            report["boilerplate"] = live.report()["boilerplate"]
        write_json(folder / REPORT, report)
    manifest = manifest.model_copy(
        update={
            "quality": report["quality"],
            "seconds": context.seconds,
            "drift": round(drift, 4),
        }
    )
    (folder / PAGE).write_bytes(render_page(manifest, report).encode())
    manifest = manifest.model_copy(update={"files": describe_files(folder)})
    write_manifest(folder, manifest)
    return manifest, assessment


def _carried_relating(context: BuildContext) -> CarriedRelating | None:
    """Returns the lists that a small build takes over, unless they are another version's."""
    live, carried = context.previous, context.carried
    if live is None or carried is None or live.manifest.alsolike != version("alsolike"):
        return None
    kept = int((carried.rows >= 0).sum())
    changed = len(carried.rows) - kept + live.count - kept
    anew = changed * RELATED_AT_ONCE > len(carried.rows)
    return CarriedRelating(load_state(live), carried.rows, anew=anew)


def _live_index(context: BuildContext) -> Path | None:
    """Returns the file of the live build's index, if a small build has one to go by."""
    live = context.previous
    if context.carried is None or live is None or LOCAL not in live.manifest.files:
        return None
    return live.checked(LOCAL)


def _source_names(context: BuildContext, sources: Sequence[Source]) -> list[str]:
    """Returns the names of all sources that articles of the build are from."""
    if context.beside is not None:
        return context.beside.build.manifest.sources
    changes = context.options.changes
    if changes is None or context.previous is None:
        pushed = [PUSHED] if context.options.pushed else []
        return [source.name for source in sources] + pushed
    return list(dict.fromkeys([*context.previous.manifest.sources, *changes.put]))


def _boilerplate(context: BuildContext, store: ArticleStore) -> tuple[Boilerplate, Boilerplate]:
    """Returns the boilerplate to remove from texts, and the boilerplate learned from this build.

    The live build's boilerplate is removed if it can be reused, so that an article's text does not
    change because other articles did. The boilerplate learned from this build then only shows how
    much the site's boilerplate has changed, for which a smaller sample is enough.
    """
    previous = None if context.options.relearn else context.previous
    if context.beside is not None:  # the same texts, so that their embeddings can be taken over
        previous = context.beside.build
    if previous is not None and previous.manifest.recipe == RECIPE:
        boilerplate = Boilerplate(**previous.read_json("boilerplate.json"))
        given = context.carried is not None or context.beside is not None
        relearned = boilerplate if given else _learn(store, _DRIFT_SAMPLE)
    else:
        boilerplate = relearned = _learn(store, SAMPLE)
    write_json(context.folder / "boilerplate.json", boilerplate.by_kind())
    return boilerplate, relearned


def _learn(store: ArticleStore, size: int) -> Boilerplate:
    sample = list(store.sample(size))
    return learn_boilerplate(sample, len(sample))


def _report_apart(context: BuildContext, store: ArticleStore, rows: Sequence[int]) -> None:
    """Notes the articles whose translation key other pages of the same language have too."""
    for row in rows:
        article = store[row]
        if article.translation_key is None:  # told by its address
            continue
        context.report.note(
            RecordProblem(
                location=f"article {article.id}",
                field="translation_key",
                reason="same-language",
                message=f"translation_key {short(article.translation_key)} stands on several pages "
                f"in language {article.language or 'unknown'}: they are not taken for translations "
                "of each other; give each page and its translations a key of their own",
            )
        )


def _write_stories(folder: Path, related: PipelineResult) -> None:
    save_array(folder / "stories.npy", related.stories.of)
    save_array(folder / "newer.npy", related.stories.newer)
    Ragged(related.stories.members, related.stories.ends).save(folder, "members")
