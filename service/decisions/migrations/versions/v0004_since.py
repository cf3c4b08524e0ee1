"""Adds when a pin or hide begins."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Adds the column; the pins and hides that there are hold at once."""
    op.add_column(
        "overrides", sa.Column("since", sa.BigInteger, nullable=False, server_default="0")
    )
