"""What these pages say of an article, of a decision, and of why something is not shown."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from index.build.build import Build
from recommender.visibility import NEVER
from service.curation.preview import LeftOut
from service.decisions.audit_trail import AuditEntry
from service.serving.serving_view import ServingView
from service.serving.visibility_status import VisibilityStatus, visibility_status


@dataclass(frozen=True, slots=True, kw_only=True)
class ArticleLabel:
    """An article as a line of a list.

    Attributes:
        article_id: Its id.
        title: Its title.
        url: Where the site has it.
        date: ISO date, if any.
        language: Tag, if known.
        tags: The site's labels.
        standing: Where it stands with readers.
    """

    article_id: str
    title: str
    url: str
    date: str | None
    language: str | None
    tags: tuple[str, ...]
    standing: VisibilityStatus


def label_article(served: ServingView, row: int, now: int) -> ArticleLabel:
    """The line of one row."""
    build = served.build
    card = json.loads(b"{%b}" % build.cards[row])
    return ArticleLabel(
        article_id=card["article_id"],
        title=card["title"],
        url=card["url"],
        date=card["date"],
        language=build.language_names[int(build.languages[row])] or None,
        tags=tuple(build.tag_names[tag] for tag in build.tags[row].tolist()),
        standing=visibility_status(served, row, now),
    )


def title_of(build: Build, article_id: str) -> str:
    """An article's title, or its id where the build holds no such article."""
    row = build.row(article_id)
    return article_id if row is None else str(json.loads(b"{%b}" % build.cards[row])["title"])


WHY: Mapping[LeftOut, str] = {
    LeftOut.SCHEDULED: "not visible until {moment}",
    LeftOut.EXPIRED: "no longer visible",
    LeftOut.UNPUBLISHED: "not published",
    LeftOut.TAKEN_DOWN: "taken down",
    LeftOut.HIDDEN_HERE: "hidden here",
    LeftOut.OWN_STORY: "same story as this article",
    LeftOut.SAME_STORY: "same story",
    LeftOut.BELOW_MINIMUM: "below the minimum",
    LeftOut.TOO_FAR: "too far",
    LeftOut.BEYOND_LIMIT: "",
}

TONES: Mapping[LeftOut, str] = {
    LeftOut.TAKEN_DOWN: "bad",
    LeftOut.HIDDEN_HERE: "bad",
    LeftOut.SCHEDULED: "warn",
    LeftOut.EXPIRED: "warn",
    LeftOut.UNPUBLISHED: "warn",
}

STANDING_SENTENCES: Mapping[VisibilityStatus, str] = {
    VisibilityStatus.SCHEDULED: (
        "Readers don't see this article yet; what they would see is shown below."
    ),
    VisibilityStatus.EXPIRED: "Readers no longer see this article.",
    VisibilityStatus.UNPUBLISHED: (
        "This article is not published; this is what its readers would see."
    ),
}

_PIN_TROUBLE: Mapping[VisibilityStatus, str] = {
    VisibilityStatus.SCHEDULED: "not visible yet",
    VisibilityStatus.EXPIRED: "no longer visible",
    VisibilityStatus.UNPUBLISHED: "not published",
    VisibilityStatus.TAKEN_DOWN: "taken down",
}


def pin_problem(target: VisibilityStatus | None, *, shown: bool, position: int, limit: int) -> str:
    """Why a pin does nothing; empty if it works."""
    if target is None:
        return "not in the live build"
    if target is not VisibilityStatus.VISIBLE:
        return _PIN_TROUBLE[target]
    if shown:
        return ""
    return f"below the {limit} shown" if position > limit else "its story is shown already"


def label_values(values: Mapping[str, Any] | None) -> str:
    """An override as the audit trail keeps it, in few words."""
    if values is None:
        return "nothing decided"
    if values["kind"] == "pin":
        return f"pinned at {values['position']}"
    return "hidden as not related" if values["not_related"] else "hidden"


def label_entry(build: Build | None, entry: AuditEntry, *, within: bool = False) -> str:
    """What an entry of the audit trail did, as the end of a sentence about who did it.

    Args:
        build: For titles.
        entry: The entry.
        within: Whether it is told beside the list that it is about, which needs no name then.
    """
    thing, _, verb = entry.action.partition(".")
    article = _named(build, entry.article_id)
    if thing == "override":
        told = _tell_override(verb, entry, _named(build, entry.target_id))
        return told if within else f"{told} in {article}"
    if thing == "takedown":
        return f"took {article} down" if entry.after else f"lifted the takedown of {article}"
    if thing == "judgment":
        if entry.after is None:
            return f"took back the word on {_named(build, entry.target_id)} in {article}"
        word = "good" if entry.after["verdict"] == 1 else "bad"
        return f"called {_named(build, entry.target_id)} a {word} link in {article}"
    name = str((entry.after or entry.before or {}).get("name", ""))
    told = _ACCOUNTS.get(entry.action, "{} " + entry.action.replace(".", ": "))
    return told.format(name).strip()


_ACCOUNTS: Mapping[str, str] = {
    "editor.add": "let {} in",
    "editor.password": "gave {} another password",
    "editor.disable": "let {} in no more",
    "editor.sign-out": "signed {} out everywhere",
    "token.add": "made the token {}",
    "token.revoke": "revoked the token {}",
}


def label_end(entry: AuditEntry) -> int | None:
    """When what an entry decided ends by itself; ``None`` for never."""
    until = (entry.after or {}).get("until")
    return until if isinstance(until, int) and until < NEVER else None


def _tell_override(verb: str, entry: AuditEntry, target: str) -> str:
    after = entry.after
    if after is None:
        was = "pin" if (entry.before or {}).get("kind") == "pin" else "hide"
        return f"removed the {was} of {target}"
    again = " again" if verb == "undo" else ""
    if after["kind"] == "pin":
        return f"pinned {target} at {after['position']}{again}"
    as_what = " as not related" if after["not_related"] else ""
    return f"hid {target}{as_what}{again}"


def _named(build: Build | None, article_id: str) -> str:
    title = article_id if build is None else title_of(build, article_id)
    return f"“{title}”"
