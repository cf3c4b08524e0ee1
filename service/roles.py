"""What someone may do."""

from __future__ import annotations

import enum


class Role(enum.StrEnum):
    """Rights, each holding those before it."""

    READ = "read"
    EDITOR = "editor"
    ADMIN = "admin"

    def may(self, needed: Role) -> bool:
        """Whether this role holds the rights of another."""
        return _RANK[self] >= _RANK[needed]


_RANK = {Role.READ: 0, Role.EDITOR: 1, Role.ADMIN: 2}
