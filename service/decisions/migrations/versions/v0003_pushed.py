"""Adds the table of what was pushed, and marks the takedowns that a push makes."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Creates the table empty; the takedowns that there are stay the editors' own."""
    op.create_table(
        "pushed",
        sa.Column("article_id", sa.Text, primary_key=True, autoincrement=False),
        sa.Column("number", sa.BigInteger, nullable=False),
        sa.Column("stated", sa.BigInteger, nullable=False),
        sa.Column("received", sa.BigInteger, nullable=False),
        sa.Column("who", sa.Text, nullable=False),
        sa.Column("record", sa.Text),
        sa.Column("refused", sa.Text),
    )
    op.create_index("pushed_number", "pushed", ["number"], unique=True)
    op.add_column("meta", sa.Column("pushed", sa.BigInteger, nullable=False, server_default="0"))
    op.add_column("takedowns", sa.Column("before_push", sa.BigInteger))
