"""Says how many pushed articles are not live yet, since when, and what they wait for."""

import time

from index.root.lock import WATCH_LOCK, is_locked
from index.root.root import Root
from service.decisions.database import Database

_MOST = 1_000
_NAMED = 5


def tell_waiting(root: Root, database: Database) -> list[str]:
    """Returns sentences for operators on pushed articles that wait for a build or were refused.

    Args:
        root: The folder that holds the builds.
        database: The database of decisions, which holds the pushes.

    Returns:
        The sentences; empty if all pushed articles are live.

    Raises:
        DatabaseError: If the database can't be read.
        BuildError: If the live build's manifest can't be read.
    """
    pointer = root.current()
    live = 0 if pointer is None else root.manifest(pointer.build).pushed
    waiting = database.pushed.above(live, limit=_MOST)
    refused = database.pushed.refused(_NAMED + 1)
    told = []
    if waiting:
        first = time.gmtime(min(one.received for one in waiting) // 1_000_000)
        more = "or more " if len(waiting) == _MOST else ""
        many = f"{len(waiting)} {more}pushes wait" if len(waiting) > 1 else "1 push waits"
        if pointer is not None and pointer.held is not None:
            why = "publishing is paused by a rollback; resume it with: alsolike release"
        elif not is_locked(root.path, WATCH_LOCK):
            why = "no alsolike watch runs here; start one, or make a build with: alsolike build"
        else:
            why = "alsolike watch builds them now; if they go on waiting, its log says why"
        told.append(f"{many} since {time.strftime('%Y-%m-%d %H:%M:%S UTC', first)}: {why}")
    told += [f"the push of {one.article_id} was refused: {one.refused}" for one in refused[:_NAMED]]
    if len(refused) > _NAMED:
        told.append("more were refused: GET /v1/articles/pushed lists all")
    return told
