"""Taking a decision back: what stood there before it is put there again, by a new decision."""

from __future__ import annotations

import sqlalchemy as sa

from recommender.errors import NotFoundError
from recommender.visibility import NEVER
from service.decisions import schema
from service.decisions.decision_rules import check_reason
from service.decisions.decision_store import Actor, Change, Store, Written
from service.decisions.judgments import set_judgment
from service.decisions.overrides import set_override
from service.decisions.takedowns import set_takedown
from service.errors import DecisionError, SupersededError

_AUDIT = schema.audit


def undo(store: Store, actor: Actor, seq: int, *, reason: str = "") -> Written:
    """Revert one entry of the audit trail, if nothing newer touched the same thing.

    Args:
        store: The database.
        actor: Who takes it back.
        seq: The entry's number.
        reason: At most 1,000 characters.

    Raises:
        NotFoundError: If there is no such entry.
        DecisionError: If it is about an account; those are changed, not undone.
        SupersededError: If something newer touched the same thing.
        DatabaseError: If it can't be written; see :meth:`.store.Store.change`.
    """
    check_reason(reason)
    with store.change(actor) as change:
        query = sa.select(_AUDIT).where(_AUDIT.c.seq == seq)
        entry = change.connection.execute(query).mappings().first()
        if entry is None:
            raise NotFoundError(f"the audit trail has no entry {seq}")
        thing = entry["action"].partition(".")[0]
        if thing not in ("override", "takedown", "judgment"):
            raise DecisionError("seq", f"entry {seq} ({entry['action']}) can't be undone")
        _refuse_newer(change, entry, thing)
        article_id, target_id, before = entry["article_id"], entry["target_id"], entry["before"]
        if before is not None and "until" in before:
            before = {**before, "until": NEVER if before["until"] is None else before["until"]}
        if thing == "override":
            return set_override(
                change,
                "override.undo",
                article_id,
                target_id,
                before,
                reason=reason,
                if_version=None,
            )
        if thing == "takedown":
            return set_takedown(change, "takedown.undo", article_id, before, reason=reason)
        values = dict(before or entry["after"])
        author = values.pop("author")
        restored = None if before is None else values
        return set_judgment(
            change, "judgment.undo", article_id, target_id, author, restored, reason=reason
        )


def _refuse_newer(change: Change, entry: sa.RowMapping, thing: str) -> None:
    newer = sa.select(_AUDIT).where(
        _AUDIT.c.seq > entry["seq"],
        _AUDIT.c.article_id == entry["article_id"],
        _AUDIT.c.target_id == entry["target_id"],
        _AUDIT.c.action.startswith(f"{thing}."),
    )
    for later in change.connection.execute(newer.order_by(_AUDIT.c.seq)).mappings():
        if thing == "judgment" and _author(later) != _author(entry):
            continue
        raise SupersededError(
            f"{later['who']} decided anew after entry {entry['seq']} (entry {later['seq']}); "
            "undo that first",
            change.list_version(entry["article_id"]),
        )


def _author(entry: sa.RowMapping) -> str:
    return str((entry["after"] or entry["before"])["author"])
