"""Reads the copy of all decisions (the snapshot) as older versions of AlsoLike wrote it.

Before database schema 2, the snapshot was the JSON file ``state.json``. The next snapshot that is
written replaces it.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from recommender.visibility import NEVER
from service.decisions.decision_state import DecisionState, Override, OverrideKind

OLDER_SNAPSHOT = "state.json"


def load_older_snapshot(root: Path) -> DecisionState | None:
    """Returns the decisions in the JSON file of an older version of AlsoLike.

    Returns ``None`` if there is no such file, or its checksum is wrong.

    Args:
        root: The folder that holds the builds, and this file.
    """
    try:
        content = (root / OLDER_SNAPSHOT).read_bytes()
        sealed = json.loads(content)
        body = sealed["state"]
        written = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
        if sealed["sha256"] != hashlib.sha256(written).hexdigest():
            return None
        overrides: dict[str, list[Override]] = {}
        for article_id, target_id, kind, position, until in body["overrides"]:
            override = Override(
                article_id=article_id,
                target_id=target_id,
                kind=OverrideKind(kind),
                position=position,
                until=NEVER if until is None else until,
            )
            overrides.setdefault(article_id, []).append(override)
        return DecisionState(
            database=body["database"],
            version=body["version"],
            takedowns={
                key: NEVER if until is None else until for key, until in body["takedowns"].items()
            },
            overrides={key: tuple(some) for key, some in overrides.items()},
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
