"""Checks that links to articles and images are safe to put into a page."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from recommender.errors import ArticleError

MAX_URL = 2048
"""Longest link in characters."""

_NOT_IN_URL = re.compile(r"[\x00-\x20\x7f-\x9f\\\ud800-\udfff]")


def check_url(url: str, *, field_name: str = "url") -> str:
    """Return ``url`` if it is safe to put into a page: http, https, or relative to the site.

    Args:
        url: The link to check.
        field_name: The name of the link's field, for the error message.

    Raises:
        ArticleError: If the link has another scheme (``javascript:``), no host, or is too long.
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
    # Browsers read two or more leading slashes as the beginning of a host name.
    if not url.startswith("//") and url.startswith(("/", "./", "../", "?")):
        return url
    raise ArticleError(
        field_name,
        "unsafe",
        f"{field_name} {url!r:.80} must begin with http://, https:// or /",
    )
