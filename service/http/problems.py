"""Errors over HTTP: one JSON shape for all (RFC 9457, problem details)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

MEDIA_TYPE = "application/problem+json"


class ProblemError(Exception):
    """A request that can't be answered as asked.

    Args:
        status: HTTP status.
        detail: What is wrong, with the value at fault and the remedy.
        field: The parameter at fault, if it is one.
        headers: Of the answer, such as ``Retry-After``.
        **more: Further members of the problem, such as the state that a write conflicts with.
    """

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        field: str | None = None,
        headers: Mapping[str, str] | None = None,
        **more: Any,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.field = field
        self.headers = headers
        self.more = more

    def raw_headers(self) -> list[tuple[bytes, bytes]]:
        """:attr:`headers` as ASGI has them."""
        headers = self.headers or {}
        return [(name.lower().encode(), value.encode()) for name, value in headers.items()]

    def response(self, *, as_html: bool = False) -> tuple[list[tuple[bytes, bytes]], bytes]:
        """Headers and body of the answer, for those who send it themselves.

        Args:
            as_html: For an include, which puts a body into a page as it is: it gets none.
        """
        body = b"" if as_html else self.body()
        headers = [
            (b"content-type", b"text/html; charset=utf-8" if as_html else MEDIA_TYPE.encode()),
            (b"content-length", b"%d" % len(body)),
            (b"cache-control", b"no-store"),  # an article may become visible the next moment
            (b"x-content-type-options", b"nosniff"),
        ]
        return headers + self.raw_headers(), body

    def body(self) -> bytes:
        """The answer's bytes."""
        problem: dict[str, Any] = {
            "type": "about:blank",
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": self.detail,
        }
        if self.field is not None:
            problem["field"] = self.field
        text = json.dumps(problem | self.more, ensure_ascii=False)
        return text.encode(errors="replace")  # a lone surrogate in what it quotes


def not_found() -> ProblemError:
    """The same answer for an unknown and for an invisible article: a draft's id stays secret."""
    return ProblemError(404, "there is no such article, or it is not visible")


def server_error() -> ProblemError:
    """A fault of ours; what it was stays in the log."""
    return ProblemError(500, "the service failed to answer; its log says why")


def out_of_files() -> ProblemError:
    """No file can be opened now, as too many are open; what was asked for is done later."""
    return ProblemError(
        503,
        "the service can't open more files now; ask again",
        headers={"Retry-After": "5"},
    )
