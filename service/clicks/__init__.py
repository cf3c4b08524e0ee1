"""Counts which related articles readers see and click, and stores nothing about any reader."""
