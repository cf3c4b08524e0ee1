"""Runs the command ``alsolike`` as ``python -m service.cli``."""

from service.cli.entry_point import main

if __name__ == "__main__":
    main()
