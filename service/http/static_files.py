"""Serves stylesheets and scripts, which are read once at the start and sent with an ETag."""

import hashlib
import importlib.resources
from collections.abc import Mapping
from importlib.resources.abc import Traversable
from typing import Any

from fastapi import APIRouter, FastAPI, Request
from starlette.responses import Response

from service.http.headers import by_name, matches

MEDIA_TYPES = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8"}
STATIC = importlib.resources.files("service") / "static"
"""The folder that holds the stylesheets and scripts."""

LOOK = importlib.resources.files("index") / "templates" / "look.css"
"""The stylesheet of all pages, of which a build's report has a copy."""


def add_static_file(
    router: APIRouter | FastAPI,
    path: str,
    file: Traversable,
    headers: Mapping[str, str],
    without: bytes = b"",
    **documented: Any,
) -> None:
    """Adds a route that sends a file, or answers 304 if the client already has it.

    Args:
        router: The router that gets the route.
        path: The path of the URL that clients request.
        file: The stylesheet or script to send; it is read now, not at each request.
        headers: Further headers of every response, such as ``Cache-Control``.
        without: Bytes that are cut out of the file's content wherever they occur.
        **documented: How the OpenAPI document describes the route, as for ``router.get``.
    """
    content = file.read_bytes().replace(without, b"") if without else file.read_bytes()
    media_type = MEDIA_TYPES["." + file.name.rpartition(".")[2]]
    tag = f'"{hashlib.sha256(content).hexdigest()[:16]}"'
    always = {**headers, "ETag": tag}

    @router.head(path, include_in_schema=False)
    @router.get(path, **documented)
    async def static_file(request: Request) -> Response:
        condition = by_name(request.headers.raw).get(b"if-none-match", b"")
        if matches(condition, tag.encode()):
            return Response(status_code=304, headers=always)
        return Response(content, media_type=media_type, headers=always)
