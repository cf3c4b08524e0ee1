"""Makes a build: from a source to a verified directory, one stage after another.

Nothing that is live is touched. A build grows under a name that nothing reads; only when every
file is written and synced does it get its real name, and only publishing makes it live.
"""

from __future__ import annotations

import json
import os
import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from index.articles import FieldMapping, ReadReport, read_articles
from index.build import NO_DATE, Build, Ragged
from index.cards import render_card
from index.files import Blob, BlobWriter, ends_path, load_array, save_array, write_file
from index.journal import append_journal, now
from index.manifest import (
    FORMAT_VERSION,
    EncoderEntry,
    IndexEntry,
    Manifest,
    describe_files,
    write_manifest,
)
from index.root import Root
from index.sources.source import Problem, Source
from index.store import ARTICLES, ArticleStaging, ArticleStore, write_articles
from recommender.article import Article
from recommender.boilerplate import SAMPLE, Boilerplate, learn_boilerplate
from recommender.encoder import Embeddings, Encoder
from recommender.errors import BuildError, InputError, NotFoundError, SourceError
from recommender.faiss_index import build_index, measure_recall
from recommender.phrases import extract_phrases
from recommender.related import DEFAULT_DEPTH, Catalogue, Related, relate
from recommender.terms import count_terms, scan
from recommender.text import RECIPE, PreparedText, prepare
from recommender.visibility import microseconds, window

_ENCODE_CHUNK = 4_096

