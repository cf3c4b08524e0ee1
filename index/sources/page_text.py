"""Splits a page's text into sections under headings, and finds its links and where they stand.

Navigation, forms, footers and blocks of related links are left out of the text. If a "You May Also
Like" block stayed in it, every article would resemble those that it already links to. The links
are kept, each with its kind.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Set
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urljoin

from index.sources.link_places import (
    APART,
    RELATED,
    TEXT,
    has_apart_class,
    is_apart,
    related_headings,
)
from index.sources.markup import Element, local_name, remove, text_of
from index.sources.page_folder import literal

NOT_TEXT = ("script", "style", "noscript", "template", "head", "svg", "iframe", "object", "canvas")
"""Elements whose content is no text."""

_DROPPED = {"nav", "footer", "aside", "form", "button", "select", "dialog", "menu"}
_DROPPED_ROLES = {"navigation", "complementary", "contentinfo", "search", "banner", "dialog"}
_RELATED_CLASS = re.compile(
    r"(jp-|yarpp-|post-|posts-)?(related|recommended|recommendations|also-like)(-?(posts?|articles?|"
    r"stories|content|links?|items?|block|section|list))?|alsolike"
)
_DROPPED_CLASS = re.compile(
    r"breadcrumbs?|sidebar|comments|comment-list|respond|pagination|pager|sharedaddy"
    r"|share|sharing|social-share|newsletter|cookie-banner"
)
HEADINGS = {f"h{level}": level for level in range(1, 7)}
BLOCKS = {
    *("address", "article", "blockquote", "br", "dd", "details", "div", "dl", "dt", "figcaption"),
    *("figure", "header", "hr", "li", "main", "ol", "p", "pre", "section", "summary", "table"),
    *("tbody", "td", "th", "tr", "ul", "body", "caption"),
}
_SPACE = re.compile(r"\s+")
_LABELS = ("p", "dt", "strong", "b")
_MAX_LABEL = 80
_MAX_WORDS = 200
_MAX_LINKS = 4_000


def text_and_links(
    root: Element,
    *,
    title: str = "",
    dropped: Set[Element] = frozenset(),
    not_found: Set[Element] = frozenset(),
    page: Element | None = None,
    headings: tuple[str, ...] = (),
) -> dict[str, list[dict[str, Any]]]:
    """Returns the text below an element as sections, and its links, in one pass.

    Args:
        root: The element that holds the article; scripts and the like are removed from it in place.
        title: The article's title. A heading that repeats the title is not kept as a heading.
        dropped: Further elements to leave out of the text.
        not_found: Lists of links to leave out too; under a heading of related links they are
            related, elsewhere apart.
        page: The whole page, if it holds more than the article. Its blocks of related links that
            stand outside ``root`` are read too.
        headings: Further headings of blocks of related links, besides the usual ones.

    Returns:
        Two fields of a record, ``sections`` and ``links``; in their texts, markup characters are
        escaped. A section is ``{"heading": …, "text": …}``, in reading order; text before the first
        heading gets an empty heading. A link is
        ``{"url": …, "text": …, "section": …, "kind": …, "heading": …}``: its address as the page
        has it (joined to the page's ``<base href>``), its words, the position of its section in
        ``sections`` or ``None``, and its kind: ``"text"``; ``"related"`` in a block that the page
        calls related, under this heading; or ``"apart"`` for navigation, tags and the like.
    """
    related = related_headings(headings)
    base = next((each.get("href") for each in root.getroottree().iter("{*}base")), None) or ""
    whole = root if page is None else page
    remove(whole, NOT_TEXT)
    remove(root, NOT_TEXT)
    reader = _TextReader(
        title=_line(title).casefold(),
        related=related,
        base=base,
        places=_Places.found(root, related, dropped, not_found),
    )
    reader.read(root)
    links = reader.links
    if page is not None:
        around = _TextReader(
            title="",
            related=related,
            base=base,
            places=_Places.found(page, related, frozenset(), frozenset(), skipped=root),
        )
        around.read(page)
        known = {link["url"] for link in links}
        links += [
            link for link in around.links if link["kind"] == RELATED and link["url"] not in known
        ]
    return {"sections": reader.sections(), "links": links}


def sections_of(
    root: Element, *, title: str = "", dropped: frozenset[Element] = frozenset()
) -> list[dict[str, Any]]:
    """Returns the sections of :func:`text_and_links` alone."""
    return text_and_links(root, title=title, dropped=dropped)["sections"]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Places:
    """What stands below an element and is not, or not only, the article's text.

    Attributes:
        blocks: Elements that are not text, with the kind and the heading of the links in them.
        lists: Lists of links that are not text; under a heading of related links, they are related.
        apart: Elements with text, such as a line with date and tags, whose links are apart.
        skipped: An element that is not read, if any.
    """

    blocks: dict[Element, tuple[str, str]]
    lists: Set[Element]
    apart: set[Element]
    skipped: Element | None

    @classmethod
    def found(
        cls,
        root: Element,
        related: re.Pattern[str],
        dropped: Set[Element],
        lists: Set[Element],
        skipped: Element | None = None,
    ) -> _Places:
        """Finds these places; blocks in ``dropped`` are not text."""
        whole = len(text_of(root))
        blocks = dict.fromkeys(dropped, (APART, ""))
        apart = set()
        in_body = local_name(root) == "body"
        marked = {
            block: (RELATED, heading) for block, heading in _related_blocks(root, related).items()
        }
        for element in root.iterdescendants("*"):
            if element not in marked and _is_marked(element, in_body=in_body):
                marked[element] = APART, ""
            elif has_apart_class(element) and 2 * len(text_of(element)) <= whole:
                apart.add(element)
        # A block with most of the text is kept: some themes call their main column "sidebar".
        blocks |= {each: at for each, at in marked.items() if 2 * len(text_of(each)) <= whole}
        return cls(blocks=blocks, lists=lists, apart=apart, skipped=skipped)


@dataclass(slots=True, kw_only=True)
class _TextReader:
    """Collects the sections and links of a page, which is walked in document order.

    Attributes:
        title: The article's title, in lower case.
        related: Matches headings of blocks of related links.
        base: The page's ``<base href>``; empty if it has none.
        places: What is not the article's text.
        links: The links, as :func:`text_and_links` returns them.
    """

    title: str
    related: re.Pattern[str]
    base: str
    places: _Places
    links: list[dict[str, Any]] = field(default_factory=list)
    _sections: list[tuple[str, list[str]]] = field(default_factory=lambda: [("", [])])
    _related_level: int = 0
    _heading: str = ""

    def read(self, root: Element) -> None:
        """Reads an element."""
        self._walk(root, TEXT, "", apart=False)

    def sections(self) -> list[dict[str, Any]]:
        """Returns the sections that hold anything; gives the links their positions among these."""
        sections: list[dict[str, Any]] = []
        positions: dict[int, int] = {}
        for number, (heading, parts) in enumerate(self._sections):
            section = {"heading": literal(heading), "text": literal(_lines("".join(parts)))}
            if section["text"] or section["heading"]:
                positions[number] = len(sections)
                sections.append(section)
        for link in self.links:
            link["section"] = positions.get(link["section"])
        return sections

    def _walk(self, element: Element, kind: str, heading: str, *, apart: bool) -> None:
        self._add(element.text, kind)
        for child in element:
            if not isinstance(child.tag, str):  # an undefined entity
                self._add(child.text, kind)
            elif child is not self.places.skipped:
                self._enter(child, kind, heading, apart=apart)
            self._add(child.tail, kind)

    def _enter(self, element: Element, kind: str, heading: str, *, apart: bool) -> None:
        name = local_name(element)
        if element in self.places.blocks:
            kind, heading = self.places.blocks[element]
            if self._related_level and name in ("nav", "aside") and not has_apart_class(element):
                kind, heading = RELATED, self._heading
        elif kind == TEXT and element in self.places.lists:
            kind, heading = (RELATED, self._heading) if self._related_level else (APART, "")
        apart = apart or element in self.places.apart
        if name == "a":
            self._add_link(element, kind, heading, apart=apart)
        elif kind == TEXT and name in HEADINGS:
            self._begin(HEADINGS[name], _line(text_of(element)))
            for link in element.iterdescendants("{*}a"):
                self._add_link(link, kind, heading, apart=apart)
            return
        edge = "\n" if name in BLOCKS else ""
        self._add(edge, kind)
        self._walk(element, kind, heading, apart=apart)
        self._add(edge, kind)

    def _begin(self, level: int, heading: str) -> None:
        if self.related.fullmatch(heading):
            # The block of links ends at the next heading of the same or a higher level.
            self._related_level = min(level, self._related_level or level)
            self._heading = heading
        elif not self._related_level or level <= self._related_level:
            self._related_level = 0
            if self.title and heading.casefold() == self.title:
                self._sections.append(("", []))
            elif heading:
                self._sections.append((heading, []))

    def _add(self, text: str | None, kind: str) -> None:
        if text and kind == TEXT and not self._related_level:
            self._sections[-1][1].append(text if text == "\n" else _SPACE.sub(" ", text))

    def _add_link(self, link: Element, kind: str, heading: str, *, apart: bool) -> None:
        url = (link.get("href") or "").strip()
        if not url or url.startswith("#") or len(self.links) >= _MAX_LINKS:
            return
        if kind == TEXT and self._related_level:
            kind, heading = RELATED, self._heading
        if apart or is_apart(link):
            kind, heading = APART, ""
        words = _line(text_of(link)) or _line(
            " ".join(image.get("alt") or "" for image in link.iterdescendants("{*}img"))
        )
        self.links.append(
            {
                "url": _joined(self.base, url),
                "text": literal(words[:_MAX_WORDS]),
                "section": len(self._sections) - 1 if kind == TEXT else None,
                "kind": kind,
                "heading": literal(heading.strip(" :,;.…")),
            }
        )


def _joined(base: str, url: str) -> str:
    try:
        return urljoin(base, url) if base else url
    except ValueError:  # the record parser refuses it
        return url


def _related_blocks(root: Element, related: re.Pattern[str]) -> dict[Element, str]:
    """Finds the blocks of related links below an element, each with its heading.

    A block has a class that says so, or begins with a heading, or follows a paragraph that stands
    for one ("See also:" and a list), or is a paragraph of links with such words before them.
    """
    blocks: dict[Element, str] = {}
    for element in root.iterdescendants("*"):
        name = local_name(element)
        if name in HEADINGS:
            heading = _line(text_of(element))
            if related.fullmatch(heading):
                block = _block_of(element, root)
                if block is not element:
                    blocks[block] = heading
        elif name in _LABELS:
            label = _label(element)
            if len(label) <= _MAX_LABEL and related.fullmatch(label):
                blocks.update(_labelled(element, label))
        elif _class_matches(element, _RELATED_CLASS):
            blocks.setdefault(element, "")
    return blocks


def _labelled(label: Element, heading: str) -> dict[Element, str]:
    if next(label.iterdescendants("{*}a"), None) is not None:
        return {label: heading}
    following = label.getnext()
    if following is None or local_name(following) not in ("ul", "ol", "dd"):
        return {}
    return {label: heading, following: heading}


def _label(element: Element) -> str:
    """Returns the text of an element outside of links; empty if it is too long for a label."""
    label = ""
    for text in _own_texts(element):
        label += text
        if len(label) > 4 * _MAX_LABEL:
            return ""
    return _line(label)


def _own_texts(element: Element) -> Iterator[str]:
    yield element.text or ""
    for child in element:
        if isinstance(child.tag, str) and local_name(child) != "a":
            yield from _own_texts(child)
        yield child.tail or ""


def _is_marked(element: Element, *, in_body: bool) -> bool:
    """Tells whether markup shows that an element is not part of the article's text."""
    name = local_name(element)
    return (
        name in _DROPPED
        or (in_body and name == "header")
        or "hidden" in element.attrib
        or element.get("aria-hidden") == "true"
        or element.get("role") in _DROPPED_ROLES
        or _class_matches(element, _DROPPED_CLASS)
    )


def _class_matches(element: Element, pattern: re.Pattern[str]) -> bool:
    names = f"{element.get('class', '')} {element.get('id', '')}".lower().split()
    return any(pattern.fullmatch(name.replace("_", "-")) for name in names)


def _block_of(heading: Element, root: Element) -> Element:
    """Returns the block under a heading: the outermost element that begins with the heading."""
    block = heading
    while True:
        parent = block.getparent()
        if parent is root or (parent.text or "").strip() or block.getprevious() is not None:
            return block
        block = parent


def _line(text: str) -> str:
    return " ".join(text.split())


def _lines(text: str) -> str:
    lines = (_line(line) for line in text.split("\n"))
    return "\n".join(line for line in lines if line)
