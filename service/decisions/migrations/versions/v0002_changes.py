"""What changed from version to version, so that whoever follows need not read everything."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Make the table; what was decided before is in none of its rows, and is read whole."""
    op.create_table(
        "changes",
        sa.Column("version", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("since", sa.BigInteger, nullable=False),
        sa.Column("article_id", sa.Text, nullable=False),
        sa.Column("takedown", sa.Boolean, nullable=False),
    )
