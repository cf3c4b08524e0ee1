"""Cards: what a reader sees of a related article, rendered once per build."""

from __future__ import annotations

import json
from typing import Any

from recommender.article import Article
from recommender.excerpt import make_excerpt
from recommender.text import PreparedText


def render_card(article: Article, prepared: PreparedText) -> bytes:
    """A card as the inside of a JSON object, without its braces, so that more can follow.

    Args:
        article: The article shown.
        prepared: Its text without the site's boilerplate, for an excerpt where it has none.
    """
    card: dict[str, Any] = {
        "article_id": article.id,
        "title": article.title,
        "url": article.url,
        "excerpt": make_excerpt(article.excerpt or prepared.body),
        "image": None
        if article.image is None
        else {"src": article.image.src, "alt": article.image.alt},
        "date": None if article.date is None else article.date.isoformat(),
    }
    return json.dumps(card, ensure_ascii=False, separators=(",", ":"))[1:-1].encode()
