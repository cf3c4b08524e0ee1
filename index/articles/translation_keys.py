"""Makes the keys that tell which pages are translations of each other."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from index.articles.record import short
from index.articles.urls import url_key
from recommender.errors import ArticleError

_MOST = 2_048


def read_translation_key(value: Any) -> str | None:
    """Return a translation key as a source gives it: text or a number; ``None`` for an empty one.

    Raises:
        ArticleError: If the value is neither, or too long.
    """
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise ArticleError(
            "translation_key",
            "invalid",
            f"translation_key {short(value)} is neither text nor a whole number",
        )
    key = " ".join(str(value).split())
    if len(key) > _MOST:
        raise ArticleError(
            "translation_key", "too-long", f"translation_key exceeds {_MOST} characters"
        )
    return key or None


def key_of_addresses(addresses: Iterable[str]) -> str | None:
    """Return the translation key of pages that name each other as alternates in other languages.

    Args:
        addresses: The absolute addresses of the page and of all its translations.

    Returns:
        The same text for each of these pages; ``None`` if there are fewer than two addresses.
    """
    keys = {url_key(address) for address in addresses}
    return f"alternates of {min(keys)}" if len(keys) > 1 else None
