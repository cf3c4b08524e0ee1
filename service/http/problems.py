"""Errors over HTTP: one JSON shape for all (RFC 9457, problem details)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from starlette.types import Send

MEDIA_TYPE = "application/problem+json"

_RETRY = {"Retry-After": "5"}


class ProblemError(Exception):
    """A request that can't be answered; sent as problem details.

    Args:
        status: HTTP status.
        detail: What is wrong, with the value at fault and the remedy.
        field: The parameter at fault, if there is one.
        headers: Further headers of the answer, such as ``Retry-After``.
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

    async def send(self, send: Send) -> None:
        """Send the answer over ASGI."""
        headers, body = self.response()
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    def response(self, *, as_html: bool = False) -> tuple[list[tuple[bytes, bytes]], bytes]:
        """Headers and body of the answer.

        Args:
            as_html: For a server-side include, which would put a body into the page: it gets none.
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
    """An unknown or an invisible article: one answer for both keeps a draft's id secret."""
    return ProblemError(404, "there is no such article, or it is not visible")


def not_ready() -> ProblemError:
    """Nothing is served now; the reason is for operators."""
    return ProblemError(503, "not ready; /readyz says why", headers=_RETRY)


def server_error() -> ProblemError:
    """A fault of the service; the cause stays in its log."""
    return ProblemError(500, "the service failed to answer; its log says why")


def out_of_files() -> ProblemError:
    """No file can be opened now, as too many are open; a later request will succeed."""
    return ProblemError(503, "the service can't open more files now; ask again", headers=_RETRY)
