"""``/editor/article``: the page of one article, and a frame with its list as readers see it.

The page shows the list of related articles, further candidates, pins and hides, and the lists that
show the article.
"""

import hashlib
from collections.abc import Mapping, Set
from dataclasses import asdict
from typing import Any, Literal
from urllib.parse import parse_qsl, urlencode, urljoin

from fastapi import APIRouter, Depends
from starlette.responses import RedirectResponse, Response

from recommender.errors import did_you_mean
from service.curation.article_search import (
    ArticleRow,
    find_article_row,
    read_article_row,
    read_title,
)
from service.curation.decision_actions import check_known, find_row
from service.curation.link_texts import compare_texts
from service.curation.pin_alerts import check_override
from service.curation.preview import Candidate, LeftOut, Pinned, Preview, make_preview
from service.decisions.audit_trail import AuditEntry
from service.decisions.decision_state import Override, OverrideKind
from service.decisions.list_scope import EVERY, is_rule, name_lists, name_scope, tag_of
from service.decisions.overrides import ListOverrides, StoredOverride
from service.editor.clicks_page import link_sentence
from service.editor.decision_form import read_number
from service.editor.editor_pages import EditorPages
from service.editor.labels import (
    STANDING_SENTENCES,
    WHY,
    label_end,
    label_entry,
    label_left_out,
    label_override,
    label_several,
    tone_of,
)
from service.http.auth import Identity
from service.http.html_fragment import related_html
from service.serving.list_rules import rows_in
from service.serving.selection import Origin, SelectedItem, select
from service.serving.serving_view import VisibilityStatus

_LINE: Mapping[str, Any] = {
    "position": None,
    "pinned_at": None,
    "origin": None,
    "why": "",
    "tone": "",
    "same_as": None,
    "hidden": False,
    "clicks": "",
}
"""What the template shows of an article in the list or a candidate, unless it is said otherwise.

``position`` and ``origin`` are those of the list, ``None`` if the list does not show the article.
``pinned_at`` is the position that a pin of this list asks for.
``why`` is the reason for that, ``tone`` the style in which the page shows it, and ``same_as`` the
version of the same article that the list shows instead. ``hidden`` says whether an editor hid it.
``clicks`` says how often readers saw and followed the link in the last 28 days.
"""


