"""Cards: what a reader sees of a related article, rendered once per build."""

from __future__ import annotations

from pydantic import BaseModel, Field

from index.articles.cleaning import MAX_URL
from recommender.article import Article
from recommender.excerpt import make_excerpt
from recommender.text import PreparedText


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
