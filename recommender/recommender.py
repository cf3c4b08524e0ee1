"""The class ``Recommender``: related articles in memory, for notebooks and scripts.

::

    from recommender import Recommender

    site = Recommender().fit([{"id": "kelp", "title": "Kelp and waves", "text": "…"}, …])
    for found in site.related("kelp", limit=3):
        print(f"{found.score:.2f} {found.article.title}: {', '.join(found.shared_terms)}")
    site.related_to("Where urchins graze, kelp is gone in a summer.")

The lists are the same as those of ``alsolike build`` for the same articles, unless that learns from
links, clicks or judgments. Articles with the same ``url`` are one story.
"""

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recommender.article import Article, to_articles
from recommender.boilerplate import SAMPLE, Boilerplate, learn_boilerplate
from recommender.centering import learn_centering
from recommender.encoder import Encoder, Progress, center, embed_texts
from recommender.errors import InputError, NotFoundError
from recommender.evidence import PairData
from recommender.faiss_index import build_index
from recommender.keyphrases import NO_PHRASE, extract_phrases, find_known_phrases
from recommender.labels import LabelNumbers, label_row
from recommender.lexical import apply_weights, title_shares, weigh_terms
from recommender.neighbors import NO_ROW
from recommender.parameters import DEFAULT_DEPTH, SHOWN
from recommender.pipeline import CorpusArticles, relate
from recommender.preferences import Preferences, newest_day
from recommender.recommendation import Explanation, RelatedArticle
from recommender.sentence_encoder import DEFAULT_MODEL, load_encoder
from recommender.sentences import ListNames, Sentences, SiteNames
from recommender.shared_phrases import SharedPhrases
from recommender.term_counts import count_corpus, count_terms, count_titles
from recommender.text import PreparedText, prepare
from recommender.text_query import CandidateFilter, Corpus, TextQuery, TextQueryResult
from recommender.tokenizer import tokenize_corpus
from recommender.translations import StoryLanguages, key_number
from recommender.versions import version_number
from recommender.visibility import NO_DAY, day_number, utc_now, visible_at, window


