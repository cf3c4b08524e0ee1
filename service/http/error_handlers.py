"""Turns the exceptions of routes into HTTP error responses.

All have one JSON shape, problem details (RFC 9457), but for people: a browser that opens an address
outside the API gets a page.
"""

import errno
import logging
import re
import time
from collections.abc import Callable, Mapping
from functools import partial

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from index.errors import BuildError, BusyError, DatabaseError, GateError, UnavailableError
from recommender.errors import AlsoLikeError, InputError, NotFoundError
from service.errors import (
    ConflictError,
    NotReadyError,
    PublishError,
    SupersededError,
    missing_package,
)
from service.http.problems import (
    MEDIA_TYPE,
    RETRY,
    ProblemError,
    invalid_input,
    out_of_files,
    server_error,
    unreadable_body,
)

log = logging.getLogger("alsolike")

_STATUS: Mapping[type[AlsoLikeError], int] = {
    InputError: 422,
    NotReadyError: 503,
    NotFoundError: 404,
    SupersededError: 409,
    ConflictError: 412,
    GateError: 409,
    BusyError: 409,
    PublishError: 409,
    UnavailableError: 503,
    DatabaseError: 503,
    BuildError: 503,
}


_NO_JSON = re.compile("not JSON|not a JSON object|not valid UTF-8")
"""Finds the errors about a body that can't be parsed, of which the Content-Encoding may be why."""

_SILENT_SECONDS, _MAX_KNOWN = 60.0, 100
_silent_until: dict[str, float] = {}
"""Until when a fault that requests met is not logged again, by its message."""

ErrorPage = Callable[[ProblemError], Response]
"""A function that shows an error to a person, as HTML."""


def add_error_handlers(app: FastAPI, error_page: ErrorPage) -> None:
    """Makes the app turn every exception that a route raises into an HTTP error response.

    Args:
        app: The app.
        error_page: Shows the error to whoever opened an address in a browser; all others, and all
            of the API, get problem details as JSON.
    """
    expected = (ProblemError, AlsoLikeError, RequestValidationError, HTTPException)
    for kind in (*expected, OSError, ModuleNotFoundError):
        app.add_exception_handler(kind, partial(_on_error, error_page))
    app.add_exception_handler(Exception, _on_bug)


async def _on_error(error_page: ErrorPage, request: Request, error: Exception) -> Response:
    match error:
        case ProblemError():
            problem = error
        case AlsoLikeError():
            problem = problem_of(error)
        case RequestValidationError():
            first = error.errors()[0]
            problem = invalid_input({**first, "body": error.body})
        case HTTPException(status_code=400, __cause__=ValueError() | RecursionError() as cause):
            problem = unreadable_body(cause)
        case HTTPException():
            detail = str(error.detail)
            if error.status_code == 404:
                prefix, path = request.scope["root_path"], request.scope["path"][:80]
                detail = f"there is nothing at {prefix}{path}; {prefix}/docs lists all addresses"
            problem = ProblemError(error.status_code, detail, headers=error.headers)
        case ModuleNotFoundError():
            log.error("%s", error)
            problem = ProblemError(503, missing_package(error))
        case OSError(errno=errno.EMFILE | errno.ENFILE):
            log.error("%s", error)
            problem = out_of_files()
        case _:
            raise error
    _name_coding(problem, request)
    accepts_html = "text/html" in request.headers.get("accept", "")
    if accepts_html and not request.scope["path"].startswith("/v1/"):
        return error_page(problem)
    return _answer(problem)


def _name_coding(problem: ProblemError, request: Request) -> None:
    """Names a body's Content-Encoding, if it may be why the body can't be parsed."""
    coding = request.headers.get("content-encoding", "identity")
    if coding.lower() != "identity" and _NO_JSON.search(problem.detail):
        problem.detail += (
            f"; its Content-Encoding is {coding[:40]!r}, but this service decodes none: send it as "
            "it is"
        )


async def _on_bug(_: Request, __: Exception) -> Response:
    return _answer(server_error())


def _answer(problem: ProblemError) -> Response:
    return Response(problem.body(), problem.status, problem.headers, media_type=MEDIA_TYPE)


def _log_at_times(message: str) -> None:
    """Logs a fault, unless another request met the same one within the last minute."""
    now = time.monotonic()
    if now >= _silent_until.get(message, 0.0):
        if len(_silent_until) >= _MAX_KNOWN:
            _silent_until.clear()
        log.error("%s", message)
    _silent_until[message] = now + _SILENT_SECONDS


def problem_of(error: AlsoLikeError) -> ProblemError:
    """Returns the HTTP error that stands for one of the project's exceptions.

    If a database, a file of the build or the service itself is at fault, the exception's message
    may name files and servers. Then it is logged, and the client gets a general message.
    """
    status = next((code for kind, code in _STATUS.items() if isinstance(error, kind)), 500)
    if status == 500:
        log.error("%s", error)
        return server_error()
    if isinstance(error, DatabaseError):
        if str(error) != error.public:
            _log_at_times(str(error))
        return ProblemError(503, error.public, headers=RETRY)
    if status == 503 and not isinstance(error, NotReadyError):
        _log_at_times(str(error))
        if isinstance(error, BuildError):  # whose message may name a file or another server
            return ProblemError(
                503, "a part of the service is unavailable; the service's log says which"
            )
    field = getattr(error, "field", None) or None
    headers = RETRY if status == 503 or isinstance(error, BusyError) else None
    return ProblemError(status, str(error), field=field, headers=headers)
