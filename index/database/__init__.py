"""Databases: reading a site's own, and keeping what editors decide in AlsoLike's.

Every import of a database library lies in this package. A source's rows come from
:mod:`index.database.rows`; decisions are written and read through
:class:`index.database.database.Database`.
"""
