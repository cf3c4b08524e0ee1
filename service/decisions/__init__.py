"""What editors decide: the database where it is written, and the snapshot that outlives it."""
