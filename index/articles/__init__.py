"""Articles: parsed from a source's records, cleaned, stored in a build, and shown as cards."""
