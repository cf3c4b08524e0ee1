"""Which builds stay: the latest few, and always the live one and the one before it."""

from __future__ import annotations

import logging

from index.errors import BuildError, UnavailableError
from index.root.journal import append_journal
from index.root.root import Root

log = logging.getLogger("alsolike")


def prune(root: Root, keep: int) -> list[str]:
    """Remove old builds; the caller holds the lock.

    Args:
        root: Whose builds.
        keep: How many of the latest stay, beside the live one and its rollback.

    Returns:
        The names of those removed, oldest first.

    Raises:
        BuildError: If ``CURRENT`` is damaged, when nobody knows what is live, or a build
            can't be removed.
    """
    protected = set(root.kept_for_rollback())
    names = root.names()
    doomed = [name for name in names[: max(0, len(names) - keep)] if name not in protected]
    removed: list[str] = []
    for name in doomed:
        try:
            root.remove(name)
            removed.append(name)
        except UnavailableError as error:
            log.warning("%s", error)
        except OSError as error:
            raise BuildError(f"build {name} can't be removed: {error}") from error
    if removed:
        append_journal(root.path, "prune", builds=removed)
    return removed
