"""API routes by which a site's own programs push articles, and follow where a push stands."""

import json
from collections.abc import Callable, Sequence
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Depends, Request, Response
from pydantic import Field

from index.articles.record import RecordProblem
from recommender.errors import ArticleError
from service.api.api_models import ApiModel, Problem, RequestModel
from service.api.editorial_router import PAGE, After, Id, json_body, make_router, problems
from service.curation.pushed_articles import PushedArticles, PushState, Standing
from service.decisions.decision_store import Actor
from service.decisions.pushed_statements import NewStatement
from service.http.auth import Identity
from service.http.clients import Limiter
from service.http.editorial_context import EditorialContext
from service.http.error_handlers import problem_of
from service.http.timestamps import Timestamp, format_timestamp
from service.roles import Role

MAX_STATEMENTS = 100
_MOST_NOTES = 20


class PushNote(ApiModel):
    """A fault in a pushed record: which field was left out or repaired, and why."""

    field: str
    message: str


class PushStatus(ApiModel):
    """The newest push about an article, and whether a build holds it yet."""

    id: str
    """the article's id"""

    number: int
    """grows with every push; the same record again keeps its number"""

    gone: bool
    """whether the push says that the article is gone"""

    state: PushState
    """received: on disk; built: in a build that is not live; live: in the live build; refused"""

    reason: str | None
    """why the push was refused; null if it was not"""

    received: Timestamp
    by: str
    """the name of the token"""

    build: str | None
    """the name of the build that holds the pushed record; null if none does"""

    since: str | None
    """when that build was made"""

    lists: list[str]
    """ids of articles whose lists the push changes, as far as known: its own article, and those
    whose lists show it"""


class PushAnswer(PushStatus):
    """The answer to a push: how far it has come, and what is wrong with its record."""

    notes: list[PushNote]
    """what was left out of the record or repaired"""


class PushStatement(RequestModel):
    """A push about one article of a batch: its record, or that it is gone."""

    id: str
    """the article's id"""

    record: dict[str, Any] | None
    """the article's record; null if the article is gone"""


class PushBatch(RequestModel):
    """Pushes about several articles in one request."""

    statements: Annotated[list[PushStatement], Field(min_length=1, max_length=MAX_STATEMENTS)]
    """the pushes, stored in this order; one that is invalid does not prevent the others"""


class PushResult(ApiModel):
    """The outcome of one push of a batch."""

    id: str
    status: int
    """202 if the push is stored, 422 if it is invalid"""

    answer: PushAnswer | None = None
    """as for a single push, if the status is 202"""

    problem: Problem | None = None
    """the error, if the status is 422"""


class PushBatchAnswer(ApiModel):
    """One result for each push of a batch, in the order of the request."""

    results: list[PushResult]


class PushedAnswer(ApiModel):
    """A page of the pushes that are still kept, in the order of their numbers."""

    items: list[PushStatus]
    next: int | None
    """the value of after to get the next page; null on the last page"""


_RECORD = {
    "type": "object",
    "required": ["title"],
    "properties": {"title": {"type": "string", "description": "never empty"}},
    "description": "a record as docs/sources.md describes it: title, url, summary or sections, …",
}


PushLimit = Callable[[Request], None]


def make_push_limit(context: EditorialContext) -> PushLimit:
    """Returns a FastAPI dependency that counts a push toward the limit of the client that sends it.

    It raises a :class:`ProblemError` with status 429 if the sender has to wait.
    """
    rate = context.settings.push_rate
    limiter = Limiter(rate)

    def take(request: Request) -> None:
        limiter.check(
            context.auth.proxies.client(request.scope),
            f"more than {rate} pushes came from your address in a minute: send several in one "
            "batch, or raise the setting push_rate",
        )

    return take


async def body_of(request: Request) -> bytes:
    """FastAPI dependency that returns a request's body as it was received."""
    return await request.body()


