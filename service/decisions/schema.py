"""The database tables of editors' decisions; all times are microseconds since 1970 UTC.

The table ``meta`` holds one row. Its ``version`` grows with every change that readers may see. Each
new version is at least the current time. So a database that was restored from a backup never gives
a version that it had given before. An ``until`` of ``NEVER`` means that a decision has no end.
``pushed`` grows in the same way with every statement that is pushed. ``pushed_to`` is a build of
the root to which statements are pushed; only a root that had this build settles them.
"""

import enum
import time
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy import BigInteger, Boolean, Integer, Text

from service.decisions.decision_state import OverrideKind
from service.roles import Role

HEAD = "0006"
"""The version of the tables' form (schema) below: the last migration's number, of four digits."""

VERSION_TABLE = "alsolike_schema"
"""The table that holds the schema version; other programs won't have a table of this name."""

metadata = sa.MetaData()


class OneOf(sa.TypeDecorator[enum.StrEnum]):
    """SQLAlchemy type of a text column whose values are the members of an enumeration."""

    impl = Text
    cache_ok = True

    def __init__(self, kind: type[enum.StrEnum]) -> None:
        super().__init__()
        self.kind = kind

    def process_bind_param(self, value: Any, _: sa.Dialect) -> str:
        """Returns the text to store for a member of the enumeration."""
        return str(value)

    def process_result_value(self, value: Any, _: sa.Dialect) -> enum.StrEnum:
        """Returns the member of the enumeration that a stored text stands for."""
        return self.kind(value)


def _required(**kinds: Any) -> list[sa.Column[Any]]:
    """Returns columns that always have a value, each by name and type."""
    return [sa.Column(name, kind, nullable=False) for name, kind in kinds.items()]


def _table(name: str, *parts: sa.schema.SchemaItem) -> sa.Table:
    """Returns a table of the database, made of columns, indexes and constraints."""
    return sa.Table(name, metadata, *parts)


def _key(name: str, kind: Any = Text) -> sa.Column[Any]:
    """Returns a column of the primary key."""
    return sa.Column(name, kind, primary_key=True, autoincrement=False)


meta = _table(
    "meta",
    _key("database_id"),
    *_required(version=BigInteger),
    sa.Column("pushed", BigInteger, nullable=False, server_default="0"),
    sa.Column("pushed_to", Text, nullable=False, server_default=""),
)

changes = _table(
    "changes",
    _key("version", BigInteger),
    *_required(since=BigInteger, article_id=Text, takedown=Boolean),
)
"""Which takedown or list each version of the database changed; versions of the last 30 days.

The ``since`` of a row is the version before. A service that knows the decisions at some version
follows the rows from there, and reads only what they name. If a row is missing in between, it must
read all decisions.
"""

overrides = _table(
    "overrides",
    sa.Column("id", Integer, primary_key=True, autoincrement=True),
    *_required(article_id=Text, target_id=Text, kind=OneOf(OverrideKind)),
    sa.Column("position", Integer),
    *_required(reason=Text, not_related=Boolean, author=Text, created=BigInteger, until=BigInteger),
    sa.Column("since", BigInteger, nullable=False, server_default="0"),
    sa.UniqueConstraint("article_id", "target_id", name="overrides_pair"),
    sa.Index("overrides_target", "target_id"),
)

list_versions = _table("list_versions", _key("article_id"), *_required(version=BigInteger))

takedowns = _table(
    "takedowns",
    _key("article_id"),
    *_required(since=BigInteger, who=Text, reason=Text, until=BigInteger),
    sa.Column("before_push", BigInteger),
)
"""The articles that are taken down.

``before_push`` is ``NULL`` if an editor decided it. A push that unpublishes an article takes it
down too: then it is when the editor's takedown ends that was there before, or 0 without one.
"""

pushed = _table(
    "pushed",
    _key("article_id"),
    *_required(number=BigInteger, stated=BigInteger, received=BigInteger, who=Text),
    sa.Column("record", Text),
    sa.Column("refused", Text),
    sa.Column("hidden_until", BigInteger, nullable=False, server_default="0"),
    sa.Index("pushed_number", "number", unique=True),
    sa.Index("pushed_received", "received"),
)
"""The newest statement about each article that was pushed and is not settled yet.

``record`` is JSON; ``NULL`` says that the article is gone. ``stated`` is the statement's own time.
Until ``hidden_until`` the statement says that readers may not see the article; 0 if they may,
below 0 if an editor lifted its takedown.
"""

judgments = _table(
    "judgments",
    _key("article_id"),
    _key("target_id"),
    _key("author"),
    *_required(verdict=Integer, build=Text, reason=Text, created=BigInteger),
)

refused_words = _table(
    "refused_words",
    _key("article_id"),
    _key("target_id"),
    _key("words"),
    *_required(author=Text, created=BigInteger),
)

tokens = _table(
    "tokens",
    _key("id"),
    *_required(name=Text, role=OneOf(Role), secret_hash=Text),
    *_required(created=BigInteger, created_by=Text, expires=BigInteger),
    sa.Column("revoked", BigInteger),
)

editors = _table(
    "editors",
    _key("name"),
    *_required(role=OneOf(Role), password_hash=Text, created=BigInteger),
    sa.Column("disabled", BigInteger),
    *_required(session_epoch=Integer),
)

sessions = _table(
    "sessions",
    _key("id_hash"),
    *_required(editor=Text, session_epoch=Integer, csrf=Text),
    *_required(created=BigInteger, expires=BigInteger, last_seen=BigInteger),
    sa.Index("sessions_editor", "editor"),
)

attempts = _table(
    "attempts",
    _key("client"),
    *_required(since=BigInteger, count=Integer),
    sa.Index("attempts_since", "since"),
)

audit = _table(
    "audit",
    _key("seq", BigInteger),
    *_required(at=BigInteger, who=Text, how=Text, action=Text, article_id=Text, target_id=Text),
    sa.Column("before", sa.JSON(none_as_null=True)),
    sa.Column("after", sa.JSON(none_as_null=True)),
    *_required(reason=Text),
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
