"""Reads and checks the version of a database's tables (its schema), and upgrades them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from index.errors import DatabaseError
from index.sql_engine import translate
from service.decisions.decision_store import WRITES
from service.decisions.schema import HEAD, VERSION_TABLE, make_tables

if TYPE_CHECKING:  # Alembic is slow to import, and needed only for upgrades
    from alembic.config import Config

_UPGRADE_LOCK = 0x616C736F
"""The number of the PostgreSQL advisory lock that makes a second upgrade wait for the first."""


def schema_version(connection: sa.Connection) -> str | None:
    """Returns the version of a database's tables (its schema), such as ``"0002"``.

    Returns ``None`` if the database has no tables of AlsoLike.
    """
    if not sa.inspect(connection).has_table(VERSION_TABLE):
        return None
    version: str | None = connection.execute(
        sa.select(sa.column("version_num")).select_from(sa.table(VERSION_TABLE))
    ).scalar()
    return version


def check_schema(version: str | None, label: str) -> None:
    """Checks that a database's schema is the current one.

    Args:
        version: The schema version; ``None`` if the database has no tables of AlsoLike.
        label: The name of the database in error messages.

    Raises:
        DatabaseError: If the schema is missing, older or newer; the message names the remedy.
    """
    if version == HEAD:
        return
    if version is None:
        raise DatabaseError(f"{label} has no AlsoLike tables yet; run: alsolike db upgrade")
    if version in _steps():
        raise DatabaseError(
            f"{label} has schema {version}, but this version of AlsoLike needs {HEAD}; "
            "run: alsolike db upgrade"
        )
    raise DatabaseError(
        f"{label} has schema {version}, made by a newer AlsoLike (this one reads {HEAD}); "
        "install the newer version"
    )


def upgrade(engine: sa.Engine, label: str) -> str | None:
    """Brings the tables of a database to the current schema; creates them if there are none.

    The upgrade is one transaction. If two processes upgrade at once, one waits for the other.

    Args:
        engine: The SQLAlchemy engine of the database.
        label: The name of the database in error messages.

    Returns:
        The schema version before the upgrade; ``None`` if there were no tables of AlsoLike.

    Raises:
        DatabaseError: If a newer AlsoLike made the schema, or the database can't be written.
    """
    try:
        with (
            engine.connect().execution_options(**{WRITES: True}) as connection,
            connection.begin(),
        ):
            if connection.dialect.name == "postgresql":
                connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_UPGRADE_LOCK})")
            before = schema_version(connection)
            if before != HEAD:
                if before is not None and before not in _steps():
                    check_schema(before, label)
                _run(connection, before)
            return before
    except SQLAlchemyError as error:
        raise translate(error, label) from error


def _run(connection: sa.Connection, before: str | None) -> None:
    from alembic import command

    config = _config()
    config.attributes["connection"] = connection
    if before is None:
        make_tables(connection)
        command.stamp(config, "head")
    else:
        command.upgrade(config, "head")


def _steps() -> set[str]:
    from alembic.script import ScriptDirectory

    script = ScriptDirectory.from_config(_config())
    return {step.revision for step in script.walk_revisions()}


def _config() -> Config:
    from alembic.config import Config

    config = Config()
    folder = str(Path(__file__).parent / "migrations")
    config.set_main_option("script_location", folder.replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config
