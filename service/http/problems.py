"""HTTP errors, all sent in the same JSON shape: problem details (RFC 9457)."""

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from pydantic import ValidationError
from starlette.types import Send

from service.http.headers import Header
from service.invalid_values import describe_invalid

MEDIA_TYPE = "application/problem+json"

_MAX_SHOWN = 80

RETRY = {"Retry-After": "5"}


async def send_response(send: Send, status: int, headers: list[Header], body: bytes = b"") -> None:
    """Sends a whole response over ASGI."""
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


class ProblemError(Exception):
    """An HTTP error, sent as JSON in the form "problem details" (RFC 9457).

    Args:
        status: The HTTP status.
        detail: A sentence that says what is wrong and what to do.
        field: The parameter at fault, if there is one.
        headers: Further headers of the response, such as ``Retry-After``.
        **more: Further fields of the JSON object, such as the current state after a conflict.
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

    async def send(self, send: Send) -> None:
        """Sends this error as the response to a request, over ASGI."""
        headers, body = self.response()
        await send_response(send, self.status, headers, body)

    def response(self, *, as_html: bool = False) -> tuple[list[tuple[bytes, bytes]], bytes]:
        """Returns the headers and the body of the response that reports this error.

        Args:
            as_html: Whether the request asked for HTML. Then the body is empty, because a
                server-side include would show the error in the reader's page.
        """
        body = b"" if as_html else self.body()
        headers = [
            (b"content-type", b"text/html; charset=utf-8" if as_html else MEDIA_TYPE.encode()),
            (b"content-length", b"%d" % len(body)),
            (b"cache-control", b"no-store"),  # an article that is missing now may appear soon
            (b"x-content-type-options", b"nosniff"),
        ]
        for name, value in (self.headers or {}).items():
            headers.append((name.lower().encode(), value.encode()))
        return headers, body

    def body(self) -> bytes:
        """Returns this error as the JSON body of a response, in UTF-8."""
        problem: dict[str, Any] = {
            "type": "about:blank",
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": self.detail,
        }
        if self.field is not None:
            problem["field"] = self.field
        text = json.dumps(problem | self.more, ensure_ascii=False)
        return text.encode(errors="replace")  # UTF-8 can't encode lone surrogates in quoted input


def invalid_input(first: Mapping[str, Any]) -> ProblemError:
    """Returns the HTTP error (422) for a request in which pydantic found an invalid value.

    Args:
        first: The first of the errors that pydantic found, as ``ValidationError.errors`` lists
            them; its ``loc`` begins with the part of the request, such as ``body``. FastAPI's of a
            body that is no JSON has only a number there, so ``body`` is the text itself.
    """
    part, *path = first["loc"]
    field = ".".join(str(part) for part in path)[:_MAX_SHOWN]
    if first["type"] == "json_invalid":
        reason = str(first["ctx"]["error"])
        if path:
            before = str(first["body"])[: path[0]]
            line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
            reason = f"{reason[:1].lower()}{reason[1:]} at line {line} column {column}"
        return ProblemError(422, f"the body is not JSON: {reason}")
    if first["type"] == "missing":
        named = f"the parameter {field}" if part != "body" else field or "the body"
        return ProblemError(422, f"{named} is missing", field=field or None)
    if isinstance(first["input"], bytes):
        return ProblemError(422, "the body needs the header Content-Type: application/json")
    if first["type"] == "extra_forbidden":
        return ProblemError(422, f"there is no field {field}; leave it out", field=field)
    given = repr(first["input"])
    if len(given) > _MAX_SHOWN:
        given = f"{given[:_MAX_SHOWN]}…"
    said = describe_invalid(first)
    it = "it " if said.startswith("must ") else ""
    return ProblemError(422, f"{field or 'the body'} is {given}: {it}{said}", field=field or None)


def invalid_body(error: ValidationError) -> ProblemError:
    """Returns the HTTP error (422) for a JSON body that a route has parsed itself."""
    first = error.errors(include_url=False)[0]
    return invalid_input({**first, "loc": ("body", *first["loc"])})


def unreadable_body(cause: Exception) -> ProblemError:
    """Returns the HTTP error (400) for a body in which not even the place of a mistake is known.

    Args:
        cause: The error that the JSON parser raised.
    """
    reason = "a number in it is too long"
    if isinstance(cause, UnicodeDecodeError):
        reason = f"it is not UTF-8 at byte {cause.start + 1}"
    elif isinstance(cause, RecursionError):
        reason = "it is nested too deeply"
    return ProblemError(400, f"the body is not JSON: {reason}")


def not_found() -> ProblemError:
    """Returns the error for an article that is unknown or that readers may not see.

    Both get the same error, so that nobody can find out which ids exist.
    """
    return ProblemError(404, "there is no such article, or readers may not see it")


def not_ready() -> ProblemError:
    """Returns the error for every request while the service has no build to serve."""
    detail = "no related articles can be served now; /readyz says why"
    return ProblemError(503, detail, headers=RETRY)


def server_error() -> ProblemError:
    """Returns the error for a fault of the service; only the log says what went wrong."""
    return ProblemError(500, "the service failed to answer; its log says why")


def out_of_files() -> ProblemError:
    """Returns the error for requests that come when the process can't open any more files."""
    return ProblemError(503, "the service has too many open files; try again later", headers=RETRY)
