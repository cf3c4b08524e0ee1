"""Are links in texts suggested where authors set them?

``python -m benchmarks.text_links --data DIR [--read 50] [--speed]``: of the blog 18F the authors'
own links to other posts are taken out, and their words kept; a build knows nothing of them and has
the default's weights. Ten links are suggested for each post; what other posts call an article by
their links may be known, the post's own links are not. A hit leads to the author's target, and its
words overlap the author's. ``title match`` takes the sentence that holds most of a title's idf,
``bm25`` the articles that score best for a sentence; both link the at most ten words next to each
other that weigh most, and none of them links a word twice, or what is quoted or linked elsewhere.

``--read`` prints suggestions as editors get them, to be judged by reading; ``--speed`` times drafts
of some 900 words against 10,000 articles.
"""

from __future__ import annotations

import argparse
import json
import re
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Collection
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import bm25s
import numpy as np

from benchmarks.corpora import (
    CachedEncoder,
    Corpus,
    data_folder,
    load_corpus,
    own_links,
    read_blog,
    table,
)
from benchmarks.relevance import build_corpus
from index.build.lexicon import Vocabulary
from index.query import RelatedQuery
from recommender.article import Article, Section
from recommender.keyphrases import NO_PHRASE
from recommender.ranking_metrics import bootstrap_interval
from recommender.sentence_encoder import load_encoder
from recommender.text_links import (
    MAX_WORDS,
    LinkBasis,
    LinkTarget,
    LinkText,
    Place,
    TextLink,
)
from recommender.visibility import utc_now
from service.curation.text_link_finder import LinkFinder
from service.serving.drafts import DraftRelater, read_draft
from service.serving.serving_view import ServingView
from service.settings import Settings

DEEP = 10
BLOG = "18f-posts"
DRAFTS, PARTS = 100, 6

UNKNOWN = 6.0
"""The idf of a title's word that the text does not have."""

Find = Callable[[Article, LinkText], list[TextLink]]
Spans = dict[str, list[tuple[int, int, int]]]
"""Target id to the places of the author's words: section, start and end."""


