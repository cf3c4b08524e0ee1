"""Gates, what a build changes, publishing, rolling back, retention."""