class Recommender:
    """A recommender for the articles of one corpus, in memory.

    Args:
        model: The name or folder of a model, or ``"hashing"`` for an encoder without a model;
            :meth:`fit` loads it with :func:`recommender.sentence_encoder.load_encoder`.
        encoder: An encoder that is loaded already, used instead of ``model``.
        preferences: The site's ranking preferences.
        depth: Most related articles to keep per article.

    Raises:
        InputError: If the depth is below 1.
    """

    def __init__(
        self,
        model: str = DEFAULT_MODEL,
        *,
        encoder: Encoder | None = None,
        preferences: Preferences | None = None,
        depth: int = DEFAULT_DEPTH,
    ) -> None:
        if depth < 1:
            raise InputError(f"depth {depth} is too small: it must be at least 1")
        self._model = model
        self._encoder = encoder
        self._preferences = preferences or Preferences()
        self._depth = depth
        self._articles: Sequence[Article] = ()
        self._rows: dict[str, int] = {}

    def __repr__(self) -> str:
        """Return the name of the model and the number of articles."""
        model = self._model if self._encoder is None else self._encoder.fingerprint.model
        held = f"{len(self):,} articles" if self._articles else "not fitted"
        return f"<Recommender: {model}, {held}>"

    def __len__(self) -> int:
        return len(self._articles)

    def __contains__(self, article_id: object) -> bool:
        return article_id in self._rows

    def fit(
        self,
        articles: Iterable[Article | Mapping[str, Any]],
        *,
        progress: Progress | None = None,
    ) -> "Recommender":
        """Compute the related lists of all articles, replacing those of an earlier call.

        Args:
            articles: Articles, or dictionaries with ``id`` and ``title`` and, if known, ``text``
                and the other fields of an article.
            progress: Called with the number of articles encoded since the last call.

        Returns:
            This recommender.

        Raises:
            ArticleError: If a record is not a valid article.
            InputError: If there are no articles, or an entry is not a record.
            ModelError: If the model can't be used.
        """
        known = to_articles(articles)
        if not known:
            raise InputError("the list of articles is empty: give at least one")
        sample = known[:: max(1, len(known) // SAMPLE)]
        boilerplate = learn_boilerplate(sample, len(sample))
        texts = [prepare(article, boilerplate) for article in known]
        encoder = self._encoder = self._encoder or load_encoder(self._model)
        raw = embed_texts(encoder, texts, progress=progress)
        corpus = tokenize_corpus(texts)
        terms = count_corpus(corpus)
        numbers: dict[str | None, int] = {None: 0}
        for article in known:
            numbers.setdefault(article.language, len(numbers))
        languages = np.array([numbers[article.language] for article in known], np.int32)
        centering = learn_centering(raw, languages)
        embeddings = center(raw, centering, origin=encoder.fingerprint.model)
        dates = np.array([day_number(article) for article in known], dtype=np.int32)
        rows = {article.id: row for row, article in enumerate(known)}
        addresses: dict[str | int, int] = {}
        pages = [addresses.setdefault(one.url or row, row) for row, one in enumerate(known)]
        index = build_index(embeddings)
        windows = np.array([window(article) for article in known], dtype=np.int64)
        phrases = extract_phrases(corpus, sorted({a.language for a in known if a.language}))
        tags, authors = LabelNumbers(), LabelNumbers()
        for row, article in enumerate(known):
            tags.add(row, article.tags)
            authors.add(row, article.authors)
        boosts = np.array([self._preferences.boost(article) for article in known], dtype=np.float32)
        newest = newest_day(dates, int(time.time() // 86_400))
        weights = boosts * self._preferences.fade(dates, newest)
        lexical = weigh_terms(terms)
        related = relate(
            CorpusArticles(
                embeddings=embeddings,
                index=index,
                lexical=lexical,
                texts=texts,
                languages=languages,
                dates=dates,
                superseded={
                    row: rows[article.supersedes]
                    for row, article in enumerate(known)
                    if article.supersedes in rows
                },
                visible=visible_at(windows, utc_now()),
                tags=tags.labels(),
                authors=authors.labels(),
                weights=weights,
                translation_keys=np.array(
                    [key_number(article) for article in known], dtype=np.int64
                ),
                pages=np.array(pages, dtype=np.int64),
                versions=np.array([version_number(a.title, a.id) for a in known], np.int64),
            ),
            depth=self._depth,
        )
        # Nothing of an earlier call is replaced before all is made: this one may be interrupted.
        self._languages, self._centering, self._windows = numbers, centering, windows
        self._articles, self._rows, self._boilerplate = known, rows, boilerplate
        self._related, self._phrases, self._listed = related, phrases, boosts > 0
        self._corpus = Corpus(
            pairs=related.pairs,
            index=index,
            postings=related.postings,
            calibration=related.calibration,
            nearest=related.nearest,
            texts=texts,
            stories=related.stories.of,
            story_languages=StoryLanguages(related.stories.of, related.stories.members, languages),
            languages=languages,
            preferences=weights,
        )
        self._terms = terms.vocabulary, terms.pair_keys, lexical.idf
        spellings = phrases.spellings
        self._sentences = Sentences(
            related.pairs,
            related.calibration,
            SiteNames(
                title=lambda row: known[row].title,
                text=lambda row: known[row].whole_text,
                column={word: column for column, word in enumerate(terms.vocabulary)}.get,
                pair_keys=terms.pair_keys,
                words=[spellings.get(word, "") for word in terms.vocabulary],
                tags=tags.names,
                authors=authors.names,
            ),
        )
        return self

    def related(self, article_id: str, limit: int = SHOWN) -> list[RelatedArticle]:
        """Return the best related articles that may be shown now, each story once.

        Args:
            article_id: Id of the article whose related list is returned.
            limit: Most articles to return; the list is shorter if fewer are related.

        Raises:
            InputError: If :meth:`fit` was not called, or the limit is below 0.
            NotFoundError: If there is no article with this id.
        """
        row = self._row(article_id)
        lists = self._related.lists
        return [
            RelatedArticle(
                article=self._articles[shown],
                score=score,
                shared_terms=self._shared(row, shown),
            )
            for shown, score in self._shown(
                lists.rows[row],
                lists.scores[row],
                limit,
                self._languages[self._articles[row].language],
            )
        ]

    def related_to(
        self, text: str, *, title: str = "", language: str | None = None, limit: int = SHOWN
    ) -> list[RelatedArticle]:
        """Return the articles related to a text that is not one of the fitted articles.

        Args:
            text: Plain text.
            title: The text's title, if any; its words count twice.
            language: The text's BCP 47 language tag, if known; articles in this language then come
                first.
            limit: Most articles to return.

        Raises:
            InputError: If the text is empty, :meth:`fit` was not called, or the limit is below 0.
        """
        self._check_fitted()
        assert self._encoder is not None  # noqa: S101 - fit() loads it
        body = self._boilerplate.clean(text)
        prepared = PreparedText(title=title or body, body=body if title else "")
        if not prepared.whole.strip():
            raise InputError("the text is empty: give a text or a title to find related articles")
        words = tokenize_corpus([prepared])
        (vocabulary, pair_keys, idf), pairs = self._terms, self._corpus.pairs
        weights = apply_weights(count_terms(words, vocabulary, pair_keys), idf)
        weights.sort_indices()
        titles = count_titles(words, vocabulary)
        query = TextQuery(
            text=prepared,
            pairs=PairData(
                embeddings=embed_texts(self._encoder, [prepared], centering=self._centering),
                terms=weights,
                titles=title_shares(titles, idf),
                tags=label_row([], np.zeros(pairs.tags.shape[1])),
                authors=label_row([], np.zeros(pairs.authors.shape[1])),
                days=np.array([NO_DAY], dtype=np.int32),
            ),
            language=self._languages.get(language, len(self._languages)),
        )
        everything = CandidateFilter(index=self._corpus.index, rows=np.ones(len(self), dtype=bool))
        result = TextQueryResult(query, self._corpus)
        rows, scores = result.among(everything, self._depth)
        names, close = self._phrases.names, np.append(result.same_story, rows)
        held = np.unique(self._phrases.rows[close])
        phrases = find_known_phrases(
            words, held[held != NO_PHRASE].tolist(), names, self._phrases.weights
        )[0].tolist()
        own = SharedPhrases(phrases, names)
        return [
            RelatedArticle(
                article=self._articles[shown],
                score=score,
                shared_terms=tuple(own.shared_with(self._phrases.rows[shown].tolist())),
            )
            for shown, score in self._shown(rows, scores, limit, query.language)
        ]

    def explain(self, article_id: str, other_id: str) -> Explanation:
        """Explain why ``other_id`` is, or isn't, in the related list of ``article_id``.

        Raises:
            InputError: If :meth:`fit` was not called.
            NotFoundError: If there is no article with one of the ids.
        """
        row, other = self._row(article_id), self._row(other_id)
        stories, pairs = self._related.stories, self._corpus.pairs
        listed = self._related.lists.rows[row]  # another member of the story may stand for it
        place = np.flatnonzero((listed != NO_ROW) & (stories.of[listed] == stories.of[other]))
        shared = self._shared(row, other)
        facts = ListNames(
            title=self._articles[row].title,
            text=lambda: self._articles[row].whole_text,
            shared=[shared],
            linked=lambda _: "",
        )
        told = self._sentences.explain(
            pairs.take(np.array([row])), np.array([[other]], dtype=np.int32), [facts]
        )
        return Explanation(
            sentence=told[0][0],
            shared_terms=shared,
            score=float(self._related.lists.scores[row, place[0]]) if len(place) else None,
            cosine=float(pairs.embeddings[row] @ pairs.embeddings[other]),
            word_similarity=float(pairs.terms[row].multiply(pairs.terms[other]).sum()),
            same_story=bool(stories.of[row] == stories.of[other]),
        )

    @property
    def boilerplate(self) -> Boilerplate:
        """The text that many articles share, which is ignored when articles are compared.

        Raises:
            InputError: If :meth:`fit` was not called.
        """
        self._check_fitted()
        return self._boilerplate

    def _check_fitted(self) -> None:
        if not self._articles:
            raise InputError("this recommender has no articles yet: call fit(articles) first")

    def _row(self, article_id: str) -> int:
        self._check_fitted()
        found = self._rows.get(article_id)
        if found is None:
            raise NotFoundError(
                f"there is no article {article_id!r} among the {len(self)} given to fit()"
            )
        return found

    def _shared(self, row: int, other: int) -> tuple[str, ...]:
        phrases = self._phrases
        mine, theirs = phrases.rows[row].tolist(), phrases.rows[other].tolist()
        return tuple(SharedPhrases(mine, phrases.names).shared_with(theirs))

    def _shown(
        self, rows: NDArray[np.int32], scores: NDArray[np.float32], limit: int, language: int
    ) -> Iterator[tuple[int, float]]:
        """Yield the first ``limit`` stories of a list that have a visible version.

        Each is the row of the newest visible version that no boost of 0 keeps out of lists, in the
        list's language if there is one, and the story's score.
        """
        if limit < 0:
            raise InputError(f"limit {limit} is too small: it must be at least 0")
        visible, stories = visible_at(self._windows, utc_now()), self._related.stories
        for row, score in zip(rows[rows != NO_ROW].tolist(), scores.tolist(), strict=False):
            story = int(stories.of[row])
            begin = int(stories.ends[story - 1]) if story else 0
            members = stories.members[begin : int(stories.ends[story])]
            newest = members[visible[members] & self._listed[members]]
            if not limit:
                return
            if len(newest):
                limit -= 1
                if visible[row] and stories.newer[row] == stories.newer[newest[0]]:
                    newest = np.append(np.int32(row), newest)
                spoken = newest[self._corpus.languages[newest] == language] if language else newest
                yield int([*spoken, *newest][0]), score
