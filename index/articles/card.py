"""Cards: what a reader sees of a related article, rendered once per build."""

from __future__ import annotations

import re

from pydantic import BaseModel, Field

from index.articles.urls import MAX_URL
from recommender.article import Article
from recommender.text import PreparedText

MAX_EXCERPT = 140
"""Characters of an excerpt, its ellipsis included."""

_SPACE = re.compile(r"\s+")
_SENTENCE_END = re.compile(r"[.!?…。！？][\"'”’)\]]*(?=\s)")  # noqa: RUF001 - CJK sentence marks


class CardImage(BaseModel):
    """A card's picture."""

    src: str = Field(max_length=MAX_URL, description="http, https, or relative to the site")
    alt: str = Field(description="what it shows, for those who can't see it; may be empty")


class ArticleCard(BaseModel):
    """An article as readers see it in a list.

    The JSON of the API, the HTML fragment and the demo site show these fields.
    """

    article_id: str = Field(description="the site's own id")
    title: str = Field(description="plain text")
    url: str = Field(description="http, https, or relative to the site", max_length=MAX_URL)
    excerpt: str = Field(description="at most 140 characters, cut at a word")
    image: CardImage | None = Field(description="null if the article has none")
    date: str | None = Field(description="YYYY-MM-DD; may lie in the future")


def make_card(article: Article, excerpt: str) -> ArticleCard:
    """The card of an article.

    Args:
        article: The article shown.
        excerpt: Plain text, short enough to be shown whole.
    """
    image, date = article.image, article.date
    return ArticleCard.model_construct(
        article_id=article.id,
        title=article.title,
        url=article.url,
        excerpt=excerpt,
        image=image and CardImage.model_construct(src=image.src, alt=image.alt),
        date=date and date.isoformat(),
    )


def render_card(article: Article, prepared: PreparedText) -> bytes:
    """A card as the inside of a JSON object, without its braces, so that more can follow.

    Args:
        article: The article shown.
        prepared: Its text without the site's boilerplate, for an excerpt where it has none.
    """
    card = make_card(article, make_excerpt(article.excerpt or prepared.body))
    return card.model_dump_json().encode()[1:-1]


def read_card(rendered: bytes) -> ArticleCard:
    """The card that :func:`render_card` rendered."""
    return ArticleCard.model_validate_json(b"{%b}" % rendered)


def make_excerpt(text: str, limit: int = MAX_EXCERPT) -> str:
    """Cut ``text`` to at most ``limit`` characters, at a word, with an ellipsis.

    A whole sentence that fills at least two thirds of the room is preferred, without an
    ellipsis, since a finished sentence reads better than three more words. Scripts
    without spaces are cut at a character.

    Args:
        text: Any text; runs of white space count as one space.
        limit: Longest result in characters, at least 2.
    """
    text = _SPACE.sub(" ", text).strip()
    if len(text) <= limit:
        return text
    ends = [match.end() for match in _SENTENCE_END.finditer(text[: limit + 1])]
    if ends and ends[-1] >= limit * 2 // 3:
        return text[: ends[-1]]
    cut = text.rfind(" ", limit // 2, limit)
    head = text[: cut if cut > 0 else limit - 1]
    return head.rstrip(" ,;:–—-.…(") + "…"  # noqa: RUF001 - the dashes are meant
