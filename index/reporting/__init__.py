"""The report of a build: figures, charts, a page."""
