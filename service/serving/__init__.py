"""Serving: the live build with the editors' decisions, and the selection of related lists."""
