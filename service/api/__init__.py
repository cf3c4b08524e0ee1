"""The JSON API: batches, drafts, pushes, links, editors' decisions, builds, documentation."""
