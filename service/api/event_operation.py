"""The description of ``POST /v1/events`` for the OpenAPI document."""

from typing import Any

from service.http.event_route import MAX_BYTES

EVENT_OPERATION: dict[str, Any] = {
    "tags": ["site"],
    "operationId": "report_events",
    "summary": "Report which articles of lists readers see and click",
    "description": "A page sends what it has to report when its reader leaves it. Nobody needs a "
    "token: the placement proves that the list was shown. Events that don't count (forged, of "
    f"robots, too many from one address) are accepted all the same. At most {MAX_BYTES} bytes; the "
    "Content-Type may be text/plain too, which spares browsers a request beforehand.",
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/EventBatch"}}},
    },
    "responses": {
        "204": {"description": "The events are taken"},
        "400": {"description": "The body is not UTF-8"},
        "404": {"description": "No clicks are counted here; the setting clicks is off"},
        "413": {"description": "The body is too large"},
        "415": {"description": "The body has another Content-Type"},
        "422": {"description": "The body is not as described; the answer names the field"},
        "503": {"description": "No build is served now"},
    },
}
"""The operation that :class:`service.http.event_route.EventRoute` answers."""
