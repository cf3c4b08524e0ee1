"""Removes old builds; the live build and the one that a rollback would return to are kept."""

from __future__ import annotations

import logging

from index.errors import BuildError, UnavailableError
from index.root.journal import append_journal
from index.root.root import Root

log = logging.getLogger("alsolike")


def prune(root: Root, keep: int) -> list[str]:
    """Remove old builds; the caller must hold the root's lock.

    Args:
        root: The root whose old builds are removed.
        keep: Number of latest builds to keep, besides the live build and the build that a rollback
            would return to.

    Returns:
        The names of the removed builds, oldest first.

    Raises:
        BuildError: If ``CURRENT`` is damaged, so that the live build is unknown; or if a build
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
