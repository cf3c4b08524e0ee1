"""HTTP: page views and fragments, the response cache, headers, sign-in, metrics."""
