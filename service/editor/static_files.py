"""The stylesheet and the modules: read once, sent as they are, asked for again by digest."""

from __future__ import annotations

import hashlib
import importlib.resources
from dataclasses import dataclass

from fastapi import APIRouter, Request
from starlette.responses import Response

from service.http.headers import by_name, matches

_TYPES = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8"}


@dataclass(frozen=True, slots=True)
class StaticFile:
    """One file, ready to send."""

    content: bytes
    media_type: str
    tag: str


def _read() -> dict[str, StaticFile]:
    found: dict[str, StaticFile] = {}
    for entry in (importlib.resources.files("service") / "static" / "editor").iterdir():
        media_type = _TYPES.get("." + entry.name.rpartition(".")[2])
        if media_type is not None:
            content = entry.read_bytes()
            tag = hashlib.sha256(content).hexdigest()[:16]
            found[entry.name] = StaticFile(content, media_type, f'"{tag}"')
    return found


def static_router() -> APIRouter:
    """Serves the files; browsers ask again each time and are told if nothing changed."""
    files = _read()
    router = APIRouter(include_in_schema=False)

    @router.get("/editor/static/{name}")
    async def static(request: Request, name: str) -> Response:
        file = files.get(name)
        if file is None:
            return Response(status_code=404)
        headers = {
            "ETag": file.tag,
            "Cache-Control": "no-cache",
            "X-Content-Type-Options": "nosniff",
        }
        condition = by_name(request.headers.raw).get(b"if-none-match", b"")
        if matches(condition, file.tag.encode()):
            return Response(status_code=304, headers=headers)
        return Response(file.content, media_type=file.media_type, headers=headers)

    return router
