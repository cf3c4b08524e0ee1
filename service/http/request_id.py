"""A name for each request, so that what an answer and a log say can be put together."""

from __future__ import annotations

import contextvars
import itertools
import os
import re

HEADER = b"x-request-id"

current: contextvars.ContextVar[str] = contextvars.ContextVar("request_id", default="")
"""The request at hand, for the log."""

_SANE = re.compile(rb"[A-Za-z0-9._:-]{1,64}")
_started = os.urandom(5).hex().encode()
_numbers = itertools.count(1)


def request_id(given: bytes | None) -> bytes:
    """The name that the client or a proxy gave, if it is short and plain; else a new one."""
    if given is not None and _SANE.fullmatch(given):
        return given
    return b"%b-%x" % (_started, next(_numbers))
