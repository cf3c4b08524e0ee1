"""Reads robots.txt files as RFC 9309 says; the only module that imports protego."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from index.sources.http_client import AGENT

if TYPE_CHECKING:
    from protego import Protego

MAX_BYTES = 500 * 1024
"""How much of a robots.txt is read; the RFC asks for at least that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RobotsRules:
    """What a robots.txt says to this program.

    Attributes:
        allowed: Whether the URL in question may be fetched.
        delay: Least seconds between two requests.
        sitemaps: The addresses of the sitemaps that it names.
    """

    allowed: bool
    delay: float
    sitemaps: list[str]


def read_robots(text: str, url: str) -> RobotsRules:
    """Returns what a robots.txt says of a URL; runs in the parser process, as it is untrusted."""
    rules = _parsed(text)
    rate = rules.request_rate(AGENT)
    asked = [float(rules.crawl_delay(AGENT) or 0)]
    asked += [rate.seconds / rate.requests] if rate is not None and rate.requests > 0 else []
    return RobotsRules(
        allowed=rules.can_fetch(url, AGENT),
        delay=max(filter(math.isfinite, asked), default=0.0),
        sitemaps=list(rules.sitemaps),
    )


@lru_cache(maxsize=8)
def _parsed(text: str) -> Protego:
    from protego import Protego

    return Protego.parse(text)