class ArticleView:
    """Collects the values that the page of one article shows an editor.

    Args:
        pages: What all editors' pages share: templates, access checks, the published build.
        person: The signed-in editor.
        article_id: The id of the article.

    Raises:
        UnknownArticleError: If the published build does not hold the article.
    """

    def __init__(self, pages: EditorPages, person: Identity, article_id: str) -> None:
        context = pages.context
        database = context.database()
        self.seen = database.audit.newest()
        self.listed: ListOverrides = database.overrides.of(article_id)
        self._view, self._now = pages.view()
        self._when, self._query = pages.templates.when, context.query
        row = find_row(self._view.build, article_id)
        self.preview: Preview = make_preview(self._view, row, now=self._now, query=context.query)
        self.item = self._read(row)
        self._closeness = pages.closeness(self._view.build)
        self._pinned_at = {
            each.override.target_id: each.override.position
            for each in self.preview.overrides
            if not is_rule(each.override.article_id)
        }
        self._hidden = {each.target_id for each in self.listed.items if each.kind == "hide"}
        self._verdicts = database.judgments.by(person.name, article_id)
        rule = database.overrides.of(EVERY).about(article_id)
        hides = rule is not None and rule.kind is OverrideKind.HIDE and rule.holds(self._now)
        self._everywhere = rule if hides else None  # the rule that hides this article in all lists
        linked, _ = self._view.build.page_links.editorial(row)
        self._linked = {int(self._view.build.stories[other]) for other in linked}
        self._ranked = context.search.health(self._view, [row], self._now)[0].lists
        self._takedown = database.takedowns.get(article_id)
        followed, self._unread = pages.read_clicks(
            lambda figures: (figures.list_of(article_id), figures.links_of(article_id))
        )
        self._list = None if followed is None else followed[0]
        self._clicks = {} if followed is None else followed[1]
        self._comparison = context.live.comparison
        build, chosen = self._view.build, self.preview.chosen
        self.cards = related_html(context.settings, build, row, chosen)

    def _read(self, row: int) -> ArticleRow:
        return read_article_row(self._view, row, self._now)

    def values(self) -> dict[str, Any]:
        """Returns the values for the template ``editor/article.html``, by name."""
        preview = self.preview
        lines = [self._candidate(each) for each in preview.candidates if each.position is None]
        in_force = {each.override.target_id: each.override for each in preview.overrides}
        decisions = [
            self._decision(each, in_force.get(each.target_id)) for each in self.listed.items
        ]
        ruled = [each for each in preview.overrides if is_rule(each.override.article_id)]
        near = {each.row for each in preview.candidates}
        touching = [each for each in ruled if self._touches(each, near)]
        rules = [
            f"{label_override(asdict(each.override) | {'not_related': False})}: "
            f"{name_scope(read_title(self._view.build, each.override.target_id))}, in "
            f"{name_lists(each.override.article_id)}{self._trouble(each)}"
            for each in touching
        ]
        inbound = [
            {"item": self._read(link.row), "position": link.position} for link in preview.inbound
        ]
        takedown = self._takedown if self.item.standing is VisibilityStatus.TAKEN_DOWN else None
        return {
            "item": self.item,
            "chosen": [
                self._shown(at, *each)
                for at, each in enumerate(zip(preview.chosen, preview.sentences, strict=True), 1)
            ],
            "passed_over": [line for line in lines if line["score"] is not None],
            "never_stored": [line for line in lines if line["score"] is None],
            "decisions": decisions,
            "rules": rules,
            "further_rules": len(ruled) - len(touching),
            "everywhere": self._everywhere,
            "alerts": [
                f"“{each['title']}” is pinned at position {each['stored'].position}, but it "
                f"{each['trouble']}."
                for each in decisions
                if each["trouble"]
            ],
            "inbound": inbound,
            "more_inbound": preview.more_inbound,
            "inbound_count": count_lists(len(inbound), more=preview.more_inbound),
            "ranked": "" if inbound or not self._ranked else count_lists(self._ranked, more=False),
            "standing_sentence": STANDING_SENTENCES.get(self.item.standing, ""),
            "takedown": takedown,
            "seen": self.seen,
            "followed": self._list,
            "clicks_unread": self._unread,
            "compared": self._comparison and self._comparison.variant,
            "digest": hashlib.sha256(self.cards).hexdigest()[:12],
        }

    def _line(self, row: int, **values: Any) -> dict[str, Any]:
        item, score = self._read(row), values["score"]
        if score is not None:
            values["closeness"] = self._closeness.word(score)
            values["rank"] = self._closeness.rank(score)
        return {**_LINE, "item": item, "verdict": self._verdicts.get(item.article_id, 0), **values}

    def _shown(self, position: int, chosen: SelectedItem, sentence: str) -> dict[str, Any]:
        build = self._view.build
        target = build.article_id(chosen.row)
        clicked = self._clicks.get(target)
        return self._line(
            chosen.row,
            clicks="" if clicked is None else link_sentence(clicked),
            position=position,
            origin=chosen.origin,
            why=WHY[LeftOut.LINKED] if int(build.stories[chosen.row]) in self._linked else "",
            pinned_at=self._pinned_at.get(target),
            score=chosen.score if chosen.origin is Origin.RELATED or chosen.score else None,
            sentence=sentence if chosen.origin is not Origin.FALLBACK else "",
        )

    def _candidate(self, candidate: Candidate) -> dict[str, Any]:
        left_out = candidate.left_out or LeftOut.BEYOND_LIMIT
        moment = "" if candidate.moment is None else self._when(candidate.moment)
        same_as = candidate.same_as
        return self._line(
            candidate.row,
            score=candidate.score,
            sentence=candidate.sentence,
            why=label_left_out(left_out, moment),
            tone=tone_of(left_out),
            same_as=None if same_as is None else self._read(same_as),
            pinned_at=self._pinned_at.get(self._view.build.article_id(candidate.row)),
            hidden=self._view.build.article_id(candidate.row) in self._hidden,
        )

    def _touches(self, rule: Pinned, near: Set[int]) -> bool:
        """Whether a rule is a pin, or hides one of this list's candidates."""
        is_pin = rule.override.kind is OverrideKind.PIN
        return is_pin or not near.isdisjoint(rows_in(self._view.build, rule.override.target_id))

    def _trouble(self, rule: Pinned) -> str:
        """Returns why a rule's pin is not in this list, as the end of a sentence."""
        if rule.shown or rule.override.kind is not OverrideKind.PIN:
            return ""
        alert = check_override(self._view, rule.override, now=self._now, query=self._query)
        return f"; it {alert.trouble}" if alert else "; not in this list"

    def _decision(self, stored: StoredOverride, override: Override | None) -> dict[str, Any]:
        """Returns what the page shows of a pin or hide.

        ``title`` is the id of an article that the build does not hold. ``trouble`` says why a pin
        has no effect, now or before it ends; it is empty if it has ended, and for a hide.
        """
        alert = None
        if override is not None and override.kind is OverrideKind.PIN:
            alert = check_override(self._view, override, now=self._now, query=self._query)
        target = find_article_row(self._view, stored.target_id, self._now)
        return {
            "stored": stored,
            "target": target,
            "title": stored.target_id if target is None else target.title,
            "label": label_override(asdict(stored)),
            "trouble": "" if alert is None else alert.trouble,
            "over": stored.until <= self._now,
            "begins": stored.since if stored.since > self._now else None,
        }


