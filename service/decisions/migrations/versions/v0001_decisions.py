"""The first schema version.

New databases start at the current version, which :mod:`service.decisions.schema` defines.
"""

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Does nothing, since the first version of AlsoLike created the tables without migrations."""
