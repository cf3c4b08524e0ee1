"""Counts which related articles readers see and click, without anything about a reader."""
