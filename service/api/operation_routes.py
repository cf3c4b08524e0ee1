"""Routes for those who run the service: is it alive, is it ready, what are its figures."""

from __future__ import annotations

import asyncio
from typing import Any, Literal

from fastapi import FastAPI
from fastapi.responses import Response
from pydantic import BaseModel, Field

from service.http.metrics import CONTENT_TYPE, Metrics
from service.http.middleware import LIVEZ, READYZ


class Alive(BaseModel):
    """The process answers."""

    status: Literal["alive"] = Field("alive", description="always alive")


class Ready(BaseModel):
    """Related articles can be served."""

    status: Literal["ready"] = Field("ready", description="always ready")
    build: str = Field(description="the name of the build that is served")
    articles: int = Field(description="articles of the build")
    age_seconds: int = Field(description="since the build was begun")
    refused: str | None = Field(description="why a newer build is not served, if it was refused")
    decisions: int = Field(description="version of the editors' decisions")
    database: str | None = Field(description="why decisions can't be read anew, if they can't")
    snapshot: str | None = Field(
        description="why the latest decisions are not in the root's snapshot, if they are not: "
        "they would be lost with the database; it is tried again"
    )


class NotReady(BaseModel):
    """Nothing is served: no build is open, or what was taken down is unknown."""

    status: Literal["not ready"] = Field("not ready", description="always not ready")
    reason: str = Field(description="why nothing is served")


def _json(description: str, model: type[BaseModel]) -> dict[str, Any]:
    schema = {"$ref": f"#/components/schemas/{model.__name__}"}
    return {"description": description, "content": {"application/json": {"schema": schema}}}


PROBES: dict[str, dict[str, Any]] = {
    LIVEZ: {
        "tags": ["operations"],
        "operationId": "livez_livez_get",
        "summary": "Whether the process answers",
        "description": "For a supervisor that restarts a process which hangs.",
        "responses": {"200": _json("It does", Alive)},
    },
    READYZ: {
        "tags": ["operations"],
        "operationId": "readyz_readyz_get",
        "summary": "Whether related articles can be served, and from which build",
        "description": "For a load balancer that sends page views only to processes that can "
        "answer them.",
        "responses": {
            "200": _json("They can", Ready),
            "503": _json("Nothing is served", NotReady),
        },
    },
}
"""The operations that :class:`service.http.middleware.Probes` answers, by path; all are GET."""


def add_metrics(app: FastAPI, metrics: Metrics) -> None:
    """Add ``/metrics``."""

    @app.get(
        "/metrics",
        tags=["operations"],
        summary="Figures of all workers, for Prometheus",
        response_class=Response,
        responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
    )
    async def show() -> Response:
        """Counts and gauges in the Prometheus text format; each name begins with alsolike_."""
        metrics.flush()  # where the counts are kept, as no other thread may
        body = await asyncio.to_thread(metrics.render)
        return Response(body, headers={"content-type": CONTENT_TYPE, "cache-control": "no-store"})
