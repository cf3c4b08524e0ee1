"""The service: the HTTP API, the editors' pages and the command line."""
