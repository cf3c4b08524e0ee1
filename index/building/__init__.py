"""The stages of a build: read, prepare, encode, and the builder that runs them in order."""
