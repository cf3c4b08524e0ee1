"""Prepares the text of an article for comparison with other articles."""

import hashlib
import re
import unicodedata
from dataclasses import dataclass, replace

from recommender.article import Article, LinkKind
from recommender.boilerplate import Boilerplate

RECIPE = "1"
"""Version of the text preparation. Raise it when prepared texts change, so that embeddings of
earlier builds are not reused."""

UNSPACED_SCRIPTS = "\u3040-\u30ff\u3400-\u9fff\u0e00-\u0e7f"
"""The characters of scripts without spaces between words, as a class of a regular expression."""

MARKS = "".join(
    chr(code)
    for code in (*range(0x300, 0xE80), *range(0xF00, 0x1000))  # without Lao: it has no spaces
    if unicodedata.category(chr(code)) in ("Mn", "Mc")
)
"""Marks that belong to the letter before them, which ``\\w`` leaves out: vowel signs of Indic
scripts and of Thai, points of Hebrew and Arabic, accents."""

_OPENING = 2_000


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


def prepare_opening(article: Article, boilerplate: Boilerplate) -> str:
    """Return the beginning of an article's text without headings and boilerplate, for excerpts.

    It is empty if the text has no headings, or begins with nothing else than boilerplate.
    """
    if not any(section.heading for section in article.sections):
        return ""
    text = ""
    for section in article.sections:
        if len(text) >= _OPENING:
            break
        text += f"{section.text[:_OPENING]}\n"
    return boilerplate.clean(text)


def without_link_words(article: Article) -> Article:
    """Return an article whose texts lack the words of its own links.

    Where a link says that two articles are related, its words would only repeat the answer. They
    are taken out wherever they stand in the section that holds the link, since a page may repeat
    it; or in the whole text, if that section is not known.
    """
    sections = list(article.sections)
    every = range(len(sections))
    for link in article.links:
        words = link.text.split()
        if words and link.kind is not LinkKind.APART:
            held = every if link.section is None else every[link.section : link.section + 1]
            for place in held:
                text, heading = sections[place].text, sections[place].heading
                sections[place] = replace(
                    sections[place], text=_without(text, words), heading=_without(heading, words)
                )
    return replace(article, sections=tuple(sections))


def _without(text: str, words: list[str]) -> str:
    """Take words out of a text; where they stand nowhere as whole words, as parts of words."""
    pattern = r"\s+".join(map(re.escape, words))
    found, count = re.subn(rf"(?<!\w){pattern}(?!\w)", " ", text)
    return found if count else re.sub(pattern, " ", text)
