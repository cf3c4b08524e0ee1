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
