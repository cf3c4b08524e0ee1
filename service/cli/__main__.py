"""``python -m service.cli`` is the command ``alsolike``."""

from service.cli.alsolike import main

if __name__ == "__main__":
    main()
