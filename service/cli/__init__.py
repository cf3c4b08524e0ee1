"""The one command ``alsolike``: a file for each group of commands."""

from service.cli.alsolike import main

__all__ = ["main"]
