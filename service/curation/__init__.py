"""What editors look at, look for and do."""