class Blog:
    """The posts, the authors' links, and a build that does not know these.

    Args:
        data: The data folder.
        folder: For the build.
    """

    def __init__(self, data: Path, folder: Path) -> None:
        self.posts = read_blog(data / f"{BLOG}.tar.gz")
        self.own = own_links(self.posts)
        corpus = Corpus(name=BLOG, articles=[replace(post, links=()) for post in self.posts])
        self.build = build_corpus(corpus, CachedEncoder(load_encoder()), folder)
        self.vocabulary, self.finder = Vocabulary(self.build.checked), LinkFinder(self.build)
        self._titles = [self.stems(post.title) for post in self.posts]
        texts = [self.stems(post.whole_text) for post in self.posts]
        self._held = [set(stems) for stems in texts]
        self._bm25 = bm25s.BM25()
        self._bm25.index([[*stems] for stems in texts], show_progress=False)
        self.names = defaultdict[str, list[tuple[str, str]]](list)
        for source, links in self.own.items():
            for link, target in links:
                self.names[target].append((source, link.text))

    def text(self, post: Article) -> LinkText:
        """A post's text; what its authors linked to other posts is open."""
        closed = [list(section.quoted) for section in post.sections]
        own = {id(link) for link, _ in self.own[post.id]}
        for link in post.links:
            if id(link) not in own and link.section is not None:
                closed[link.section].append(link.text)
        return LinkText(post.sections, closed, self.vocabulary.idf)

    def written(self, post: Article) -> Spans:
        """Where the post's authors link to other posts."""
        found = defaultdict[str, list[tuple[int, int, int]]](list)
        for link, target in self.own[post.id]:
            if link.text and link.section is not None:
                text = post.sections[link.section].text
                for at in re.finditer(re.escape(link.text), text):
                    found[target].append((link.section, *at.span()))
        return dict(found)

    def suggest(self, post: Article, text: LinkText, *, names: bool = True) -> list[TextLink]:
        """What AlsoLike suggests."""
        targets = self.targets(post, names=names)
        return text.find_links(targets, most=DEEP, least=0.0)

    def targets(self, post: Article, *, names: bool = True) -> list[LinkTarget]:
        """What the post may link to, with what other posts call each by their links."""
        build = self.build
        row, served, query = build.row(post.id) or 0, ServingView(self.build), Settings().query
        found = []
        for other, score in self.finder.related_to(served, row, post, utc_now(), query).items():
            named = self.names[build.article_id(other)] if names else []
            phrases = (each for each in build.phrases(other).tolist() if each != NO_PHRASE)
            found.append(
                LinkTarget(
                    row=other,
                    score=score,
                    title=build.title(other),
                    names=tuple(words for source, words in named if source != post.id),
                    phrases=tuple(build.phrase_names[each] for each in phrases),
                )
            )
        return found

    def stems(self, text: str) -> list[str]:
        """The words of a text that say something."""
        sentences = LinkText([Section(text=text)], [()], self.vocabulary.idf).sentences
        return [word.stem for one in sentences for word in one.words if word.weight]

    def match_titles(self, post: Article, text: LinkText) -> list[TextLink]:
        """For each other post, the sentence with most of its title."""
        weight = {word.stem: word.weight for one in text.sentences for word in one.words}
        found = []
        for row, title in enumerate(self._titles):
            stems = set(title)
            whole = sum(weight.get(stem, UNKNOWN) for stem in stems)
            held: list[float] = [
                sum(weight[stem] for stem in stems & {word.stem for word in one.words})
                for one in text.sentences
            ]
            most = max(held, default=0.0)
            if most and self.posts[row].id != post.id:
                place = window(text, held.index(most), stems)
                found += [(most**2 / whole, row, place)] if place else []
        return text.choose(found, DEEP)

    def match_bm25(self, post: Article, text: LinkText) -> list[TextLink]:
        """For each sentence, the posts that score best for its words."""
        best: dict[int, tuple[float, int]] = {}
        for at, one in enumerate(text.sentences):
            known = [word.stem for word in one.words if word.stem in self._bm25.vocab_dict]
            if known:
                scores = self._bm25.get_scores(known)
                for row in np.argsort(-scores)[:50].tolist():
                    best[row] = max(best.get(row, (0.0, 0)), (float(scores[row]), at))
        found = [
            (score, row, place)
            for row, (score, at) in best.items()
            if self.posts[row].id != post.id and (place := window(text, at, self._held[row]))
        ]
        return text.choose(found, DEEP)


def window(text: LinkText, at: int, stems: Collection[str]) -> Place | None:
    """The open words of a sentence, at most ten in a row, that weigh most among some stems."""
    words = text.sentences[at].words
    best: Place | None = None
    for first, word in enumerate(words):
        seen, total = set[str](), 0.0
        for last in range(first, min(first + MAX_WORDS, len(words)) if word.stem in stems else 0):
            if not words[last].is_open:
                break
            if words[last].stem in stems and words[last].stem not in seen:
                seen.add(words[last].stem)
                total += words[last].weight
                if total and (best is None or total > best.fit):
                    best = Place(total, at, first, last, LinkBasis.TITLE)
    return best


def measure(blog: Blog) -> dict[str, Any]:
    """Recall at ten of every method, over the posts that link to others."""
    methods: dict[str, Find] = {
        "alsolike": blog.suggest,
        "alsolike, no link names": partial(blog.suggest, names=False),
        "title match": blog.match_titles,
        "bm25 over sentences": blog.match_bm25,
    }
    recalls: dict[str, list[float]] = {name: [] for name in methods}
    targets: dict[str, list[float]] = {name: [] for name in methods}
    widths: dict[str, list[int]] = {name: [] for name in methods}
    links = 0
    for post in blog.posts:
        written = blog.written(post)
        links += len(written)
        for name, find in methods.items() if written else ():
            text = blog.text(post)
            hits = right = 0
            for link in find(post, text):
                first, last = link.words
                widths[name].append(post.sections[link.section].text[first:last].count(" ") + 1)
                spans = written.get(blog.build.article_id(link.row), [])
                right += bool(spans)
                hits += any(
                    section == link.section and start < last and first < end
                    for section, start, end in spans
                )
            recalls[name].append(hits / len(written))
            targets[name].append(right / len(written))
    ours = np.array(recalls["alsolike"])
    figures: dict[str, Any] = {"posts": len(ours), "links": links}
    for name, some in recalls.items():
        low, high = bootstrap_interval(ours - np.array(some))
        figures[name] = {
            "recall10": round(float(np.mean(some)), 4),
            "targets10": round(float(np.mean(targets[name])), 4),
            "words": round(float(np.mean(widths[name])), 1),
            "ratio": round(float(ours.mean() / np.mean(some)), 3),
            "ahead": [round(low, 4), round(high, 4)],
        }
    return figures


