"""Finds a page's main text: the element that holds it, and what stands in it but is no part of it.

The page's own markup is judged together with trafilatura, the only module that imports it. Its
text is only compared with the page's: headings, links and order are read from the page itself.
"""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass, field

from index.sources.markup import Element, select, text_of
from index.sources.page_text import BLOCKS, HEADINGS, NOT_TEXT

MIN_TEXT = 1_000
"""Texts shorter than this, in characters, are found by the page's markup alone."""

MAX_PAGE = 1536 * 1024
MAX_ELEMENTS = 20_000
"""Pages of more characters or elements are searched by their markup alone, for speed."""

_SHARE = 0.9  # of the text found, which the main element must hold
_LEAST = 0.2  # of the marked element's text; if less is found, the markup is believed
_LINKED = 0.5  # of a block's text; if it was not found either, the block is a list of links
_LONG = 20  # characters, of which a text is hardly found by chance
_WEIGHED = {*BLOCKS, *HEADINGS, "aside", "footer", "form", "nav"}
_SPACE = re.compile(r"\s+")


@dataclass(frozen=True, slots=True, kw_only=True)
class MainText:
    """Where a page's main text is.

    Attributes:
        element: The element that holds it.
        dropped: Blocks below this element that are not part of it.
    """

    element: Element
    dropped: frozenset[Element] = frozenset()


def find_main_text(root: Element, page: str) -> MainText:
    """Finds the main text of a page.

    Args:
        root: The page's root element.
        page: The page as text, which ``root`` was parsed from.
    """
    marked = main_element(root)
    if len(text_of(marked)) < MIN_TEXT or _is_large(root, page):
        return MainText(element=marked)
    body = next(iter(select(root, "body")), root)
    weigher = _Weigher(found=_found_text(page))
    weigher.weigh(body)
    weights = weigher.weights
    whole, held = weights[body], weights.get(marked, weights[body])
    if not whole.found or held.found < _LEAST * (held.length - held.linked):
        return MainText(element=marked)
    element = body
    while inner := [
        child
        for child in element
        if child in weights and weights[child].found >= _SHARE * whole.found
    ]:
        element = inner[0]
    return MainText(element=element, dropped=frozenset(_link_lists(element, weights)))


def main_element(root: Element) -> Element:
    """Finds the element that a page's markup says holds the article's text.

    It is the longest ``<article>``, unless the page's ``<article>`` elements are teasers.
    """
    body = next(iter(select(root, "body")), root)
    outer = next(iter(select(body, "main, [role=main]")), body)
    found = select(outer, "[itemprop=articleBody]") or select(outer, "article")
    longest = max(found, key=lambda element: len(text_of(element)), default=outer)
    return longest if 2 * len(text_of(longest)) >= len(text_of(outer)) else outer


@dataclass(slots=True)
class _Weight:
    """How many characters a block has, how many of them were found, and how many are in links."""

    length: int = 0
    found: int = 0
    linked: int = 0

    def add(self, other: _Weight) -> None:
        self.length += other.length
        self.found += other.found
        self.linked += other.linked


@dataclass(slots=True, kw_only=True)
class _Weigher:
    """Weighs the blocks of a page; white space counts nowhere.

    Attributes:
        found: The text that trafilatura found.
        weights: The weight of each block.
    """

    found: str
    weights: dict[Element, _Weight] = field(default_factory=dict)
    _end_of_last: int = 0

    def weigh(self, block: Element) -> _Weight:
        weight = self.weights[block] = _Weight()
        run: list[str] = []
        self._read(block, weight, run)
        self._end(run, weight)
        return weight

    def _read(self, element: Element, weight: _Weight, run: list[str]) -> None:
        run.append(element.text or "")
        for child in element:
            if not isinstance(child.tag, str):  # an undefined entity
                run.append(child.text or "")
            elif child.tag in _WEIGHED:
                self._end(run, weight)
                weight.add(self.weigh(child))
            elif child.tag not in NOT_TEXT:
                if child.tag == "a":
                    weight.linked += len(_squeezed(text_of(child)))
                self._read(child, weight, run)
            run.append(child.tail or "")

    def _end(self, run: list[str], weight: _Weight) -> None:
        text = _squeezed("".join(run))
        run.clear()
        if text:
            weight.length += len(text)
            weight.found += len(text) if self._finds(text) else 0

    def _finds(self, text: str) -> bool:
        """Tells whether a text was found; looks first where the last one ended, for speed."""
        at = self.found.find(text, self._end_of_last)
        if at >= 0 and len(text) >= _LONG:
            self._end_of_last = at + len(text)
        return at >= 0 or text in self.found


def _is_large(root: Element, page: str) -> bool:
    return len(page) > MAX_PAGE or sum(1 for _ in root.iter()) > MAX_ELEMENTS


def _found_text(page: str) -> str:
    # Imported here, in the parser process: it takes a quarter of a second.
    from trafilatura import bare_extraction

    logging.getLogger("trafilatura").setLevel(logging.CRITICAL)
    try:
        document = bare_extraction(page, fast=True, include_comments=False)
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001 - the page is read by its markup alone
        return ""
    body = getattr(document, "body", None)
    return "" if body is None else _squeezed("".join(body.itertext()))


def _link_lists(element: Element, weights: dict[Element, _Weight]) -> list[Element]:
    """Returns the outermost blocks of mostly links of which no text was found."""
    lists = []
    for child in element:
        weight = weights.get(child)
        if weight is None or weight.found:
            lists += _link_lists(child, weights)
        elif weight.length and weight.linked >= _LINKED * weight.length:
            lists.append(child)
    return lists


def _squeezed(text: str) -> str:
    return _SPACE.sub("", text)
