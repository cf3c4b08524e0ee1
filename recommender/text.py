"""Prepares the text of an article for comparison with other articles."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace

from recommender.article import Article, LinkKind
from recommender.boilerplate import Boilerplate

RECIPE = "1"
"""Version of the text preparation. Raise it when prepared texts change, so that embeddings of
earlier builds are not reused."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedText:
    """An article's text, prepared for comparison.

    Attributes:
        title: The title as printed.
        body: The text of the sections in order, without the site's boilerplate; may be empty.
    """

    title: str
    body: str

    @property
    def whole(self) -> str:
        """The title and the body as one text."""
        if not self.body:
            return self.title
        stop = "" if self.title.endswith((".", "?", "!", "…")) else "."
        return f"{self.title}{stop} {self.body}"

    def digest(self) -> bytes:
        """Return a 16-byte hash of the text, the key under which its embedding is cached."""
        content = f"{RECIPE}\0{self.title}\0{self.body}".encode()
        return hashlib.blake2b(content, digest_size=16).digest()


def prepare(article: Article, boilerplate: Boilerplate) -> PreparedText:
    """Prepare an article: join its sections and headings, without the site's boilerplate.

    Boilerplate is removed from all sections together, so that a footer that is split over several
    sections is found, too.
    """
    parts: list[str] = []
    for section in article.sections:
        if section.heading and not boilerplate.is_shared_heading(section.heading):
            parts.append(section.heading)
        parts.append(section.text)
    return PreparedText(title=article.title, body=boilerplate.clean("\n".join(parts)))


def without_link_words(article: Article) -> Article:
    """Return an article whose texts lack the words of its own links.

    Where a link says that two articles are related, its words would only repeat the answer.
    """
    texts = [section.text for section in article.sections]
    for link in article.links:
        if link.kind is LinkKind.TEXT and link.section is not None and link.text:
            texts[link.section] = texts[link.section].replace(link.text, " ", 1)
    sections = (replace(old, text=text) for old, text in zip(article.sections, texts, strict=True))
    return replace(article, sections=tuple(sections))
