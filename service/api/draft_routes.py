"""The API route ``POST /v1/related``, which finds related articles for a draft.

Encoding a text uses a whole processor core for a while. So drafts are processed one at a time, off
the event loop, on a low-priority thread. When too many wait, clients get 429 and must wait.
"""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response
from pydantic import ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.types import Scope

from index.query import RelatedQuery
from recommender.errors import ModelError
from service.api.draft_models import DraftRelated, DraftRequest, draft_json
from service.api.editorial_router import json_body
from service.errors import importing
from service.http.clients import Limiter, came_directly, header
from service.http.editorial_context import EditorialContext
from service.http.problems import ProblemError, invalid_body
from service.roles import Role
from service.serving.background import background_thread
from service.serving.serving_view import ServingView

if TYPE_CHECKING:
    from service.curation.text_link_finder import LinkSuggestion
    from service.serving.drafts import DraftRelater, RelatedDraft

T = TypeVar("T")


class DraftQueue:
    """Runs jobs one at a time on a low-priority thread.

    Args:
        size: The largest number of jobs that may wait or run at once.
        seconds: The longest time that a job may take, including waiting, in seconds.
        watch: Called with the number of jobs in the queue whenever it changes.
    """

    def __init__(self, size: int, seconds: float, watch: Callable[[int], None]) -> None:
        self._size = size
        self._seconds = seconds
        self._watch = watch
        self._thread = background_thread("drafts")
        self._lock = threading.Lock()
        self.waiting = 0

    async def run(
        self, work: Callable[[], T], gone: Callable[[], Coroutine[Any, Any, object]]
    ) -> T:
        """Runs a job when its turn comes, and returns its result.

        Args:
            work: The job: a function that is called in the thread; its exceptions are raised here.
            gone: A function that returns a coroutine, which ends when the client disconnects.

        Raises:
            ProblemError: 429 if the queue is full, 503 if the job takes too long or the client
                disconnects.
        """
        job = self._enter(work)
        answer = asyncio.wrap_future(job)
        leaving = asyncio.create_task(gone())
        try:
            either: set[asyncio.Future[Any]] = {answer, leaving}
            await asyncio.wait(either, timeout=self._seconds, return_when=asyncio.FIRST_COMPLETED)
            if answer.done():
                return answer.result()
            if leaving.done():
                raise ProblemError(503, "the client disconnected before the draft was answered")
            raise ProblemError(
                503,
                f"the draft was not answered within {self._seconds:g} s; try a shorter text",
                headers={"Retry-After": str(max(1, self.waiting))},
            )
        finally:
            leaving.cancel()
            answer.cancel()  # removes the job, unless it is running already
            with suppress(asyncio.CancelledError):
                await leaving

    def _enter(self, work: Callable[[], T]) -> Future[T]:
        with self._lock:
            if self.waiting >= self._size:
                raise ProblemError(
                    429,
                    f"{self.waiting} drafts are waiting already; try again later",
                    headers={"Retry-After": str(max(1, self.waiting))},
                )
            self.waiting += 1
            self._watch(self.waiting)
        try:
            job = self._thread.submit(work)
        except BaseException:
            self._leave(None)
            raise
        job.add_done_callback(self._leave)
        return job

    def _leave(self, _: object) -> None:
        with self._lock:
            self.waiting -= 1
            self._watch(self.waiting)


log = logging.getLogger("alsolike")

DRAFT_PROBLEMS: dict[int | str, dict[str, Any]] = {
    401: {"description": "The token is missing or unknown"},
    403: {"description": "Drafts are switched off, or the token's role is too low"},
    413: {"description": "The draft is too large"},
    415: {"description": "The body is not JSON"},
    422: {"description": "A field is invalid; the answer names it"},
    429: {"description": "Too many drafts are waiting, or come from one address"},
    503: {"description": "No build is served, or the model is missing or differs from the build's"},
}
"""What the document says of the errors of a request with a draft."""


