"""The heavy stages of a build on a Ray cluster."""
