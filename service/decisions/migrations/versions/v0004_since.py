"""Adds when a pin or hide begins, and the table of words that are not to become links."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Adds the column and the empty table; the pins and hides that there are hold at once."""
    op.add_column(
        "overrides", sa.Column("since", sa.BigInteger, nullable=False, server_default="0")
    )
    op.create_table(
        "refused_words",
        sa.Column("article_id", sa.Text, primary_key=True, autoincrement=False),
        sa.Column("target_id", sa.Text, primary_key=True, autoincrement=False),
        sa.Column("words", sa.Text, primary_key=True, autoincrement=False),
        sa.Column("author", sa.Text, nullable=False),
        sa.Column("created", sa.BigInteger, nullable=False),
    )
