"""The text recipe: which text of an article is compared, and in which form."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from recommender.article import Article
from recommender.boilerplate import Boilerplate

RECIPE = "1"
"""Version of the recipe; changes with the texts it gives, since embeddings can't be kept then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedText:
    """An article's text as the recommender sees it.

    Attributes:
        title: As printed.
        body: The sections in order, without what the site's pages share; may be empty.
    """

    title: str
    body: str

    @property
    def whole(self) -> str:
        """Title and body as one text."""
        if not self.body:
            return self.title
        stop = "" if self.title.endswith((".", "?", "!", "…")) else "."
        return f"{self.title}{stop} {self.body}"

    def digest(self) -> bytes:
        """16 bytes that change when the text does: the key under which its embedding is kept."""
        content = f"{RECIPE}\0{self.title}\0{self.body}".encode()
        return hashlib.blake2b(content, digest_size=16).digest()


def prepare(article: Article, boilerplate: Boilerplate) -> PreparedText:
    """Apply the recipe: every section whole, its heading too unless the site's pages share it.

    The sections are cleaned together, so that a footer split over several is still found.
    """
    parts: list[str] = []
    for section in article.sections:
        if section.heading and not boilerplate.is_shared_heading(section.heading):
            parts.append(section.heading)
        parts.append(section.text)
    return PreparedText(title=article.title, body=boilerplate.clean("\n".join(parts)))
