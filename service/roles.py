"""The roles of editors and API tokens, and what each may do."""

from __future__ import annotations

import enum


class Role(enum.StrEnum):
    """The roles, lowest first: each has all the rights of those before it."""

    READ = "read"
    EDITOR = "editor"
    ADMIN = "admin"

    def may(self, needed: Role) -> bool:
        """Tells whether this role has all the rights of ``needed``."""
        return [*Role].index(self) >= [*Role].index(needed)
