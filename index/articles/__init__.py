"""One article: parsed from a record, cleaned, stored, and its card."""
