"""Makes a build: runs all stages, from the sources to a folder of files.

The live build is not touched. The folder of a build in progress has a temporary name that nothing
reads. It gets its real name when every file is written and synced; only publishing makes it live.
"""

import os
import sqlite3
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from index.articles.article_store import ARTICLES, ArticleStore
from index.articles.read_report import ReadReport
from index.build.build import Build
from index.build.explanations import explain_lists
from index.build.list_dates import build_date, build_name
from index.build.manifest import (
    FORMAT_VERSION,
    Manifest,
    describe_files,
    read_manifest,
    write_manifest,
)
from index.build.search_index import filled_beside
from index.build.sentences import write_sentences
from index.build.vectors import LOCAL, describe_index, make_index
from index.building.changed_articles import take_articles
from index.building.context import Beside, BuildContext, BuildOptions, Progress
from index.building.encode_stage import encode_texts
from index.building.folder_arrays import FolderWorkspace
from index.building.learn_stage import weights_by_name
from index.building.link_stage import resolve_links
from index.building.prepare_stage import choose_boilerplate, prepare_articles
from index.building.read_stage import read_sources
from index.building.relate_stage import relate_articles, save_related
from index.building.report_stage import report_build
from index.building.words_stage import weigh_words
from index.building.worker_processes import in_processes
from index.errors import BuildError, UnavailableError
from index.publishing.gates import whole_reading
from index.publishing.publish import Assessment, check_reading
from index.reporting.report import describe_reading
from index.reporting.report_page import PAGE, render_page
from index.root.journal import append_journal, utc_timestamp
from index.root.root import Root
from index.scale_out.milvus.milvus_collections import check_milvus
from index.sources.pushed_source import PUSHED
from index.sources.source import Source
from recommender.encoder import Encoder, embed_texts
from recommender.errors import NotFoundError
from recommender.faiss_index import measure_recall
from recommender.gpu_index import on_gpu
from recommender.pipeline import CorpusArticles
from recommender.term_counts import drop_terms
from recommender.text import RECIPE
from recommender.visibility import utc_now, visible_at


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
    options.engine.finish(small=manifest.small)
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
    folder = context.folder
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
    base = None if context.carried is None else context.previous  # of a small build
    store = ArticleStore(folder / ARTICLES)
    with context.stage("prepare"):
        boilerplate, relearned = choose_boilerplate(context, store)
        columns, texts, collected = prepare_articles(context, store, boilerplate)
        spoken = np.bincount(columns.languages, minlength=len(columns.language_names)).tolist()
        context.options.on_prepared(dict(zip(columns.language_names, spoken, strict=True)))
    with context.stage("links"):
        trusted = context.options.trust_related_blocks
        links = resolve_links(collected, store, columns.dates, trust_related_blocks=trusted)
        links.links.save(folder)
        links.names.save(folder)
    # oneDNN, by which PyTorch multiplies, keeps code for each shape, and texts have many lengths.
    os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "64")
    encoder = load_encoder()
    if base is not None and base.manifest.encoder != encoder.fingerprint:
        raise BuildError(
            f"the live build {base.name} was made with another encoder, "
            f"{base.manifest.encoder.model}, so that a small build can't take over its lists: "
            "build the whole source with: alsolike build"
        )
    with context.stage("encode"):
        embeddings, encoded, centering = encode_texts(
            context, encoder, load_encoder, texts, columns.languages
        )
    with context.stage("words"):
        lexical, terms = weigh_words(context, texts, columns.language_names[1:])
    with context.stage("index"):
        index = make_index(
            folder,
            name,
            embeddings,
            columns.visibility,
            columns.languages,
            wanted=context.options.milvus,
            like=base.checked(LOCAL) if base is not None and LOCAL in base.manifest.files else None,
        )
        if base is None:
            recall = measure_recall(index, embeddings, k=min(context.options.depth, count))
        else:
            recall = base.manifest.index.recall
    with context.stage("relate"):
        articles = CorpusArticles(
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
            visible=visible_at(columns.visibility, utc_now()),
            weights=columns.weights,
            translation_keys=columns.translation_keys,
        )
        encode = partial(embed_texts, encoder, centering=centering)
        related, learning = relate_articles(
            context, store, articles, boilerplate, links, encoder.fingerprint, encode
        )
        drop_terms(FolderWorkspace(folder))
    with context.stage("write"):
        save_related(folder, related)
        columns.save(folder)
        store.close()
        texts.discard()
        mapper = in_processes(context.engine.spread)
        explain_lists(folder, mapper, context.carried)
        write_sentences(folder, mapper, context.carried)
    with context.stage("search"):
        full_text.result()
    with context.stage("report"):
        moment = utc_now()
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
            reading=_reading(context),
            encoded=encoded,
            weights=weights_by_name(related.calibration),
            seconds={},
            full=name if base is None else base.full_name,
            small=base is not None,
            pushed=max(context.options.pushed, 0 if base is None else base.manifest.pushed)
            if context.beside is None
            else context.beside.build.manifest.pushed,
            files={},
        )
        manifest, report, assessment = report_build(
            context,
            manifest,
            now=moment,
            columns=columns,
            embeddings=embeddings,
            related=related,
            boilerplate=boilerplate,
            relearned=relearned,
            links=links,
            learning=learning,
        )
    manifest = manifest.model_copy(update={"seconds": context.seconds})
    (folder / PAGE).write_bytes(render_page(manifest, report).encode())
    manifest = manifest.model_copy(update={"files": describe_files(folder)})
    write_manifest(folder, manifest)
    return manifest, assessment


def _reading(context: BuildContext) -> dict[str, Any]:
    """Returns what was read; in a build of few articles with what is known of all of them."""
    reading = describe_reading(context.report)
    if context.beside is not None:
        reading["whole"] = whole_reading(context.beside.build.manifest)
    elif context.options.small and context.previous is not None:
        reading["whole"] = whole_reading(context.previous.manifest)
    return reading


def _source_names(context: BuildContext, sources: Sequence[Source]) -> list[str]:
    """Returns the names of all sources that articles of the build are from."""
    if context.beside is not None:
        return context.beside.build.manifest.sources
    changes = context.options.changes
    if changes is None or context.previous is None:
        pushed = [PUSHED] if context.options.pushed else []
        return [source.name for source in sources] + pushed
    return list(dict.fromkeys([*context.previous.manifest.sources, *changes.put]))
