"""Undoes a decision: makes a new decision that restores the values from before the first one."""

from __future__ import annotations

import sqlalchemy as sa

from recommender.errors import NotFoundError
from recommender.visibility import NEVER
from service.decisions import schema
from service.decisions.decision_rules import check_reason
from service.decisions.decision_store import Actor, Change, Store, Written
from service.errors import DecisionError, SupersededError

_AUDIT = schema.audit
_TABLES = {
    "override": schema.overrides,
    "takedown": schema.takedowns,
    "judgment": schema.judgments,
}


def undo(store: Store, actor: Actor, seq: int, *, reason: str = "") -> Written:
    """Undoes the decision that one entry of the audit trail records.

    Refuses if a newer decision changed the same pin, hide, takedown or judgment.

    Args:
        store: The open database of decisions.
        actor: The actor who undoes the decision.
        seq: The number of the entry.
        reason: The actor's reason, at most 1,000 characters.

    Raises:
        NotFoundError: If there is no such entry.
        DecisionError: If the entry is about an account or token, which can't be undone.
        SupersededError: If there is a newer decision on the same thing.
        DatabaseError: If the database or the snapshot (its copy on disk) can't be written. If only
            the snapshot can't, the decision is undone nevertheless.
    """
    check_reason(reason)
    with store.change(actor) as change:
        query = sa.select(_AUDIT).where(_AUDIT.c.seq == seq)
        entry = change.connection.execute(query).mappings().first()
        if entry is None:
            raise NotFoundError(f"the audit trail has no entry {seq}")
        kind = entry["action"].partition(".")[0]
        if kind not in _TABLES:
            raise DecisionError(
                "seq", f"entry {seq} ({entry['action']}) is of a kind that can't be undone"
            )
        _refuse_newer(change, entry, kind)
        key = {"article_id": entry["article_id"]}
        if kind != "takedown":
            key["target_id"] = entry["target_id"]
        if kind == "judgment":
            key["author"] = _author(entry)
        values = entry["before"]
        if values is not None:
            values = {name: value for name, value in values.items() if name not in key}
            if "until" in values and values["until"] is None:
                values["until"] = NEVER
        return change.decide(f"{kind}.undo", _TABLES[kind], key, values, reason=reason)


def _refuse_newer(change: Change, entry: sa.RowMapping, kind: str) -> None:
    newer = sa.select(_AUDIT).where(
        _AUDIT.c.seq > entry["seq"],
        _AUDIT.c.article_id == entry["article_id"],
        _AUDIT.c.target_id == entry["target_id"],
        _AUDIT.c.action.startswith(f"{kind}."),
    )
    for later in change.connection.execute(newer.order_by(_AUDIT.c.seq)).mappings():
        if kind == "judgment" and _author(later) != _author(entry):
            continue
        raise SupersededError(
            f"entry {entry['seq']} can't be undone, as {later['who']} has made a newer decision "
            f"(entry {later['seq']}); undo that first",
            change.list_version(entry["article_id"]),
        )


def _author(entry: sa.RowMapping) -> str:
    return str((entry["after"] or entry["before"])["author"])