class Drafts:
    """Finds related articles for drafts, for the API and the editors' pages.

    Args:
        context: Holds the published build, the settings, and the check of API tokens.
        watch: Called with the number of drafts in the queue whenever it changes.
    """

    def __init__(self, context: EditorialContext, watch: Callable[[int], None]) -> None:
        self._live, self._settings, self._auth = context.live, context.settings, context.auth
        self._context = context
        settings = context.settings
        self._limiter = Limiter(settings.draft_rate)
        self._relater: DraftRelater | None = None
        context.live.forgetful.append(self._forget)
        self.queue = DraftQueue(settings.draft_queue, settings.draft_seconds, watch)

    def admit(self, request: Request) -> None:
        """Checks that drafts are switched on, and that the sender may send one now.

        Raises:
            ProblemError: 401 if a token is missing or unknown, 403 if the sender may not send
                drafts, 429 if the sender has to wait.
        """
        local = self._is_local(request.scope)
        if self._settings.drafts and not (local and not self._settings.read_token):
            self._auth.authorize(request.scope, Role.READ if local else Role.EDITOR)
        self.take(request)

    def take(self, request: Request) -> None:
        """Counts a draft toward the sender's rate limit.

        Raises:
            ProblemError: 403 if drafts are switched off, 429 if the sender has to wait.
        """
        if not self._settings.drafts:
            raise ProblemError(
                403, "drafts are turned off; to accept them, set drafts = true in the settings"
            )
        self._limiter.check(
            self._auth.proxies.client(request.scope),
            f"more than {self._settings.draft_rate} drafts came from your address in a minute; "
            "try again later",
        )

    def _is_local(self, scope: Scope) -> bool:
        """Tells whether only this machine can reach the service.

        That is so if it listens on a loopback address and no proxy forwards requests to it.
        """
        try:
            loopback = ipaddress.ip_address(self._settings.host).is_loopback
        except ValueError:
            loopback = self._settings.host == "localhost"
        return loopback and came_directly(scope) and not self._settings.trusted_proxies

    async def suggest_links(
        self, request: Request, draft: DraftRequest
    ) -> tuple[ServingView, RelatedDraft, list[LinkSuggestion]]:
        """Finds what is related to a draft, and the places in its text where links would fit.

        Arguments and errors are those of :meth:`relate`.

        Returns:
            The two results of :meth:`relate`, and the suggested links.
        """
        served, related = await self.relate(request, draft)

        def suggest() -> list[LinkSuggestion]:
            from service.serving.drafts import read_draft

            return self._context.link_finder(served.build).in_draft(
                served,
                read_draft(draft.fields()),
                related,
                now=self._live.clock(),
                query=draft.query(self._settings.query),
            )

        return served, related, await run_in_threadpool(suggest)

    async def relate(
        self, request: Request, draft: DraftRequest
    ) -> tuple[ServingView, RelatedDraft]:
        """Finds the articles of the live build that are related to a draft.

        Args:
            request: The request of the draft; its body has been read.
            draft: The draft.

        Returns:
            The build that was searched, with the editors' newest decisions, and the draft's related
            articles.

        Raises:
            ProblemError: If the draft can't be answered now.
            NotReadyError: If no build is served.
            AlsoLikeError: If the draft is invalid, or the model or the build can't be used.
        """
        query = draft.query(self._settings.query)
        served, now = self._live.view()
        try:
            related = await self.queue.run(
                lambda: self._relate(served, draft, now, query), lambda: _left(request)
            )
        except ModelError as error:
            log.error("a draft can't be answered: %s", error)
            raise ProblemError(503, str(error)) from error
        newest, now = self._live.view()  # the newest decisions, with the same build
        if newest.build is not served.build:
            newest = ServingView(served.build, newest.state)
        return newest, related.answer(newest, now=now, query=query)

    def _relate(
        self, served: ServingView, draft: DraftRequest, now: int, query: RelatedQuery
    ) -> RelatedDraft:
        with importing("drafts can't be compared"):
            from service.serving.drafts import DraftRelater, read_draft
        if self._relater is None:
            self._relater = DraftRelater(self._settings.model, self._settings.precision)
        try:
            return self._relater.relate(served, read_draft(draft.fields()), now=now, query=query)
        finally:
            if served.build is not self._live.build:  # it was replaced meanwhile
                self._relater.forget()

    def _forget(self) -> None:
        if self._relater is not None:
            self._relater.forget()

    async def read(self, request: Request) -> DraftRequest:
        """Reads and checks the draft in the body of a request.

        Raises:
            ProblemError: If the body is too large or no JSON, or a field is invalid.
        """
        media_type = (header(request.scope, b"content-type") or "").partition(";")[0].strip()
        if media_type.lower() != "application/json":  # other sites' pages can't send it
            raise ProblemError(
                415, f"the Content-Type is {media_type[:80]!r}; it must be application/json"
            )
        body = await request.body()
        if len(body) > 1024 * self._settings.draft_kb:
            limit = self._settings.draft_kb
            raise ProblemError(
                413, f"the draft has over {limit} KiB; shorten it, or raise the setting draft_kb"
            )
        try:
            return DraftRequest.model_validate_json(body)
        except ValidationError as error:
            raise invalid_body(error) from None


async def _left(request: Request) -> None:
    """Waits until the client disconnects, and then returns."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


def drafts_router(drafts: Drafts) -> APIRouter:
    """Returns the route ``POST /v1/related``."""
    router = APIRouter(tags=["editing"])

    @router.post(
        "/v1/related",
        summary="Find related articles for a draft",
        operation_id="related_to_draft",
        response_model=DraftRelated,
        responses=DRAFT_PROBLEMS,
        openapi_extra=json_body({"$ref": "#/components/schemas/DraftRequest"}),
        dependencies=[Depends(drafts.admit)],
    )
    async def related_to_draft(request: Request) -> Response:
        """Returns the list that the draft would get if it were published now. Stores nothing."""
        served, related = await drafts.relate(request, await drafts.read(request))
        body = draft_json(served.build, related)
        headers = {"Vary": "Authorization, Cookie"}
        return Response(body, media_type="application/json", headers=headers)

    return router
