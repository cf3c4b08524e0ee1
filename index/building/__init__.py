"""Making a build, one stage after another, here or on a cluster."""