def push_router(context: EditorialContext, pushes: PushedArticles, limit: PushLimit) -> APIRouter:
    """Returns the routes by which articles are pushed."""
    publisher = context.auth.require(Role.PUBLISHER)
    router = make_router("publishing", publisher)
    limited = [Depends(publisher), Depends(limit)]

    @router.put(
        "/articles",
        status_code=202,
        summary="Push an article's record",
        description="The record is read like those of any source. When the request is answered, "
        "it is on disk; the next build takes it. A record that says that the article is not "
        "published takes the article down at once; the next record that publishes the article "
        "lifts the takedown.",
        dependencies=limited,
        openapi_extra=json_body(_RECORD),
    )
    def put_article(
        id: Id,
        response: Response,
        body: bytes = Depends(body_of),
        identity: Identity = Depends(publisher),
    ) -> PushAnswer:
        statement, notes = pushes.read(id, body)
        return accepted(response, pushes.put(identity, [statement])[0], notes)

    @router.delete(
        "/articles",
        status_code=202,
        summary="Push that an article is gone",
        description="The article is taken down at once, and the next build leaves it out, as long "
        "as a source still has it. To bring it back, push its record.",
        dependencies=limited,
    )
    def delete_article(
        id: Id, response: Response, identity: Identity = Depends(publisher)
    ) -> PushAnswer:
        statement, _ = pushes.read(id, None)
        return accepted(response, pushes.put(identity, [statement])[0])

    @router.post(
        "/articles/batch",
        status_code=202,
        summary="Push up to 100 articles",
        description="The valid pushes are stored together; the answer has a result for each push.",
        dependencies=limited,
    )
    def push_batch(batch: PushBatch, identity: Identity = Depends(publisher)) -> PushBatchAnswer:
        return PushBatchAnswer(results=_push(pushes, identity, batch.statements))

    @router.get(
        "/articles/status",
        summary="See whether a push is live yet",
        description="Follow the Location of a push until its state is live or refused.",
        responses=problems(404),
    )
    def status(id: Id) -> PushStatus:
        return PushStatus(**_values(pushes.standing(id)))

    @router.get(
        "/articles/pushed",
        summary="List the pushes that are still kept, a thousand per page",
        description="In the order of their numbers. A push is dropped once a source has caught up "
        "with it.",
    )
    def pushed(after: After = 0) -> PushedAnswer:
        found = pushes.waiting(after, PAGE)
        following = found[-1].statement.number if len(found) == PAGE else None
        return PushedAnswer(items=[PushStatus(**_values(each)) for each in found], next=following)

    return router


def _push(
    pushes: PushedArticles, actor: Actor, statements: Sequence[PushStatement]
) -> list[PushResult]:
    results: list[PushResult] = []
    given: list[tuple[NewStatement, list[RecordProblem]]] = []
    for one in statements:
        try:
            given.append(pushes.read(one.id, one.record))
        except ArticleError as error:
            problem = json.loads(problem_of(error).body())
            given_id = one.id.encode(errors="replace").decode()  # it may be invalid Unicode
            results.append(PushResult(id=given_id, status=422, problem=Problem(**problem)))
        else:
            results.append(PushResult(id=one.id, status=202))
    stored = pushes.put(actor, [statement for statement, _ in given])
    valid = (result for result in results if result.status == 202)
    for result, found, (_, notes) in zip(valid, stored, given, strict=True):
        result.answer = _answer(found, notes)
    return results


def accepted(
    response: Response, stored: Standing, notes: Sequence[RecordProblem] = ()
) -> PushAnswer:
    """Returns the answer to a push that was stored.

    Args:
        response: The response, which gets the header ``Location``: the URL that says later whether
            the push is in the live build.
        stored: The push as it is stored.
        notes: The fields of the pushed record that were left out or repaired.
    """
    found = quote(stored.statement.article_id, safe="")
    response.headers["Location"] = f"/v1/articles/status?id={found}"
    return _answer(stored, notes)


def _answer(found: Standing, notes: Sequence[RecordProblem] = ()) -> PushAnswer:
    told = [PushNote(field=one.field, message=one.message) for one in notes[:_MOST_NOTES]]
    return PushAnswer(**_values(found), notes=told)


def _values(found: Standing) -> dict[str, Any]:
    statement = found.statement
    return {
        "id": statement.article_id,
        "number": statement.number,
        "gone": statement.record is None,
        "state": found.state,
        "reason": statement.refused,
        "received": format_timestamp(statement.received),
        "by": statement.who,
        "build": None if found.build is None else found.build.name,
        "since": None if found.build is None else found.build.created,
        "lists": found.lists,
    }
