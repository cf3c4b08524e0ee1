"""Adds until when a pushed statement hides its article."""

import sqlalchemy as sa
from alembic import op

from recommender.visibility import NEVER

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Adds the column; of statements that were stored before, takedowns and records tell it."""
    op.add_column(
        "pushed", sa.Column("hidden_until", sa.BigInteger, nullable=False, server_default="0")
    )
    by_takedown = sa.text(
        "UPDATE pushed SET hidden_until = CASE WHEN record IS NULL THEN :never ELSE COALESCE("
        "(SELECT until FROM takedowns WHERE takedowns.article_id = pushed.article_id "
        "AND before_push IS NOT NULL), 0) END"
    )
    op.execute(by_takedown.bindparams(never=NEVER))
