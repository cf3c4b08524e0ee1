"""Suggests links in the texts of articles and drafts, and for an article the texts to link from.

No link is inserted automatically: editors see the sentence, the words, the target and the reason.
Targets that readers may not see, that an editor refused or hid, or that the page links to already
are never suggested. Import this module only when it is needed, since it loads FAISS.
"""

import functools
import html
import itertools
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from index.articles.card import read_card
from index.build.build import Build
from index.build.lexicon import Vocabulary
from index.build.link_graph import EDITORIAL, PageLinkKind
from index.build.link_numbers import linked_row
from index.query import MAX_LIMIT, Fallback, RelatedQuery, SkipLinked
from recommender.article import Article, LinkKind
from recommender.keyphrases import NO_PHRASE
from recommender.neighbors import NO_ROW
from recommender.sentences import NOTHING
from recommender.text import PreparedText
from recommender.text_links import LinkBasis, LinkTarget, LinkText, TextLink
from recommender.tokenizer import tokenize_corpus
from service.curation.judged_links import JudgedLinks
from service.serving.drafts import RelatedDraft
from service.serving.selection import (
    ListContext,
    Origin,
    SelectedItem,
    select,
    select_beside,
)
from service.serving.serving_view import ServingView

MOST_INBOUND = 10
"""Most articles to suggest links from, for one article."""

NONE_JUDGED = JudgedLinks()
_ROWS = ("source", "target")
_SOURCES = 30
_TITLED, _LEAST_TITLE = 30, 0.6
_NAMES = 6

