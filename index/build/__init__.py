"""The format of a build: its files, manifest, vectors, and what explains its lists."""
