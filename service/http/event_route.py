"""The route to which pages report what readers see of their lists and click: ``POST /v1/events``.

It bypasses FastAPI, since it is called nearly as often as lists are. What it needs of a request's
headers is looked at here and goes no further: whether to count at all, and the sender's address,
which the bounds know only as a hash.
"""

import re
from collections.abc import Mapping
from types import SimpleNamespace

from pydantic import ValidationError
from starlette.types import ASGIApp, Receive, Scope, Send

from service.clicks.click_counter import ClickCounter
from service.clicks.click_events import EventBatch, Outcome
from service.http.clients import Proxies, network_of
from service.http.headers import Cors, by_name
from service.http.problems import ProblemError, invalid_body, not_ready, send_response
from service.http.request_limits import has_body
from service.serving.live import Live
from service.settings import Settings

EVENTS = "/v1/events"

MAX_BYTES = 16 * 1024
"""The longest report, in bytes."""

_TYPES = (b"text/plain", b"application/json")

_ROBOT = re.compile(
    rb"(?<!cu)bot|crawl|spider|slurp|headless|phantom|puppeteer|playwright|selenium|lighthouse"
    rb"|pagespeed|preview|monitor|uptime|pingdom|scrap|archiver|facebookexternalhit|validator"
    rb"|curl|wget|python|aiohttp|httpx|libwww|http-?client|go-http|java/|ruby|axios|node-fetch"
    rb"|undici|perl|php/",
    re.IGNORECASE,
)
"""Words in the ``User-Agent`` of programs that read pages without a reader. Cubot makes phones."""

_EARLY = (b"sec-purpose", b"purpose", b"x-moz", b"x-purpose")
"""Headers by which browsers say that they load a page before anyone asks for it."""


class EventRoute:
    """ASGI app that counts the views and clicks that pages report to ``/v1/events``.

    Args:
        app: The app that answers all other requests.
        live: Holds the published build, which the service serves.
        settings: The effective settings.
        counter: Counts the events; ``None`` while the setting ``clicks`` is off.
    """

    def __init__(
        self, app: ASGIApp, live: Live, settings: Settings, counter: ClickCounter | None
    ) -> None:
        self._app = app
        self._live = live
        self._counter = counter
        self._respects = settings.respect_do_not_track
        self._cors = Cors(settings.cors_origins)
        self._proxies = Proxies(settings.trusted_networks)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Counts the events that a request reports; passes any other request to the app."""
        if scope["type"] != "http" or scope["path"] != EVENTS:
            await self._app(scope, receive, send)
            return
        scope["route"] = SimpleNamespace(path=EVENTS)  # as Starlette's, for the metrics
        named = by_name(scope["headers"])
        headers = [*self._cors.vary(), *self._cors.always, *self._cors.allow(named)]
        status, body = 204, b""
        try:
            if self._counter is None:
                raise ProblemError(
                    404,
                    "this service counts no clicks; to count them, set clicks = true in the "
                    "settings",
                )
            if scope["method"] == "OPTIONS":
                headers = self._cors.preflight(named, b"POST")
            elif scope["method"] == "POST":
                message = await receive() if has_body(scope) else {}
                self._take(self._counter, message.get("body", b""), named, scope)
            else:
                raise ProblemError(
                    405, "use POST to report events", headers={"Allow": "POST, OPTIONS"}
                )
        except ProblemError as problem:
            more, body = problem.response()
            status, headers = problem.status, headers + more
        await send_response(send, status, headers, body)

    def _take(
        self, counter: ClickCounter, body: bytes, named: Mapping[bytes, bytes], scope: Scope
    ) -> None:
        """Reads a report and counts it.

        Raises:
            ProblemError: If it can't be read, or no build is live.
        """
        kind = named.get(b"content-type", _TYPES[0]).partition(b";")[0].strip().lower()
        if kind not in _TYPES:
            raise ProblemError(
                415, "the Content-Type must be text/plain or application/json, and the body JSON"
            )
        if len(body) > MAX_BYTES:
            raise ProblemError(413, f"the body has over {MAX_BYTES} bytes; send fewer events")
        try:
            batch = EventBatch.model_validate_json(body.decode())
        except UnicodeDecodeError:
            raise ProblemError(400, "the body is not UTF-8; send JSON in UTF-8") from None
        except ValidationError as error:
            raise invalid_body(error) from None
        build = self._live.build
        if build is None:
            raise not_ready()
        address = network_of(self._proxies.client(scope))
        refusal = self._refusal(named)
        counter.count(batch.events, address, build, self._live.comparison, refusal)

    def _refusal(self, named: Mapping[bytes, bytes]) -> Outcome | None:
        """Returns why a sender's events don't count; ``None`` if they may."""
        if self._respects and b"1" in (named.get(b"dnt"), named.get(b"sec-gpc")):
            return Outcome.OPTED_OUT
        agent = named.get(b"user-agent", b"")
        early = any(b"pre" in named.get(name, b"") for name in _EARLY)  # prefetch, preview, …
        if early or not agent or _ROBOT.search(agent):
            return Outcome.ROBOT
        origin = named.get(b"origin", b"")
        if self._cors.narrow and not self._cors.allow(named):
            here = origin.partition(b"://")[2]
            if not here or here != named.get(b"host"):
                return Outcome.FOREIGN
        return None
