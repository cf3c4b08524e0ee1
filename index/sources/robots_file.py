"""Reads robots.txt files as RFC 9309 says; the only module that imports protego.

The functions run in the parser process: the rules are a stranger's patterns.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from index.sources.http_client import AGENT

if TYPE_CHECKING:
    from protego import Protego

MAX_BYTES = 500 * 1024
"""How much of a robots.txt is read; the RFC asks for at least that."""


def crawl_delay(text: str) -> float:
    """Returns how many seconds a robots.txt asks this program to wait between two requests."""
    rules = _parsed(text)
    rate = rules.request_rate(AGENT)
    asked = [rules.crawl_delay(AGENT) or 0.0]
    if rate is not None and rate.requests > 0:
        asked.append(rate.seconds / rate.requests)
    return max((float(delay) for delay in asked if math.isfinite(delay)), default=0.0)


def named_sitemaps(text: str) -> list[str]:
    """Returns the addresses of the sitemaps that a robots.txt names."""
    return list(_parsed(text).sitemaps)


def allowed(text: str, urls: Sequence[str]) -> list[bool]:
    """Tells for each URL whether a robots.txt lets this program fetch it."""
    rules = _parsed(text)
    return [rules.can_fetch(url, AGENT) for url in urls]


@lru_cache(maxsize=8)
def _parsed(text: str) -> Protego:
    from protego import Protego

    return Protego.parse(text)
