"""Splits a page's text into sections under headings, and finds its links and where they stand.

Navigation, forms, footers and blocks of related links are left out of the text. If a "You May Also
Like" block stayed in it, every article would resemble those that it already links to. The links
are kept, each with its kind.
"""

import re
from collections.abc import Iterator, Set
from dataclasses import dataclass, field, replace
from typing import Any

from index.articles.cleaning import literal
from index.articles.page_words import page_words, words_of
from index.articles.urls import join_url
from index.sources import markup
from index.sources.markup import Element, line_of, local_name, names_match, one_line, text_of
from recommender.article import LinkKind

NOT_TEXT = tuple(
    "script style noscript template head svg iframe object canvas audio video textarea datalist"
    " progress meter noembed noframes annotation rt rp"
    " amp-ad amp-embed amp-consent amp-sidebar amp-user-notification".split()
)
"""Elements whose content is no text, or is shown only by browsers that don't know them."""

HEADINGS = {f"h{level}": level for level in range(1, 7)}
BLOCKS = set(
    "address article blockquote body br caption dd details div dl dt figcaption figure header hr li"
    " main ol p pre section summary table tbody td th tr ul".split()
)
_QUOTED = {"blockquote", "q", "pre", "code", "kbd", "samp"}
_DROPPED = {"nav", "footer", "aside", "form", "button", "select", "dialog", "menu"}
_DROPPED_ROLES = {"navigation", "complementary", "contentinfo", "search", "banner", "dialog"}
_RELATED_CLASS = re.compile(words_of("related_class"))
_NO_TEXT_CLASS = re.compile(
    f"{words_of('beside_class')}|{words_of('dropped_class')}|{_RELATED_CLASS.pattern}"
)
_APART_CLASS = re.compile(
    rf"(?!(tag|category|format|has|with|no|is|col)-)(.*-)?({words_of('apart_class')})"
    r"(-(list|links?|items?|box|bar|block|container|wrapper|nav|posts?))?"
)
_APART_RELATIONS = set(words_of("apart_relation").split("|"))
_DROPPED_PARTS = (
    "div.avatar, span.avatar, div.search-results, div.submitted, p.submitted, span.submitted,"
    " #top > #titlearea, .wiki-content ~ .pageSection"
)
"""Cards, results and bylines of themes, Doxygen's head and Confluence's lists of attachments.

As classes or ids of any element, these names stand for the text of articles too.
"""
_AFTER_TURNING = re.compile(r"(?<=\w)\s*(?:[:\uff1a«»←→|\n]|\s[-\u2013]\s)")
_SPACE = re.compile(r"\s+")
_AFTER_MARK = re.compile(
    r"(?<=[\u3001-\u3011\uff01-\uff1f])[ \t]*\n[ \t]*(?=[\u3001-\u9fff\uff01-\uffef])"
)
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
        root: The element that holds the article.
        title: The article's title. A heading that repeats the title is not kept as a heading.
        dropped: Further elements to leave out of the text.
        not_found: Lists of links to leave out too; the kind of their links is ``"related"`` under
            a heading of related links, else ``"apart"``.
        page: The whole page, if it holds more than the article; scripts and the like are removed
            from it in place. Its blocks of related links outside ``root`` are read too.
        headings: Further headings of blocks of related links, besides the usual ones.

    Returns:
        Two fields of a record, ``sections`` and ``links``; in their texts, markup characters are
        escaped. A section is ``{"heading": …, "text": …}``, in reading order, with ``"quoted"`` if
        passages of its text are quotations or code; text before the first heading gets an empty
        heading. A link is
        ``{"url": …, "text": …, "section": …, "kind": …, "heading": …}``: its address as the page
        has it (joined to the page's ``<base href>``), its words, the position of its section in
        ``sections`` or ``None``, and its kind: ``"text"``; ``"related"`` in a block that the page
        calls related, under this heading; or ``"apart"`` for navigation, tags and the like.
    """
    whole = root if page is None else page
    base = markup.base_of(root.getroottree().getroot(), "")
    markup.remove(whole, NOT_TEXT)
    reader = _TextReader(
        root=root,
        title=one_line(title).casefold(),
        related=page_words("related", headings),
        base=base,
        dropped=dict.fromkeys([*dropped, *markup.select(whole, _DROPPED_PARTS)], ""),
        lists=not_found,
    )
    reader.enter(whole, _Place())
    return {"sections": reader.sections(), "links": reader.links}


@dataclass(frozen=True, slots=True)
class _Place:
    """Where an element stands: what its links are; ``apart`` if it is text, but its links are not.

    ``heading`` is the heading of a block of related links.
    """

    kind: LinkKind = LinkKind.TEXT
    heading: str = ""
    apart: bool = False


@dataclass(slots=True, kw_only=True)
class _TextReader:
    """Collects the sections and links of a page, which is walked in document order.

    Attributes:
        root: The element that holds the article; outside it, only related links are kept.
        title: The article's title, in lower case.
        related: Matches headings of blocks of related links.
        base: The page's ``<base href>``; empty if it has none.
        dropped: Elements that are not text; those that are related links have a heading.
        lists: Lists of links that are not text.
        links: The links, as :func:`text_and_links` returns them.
    """

    root: Element
    title: str
    related: re.Pattern[str]
    base: str
    dropped: dict[Element, str]
    lists: Set[Element]
    links: list[dict[str, Any]] = field(default_factory=list)
    _sections: list[tuple[str, list[str]]] = field(default_factory=lambda: [("", [])])
    _quoted: list[tuple[int, str]] = field(default_factory=list)
    _inside: bool = False
    _half: int = 0
    _related_level: int = 0
    _heading: str = ""

    def enter(self, element: Element, place: _Place) -> None:
        """Reads an element; ``place`` is where it stands."""
        name = local_name(element)
        if element is self.root or not self._half:
            # A block with most of the text is kept: some themes call their main column "sidebar".
            outer, self._inside = (self._inside, self._half), element is self.root
            self._half, self._related_level = max(1, _length(element) // 2), 0
            self._read(element, _Place())
            (self._inside, self._half), self._related_level = outer, 0
            return
        place = self._place_of(element, name, place)
        if name == "a":
            self._add_link(element, place)
        elif name in HEADINGS and place.kind is LinkKind.TEXT:
            self._begin(HEADINGS[name], line_of(element))
            for link in element.iterdescendants("{*}a"):
                self._add_link(link, place)
            return
        edge = "\n" if name in BLOCKS else ""
        self._add(edge, place)
        number, start = len(self._sections) - 1, len(self._sections[-1][1])
        self._read(element, place)
        if name in _QUOTED:
            self._quoted.append((number, "".join(self._sections[number][1][start:])))
        self._add(edge, place)

    def sections(self) -> list[dict[str, Any]]:
        """Returns the sections that hold anything; gives the links their positions among these."""
        sections: list[dict[str, Any]] = []
        positions: dict[int, int] = {}
        for number, (heading, parts) in enumerate(self._sections):
            text = _without_blank_lines("".join(parts))
            if text or heading:
                positions[number] = len(sections)
                sections.append({"heading": literal(heading), "text": literal(text)})
        for number, passage in self._quoted:
            if number in positions and (text := _without_blank_lines(passage)):
                sections[positions[number]].setdefault("quoted", []).append(literal(text))
        for link in self.links:
            link["section"] = positions.get(link["section"])
        return sections

    def _read(self, element: Element, place: _Place) -> None:
        self._add(element.text, place)
        for child in element:
            if isinstance(child.tag, str):
                self.enter(child, place)
            else:  # an undefined entity
                self._add(child.text, place)
            self._add(child.tail, place)

    def _place_of(self, element: Element, name: str, place: _Place) -> _Place:
        heading = self._related_heading(element, name)
        is_list = place.kind is LinkKind.TEXT and element in self.lists
        has_apart_class = names_match(element, _APART_CLASS, "class")
        dropped = is_list or element in self.dropped or markup.is_hidden(element)
        marked = dropped or heading is not None or self._is_marked(element, name)
        if not (marked or has_apart_class):
            return place
        if not dropped and _length(element) > self._half:
            return place
        if heading is not None:
            return replace(place, kind=LinkKind.RELATED, heading=heading)
        if not marked:
            return replace(place, apart=True)
        if self._related_level and not has_apart_class and (is_list or name in ("nav", "aside")):
            return replace(place, kind=LinkKind.RELATED, heading=self._heading)
        return replace(place, kind=LinkKind.APART, heading="")

    def _related_heading(self, element: Element, name: str) -> str | None:
        """Returns the heading of a block of related links, if an element is one.

        Such a block has a class that says so, or begins with a heading, or follows a paragraph that
        stands for one ("See also:" and a list), or is a paragraph of links with such words first.
        """
        if self.dropped.get(element) or name in HEADINGS:
            return self.dropped.get(element)
        first = element
        while len(first) and not (first.text or "").strip() and local_name(first) not in HEADINGS:
            first = first[0]
        if first is not element and local_name(first) in HEADINGS:
            if self.related.fullmatch(heading := line_of(first)):
                return heading
        elif name in _LABELS:
            label = one_line("".join(_texts_of_label(element)))
            if len(label) <= _MAX_LABEL and self.related.fullmatch(label):
                following = element.getnext()
                if next(element.iterdescendants("{*}a"), None) is not None:
                    return label
                if following is not None and local_name(following) in ("ul", "ol", "dd"):
                    self.dropped[following] = label
                    return label
        return "" if names_match(element, _RELATED_CLASS, "class", "id") else None

    def _is_marked(self, element: Element, name: str) -> bool:
        """Tells whether markup shows that an element is not part of the article's text."""
        is_header = name == "header" and (local_name(self.root) == "body" or self._is_site(element))
        return is_header or is_no_text(element) or _is_turning(element, name)

    def _is_site(self, header: Element) -> bool:
        """Tells whether a header is the site's: it leads home, and is in no part of the page."""
        return (
            any(markup.is_home(link.get("href") or "") for link in header.iterdescendants("a"))
            and next(header.iterancestors("article", "main", "section"), None) is None
            and all(line_of(each).casefold() != self.title for each in header.iter(*HEADINGS))
        )

    def _begin(self, level: int, heading: str) -> None:
        if self.related.fullmatch(heading):
            # The block of links ends at the next heading of the same or a higher level.
            self._related_level = min(level, self._related_level or level)
            self._heading = heading
        elif not self._related_level or level <= self._related_level:
            self._related_level = 0
            if self._inside and heading:
                self._sections.append(("" if heading.casefold() == self.title else heading, []))

    def _add(self, text: str | None, place: _Place) -> None:
        if text and self._inside and place.kind is LinkKind.TEXT and not self._related_level:
            self._sections[-1][1].append(text if text == "\n" else _one_space(text))

    def _add_link(self, link: Element, place: _Place) -> None:
        url = (link.get("href") or "").strip()
        kind, heading = place.kind, place.heading
        if kind is LinkKind.TEXT and self._related_level:
            kind, heading = LinkKind.RELATED, self._heading
        if place.apart or _is_apart(link):
            kind, heading = LinkKind.APART, ""
        wanted = self._inside or kind is LinkKind.RELATED
        if not url or url.startswith("#") or not wanted or len(self.links) >= _MAX_LINKS:
            return
        images = " ".join(image.get("alt") or "" for image in link.iterdescendants("{*}img"))
        self.links.append(
            {
                "url": join_url(self.base, url),
                "text": literal((line_of(link) or one_line(images))[:_MAX_WORDS]),
                "section": len(self._sections) - 1 if kind is LinkKind.TEXT else None,
                "kind": kind.value,
                "heading": literal(heading.strip(" :,;.…")),
            }
        )


def is_no_text(element: Element) -> bool:
    """Tells whether an element's own markup shows that it is no part of an article's text."""
    return (
        local_name(element) in _DROPPED
        or (element.tag == "td" and "gutter" in element.get("class", "").split())
        or element.get("role") in _DROPPED_ROLES
        or "BreadcrumbList" in element.get("itemtype", "")
        or names_match(element, _NO_TEXT_CLASS, "class")
        or (names_match(element, _NO_TEXT_CLASS, "id") and not _is_named_by_heading(element))
    )


def _is_named_by_heading(element: Element) -> bool:
    """Tells whether an id is only made from the words of a heading, as in ``<section id=share>``.

    So Sphinx and others mark their sections; a form or a text without paragraphs is none.
    """
    if element.tag in HEADINGS:
        return True
    first = next(element.iterchildren("*"), None)
    if element.tag != "section" or first is None or first.tag not in HEADINGS:
        return False
    has_prose = any(len(line_of(each)) > _MAX_LABEL for each in element.iterchildren("p"))
    return has_prose and next(element.iterdescendants("form", "input"), None) is None


def _length(element: Element) -> int:
    """Returns how many characters an element shows: many pages are indented far."""
    return len(one_line(text_of(element)))


def _one_space(text: str) -> str:
    """Writes white space as one blank; a line's end behind a mark such as 。 is none."""
    return _SPACE.sub(" ", _AFTER_MARK.sub("", text) if "\n" in text else text)


def _without_blank_lines(text: str) -> str:
    return "\n".join(line for each in text.split("\n") if (line := one_line(each)))


def _is_turning(element: Element, name: str) -> bool:
    """Tells whether a paragraph only leads to the page before or after: 上一篇 and a link."""
    if name not in ("p", "li") or next(element.iterdescendants("{*}a"), None) is None:
        return False
    label = one_line("".join(_texts_of_label(element)))[: _MAX_LABEL + 1]
    words = [one for one in re.split(r"[:\uff1a|]", label) if one.strip()]
    return bool(words) and all(map(page_words("turning").fullmatch, words))


def _texts_of_label(element: Element) -> Iterator[str]:
    """Yields the texts of an element outside of links."""
    yield element.text or ""
    for child in element:
        if isinstance(child.tag, str) and local_name(child) != "a":
            yield from _texts_of_label(child)
        yield child.tail or ""


def _is_apart(link: Element) -> bool:
    """Tells whether a link's own markup or words show that it is not an editor's reference.

    Such links lead to the previous or next page, to a tag or an author, or are marked as
    advertisements or as written by readers.
    """
    words = _AFTER_TURNING.split(text_of(link)[:200].strip())[0]
    return (
        not _APART_RELATIONS.isdisjoint(link.get("rel", "").lower().split())
        or names_match(link, _APART_CLASS, "class")
        or any(map(page_words("turning").fullmatch, (words, link.get("title", ""))))
    )
