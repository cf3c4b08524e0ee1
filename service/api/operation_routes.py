"""The route for Prometheus metrics, and what the OpenAPI document says of routes without FastAPI.

These are the probes of liveness and readiness, and the route to which pages report clicks.
"""

import asyncio
from typing import Any, Literal

from fastapi import FastAPI
from fastapi.responses import Response
from pydantic import BaseModel, Field

from service.api.api_models import ApiModel
from service.api.editorial_router import json_body
from service.http.event_route import EVENTS, MAX_BYTES
from service.http.metrics import CONTENT_TYPE, Metrics
from service.http.middleware import LIVEZ, READYZ


class Alive(ApiModel):
    """The answer of ``/livez``: the process is alive."""

    status: Literal["alive"] = "alive"
    """always alive"""


class Ready(ApiModel):
    """The answer of ``/readyz`` if related articles can be served."""

    status: Literal["ready"] = "ready"
    """always ready"""

    build: str
    """the name of the build that is served"""

    articles: int
    """number of articles in the build"""

    age_seconds: int
    """age of the build, in seconds"""

    refused: str | None
    """why a newer build could not be loaded; null if there is none"""

    variant_refused: str | None
    """why the compared variant's build could not be loaded, so that all get the live lists; null
    if there is none"""

    decisions: int
    """version of the editors' decisions"""

    database: str | None
    """why the decision database can't be read; null if it can"""

    snapshot: str | None = Field(
        description="why the copy of the decisions in the root lacks the latest ones (the service "
        "keeps trying to update it); null if it is up to date"
    )

    clicks: str | None = None
    """why counted clicks can't be stored (the service keeps them in memory, within bounds); null
    if they can; only while the setting clicks is on"""


class NotReady(ApiModel):
    """The answer of ``/readyz`` if there is no build to serve, or takedowns can't be read."""

    status: Literal["not ready"] = "not ready"
    """always not ready"""

    reason: str
    """why nothing is served"""


def _json(description: str, model: type[BaseModel]) -> dict[str, Any]:
    schema = {"$ref": f"#/components/schemas/{model.__name__}"}
    return {"description": description, "content": {"application/json": {"schema": schema}}}


PLAIN_ROUTES: dict[str, dict[str, Any]] = {
    EVENTS: {
        "post": {
            "tags": ["site"],
            "operationId": "report_events",
            "summary": "Report which articles of lists readers see and click",
            "description": "A page sends what it has to report when its reader leaves it. Nobody "
            "needs a token: the placement proves that the list was shown. Events that don't count "
            "(forged, of robots, too many from one address) are accepted all the same. At most "
            f"{MAX_BYTES} bytes; the Content-Type may be text/plain too, which spares browsers a "
            "request beforehand.",
            **json_body({"$ref": "#/components/schemas/EventBatch"}),
            "responses": {
                "204": {"description": "The events are taken"},
                "400": {"description": "The body is not UTF-8"},
                "404": {"description": "No clicks are counted here; the setting clicks is off"},
                "415": {"description": "The body has another Content-Type"},
                "422": {"description": "The body is not as described; the answer names the field"},
                "503": {"description": "No build is served now"},
            },
        }
    },
    LIVEZ: {
        "get": {
            "tags": ["operations"],
            "operationId": "livez_livez_get",
            "summary": "Check whether the process is alive",
            "description": "For a supervisor that restarts hanging processes.",
            "responses": {"200": _json("The process is alive", Alive)},
        }
    },
    READYZ: {
        "get": {
            "tags": ["operations"],
            "operationId": "readyz_readyz_get",
            "summary": "Check whether related articles can be served",
            "description": "For a load balancer that sends page views only to processes that can "
            "answer them.",
            "responses": {
                "200": _json("Related articles can be served", Ready),
                "503": _json("Nothing is served", NotReady),
            },
        }
    },
}
"""The operations that are answered without FastAPI, by path and method.

These are those of :class:`service.http.event_route.EventRoute` and
:class:`service.http.middleware.Probes`.
"""


def add_metrics(app: FastAPI, metrics: Metrics) -> None:
    """Adds the route ``/metrics``."""

    @app.head("/metrics", include_in_schema=False)
    @app.get(
        "/metrics",
        tags=["operations"],
        summary="Get the metrics of all workers, for Prometheus",
        response_class=Response,
        responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
    )
    async def show() -> Response:
        """Returns the metrics in the Prometheus text format; all names start with alsolike_."""
        metrics.flush()  # on the event loop, the only thread that may touch the counts
        body = await asyncio.to_thread(metrics.render)
        return Response(body, headers={"content-type": CONTENT_TYPE})
