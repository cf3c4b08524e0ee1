"""How the schema came to be, step by step; run by :mod:`service.decisions.schema_version`."""
