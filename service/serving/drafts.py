"""Drafts: a text that is in no build, related to the live one as if it had been there.

All files of the build that this needs are mapped, and hashed once before their first use. A list
is chosen by :func:`service.serving.selection.select_beside`, as every list is. To be imported when
the first draft comes: it brings FAISS and sparse matrices, which a process may never need.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from index.articles.parse import FieldMapping, parse_records
from index.articles.read_report import ReadReport
from index.articles.record import Record
from index.build.build import Build
from index.build.lexicon import Vocabulary, load_matrix
from index.build.vectors import open_index
from index.files import load_array
from index.query import RelatedQuery
from recommender.article import Article
from recommender.boilerplate import Boilerplate
from recommender.encoder import Embeddings, Encoder, Fingerprint, embed_texts
from recommender.errors import ArticleError, ModelError
from recommender.fusion import Calibration
from recommender.keyphrases import find_known_phrases
from recommender.sentence_encoder import load_encoder
from recommender.shared_phrases import distinct_phrases
from recommender.text import RECIPE, PreparedText, prepare
from recommender.text_query import CandidateFilter, Corpus, TextQuery, TextQueryResult
from recommender.tokenizer import TokenizedCorpus, tokenize_corpus
from service.serving.selection import ListContext, SelectedItem, explainer, select_beside
from service.serving.serving_view import ServingView

MAX_TERMS = 10
"""Phrases that a draft is described by."""

_PLAIN = FieldMapping(fields={}, url_template="/{id}", timezone=ZoneInfo("UTC"))
_HARMLESS = ("no-text", "made-from-template")


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftAnswer:
    """What is related to a draft now.

    Attributes:
        items: The list, as readers would get it.
        terms: What the draft is about, in the site's own phrases, most telling first.
        same_story: Visible rows that are near-duplicates of the draft, and so not in its list.
    """

    items: list[SelectedItem]
    terms: tuple[str, ...]
    same_story: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RelatedDraft:
    """A draft with its candidates in a build, deeper than a list.

    Relating takes long, so visibility and editors' decisions may change meanwhile: they are applied
    when it is answered.

    Attributes:
        context: The candidates, and what else a list is chosen by.
        terms: What the draft is about, in the site's own phrases, most telling first.
        same_story: Rows of its near-duplicates.
    """

    context: ListContext
    terms: tuple[str, ...]
    same_story: tuple[int, ...]

    def answer(self, served: ServingView, *, now: int, query: RelatedQuery) -> DraftAnswer:
        """What may be shown of it at a moment.

        Args:
            served: The build that it was related to, under what editors decided.
            now: Microseconds since 1970 UTC.
            query: What is asked for.
        """
        return DraftAnswer(
            items=select_beside(served, self.context, now=now, query=query),
            terms=self.terms,
            same_story=tuple(row for row in self.same_story if served.is_visible(row, now)),
        )


class DraftRelater:
    """Relates drafts to the live build; used by one thread at a time.

    Model and build are opened when they are first needed, and kept.

    Args:
        model: The setting ``model``.
        precision: The setting ``precision``; ``auto`` follows the build.
    """

    def __init__(self, model: str, precision: str) -> None:
        self._model = model
        self._precision = precision
        self._encoder: Encoder | None = None
        self._index: DraftIndex | None = None

    def relate(
        self, served: ServingView, fields: Mapping[str, Any], *, now: int, query: RelatedQuery
    ) -> RelatedDraft:
        """Find what is related to a draft among what may be shown.

        Args:
            served: The build that it is related to, under what editors decided.
            fields: See :func:`read_draft`.
            now: Microseconds since 1970 UTC.
            query: What is asked for.

        Raises:
            ArticleError: If the draft breaks a rule of the format.
            ModelError: If there is no model, or not the one that the build was made by.
            BuildError: If what is needed of the build is missing or damaged.
        """
        article = read_draft(fields)
        encoder = self._encoder_for(served.build)
        index = self._index
        if index is None or index.build is not served.build:
            self._index = index = None  # first let go of the old one
            self._index = index = DraftIndex(served.build)
        return index.relate(article, encoder, served=served, now=now, query=query)

    def forget(self) -> None:
        """Let go of the build that the last draft was related to; from any thread."""
        self._index = None

    def _encoder_for(self, build: Build) -> Encoder:
        made_by = build.manifest.encoder
        hashing = made_by.model.startswith("hashing")
        if hashing != self._model.startswith("hashing"):  # said before a model is loaded for it
            raise ModelError(
                f"build {build.name} was made by model {made_by.model!r}, the setting model is "
                f"{self._model!r}: set it to the build's, or rebuild"
            )
        precision = made_by.precision if self._precision == "auto" else self._precision
        if self._encoder is None or self._encoder.fingerprint.precision != precision:
            self._encoder = load_encoder(self._model, precision)
        check_encoder(build, self._encoder.fingerprint)
        return self._encoder


def read_draft(fields: Mapping[str, Any]) -> Article:
    """A draft as an article, cleaned as a source's records are.

    Args:
        fields: ``title``, ``summary`` or ``sections``, ``language``, ``tags``, as a source has
            them; others do not matter.

    Raises:
        ArticleError: Naming the field that a build would leave out or would have to repair.
    """
    report = ReadReport()
    record = Record(location="draft", values={**fields, "id": "draft"})
    parsed = list(parse_records([record], _PLAIN, report))
    for problem in report.problems:
        if problem.reason not in _HARMLESS:
            raise ArticleError(problem.field, problem.reason, problem.message)
    return parsed[0][0]


class DraftIndex:
    """A build, opened for texts that are not in it.

    Args:
        build: The build; its files are hashed here, which takes seconds for a large one.

    Raises:
        BuildError: If a file that is needed is missing or damaged.
    """

    def __init__(self, build: Build) -> None:
        self.build = build
        self._boilerplate = Boilerplate(**build.read_json("boilerplate.json"))
        self._vocabulary = Vocabulary(build)
        terms = len(self._vocabulary)
        self._index = open_index(build)
        self._corpus = Corpus(
            embeddings=cast("Embeddings", load_array(build.checked("embeddings.npy"))),
            index=self._index,
            weights=load_matrix(build, "lexical", (build.count, terms)),
            postings=load_matrix(build, "postings", (terms, build.count)),
            calibration=Calibration(**build.read_json("calibration.json")),
            texts=_Texts(build, self._boilerplate),
            stories=build.stories,
            languages=build.languages,
            preferences=cast("NDArray[np.float32]", load_array(build.checked("preferences.npy"))),
        )

    def prepare(self, article: Article) -> PreparedText:
        """The text of a draft, as it is compared: without the site's boilerplate."""
        return prepare(article, self._boilerplate)

    def relate(
        self,
        article: Article,
        encoder: Encoder,
        *,
        served: ServingView,
        now: int,
        query: RelatedQuery,
    ) -> RelatedDraft:
        """Find what is related to a draft among what may be shown.

        Args:
            article: The draft.
            encoder: The one that the build was made by.
            served: This build under what editors decided.
            now: Microseconds since 1970 UTC.
            query: What is asked for.
        """
        text = self.prepare(article)
        embedding = embed_texts(encoder, [text])
        build = self.build
        words = tokenize_corpus([text])
        language = _index_in(article.language or "", build.language_names)
        related = TextQueryResult(
            TextQuery(
                text=text,
                embedding=embedding,
                weights=self._vocabulary.weigh(words),
                language=language,
            ),
            self._corpus,
        )
        depth = build.manifest.depth
        rows, scores = all_rows, _ = related.among(self.candidates(served, now), depth)
        if query.language is not None or query.exclude:
            rows, scores = related.among(self.candidates(served, now, query), depth)
        tags = (_index_in(tag, build.tag_names) for tag in article.tags)
        near = np.append(related.same_story, all_rows)
        phrases = self._phrases(words, near)
        known = [tag for tag in tags if tag < len(build.tag_names)]
        context = ListContext(
            rows=rows.tolist(),
            scores=scores.tolist(),
            kin=related.same_story.tolist(),
            language=language,
            tags=lambda: known,
            explain=lambda row: explainer(
                build, phrases if row in near else self._phrases(words, np.append(near, row))
            )(row),
        )
        return RelatedDraft(
            context=context,
            terms=tuple(
                build.phrase_names[phrase]
                for phrase in distinct_phrases(phrases, build.phrase_names, MAX_TERMS)
            ),
            same_story=tuple(related.same_story.tolist()),
        )

    def candidates(
        self, served: ServingView, now: int, query: RelatedQuery | None = None
    ) -> CandidateFilter:
        """Which rows may be shown at all; with a query, those that it lets through as well.

        The same rules as :class:`service.serving.guard.Guard`, for all rows at once.
        """
        build = self.build
        rows = np.array(served.showing(now).visible)
        languages = []
        if query is not None:
            excluded = [row for key in query.exclude if (row := build.row(key)) is not None]
            rows &= ~np.isin(build.stories, build.stories[excluded])
            if query.language is not None:
                languages = [_index_in(query.language, build.language_names)]
                rows &= build.languages == languages[0]
        filtered = self._index.shown_at(now, languages=languages, without=served.taken_down(now))
        return CandidateFilter(index=filtered, rows=rows)

    def _phrases(self, words: TokenizedCorpus, rows: NDArray[np.int32]) -> list[int]:
        """What the draft is about, in phrases of the articles beside it."""
        build = self.build
        return find_known_phrases(
            words, build.phrase_rows[rows], build.phrase_names, self._vocabulary.rarity
        )


