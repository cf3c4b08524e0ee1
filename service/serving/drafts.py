"""Finds related articles for a draft: a text that is not in the published build.

The needed files of the build are mapped into memory, and their hashes are checked once, before the
first draft. Which articles are shown is decided by :func:`service.serving.selection.select_beside`,
as for articles of the build. Import this module only when the first draft arrives, since importing
it loads FAISS and a library for sparse matrices.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from index.articles.parse import FieldMapping, parse_records
from index.articles.read_report import ReadReport
from index.articles.record import Record
from index.build.build import CENTERING, Build
from index.build.lexicon import PHRASE_WEIGHTS, Vocabulary, load_calibration, load_matrix
from index.build.prepared_texts import StoredTexts
from index.build.vectors import open_index
from index.files import load_array
from index.query import RelatedQuery
from recommender.article import Article
from recommender.boilerplate import Boilerplate
from recommender.encoder import Encoder, Fingerprint, embed_texts
from recommender.errors import ArticleError, ModelError
from recommender.evidence import PairData
from recommender.keyphrases import NO_PHRASE, find_known_phrases
from recommender.labels import label_row
from recommender.sentence_encoder import load_encoder
from recommender.shared_phrases import distinct_phrases
from recommender.text import RECIPE, prepare
from recommender.text_query import CandidateFilter, Corpus, TextQuery, TextQueryResult
from recommender.tokenizer import TokenizedCorpus, tokenize_corpus
from recommender.translations import StoryLanguages
from recommender.visibility import day_number
from service.serving.guard import matching_rows
from service.serving.selection import ListContext, SelectedItem, explainer, select_beside
from service.serving.serving_view import ServingView

MAX_TERMS = 10
"""The largest number of phrases that an answer names as descriptions of a draft."""

_PLAIN = FieldMapping(url_template="/{id}", timezone=ZoneInfo("UTC"))
_HARMLESS = ("no-text", "made-from-template")


@dataclass(frozen=True, slots=True, kw_only=True)
class RelatedDraft:
    """A draft, and the articles of a build that are related to it.

    Finding candidates takes long. In the meantime an article may appear or disappear, or an editor
    may decide something. So :meth:`answer` selects what may be shown afterwards.

    Attributes:
        context: The candidates, more than are shown, and the other inputs of the selection.
        say_why: A function that takes selected articles and returns a sentence for each, which
            says why it is related to the draft.
        terms: Phrases that are common on the site and occur in the draft, most characteristic
            first.
        same_story: The row numbers, in the build, of near-duplicates of the draft; in an answer
            only of visible ones. ``items`` leaves them out.
        items: In an answer, the related articles, in the order in which readers would get them.
    """

    context: ListContext
    say_why: Callable[[Sequence[SelectedItem]], list[str]]
    terms: tuple[str, ...]
    same_story: tuple[int, ...]
    items: tuple[SelectedItem, ...] = ()

    def answer(self, served: ServingView, *, now: int, query: RelatedQuery) -> "RelatedDraft":
        """Selects the articles that may be shown beside the draft at a moment.

        Args:
            served: The build that the candidates are from, with the editors' decisions.
            now: The moment, in microseconds since 1970 UTC.
            query: How many articles may be shown, and which.
        """
        return replace(
            self,
            items=tuple(select_beside(served, self.context, now=now, query=query)),
            same_story=tuple(row for row in self.same_story if served.is_visible(row, now)),
        )


class DraftRelater:
    """Finds related articles for drafts in the published build; one thread at a time may use it.

    The model and the files of the build are opened on first use and kept open.

    Args:
        model: The setting ``model``.
        precision: The setting ``precision``; ``auto`` means the precision of the build.
    """

    def __init__(self, model: str, precision: str) -> None:
        self._model = model
        self._precision = precision
        self._encoder: Encoder | None = None
        self._index: DraftIndex | None = None

    def relate(
        self,
        served: ServingView,
        article: Article,
        *,
        now: int,
        query: RelatedQuery,
        own: int | None = None,
    ) -> RelatedDraft:
        """Finds the articles of a build that are related to a text, given as an article.

        Args:
            served: The build to search, with the editors' decisions.
            article: The text.
            now: The current time, in microseconds since 1970 UTC.
            query: How many articles may be shown, and which.
            own: If the text is a changed copy of an article in the build, that article's row
                number; it and its other versions are then left out.

        Raises:
            ModelError: If the model is missing, or the build was made with another one.
            BuildError: If a file of the build is missing or damaged.
        """
        encoder = self._encoder_for(served.build)
        index = self._index
        if index is None or index.build is not served.build:
            self._index = index = None  # free the old build's memory before the new one needs some
            self._index = index = DraftIndex(served.build)
        return index.relate(article, encoder, served=served, now=now, query=query, own=own)

    def forget(self) -> None:
        """Closes the files of the build that the last draft was compared with, to free memory.

        The next draft opens the files it needs again. Any thread may call this.
        """
        self._index = None

    def _encoder_for(self, build: Build) -> Encoder:
        made_by = build.manifest.encoder
        hashing = made_by.model.startswith("hashing")
        if hashing != self._model.startswith("hashing"):  # refuse before loading the model
            raise ModelError(
                f"build {build.name} was made with model {made_by.model!r}, but the setting model "
                f"is {self._model!r}: set it to the build's model, or make a new build"
            )
        precision = made_by.precision if self._precision == "auto" else self._precision
        if self._encoder is None or self._encoder.fingerprint.precision != precision:
            self._encoder = load_encoder(self._model, precision)
        check_encoder(build, self._encoder.fingerprint)
        return self._encoder


def read_draft(fields: Mapping[str, Any]) -> Article:
    """Turns the fields of a draft into an article, cleaned as articles from a source are.

    Args:
        fields: ``title``, ``summary`` or ``sections``, ``language``, ``tags``, ``authors`` and
            ``date``, as in a source; other fields are ignored.

    Raises:
        ArticleError: If a field is invalid. This includes faults that are repaired in an article
            from a source, since here the sender can correct them.
    """
    report = ReadReport()
    record = Record(location="draft", values={**fields, "id": "draft"})
    parsed = list(parse_records([record], _PLAIN, report))
    for problem in report.problems:
        if problem.reason not in _HARMLESS:
            raise ArticleError(problem.field, problem.reason, problem.message)
    return parsed[0][0]


class DraftIndex:
    """The files of a build that are needed to compare a draft with its articles.

    Args:
        build: The build; the hashes of these files are checked here, which takes seconds for a
            large build.

    Raises:
        BuildError: If a needed file is missing or damaged.
    """

    def __init__(self, build: Build) -> None:
        self.build = build
        self._boilerplate = Boilerplate(**build.read_json("boilerplate.json"))
        self._vocabulary = Vocabulary(build.checked)
        self._phrase_weights: NDArray[np.float32] = load_array(build.checked(PHRASE_WEIGHTS))
        self._centering = load_array(build.checked(CENTERING))
        self._index = open_index(build)
        self._sentences = build.sentences
        self._label_idf = {
            kind: cast("NDArray[np.float64]", load_array(build.checked(f"{kind}_vectors_idf.npy")))
            for kind in ("tag", "author")
        }
        shape = len(self._vocabulary), build.count
        self._corpus = Corpus(
            pairs=self._sentences.pairs,
            index=self._index,
            postings=load_matrix(build.checked, "postings", shape),
            calibration=load_calibration(build.checked),
            nearest=cast("NDArray[np.float32]", load_array(build.checked("nearest.npy"))),
            texts=StoredTexts(build.articles, self._boilerplate),
            stories=build.stories,
            story_languages=StoryLanguages(build.stories, build.members.values, build.languages),
            languages=build.languages,
            preferences=cast("NDArray[np.float32]", load_array(build.checked("preferences.npy"))),
        )

    def relate(
        self,
        article: Article,
        encoder: Encoder,
        *,
        served: ServingView,
        now: int,
        query: RelatedQuery,
        own: int | None = None,
    ) -> RelatedDraft:
        """Finds the articles of this build that are related to a draft.

        The encoder must be that with which the build was made; the other arguments are those of
        :meth:`DraftRelater.relate`.
        """
        text = prepare(article, self._boilerplate)
        build = self.build
        words = tokenize_corpus([text])
        tags = _numbers(article.tags, build.tag_numbers)
        authors = _numbers(article.authors, build.author_numbers)
        language = build.language_number(article.language or "")
        none = np.empty(0, dtype=np.int32)
        kin = none if own is None else build.members[build.story_of[own]]
        compared = PairData(
            embeddings=embed_texts(encoder, [text], centering=self._centering),
            terms=self._vocabulary.weigh(words),
            titles=self._vocabulary.weigh_titles(words),
            tags=label_row(tags, self._label_idf["tag"]),
            authors=label_row(authors, self._label_idf["author"]),
            days=np.array([day_number(article)], dtype=np.int32),
        )
        related = TextQueryResult(
            TextQuery(text=text, pairs=compared, language=language, without=kin), self._corpus
        )
        depth = build.manifest.depth
        rows, scores = all_rows, _ = related.among(self.candidates(served, now), depth)
        if query.language is not None or query.exclude or query.is_filtered:
            rows, scores = related.among(self.candidates(served, now, query), depth)
        near = np.append(related.same_story, all_rows)
        phrases = self._phrases(words, near)
        context = ListContext(
            rows=rows.tolist(),
            scores=scores.tolist(),
            kin=[*related.same_story.tolist(), *kin.tolist(), *self._excluded(query)],
            language=language,
            tags=lambda: tags,
            explain=lambda row: explainer(
                build, phrases if row in near else self._phrases(words, np.append(near, row))
            )(row),
        )
        return RelatedDraft(
            context=context,
            say_why=lambda items: self._sentences.beside(
                compared, text, [each.row for each in items], [each.shared_terms for each in items]
            ),
            terms=tuple(
                build.phrase_names[phrase]
                for phrase in distinct_phrases(phrases, build.phrase_names, MAX_TERMS)
            ),
            same_story=tuple(related.same_story.tolist()),
        )

    def candidates(
        self, served: ServingView, now: int, query: RelatedQuery | None = None
    ) -> CandidateFilter:
        """Returns a filter that says which articles of the build may be shown beside a draft.

        These are the articles that readers may see and, if a query is given, that match it. The
        filter applies the rules of :class:`service.serving.guard.Guard` to all articles at once.

        Args:
            served: This build with the editors' decisions.
            now: The current time, in microseconds since 1970 UTC.
            query: The query whose language, filters and excluded articles are applied; ``None`` for
                none.
        """
        build = self.build
        rows = np.array(served.showing(now).visible)
        languages, matching = [], None
        if query is not None:
            if (matching := matching_rows(build, query, now)) is not None:
                rows &= matching
            rows &= ~np.isin(build.stories, build.stories[self._excluded(query)])
            if query.language is not None:
                languages = [build.language_number(query.language)]
                rows &= build.languages == languages[0]
        filtered = self._index.shown_at(
            now, languages=languages, without=served.taken_down(now), among=matching
        )
        return CandidateFilter(index=filtered, rows=rows)

    def _excluded(self, query: RelatedQuery) -> list[int]:
        """Returns the rows of excluded articles; a draft may follow one that readers can't see."""
        return [row for name in query.exclude if (row := self.build.find(name)) is not None]

    def _phrases(self, words: TokenizedCorpus, rows: NDArray[np.int32]) -> list[int]:
        """Returns the ids of phrases that occur in the draft and in at least one of some articles.

        Args:
            words: The words of the draft.
            rows: The row numbers of the articles.
        """
        held = np.unique(self.build.phrase_rows[rows])
        found = find_known_phrases(
            words, held[held != NO_PHRASE].tolist(), self.build.phrase_names, self._phrase_weights
        )[0]
        return cast("list[int]", found[found != NO_PHRASE].tolist())


