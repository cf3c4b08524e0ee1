"""API routes for takedowns, which keep an article out of all lists of all builds."""

from dataclasses import asdict

from fastapi import APIRouter, Depends
from pydantic import Field

from recommender.errors import NotFoundError
from service.api.api_models import ApiModel, ReasonText, RequestModel
from service.api.editorial_router import PAGE, After, Id, make_router, problems
from service.decisions.takedowns import Takedown
from service.http.auth import Identity
from service.http.editorial_context import EditorialContext
from service.http.timestamps import Timestamp, Until
from service.roles import Role
from service.serving.serving_view import VisibilityStatus


class VisibilityChange(RequestModel):
    """A request to take an article down, or to make it visible again."""

    visible: bool = Field(strict=True)
    """false takes the article down, true ends its takedown"""

    reason: ReasonText = ""
    """recorded in the audit trail"""

    until: Until = Field(None, validate_default=True)
    """when the takedown ends; null for never"""

    ahead: bool = Field(False, strict=True)
    """whether to take down an article that is in no build yet, and was not pushed"""


class TakedownItem(ApiModel):
    """One takedown: which article, when, by whom and why."""

    article_id: str
    since: Timestamp
    who: str
    reason: str
    until: Timestamp
    """when the takedown ends; null for never"""

    pushed: bool
    """whether a push made or prolonged the takedown; one that publishes the article undoes that"""

    standing: VisibilityStatus | None
    """null if the live build has no such article"""


class VisibilityAnswer(ApiModel):
    """The answer that says whether readers see an article and, if not, why."""

    article_id: str
    standing: VisibilityStatus | None
    """null if the live build has no such article"""

    takedown: TakedownItem | None


class TakedownsAnswer(ApiModel):
    """Takedowns, latest first."""

    items: list[TakedownItem]
    next: int | None
    """the value of offset to get the next page; null on the last page"""


def takedowns_router(context: EditorialContext) -> APIRouter:
    """Returns the routes for takedowns."""
    editor = context.auth.require(Role.EDITOR)
    router = make_router("editors", editor)

    @router.get("/visibility", summary="Check whether readers see an article")
    def get_visibility(id: Id) -> VisibilityAnswer:
        return _answer(context, id)

    @router.put(
        "/visibility",
        summary="Take an article down, or lift its takedown",
        description="When the request is answered, the takedown is stored and in force in this "
        "process; other workers apply it within a second. It holds in every list of every build, "
        "also after rollbacks and restarts. An id of which nothing is known is refused, as it may "
        "be mistyped, unless ahead is true.",
        responses=problems(404),
    )
    def put_visibility(
        id: Id, change: VisibilityChange, identity: Identity = Depends(editor)
    ) -> VisibilityAnswer:
        if change.visible:
            try:
                context.actions.lift(identity, id, change.reason)
            except NotFoundError:
                if context.standing(id) is None:
                    raise  # else it is not taken down, as was asked
        else:
            context.actions.take_down(identity, id, change.reason, change.until, ahead=change.ahead)
        return _answer(context, id)

    @router.get("/takedowns", summary="List takedowns, including ended ones, a thousand per page")
    def takedowns(offset: After = 0) -> TakedownsAnswer:
        found = context.database().takedowns.all(offset=offset, limit=PAGE)
        context.live.follow_decisions()
        following = offset + PAGE if len(found) == PAGE else None
        return TakedownsAnswer(items=[_item(context, each) for each in found], next=following)

    return router


def _answer(context: EditorialContext, article_id: str) -> VisibilityAnswer:
    found = context.database().takedowns.get(article_id)
    context.live.follow_decisions()  # this worker's view may be older than the database
    return VisibilityAnswer(
        article_id=article_id,
        standing=context.standing(article_id),
        takedown=None if found is None else _item(context, found),
    )


def _item(context: EditorialContext, found: Takedown) -> TakedownItem:
    pushed = found.before_push is not None
    return TakedownItem(**asdict(found), pushed=pushed, standing=context.standing(found.article_id))
