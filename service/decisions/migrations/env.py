"""Alembic's entry point: runs all migrations in the given connection's transaction."""

from alembic import context

from service.decisions.schema import VERSION_TABLE, metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table=VERSION_TABLE,
)
context.run_migrations()
