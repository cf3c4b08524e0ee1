"""Decisions, accounts and pushes: their database, and a copy on disk for when it is unavailable."""
