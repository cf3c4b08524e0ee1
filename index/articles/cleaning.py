"""Cleans input that may be hostile: text without markup, links that are safe in a page."""

from __future__ import annotations

import html
import re
from urllib.parse import urlsplit

from recommender.errors import ArticleError

MAX_URL = 2048
"""Longest link in characters."""

_NOT_IN_URL = re.compile(r"[\x00-\x20\x7f-\x9f\\\ud800-\udfff]")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_BIDI = re.compile("[\u202a-\u202e\u2066-\u2069]")
_TAG = re.compile(r"<(?:/?[a-zA-Z][^<>]{0,500}|!--.{0,500}?--)>")
_LONG_NUMBER = re.compile(r"&#\d{1000,};?")
_BLOCK_TAG = re.compile(r"</?(?:p|div|br|li|ul|ol|h[1-6]|tr|section)\b[^<>]{0,500}>", re.IGNORECASE)


def plain_text(text: str) -> str:
    """Text as a reader sees it: markup, entities, control and direction marks taken out.

    Blank lines stay as paragraph breaks (one newline); other white space becomes one space.
    """
    if "<" in text:
        text = _TAG.sub("", _BLOCK_TAG.sub("\n", text))
    if "&" in text:
        text = unescape(text)
    text = _CONTROL.sub(" ", text)
    if not text.isascii():
        text = _BIDI.sub("", text).encode(errors="replace").decode()
    lines = (" ".join(line.split()) for line in text.splitlines())
    return "\n".join(line for line in lines if line)


def unescape(text: str) -> str:
    """``html.unescape``, which fails over numbers of more than 4,300 digits."""
    return html.unescape(_LONG_NUMBER.sub("\ufffd", text))


def check_url(url: str, *, field_name: str = "url") -> str:
    """Return a link that is safe to put into a page: http, https, or relative to the site.

    Raises:
        ArticleError: For any other scheme (``javascript:``), no host, or over-long links.
    """
    if len(url) > MAX_URL:
        raise ArticleError(field_name, "too-long", f"{field_name} is over {MAX_URL} characters")
    if _NOT_IN_URL.search(url):
        raise ArticleError(
            field_name,
            "invalid",
            f"{field_name} {url!r:.80} holds white space, a backslash or a control character",
        )
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError as error:
        raise ArticleError(field_name, "invalid", f"{field_name} {url!r:.80}: {error}") from None
    if parts.scheme in ("http", "https") and parts.hostname:
        return url
    # Browsers take any number of slashes, from two on, for the beginning of a host.
    if not url.startswith("//") and url.startswith(("/", "./", "../", "?")):
        return url
    raise ArticleError(
        field_name,
        "unsafe",
        f"{field_name} {url!r:.80} must begin with http://, https:// or /",
    )
