"""All that the page of one article says: what is shown, what was considered, what was decided."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

from recommender.visibility import NEVER
from service.curation.preview import Candidate, LeftOut, Pinned, Preview, make_preview
from service.decisions.overrides import ListOverrides, StoredOverride
from service.editor.editor_context import EditorContext
from service.editor.labels import (
    STANDING_SENTENCES,
    TONES,
    WHY,
    ArticleLabel,
    label_article,
    label_values,
    pin_problem,
    title_of,
)
from service.editor.page_templates import PageTemplates
from service.http.auth import Identity
from service.http.list_rendering import related_html
from service.http.problems import ProblemError
from service.serving.selection import Origin, SelectedItem
from service.serving.serving_view import ServingView
from service.serving.visibility_status import VisibilityStatus, visibility_status


@dataclass(frozen=True, slots=True, kw_only=True)
class CandidateLine:
    """An article that is shown in a list, or was considered for it.

    Attributes:
        item: The article.
        position: Where readers see it; ``None`` if they don't.
        origin: Why they do.
        score: In [0, 1], if it has one.
        terms: What it shares with the article whose list it is.
        why: Why readers don't see it, in few words; empty if they do.
        tone: How loud that is.
        same_as: What stands for the story of both.
        hidden: Whether an editor hid this very article here.
        verdict: What the person who looks said of it: 1, -1 or 0 for nothing.
    """

    item: ArticleLabel
    position: int | None
    origin: Origin | None
    score: float | None
    terms: tuple[str, ...]
    why: str
    tone: str
    same_as: ArticleLabel | None
    hidden: bool
    verdict: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """One override of the list.

    Attributes:
        stored: What was decided.
        title: Of its target.
        known: Whether the live build holds the target.
        language: The target's, if known.
        label: What it does, in few words.
        trouble: Why it does nothing now; empty if it works, or has ended.
        ends: When it ends; ``None`` for never.
        over: Whether it has ended.
    """

    stored: StoredOverride
    title: str
    known: bool
    language: str | None
    label: str
    trouble: str
    ends: int | None
    over: bool


class ArticleView:
    """All that the page of one article says.

    Args:
        room: Where to look.
        pages: For telling moments.
        person: Who looks.
        article_id: At which article.

    Raises:
        ProblemError: 404 if the live build has no such article.
    """

    def __init__(
        self, room: EditorContext, pages: PageTemplates, person: Identity, article_id: str
    ) -> None:
        database = room.desk.database()
        self.seen = next((each.seq for each in database.audit.latest(limit=1)), 0)
        self.listed: ListOverrides = database.overrides.of(article_id)
        self.served, self.now = room.look()
        self._pages, self._limit = pages, room.settings.limit
        build = self.served.build
        row = build.row(article_id)
        if row is None:
            raise ProblemError(404, f"build {build.name} has no article {article_id[:80]!r}")
        self.row = row
        self.preview: Preview = make_preview(self.served, row, now=self.now, query=room.query)
        self.item = label_article(self.served, row, self.now)
        self._hidden = {each.target_id for each in self.listed.items if each.kind == "hide"}
        self._verdicts = {
            each.target_id: each.verdict
            for each in database.judgments.of(article_id)
            if each.author == person.name
        }
        self._takedown = database.takedowns.get(article_id)
        self.cards = cards_of(room, self.served, row, self.preview.chosen)

    def values(self) -> dict[str, Any]:
        """For the template."""
        preview = self.preview
        lines = [self._considered(each) for each in preview.candidates if each.position is None]
        decisions = self._decisions()
        inbound = [
            {
                "item": label_article(self.served, link.row, self.now),
                "position": link.position,
            }
            for link in preview.inbound
        ]
        takedown = self._takedown if self.item.standing is VisibilityStatus.TAKEN_DOWN else None
        return {
            "item": self.item,
            "chosen": [self._shown(at, each) for at, each in enumerate(preview.chosen, 1)],
            "passed_over": [line for line in lines if line.score is not None],
            "never_stored": [line for line in lines if line.score is None],
            "decisions": decisions,
            "alerts": [
                f"“{each.title}” is pinned at {each.stored.position}, but readers don't see it: "
                f"{each.trouble}."
                for each in decisions
                if each.trouble and each.stored.kind == "pin"
            ],
            "inbound": inbound,
            "more_inbound": preview.more_inbound,
            "inbound_count": _lists(len(inbound), more=preview.more_inbound),
            "standing_sentence": STANDING_SENTENCES.get(self.item.standing, ""),
            "takedown": takedown
            and {
                "who": takedown.who,
                "since": takedown.since,
                "reason": takedown.reason,
                "ends": None if takedown.until == NEVER else takedown.until,
            },
            "version": self.listed.version,
            "seen": self.seen,
            "look": hashlib.sha256(self.cards).hexdigest()[:12],
        }

    def _shown(self, position: int, chosen: SelectedItem) -> CandidateLine:
        item = label_article(self.served, chosen.row, self.now)
        return CandidateLine(
            item=item,
            position=position,
            origin=chosen.origin,
            score=chosen.score if chosen.origin is Origin.RELATED or chosen.score else None,
            terms=chosen.shared_terms,
            why="",
            tone="",
            same_as=None,
            hidden=False,
            verdict=self._verdicts.get(item.article_id, 0),
        )

    def _considered(self, candidate: Candidate) -> CandidateLine:
        item = label_article(self.served, candidate.row, self.now)
        left_out = candidate.left_out or LeftOut.BEYOND_LIMIT
        moment = "" if candidate.moment is None else self._pages.when(candidate.moment)
        why = WHY[left_out].format(moment=moment)
        if left_out is LeftOut.TAKEN_DOWN and moment:
            why = f"{why} until {moment}"
        same_as = candidate.same_as
        return CandidateLine(
            item=item,
            position=None,
            origin=None,
            score=candidate.score,
            terms=candidate.shared_terms,
            why=why,
            tone=TONES.get(left_out, ""),
            same_as=None if same_as is None else label_article(self.served, same_as, self.now),
            hidden=item.article_id in self._hidden,
            verdict=self._verdicts.get(item.article_id, 0),
        )

    def _decisions(self) -> list[Decision]:
        holding = {each.override.target_id: each for each in self.preview.overrides}
        return [self._decision(each, holding.get(each.target_id)) for each in self.listed.items]

    def _decision(self, stored: StoredOverride, pinned: Pinned | None) -> Decision:
        build = self.served.build
        row = build.row(stored.target_id)
        over = stored.until <= self.now
        trouble = ""
        if stored.position is not None and pinned is not None:
            trouble = pin_problem(
                None if row is None else visibility_status(self.served, row, self.now),
                shown=pinned.shown,
                position=stored.position,
                limit=self._limit,
            )
        values = {
            "kind": stored.kind.value,
            "position": stored.position,
            "not_related": stored.not_related,
        }
        return Decision(
            stored=stored,
            title=title_of(build, stored.target_id),
            known=row is not None,
            language=None if row is None else label_article(self.served, row, self.now).language,
            label=label_values(values),
            trouble=trouble,
            ends=None if stored.until == NEVER else stored.until,
            over=over,
        )


def cards_of(
    room: EditorContext, served: ServingView, row: int, chosen: list[SelectedItem]
) -> bytes:
    """The section as the site gets it by ``/v1/related.html``, byte by byte."""
    settings = room.settings
    return related_html(served.build, row, chosen, heading=settings.heading, locale=settings.locale)


def _lists(count: int, *, more: bool) -> str:
    if more:
        return f"more than {count} lists"
    return {0: "no list", 1: "one list"}.get(count, f"{count} lists")
