"""``/editor/bulk``: one decision about several selected rows of the search page."""

import json
from collections.abc import Sequence
from functools import partial
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Form
from starlette.responses import Response

from recommender.errors import AlsoLikeError, NotFoundError
from recommender.visibility import NEVER
from service.curation.article_search import read_title
from service.curation.decision_actions import DecisionActions
from service.decisions.decision_state import OverrideKind
from service.decisions.list_scope import EVERY
from service.editor.article_page import back_to
from service.editor.decision_form import read_number
from service.editor.editor_pages import EditorPages, sentence
from service.editor.search_page import read_single, show_search
from service.http.auth import Identity
from service.http.problems import ProblemError

MOST = 100
"""Most rows to decide about at once."""


def bulk_router(pages: EditorPages) -> APIRouter:
    """Returns the route that makes one decision about all selected rows of the search page."""
    router = pages.router()

    @router.post("/editor/bulk")
    def bulk(
        act: Annotated[Literal["hide", "down", "lift"], Form()],
        row: Annotated[list[str], Form(max_length=MOST)],
        back: Annotated[str, Form()] = "",
        reason: Annotated[str, Form()] = "",
        seen: Annotated[str, Form()] = "",
        sure: Annotated[str, Form()] = "",
        person: Identity = Depends(pages.writer),
    ) -> Response:
        pairs = [read_pair(each) for each in row]
        if act == "down" and not sure:
            fields = {"act": act, "back": back, "reason": reason, "seen": seen, "sure": "1"}
            return _ask(pages, person, pairs, [*fields.items(), *(("row", each) for each in row)])
        why, met = reason.strip(), read_number(seen)

        def decide(actions: DecisionActions, do: str, lists: str, target: str) -> int:
            if do == "down":
                return actions.take_down(person, target, why, NEVER, seen=met)
            if do == "lift":
                return actions.lift(person, target, why, seen=met)
            values = None
            if do == "hide":
                lists, values = EVERY, {"kind": OverrideKind.HIDE}
            return actions.change_list(
                person, lists, target, values, reason=why, seen=met, known=False
            )

        steps = _steps_to_end(pages, pairs) if act == "lift" else [*enumerate([act] * len(row))]
        done, refused = pages.context.actions.decide_all(
            person,
            [partial(decide, do=do, lists=pairs[at][0], target=pairs[at][1]) for at, do in steps],
        )
        if not refused:
            return back_to(back, *done, view="find")
        told = ",".join(map(str, done))
        build = pages.view()[0].build
        changed = {at for place, (at, _) in enumerate(steps) if place not in refused}
        failed = {
            row[at]: (read_title(build, pairs[at][1]), _explain(do, error, partly=at in changed))
            for (at, do), error in ((steps[place], error) for place, error in refused.items())
        }
        given = read_single(back.encode())
        return show_search(pages, person, given, done=told, failed=failed, status=409)

    return router


def _steps_to_end(pages: EditorPages, pairs: Sequence[tuple[str, str]]) -> list[tuple[int, str]]:
    """Returns what ends the pins, hides and takedowns of rows: ``remove``, ``lift``, or both.

    Args:
        pages: What all editors' pages share: templates, access checks, the published build.
        pairs: The selected rows, see :func:`read_pair`.

    Returns:
        The steps, each with the row's place in ``pairs``.
    """
    database, now = pages.context.database(), pages.context.live.clock()
    ruled = {each.target_id for each in database.overrides.of(EVERY).items if each.holds(now)}
    steps = []
    for at, (lists, target) in enumerate(pairs):
        takedown = database.takedowns.get(target) if lists == EVERY else None
        removes = lists != EVERY or target in ruled
        if removes:
            steps.append((at, "remove"))
        if not removes or (takedown is not None and now < takedown.until):
            steps.append((at, "lift"))
    return steps


def _explain(do: str, error: AlsoLikeError, *, partly: bool) -> str:
    """Returns why a row was not changed, or only partly, as a sentence."""
    if partly:
        return f"Only partly changed: {error}."
    if do == "remove" and isinstance(error, NotFoundError):
        return "It is no longer pinned or hidden there."
    if do == "lift" and isinstance(error, NotFoundError):
        return "It is neither taken down nor hidden in all lists."
    return sentence(error)


def _ask(
    pages: EditorPages,
    person: Identity,
    pairs: Sequence[tuple[str, str]],
    fields: Sequence[tuple[str, str]],
) -> Response:
    """Renders the page that asks whether several articles should be taken down.

    Args:
        pages: What all editors' pages share: templates, access checks, the published build.
        person: The signed-in editor.
        pairs: The selected rows, see :func:`read_pair`.
        fields: The fields of the form that takes them down, by name.
    """
    view, now = pages.view()
    found = [view.build.row(target) for _, target in pairs]
    rows = [row for row in found if row is not None]
    settings = pages.context.settings
    return pages.render(
        "take_down",
        person,
        here="find",
        titles=[read_title(view.build, target) for _, target in pairs],
        places=sum(each.lists for each in pages.context.search.health(view, rows, now)),
        fields=fields,
        cached=settings.max_age + settings.stale_while_revalidate,
    )


def read_pair(text: str) -> tuple[str, str]:
    """Parses the value of a row's checkbox on the search page: a JSON array of two strings.

    Returns:
        The lists that the row is about (an article's id, or the scope of a rule), and the id of
        the article to decide about.

    Raises:
        ProblemError: 422 if the text is not such an array.
    """
    try:
        lists, target = json.loads(text)
        if isinstance(lists, str) and isinstance(target, str):
            return lists, target
    except (ValueError, TypeError):
        pass
    raise ProblemError(
        422,
        f"the selected row {text[:40]!r} is not one of this page; reload the page, select again",
        field="row",
    )