def read_aloud(blog: Blog, count: int) -> list[str]:
    """Suggestions as editors get them, drawn from all posts, always the same."""
    found = []
    for post in blog.posts:
        for link in blog.text(post).find_links(blog.targets(post)):
            text = post.sections[link.section].text
            (start, end), (first, last) = link.sentence, link.words
            told = f"{text[start:first]}[{text[first:last]}]{text[last:end]}"
            found.append(
                f"{link.score:.2f} {link.basis}  {told}\n     -> {blog.build.title(link.row)}"
            )
    draw = np.random.default_rng(8).permutation(len(found))[:count]
    return [f"{len(found)} suggestions in {len(blog.posts)} posts", *(found[at] for at in draw)]


def measure_speed(data: Path, folder: Path, count: int = 10_000) -> dict[str, Any]:
    """Processor time for the links of drafts alone, and with what is related to them before.

    Each draft is made of some abstracts, the build of others.

    The build is made with hashed words, whose encoding takes no time; what the default model takes
    for a draft is in ``benchmarks.drafts``.
    """
    corpus = load_corpus(data, "arxiv-60k")
    encoder = load_encoder("hashing:384")
    held = Corpus(name=corpus.name, articles=corpus.articles[:count])
    build = build_corpus(held, CachedEncoder(encoder), folder)
    relater, finder = DraftRelater("hashing:384", "auto"), LinkFinder(build)
    served, query = ServingView(build), RelatedQuery()
    spent: dict[str, list[float]] = {"links": [], "whole": []}
    others = corpus.articles[count : count + DRAFTS * PARTS]
    words = 0
    for start in range(0, len(others), PARTS):
        some = others[start : start + PARTS]
        sections = [{"text": one.whole_text} for one in some]
        words += sum(len(one["text"].split()) for one in sections)
        begun = time.process_time()
        now, draft = utc_now(), read_draft({"title": some[0].title, "sections": sections})
        related = relater.relate(served, draft, now=now, query=query)
        found = time.process_time()
        finder.in_draft(served, draft, related, now=now, query=query)
        spent["links"].append(time.process_time() - found)
        spent["whole"].append(time.process_time() - begun)
    figures: dict[str, Any] = {"articles": build.count, "words": words // DRAFTS}
    for name, seconds in spent.items():
        for quantile in (50, 95):
            value = float(np.percentile(seconds[1:], quantile))
            figures[f"{name}_p{quantile}_ms"] = round(1000 * value, 1)
    return figures


def main() -> None:
    """Run the benchmark."""
    parser = data_folder(argparse.ArgumentParser(description=__doc__))
    parser.add_argument("--read", type=int, default=0, help="print so many suggestions")
    parser.add_argument("--speed", action="store_true", help="time drafts against 10,000 articles")
    arguments = parser.parse_args()
    if arguments.data is None:
        parser.error("--data is needed: the blog is not part of the project")
    with tempfile.TemporaryDirectory() as folder:
        if arguments.speed:
            print(json.dumps(measure_speed(arguments.data, Path(folder))))
            return
        blog = Blog(arguments.data, Path(folder))
        figures = measure(blog)
        read = read_aloud(blog, arguments.read) if arguments.read else []
    rows = [
        [
            name,
            *(f"{each[column]:.3f}" for column in ("recall10", "targets10", "ratio")),
            f"{each['words']:.1f}",
            "{:+.3f} to {:+.3f}".format(*each["ahead"]),
        ]
        for name, each in figures.items()
        if isinstance(each, dict)
    ]
    header = ["method", "recall@10", "targets", "ours / it", "words a link", "ours ahead, 95 %"]
    print(f"{figures['links']} links of {figures['posts']} posts\n\n{table(header, rows)}")
    print("\n".join([json.dumps(figures), *read]))


if __name__ == "__main__":
    main()
