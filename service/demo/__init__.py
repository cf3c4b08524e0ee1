"""The demo site: every sample article as a page with its "You May Also Like" in place."""
