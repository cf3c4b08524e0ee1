"""Drafts: a text that is in no build, related to the live one as if it had been there.

Everything that this needs of a build is mapped, and hashed once before its first use. What is
shown of it goes through :func:`service.serving.selection.select_beside`, as every list does.
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
class Placed:
    """A draft in its place among a build's articles.

    What may be shown can change while it waits to be shown: visibility and editors have the last
    say in :func:`answer_draft`.

    Attributes:
        subject: Its candidates and what else a list is chosen by.
        terms: What it is about, in the site's own phrases, most telling first.
        same_story: Rows of its near-duplicates.
    """

    subject: ListContext
    terms: tuple[str, ...]
    same_story: tuple[int, ...]


def read_draft(fields: Mapping[str, Any]) -> Article:
    """A draft as an article, cleaned as a source's records are.

    Args:
        fields: ``title``, ``summary`` or ``sections``, ``language``, ``tags``, as a source has
            them; what else there is has no say in what is related.

    Raises:
        ArticleError: Naming the field that a build would leave out or would have to mend.
    """
    report = ReadReport()
    record = Record(location="draft", values={**fields, "id": "draft"})
    found = list(parse_records([record], _PLAIN, report))
    for problem in report.problems:
        if problem.reason not in _HARMLESS:
            raise ArticleError(problem.field, problem.reason, problem.message)
    return found[0][0]


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
        """What of a draft is compared."""
        return prepare(article, self._boilerplate)

    def place(
        self,
        article: Article,
        text: PreparedText,
        embedding: Embeddings,
        *,
        served: ServingView,
        now: int,
        query: RelatedQuery,
    ) -> Placed:
        """Find what is related to a draft among what may be shown.

        Args:
            article: The draft.
            text: Its prepared text.
            embedding: Shape (1, dim), float32, a unit row: see :func:`embed`.
            served: This build under what editors decided.
            now: Microseconds since 1970 UTC.
            query: What is asked for.
        """
        build = self.build
        words = tokenize_corpus([text])
        language = _place_of(article.language or "", build.language_names)
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
        rows, scores = every, _ = related.among(self._shown(served, now), depth)
        if query.language is not None or query.exclude:
            rows, scores = related.among(self._shown(served, now, query), depth)
        tags = (_place_of(tag, build.tag_names) for tag in article.tags)
        near = np.append(related.same_story, every)
        phrases = self._phrases(words, near)
        known = [tag for tag in tags if tag < len(build.tag_names)]
        subject = ListContext(
            rows=rows.tolist(),
            scores=scores.tolist(),
            kin=related.same_story.tolist(),
            language=language,
            tags=lambda: known,
            explain=lambda row: explainer(
                build, phrases if row in near else self._phrases(words, np.append(near, row))
            )(row),
        )
        return Placed(
            subject=subject,
            terms=tuple(
                build.phrase_names[phrase]
                for phrase in distinct_phrases(phrases, build.phrase_names, MAX_TERMS)
            ),
            same_story=tuple(related.same_story.tolist()),
        )

    def _shown(
        self, served: ServingView, now: int, query: RelatedQuery | None = None
    ) -> CandidateFilter:
        """What the guard lets through; without a wish whatever is asked for."""
        build = self.build
        rows = np.array(served.showing(now).visible)
        languages = []
        if query is not None:
            excluded = [row for one in query.exclude if (row := build.row(one)) is not None]
            rows &= ~np.isin(build.stories, build.stories[excluded])
            if query.language is not None:
                languages = [_place_of(query.language, build.language_names)]
                rows &= build.languages == languages[0]
        shown = self._index.shown_at(now, languages=languages, without=served.taken_down(now))
        return CandidateFilter(index=shown, rows=rows)

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


def _place_of(name: str, names: list[str]) -> int:
    """A name's place, or the next free one if it is not there."""
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


def embed(encoder: Encoder, text: PreparedText) -> Embeddings:
    """A draft's embedding, shape (1, dim), float32, a unit row."""
    return embed_texts(encoder, [text])


def answer_draft(
    served: ServingView, placed: Placed, *, now: int, query: RelatedQuery
) -> DraftAnswer:
    """What is shown of a placed draft at ``now``.

    Args:
        served: The build that it was placed in, under what editors decided.
        placed: The draft.
        now: Microseconds since 1970 UTC.
        query: What is asked for.
    """
    return DraftAnswer(
        items=select_beside(served, placed.subject, now=now, query=query),
        terms=placed.terms,
        same_story=tuple(row for row in placed.same_story if served.is_visible(row, now)),
    )
