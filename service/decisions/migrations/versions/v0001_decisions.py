"""The first schema. An empty database starts at the latest, see :mod:`service.decisions.schema`."""

from __future__ import annotations

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Nothing to do: whatever is at this version was made by the AlsoLike that had it."""
