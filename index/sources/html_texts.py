"""Makes records of items whose texts a format holds as HTML, such as those of feeds and exports.

An excerpt's own link, the one at its end that leads to the article itself, is no part of it.
"""

import re
from collections.abc import Mapping
from typing import Any

from index.articles.cleaning import cut_text, literal
from index.articles.page_words import page_words
from index.articles.read_more import MORE_CLASS, is_read_more, without_read_more
from index.articles.record import Record
from index.articles.urls import join_url, url_key, without_origin
from index.errors import RecordError
from index.sources.markup import Element, MarkupError, inner_markup, parse_html, remove, text_of
from index.sources.page_text import text_and_links

_ELSEWHERE = re.compile(
    r"\s*(?:[^.!?\n]{1,200}\s)?was (?:originally|first) (?:published|posted) (?:in|on|at)\b"
)
_DROPPED = "alsolike-dropped"
_LINKS_AT_END = 3
_LONGEST = 400
_LONGEST_CREDIT = 80
_LONGEST_TITLE = 80
_AFTER = " \t\r\n.…→»>)]\xa0"
_WITHIN = ",;-\u2013\u2014、，"  # noqa: RUF001 - as written in Chinese and Japanese
_SENTENCE_END = re.compile(r"[.!?…\]]\s")


def html_record(
    location: str,
    markup: str,
    values: Mapping[str, Any],
    *,
    finds_image: bool = False,
    thumbnail: Mapping[str, str] | None = None,
) -> Record:
    """Makes a record from an item of a feed or export, whose text is HTML.

    The HTML gives the fields ``sections`` and ``links``. An item without title gets the first words
    of its text. Fields without value are left out, and so are aliases that are no address.

    Args:
        location: Where the item is in the feed or export, for messages.
        markup: The HTML of the item's text.
        values: The item's other fields; title and excerpt are HTML too.
        finds_image: Whether an item without a picture gets the first one in its text.
        thumbnail: The picture of an item without any other.

    Raises:
        RecordError: If the text can't be parsed.
    """
    title, url, excerpt = (
        value if isinstance(value := values.get(name), str) else ""
        for name in ("title", "url", "excerpt")
    )
    made: dict[str, Any] = {}
    try:
        root = parse_html(f"<div>{markup}</div>")
        if finds_image and not values.get("image"):
            made["image"] = _first_image(root, url) or thumbnail
        _remove_own_links(root, url)
        made |= text_and_links(root, title=title)
        if excerpt:
            made["excerpt"] = _without_own_link(excerpt, url)
            if _breaks_off(made["excerpt"], made["sections"], title):
                made["excerpt"] = ""
    except MarkupError as error:
        raise RecordError("invalid-html", str(error), field="content") from error
    if sections := made["sections"]:
        sections[-1]["text"] = without_read_more(sections[-1]["text"])
    if not title.strip() and isinstance(values.get("title") or "", str):
        line = next(iter(_lines(sections)), "")
        cut = cut_text(line, _LONGEST_TITLE)
        made["title"] = cut if cut == line else f"{cut}…"
    if isinstance(tags := values.get("tags"), list):
        no_topic = page_words("uncategorized")  # WordPress's category for posts that have none
        made["tags"] = [tag for tag in tags if not no_topic.fullmatch(str(tag))]
    made["aliases"] = [
        each
        for each in values["aliases"]
        if isinstance(each, str) and each.startswith(("http", "/")) and each != url
    ]
    found = {**values, **made}.items()
    kept = {name: value for name, value in found if value not in (None, "", [])}
    return Record(location=location, values=kept)


def _first_image(root: Element, url: str) -> dict[str, str] | None:
    """Returns the first picture in a text, without those that count readers or stand for a mood."""
    for image in root.iterdescendants("img"):
        src = str(image.get("src") or image.get("data-src") or "").strip()
        tiny = {image.get("width"), image.get("height")} & {"0", "1"}
        mood = {"emoji", "wp-smiley"} & set(str(image.get("class", "")).split())
        if src and not tiny and not mood and not src.startswith("data:"):
            return {"src": join_url(url, src), "alt": literal(str(image.get("alt") or "").strip())}
    return None


