"""The command line tool ``alsolike``: one module for each group of commands."""

import gc

gc.disable()  # importing leaves no garbage; looking for it takes a tenth of the time
from service.cli.entry_point import main  # noqa: E402

gc.freeze()
gc.enable()

__all__ = ["main"]
