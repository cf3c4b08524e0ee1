"""Parses HTML and XML and applies CSS selectors; the only module that imports lxml or cssselect.

libxml2 was chosen over HTML5 parsers because hostile markup can't slow it down: an HTML5 parser
takes minutes for 200,000 nested ``<div>``, but libxml2 stops at a depth of 256 with an error, which
is reported.
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from cssselect import SelectorError
from lxml import etree
from lxml.cssselect import CSSSelector

from index.articles.urls import join_url, split_url
from index.errors import raised_as

MAX_CHARACTERS = 4 * 1024 * 1024
"""Longest page in characters."""

MAX_ATTRIBUTES = 5_000
"""Most attributes of an element; the parser's time grows with the square of their number."""

_NO_MEMORY = etree.ErrorTypes.ERR_NO_MEMORY
_OF_HEAD = set("title meta link script style base noscript template".split())
_WORTH_COUNTING = 50_000
_TAG = re.compile(r"""<[a-zA-Z](?:[^>"'=]+|=\s*(?:"[^"]*"|'[^']*')?|["'])*+""")
_QUOTED = re.compile(r"""=\s*(?:"[^"]*"|'[^']*')""")
_NAME = re.compile(r"[^\s/=]+")
_HIDING_STYLE = re.compile(r"(?:display\s*:\s*none|visibility\s*:\s*hidden)\b", re.IGNORECASE)

_MENDED = {
    *("ERR_ENTITYREF_SEMICOL_MISSING", "ERR_UNDECLARED_ENTITY", "ERR_NAME_REQUIRED"),
    "ERR_ENTITYREF_NO_NAME",
}

Element = Any
"""An ``lxml`` element: ``tag``, ``text``, ``tail``, ``get``, iteration over its children."""


class MarkupError(Exception):
    """HTML, XML or a CSS selector is invalid; the message says where."""


def parse_html(text: str) -> Element:
    """Parses an HTML page or fragment, and returns its root element.

    Raises:
        MarkupError: If the text is empty, too long, too deeply nested, or an element has too many
            attributes.
    """
    if len(text) > MAX_CHARACTERS:
        raise MarkupError(f"the page is longer than {MAX_CHARACTERS} characters")
    if len(text) > _WORTH_COUNTING:
        _check_attributes(text)
    parser = etree.HTMLParser(encoding="utf-8", remove_comments=True, remove_pis=True)
    try:
        root = etree.fromstring(text.encode(errors="replace"), parser)
    except etree.XMLSyntaxError as error:
        raise MarkupError(f"the page is not HTML: {_message(error)}") from error
    if root is None:
        raise MarkupError("the page is empty")
    _empty_head(root)
    for element in root.xpath("//*[@rel]"):  # HTML's keywords have no letter case
        element.set("rel", element.get("rel").lower())
    for entry in parser.error_log:
        if entry.type_name == "ERR_RESOURCE_LIMIT":
            raise MarkupError(f"line {entry.line} of the page is too complex: {entry.message}")
        if entry.type == _NO_MEMORY:
            raise MemoryError
    return root


def _empty_head(root: Element) -> None:
    """Moves what libxml2 leaves in the head, of a page without ``<body>``, to the body.

    It knows no elements of HTML 5, so that ``<title>Kelp</title><main>…`` does not end the head.
    """
    for head in root.findall("head"):
        if strays := [each for each in head if local_name(each) not in _OF_HEAD]:
            body = root.find("body")
            body = etree.SubElement(root, "body") if body is None else body
            strays[-1].tail = (strays[-1].tail or "") + (body.text or "")
            body.text = None
            body[:0] = strays


