"""The command line tool ``alsolike``: one module for each group of commands."""

from service.cli.alsolike import main

__all__ = ["main"]
