"""The report of a build: its figures, charts and HTML page."""
