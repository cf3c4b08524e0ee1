"""The fields of an article that search results and other lists for editors show."""

from __future__ import annotations

from dataclasses import dataclass

from index.articles.card import read_card
from index.build.build import Build
from service.serving.serving_view import ServingView
from service.serving.visibility_status import VisibilityStatus, visibility_status


@dataclass(frozen=True, slots=True, kw_only=True)
class ArticleRow:
    """One article in a list for editors, in the JSON API and on the editors' pages.

    Attributes:
        article_id: The site's own id of the article.
        title: The article's title.
        url: The article's URL on the site.
        date: The ISO date, if known; may be in the future.
        language: The BCP 47 language tag, if known.
        tags: The site's tags.
        standing: Whether readers see the article, and if not, why.
    """

    article_id: str
    title: str
    url: str
    date: str | None
    language: str | None
    tags: tuple[str, ...]
    standing: VisibilityStatus


def read_article_row(view: ServingView, row: int, now: int) -> ArticleRow:
    """Reads what lists for editors show about an article of the published build.

    Args:
        view: The published build with the editors' decisions.
        row: The article's row number in the build.
        now: The time for which the visibility is given, in microseconds since 1970 UTC.
    """
    build = view.build
    card = read_card(build.cards[row])
    return ArticleRow(
        article_id=card.article_id,
        title=card.title,
        url=card.url,
        date=card.date,
        language=build.language_names[int(build.languages[row])] or None,
        tags=tuple(build.tag_names[tag] for tag in build.tags[row].tolist()),
        standing=visibility_status(view, row, now),
    )


def read_title(build: Build, article_id: str) -> str:
    """Returns an article's title, or its id if the article is not in the build."""
    row = build.row(article_id)
    return article_id if row is None else read_card(build.cards[row]).title