class _Texts:
    """Prepared texts of a build's articles, made again where one is needed."""

    def __init__(self, build: Build, boilerplate: Boilerplate) -> None:
        self._build, self._boilerplate = build, boilerplate

    def __getitem__(self, row: int) -> PreparedText:
        return prepare(self._build.article(row), self._boilerplate)


def _index_in(name: str, names: list[str]) -> int:
    """A name's index in a list, or the next free one if it is not there."""
    return names.index(name) if name in names else len(names)


def check_encoder(build: Build, fingerprint: Fingerprint) -> None:
    """Refuse an encoder whose embeddings can't be compared with a build's.

    Raises:
        ModelError: Saying which setting makes it fit.
    """
    made_by = build.manifest.encoder
    for name in ("sha256", "dim", "max_tokens", "precision"):
        mine, theirs = getattr(fingerprint, name), getattr(made_by, name)
        if mine != theirs:
            raise ModelError(
                f"build {build.name} was made by model {made_by.model!r} ({name} {theirs}), the "
                f"setting model {fingerprint.model!r} has {name} {mine}: set model to the build's, "
                "or rebuild with alsolike build --accept-change"
            )
    if build.manifest.recipe != RECIPE:
        raise ModelError(
            f"build {build.name} has text recipe {build.manifest.recipe}, this version has "
            f"{RECIPE}: rebuild"
        )
