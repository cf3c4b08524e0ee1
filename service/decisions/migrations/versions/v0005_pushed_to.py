"""Adds the build that was live where a site last pushed, and words that are not to become links."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Adds the column; until the next push it says that no build is known. And an empty table."""
    op.add_column("meta", sa.Column("pushed_to", sa.Text, nullable=False, server_default=""))
    if sa.inspect(op.get_bind()).has_table("refused_words"):  # in some databases 0004 made it
        return
    op.create_table(
        "refused_words",
        sa.Column("article_id", sa.Text, primary_key=True, autoincrement=False),
        sa.Column("target_id", sa.Text, primary_key=True, autoincrement=False),
        sa.Column("words", sa.Text, primary_key=True, autoincrement=False),
        sa.Column("author", sa.Text, nullable=False),
        sa.Column("created", sa.BigInteger, nullable=False),
    )
