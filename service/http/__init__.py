"""The HTTP layer: routes for page views, HTML fragments, headers, sign-in, errors, metrics."""
