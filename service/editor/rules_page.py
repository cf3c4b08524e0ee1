"""``/editor/rules``: pins and hides in the lists of all articles with a tag, or in all lists."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Form
from starlette.responses import Response

from recommender.errors import InputError
from recommender.visibility import NEVER
from service.curation.article_search import (
    MAX_QUERY,
    ArticleRow,
    SearchQuery,
    read_article_row,
    read_title,
)
from service.curation.decision_actions import MetError
from service.curation.pin_alerts import check_override
from service.decisions.decision_state import OverrideKind
from service.decisions.list_scope import EVERY, is_rule, name_scope, tag_of, tag_scope
from service.decisions.overrides import StoredOverride
from service.editor.article_page import back_to, describe_done
from service.editor.decision_form import read_number, read_position
from service.editor.editor_pages import EditorPages, sentence
from service.editor.labels import label_override
from service.errors import ConflictError, DecisionError
from service.http.auth import Identity
from service.http.timestamps import format_local_moment, read_local_moment
from service.serving.list_rules import rows_in
from service.serving.serving_view import ServingView

_MEANT, _LOOKED = 8, 100


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleForm:
    """The values of the form for one rule (a pin or hide in many lists), as text.

    Attributes:
        do: What to do: ``pin`` or ``hide`` an article, or ``remove`` the rule.
        target_id: The id of the article to pin or hide.
        target_tag: The tag of the articles to hide, if no article is named.
        tag: The tag of the articles whose lists change; empty for all lists.
        everywhere: ``1`` if all lists change; else empty.
        position: The position at which to pin the article, from 1.
        since: When the rule begins, a local date and time; empty for at once.
        until: When the rule ends, a local date and time; empty for never.
        reason: The editor's reason.
        seen: The number of the last audit entry when the editor loaded the page.
        chosen: The id of the article that the editor chose among those with the words that stood
            in ``target_id``; empty if none was chosen.
    """

    do: Annotated[str, Form()] = "hide"
    target_id: Annotated[str, Form()] = ""
    target_tag: Annotated[str, Form()] = ""
    tag: Annotated[str, Form()] = ""
    everywhere: Annotated[str, Form()] = ""
    position: Annotated[str, Form()] = "1"
    since: Annotated[str, Form()] = ""
    until: Annotated[str, Form()] = ""
    reason: Annotated[str, Form()] = ""
    seen: Annotated[str, Form()] = ""
    chosen: Annotated[str, Form()] = ""

    def scopes(self) -> tuple[str, str]:
        """Returns two scopes: the articles whose lists change, and what is pinned or hidden there.

        A scope is an article's id, or the text that stands for a tag or for all articles.

        Raises:
            DecisionError: If one of the two scopes is missing, or given in two ways.
        """
        lists, tag, target = self.tag.strip(), self.target_tag.strip(), self.target_id.strip()
        if bool(tag) is bool(target):
            both = ", not both" * bool(tag)
            raise DecisionError(
                "target_id", f"choose what to pin or hide: an article or a tag{both}"
            )
        if bool(lists) is (self.everywhere == "1"):
            both = ", not both" * bool(lists)
            raise DecisionError(
                "tag", f"choose the lists: those of articles with a tag, or all lists{both}"
            )
        return tag_scope(lists) if lists else EVERY, target or tag_scope(tag)

    def values(self, zone: ZoneInfo) -> dict[str, Any]:
        """Returns the rule's further values as ``database.overrides.put`` takes them, by name.

        Args:
            zone: The time zone of the dates that the editor entered.

        Raises:
            DecisionError: If the position or a date is invalid.
        """
        return {
            "kind": OverrideKind.PIN if self.do == "pin" else OverrideKind.HIDE,
            "position": read_position(self.position) if self.do == "pin" else None,
            "since": _moment("since", self.since, zone, 0),
            "until": _moment("until", self.until, zone, NEVER),
        }


def rules_page_router(pages: EditorPages) -> APIRouter:
    """Returns the routes of the page that lists rules and has a form to add or change one."""
    router, context = pages.router(), pages.context

    @router.get("/editor/rules")
    def rules(
        target: str = "",
        done: str = "",
        change: str = "",
        person: Identity = Depends(pages.reader),
    ) -> Response:
        notice = describe_done(pages, person, done, back="", view="rules")
        stored = pages.context.database().overrides.rules() if change else []
        chosen = [each for each in stored if str(each.id) == change]
        given = _as_form(pages, chosen[0]) if chosen else RuleForm(target_id=target)
        return _show(pages, person, given, notice=notice)

    @router.post("/editor/rules")
    def decide(
        sent: Annotated[RuleForm, Depends()], person: Identity = Depends(pages.writer)
    ) -> Response:
        if sent.chosen:
            return _show(pages, person, replace(sent, target_id=sent.chosen, chosen=""))
        words = sent.target_id.strip()
        if sent.do != "remove" and (found := _meant(pages, words)):
            if len(found) > 1 or found[0].title.casefold() != words.casefold():
                problem = "Which article do you mean? Choose it; then save the rule."
                return _show(pages, person, sent, problem=problem, status=422, meant=found)
            sent = replace(sent, target_id=found[0].article_id)
        try:
            lists, target = sent.scopes()
            values = None if sent.do == "remove" else sent.values(context.settings.zone)
            entry = context.actions.change_list(
                person,
                lists,
                target,
                values,
                reason=sent.reason.replace("\r\n", "\n").strip(),
                seen=read_number(sent.seen),
                known=values is not None,
            )
        except MetError as error:
            problem = f"{sentence(error)} Look at it below; press again to apply yours anyway."
            return _show(pages, person, sent, problem=problem, status=409)
        except (InputError, ConflictError) as error:
            return _show(pages, person, sent, problem=sentence(error), status=422)
        return back_to("", entry, view="rules")

    return router


def _show(
    pages: EditorPages,
    person: Identity,
    given: RuleForm,
    *,
    status: int = 200,
    problem: str = "",
    notice: dict[str, Any] | None = None,
    meant: Sequence[ArticleRow] = (),
) -> Response:
    database = pages.context.database()
    newest = database.audit.newest()
    found = database.overrides.rules()
    view, now = pages.view()
    is_known = view.build.row(given.target_id) is not None
    return pages.render(
        "rules",
        person,
        status=status,
        rules=[_line(pages, view, each, now) for each in found],
        tags=view.build.tag_names,
        form=replace(given, seen=str(newest)),
        target=read_title(view.build, given.target_id) if is_known else "",
        limit=pages.context.query.limit,
        zone=pages.context.settings.timezone,
        problem=problem,
        notice=notice,
        meant=meant,
    )


def _meant(pages: EditorPages, words: str) -> list[ArticleRow]:
    """Returns the articles that an editor may mean who typed words instead of an article's id.

    If the words are a whole title or part of titles, these are the articles with such titles.
    """
    view, now = pages.view()
    if not words or view.build.row(words) is not None:
        return []
    query = SearchQuery(words=words[:MAX_QUERY])
    hits = pages.context.search.find(view, query, now=now, limit=_LOOKED)
    found = [read_article_row(view, row, now) for row in hits.rows]
    typed = words.casefold()
    whole = [each for each in found if each.title.casefold() == typed]
    titled = [each for each in found if typed in each.title.casefold()]
    return (whole or titled or found)[:_MEANT]


def _line(pages: EditorPages, view: ServingView, rule: StoredOverride, now: int) -> dict[str, Any]:
    """Returns what the page shows of a rule."""
    build = view.build
    alert = check_override(view, rule, now=now, query=pages.context.query)
    over, waits = rule.until <= now, now < rule.since
    return {
        "stored": rule,
        "label": label_override(asdict(rule)),
        "target": "" if is_rule(rule.target_id) else read_title(build, rule.target_id),
        "target_tag": tag_of(rule.target_id),
        "tag": tag_of(rule.article_id),
        "lists": name_scope(rule.article_id),
        "reach": len(rows_in(build, rule.article_id)),
        "hides": len(rows_in(build, rule.target_id)),
        "trouble": "" if alert is None or over or waits else alert.trouble,
        "state": "ended" if over else "waits" if waits else "",
    }


def _as_form(pages: EditorPages, rule: StoredOverride) -> RuleForm:
    """Returns the values of the form with which an editor changes a rule."""
    zone = pages.context.settings.zone
    return RuleForm(
        do=rule.kind,
        target_id="" if is_rule(rule.target_id) else rule.target_id,
        target_tag=tag_of(rule.target_id) or "",
        tag=tag_of(rule.article_id) or "",
        everywhere="1" if rule.article_id == EVERY else "",
        position=str(rule.position or 1),
        since=format_local_moment(rule.since, zone) if rule.since else "",
        until=format_local_moment(rule.until, zone) if rule.until < NEVER else "",
        reason=rule.reason,
    )


def _moment(field: str, text: str, zone: ZoneInfo, default: int) -> int:
    if not text.strip():
        return default
    try:
        return read_local_moment(text.strip(), zone)
    except (ValueError, OverflowError):
        raise DecisionError(
            field, f"{text[:40]!r} is not a date and time, such as 2026-12-31T18:00"
        ) from None
