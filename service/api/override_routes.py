"""API routes for pins and hides, and for undo.

A pin or hide is about one article's list; or it is a rule, about the lists of all articles with a
tag or of all articles, and may hide all articles with a tag.

The pins and hides (overrides) of an article's list have a version, sent as ``ETag``. A request that
changes them must name in ``If-Match`` the version that the editor saw, or ``*`` for any. If they
have changed since, the request is refused, and the answer holds the current ones.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import asdict
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Header, Response
from pydantic import Field

from service.api.api_models import ApiModel, ReasonText, RequestModel
from service.api.editorial_router import PAGE, After, make_router, problems, read_lists, read_target
from service.decisions.decision_rules import MAX_POSITION
from service.decisions.decision_state import OverrideKind
from service.decisions.list_scope import is_rule, scope_values
from service.decisions.overrides import StoredOverride
from service.errors import ConflictError
from service.http.auth import Identity
from service.http.editorial_context import EditorialContext
from service.http.problems import ProblemError
from service.http.timestamps import Since, Timestamp, Until
from service.roles import Role
from service.serving.serving_view import VisibilityStatus

_TAG = re.compile(r'"(0|[1-9][0-9]{0,17})"')


class OverrideChange(RequestModel):
    """A request to pin or hide one article in another article's list."""

    kind: Literal["pin", "hide"] = Field(
        description="pin: show the article at a position; hide: leave out the article and other "
        "versions of its story"
    )
    position: int | None = Field(None, strict=True, ge=1, le=MAX_POSITION)
    """position in the list, for a pin only"""

    reason: ReasonText = ""
    not_related: bool = Field(False, strict=True)
    """for a hide only: whether it also judges the link as bad"""

    since: Since = Field(None, validate_default=True)
    """when the pin or hide begins; null for at once"""

    until: Until = Field(None, validate_default=True)
    """when the pin or hide ends; null for never"""


class NamedOverride(ApiModel):
    """An editor's pin or hide: of which article, in which lists, and until when."""

    article_id: str | None
    """the article whose list is changed; null for a rule"""

    tag: str | None
    """the tag of the articles whose lists a rule changes; null for all articles, if article_id is
    null as well"""

    target_id: str | None
    """the article that is pinned or hidden; null for all with a tag"""

    target_tag: str | None
    """the tag of the articles that a rule hides"""

    kind: OverrideKind
    position: int | None
    until: Timestamp
    """when the pin or hide ends; null for never"""

    target: VisibilityStatus | None = Field(
        description="whether readers can see the pinned or hidden article; null if the live build "
        "does not have it"
    )


class OverrideItem(NamedOverride):
    """A pin or a hide, and whether it has an effect."""

    reason: str
    not_related: bool
    author: str
    created: Timestamp
    since: Timestamp | None
    """when it begins; null for at once"""

    ended: bool
    warning: str | None
    """why the pin or hide has no effect now; null if it has one, or has ended"""


class OverridesAnswer(ApiModel):
    """Pins and hides: those of one list with pins by position first, those of all by age."""

    article_id: str | None
    version: int | None
    """the version of the list's pins and hides, for If-Match"""

    items: list[OverrideItem]
    next: int | None
    """the value of after to get the next page; null on the last page"""


class UndoRequest(RequestModel):
    """A request to undo a decision."""

    seq: int = Field(strict=True, ge=1, le=2**53)
    """the number of the decision's entry in the audit trail"""

    reason: ReasonText = ""


class UndoAnswer(ApiModel):
    """The answer to an undo: the number of the undo's own entry in the audit trail."""

    seq: int
    """the number of the new audit entry; undo that entry to redo the decision"""


IfMatch = Annotated[
    str | None,
    Header(
        alias="If-Match",
        description='the ETag of the list that the editor saw ("0" if it never had pins or hides), '
        "or * for any",
    ),
]


