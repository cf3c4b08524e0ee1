"""Every reason, status and action that code can name has words on the pages."""

from __future__ import annotations

import ast
from dataclasses import replace
from pathlib import Path

import pytest

import service.decisions
from service.curation.pin_alerts import Alert, AlertReason
from service.curation.preview import LeftOut
from service.decisions.audit_trail import AuditEntry
from service.decisions.decision_state import Override, OverrideKind
from service.editor.labels import (
    ACCOUNT_LABELS,
    BUTTONS,
    STANDING_SENTENCES,
    label_entry,
    label_left_out,
    label_override,
    label_several,
)
from service.serving.serving_view import VisibilityStatus

VALUES = {
    "override": {"kind": "pin", "position": 2, "not_related": False, "until": None},
    "takedown": {"since": 1, "who": "mira", "reason": "", "until": None},
    "judgment": {"author": "mira", "verdict": 1, "build": "", "reason": "", "created": 1},
    "words": {"words": "tall trees", "author": "mira", "created": 1},
}


def audit_actions() -> set[str]:
    """Every action that the code records in the audit trail."""
    recorded = set()
    for path in Path(service.decisions.__path__[0]).glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                action = node.args[0] if node.args else None
                if node.func.attr in ("decide", "record") and isinstance(action, ast.Constant):
                    recorded.add(str(action.value))
    return recorded | {f"{kind}.undo" for kind in VALUES}


def test_the_audit_actions_are_found_in_the_code() -> None:
    assert {"override.put", "takedown.lift", "judgment.remove", "token.add"} <= audit_actions()


@pytest.mark.parametrize("reason", LeftOut)
def test_a_page_says_why_a_candidate_is_left_out(reason: LeftOut) -> None:
    assert label_left_out(reason, "") or reason is LeftOut.BEYOND_LIMIT
    assert "1 May" in label_left_out(reason, "1 May")


@pytest.mark.parametrize("standing", VisibilityStatus)
def test_every_status_but_visible_has_its_words(standing: VisibilityStatus) -> None:
    if standing is VisibilityStatus.VISIBLE:
        return
    assert label_left_out(LeftOut(standing), "")
    assert AlertReason(standing)
    taken_down = standing is VisibilityStatus.TAKEN_DOWN  # the page shows the takedown instead
    assert taken_down or STANDING_SENTENCES[standing]


@pytest.mark.parametrize("reason", AlertReason)
def test_an_alert_says_why_a_pin_has_no_effect(reason: AlertReason) -> None:
    pin = Override(article_id="a", target_id="the-target", kind=OverrideKind.PIN, position=1)
    said = Alert(override=pin, reason=reason).sentence()
    assert "the-target" in said or reason is AlertReason.NO_ARTICLE


def test_every_kind_of_override_has_a_label_of_its_own() -> None:
    values = [{"kind": kind, "position": 1, "not_related": False} for kind in OverrideKind]
    values.append({"kind": OverrideKind.HIDE, "position": None, "not_related": True})
    assert len({label_override(each) for each in values}) == len(values)


@pytest.mark.parametrize("action", sorted(audit_actions()))
def test_the_history_has_a_sentence_for_every_action(action: str) -> None:
    kind, _, verb = action.partition(".")
    values = VALUES.get(kind, {"name": "noor"})
    gone = verb in ("remove", "lift", "disable", "revoke")
    entry = AuditEntry(
        seq=1,
        at=1,
        who="mira",
        how="cli",
        action=action,
        article_id="an-article",
        target_id="a-target",
        before=values if gone else None,
        after=None if gone else values,
        reason="",
    )
    sentence = label_entry(None, entry)
    assert action not in sentence
    assert kind in VALUES or (action in ACCOUNT_LABELS and "noor" in sentence)
    if action == "takedown.lift":
        kept = replace(entry, after={**values, "before_push": 0})
        assert label_entry(None, kept) == f"{sentence}; it stays down, as the site unpublished it"
        assert label_several([kept, kept]) == "ended the takedown of 2 articles"


def test_every_button_says_what_it_wanted_to_do() -> None:
    assert all("“{}”" in wanted for wanted in BUTTONS.values())
