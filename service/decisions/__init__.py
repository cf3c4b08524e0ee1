"""Editors' decisions: their database, and the copy on disk for when the database is unavailable."""
