"""Makes builds, once or all day, and a variant's beside them; tells people what went wrong."""
