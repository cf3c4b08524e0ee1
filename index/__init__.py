"""Offline: read articles, build, check, publish, roll back."""
