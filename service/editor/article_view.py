"""Gathers what an article's page shows editors.

That is its list of related articles, further candidates, pins and hides, and the lists that show
the article.
"""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass
from typing import Any

from recommender.visibility import NEVER
from service.curation.article_row import ArticleRow, read_article_row
from service.curation.preview import Candidate, LeftOut, Pinned, Preview, make_preview
from service.decisions.overrides import ListOverrides, StoredOverride
from service.editor.editor_pages import EditorPages, find_row
from service.editor.labels import (
    STANDING_SENTENCES,
    TONES,
    label_left_out,
    label_override,
    pin_problem,
)
from service.http.auth import Identity
from service.http.html_fragment import related_html
from service.serving.selection import Origin, SelectedItem
from service.serving.serving_view import ServingView
from service.serving.visibility_status import VisibilityStatus
from service.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class CandidateLine:
    """A line of an article's page: an article in the list, or a candidate that the list leaves out.

    Attributes:
        item: The article in this line.
        position: The position in the list, from 1; ``None`` if the list does not show it.
        origin: Why it is in the list; ``None`` if it is not.
        score: How related it is, in [0, 1]; ``None`` if no score is stored.
        terms: Phrases that it shares with the article that the page is about.
        why: A short reason why the list leaves it out; empty if the list shows it.
        tone: The style in which the page shows the reason: ``bad``, ``warn`` or empty.
        same_as: The version of the same article that the list shows instead; else ``None``.
        hidden: Whether an editor hid this article in this list.
        verdict: The signed-in editor's judgment of the link: 1, -1, or 0 for none.
    """

    item: ArticleRow
    score: float | None
    terms: tuple[str, ...]
    verdict: int
    position: int | None = None
    origin: Origin | None = None
    why: str = ""
    tone: str = ""
    same_as: ArticleRow | None = None
    hidden: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """A pin or hide in an article's list, as the article's page shows it.

    Attributes:
        stored: The stored pin or hide.
        target: The pinned or hidden article; ``None`` if the published build does not hold it.
        label: A short text that says what the pin or hide does.
        trouble: Why the pin has no effect now; empty if it has one or has ended, and for a hide.
        ends: When the pin or hide ends, in microseconds since 1970 UTC; ``None`` for never.
        over: Whether the pin or hide has ended.
    """

    stored: StoredOverride
    target: ArticleRow | None
    label: str
    trouble: str
    ends: int | None
    over: bool

    @property
    def title(self) -> str:
        """The title of the pinned or hidden article; its id if it is not in the published build."""
        return self.stored.target_id if self.target is None else self.target.title


class ArticleView:
    """What the page of one article shows an editor.

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
        self.seen = next((each.seq for each in database.audit.latest(limit=1)), 0)
        self.listed: ListOverrides = database.overrides.of(article_id)
        self._view, self._now = pages.view()
        self._when, self._limit = pages.templates.when, context.settings.limit
        row = find_row(self._view, article_id)
        self.preview: Preview = make_preview(self._view, row, now=self._now, query=context.query)
        self.item = self._read(row)
        self._hidden = {each.target_id for each in self.listed.items if each.kind == "hide"}
        self._verdicts = {
            each.target_id: each.verdict
            for each in database.judgments.of(article_id)
            if each.author == person.name
        }
        self._takedown = database.takedowns.get(article_id)
        self.cards = render_cards(context.settings, self._view, row, self.preview.chosen)

    def _read(self, row: int) -> ArticleRow:
        return read_article_row(self._view, row, self._now)

    def values(self) -> dict[str, Any]:
        """Returns the values for the template ``editor/article.html``, by name."""
        preview = self.preview
        lines = [self._candidate(each) for each in preview.candidates if each.position is None]
        decisions = self._decisions()
        inbound = [
            {"item": self._read(link.row), "position": link.position} for link in preview.inbound
        ]
        takedown = self._takedown if self.item.standing is VisibilityStatus.TAKEN_DOWN else None
        return {
            "item": self.item,
            "chosen": [self._shown(at, each) for at, each in enumerate(preview.chosen, 1)],
            "passed_over": [line for line in lines if line.score is not None],
            "never_stored": [line for line in lines if line.score is None],
            "decisions": decisions,
            "alerts": [
                f"“{each.title}” is pinned at position {each.stored.position}, but not shown: "
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
            "digest": hashlib.sha256(self.cards).hexdigest()[:12],
        }

    def _shown(self, position: int, chosen: SelectedItem) -> CandidateLine:
        item = self._read(chosen.row)
        return CandidateLine(
            item=item,
            position=position,
            origin=chosen.origin,
            score=chosen.score if chosen.origin is Origin.RELATED or chosen.score else None,
            terms=chosen.shared_terms,
            verdict=self._verdicts.get(item.article_id, 0),
        )

    def _candidate(self, candidate: Candidate) -> CandidateLine:
        item = self._read(candidate.row)
        left_out = candidate.left_out or LeftOut.BEYOND_LIMIT
        moment = "" if candidate.moment is None else self._when(candidate.moment)
        same_as = candidate.same_as
        return CandidateLine(
            item=item,
            score=candidate.score,
            terms=candidate.shared_terms,
            why=label_left_out(left_out, moment),
            tone=TONES.get(left_out, ""),
            same_as=None if same_as is None else self._read(same_as),
            hidden=item.article_id in self._hidden,
            verdict=self._verdicts.get(item.article_id, 0),
        )

    def _decisions(self) -> list[Decision]:
        in_force = {each.override.target_id: each for each in self.preview.overrides}
        return [self._decision(each, in_force.get(each.target_id)) for each in self.listed.items]

    def _decision(self, stored: StoredOverride, pinned: Pinned | None) -> Decision:
        row = self._view.build.row(stored.target_id)
        target = None if row is None else self._read(row)
        trouble = ""
        if stored.position is not None and pinned is not None:
            trouble = pin_problem(
                None if target is None else target.standing,
                shown=pinned.shown,
                position=stored.position,
                limit=self._limit,
            )
        return Decision(
            stored=stored,
            target=target,
            label=label_override(asdict(stored)),
            trouble=trouble,
            ends=None if stored.until == NEVER else stored.until,
            over=stored.until <= self._now,
        )


def render_cards(
    settings: Settings, view: ServingView, row: int, chosen: list[SelectedItem]
) -> bytes:
    """Renders the section "You May Also Like" of an article as HTML in UTF-8.

    The result is exactly what ``/v1/related.html`` returns.

    Args:
        settings: The effective settings.
        view: The published build with the editors' decisions.
        row: The article's row number in the build.
        chosen: The related articles to show.
    """
    return related_html(view.build, row, chosen, heading=settings.heading, locale=settings.locale)


def _lists(count: int, *, more: bool) -> str:
    if more:
        return f"more than {count} lists"
    return {0: "no list", 1: "one list"}.get(count, f"{count} lists")