def _numbers(names: Sequence[str], numbers: Mapping[str, int]) -> list[int]:
    """Returns the numbers of a draft's tags or authors; those not in the build are left out."""
    found = (numbers.get(name.casefold()) for name in names)
    return list(dict.fromkeys(number for number in found if number is not None))


def check_encoder(build: Build, fingerprint: Fingerprint) -> None:
    """Checks that an encoder's embeddings can be compared with those of a build.

    They can if the same model with the same options made both, from texts prepared alike.

    Args:
        build: The build to compare with.
        fingerprint: The identity of the encoder.

    Raises:
        ModelError: If the build was made with another encoder, or by a version of AlsoLike that
            prepares texts in another way; the message names the remedy.
    """
    made_by = build.manifest.encoder
    for name in ("sha256", "dim", "max_tokens", "precision"):
        mine, theirs = getattr(fingerprint, name), getattr(made_by, name)
        if mine != theirs:
            raise ModelError(
                f"build {build.name} was made with model {made_by.model!r} ({name} {theirs}), but "
                f"the setting model {fingerprint.model!r} has {name} {mine}: set it to the build's "
                "model, or rebuild with alsolike build --accept-change"
            )
    if build.manifest.recipe != RECIPE:
        raise ModelError(
            f"build {build.name} was made with text preparation {build.manifest.recipe}, but this "
            f"version uses {RECIPE}: make a new build"
        )
