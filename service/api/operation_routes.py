"""Routes for those who run the service: is it alive, is it ready, what are its figures."""

from __future__ import annotations

import asyncio
from typing import Literal

from fastapi import FastAPI
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, Field

from service.http.metrics import CONTENT_TYPE, Metrics
from service.http.probes import LIVEZ, READYZ, readiness
from service.serving.live import Live


class Alive(BaseModel):
    """The process answers."""

    status: Literal["alive"] = "alive"


class Ready(BaseModel):
    """Related articles can be served."""

    status: Literal["ready"] = "ready"
    build: str
    articles: int
    age_seconds: int = Field(description="since the build was begun")
    refused: str | None = Field(description="why a newer build is not served, if it was refused")
    decisions: int = Field(description="version of the editors' decisions")
    database: str | None = Field(description="why decisions can't be read anew, if they can't")
    snapshot: str | None = Field(
        description="why the latest decisions are not in the root's snapshot, if they are not: "
        "then they would be forgotten if the database went away; it is tried again"
    )


class NotReady(BaseModel):
    """Nothing is served: no build is open, or what was taken down is unknown."""

    status: Literal["not ready"] = "not ready"
    reason: str


def add_operations(app: FastAPI, live: Live) -> None:
    """Add ``/livez`` and ``/readyz`` as :mod:`service.http.probes` answers them."""

    @app.get(LIVEZ, tags=["operations"], summary="Whether the process answers")
    async def livez() -> Alive:
        return Alive()

    @app.get(
        READYZ,
        tags=["operations"],
        summary="Whether related articles can be served, and from which build",
        response_model=Ready,
        responses={503: {"description": "Nothing is served", "model": NotReady}},
    )
    async def readyz() -> JSONResponse:
        status, content = readiness(live)
        return JSONResponse(content, status)


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
        metrics.flush()  # where the counts are kept, as no other thread may
        body = await asyncio.to_thread(metrics.render)
        return Response(body, headers={"content-type": CONTENT_TYPE, "cache-control": "no-store"})
