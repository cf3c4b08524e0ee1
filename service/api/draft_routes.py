"""``POST /v1/related``: what is related to a text that is in no build yet."""

from __future__ import annotations

import contextlib
import ipaddress
import logging
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING

from fastapi import APIRouter, Depends, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from pydantic import ValidationError
from starlette.types import Scope

from index.query import RelatedQuery
from recommender.errors import ModelError
from service.api.draft_models import DraftRelated, DraftRequest, draft_json, request_schema
from service.api.draft_queue import DraftQueue
from service.http.auth import Auth
from service.http.clients import Limiter, Proxies, header
from service.http.problems import ProblemError, not_ready
from service.roles import Role
from service.serving.live import Live
from service.serving.serving_view import ServingView
from service.settings import Settings

if TYPE_CHECKING:
    from service.serving.drafts import DraftAnswer, DraftRelater, RelatedDraft

log = logging.getLogger("alsolike")

_FORWARDED = (b"forwarded", b"x-forwarded-for", b"x-real-ip", b"via")
_HEADERS = {"Cache-Control": "no-store", "Vary": "Authorization, Cookie"}
_PROBLEMS = {
    401: "No token, or one that is unknown",
    403: "Drafts are switched off, or the token's role is too low",
    413: "The draft is too large",
    415: "The body is not JSON",
    422: "A field is wrong; it is named",
    429: "Too many drafts wait already, or come from one address",
    503: "No build is open, or the encoder is missing or another than the build's",
}


class Drafts:
    """Answers drafts.

    Args:
        live: What is served.
        settings: Whether and how drafts are answered, and by which model.
        auth: Says who may send one from elsewhere; nobody may if this is missing.
        watch: Called with the number of waiting drafts whenever it changes.
    """

    def __init__(
        self,
        live: Live,
        settings: Settings,
        auth: Auth | None = None,
        watch: Callable[[int], None] = lambda _: None,
    ) -> None:
        self._live = live
        self._settings = settings
        self._auth = auth
        self._proxies = Proxies(settings.trusted_networks)
        self._limiter = Limiter(settings.draft_rate, 60.0)
        self._relater: DraftRelater | None = None
        live.forgetful.append(self._forget)
        self.queue = DraftQueue(settings.draft_queue, settings.draft_seconds, watch)

    def admit(self, request: Request) -> None:
        """Check that drafts are answered, and that the sender may send one.

        Raises:
            ProblemError: 401, 403 or 429.
        """
        local = self._is_local(request.scope)
        if self._settings.drafts and not (local and not self._settings.read_token):
            if self._auth is None:
                raise ProblemError(403, "drafts are answered on a loopback address only")
            self._auth.authorize(request.scope, Role.READ if local else Role.EDITOR)
        self.take(request)

    def take(self, request: Request) -> None:
        """Count one more draft of the sender, if drafts are answered at all.

        Raises:
            ProblemError: 403 or 429.
        """
        if not self._settings.drafts:
            raise ProblemError(403, "drafts are switched off here: the setting drafts is false")
        wait = self._limiter.take(self._proxies.client(request.scope))
        if wait:
            raise ProblemError(
                429,
                f"over {self._settings.draft_rate} drafts a minute from one address",
                headers={"Retry-After": str(wait)},
            )

    def _is_local(self, scope: Scope) -> bool:
        """Whether the service is bound to this machine, and no proxy opens it to others."""
        try:
            loopback = ipaddress.ip_address(self._settings.host).is_loopback
        except ValueError:
            loopback = self._settings.host == "localhost"
        forwarded = any(name in _FORWARDED for name, _ in scope["headers"])
        return loopback and not forwarded and not self._settings.trusted_proxies

    async def answer(self, request: Request) -> bytes:
        """Answer one request.

        Raises:
            ProblemError: For a request that can't be answered as asked.
            AlsoLikeError: For a draft, a model or a build that is no good.
        """
        served, answer = await self.relate(request, parse_draft(await self._read(request)))
        return draft_json(served.build, answer)

    async def relate(
        self, request: Request, draft: DraftRequest
    ) -> tuple[ServingView, DraftAnswer]:
        """Relate a draft to the live build.

        Args:
            request: Whose draft it is; its body was read.
            draft: The draft.

        Returns:
            The build that it was related to under the newest decisions, and the answer.

        Raises:
            ProblemError: If it can't be answered now.
            AlsoLikeError: For a draft, a model or a build that is no good.
        """
        query, now = draft.query(self._settings.query), self._live.clock()
        served = self._served(now)
        try:
            related = await self.queue.run(
                lambda: self._relate(served, draft, now, query), lambda: _left(request)
            )
        except ModelError as error:
            log.error("a draft was refused: %s", error)
            raise ProblemError(503, str(error)) from error
        now = self._live.clock()
        newest = self._served(now)  # under the newest decisions, but the build it began with
        if newest.build is not served.build:
            newest = ServingView(served.build, newest.state)
        return newest, related.answer(newest, now=now, query=query)

    def _relate(
        self, served: ServingView, draft: DraftRequest, now: int, query: RelatedQuery
    ) -> RelatedDraft:
        from service.serving.drafts import DraftRelater

        if self._relater is None:
            self._relater = DraftRelater(self._settings.model, self._settings.precision)
        return self._relater.relate(served, draft.fields(), now=now, query=query)

    def _forget(self) -> None:
        if self._relater is not None:
            self._relater.forget()

    def _served(self, now: int) -> ServingView:
        generation = self._live.at(now)
        if generation is None:
            raise not_ready()
        return generation.served

    async def _read(self, request: Request) -> bytes:
        media_type = (header(request.scope, b"content-type") or "").partition(";")[0].strip()
        if media_type.lower() != "application/json":  # what no page of another site may send
            raise ProblemError(415, f"the body is {media_type[:80]!r}; it must be application/json")
        body = await request.body()
        if len(body) > 1024 * self._settings.draft_kb:
            limit = self._settings.draft_kb
            raise ProblemError(413, f"the draft has over {limit} KiB, the setting draft_kb")
        return body


def parse_draft(body: bytes) -> DraftRequest:
    """A request's body, checked.

    Raises:
        RequestValidationError: Naming the field that is wrong.
    """
    try:
        return DraftRequest.model_validate_json(body)
    except ValidationError as error:
        problems = error.errors(include_url=False)
        raise RequestValidationError(
            [{**problem, "loc": ("body", *problem["loc"])} for problem in problems]
        ) from None


async def _left(request: Request) -> None:
    """Ends when the client has gone away."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


def drafts_router(drafts: Drafts) -> APIRouter:
    """The route."""

    @contextlib.asynccontextmanager
    async def lifespan(_: object) -> AsyncIterator[None]:
        yield
        drafts.queue.close()

    router = APIRouter(tags=["editing"], lifespan=lifespan)

    @router.post(
        "/v1/related",
        summary="What is related to a text that is in no build",
        operation_id="related_to_draft",
        response_model=DraftRelated,
        responses={
            status: {"description": description} for status, description in _PROBLEMS.items()
        },
        openapi_extra={
            "requestBody": {
                "required": True,
                "content": {"application/json": {"schema": request_schema()}},
            }
        },
        dependencies=[Depends(drafts.admit)],
    )
    async def related_to_draft(request: Request) -> Response:
        """The list that the text would get if it were published now. Nothing of it is stored."""
        body = await drafts.answer(request)
        return Response(body, media_type="application/json", headers=_HEADERS)

    return router
