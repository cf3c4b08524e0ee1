"""Makes builds of a site's sources, once or all day, and tells people what went wrong."""
