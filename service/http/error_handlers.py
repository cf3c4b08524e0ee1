"""What goes wrong inside a route, as the one shape that every error has over HTTP."""

from __future__ import annotations

import errno
import logging
from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.requests import Request
from starlette.responses import Response

from index.errors import BuildError, BusyError, DatabaseError, GateError, UnavailableError
from recommender.errors import AlsoLikeError, InputError, NotFoundError
from service.errors import ConflictError, NotReadyError, PublishError, SupersededError
from service.http.problems import MEDIA_TYPE, ProblemError, out_of_files, server_error

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

_RETRY = {"Retry-After": "5"}

_MOST_SHOWN = 80


def add_error_handlers(app: FastAPI) -> None:
    """Answer the project's own errors, and the framework's, as problems."""
    app.add_exception_handler(AlsoLikeError, _on_error)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(OSError, _on_system)


def problem_of(error: AlsoLikeError) -> ProblemError:
    """The problem that an error is over HTTP.

    A fault of a build or of ours stays in the log, as its message names files of the server.
    """
    status = next((code for kind, code in _STATUS.items() if isinstance(error, kind)), 500)
    if status == 500:
        log.error("%s", error)
        return server_error()
    if status == 503 and not isinstance(error, NotReadyError):
        log.error("%s", error)
        if isinstance(error, BuildError):  # it may name a file of ours or a server of operators
            return ProblemError(503, "a part of the service is away; its log says which")
    field = getattr(error, "field", None)
    headers = _RETRY if status == 503 or isinstance(error, BusyError) else None
    return ProblemError(status, str(error), field=field, headers=headers)


async def _on_error(_: Request, error: Exception) -> Response:
    assert isinstance(error, AlsoLikeError)  # noqa: S101 - registered for this type only
    return _answer(problem_of(error))


async def _on_system(_: Request, error: Exception) -> Response:
    if getattr(error, "errno", None) not in (errno.EMFILE, errno.ENFILE):
        raise error
    log.error("%s", error)
    return _answer(out_of_files())


async def _on_invalid(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for this type only
    return _answer(_invalid(error.errors()[0]))


def _invalid(first: Mapping[str, Any]) -> ProblemError:
    place, *path = first["loc"]
    field = ".".join(str(part) for part in path)[:_MOST_SHOWN]
    if first["type"] == "json_invalid":
        return ProblemError(422, f"the body is not JSON: {first['ctx']['error']}")
    if first["type"] == "missing":
        named = f"the parameter {field}" if place != "body" else field or "the body"
        return ProblemError(422, f"{named} is missing", field=field or None)
    given = repr(first["input"])
    if len(given) > _MOST_SHOWN:
        given = f"{given[:_MOST_SHOWN]}…"
    return ProblemError(
        422, f"{field or 'the body'} is {given}: {first['msg']}", field=field or None
    )


def _answer(problem: ProblemError) -> Response:
    return Response(problem.body(), problem.status, problem.headers, media_type=MEDIA_TYPE)
