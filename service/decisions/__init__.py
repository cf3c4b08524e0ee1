"""Editors' decisions: their database, and the copy that is used when it is unavailable."""
