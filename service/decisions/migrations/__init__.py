"""Migrations of the database schema; run by :mod:`service.decisions.schema_version`."""
