"""Reads pages saved as plain text: a title, headings on their own lines, paragraphs.

The format is that of a browser's "save as text": the title (often twice), rating labels,
headings, paragraphs, and at the end a block of related links and the site's footer.
"""

import itertools
import re
from dataclasses import dataclass
from typing import Any

from index.articles.cleaning import literal, unescape
from index.articles.file_suffixes import SUFFIXES
from index.articles.page_words import page_words
from index.articles.record import Record
from index.errors import RecordError
from index.sources.front_matter import split_front_matter
from index.sources.markdown_pages import front_facts
from index.sources.page_folder import Page, PageFolderSource
from recommender.article import FILE_LINK

_BLANK = re.compile(r"\n[^\S\n]*\n\s*")
_RATING = re.compile(r"([^\W\d][^:\d]{0,60}?)\s*:\s*(\d{1,6}(?:\.\d{1,6})?)(?:\s*/\s*\d{1,6})?")
_SENTENCE_END = (".", "!", "…", ",", ";", ":", "”", '."')
_LISTED = re.compile(r"[-*•–]\s+(\S.{0,300})")  # noqa: RUF001 - the marks of lists
_MAX_HEADING = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class PlainSource(PageFolderSource):
    """A folder of plain text pages, each cut off at its related links ("You May Also Like").

    Attributes:
        path: A folder, a glob or one file.
    """

    suffixes = SUFFIXES["plain"]

    def parse_page(self, location: str, page: Page) -> Record:
        """Parses a plain text page into a record; raises a ``RecordError`` if it can't be used."""
        front, text = split_front_matter(page.text())
        stated, text = front_facts(front), text.strip()
        if "\n-----\nBODY:" in text:
            raise RecordError(
                "many-posts",
                "the file is an export of Movable Type: it holds many posts, drafts too; bring "
                "them into a system whose export can be read, such as WordPress, and read that",
            )
        blocks = [[line.strip() for line in block.split("\n")] for block in _BLANK.split(text)]
        title = unescape(stated.get("title", "")) or blocks[0][0]
        if not title:
            raise RecordError("empty", "the page is empty")
        ratings: dict[str, float] = {}
        sections: list[tuple[str, list[str]]] = [("", [])]
        links: list[dict[str, Any]] = []
        related = page_words("related", self.related_headings)
        for position, block in enumerate(blocks):
            lines = _without_head(block, title, ratings) if position < 2 else block
            if lines and related.fullmatch(lines[0]):
                links = _related_links(lines[0], blocks[position:])
                break
            if len(lines) == 1 and _is_heading(lines[0]):
                sections.append((lines[0], []))
            else:
                sections[-1][1].extend(lines)
        values: dict[str, Any] = {
            "id": page.where.id,
            "title": literal(title),
            "sections": [
                {"heading": literal(heading), "text": literal("\n".join(lines))}
                for heading, lines in sections
                if heading or lines
            ],
            "ratings": ratings,
            "links": links,
            **stated,
        }
        if page.is_draft:
            values["status"] = "draft"
        return Record(location=location, values=values)


def _related_links(heading: str, blocks: list[list[str]]) -> list[dict[str, Any]]:
    """Returns the links of a block of related articles, of which plain text holds the titles.

    A title is a line that stands twice, as text of an image and of a link; or a line of a list.
    """
    titles: dict[str, None] = {}
    for lines in blocks:
        twice = [line for line, after in itertools.pairwise(lines) if line and line == after]
        listed = [found[1] for line in lines if (found := _LISTED.fullmatch(line))]
        titles |= dict.fromkeys(twice + listed)
    block = {"kind": "related", "heading": heading}
    return [{"url": f"{FILE_LINK}{title}", "text": literal(title), **block} for title in titles]


def _without_head(lines: list[str], title: str, ratings: dict[str, float]) -> list[str]:
    """Returns the lines without title and rating labels; adds the ratings to ``ratings``.

    A page shows ratings as images of stars. Of these only the labels are in the text, before the
    first heading.
    """
    rest = []
    for line in lines:
        if found := _RATING.fullmatch(line):
            ratings[found[1]] = float(found[2])
        elif line != title:
            rest.append(line)
    return rest[-1:] if lines[0] == title and all(map(_is_heading, rest)) else rest


def _is_heading(line: str) -> bool:
    return len(line) <= _MAX_HEADING and not line.endswith(_SENTENCE_END)
