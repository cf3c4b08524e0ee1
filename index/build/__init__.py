"""The format of a build: its files, manifest, neighbor index and stored explanations."""