def count_lists(count: int, *, more: bool) -> str:
    """Returns a number of lists in words: ``one list``; with ``more``, ``more than 20 lists``."""
    if more:
        return f"more than {count} lists"
    return {0: "no list", 1: "one list"}.get(count, f"{count} lists")


def show_article(
    pages: EditorPages, person: Identity, article_id: str, *, status: int = 200, **more: Any
) -> Response:
    """Renders the page of one article: its list of related articles and the decisions about it.

    Args:
        pages: What all editors' pages share: templates, access checks, the published build.
        person: The signed-in editor.
        article_id: The id of the article.
        status: The HTTP status of the response.
        **more: Further values for the template: ``notice`` says what the editor just did,
            ``conflict`` that another editor changed the list meanwhile.
    """
    view = ArticleView(pages, person, article_id)
    address = site_address(pages.context.settings.site_url, view.item.url)
    values = {"notice": None, "conflict": None, "site_address": address, **view.values()}
    return pages.render("article", person, here="find", status=status, **values | more)


def article_page_router(pages: EditorPages) -> APIRouter:
    """Returns the routes of an article's page, of its list's frame, and of compared texts."""
    router = pages.router()

    @router.get("/editor/article")
    def article(
        id: str = "", done: str = "", form: str = "", person: Identity = Depends(pages.reader)
    ) -> Response:
        notice = describe_done(pages, person, done, back=id, by_form=form == "1")
        return show_article(pages, person, id, notice=notice)

    @router.get("/editor/why")
    def why(id: str = "", target: str = "", person: Identity = Depends(pages.reader)) -> Response:
        view, now = pages.view()
        rows = check_known(view.build, id, target)
        texts = compare_texts(view.build, rows)
        items = [read_article_row(view, row, now) for row in rows]
        return pages.render("why", person, here="find", pairs=list(zip(items, texts, strict=True)))

    @router.get("/editor/cards", dependencies=[Depends(pages.reader)])
    def cards(id: str = "") -> Response:
        view, now = pages.view()
        row = find_row(view.build, id)
        chosen = select(view, row, now=now, query=pages.context.query)
        settings = pages.context.settings
        shown = related_html(settings, view.build, row, chosen)
        return pages.templates.frame(shown, settings.site_url)

    return router


View = Literal["article", "links", "rules", "find"]
"""The pages to return to after a decision."""


