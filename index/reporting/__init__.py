"""What a build says of itself to people: figures, charts, a page."""
