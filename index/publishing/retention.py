"""Removes old builds; the live build and those that a rollback would return to are kept."""

import logging
import shutil
import time
from contextlib import suppress

from index.build.list_dates import build_date
from index.build.manifest import MANIFEST
from index.errors import BuildError, UnavailableError
from index.root.comparison import VARIANTS, read_comparison
from index.root.journal import append_journal
from index.root.root import Root

log = logging.getLogger("alsolike")

_READ_ON = 60
"""Seconds for which a process may still read a small build after another one has replaced it."""


def prune(root: Root, keep: int, keep_small: int = 5, hours: float = 24) -> list[str]:
    """Remove old builds, and those of variants made beside them; the caller holds the root's lock.

    Args:
        root: The root whose old builds are removed.
        keep: Number of latest full builds to keep; the live build and those that a rollback would
            return to are kept in any case.
        keep_small: Number of latest small builds to keep besides.
        hours: Age in hours from which even these small builds are removed.

    Returns:
        The names of the removed builds, oldest first.

    Raises:
        BuildError: If ``CURRENT`` is damaged, so that the live build is unknown.
    """
    with root.switching("prune"):
        protected = {*root.kept_for_rollback(), *_still_read(root)}
        names = root.names()
        small = [name for name in names if root.is_small(name)]
        full = [name for name in names if name not in set(small)]
        oldest = time.time() - 3600 * hours
        doomed = full[: max(0, len(full) - keep)]
        doomed += small[: max(0, len(small) - keep_small)]
        doomed += [name for name in small if build_date(name) >> 24 < oldest]
        removed: list[str] = []
        for name in sorted({*doomed} - protected):
            try:
                root.remove(name)
                removed.append(name)
            except UnavailableError as error:
                log.warning("%s", error)
            except OSError as error:  # what was built and published is so all the same
                log.warning("build %s can't be removed: %s", name, error)
        _prune_variants(root)
        if removed:
            of_small = {} if {*full} & {*removed} else {"small": True}
            append_journal(root.path, "prune", builds=removed, **of_small)
        return removed


def _prune_variants(root: Root) -> None:
    """Remove a variant's builds with the live ones beside which they were made; all at the end."""
    try:
        comparison, kept = read_comparison(root.path), set(root.names())
    except BuildError as error:  # whoever makes the variant's builds says so
        log.debug("%s", error)
        return
    for folder in (root.path / VARIANTS).glob("*/"):
        if comparison is None or comparison.variant != folder.name:
            shutil.rmtree(folder, ignore_errors=True)
            continue
        builds = Root(folder)
        for name in {*builds.names()} - kept:
            with suppress(OSError, UnavailableError):  # tried again after the next build
                builds.remove(name)


def _still_read(root: Root) -> list[str]:
    """Return the names of builds that another build replaced a moment ago."""
    pointer = root.current()
    if pointer is None:
        return []
    published = [pointer.build, *(entry.build for entry in pointer.before)]
    now = time.time()
    return [
        name
        for name, replaced_by in zip(published[1:], published, strict=False)
        if 0 <= now - _made_at(root, replaced_by) <= _READ_ON and root.is_small(replaced_by)
    ]


def _made_at(root: Root, name: str) -> float:
    """Return when a build was made by the clock of its files: names go on from a clock ahead."""
    with suppress(OSError):
        return (root.builds / name / MANIFEST).stat().st_mtime
    return 0.0
