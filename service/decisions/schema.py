"""The database tables of editors' decisions; all times are microseconds since 1970 UTC.

The table ``meta`` holds one row. Its ``version`` grows with every change that readers may see. Each
new version is at least the current time. So a database that was restored from a backup never gives
a version that it had given before. An ``until`` of ``NEVER`` means that a decision has no end.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping, Sequence

import sqlalchemy as sa

HEAD = "0002"
"""The version of the tables' form (schema) below; it is the name of the last migration."""

VERSION_TABLE = "alsolike_schema"
"""The table that holds the schema version; other programs won't have a table of this name."""

metadata = sa.MetaData()

meta = sa.Table(
    "meta",
    metadata,
    sa.Column("database_id", sa.Text, primary_key=True),
    sa.Column("version", sa.BigInteger, nullable=False),
)

changes = sa.Table(
    "changes",
    metadata,
    sa.Column("version", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("since", sa.BigInteger, nullable=False),
    sa.Column("article_id", sa.Text, nullable=False),
    sa.Column("takedown", sa.Boolean, nullable=False),
)
"""Which takedown or list each version of the database changed; versions of the last 30 days.

The ``since`` of a row is the version before. A service that knows the decisions at some version
follows the rows from there, and reads only what they name. If a row is missing in between, it must
read all decisions.
"""

overrides = sa.Table(
    "overrides",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("article_id", sa.Text, nullable=False),
    sa.Column("target_id", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("position", sa.Integer),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("not_related", sa.Boolean, nullable=False),
    sa.Column("author", sa.Text, nullable=False),
    sa.Column("created", sa.BigInteger, nullable=False),
    sa.Column("until", sa.BigInteger, nullable=False),
    sa.UniqueConstraint("article_id", "target_id", name="overrides_pair"),
    sa.Index("overrides_target", "target_id"),
)

list_versions = sa.Table(
    "list_versions",
    metadata,
    sa.Column("article_id", sa.Text, primary_key=True),
    sa.Column("version", sa.BigInteger, nullable=False),
)

takedowns = sa.Table(
    "takedowns",
    metadata,
    sa.Column("article_id", sa.Text, primary_key=True),
    sa.Column("since", sa.BigInteger, nullable=False),
    sa.Column("who", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("until", sa.BigInteger, nullable=False),
)

judgments = sa.Table(
    "judgments",
    metadata,
    sa.Column("article_id", sa.Text, primary_key=True),
    sa.Column("target_id", sa.Text, primary_key=True),
    sa.Column("author", sa.Text, primary_key=True),
    sa.Column("verdict", sa.Integer, nullable=False),
    sa.Column("build", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("created", sa.BigInteger, nullable=False),
)

tokens = sa.Table(
    "tokens",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("role", sa.Text, nullable=False),
    sa.Column("secret_hash", sa.Text, nullable=False),
    sa.Column("created", sa.BigInteger, nullable=False),
    sa.Column("created_by", sa.Text, nullable=False),
    sa.Column("expires", sa.BigInteger, nullable=False),
    sa.Column("revoked", sa.BigInteger),
)

editors = sa.Table(
    "editors",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("role", sa.Text, nullable=False),
    sa.Column("password_hash", sa.Text, nullable=False),
    sa.Column("created", sa.BigInteger, nullable=False),
    sa.Column("disabled", sa.BigInteger),
    sa.Column("session_epoch", sa.Integer, nullable=False),
)

sessions = sa.Table(
    "sessions",
    metadata,
    sa.Column("id_hash", sa.Text, primary_key=True),
    sa.Column("editor", sa.Text, nullable=False),
    sa.Column("session_epoch", sa.Integer, nullable=False),
    sa.Column("csrf", sa.Text, nullable=False),
    sa.Column("created", sa.BigInteger, nullable=False),
    sa.Column("expires", sa.BigInteger, nullable=False),
    sa.Column("last_seen", sa.BigInteger, nullable=False),
    sa.Index("sessions_editor", "editor"),
)

attempts = sa.Table(
    "attempts",
    metadata,
    sa.Column("client", sa.Text, primary_key=True),
    sa.Column("since", sa.BigInteger, nullable=False),
    sa.Column("count", sa.Integer, nullable=False),
    sa.Index("attempts_since", "since"),
)

audit = sa.Table(
    "audit",
    metadata,
    sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.Column("who", sa.Text, nullable=False),
    sa.Column("how", sa.Text, nullable=False),
    sa.Column("action", sa.Text, nullable=False),
    sa.Column("article_id", sa.Text, nullable=False),
    sa.Column("target_id", sa.Text, nullable=False),
    sa.Column("before", sa.JSON(none_as_null=True)),
    sa.Column("after", sa.JSON(none_as_null=True)),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Index("audit_pair", "article_id", "target_id"),
    sa.Index("audit_target", "target_id"),
)

_REFUSAL = "the audit trail can only be added to"
_TRIGGERS: Mapping[str, Sequence[str]] = {
    "sqlite": [
        f"CREATE TRIGGER audit_no_{change.lower()} BEFORE {change} ON audit "
        f"BEGIN SELECT RAISE(ABORT, '{_REFUSAL}'); END"
        for change in ("UPDATE", "DELETE")
    ],
    "postgresql": [
        "CREATE FUNCTION refuse_audit_change() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{_REFUSAL}'; END $$",
        "CREATE TRIGGER audit_no_change BEFORE UPDATE OR DELETE ON audit "
        "FOR EACH ROW EXECUTE FUNCTION refuse_audit_change()",
        "CREATE TRIGGER audit_no_truncate BEFORE TRUNCATE ON audit "
        "FOR EACH STATEMENT EXECUTE FUNCTION refuse_audit_change()",
    ],
}


def make_tables(connection: sa.Connection) -> None:
    """Creates all tables in an empty database, in the open transaction of ``connection``."""
    metadata.create_all(connection)
    version = time.time_ns() // 1000
    connection.execute(meta.insert().values(database_id=uuid.uuid4().hex, version=version))
    for statement in _TRIGGERS[connection.dialect.name]:
        connection.exec_driver_sql(statement)
