"""Cards: what a reader sees of a related article, rendered once per build."""

from __future__ import annotations

import json
import re
from typing import Any

from recommender.article import Article
from recommender.text import PreparedText

MAX_EXCERPT = 140
"""Characters of an excerpt, its ellipsis included."""

_SPACE = re.compile(r"\s+")
_SENTENCE_END = re.compile(r"[.!?…。！？][\"'”’)\]]*(?=\s)")  # noqa: RUF001 - CJK sentence marks


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
