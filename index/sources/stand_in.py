"""Tells what a server sent in the place of a page that was asked for."""

import html
import re

from index.articles.page_words import page_words, words_of
from index.sources.host_rules import redacted
from index.sources.http_client import FetchError

_READ = 64 * 1024  # bytes
_MOST_TEXT, _MOST_LINKS = 2_000, 5  # characters; pages of a site have more of one or the other
_TITLE = re.compile(r"<(?:title|h1)\b[^<>]{0,300}>\s*([^<]{1,200})", re.IGNORECASE)
_MARK = re.compile(words_of("stand_in_mark"), re.IGNORECASE)
_LINK = re.compile(r"<a\s", re.IGNORECASE)
_NO_TEXT = re.compile(
    r"<(script|style|svg)\b.*?(?:</\1\b|\Z)|<!--.*?(?:-->|\Z)|<[^<>]*>", re.IGNORECASE | re.DOTALL
)
_SEPARATOR = re.compile(r"\s[|\u2013-]\s")


def check_is_no_stand_in(url: str, content: bytes) -> None:
    """Checks that no check of visitors and no notice of repair was sent in the place of a page.

    Raises:
        FetchError: If one was. Its reason is ``unreachable``: it says nothing of the page itself.
    """
    text = html.unescape(content[:_READ].decode(errors="replace"))
    titles = [" ".join(title.split()) for title in _TITLE.findall(text)[:3]]
    parts = [part for title in titles for part in (title, *_SEPARATOR.split(title))]
    found = next(filter(page_words("stand_in").fullmatch, parts), "") or _MARK.search(text)
    if not found or len(content) >= _READ or len(_LINK.findall(text)) > _MOST_LINKS:
        return
    if len(" ".join(_NO_TEXT.sub(" ", text).split())) <= _MOST_TEXT:
        shown = titles[0] if titles else "a check of visitors"
        raise FetchError(
            f"{redacted(url)} shows {shown!r} in the place of the page; if that lasts, let the "
            "user agent alsolike pass the site's protection",
            "unreachable",
        )