def _without_own_link(markup: str, url: str) -> str:
    """Returns an excerpt's markup without its own link; "" if a machine cut it (``[…]``)."""
    if not markup.strip():
        return ""
    root = parse_html(f"<div>{markup}</div>")
    before = text_of(root).rstrip()
    _remove_own_links(root, url)
    text = text_of(root).rstrip()
    if text.endswith(("[…]", "[...]")) or (text != before and text.endswith(("…", "..."))):
        return ""
    return markup if text == before else inner_markup(next(root.iterdescendants("div")))


def _breaks_off(markup: str, sections: list[dict[str, Any]], title: str) -> bool:
    """Tells whether an excerpt is the beginning of the text, cut within a sentence, as of Ghost."""
    if not markup.strip():
        return False
    begin = _lines(text_and_links(parse_html(f"<div>{markup}</div>"), title=title)["sections"])
    text = _lines(sections)
    return (
        bool(begin and text)
        and text[0].startswith(begin[0])
        and set(begin[:-1]) <= set(text)
        and any(line != begin[-1] and line.startswith(begin[-1]) for line in text)
        and (begin[-1][-1].isalnum() or begin[-1][-1] in _WITHIN)
    )


def _lines(sections: list[dict[str, Any]]) -> list[str]:
    parts = (part for section in sections for part in (section["heading"], section["text"]))
    return [line for part in parts for line in part.split("\n") if line]


def _remove_own_links(root: Element, url: str) -> None:
    """Removes links to the article itself from the end of its excerpt or text, in place.

    Such a link has the article's own address, a class such as ``more-link``, or words such as
    "Continue reading". WordPress's line "The post … appeared first on …" goes as a whole, as does
    Medium's "… was originally published in …".
    """
    for block in list(root.iterdescendants("p"))[-1:]:
        words = text_of(block).strip()
        if _ELSEWHERE.match(words) and text_of(root).rstrip().endswith(words):
            _remove(block)
    for _ in range(_LINKS_AT_END):
        links = [link for link in root.iterdescendants("a", "button") if text_of(link).strip()]
        if not links:
            return
        last = links[-1]
        if not text_of(root).rstrip(_AFTER).endswith(text_of(last).rstrip(_AFTER)):
            return
        if _is_credit(last.getparent(), url):
            _remove(last.getparent())
        elif _leads_on(last, url):
            _remove(last)
        else:
            return


def _leads_on(link: Element, url: str) -> bool:
    text, before = text_of(link), link.getprevious()
    if len(text) > _LONGEST:
        return False
    if MORE_CLASS.search(str(link.get("class", ""))) or is_read_more(text):
        return True
    words = (link.getparent().text if before is None else before.tail) or ""
    # A link in a sentence stays, as in "see <a>our report</a>".
    return _is_own(link, url) and not words.rstrip()[-1:].isalnum()


def _is_own(link: Element, url: str) -> bool:
    href = str(link.get("href", "")).strip()
    return bool(href and url) and url_key(without_origin(join_url(url, href))) == url_key(url)


def _is_credit(block: Element, url: str) -> bool:
    """Tells whether a block is a line such as "The post <a> appeared first on <a>."."""
    links = list(block.iterdescendants("a"))
    if len(links) != 2 or block.getparent().tag == "body" or not _is_own(links[0], url):
        return False
    home = str(links[1].get("href", "")).rstrip("/")
    words = text_of(block).replace(text_of(links[0]), "", 1).replace(text_of(links[1]), "", 1)
    is_line = len(words) <= _LONGEST_CREDIT and not _SENTENCE_END.search(words.rstrip())
    return is_line and bool(home) and url.startswith(home)


def _remove(element: Element) -> None:
    """Removes an element, but keeps the text after it."""
    element.tag = _DROPPED
    remove(element.getparent(), (_DROPPED,))
