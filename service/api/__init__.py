"""The JSON API: batches, drafts, editors' decisions, builds, documentation."""
