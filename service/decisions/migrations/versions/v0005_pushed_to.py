"""Adds the build that was live where a site last pushed something."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Adds the column; until the next push it says that no build is known."""
    op.add_column("meta", sa.Column("pushed_to", sa.Text, nullable=False, server_default=""))
