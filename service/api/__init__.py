"""The JSON API's routes for batches, drafts, editors' decisions, builds and documentation."""
