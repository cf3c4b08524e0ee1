"""The sources that articles are read from: one module for each kind, all with one protocol."""
