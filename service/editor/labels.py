"""Labels on the editors' pages that say what a decision does or why an article is not shown."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from index.build.build import Build
from recommender.visibility import NEVER
from service.curation.article_search import read_title
from service.curation.preview import LeftOut
from service.decisions.audit_trail import AuditEntry
from service.decisions.decision_state import OverrideKind
from service.decisions.list_scope import is_rule, name_lists, name_scope
from service.serving.serving_view import VisibilityStatus

WHY: Mapping[LeftOut, str] = {
    LeftOut.SCHEDULED: "not visible yet",
    LeftOut.EXPIRED: "no longer visible",
    LeftOut.UNPUBLISHED: "unpublished",
    LeftOut.TAKEN_DOWN: "taken down",
    LeftOut.HIDDEN_HERE: "hidden here",
    LeftOut.HIDDEN_BY_RULE: "hidden by a rule",
    LeftOut.OWN_STORY: "a version of this article",
    LeftOut.SAME_STORY: "duplicate",
    LeftOut.BELOW_MINIMUM: "below the minimum score",
    LeftOut.TOO_FAR: "not close enough",
    LeftOut.LINKED: "linked in the text",
    LeftOut.BEYOND_LIMIT: "",
}

BUTTONS = {
    "place": "move “{}”",
    "hide": "hide “{}”",
    "remove": "remove the pin or hide of “{}”",
    "good": "rate “{}” as a good link",
    "bad": "rate “{}” as a bad link",
    "unjudge": "clear your rating of “{}”",
    "lift": "end the takedown of “{}”",
}
"""What the buttons beside an article do, by their values, as the end of a sentence."""

BULK = {
    "hide": "hide {} articles in all lists",
    "down": "take {} articles down",
    "lift": "end the pin, hide or takedown in {} rows",
}
"""What the buttons for several rows do, by their values, as the end of a sentence."""

_BAD = (LeftOut.TAKEN_DOWN, LeftOut.HIDDEN_HERE, LeftOut.HIDDEN_BY_RULE)
_WARN = (LeftOut.SCHEDULED, LeftOut.EXPIRED, LeftOut.UNPUBLISHED)

STANDING_SENTENCES: Mapping[VisibilityStatus, str] = {
    VisibilityStatus.SCHEDULED: (
        "Readers don't see this article yet. Below is what they would see."
    ),
    VisibilityStatus.EXPIRED: "Readers no longer see this article.",
    VisibilityStatus.UNPUBLISHED: (
        "This article is unpublished. Below is what its readers would see."
    ),
}


def tone_of(left_out: LeftOut) -> str:
    """Returns the CSS class of the label with this reason: ``bad``, ``warn`` or empty."""
    return "bad" if left_out in _BAD else "warn" if left_out in _WARN else ""


def label_left_out(left_out: LeftOut, moment: str) -> str:
    """Returns why a list leaves out an article, as a short label such as ``not visible yet``.

    Args:
        left_out: The reason.
        moment: The time at which the reason ends, as text for people; empty if it is not known.
    """
    if not moment:
        return WHY[left_out]
    reason = "not visible" if left_out is LeftOut.SCHEDULED else WHY[left_out]
    return f"{reason} until {moment}"


def label_override(values: Mapping[str, Any]) -> str:
    """Returns a short label that says what a pin or hide does, such as ``pinned at position 2``.

    Args:
        values: The pin or hide as a dictionary with ``kind``, ``position`` and ``not_related``.
    """
    if values["kind"] == OverrideKind.PIN:
        return f"pinned at position {values['position']}"
    return "hidden as not related" if values["not_related"] else "hidden"


def label_entry(build: Build | None, entry: AuditEntry, *, within: bool = False) -> str:
    """Returns what an audit entry says was done, as the end of a sentence.

    An example is ``hid “Title” in “Other title”``; the sentence begins with who did it.

    Args:
        build: The build that titles are read from; with ``None`` ids are shown instead.
        entry: The audit entry.
        within: Whether to omit the article whose list was changed, since the page is about it.
    """
    thing, _, verb = entry.action.partition(".")
    article = _named(build, entry.article_id)
    if thing == "override":
        label = _label_override_entry(entry, _named(build, entry.target_id))
        if is_rule(entry.article_id):
            return f"{label} in {name_lists(entry.article_id)}"
        return label if within else f"{label} in {article}"
    if thing == "takedown" and verb == "undo":
        return f"{'restored' if entry.after else 'undid'} the takedown of {article}"
    if entry.action == "takedown.lift" and entry.after:
        return f"ended the takedown of {article}; it stays down, as the site unpublished it"
    if thing == "takedown":
        return f"took {article} down" if entry.after else f"ended the takedown of {article}"
    if thing == "judgment":
        target, where = _named(build, entry.target_id), "" if within else f" in {article}"
        if entry.after is None:
            return f"{'undid' if verb == 'undo' else 'cleared'} the rating of {target}{where}"
        word = "good" if entry.after["verdict"] == 1 else "bad"
        return f"marked {target} as a {word} link{where}"
    if thing == "words":
        words = (entry.after or entry.before or {})["words"]
        did = f"refused “{words}”" if entry.after else f"allowed “{words}” again"
        return f"{did} as the words of a link to {_named(build, entry.target_id)} in {article}"
    name = str((entry.after or entry.before or {}).get("name", ""))
    if entry.action == "editor.add" and entry.after:
        name += f" ({entry.after['role']})" if "role" in entry.after else ""
    label = ACCOUNT_LABELS.get(entry.action, "{} " + entry.action.replace(".", ": "))
    return label.format(name).strip()


def label_several(entries: Sequence[AuditEntry]) -> str:
    """Returns in words what several audit entries did together: ``took 7 articles down``."""
    kinds = set()
    for entry in entries:
        kind = (entry.after or entry.before or {}).get("kind", "")
        if entry.action.endswith(".undo"):
            return f"undid {len(entries)} changes"
        made = entry.after is not None and entry.action != "takedown.lift"
        kinds.add((f"{entry.action.partition('.')[0]} {kind}".strip(), made))
    label = _SEVERAL.get(kinds.pop()) if len(kinds) == 1 else None
    return (label or "made {} changes").format(len(entries))


_SEVERAL = {
    ("takedown", True): "took {} articles down",
    ("takedown", False): "ended the takedown of {} articles",
    ("override hide", True): "hid {} articles in all lists",
    ("override hide", False): "showed {} articles again",
    ("override pin", False): "removed {} pins",
}

ACCOUNT_LABELS: Mapping[str, str] = {
    "editor.add": "added {}",
    "editor.password": "changed the password of {}",
    "editor.disable": "removed the access of {}",
    "editor.sign-out": "signed {} out everywhere",
    "token.add": "made the token {}",
    "token.revoke": "revoked the token {}",
}


def capitalized(text: str) -> str:
    """Returns a text with a capital letter at its start, unless it begins with a name or path."""
    begins_with_word = re.match(r"[a-z']+[ ,]", text) is not None
    return f"{text[0].upper()}{text[1:]}" if begins_with_word else text


def label_end(entry: AuditEntry) -> int | None:
    """Returns when the decision in an audit entry ends, in microseconds since 1970 UTC.

    Returns ``None`` if the decision has no end.
    """
    until = (entry.after or {}).get("until")
    return until if isinstance(until, int) and until < NEVER else None


def _label_override_entry(entry: AuditEntry, target: str) -> str:
    after, before = entry.after, entry.before or {}
    if entry.action == "override.undo":
        kind = (after or before).get("kind", "")
        place = f" at position {after['position']}" if after and kind == "pin" else ""
        return f"{'restored' if after else 'undid'} the {kind} of {target}{place}"
    if after is None:
        return f"unpinned {target}" if before.get("kind") == "pin" else f"showed {target} again"
    if after["kind"] == "pin":
        return f"pinned {target} at position {after['position']}"
    as_what = " as not related" if after["not_related"] else ""
    if before.get("kind") == "hide":
        return f"changed the hide of {target}{as_what and ': not related'}"
    return f"hid {target}{as_what}"


def _named(build: Build | None, article_id: str) -> str:
    if is_rule(article_id):
        return name_scope(article_id)
    title = article_id if build is None else read_title(build, article_id)
    return f"“{title}”"