def overrides_router(context: EditorialContext) -> APIRouter:
    """Returns the routes for pins, hides and undo."""
    editor = context.auth.require(Role.EDITOR)
    router = make_router("editors", editor)

    @router.get(
        "/overrides", summary="List pins and hides: in one article's list, of one article, or all"
    )
    def get_overrides(
        response: Response,
        lists: str | None = Depends(read_lists),
        target: str | None = Depends(read_target),
        after: After = 0,
    ) -> OverridesAnswer:
        if lists is not None and target is not None:
            raise ProblemError(
                422, "give either article_id or target_id, not both", field="target_id"
            )
        if lists is not None:
            return _list(context, lists, response)
        overrides = context.database().overrides
        if target is not None:
            return _answer(context, overrides.into(target))
        found = overrides.all(after=after, limit=PAGE)
        return _answer(context, found, next=found[-1].id if len(found) == PAGE else None)

    @router.put(
        "/overrides",
        summary="Pin or hide an article in a list, or in many by a rule",
        description="The article to pin or hide must be in the live build. A pin of an article "
        "that readers can't see now is accepted with a warning, and takes effect once they can. "
        "In place of article_id, give tag for the lists of all articles with that tag, or "
        "every=true for all lists; in these, target_tag hides all articles with a tag. A decision "
        "about a single list overrides such a rule for many lists, and a rule that hides overrides "
        "one that pins.",
        responses=problems(404, 412, 428),
    )
    def put_override(
        change: OverrideChange,
        response: Response,
        pair: tuple[str, str] = Depends(_read_pair),
        identity: Identity = Depends(editor),
        if_match: IfMatch = None,
    ) -> OverridesAnswer:
        values = change.model_dump() | {"kind": OverrideKind(change.kind)}
        return _change(
            context,
            pair,
            if_match,
            response,
            lambda database, **given: database.overrides.put(identity, **given, **values),
            known=pair,
        )

    @router.delete(
        "/overrides", summary="Remove a pin or a hide", responses=problems(404, 412, 428)
    )
    def delete_override(
        response: Response,
        pair: tuple[str, str] = Depends(_read_pair),
        identity: Identity = Depends(editor),
        reason: ReasonText = "",
        if_match: IfMatch = None,
    ) -> OverridesAnswer:
        return _change(
            context,
            pair,
            if_match,
            response,
            lambda database, **given: database.overrides.remove(identity, **given, reason=reason),
        )

    @router.post(
        "/undo",
        summary="Undo a decision, unless a newer one changed the same thing",
        responses=problems(404, 409),
    )
    def undo(request: UndoRequest, identity: Identity = Depends(editor)) -> UndoAnswer:
        entry = context.actions.store(
            lambda database: database.audit.undo(identity, request.seq, reason=request.reason)
        )
        return UndoAnswer(seq=entry)

    return router


def _read_pair(
    lists: str | None = Depends(read_lists), target: str | None = Depends(read_target)
) -> tuple[str, str]:
    for scope, field in ((lists, "article_id"), (target, "target_id")):
        if scope is None:
            raise ProblemError(422, f"the parameter {field} is missing", field=field)
    return lists or "", target or ""


def _read_version(if_match: str | None) -> int | None:
    """Returns the version that an ``If-Match`` header names; ``None`` for ``*``, any version.

    Raises:
        ProblemError: 428 if the header is missing, 422 if it is not a version.
    """
    if if_match is None:
        raise ProblemError(
            428,
            "the header If-Match is missing; send the ETag of the list that you read, or * to "
            "replace whatever is there",
        )
    if if_match.strip() == "*":
        return None
    found = _TAG.fullmatch(if_match.strip())
    if found is None:
        raise ProblemError(
            422, f"the header If-Match is {if_match[:80]!r}; it must be the list's ETag, or *"
        )
    return int(found[1])


def _change(
    context: EditorialContext,
    pair: tuple[str, str],
    if_match: str | None,
    response: Response,
    decide: Callable[..., int],
    known: tuple[str, str] | None = None,
) -> OverridesAnswer:
    """Changes a pin or hide of a list, and answers with all of the list.

    Args:
        context: The objects that all routes for editors share.
        pair: The article whose list is changed, and the one that is pinned or hidden there.
        if_match: The header ``If-Match``, which names the version of the list that was seen.
        response: The response, which gets the list's new version as ``ETag``.
        decide: Stores the change in a database; gets both ids and the version by name.
        known: The articles that the published build must hold, as in ``DecisionActions.store``.

    Raises:
        ProblemError: 412, with the current pins and hides, if these have changed in the meantime.
    """
    given = {"article_id": pair[0], "target_id": pair[1], "if_version": _read_version(if_match)}
    try:
        context.actions.store(lambda database: decide(database, **given), known=known)
    except ConflictError as error:
        current = _list(context, pair[0], response).model_dump(mode="json")
        raise ProblemError(
            412, str(error), headers={"ETag": response.headers["ETag"]}, current=current
        ) from None
    return _list(context, pair[0], response)


def _list(context: EditorialContext, article_id: str, response: Response) -> OverridesAnswer:
    found = context.database().overrides.of(article_id)
    response.headers["ETag"] = f'"{found.version}"'
    return _answer(context, found.items, article_id=article_id, version=found.version)


def _answer(
    context: EditorialContext,
    found: Iterable[StoredOverride],
    *,
    article_id: str | None = None,
    version: int | None = None,
    next: int | None = None,
) -> OverridesAnswer:
    context.live.follow_decisions()  # another worker may have taken a target down
    items = [_item(context, each) for each in found]
    return OverridesAnswer(article_id=article_id, version=version, items=items, next=next)


def _item(context: EditorialContext, found: StoredOverride) -> OverrideItem:
    target, by_tag = context.standing(found.target_id), is_rule(found.target_id)
    ended = found.until <= context.live.clock()
    warning = None
    if not ended and target is None and not by_tag:
        warning = "the target is not in the live build"
    elif not ended and found.kind is OverrideKind.PIN and target is not VisibilityStatus.VISIBLE:
        warning = f"readers don't see the pinned article now: it is {target}"
    scopes = scope_values(found.article_id, found.target_id)
    values = asdict(found) | scopes | {"since": found.since or None}
    return OverrideItem(**values, ended=ended, target=target, warning=warning)
