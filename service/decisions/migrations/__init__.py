"""Migrations of the database schema; run by :mod:`service.decisions.database`."""