def back_to(back: str, *done: int, view: View = "article", by_form: bool = False) -> Response:
    """Returns a redirect to the page where a notice says what was just done.

    Args:
        back: The id of the article whose page to open; for the view ``find`` the query string of
            the search. If it is empty, the history page is opened, but for ``find`` and ``rules``.
        *done: The numbers of the audit entries that the notice describes.
        view: Which page to open: ``article``, ``links``, ``rules`` or ``find``.
        by_form: Whether it was decided in the form that asks for reason and end.
    """
    asked, page = {"done": ",".join(map(str, done))}, f"/editor/{view}"
    if by_form:
        asked["form"] = "1"
    if view == "find":
        asked, page = dict(parse_qsl(back)) | asked, "/editor"
    elif view != "rules" and back:
        asked = {"id": back} | asked
    elif view != "rules":
        page = "/editor/history"
    return RedirectResponse(f"{page}?{urlencode(asked)}", 303)


def describe_done(
    pages: EditorPages,
    person: Identity,
    done: str,
    *,
    back: str,
    view: View = "article",
    by_form: bool = False,
) -> dict[str, Any] | None:
    """Returns the template values of the notice that says what the editor just did.

    Args:
        pages: What all editors' pages share: templates, access checks, the published build.
        person: The signed-in editor.
        done: The numbers of the audit entries about it, with commas between them.
        back: The article or search to return to after an undo, see :func:`back_to`.
        view: The page to return to after an undo.
        by_form: Whether it was decided in the form that asks for reason and end, so that the notice
            need not ask for them.

    Returns:
        The values; ``None`` if there are no such audit entries. If other editors made them, the
        notice only says so.
    """
    audit = pages.context.database().audit
    found = [audit.get(seq) for text in done.split(",") if (seq := read_number(text))]
    known = [each for each in found if each is not None]
    entries = [each for each in known if each.who == person.name]
    if not known:
        return None
    asked = {"undo": [each.seq for each in entries], "back": back, "view": view}
    silent = {"pin": None, "asks_why": False, "may_hide": False, **asked}
    things = {(each.action.partition(".")[0], each.article_id, each.target_id) for each in entries}
    if len(things) > 1:
        return {"sentence": f"You {label_several(entries)}.", **silent}
    entry = (entries or known)[-1]
    served = pages.context.view_or_none()
    here = bool(back) and entry.article_id == back
    label = label_entry(None if served is None else served.build, entry, within=here)
    if not entries:
        return {"sentence": _already_done(entry, label), **silent}
    after, end = entry.after or {}, label_end(entry)
    here = here and not (by_form or entry.action.endswith(".undo"))  # nothing more to ask
    sentence = f"You {label}{f' until {pages.templates.when(end)}' if end else ''}."
    for scope in (entry.article_id, entry.target_id):
        if after and served is not None and is_rule(scope) and not rows_in(served.build, scope):
            near = did_you_mean(tag_of(scope) or "", served.build.tag_numbers)
            sentence += f" It has no effect as long as no article has the tag{near}."
    is_pin = after.get("kind") == OverrideKind.PIN
    is_bare_hide = after.get("kind") == OverrideKind.HIDE and not (after["reason"] or end)
    is_bad = here and view == "article" and after.get("verdict") == -1
    stored = is_bad and pages.context.database().overrides.of(back).about(entry.target_id)
    return {
        "sentence": sentence,
        **asked,
        "article_id": entry.article_id,
        "target_id": entry.target_id,
        "pin": after if is_pin and here else None,
        "asks_why": is_bare_hide and not after["not_related"] and here,
        "may_hide": is_bad and not (stored and stored.kind is OverrideKind.HIDE),
    }


def _already_done(entry: AuditEntry, label: str) -> str:
    """Returns a sentence that says that another editor did before what was to be done."""
    after = entry.after or {}
    if entry.after is None or after.get("kind") == OverrideKind.HIDE:
        did = "Already shown again" if entry.after is None else "Already hidden"
        reason = f": {after['reason']}" if after.get("reason") else ""
        return f"{did} by {entry.who}{reason}."
    return f"There was nothing left to do: {entry.who} {label}."


def site_address(site_url: str | None, url: str) -> str | None:
    """Returns the full URL of an article or image; ``None`` if the site's address is unknown.

    Args:
        site_url: The setting ``site_url``, the address of the site's first page.
        url: The URL, which may be relative, such as ``/news/7``.
    """
    if url.startswith(("https://", "http://")):
        return url
    return None if site_url is None else urljoin(f"{site_url}/", url)