Progress = Callable[[str, int, int | None], None]
"""Called with a stage's name, how much of it is done, and of how much (if known)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildOptions:
    """What one build is asked for.

    Attributes:
        mapping: How the source's fields are named.
        depth: Length of the stored lists.
        strict: Refuse the source at its first problem.
        only: Take these ids from the source and all other articles from the live build.
        relearn: Learn the boilerplate anew instead of carrying it over from the live build.
    """

    mapping: FieldMapping
    depth: int = DEFAULT_DEPTH
    strict: bool = False
    only: frozenset[str] = frozenset()
    relearn: bool = False


@dataclass(slots=True, kw_only=True)
class _Making:
    """A build in the making: what the stages hand on to each other."""

    root: Root
    folder: Path
    options: BuildOptions
    previous: Build | None
    progress: Progress
    report: ReadReport = field(default_factory=ReadReport)
    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time a stage and announce it."""
        self.progress(name, 0, None)
        start = time.perf_counter()
        yield
        spent = time.perf_counter() - start
        self.seconds[name] = round(self.seconds.get(name, 0.0) + spent, 3)


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
    making = _Making(
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
    making: _Making, name: str, sources: Sequence[Source], load_encoder: Callable[[], Encoder]
) -> Manifest:
    folder = making.folder
    with making.stage("read"):
        count = _read(making, sources)
    store = ArticleStore(folder / ARTICLES)
    with making.stage("prepare"):
        boilerplate = _boilerplate(making, store, count)
        facts, texts = _prepare(making, store, boilerplate, count)
    encoder = load_encoder()
    with making.stage("encode"):
        embeddings, encoded = _encode(making, encoder, texts)
    with making.stage("words"):
        corpus = scan(texts)
        terms = count_terms(corpus)
        phrases = extract_phrases(corpus, facts.language_names[1:])
        save_array(folder / "phrases_rows.npy", phrases.rows)
        _write_json(folder / "phrases.json", phrases.names)
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
        )
    with making.stage("write"):
        _write_related(folder, related)
        facts.save(folder)
        store.close()
        texts.discard()
        visible = int(facts.visible_now().sum())
        report = _report(making, boilerplate, related, facts)
        _write_json(folder / "report.json", report)
    fingerprint = encoder.fingerprint
    manifest = Manifest(
        format=FORMAT_VERSION,
        name=name,
        created=now(),
        alsolike=version("alsolike"),
        encoder=EncoderEntry(**asdict(fingerprint)),
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


def _read(making: _Making, sources: Sequence[Source]) -> int:
    """Stage 1: every article once, into the build's store; returns their number."""
    options, report = making.options, making.report
    staging = ArticleStaging(making.folder / "staging.sqlite")
    wanted = set(options.only)
    for source in sources:
        for article, place in read_articles(source, options.mapping, report, strict=options.strict):
            if options.only and article.id not in options.only:
                continue
            if not staging.add(article):
                _refuse_duplicate(report, article, place, strict=options.strict)
            wanted.discard(article.id)
            if report.kept % 1_000 == 0:
                making.progress("read", report.kept, None)
    if options.only:
        _add_the_rest(making, staging, wanted, sources)
    count = write_articles(making.folder / ARTICLES, staging)
    staging.discard()
    if count == 0:
        raise SourceError(_nothing_usable(sources, report))
    return count


def _add_the_rest(
    making: _Making, staging: ArticleStaging, missing: set[str], sources: Sequence[Source]
) -> None:
    """With ``--only``: every other article as the live build has it."""
    if making.previous is None:
        raise NotFoundError(
            "--only refreshes articles of the live build, and nothing is published here yet: "
            "build the whole source first"
        )
    if missing:
        raise InputError(
            f"--only {min(missing)}: there is no usable article of that id in "
            f"{', '.join(source.name for source in sources)}"
        )
    for article in making.previous.articles:
        staging.add(article)


def _refuse_duplicate(report: ReadReport, article: Article, place: str, *, strict: bool) -> None:
    problem = Problem(
        place=place,
        field="id",
        reason="duplicate",
        message=f"id {article.id!r} occurred before; the first article keeps it",
    )
    if strict:
        raise SourceError(f"{place}: {problem.message} (--strict refuses the source)")
    report.kept -= 1
    report.skip(problem)


def _nothing_usable(sources: Sequence[Source], report: ReadReport) -> str:
    names = ", ".join(source.name for source in sources)
    if not report.read:
        return f"{names} holds no records at all"
    reasons = ", ".join(f"{count} of {reason}" for reason, count in report.skipped.most_common(3))
    first = report.problems[0]
    return (
        f"none of the {report.read} records of {names} is a usable article ({reasons}); "
        f"the first: {first.place}: {first.message}"
    )


def _boilerplate(making: _Making, store: ArticleStore, count: int) -> Boilerplate:
    """The live build's, so that no text changes because another did; else learned."""
    previous = making.previous
    if previous is not None and previous.manifest.recipe == RECIPE and not making.options.relearn:
        found = json.loads(previous.checked("boilerplate.json").read_bytes())
        boilerplate = Boilerplate(**found)
    else:
        sample = list(store.sample(SAMPLE, count))
        boilerplate = learn_boilerplate(sample, len(sample))
    _write_json(
        making.folder / "boilerplate.json",
        {
            "passages": boilerplate.passages,
            "labels": boilerplate.labels,
            "headings": boilerplate.headings,
        },
    )
    return boilerplate


class _Texts:
    """The prepared texts in a file of their own, so that memory does not grow with them."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._blob = Blob(path)

    def __len__(self) -> int:
        return len(self._blob)

    def __getitem__(self, row: int) -> PreparedText:
        return _decode(self._blob[row])

    def __iter__(self) -> Iterator[PreparedText]:
        return map(_decode, self._blob)

    def discard(self) -> None:
        self._path.unlink()
        ends_path(self._path).unlink()


def _decode(data: bytes) -> PreparedText:
    title, _, body = data.decode().partition("\0")
    return PreparedText(title=title, body=body)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Facts:
    """What serving needs to know of each row beside its text."""

    visibility: NDArray[np.int64]
    dates: NDArray[np.int32]
    recency: NDArray[np.int64]
    languages: NDArray[np.int32]
    language_names: list[str]
    tag_rows: NDArray[np.int32]
    tag_ids: NDArray[np.int32]
    tag_names: list[str]
    superseded: dict[int, int]

    def visible_now(self) -> NDArray[np.bool_]:
        instant = time.time_ns() // 1000
        return (self.visibility[:, 0] <= instant) & (instant < self.visibility[:, 1])

    def save(self, folder: Path) -> None:
        count = len(self.dates)
        save_array(folder / "visibility.npy", self.visibility)
        save_array(folder / "dates.npy", self.dates)
        save_array(folder / "languages.npy", self.languages)
        newest = np.lexsort((np.arange(count), -self.recency))
        Ragged.grouped(self.languages[newest], newest, len(self.language_names)).save(
            folder, "recent"
        )
        Ragged.grouped(self.tag_rows, self.tag_ids, count).save(folder, "tags")
        by_recency = np.lexsort((self.tag_rows, -self.recency[self.tag_rows]))
        Ragged.grouped(
            self.tag_ids[by_recency], self.tag_rows[by_recency], len(self.tag_names)
        ).save(folder, "tagged")
        _write_json(
            folder / "facets.json", {"languages": self.language_names, "tags": self.tag_names}
        )


def _prepare(
    making: _Making, store: ArticleStore, boilerplate: Boilerplate, count: int
) -> tuple[_Facts, _Texts]:
    """Stage 2: texts without boilerplate, cards, and the facts about each row."""
    folder = making.folder
    ids, cards = BlobWriter(folder / "ids.bin"), BlobWriter(folder / "cards.bin")
    texts = BlobWriter(folder / "prepared.bin")
    visibility = np.empty((count, 2), dtype=np.int64)
    dates = np.full(count, NO_DATE, dtype=np.int32)
    recency = np.full(count, np.iinfo(np.int64).min + 1, dtype=np.int64)
    digests = np.empty((count, 16), dtype=np.uint8)
    languages = np.zeros(count, dtype=np.int32)
    language_ids: dict[str, int] = {"": 0}
    tag_numbers: dict[str, int] = {}
    tag_rows: list[int] = []
    tag_ids: list[int] = []
    rows_by_id: dict[str, int] = {}
    supersedes: dict[int, str] = {}
    for row, article in enumerate(store):
        prepared = prepare(article, boilerplate)
        ids.append(article.id.encode())
        cards.append(render_card(article, prepared))
        texts.append(f"{prepared.title}\0{prepared.body}".encode())
        visibility[row] = window(article)
        digests[row] = np.frombuffer(prepared.digest(), dtype=np.uint8)
        if article.date is not None:
            dates[row] = article.date.toordinal() - _DAY_ZERO
            recency[row] = int(dates[row]) * _DAY
        if article.visible_from is not None:
            recency[row] = microseconds(article.visible_from)
        if article.language is not None:
            languages[row] = language_ids.setdefault(article.language, len(language_ids))
        for tag in article.tags:
            tag_rows.append(row)
            tag_ids.append(tag_numbers.setdefault(tag, len(tag_numbers)))
        if article.supersedes is not None:
            supersedes[row] = article.supersedes
        rows_by_id[article.id] = row
        if row % 1_000 == 0:
            making.progress("prepare", row, count)
    for writer in (ids, cards, texts):
        writer.close()
    save_array(folder / "text_digests.npy", digests)
    facts = _Facts(
        visibility=visibility,
        dates=dates,
        recency=recency,
        languages=languages,
        language_names=list(language_ids),
        tag_rows=np.array(tag_rows, dtype=np.int32),
        tag_ids=np.array(tag_ids, dtype=np.int32),
        tag_names=list(tag_numbers),
        superseded={
            row: rows_by_id[older] for row, older in supersedes.items() if older in rows_by_id
        },
    )
    return facts, _Texts(folder / "prepared.bin")


_DAY_ZERO = 719_163  # date(1970, 1, 1).toordinal()
_DAY = 86_400_000_000


def _encode(making: _Making, encoder: Encoder, texts: _Texts) -> tuple[Embeddings, int]:
    """Stage 3: one embedding a row; those whose text did not change come from the live build."""
    dim = encoder.fingerprint.dim
    path = making.folder / "embeddings.npy"
    embeddings = np.lib.format.open_memmap(
        path, mode="w+", dtype=np.float32, shape=(len(texts), dim)
    )
    digests = load_array(making.folder / "text_digests.npy")
    missing = np.arange(len(texts))
    previous = making.previous
    if previous is not None and previous.manifest.encoder == EncoderEntry(
        **asdict(encoder.fingerprint)
    ):
        missing = _carry_over(previous, digests, embeddings)
    done = 0

    def advance(count: int) -> None:
        nonlocal done
        done += count
        making.progress("encode", done, len(missing))

    for start in range(0, len(missing), _ENCODE_CHUNK):
        rows = missing[start : start + _ENCODE_CHUNK]
        embeddings[rows] = encoder.encode(
            [texts[row].whole for row in rows.tolist()], progress=advance
        )
    embeddings.flush()
    del embeddings
    with path.open("rb") as file:
        os.fsync(file.fileno())
    return load_array(path), len(missing)  # type: ignore[return-value]  # written above


def _carry_over(
    previous: Build, digests: NDArray[np.generic], embeddings: Embeddings
) -> NDArray[np.int64]:
    """Copy every embedding whose text's digest is known; returns the rows that are left."""
    known = _as_keys(load_array(previous.checked("text_digests.npy")))
    source = load_array(previous.checked("embeddings.npy"))
    order = np.argsort(known)
    wanted = _as_keys(digests)
    place = np.minimum(np.searchsorted(known[order], wanted), len(known) - 1)
    found = known[order][place] == wanted
    for start in range(0, len(wanted), 65_536):
        rows = start + np.flatnonzero(found[start : start + 65_536])
        embeddings[rows] = source[order[place[rows]]]
    return np.flatnonzero(~found)


def _as_keys(digests: NDArray[np.generic]) -> NDArray[np.void]:
    return np.ascontiguousarray(digests).view("S16").ravel()


def _write_related(folder: Path, related: Related) -> None:
    lists = related.lists
    save_array(folder / "related_rows.npy", lists.rows)
    save_array(folder / "related_scores.npy", lists.scores)
    save_array(folder / "rejected_rows.npy", lists.rejected_rows)
    save_array(folder / "rejected_reasons.npy", lists.rejected_reasons)
    save_array(folder / "stories.npy", related.stories.of)
    Ragged(related.stories.members, related.stories.ends).save(folder, "members")


def _report(
    making: _Making, boilerplate: Boilerplate, related: Related, facts: _Facts
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


def _write_json(path: Path, value: Any) -> None:
    write_file(path, (json.dumps(value, ensure_ascii=False, indent=1) + "\n").encode())
