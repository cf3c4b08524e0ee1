"""What is asked now and then: drafts, batches, editors' decisions, builds, documentation."""
