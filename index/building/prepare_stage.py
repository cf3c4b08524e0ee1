"""The second stage of a build: writes ids, cards and texts, and collects per-article columns.

The texts, by which articles are compared, are written without boilerplate. The columns, such as
dates and languages, are returned; the service filters and sorts lists by them.
"""

import functools
import hashlib
from collections.abc import Sequence

import numpy as np

from index.articles.article_store import ArticleStore
from index.articles.card import render_card
from index.articles.urls import url_key
from index.build.article_columns import ArticleColumns
from index.build.prepared_texts import PreparedTexts, StoredTexts
from index.building.article_writer import PREPARED, ArticleWriter, PreparedArticle
from index.building.context import BuildContext
from index.building.link_names import link_names
from index.building.link_stage import LinkCollector
from index.building.worker_processes import in_processes
from index.files import write_json
from index.query import DAY
from recommender.article import Article
from recommender.boilerplate import SAMPLE, Boilerplate, learn_boilerplate
from recommender.parallel import equal_blocks
from recommender.preferences import Preferences
from recommender.text import RECIPE, prepare, prepare_opening
from recommender.translations import key_number
from recommender.versions import version_number
from recommender.visibility import day_number, microseconds, window

NO_RECENCY = np.iinfo(np.int64).min + 1

_DRIFT_SAMPLE = 1_000
_BLOCK = 1_024


def choose_boilerplate(
    context: BuildContext, store: ArticleStore
) -> tuple[Boilerplate, Boilerplate]:
    """Returns the boilerplate to remove from texts, and the boilerplate learned from this build.

    The live build's boilerplate is removed if it can be reused, so that an article's text does not
    change because other articles did. The boilerplate learned from this build then only shows how
    much the site's boilerplate has changed, for which a smaller sample is enough.

    Args:
        context: The build in progress, into whose folder the boilerplate is written.
        store: The build's articles.
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


def prepare_article(
    article: Article, boilerplate: Boilerplate, preferences: Preferences
) -> PreparedArticle:
    """Prepares one article for the build.

    Args:
        article: The article.
        boilerplate: The passages that the site's pages share, which are removed from the text.
        preferences: The site's ranking preferences.
    """
    prepared = prepare(article, boilerplate)
    opening = "" if article.excerpt else prepare_opening(article, boilerplate)
    day = day_number(article)
    if article.visible_from is not None:
        recency = microseconds(article.visible_from)
    else:
        recency = NO_RECENCY if article.date is None else day * DAY
    return PreparedArticle(
        id=article.id.encode(),
        card=render_card(article, opening or prepared.body),
        text=f"{prepared.title}\0{prepared.body}".encode(),
        digest=prepared.digest(),
        visibility=window(article),
        day=day,
        recency=recency,
        boost=preferences.boost(article),
        language=article.language or "",
        translation_key=key_number(article),
        tags=tuple(article.tags),
        authors=tuple(article.authors),
        supersedes=article.supersedes,
        page=_page_number(article.url),
        version=version_number(article.title, article.id),
        links=link_names(article),
    )


def _prepare_rows(
    store: ArticleStore,
    boilerplate: Boilerplate,
    preferences: Preferences,
    rows: Sequence[int],
    start: int,
    stop: int,
) -> list[PreparedArticle]:
    several = store.several(rows[start:stop])
    return [prepare_article(article, boilerplate, preferences) for article in several]


def _page_number(url: str) -> int:
    digest = hashlib.blake2b(url_key(url).encode(errors="replace"), digest_size=8).digest()
    return int.from_bytes(digest, signed=True)


def prepare_articles(
    context: BuildContext, store: ArticleStore, boilerplate: Boilerplate
) -> tuple[ArticleColumns, PreparedTexts | StoredTexts, LinkCollector]:
    """Writes ids, cards and texts without boilerplate, and collects the columns of all articles.

    A small build copies all that from the live build for articles that did not change.

    Args:
        context: The build in progress.
        store: The build's articles.
        boilerplate: The passages that many pages share, to remove from the texts.

    Returns:
        The columns, with a value for each article; the texts by row; the names and links.
    """
    folder, carried = context.folder, context.carried
    rows = range(len(store)) if carried is None else carried.fresh.tolist()
    preferences = context.options.preferences
    written = ArticleWriter(folder, carried)

    work = functools.partial(_prepare_rows, store, boilerplate, preferences, rows)
    spread = in_processes(context.engine.spread)
    for block in spread(work, equal_blocks(len(rows), _BLOCK), stage="prepare"):
        written.add(block)
        context.progress("prepare", written.count, len(rows))
    if carried is not None and context.previous is not None:
        gone = np.flatnonzero(carried.new_rows < 0).tolist()
        for article in context.previous.articles.several(gone):
            written.links.take_back(link_names(article))
    columns = written.finish(preferences)
    if carried is not None:
        return columns, StoredTexts(store, boilerplate), written.links
    return columns, PreparedTexts(folder / PREPARED), written.links
