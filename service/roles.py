"""The roles of editors and API tokens, and what each may do."""

import enum


class Role(enum.StrEnum):
    """The roles: all may read, an editor may decide, a publisher may push, an admin may do all."""

    READ = "read"
    PUBLISHER = "publisher"
    EDITOR = "editor"
    ADMIN = "admin"

    def may(self, needed: "Role") -> bool:
        """Tells whether this role has all the rights of ``needed``."""
        return self in (needed, Role.ADMIN) or needed is Role.READ
