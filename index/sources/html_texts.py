"""Reads texts and excerpts that a format holds as HTML, such as those of feeds and exports.

An excerpt's own link, the one at its end that leads to the article itself, is no part of it.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urljoin, urlsplit

from index.articles.read_more import is_read_more, without_read_more
from index.articles.urls import url_key
from index.sources.markup import Element, inner_markup, parse_html, text_of
from index.sources.page_folder import literal
from index.sources.page_text import text_and_links

_MORE_CLASSES = {"more-link", "read-more", "readmore", "read-more-link", "continue-reading"}
_LINKS_AT_END = 3
_LONGEST = 400
_LONGEST_TITLE = 80


def read_html_text(markup: str, url: str, title: str = "") -> dict[str, Any]:
    """Returns an article's ``sections``, ``links`` and ``title`` from the HTML of its text.

    Args:
        markup: The text.
        url: The article's address; empty if it is not known.
        title: Its title; if it is empty, one is made of the first words of the text.

    Raises:
        MarkupError: If the markup is too long or too deep.
    """
    if not markup.strip():
        return {"title": title}
    root = parse_html(f"<div>{markup}</div>")
    remove_own_links(root, url)
    values: dict[str, Any] = {**text_and_links(root, title=title)}
    sections = values["sections"]
    if sections:
        sections[-1]["text"] = without_read_more(sections[-1]["text"])
    values["title"] = title if title.strip() else _made_title(sections)
    return values


def _made_title(sections: list[dict[str, Any]]) -> str:
    """Returns the first heading or the first words of a text, cut at a word."""
    for section in sections:
        line = str(section["heading"] or section["text"]).partition("\n")[0].strip()
        if len(line) > _LONGEST_TITLE:
            cut = line[:_LONGEST_TITLE]
            line = (cut.rsplit(" ", 1)[0] if " " in cut else cut).rstrip(" ,;:-") + "…"
        if line:
            return line
    return ""


def first_image(markup: str, url: str) -> dict[str, str] | None:
    """Returns the first picture in a text, without those that count readers or stand for a mood.

    Args:
        markup: The text.
        url: The article's address, to which the picture's may be relative.
    """
    if "<img" not in markup:
        return None
    for image in parse_html(f"<div>{markup}</div>").iterdescendants("img"):
        src = str(image.get("src") or image.get("data-src") or "").strip()
        tiny = {image.get("width"), image.get("height")} & {"0", "1"}
        mood = {"emoji", "wp-smiley"} & set(str(image.get("class", "")).split())
        if src and not tiny and not mood and not src.startswith("data:"):
            return {"src": urljoin(url, src), "alt": literal(str(image.get("alt") or "").strip())}
    return None


def remove_own_links(root: Element, url: str) -> None:
    """Removes links to the article itself from the end of its excerpt or text, in place.

    Such a link has the article's own address, a class such as ``more-link``, or words such as
    "Continue reading". WordPress's line "The post … appeared first on …" goes as a whole.

    Args:
        root: The element around the excerpt or text.
        url: The article's address; empty if it is not known.
    """
    for _ in range(_LINKS_AT_END):
        links = [link for link in root.iterdescendants("a", "button") if text_of(link).strip()]
        if not links or _text_after(links[-1], root).strip(" \t\r\n.…→»>)]|\xa0"):
            return
        last = links[-1]
        if len(links) > 1 and _is_credit(links[-2], last, url):
            _remove_line(links[-2], last)
        elif _leads_on(last, url):
            _remove(last)
        else:
            return


def without_own_link(markup: str, url: str) -> str:
    """Returns an excerpt's markup without what :func:`remove_own_links` removes.

    An excerpt that a machine cut, which ends in ``[…]``, is left out: "" is returned.

    Raises:
        MarkupError: If the markup is too long or too deep.
    """
    if not markup.strip():
        return ""
    root = parse_html(f"<div>{markup}</div>")
    before = text_of(root).rstrip()
    remove_own_links(root, url)
    text = text_of(root).rstrip()
    if text.endswith(("[…]", "[...]")) or (text != before and text.endswith(("…", "..."))):
        return ""
    return markup if text == before else inner_markup(next(root.iterdescendants("div")))


def _leads_on(link: Element, url: str) -> bool:
    text = text_of(link)
    if len(text) > _LONGEST:
        return False
    if _MORE_CLASSES & set(str(link.get("class", "")).lower().split()) or is_read_more(text):
        return True
    return _is_own(link, url) and not _stands_in_sentence(link)


def _is_own(link: Element, url: str) -> bool:
    href = str(link.get("href", "")).strip()
    if not href or not url:
        return False
    return url_key(urljoin(url, href)) == url_key(url)


def _stands_in_sentence(link: Element) -> bool:
    """Tells whether words stand directly before a link, as in "see <a>our report</a>"."""
    before = link.getprevious()
    parent = link.getparent()
    text = (parent.text if before is None else before.tail) or ""
    return text.rstrip()[-1:].isalnum() and bool(text.strip())


def _is_credit(first: Element, last: Element, url: str) -> bool:
    """Tells whether two links are those of "The post <a> appeared first on <a>."."""
    if first.getparent() is not last.getparent() or first.getnext() is not last:
        return False
    parent, before = first.getparent(), first.getprevious()
    lead = (parent.text if before is None else before.tail) or ""
    line = f"{lead[-100:]}{text_of(first)}{first.tail or ''}{text_of(last)}."
    if not without_read_more(" ".join(line.split())[-_LONGEST:]):
        return True
    home = urlsplit(str(last.get("href", "")))
    return _is_own(first, url) and bool(home.netloc) and home.path in ("", "/")


def _remove_line(first: Element, last: Element) -> None:
    parent, before = first.getparent(), first.getprevious()
    if before is not None:
        before.tail = _without_last_sentence(before.tail or "")
    else:
        parent.text = _without_last_sentence(parent.text or "")
    first.tail = last.tail = ""
    _remove(first)
    _remove(last)


def _without_last_sentence(text: str) -> str:
    """Cuts the words "The post " from the end of a text, back to the sentence or line before."""
    body = text.rstrip()
    at = max(body.rfind(mark) for mark in (". ", "! ", "? ", "\n", "] ", "… "))
    return body[: at + 1] if at >= 0 else ""


def _text_after(link: Element, root: Element) -> str:
    found: list[str] = []
    node = link
    while node is not root:
        found.append(node.tail or "")
        found += [text_of(later) + (later.tail or "") for later in node.itersiblings()]
        node = node.getparent()
        if sum(map(len, found)) > _LONGEST:
            break
    return "".join(found)


def _remove(element: Element) -> None:
    """Removes an element, but keeps the text after it."""
    parent, before, tail = element.getparent(), element.getprevious(), element.tail or ""
    if before is not None:
        before.tail = (before.tail or "") + tail
    else:
        parent.text = (parent.text or "") + tail
    element.tail = None
    parent.remove(element)
