"""One article of a build in a line: what lists of articles for editors show of it."""

from __future__ import annotations

from dataclasses import dataclass

from index.articles.card import read_card
from index.build.build import Build
from service.serving.serving_view import ServingView
from service.serving.visibility_status import VisibilityStatus, visibility_status


@dataclass(frozen=True, slots=True, kw_only=True)
class ArticleRow:
    """An article as a line of a list, in the JSON API and on the editors' pages.

    Attributes:
        article_id: The site's own id.
        title: Its title.
        url: Where the site has it.
        date: ISO date, if it has one; may lie in the future.
        language: BCP 47 tag, if known.
        tags: The site's tags.
        standing: Whether readers see it, and why not.
    """

    article_id: str
    title: str
    url: str
    date: str | None
    language: str | None
    tags: tuple[str, ...]
    standing: VisibilityStatus


def read_article_row(view: ServingView, row: int, now: int) -> ArticleRow:
    """Describe one row of the live build at ``now`` (microseconds since 1970 UTC)."""
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
    """An article's title; its id if the build holds no such article."""
    row = build.row(article_id)
    return article_id if row is None else read_card(build.cards[row]).title
