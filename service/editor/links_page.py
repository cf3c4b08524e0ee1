"""``/editor/links``: links that would fit in an article's text, and from other texts to it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Depends, Form
from starlette.responses import Response

from service.curation.article_search import read_article_row
from service.curation.decision_actions import find_row
from service.curation.golden_set import Pair
from service.curation.judged_links import read_judged_links
from service.decisions.decision_rules import MAX_REASON
from service.editor.article_page import back_to, describe_done
from service.editor.decision_form import check_action
from service.editor.editor_pages import EditorPages
from service.http.auth import Identity
from service.serving.serving_view import ServingView

if TYPE_CHECKING:
    from service.curation.text_link_finder import LinkSuggestion

_VERDICTS = {"good": 1, "bad": -1}


def links_page_router(pages: EditorPages) -> APIRouter:
    """Returns the routes of the page that suggests links from and to an article's text."""
    router, context = pages.router(), pages.context

    @router.get("/editor/links")
    def links(id: str = "", done: str = "", person: Identity = Depends(pages.reader)) -> Response:
        view, now = pages.view()
        row = find_row(view.build, id)
        finder, judged = context.link_finder(view.build), read_judged_links(context.database())
        asked: dict[str, Any] = {"now": now, "query": context.query, "judged": judged}
        return pages.render(
            "links",
            person,
            here="find",
            item=read_article_row(view, row, now),
            inside=link_values(view, now, finder.in_article(view, row, **asked), judged.good),
            inbound=link_values(view, now, finder.to_article(view, row, **asked), judged.good),
            notice=describe_done(pages, person, done, back=id, view="links"),
        )

    @router.post("/editor/links")
    def decide(
        article_id: Annotated[str, Form()],
        act: Annotated[str, Form()],
        words: Annotated[str, Form()] = "",
        page: Annotated[str, Form()] = "",
        person: Identity = Depends(pages.writer),
    ) -> Response:
        verdict, _, target_id = act.partition(" ")
        if verdict == "words":
            entry = context.actions.refuse_words(person, article_id, target_id, words)
            return back_to(page or article_id, entry, view="links")
        check_action("act", verdict, _VERDICTS)
        entry = context.actions.store(
            lambda database: database.judgments.put(
                person,
                article_id=article_id,
                target_id=target_id,
                verdict=_VERDICTS[verdict],
                build=pages.view()[0].build.name,
                reason=f"link in the text: “{words[: MAX_REASON // 2]}”" if words else "",
            ),
            known=(article_id, target_id),
        )
        return back_to(page or article_id, entry, view="links")

    return router


def link_values(
    view: ServingView,
    now: int,
    found: Sequence[LinkSuggestion],
    good: Collection[Pair] = (),
) -> list[dict[str, Any]]:
    """Returns the values that the template ``editor/text_links.html`` shows of suggested links.

    Args:
        view: The build with the editors' decisions.
        now: The current time, in microseconds since 1970 UTC.
        found: The suggested links.
        good: The links that editors judged good, each as the ids of an article and its target.

    Returns:
        For each a dictionary: the suggestion (``link``), its ``source`` (``None`` for a draft) and
        ``target`` articles, and whether editors judged the link good (``is_good``).
    """
    values: list[dict[str, Any]] = []
    for each in found:
        source = None if each.source is None else read_article_row(view, each.source, now)
        target = read_article_row(view, each.target, now)
        is_good = source is not None and (source.article_id, target.article_id) in good
        values.append({"link": each, "source": source, "target": target, "is_good": is_good})
    return values
