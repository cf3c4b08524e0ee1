"""The roles of editors and API tokens, and what each may do."""

import enum


class Role(enum.StrEnum):
    """The roles of editors and API tokens; each may read, and an admin may do everything.

    An editor may also pin, hide, judge and take down articles, a publisher may push articles.
    """

    READ = "read"
    PUBLISHER = "publisher"
    EDITOR = "editor"
    ADMIN = "admin"

    def may(self, needed: "Role") -> bool:
        """Tells whether this role has all the rights of the role ``needed``."""
        return self in (needed, Role.ADMIN) or needed is Role.READ
