"""Adds until when a pushed statement hides its article, and words that are not to become links."""

import sqlalchemy as sa
from alembic import op

from recommender.visibility import NEVER

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Adds the column; of statements that were stored before, takedowns and records tell it.

    And the empty table, which 0004 made in some databases, and an index by when pushes came.
    """
    op.add_column(
        "pushed", sa.Column("hidden_until", sa.BigInteger, nullable=False, server_default="0")
    )
    by_takedown = sa.text(
        "UPDATE pushed SET hidden_until = COALESCE((SELECT CASE WHEN record IS NULL THEN :never "
        "ELSE until END FROM takedowns WHERE takedowns.article_id = pushed.article_id "
        "AND (record IS NULL OR before_push IS NOT NULL)), 0)"
    )
    op.execute(by_takedown.bindparams(never=NEVER))
    op.create_index("pushed_received", "pushed", ["received"])
    if sa.inspect(op.get_bind()).has_table("refused_words"):
        return
    op.create_table(
        "refused_words",
        sa.Column("article_id", sa.Text, primary_key=True, autoincrement=False),
        sa.Column("target_id", sa.Text, primary_key=True, autoincrement=False),
        sa.Column("words", sa.Text, primary_key=True, autoincrement=False),
        sa.Column("author", sa.Text, nullable=False),
        sa.Column("created", sa.BigInteger, nullable=False),
    )
