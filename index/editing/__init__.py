"""What editors look at and look for."""
