"""Some articles as rows of what is compared, shown and asked of them, apart from all others."""

from __future__ import annotations

import json
from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from index.articles.card import render_card
from index.build.build import NO_DATE
from index.building.byte_strings import cut_pieces, join_pieces, lengths_of
from recommender.article import Article
from recommender.boilerplate import Boilerplate
from recommender.preferences import Preferences
from recommender.text import prepare
from recommender.visibility import microseconds, window

NO_RECENCY = np.iinfo(np.int64).min + 1

_DAY_ZERO = 719_163  # date(1970, 1, 1).toordinal()
_DAY = 86_400_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedBlock:
    """Rows of some articles, in arrays only, so that blocks can be joined and sent.

    Attributes:
        ids: Shape (bytes,), uint8: the articles' ids, one after another.
        cards: The same of their cards.
        texts: The same of their prepared texts.
        facets: The same of their language, tags and superseded id, as JSON.
        lengths: Shape (articles, 4), int64: of each article's id, card, text and facets.
        digests: Shape (articles, 16), uint8: of the prepared texts.
        visibility: Shape (articles, 2), int64: see :mod:`recommender.visibility`.
        dates: Shape (articles,), int32: days since 1970.
        recency: Shape (articles,), int64: microseconds; what "newest" goes by.
        boosts: Shape (articles,), float32: what the site's preferences multiply by.
    """

    ids: NDArray[np.uint8]
    cards: NDArray[np.uint8]
    texts: NDArray[np.uint8]
    facets: NDArray[np.uint8]
    lengths: NDArray[np.int64]
    digests: NDArray[np.uint8]
    visibility: NDArray[np.int64]
    dates: NDArray[np.int32]
    recency: NDArray[np.int64]
    boosts: NDArray[np.float32]

    def pieces(self, name: str) -> Iterator[bytes]:
        """Each article's id, card, text or facets."""
        column = ("ids", "cards", "texts", "facets").index(name)
        return cut_pieces(getattr(self, name), self.lengths[:, column])


def prepare_block(
    articles: Iterable[Article], boilerplate: Boilerplate, preferences: Preferences
) -> PreparedBlock:
    """Prepare some articles.

    Args:
        articles: In the order of their rows.
        boilerplate: What the site's pages share.
        preferences: What the site prefers among its own articles.
    """
    parts: tuple[list[bytes], ...] = ([], [], [], [])
    digests = bytearray()
    windows, recency, dates, boosts = array("q"), array("q"), array("i"), array("f")
    for article in articles:
        prepared = prepare(article, boilerplate)
        parts[0].append(article.id.encode())
        parts[1].append(render_card(article, prepared))
        parts[2].append(f"{prepared.title}\0{prepared.body}".encode())
        parts[3].append(_facets(article))
        digests += prepared.digest()
        windows.extend(window(article))
        days = NO_DATE if article.date is None else article.date.toordinal() - _DAY_ZERO
        dates.append(days)
        if article.visible_from is not None:
            recency.append(microseconds(article.visible_from))
        else:
            recency.append(NO_RECENCY if article.date is None else days * _DAY)
        boosts.append(preferences.boost(article))
    ids, cards, texts, facets = map(join_pieces, parts)
    return PreparedBlock(
        ids=ids,
        cards=cards,
        texts=texts,
        facets=facets,
        lengths=lengths_of(*parts),
        digests=np.frombuffer(bytes(digests), dtype=np.uint8).reshape(-1, 16),
        visibility=np.array(windows, dtype=np.int64).reshape(-1, 2),
        dates=np.array(dates, dtype=np.int32),
        recency=np.array(recency, dtype=np.int64),
        boosts=np.array(boosts, dtype=np.float32),
    )


def _facets(article: Article) -> bytes:
    found: dict[str, Any] = {}
    if article.language is not None:
        found["language"] = article.language
    if article.tags:
        found["tags"] = list(article.tags)
    if article.supersedes is not None:
        found["supersedes"] = article.supersedes
    return json.dumps(found).encode() if found else b""
