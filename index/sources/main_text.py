"""Finds a page's main text: the element that holds it, and what stands in it but is no part of it.

The page's own markup is judged together with trafilatura, the only module that imports it. Its
text is only compared with the page's: headings, links and order are read from the page itself.
"""

import logging
import re
from collections import Counter
from collections.abc import Set

from index.sources.markup import Element, is_hidden, select, text_of
from index.sources.page_text import BLOCKS, HEADINGS, NOT_TEXT, is_no_text

MIN_TEXT = 1_000
"""Texts shorter than this, in characters, are found by the page's markup alone."""

MAX_PAGE = 1536 * 1024
MAX_ELEMENTS = 20_000
"""Pages of more characters or elements are searched by their markup alone, for speed."""

_SHARE = 0.9  # of the text found, which the main element must hold
_LEAST = 0.2  # of the marked element's text; if less is found, the markup is believed
_LINKED = 0.5  # of a block's text; if it was not found either, the block is a list of links
_WEIGHED = {*BLOCKS, *HEADINGS, "aside", "footer", "form", "nav"}
_HOLDERS = set("article body center div main section table tbody td tr".split())
_SPACE = re.compile(r"\s+")


Weights = dict[Element, Counter[str]]
"""How many characters each block has (``length``), how many of them trafilatura found (``found``),
and how many are in links (``linked``)."""


def find_main_text(root: Element, page: str) -> tuple[Element, set[Element]]:
    """Finds the element that holds a page's main text, and the lists of links in it.

    Args:
        root: The page's root element.
        page: The page's HTML, from which ``root`` was parsed.
    """
    marked = main_element(root)
    is_large = len(page) > MAX_PAGE or sum(1 for _ in root.iter()) > MAX_ELEMENTS
    if is_large or len(text_of(marked)) < MIN_TEXT:
        return marked, set()
    element = next(root.iter("body"), root)
    weights: Weights = {}
    whole = _weigh(element, _found_text(page), weights)["found"]
    held = weights.get(marked, weights[element])
    if not whole or held["found"] < _LEAST * (held["length"] - held["linked"]):
        return marked, set()
    least = _SHARE * whole
    while True:
        if element is marked and marked.tag == "article":
            least = weights[marked]["found"]  # of the article itself nothing is given up
        inner = [child for child in element if child.tag in _HOLDERS and child in weights]
        inner = [child for child in inner if weights[child]["found"] >= least]
        if not inner:
            break
        element = inner[0]
    return element, {*_link_lists(element, weights)}


def main_element(root: Element) -> Element:
    """Finds the element that holds the article's text, by the page's markup alone.

    It is the longest ``<article>``; or ``<main>`` or ``<body>`` if the ``<article>`` elements are
    only teasers. A short one that alone is marked as the page's is taken if there is more text only
    beside it. An element that readers do not see is taken only if there is no other.
    """
    body = next(root.iter("body"), root)
    outer = next(iter(_seen(select(body, "main, [role=main]"))), body)
    bodies = _seen(select(outer, "[itemprop~=articleBody]"))
    found = bodies or _seen(select(outer, "article"))
    longest = max(found, key=lambda element: len(text_of(element)), default=outer)
    if 2 * len(text_of(longest)) >= len(text_of(outer)):
        return longest
    own = bodies or [each for each in found if _is_whole(each)]
    if len(own) != 1 or len(text_of(own[0])) >= MIN_TEXT:
        return outer
    around = {own[0], *own[0].iterancestors()}
    return own[0] if 2 * own_length(own[0], around) >= own_length(outer, around) else outer


def _is_whole(article: Element) -> bool:
    """Tells whether an ``<article>`` is in no other, and has a title of the highest level."""
    return next(article.iterancestors("article"), None) is None and bool(select(article, "h1"))


def own_length(block: Element, around: Set[Element]) -> int:
    """Counts the characters of a block outside of what its markup calls no text.

    Args:
        block: The block.
        around: An article, and what holds it: they count whatever their markup calls them.
    """
    texts = [block.text or "", *(child.tail or "" for child in block)]
    return len(_squeezed("".join(texts))) + sum(
        own_length(child, around)
        for child in block.iterchildren("*")
        if child in around
        or not (child.tag in NOT_TEXT or child.tag == "header" or is_no_text(child))
    )


def _seen(elements: list[Element]) -> list[Element]:
    """Returns the elements that readers see, or all if they see none."""
    return [each for each in elements if not hides(each)] or elements


def hides(element: Element) -> bool:
    """Tells whether markup hides an element, or one that contains it, from readers."""
    return any(map(is_hidden, (element, *element.iterancestors())))


def _weigh(block: Element, found: str, weights: Weights) -> Counter[str]:
    """Weighs a block of a page and all blocks in it; white space counts nowhere.

    Args:
        block: The block.
        found: The text that trafilatura found.
        weights: Gets the weight of each block.
    """
    weight = weights[block] = Counter()
    run: list[str] = []  # the text between the edges of two blocks

    def end() -> None:
        text = _squeezed("".join(run))
        run.clear()
        weight["length"] += len(text)
        weight["found"] += len(text) if text in found else 0

    def read(element: Element) -> None:
        run.append(element.text or "")
        for child in element:
            if not isinstance(child.tag, str):  # an undefined entity
                run.append(child.text or "")
            elif is_hidden(child):
                end()
            elif child.tag in _WEIGHED:
                end()
                weight.update(_weigh(child, found, weights))
            elif child.tag not in NOT_TEXT:
                if child.tag == "a":
                    weight["linked"] += len(_squeezed(text_of(child)))
                read(child)
            run.append(child.tail or "")

    read(block)
    end()
    return weight


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


def _link_lists(element: Element, weights: Weights) -> list[Element]:
    """Returns the outermost blocks of mostly links of which no text was found."""
    lists = []
    for child in element:
        weight = weights.get(child)
        if weight is None or weight["found"]:
            lists += _link_lists(child, weights)
        elif weight["length"] and weight["linked"] >= _LINKED * weight["length"]:
            lists.append(child)
    return lists


def _squeezed(text: str) -> str:
    return _SPACE.sub("", text)
