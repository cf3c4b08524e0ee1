"""What a site asks on every page view: related articles by id."""
