"""From a finished build to a live one: gates, what changes, what stays."""
