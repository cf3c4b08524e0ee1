"""The command ``alsolike``, also ``python -m service``: imports :mod:`service.cli` and runs it."""

from __future__ import annotations

import gc

# What is being imported is no garbage: to look through it again and again takes a tenth of a start.
gc.set_threshold(50_000, 20, 50)

from service.cli import main  # noqa: E402 - after the line above, which is for this one

if __name__ == "__main__":
    main()
