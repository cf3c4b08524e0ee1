"""Serving: the published build with the editors' decisions, and what is shown of it."""
