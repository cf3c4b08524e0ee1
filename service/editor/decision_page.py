"""The forms with which editors pin, hide, take down, judge and undo.

After a form is sent, the browser is redirected to the page of the article whose list the decision
changed, or to the history page.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Form
from starlette.responses import Response

from recommender.errors import InputError, NotFoundError
from recommender.visibility import NEVER
from service.curation.article_search import read_article_row
from service.curation.decision_actions import DecisionActions, MetError, check_known, positions
from service.curation.preview import MOST_INBOUND, inbound_links
from service.decisions.decision_state import OverrideKind
from service.decisions.decision_store import Actor
from service.editor.article_page import View, back_to, count_lists, show_article
from service.editor.decision_form import (
    DO,
    MOST_UNDONE,
    DecisionForm,
    check_action,
    describe_conflict,
    read_number,
)
from service.editor.editor_pages import EditorPages, sentence
from service.editor.labels import BUTTONS
from service.http.auth import Identity
from service.http.editorial_context import EditorialContext
from service.http.problems import ProblemError
from service.http.timestamps import format_local_moment
from service.serving.selection import select
from service.serving.serving_view import VisibilityStatus


def decision_router(pages: EditorPages) -> APIRouter:
    """Returns the routes that show and receive the forms for decisions."""
    router, context = pages.router(), pages.context

    @router.get("/editor/decide")
    def form(
        id: str = "",
        target: str = "",
        do: str = "pin",
        seen: str = "",
        person: Identity = Depends(pages.reader),
    ) -> Response:
        check_action("do", do, DO)
        given = _open_form(context, id, target, do)
        return _show_form(pages, person, id, target, replace(given, seen=seen or given.seen))

    @router.post("/editor/decide")
    def decide(
        article_id: Annotated[str, Form()],
        target_id: Annotated[str, Form()],
        sent: Annotated[DecisionForm, Depends()],
        person: Identity = Depends(pages.writer),
    ) -> Response:
        check_action("do", sent.do, DO)
        reason = sent.reason.replace("\r\n", "\n").strip()
        given = replace(sent, position=sent.position.strip(), reason=reason)
        try:
            return _carry_out(
                pages,
                person,
                article_id,
                lambda: _decide(context, person, article_id, target_id, given),
                wanted=given.describe(context.title(target_id)),
                action="/editor/decide",
                fields={"article_id": article_id, "target_id": target_id, **asdict(given)},
            )
        except InputError as error:
            return _show_form(pages, person, article_id, target_id, given, problem=sentence(error))

    @router.post("/editor/steer")
    def press(
        article_id: Annotated[str, Form()],
        act: Annotated[str, Form()],
        seen: Annotated[str, Form()] = "",
        person: Identity = Depends(pages.writer),
    ) -> Response:
        pressed, _, target_id = act.partition(" ")
        button = pressed.partition("-")[0]
        check_action("act", button if target_id else act, BUTTONS)
        pair = {"article_id": article_id, "target_id": target_id}
        return _carry_out(
            pages,
            person,
            article_id,
            lambda: _press(context, person, pressed, pair, read_number(seen)),
            wanted=BUTTONS[button].format(context.title(target_id)),
            action="/editor/steer",
            fields={"article_id": article_id, "act": act, "seen": seen},
        )

    @router.post("/editor/undo")
    def undo(
        seq: Annotated[str, Form(pattern="^[0-9]+(,[0-9]+)*$", max_length=MOST_UNDONE)],
        back: Annotated[str, Form()] = "",
        view: Annotated[View, Form()] = "article",
        person: Identity = Depends(pages.writer),
    ) -> Response:
        undone, refused = context.actions.decide_all(
            person,
            [
                partial(DecisionActions.undo, actor=person, seq=_entry_number(each))
                for each in reversed(seq.split(","))
            ],
        )
        for error in refused.values():
            if not undone and len(refused) == 1:
                raise error
            told = "; ".join(map(str, refused.values()))
            raise ProblemError(
                409, f"{len(undone)} changes were undone; the others could not be undone: {told}"
            )
        return back_to(back, *undone, view=view)

    return router


def _entry_number(text: str) -> int:
    number = read_number(text)
    if number is None:
        raise NotFoundError(f"the history has no entry with the number {text[:20]}")
    return number


def _decide(
    context: EditorialContext, actor: Actor, article_id: str, target_id: str, given: DecisionForm
) -> int:
    """Stores the decision that an editor entered in the form: a pin, a hide or a takedown.

    Args:
        context: The objects that all routes for editors share.
        actor: Who decides.
        article_id: The article whose list is changed by a pin or hide.
        target_id: The article to pin, hide or take down.
        given: What the editor entered.
    """
    until, seen = given.end(context.live.clock(), context.settings.zone), read_number(given.seen)
    if given.do == "everywhere":
        try:
            return context.actions.take_down(actor, target_id, given.reason, until, seen=seen)
        except MetError as error:
            newest, after = error.entries[0], error.entries[0].after or {"until": 0}
            ends = after.get("until")
            if (NEVER if ends is None else ends, after.get("before_push")) == (until, None):
                return newest.seq
            raise
    kind = OverrideKind.PIN if given.do == "pin" else OverrideKind.HIDE
    stored = context.database().overrides.of(article_id).about(target_id)
    return context.actions.change_list(
        actor,
        article_id,
        target_id,
        {
            "kind": kind,
            "since": stored.since if stored is not None and stored.kind is kind else 0,
            "position": given.pinned_at(context.query.limit),
            "not_related": given.do == "unrelated",
            "until": until,
        },
        reason=given.reason,
        seen=seen,
    )


def _press(
    context: EditorialContext, actor: Actor, pressed: str, pair: dict[str, str], seen: int | None
) -> int:
    """Stores the decision of a button beside an article, such as to move it or to judge the link.

    What is pressed twice, since the first answer was lost, is done once. To hide or release what
    another editor has hidden or released meanwhile changes nothing: then the number of that
    editor's audit entry is returned.

    Args:
        context: The objects that all routes for editors share.
        actor: Who decides.
        pressed: Which button was pressed, a key of :data:`BUTTONS`; for ``place`` with the position
            behind a hyphen.
        pair: The article whose list is changed (``article_id``), and the one beside the button
            (``target_id``).
        seen: The number of the last audit entry when the editor loaded the page.
    """
    actions, (article_id, target_id) = context.actions, pair.values()
    button, _, place = pressed.partition("-")
    if button in ("remove", "hide"):
        wanted = {"kind": OverrideKind.HIDE} if button == "hide" else None
        try:
            return actions.change_list(
                actor, article_id, target_id, wanted, seen=seen, known=button == "hide"
            )
        except MetError as error:
            newest, now = error.entries[0], context.live.clock()
            after = newest.after or {"until": None}
            lasts = after["until"] is None and after.get("since", 0) <= now
            if lasts and after.get("kind") == (wanted or {}).get("kind"):
                return newest.seq
            raise
    if button == "place":
        position = read_number(place) or 1
        try:
            return actions.place(actor, article_id, target_id, position, seen)
        except MetError as error:
            newest = error.entries[0]
            if newest.target_id == target_id and (newest.after or {}).get("position") == position:
                return newest.seq
            raise
    if button == "lift":
        return _end_takedown(context, actor, target_id, seen)
    judgments = context.database().judgments
    if button == "unjudge":
        return judgments.remove(actor, **pair)
    view, _ = context.live.view()
    verdict = 1 if button == "good" else -1
    return judgments.put(actor, **pair, verdict=verdict, build=view.build.name)


def _end_takedown(
    context: EditorialContext, actor: Actor, article_id: str, seen: int | None
) -> int:
    """Ends a takedown; returns the number of the audit entry, of who did before if it has ended."""
    try:
        return context.actions.lift(actor, article_id, seen=seen)
    except MetError as error:
        if error.entries[0].after is None:
            return error.entries[0].seq
        raise
    except NotFoundError:
        for entry in context.database().audit.latest(article_id=article_id):
            if entry.action.startswith("takedown.") and entry.after is None:
                return entry.seq
        raise


def _carry_out(
    pages: EditorPages,
    person: Identity,
    article_id: str,
    write: Callable[[], int],
    *,
    wanted: str,
    action: str,
    fields: Mapping[str, str],
) -> Response:
    """Stores a decision and redirects to the page that shows it.

    If another editor decided the same thing in the meantime, nothing is stored, and the article's
    page shows this conflict.

    Args:
        pages: What all editors' pages share: templates, access checks, the published build.
        person: The editor who decides.
        article_id: The article whose page is shown afterwards.
        write: A function that stores the decision.
        wanted: What the decision does, as the end of a sentence, such as ``hide “Title”``.
        action: The URL that the form was sent to.
        fields: The fields that the form sent.
    """
    try:
        entry = write()
    except MetError as error:
        view, _ = pages.view()
        newest = str(pages.context.database().audit.newest())
        sent_again = {**fields, "seen": newest}  # to overrule the others
        conflict = describe_conflict(view.build, error.entries, pages.templates.when)
        conflict |= {"wanted": wanted, "action": action, "fields": [*sent_again.items()]}
        return show_article(pages, person, article_id, status=409, conflict=conflict)
    earlier = filter(None, map(read_number, fields.get("follows", "").split(",")))
    return back_to(article_id, *earlier, entry, by_form="ends" in fields)


def _open_form(context: EditorialContext, article_id: str, target_id: str, do: str) -> DecisionForm:
    """Returns the values that the form for a decision shows when it is opened.

    A form to pin an article that is pinned already shows the values of that pin, and a form to
    hide a hidden article those of that hide. Otherwise the form shows the defaults.

    Args:
        context: The objects that all routes for editors share.
        article_id: The article whose list is changed.
        target_id: The article to decide about.
        do: The action that the editor chose: ``pin``, ``hide``, ``unrelated`` or ``everywhere``.
    """
    view, now = context.live.view(refresh=True)
    row = view.build.row(article_id)
    chosen = [] if row is None else select(view, row, now=now, query=context.query)
    position = positions(view.build, chosen).get(target_id, 1)
    stored = context.database().overrides.of(article_id).about(target_id)
    given = DecisionForm(do=do, position=str(position), seen=str(context.database().audit.newest()))
    if stored is None or (stored.kind is OverrideKind.PIN) != (do == "pin"):
        return given
    lasts = now < stored.until < NEVER
    return replace(
        given,
        do="unrelated" if stored.not_related else do,
        position=str(stored.position or position),
        reason=stored.reason,
        ends="date" if lasts else "never",
        until=format_local_moment(stored.until, context.settings.zone) if lasts else "",
    )


def _show_form(
    pages: EditorPages,
    person: Identity,
    article_id: str,
    target_id: str,
    given: DecisionForm,
    problem: str = "",
) -> Response:
    """Renders the page with the form for one decision.

    Args:
        pages: What all editors' pages share: templates, access checks, the published build.
        person: The signed-in editor.
        article_id: The article whose list is changed.
        target_id: The article to decide about.
        given: The values that the form shows.
        problem: Why the decision was refused; empty when the form is opened.

    Raises:
        UnknownArticleError, DecisionError: If one of the two articles is not in the published
            build.
    """
    view, now = pages.view()
    rows = check_known(view.build, article_id, target_id)
    item, target = (read_article_row(view, row, now) for row in rows)
    pin, same = given.do == "pin", article_id == target_id
    settings, query = pages.context.settings, pages.context.query
    inbound, more = inbound_links(view, rows[1], now, query, MOST_INBOUND)
    heading = "Pin" if pin else "Take down" if same else "Hide"
    warning = ""
    if pin and target.standing is not VisibilityStatus.VISIBLE:
        warning = (
            f"Readers don't see this article now ({target.standing.replace('-', ' ')}). The pin "
            "takes effect once they do. "
        )
    stored = pages.context.database().overrides.of(article_id).about(target_id)
    if stored is not None and now < stored.since and (stored.kind is OverrideKind.PIN) is pin:
        warning += f"It begins {pages.templates.when(stored.since)}. To begin now, remove it first."
    return pages.render(
        "decide",
        person,
        here="find",
        status=422 if problem else 200,
        heading=heading,
        choose="pin" if pin else "hide",
        same=same,
        item=item,
        target=target,
        form=given,
        problem=problem,
        warning=warning.strip(),
        zone=settings.timezone,
        limit=query.limit,
        inbound=count_lists(len(inbound), more=more),
        cached=settings.max_age + settings.stale_while_revalidate,
    )