def stream_xml(
    file: Any, names: tuple[str, ...], mended: list[str], encoding: str | None = None
) -> Iterator[Element]:
    """Parses an XML document of any size, and yields its elements with the given names.

    An element that was yielded is emptied afterwards, so memory does not grow with the document.

    Args:
        file: A binary file with the document, which is read piece by piece.
        names: Names of elements without namespace; any namespace fits.
        mended: A list that gets a message for each bare ``&`` and unknown entity, which are left
            out.
        encoding: The encoding to use in place of the one that the document declares.

    Raises:
        MarkupError: If the document is not well-formed (with line and column), ends early, or
            defines entities.
    """
    parser = etree.iterparse(
        file,
        events=("end",),
        tag=[f"{{*}}{name}" for name in names],
        encoding=encoding,
        recover=True,
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        for _, element in parser:
            dtd = element.getroottree().docinfo.internalDTD
            if dtd is not None and next(dtd.iterentities(), None) is not None:
                raise MarkupError(
                    "the document defines its own entities; remove its <!ENTITY> lines"
                )
            yield element
            element.clear()
            parent = element.getparent()
            while parent is not None and local_name(parent) == "channel" and len(parent) > 1:
                del parent[0]
        for entry in parser.error_log:
            said = f"line {entry.line}, column {entry.column}: {entry.message}"
            if entry.level_name == "FATAL" and entry.type_name not in _MENDED:
                raise MarkupError(said)
            mended.append(said)
    except etree.XMLSyntaxError as error:
        raise MarkupError(_message(error)) from error


def select(root: Element, selector: str) -> list[Element]:
    """Returns all elements that a CSS selector matches, in document order.

    Raises:
        MarkupError: If the selector is invalid.
    """
    found: list[Element] = _compiled(selector)(root)
    return found


def local_name(element: Element) -> str:
    """Returns an element's name without its namespace."""
    return str(element.tag).rpartition("}")[2]


def text_of(element: Element) -> str:
    """Returns all text below an element, with its white space unchanged."""
    return "".join(element.itertext())


def one_line(text: str) -> str:
    """Returns a text on one line: each run of white space becomes a single space."""
    return " ".join(text.split())


def line_of(element: Element) -> str:
    """Returns all text below an element in one line."""
    return one_line(text_of(element))


def names_match(element: Element, pattern: re.Pattern[str], *attributes: str) -> bool:
    """Tells whether a pattern fully matches one of an element's class names or ids.

    They are taken from the given attributes (``"class"``, ``"id"``), in lower case and with ``-``
    in place of ``_``.
    """
    names = " ".join(element.get(name, "") for name in attributes).lower().replace("_", "-")
    return any(map(pattern.fullmatch, names.split()[:100]))


def is_hidden(element: Element) -> bool:
    """Tells whether an element's own markup hides it: ``hidden``, ``aria-hidden`` or a style."""
    return (
        element.get("hidden", "until-found").lower() != "until-found"
        or element.get("aria-hidden") == "true"
        or _HIDING_STYLE.search(element.get("style", "")) is not None
    )


def is_home(address: str) -> bool:
    """Tells whether an address, absolute or relative, is that of a site's home page."""
    parts = split_url(address.strip())
    return parts.path in ("/", "./", "../", "/index.html") or bool(parts.netloc and not parts.path)


def base_of(root: Element, address: str) -> str:
    """Returns the URL that a page's relative links start from: ``<base href>`` or ``address``."""
    base = next(root.iter("{*}base"), None)
    return address if base is None else join_url(address, (base.get("href") or "").strip())


def remove(root: Element, names: tuple[str, ...]) -> None:
    """Removes all elements with these names from a tree, but keeps the text that follows them."""
    etree.strip_elements(root, *names, with_tail=False)


def inner_markup(element: Element) -> str:
    """Returns an element's content as markup, without the element's own tags."""
    parts = [element.text or ""]
    parts += [etree.tostring(child, encoding="unicode", method="html") for child in element]
    return "".join(parts)


def _check_attributes(text: str) -> None:
    for tag in _TAG.finditer(text):
        if tag.end() - tag.start() > 2 * MAX_ATTRIBUTES:
            count = sum(1 for _ in _NAME.finditer(_QUOTED.sub(" ", tag[0])))
            if count > MAX_ATTRIBUTES:
                raise MarkupError(f"an element has more than {MAX_ATTRIBUTES} attributes")


@lru_cache(maxsize=256)
def _compiled(selector: str) -> Any:
    with raised_as(MarkupError, f"the CSS selector {selector!r} is not valid: ", SelectorError):
        return CSSSelector(selector, translator="html")


def _message(error: etree.XMLSyntaxError) -> str:
    if error.code == _NO_MEMORY:
        raise MemoryError
    return str(error.msg or "it is empty")
