"""Makes a build: from a source to a verified directory, one stage after another.

Nothing that is live is touched. A build grows under a name that nothing reads; only when every
file is written and synced does it get its real name, and only publishing makes it live.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from index.articles import ReadReport
from index.build import Build, Ragged
from index.encoding import encode_texts
from index.facts import Facts, prepare_articles
from index.files import save_array, write_json
from index.journal import append_journal, now
from index.lexicon import carried_calibration, save_lexicon
from index.making import BuildOptions, Making, Progress
from index.manifest import (
    FORMAT_VERSION,
    EncoderEntry,
    IndexEntry,
    Manifest,
    describe_files,
    write_manifest,
)
from index.reading import read_sources
from index.root import Root
from index.sources.source import Source
from index.store import ARTICLES, ArticleStore
from recommender.boilerplate import SAMPLE, Boilerplate, learn_boilerplate
from recommender.encoder import Encoder
from recommender.errors import BuildError
from recommender.faiss_index import build_index, measure_recall
from recommender.phrases import extract_phrases
from recommender.related import Catalogue, Related, relate
from recommender.terms import count_terms, scan
from recommender.text import RECIPE


def make_build(
    root: Root,
    sources: Sequence[Source],
    load_encoder: Callable[[], Encoder],
    options: BuildOptions,
    progress: Progress = lambda _stage, _done, _total: None,
) -> tuple[Manifest, ReadReport]:
    """Read, encode, relate and write a build; the caller holds the root's lock.

    Args:
        root: Where the build is made.
        sources: Where the articles come from; of an id in two of them the first wins.
        load_encoder: Called once there is something to compare, never for a refused source.
        options: See :class:`BuildOptions`.
        progress: See :data:`Progress`.

    Raises:
        SourceError: If there is no usable article, or the source can't be read.
        BuildError: If the build can't be written.
    """
    left = root.clean_up()
    if left:
        append_journal(root.path, "clean-up", builds=left, reason="left by a build that died")
    name = f"{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}-{secrets.token_hex(3)}"
    making = Making(
        root=root,
        folder=root.start_build(name),
        options=options,
        previous=_previous(root),
        progress=progress,
    )
    try:
        manifest = _make(making, name, sources, load_encoder)
    except OSError as error:
        raise BuildError(f"the build could not be written to {making.folder}: {error}") from error
    root.finish_build(making.folder)
    append_journal(
        root.path,
        "build",
        build=name,
        articles=manifest.count,
        encoded=manifest.encoded,
        skipped=sum(making.report.skipped.values()),
        seconds=round(sum(making.seconds.values()), 1),
    )
    return manifest, making.report


def _previous(root: Root) -> Build | None:
    """The live build, whose embeddings and boilerplate can be carried over."""
    pointer = root.current()
    if pointer is None:
        return None
    return Build(root.folder(pointer.build), manifest_sha256=pointer.manifest_sha256)


def _make(
    making: Making, name: str, sources: Sequence[Source], load_encoder: Callable[[], Encoder]
) -> Manifest:
    folder = making.folder
    with making.stage("read"):
        count = read_sources(making, sources)
    store = ArticleStore(folder / ARTICLES)
    with making.stage("prepare"):
        boilerplate = _boilerplate(making, store, count)
        facts, texts = prepare_articles(making, store, boilerplate, count)
    encoder = load_encoder()
    entry = EncoderEntry(**asdict(encoder.fingerprint))
    with making.stage("encode"):
        embeddings, encoded = encode_texts(making, encoder, texts)
    with making.stage("words"):
        corpus = scan(texts)
        terms = count_terms(corpus)
        phrases = extract_phrases(corpus, facts.language_names[1:])
        save_array(folder / "phrases_rows.npy", phrases.rows)
        write_json(folder / "phrases.json", phrases.names)
    with making.stage("index"):
        index = build_index(embeddings)
        index.save(folder / "index.faiss")
        recall = measure_recall(index, embeddings, k=min(making.options.depth, count))
    with making.stage("relate"):
        related = relate(
            Catalogue(
                embeddings=embeddings,
                index=index,
                terms=terms,
                languages=facts.languages,
                superseded=facts.superseded,
                dates=facts.dates,
                texts=texts,
                visible=facts.visible_now(),
                weights=np.ones(count, dtype=np.float32),
            ),
            depth=making.options.depth,
            calibration=None
            if making.options.relearn
            else carried_calibration(making.previous, entry),
        )
    with making.stage("write"):
        _write_related(folder, related)
        save_lexicon(folder, terms, related.lexical, related.calibration)
        facts.save(folder)
        store.close()
        texts.discard()
        visible = int(facts.visible_now().sum())
        report = _report(making, boilerplate, related, facts)
        write_json(folder / "report.json", report)
    manifest = Manifest(
        format=FORMAT_VERSION,
        name=name,
        created=now(),
        alsolike=version("alsolike"),
        encoder=entry,
        recipe=RECIPE,
        count=count,
        visible=visible,
        depth=making.options.depth,
        sources=[source.name for source in sources],
        index=IndexEntry(kind=index.kind, recall=round(recall, 4)),
        quality=report["quality"],
        reading=report["reading"],
        encoded=encoded,
        seconds=making.seconds,
        files=describe_files(folder),
    )
    write_manifest(folder, manifest)
    return manifest


def _boilerplate(making: Making, store: ArticleStore, count: int) -> Boilerplate:
    """The live build's, so that no text changes because another did; else learned."""
    previous = making.previous
    if previous is not None and previous.manifest.recipe == RECIPE and not making.options.relearn:
        found = json.loads(previous.checked("boilerplate.json").read_bytes())
        boilerplate = Boilerplate(**found)
    else:
        sample = list(store.sample(SAMPLE, count))
        boilerplate = learn_boilerplate(sample, len(sample))
    write_json(
        making.folder / "boilerplate.json",
        {
            "passages": boilerplate.passages,
            "labels": boilerplate.labels,
            "headings": boilerplate.headings,
        },
    )
    return boilerplate


def _write_related(folder: Path, related: Related) -> None:
    lists = related.lists
    save_array(folder / "related_rows.npy", lists.rows)
    save_array(folder / "related_scores.npy", lists.scores)
    save_array(folder / "rejected_rows.npy", lists.rejected_rows)
    save_array(folder / "rejected_reasons.npy", lists.rejected_reasons)
    save_array(folder / "stories.npy", related.stories.of)
    Ragged(related.stories.members, related.stories.ends).save(folder, "members")


def _report(
    making: Making, boilerplate: Boilerplate, related: Related, facts: Facts
) -> dict[str, Any]:
    reading = making.report
    return {
        "reading": {
            "read": reading.read,
            "kept": reading.kept,
            "skipped": dict(sorted(reading.skipped.items())),
            "notes": dict(sorted(reading.notes.items())),
            "unused_fields": dict(sorted(reading.unused_fields.items())),
        },
        "problems": [asdict(problem) for problem in reading.problems],
        "boilerplate": {
            "passages": len(boilerplate.passages),
            "labels": len(boilerplate.labels),
            "headings": len(boilerplate.headings),
        },
        "quality": related.health,
        "languages": {
            name or "unknown": int(number)
            for name, number in zip(
                facts.language_names, np.bincount(facts.languages), strict=False
            )
            if number
        },
    }
