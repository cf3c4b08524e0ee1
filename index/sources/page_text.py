"""Splits a page's text into sections under headings, without what is not part of the article.

Navigation, forms, footers and blocks of related links are left out. If a "You May Also Like" block
stayed in the text, every article would resemble those that it already links to.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from index.sources.markup import Element, local_name, remove, text_of
from index.sources.page_folder import literal

RELATED_HEADING = re.compile(
    r"""\W*(
      you\s(may|might)\s(also\s)?(like|enjoy|be\sinterested\sin)
    | (related|recommended|suggested|similar)\s(articles?|posts?|stories|reading|content|links?)
    | related | recommended(\sfor\syou)? | more\slike\sthis | (read|up)\snext | further\sreading
    | also\son\s.{1,40} | more\sfrom\s.{1,40}
    | das\s(könnte|dürfte)\s(sie|dich)\s(auch\s)?interessieren | mehr\szum\sthema
    | (ähnliche|verwandte)\s(artikel|beiträge|themen)
    | (articles|contenus)\s(similaires|liés) | (à\slire|lire)\saussi | vous\saimerez\saussi
    | (artículos|entradas)\s(relacionad[oa]s|similares) | (también\s)?te\spuede\sinteresar
    )\W*""",
    re.IGNORECASE | re.VERBOSE,
)
"""Matches headings of blocks that link to other articles."""

_NOT_TEXT = ("script", "style", "noscript", "template", "head", "svg", "iframe", "object", "canvas")
_DROPPED = {"nav", "footer", "aside", "form", "button", "select", "dialog", "menu"}
_DROPPED_ROLES = {"navigation", "complementary", "contentinfo", "search", "banner", "dialog"}
_DROPPED_CLASS = re.compile(
    r"(jp-|yarpp-|post-|posts-)?(related|recommended|recommendations|also-like)(-?(posts?|articles?|"
    r"stories|content|links?|items?|block|section|list))?"
    r"|alsolike|breadcrumbs?|sidebar|comments|comment-list|respond|pagination|pager|sharedaddy"
    r"|share|sharing|social-share|newsletter|cookie-banner"
)
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_BLOCKS = {
    *("address", "article", "blockquote", "br", "dd", "details", "div", "dl", "dt", "figcaption"),
    *("figure", "header", "hr", "li", "main", "ol", "p", "pre", "section", "summary", "table"),
    *("tbody", "td", "th", "tr", "ul", "body", "caption"),
}
_SPACE = re.compile(r"\s+")


def sections_of(
    root: Element, *, title: str = "", dropped: frozenset[Element] = frozenset()
) -> list[dict[str, Any]]:
    """Returns the text below an element as sections.

    Args:
        root: The element; scripts and the like are removed from it in place.
        title: The article's title. A heading that repeats the title is not kept as a heading.
        dropped: Further elements to leave out.

    Returns:
        One ``{"heading": …, "text": …}`` per section, in reading order; text before the first
        heading gets an empty heading. Markup characters are escaped.
    """
    remove(root, _NOT_TEXT)
    found: list[tuple[str, list[str]]] = [("", [])]
    related_level = 0
    for level, text in _pieces(root, dropped | _found_to_drop(root)):
        heading = _line(text)
        if not level:
            if not related_level:
                found[-1][1].append(text)
        elif RELATED_HEADING.fullmatch(heading):
            # The block of links ends at the next heading of the same or a higher level.
            related_level = level if not related_level else min(level, related_level)
        elif not related_level or level <= related_level:
            related_level = 0
            if _same(heading, title):
                found.append(("", []))
            elif heading:
                found.append((heading, []))
    sections = [
        {"heading": literal(heading), "text": literal(_lines("".join(parts)))}
        for heading, parts in found
    ]
    return [section for section in sections if section["text"] or section["heading"]]


def _pieces(root: Element, dropped: frozenset[Element]) -> Iterator[tuple[int, str]]:
    """Yields pieces of text in document order, each with its heading level.

    The level of ``<h2>`` is 2; that of text outside headings is 0.
    """
    if root.text:
        yield 0, _SPACE.sub(" ", root.text)
    for child in root:
        if not isinstance(child.tag, str):  # an undefined entity
            yield 0, child.text or ""
        elif child not in dropped:
            name = local_name(child)
            if name in _HEADINGS:
                yield _HEADINGS[name], text_of(child)
            else:
                edge = "\n" if name in _BLOCKS else ""
                yield 0, edge
                yield from _pieces(child, dropped)
                yield 0, edge
        if child.tail:
            yield 0, _SPACE.sub(" ", child.tail)


def _found_to_drop(root: Element) -> frozenset[Element]:
    whole = len(text_of(root))
    dropped = set()
    for element in root.iterdescendants("*"):
        block = element
        name = local_name(element)
        if name in _HEADINGS and RELATED_HEADING.fullmatch(_line(text_of(element))):
            block = _block_of(element, root)
        elif not _is_marked(element, name, in_body=local_name(root) == "body"):
            continue
        # A block with most of the text is kept: some themes call their main column "sidebar".
        if 2 * len(text_of(block)) <= whole and (block is not element or name not in _HEADINGS):
            dropped.add(block)
    return frozenset(dropped)


def _is_marked(element: Element, name: str, *, in_body: bool) -> bool:
    """Tells whether markup shows that an element is not part of the article's text."""
    return (
        name in _DROPPED
        or (in_body and name == "header")
        or "hidden" in element.attrib
        or element.get("aria-hidden") == "true"
        or element.get("role") in _DROPPED_ROLES
        or _has_dropped_class(element)
    )


def _has_dropped_class(element: Element) -> bool:
    names = f"{element.get('class', '')} {element.get('id', '')}".lower().split()
    return any(_DROPPED_CLASS.fullmatch(name.replace("_", "-")) for name in names)


def _block_of(heading: Element, root: Element) -> Element:
    """Returns the block under a heading: the outermost element that begins with the heading."""
    block = heading
    while True:
        parent = block.getparent()
        if parent is root or (parent.text or "").strip() or block.getprevious() is not None:
            return block
        block = parent


def _same(heading: str, title: str) -> bool:
    return bool(title) and heading.casefold() == _line(title).casefold()


def _line(text: str) -> str:
    return " ".join(text.split())


def _lines(text: str) -> str:
    lines = (_line(line) for line in text.split("\n"))
    return "\n".join(line for line in lines if line)
