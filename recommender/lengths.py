"""How long lists are: as they are stored, and as they are shown."""

DEFAULT_DEPTH = 50
"""Length of a stored list: deeper than anyone shows, so that serving can filter it."""

SHOWN = 6
"""Length at which orphans and hubs are counted: what a page shows."""
