"""Adds the table of changes, so that services need not read all decisions after each change."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Creates the table empty; services read all decisions once if they know an earlier version."""
    op.create_table(
        "changes",
        sa.Column("version", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("since", sa.BigInteger, nullable=False),
        sa.Column("article_id", sa.Text, nullable=False),
        sa.Column("takedown", sa.Boolean, nullable=False),
    )
