"""Cards: the fields of a related article that readers see (title, link, excerpt, image).

They are rendered once, when a build is made.
"""

import re

from pydantic import BaseModel, Field

from index.articles.cleaning import cut_text
from index.articles.urls import MAX_URL
from recommender.article import Article

MAX_EXCERPT = 140
"""Longest excerpt in characters, including its ellipsis."""

_SENTENCE_END = re.compile(  # not after initials, as in "the U.S. Senate"
    r"[.!?…؟।۔。！？](?<!\b[^\W\d_]\.[^\W\d_]\.)[\"'”’)\]]*(?=\s)"  # noqa: RUF001
    r"|[。！？][」』）”’]*(?=[^」』）”’])"  # noqa: RUF001 - no space follows in Chinese and Japanese
)
_CLAUSE_END = re.compile(r"(?=[;:؛] | [–—] |[、，；：])")  # noqa: RUF001 - the marks are meant
_MONTH = "(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*"
_DATE_LINE = re.compile(
    rf"(?=[^.]*\d)(?:\w+ )?(?:(?:19|20)\d\d )?(?:\d\d? )?{_MONTH}(?:-{_MONTH})?"
    r"(?: \d\d?)?(?:,? (?:19|20)\d\d)?\.(?:\s+|$)"
)
"""A line such as ``Epub 2020 Mar 6.`` or ``6 March 2020.`` before the text itself."""


class CardImage(BaseModel):
    """The image on a card."""

    src: str = Field(max_length=MAX_URL, description="http, https, or relative to the site")
    alt: str = Field(description="what the image shows, for readers who can't see it; may be empty")


class ArticleCard(BaseModel):
    """An article as readers see it in a list.

    The API's JSON, the HTML fragment and the demo site all show these fields.
    """

    article_id: str = Field(description="the site's own id")
    title: str = Field(description="plain text")
    url: str = Field(description="http, https, or relative to the site", max_length=MAX_URL)
    excerpt: str = Field(description="at most 140 characters, cut after a word")
    image: CardImage | None = Field(description="null if the article has none")
    date: str | None = Field(description="YYYY-MM-DD; may be in the future")


def make_card(article: Article, excerpt: str) -> ArticleCard:
    """Make the card of an article: the fields that readers see in a list.

    Args:
        article: The article to show.
        excerpt: The excerpt on the card: plain text, which is not shortened further.
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


def render_card(article: Article, text: str) -> bytes:
    """Render a card as a JSON object without its braces, so that more fields can be added.

    Args:
        article: The article to show.
        text: The article's text without boilerplate. It is used to make an excerpt if the
            article does not come with one.
    """
    dated = _DATE_LINE.match(text)
    text = text[dated.end() :] if dated else text
    card = make_card(article, make_excerpt(article.excerpt or text))
    return card.model_dump_json().encode()[1:-1]


def read_card(rendered: bytes) -> ArticleCard:
    """Parse a card from the form in which :func:`render_card` stores it."""
    return ArticleCard.model_validate_json(b"{%b}" % rendered)


def make_excerpt(text: str, limit: int = MAX_EXCERPT) -> str:
    """Shorten a text to at most ``limit`` characters, by cutting it after a word.

    An ellipsis marks the cut.

    If whole sentences fill at least two thirds of the limit, the text is cut after the last of
    them, without an ellipsis, because a finished sentence reads better than a few more words; else
    before a semicolon, colon or dash there, and in Chinese and Japanese before a comma. Text in a
    script without spaces may otherwise be cut after any character.

    Args:
        text: Any text; each run of white space becomes one space.
        limit: The greatest length of the result in characters, at least 2.
    """
    beginning = " ".join(text[: 2 * limit].split())
    text = beginning if len(beginning) > limit + 1 else " ".join(text.split())
    if len(text) <= limit:
        return text
    least = limit * 2 // 3
    ends = [match.end() for match in _SENTENCE_END.finditer(text[: limit + 1])]
    if ends and ends[-1] >= least:
        return text[: ends[-1]]
    clauses = [match.end() for match in _CLAUSE_END.finditer(text[: limit + 1], least)]
    if clauses:
        text = text[: clauses[-1]]
    return cut_text(text, limit - 1).rstrip(" ,;:–—-.…(،、（「") + "…"  # noqa: RUF001
