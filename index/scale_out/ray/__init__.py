"""Runs the heavy stages of a build on a Ray cluster."""
