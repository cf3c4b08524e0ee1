"""Where articles come from: a file per kind of source, all behind one protocol."""
