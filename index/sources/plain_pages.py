"""Pages saved as plain text: title, headings on lines of their own, paragraphs.

The form is what a browser's "save as text" makes of an article page: the title (often
twice), labels of ratings, headings, paragraphs, and at the end the block of related links and
what every page shares.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from index.articles.record import Record
from index.sources.page_folder import Page, PageError, PageFolderSource, display_path, literal
from index.sources.page_text import RELATED_HEADING

_BLANK = re.compile(r"\n[^\S\n]*\n\s*")
_RATING = re.compile(r"([^\W\d][^:\d]{0,60}?)\s*:\s*(\d{1,6}(?:\.\d{1,6})?)(?:\s*/\s*\d{1,6})?")
_SENTENCE_END = (".", "!", "…", ",", ";", ":", "”", '."')
_MAX_HEADING = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class PlainSource(PageFolderSource):
    """Plain text pages, read up to a heading of related links ("You May Also Like").

    Attributes:
        path: A folder, a glob or one file.
    """

    suffixes = (".txt", ".text")

    def parse_page(self, page: Page) -> Record:
        """See :class:`~index.sources.page_folder.PageFolderSource`."""
        text = page.text.replace("\r\n", "\n").replace("\r", "\n").strip()
        blocks = [[line.strip() for line in block.split("\n")] for block in _BLANK.split(text)]
        title = blocks[0][0]
        if not title:
            raise PageError("empty", "the page is empty")
        ratings: dict[str, float] = {}
        sections = [{"heading": "", "text": ""}]
        for position, block in enumerate(blocks):
            lines = _without_head(block, title, ratings) if position < 2 else block
            if lines and RELATED_HEADING.fullmatch(lines[0]):
                break
            if len(lines) == 1 and _is_heading(lines[0]):
                sections.append({"heading": literal(lines[0]), "text": ""})
            elif lines:
                before = sections[-1]["text"]
                sections[-1]["text"] = "\n".join([*filter(None, [before]), *map(literal, lines)])
        values: dict[str, Any] = {
            "id": page.id,
            "title": literal(title),
            "sections": [section for section in sections if section["heading"] or section["text"]],
            "ratings": ratings,
        }
        return Record(location=display_path(page.path), values=values)


def _without_head(lines: list[str], title: str, ratings: dict[str, float]) -> list[str]:
    """Lines without the title and the ratings; the latter are added to ``ratings``.

    Stars are pictures: in text only their label is left, and only above the first heading.
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