_REASONS: Mapping[LinkBasis, str] = {
    LinkBasis.NAME: "Other pages link to it with these words.",
    LinkBasis.TITLE: "The words are from its title.",
    LinkBasis.PHRASE: "The words say what it is about.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkSuggestion:
    """A link that would fit in a text.

    Attributes:
        source: The row number of the article with the text; ``None`` for a draft.
        target: The row number of the article to link to.
        url: The URL of the article to link to.
        heading: The heading of the section with the words; empty if it has none.
        before: The part of the sentence before the words.
        words: The words of the text that should become the link.
        after: The part of the sentence after the words.
        reason: Why the words fit, and why the two articles are related.
        score: How well the link fits, in [0, 1].
    """

    source: int | None
    target: int
    url: str
    heading: str
    before: str
    words: str
    after: str
    reason: str
    score: float

    @property
    def snippet(self) -> str:
        """The words as an HTML link to the target, for an editor to copy into the text."""
        return f'<a href="{html.escape(self.url)}">{html.escape(self.words, quote=False)}</a>'

    def values(self, build: Build) -> dict[str, Any]:
        """Returns the suggestion as a dictionary, as the API and ``alsolike links`` print it.

        Args:
            build: The build that the row numbers belong to.
        """
        return {
            "article_id": None if self.source is None else build.article_id(self.source),
            "target_id": build.article_id(self.target),
            "title": build.title(self.target),
            **{name: getattr(self, name) for name in self.__slots__ if name not in _ROWS},
            "snippet": self.snippet,
        }


class LinkFinder:
    """Suggests links between the articles of a build, and from drafts to them.

    Args:
        build: The build; the files that are needed are checked by their hashes on first use.
    """

    def __init__(self, build: Build) -> None:
        self.build = build
        self._vocabulary = Vocabulary(build.checked)
        self._idf = functools.lru_cache(maxsize=100_000)(self._vocabulary.idf)
        self._sentences = build.sentences
        self._names: dict[int, list[tuple[int, str]]] = {}

    def in_article(
        self, served: ServingView, row: int, *, now: int, query: RelatedQuery, judged: JudgedLinks
    ) -> list[LinkSuggestion]:
        """Suggests links in the text of an article, best first.

        Args:
            served: This build with the editors' decisions.
            row: The article's row number in the build.
            now: The current time, in microseconds since 1970 UTC.
            query: What the site asks for by default: how many articles, and which.
            judged: The links that editors judged, and the words that they refused.
        """
        article = self.build.article(row)
        related = self.related_to(served, row, article, now, query)
        targets = self._targets(related, article, judged, without=row)
        found = self._text(article).find_links(targets)
        reasons = self._sentences.among(row, [link.row for link in found])
        return [
            self._suggestion(article, link, why, source=row)
            for link, why in zip(found, reasons, strict=True)
        ]

    def in_draft(
        self,
        served: ServingView,
        draft: Article,
        related: RelatedDraft,
        *,
        now: int,
        query: RelatedQuery,
    ) -> list[LinkSuggestion]:
        """Suggests links in a draft, best first.

        Args:
            served: This build with the editors' decisions.
            draft: The draft, as an article.
            related: The articles that were found to be related to the draft.
            now: The current time, in microseconds since 1970 UTC.
            query: Which related articles the draft's request asks for.
        """
        leading = (linked_row(link, self.build.names) for link in draft.links)
        linked = [row for row in leading if row is not None]
        explain = related.context.explain
        context = related.context._replace(linked=linked, explain=lambda _: b"")
        scores = self._may_link(served, context, draft, now, query)
        found = self._text(draft).find_links(self._targets(scores, draft))
        items = [
            SelectedItem(link.row, link.score, Origin.RELATED, explain(link.row)) for link in found
        ]
        return [
            self._suggestion(draft, link, why)
            for link, why in zip(found, related.say_why(items), strict=True)
        ]

    def to_article(
        self, served: ServingView, row: int, *, now: int, query: RelatedQuery, judged: JudgedLinks
    ) -> list[LinkSuggestion]:
        """Suggests links to an article in the texts of other articles, best first.

        From text to text, different words are chosen where possible.

        Args:
            served: This build with the editors' decisions.
            row: The article's row number; if readers may not see it, nothing is suggested.
            now: The current time, in microseconds since 1970 UTC.
            query: What the site asks for by default: how many articles, and which.
            judged: The links that editors judged, and the words that they refused.
        """
        if not served.is_visible(row, now):
            return []
        build = self.build
        linking = {source for source, _ in build.page_links.into(row)}
        chosen = select(served, row, now=now, query=_deep(query, SkipLinked.OFF))
        found: list[tuple[TextLink, int, Article]] = []
        used: list[str] = []
        may_link = (
            each
            for each in chosen
            if each.row not in linking
            and build.story_of[row] not in served.hidden_here(each.row, now)
            and build.story_of[row] not in served.rules_of(each.row, now).hidden
        )
        for item in itertools.islice(may_link, _SOURCES):
            article = build.article(item.row)
            targets = self._targets({row: item.score}, article, judged, without=item.row)
            for link in self._text(article).find_links(targets, most=1, used=used):
                found.append((link, item.row, article))
                used.append(_words(article, link))
        found.sort(key=lambda each: (-each[0].score, each[1]))
        return [
            self._suggestion(article, link, self._sentences.among(source, [row])[0], source=source)
            for link, source, article in found[:MOST_INBOUND]
        ]

    def related_to(
        self, served: ServingView, row: int, article: Article, now: int, query: RelatedQuery
    ) -> dict[int, float]:
        """Returns the articles to which an article's text may link, with their scores.

        Args:
            served: This build with the editors' decisions.
            row: The row number of the article with the text.
            article: The same article.
            now: The current time, in microseconds since 1970 UTC.
            query: What the site asks for by default: how many articles, and which.

        Returns:
            By the row number of each such article how related it is, in [0, 1].
        """
        rows, scores = self.build.related(row)
        context = ListContext(
            rows=rows,
            scores=scores,
            kin=(row,),
            language=self.build.language_of[row],
            tags=lambda: self.build.tags.numbers(row),
            explain=lambda _: b"",
            overrides=served.overrides(row, now),
            linked=[target for target, _ in self.build.page_links.out(row)],
        )
        return self._may_link(served, context, article, now, query)

    def _may_link(
        self,
        served: ServingView,
        context: ListContext,
        article: Article,
        now: int,
        query: RelatedQuery,
    ) -> dict[int, float]:
        """Returns the score of each article that a text may link to, by row.

        These are the articles of its list, and further ones of whose titles the text has most words
        and which count like the last of the list. What may be shown is decided as for a list.
        """
        pairs, body = self._sentences.pairs, PreparedText(title="", body=article.whole_text)
        columns = self._vocabulary.weigh(tokenize_corpus([body])).indices
        held = np.zeros(self._vocabulary.words, dtype=np.float32)
        held[columns[columns < len(held)]] = 1
        shares = pairs.titles @ held
        listed = [row for row in context.rows if row != NO_ROW]
        shares[listed] = 0
        best = np.argsort(-shares, kind="stable")[:_TITLED]
        titled = best[shares[best] >= _LEAST_TITLE].tolist()
        scores = [*context.scores][: len(listed)]
        last = max(min(scores, default=0.0), query.min_score)
        wider = context._replace(
            rows=[*listed, *titled], scores=[*scores, *[last] * len(titled)], explained=()
        )
        chosen = select_beside(served, wider, now=now, query=_deep(query, SkipLinked.DROP))
        return {item.row: item.score for item in chosen}

    def _text(self, article: Article) -> LinkText:
        closed = [list(section.quoted) for section in article.sections]
        for link in article.links:
            if link.kind is not LinkKind.RELATED and link.text:
                for number, passages in enumerate(closed):
                    if link.section in (None, number):
                        passages.append(link.text)
        return LinkText(article.sections, closed, self._idf)

    def _targets(
        self,
        related: Mapping[int, float],
        article: Article,
        judged: JudgedLinks = NONE_JUDGED,
        without: int | None = None,
    ) -> Iterator[LinkTarget]:
        """Yields the articles that a text may link to.

        Args:
            related: The score of each, by row.
            article: The article with the text.
            judged: The links that editors judged, and the words that they refused.
            without: The text's own row, whose links don't say what others are called.
        """
        build = self.build
        self._learn_names([row for row in related if row not in self._names])
        for row, score in related.items():
            pair = article.id, build.article_id(row)
            if pair in judged.bad:
                continue
            names = (words for source, words in self._names[row] if source != without)
            phrases = build.phrases(row).tolist()
            yield LinkTarget(
                row=row,
                score=score,
                title=build.title(row),
                names=tuple(names),
                phrases=tuple(build.phrase_names[each] for each in phrases if each != NO_PHRASE),
                refused=tuple(judged.words.get(pair, ())),
            )

    def _learn_names(self, rows: Sequence[int]) -> None:
        """Notes for some articles the words with which the texts of other pages link to them."""
        links = self.build.page_links
        wanted = np.isin(links.targets.values, rows) & (links.kinds == PageLinkKind.TEXT)
        held = np.flatnonzero(wanted)
        sources = np.searchsorted(links.targets.ends, held, side="right").tolist()
        into: defaultdict[int, list[int]] = defaultdict(list)
        for source, target in zip(sources, links.targets.values[held].tolist(), strict=True):
            if len(into[target]) < _NAMES:
                into[target].append(source)
        found: dict[int, list[tuple[int, str]]] = {row: [] for row in rows}
        linking = sorted({source for some in into.values() for source in some})
        for source, article in zip(linking, self.build.articles.several(linking), strict=True):
            for link in article.links:
                target = linked_row(link, self.build.names)
                if target is not None and source in into.get(target, ()) and link.text:
                    found[target].append((source, link.text))
        self._names.update(found)  # all at once, as other threads look here

    def _suggestion(
        self, article: Article, link: TextLink, why: str, source: int | None = None
    ) -> LinkSuggestion:
        section = article.sections[link.section]
        (start, end), (first, last) = link.sentence, link.words
        return LinkSuggestion(
            source=source,
            target=link.row,
            url=read_card(self.build.cards[link.row]).url,
            heading=section.heading,
            before=section.text[start:first],
            words=section.text[first:last],
            after=section.text[last:end],
            reason=_REASONS[link.basis] if why == NOTHING else f"{_REASONS[link.basis]} {why}",
            score=round(link.score, 4),
        )


def find_orphans(served: ServingView, now: int) -> list[int]:
    """Returns the visible articles to which no other page has a link that an editor set.

    Args:
        served: A build with the editors' decisions.
        now: The current time, in microseconds since 1970 UTC.

    Returns:
        The articles' row numbers in the build.
    """
    links, build = served.build.page_links, served.build
    linked = np.zeros(build.count, dtype=bool)
    linked[links.targets.values[np.isin(links.kinds, EDITORIAL)]] = True
    return np.flatnonzero(np.array(served.showing(now).visible) & ~linked).tolist()


def _deep(query: RelatedQuery, skip_linked: SkipLinked) -> RelatedQuery:
    return replace(
        query,
        limit=MAX_LIMIT + _TITLED,
        fallback=Fallback.NONE,
        skip_linked=skip_linked,
        site_pins=False,
    )


def _words(article: Article, link: TextLink) -> str:
    return article.sections[link.section].text[slice(*link.words)]
