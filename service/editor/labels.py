"""What these pages say of an article, of a decision, and of why something is not shown."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from index.build.build import Build
from recommender.visibility import NEVER
from service.curation.preview import LeftOut
from service.decisions.audit_trail import Entry
from service.serving.serving_view import Served
from service.serving.visibility_status import Standing, standing


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
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
    standing: Standing


def tell_item(served: Served, row: int, now: int) -> Item:
    """The line of one row."""
    build = served.build
    card = json.loads(b"{%b}" % build.cards[row])
    return Item(
        article_id=card["article_id"],
        title=card["title"],
        url=card["url"],
        date=card["date"],
        language=build.language_names[int(build.languages[row])] or None,
        tags=tuple(build.tag_names[tag] for tag in build.tags[row].tolist()),
        standing=standing(served, row, now),
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

STANDING_SENTENCES: Mapping[Standing, str] = {
    Standing.SCHEDULED: "Readers don't see this article yet; what they would see is shown below.",
    Standing.EXPIRED: "Readers no longer see this article.",
    Standing.UNPUBLISHED: "This article is not published; this is what its readers would see.",
}

_PIN_TROUBLE: Mapping[Standing, str] = {
    Standing.SCHEDULED: "not visible yet",
    Standing.EXPIRED: "no longer visible",
    Standing.UNPUBLISHED: "not published",
    Standing.TAKEN_DOWN: "taken down",
}


def trouble_of_pin(target: Standing | None, *, shown: bool, position: int, limit: int) -> str:
    """Why a pin does nothing; empty if it works."""
    if target is None:
        return "not in the live build"
    if target is not Standing.VISIBLE:
        return _PIN_TROUBLE[target]
    if shown:
        return ""
    return f"below the {limit} shown" if position > limit else "its story is shown already"


def tell_values(values: Mapping[str, Any] | None) -> str:
    """An override as the audit trail keeps it, in few words."""
    if values is None:
        return "nothing decided"
    if values["kind"] == "pin":
        return f"pinned at {values['position']}"
    return "hidden as not related" if values["not_related"] else "hidden"


def tell_entry(build: Build | None, entry: Entry, *, within: bool = False) -> str:
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


def tell_end(entry: Entry) -> int | None:
    """When what an entry decided ends by itself; ``None`` for never."""
    until = (entry.after or {}).get("until")
    return until if isinstance(until, int) and until < NEVER else None


def _tell_override(verb: str, entry: Entry, target: str) -> str:
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
