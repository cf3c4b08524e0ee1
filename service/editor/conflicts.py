"""Describes a conflict: another editor changed a list while this editor had its page open."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from index.build.build import Build
from service.curation.article_row import read_title
from service.decisions.audit_trail import AuditEntry
from service.decisions.database import Database
from service.editor.labels import label_entry, label_override

_LOOK_BACK = 200


def describe_conflict(
    database: Database,
    build: Build,
    article_id: str,
    *,
    seen: int | None,
    wanted: str,
    action: str,
    fields: Mapping[str, str],
) -> dict[str, Any]:
    """Returns the values for the template that tells an editor about a conflict, by name.

    The editor wanted to decide something about a list that another editor has changed meanwhile.
    The template shows the list's pins and hides as the editor saw them and as they are now, who
    changed them, and a form to make the decision nevertheless.

    Args:
        database: The database of decisions.
        build: The build that titles are read from.
        article_id: The article whose list was changed.
        seen: The number of the last audit entry when the editor loaded the page, if known.
        wanted: What the editor wanted to do, as the end of a sentence, such as ``hide “Title”``.
        action: The URL that the form is sent to.
        fields: The fields that the form sends, except ``version`` and ``seen``.
    """
    listed = database.overrides.of(article_id)
    latest = database.audit.latest(limit=_LOOK_BACK, article_id=article_id)
    newest = next((each.seq for each in database.audit.latest(limit=1)), 0)
    since = [
        entry
        for entry in latest
        if entry.action.startswith("override.")
        and entry.article_id == article_id
        and (seen is None or entry.seq > seen)
    ]
    now: dict[str, Mapping[str, Any]] = {each.target_id: asdict(each) for each in listed.items}

    def lines(state: Mapping[str, Mapping[str, Any]]) -> list[str]:
        return [
            f"{read_title(build, target)}: {label_override(values)}"
            for target, values in state.items()
        ]

    return {
        "who": _names(since),
        "wanted": wanted,
        "seen": lines(_before(now, since)),
        "now": lines(now),
        "entries": [
            {
                "at": entry.at,
                "who": entry.who,
                "sentence": label_entry(build, entry, within=True),
                "reason": entry.reason,
            }
            for entry in since
        ],
        "action": action,
        "fields": list({**fields, "version": str(listed.version), "seen": str(newest)}.items()),
    }


def _before(
    now: Mapping[str, Mapping[str, Any]], since: Sequence[AuditEntry]
) -> dict[str, Mapping[str, Any]]:
    """Returns a list's pins and hides as they were before the changes in some audit entries.

    Args:
        now: The values of each pin and hide as they are now, by the id of the pinned or hidden
            article.
        since: The audit entries of the changes, latest first.

    Returns:
        The earlier values, in the form of ``now``.
    """
    state = dict(now)
    for entry in since:
        if entry.before is None:
            state.pop(entry.target_id, None)
        else:
            state[entry.target_id] = entry.before
    return state


def _names(since: Sequence[AuditEntry]) -> str:
    names = list(dict.fromkeys(entry.who for entry in reversed(since)))
    return " and ".join(names) if names else "Someone"
