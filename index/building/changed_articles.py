"""The article store of a small build: a copy of the live build's, in which few articles change."""

import shutil
from bisect import bisect_left
from collections.abc import Iterable, Mapping
from contextlib import closing
from pathlib import Path

import numpy as np

from index.articles.article_store import ARTICLES, NUMBERS
from index.build.build import Build
from index.build.carried_rows import CarriedRows
from index.building.article_staging import ArticleStaging
from index.building.context import Beside, BuildContext
from index.files import load_array, open_unjournaled, save_array

MOST_CHANGED = 0.05
"""Share of the live build's articles that may have changed for a build of whole sources to be a
small one."""


def find_changes(
    live: Build, staging: ArticleStaging, *, keep_missing: bool
) -> tuple[dict[str, bytes], list[str]] | None:
    """Finds out how the sources' articles differ from those of the live build.

    Args:
        live: The live build.
        staging: All articles of the sources; discarded afterwards, unless too many changed.
        keep_missing: Whether to keep the live build's articles that no source holds any more.

    Returns:
        The new and changed articles by id, encoded; and the ids of removed articles. ``None`` if
        more than :data:`MOST_CHANGED` of the articles changed.
    """
    put: dict[str, bytes] = {}
    gone = np.full(live.count, not keep_missing)
    most = MOST_CHANGED * live.count
    for article_id, data in staging:
        row = live.row(article_id)
        if row is not None:
            gone[row] = False
        if row is None or next(live.articles.kept([row])) != data:
            put[article_id] = data
            if len(put) > most:
                return None
    if len(put) + gone.sum() > most:
        return None
    staging.discard()
    return put, [live.article_id(row) for row in np.flatnonzero(gone).tolist()]


def take_articles(context: BuildContext, beside: Beside) -> int:
    """Copies the articles of a finished build into the article store of the build in progress.

    Returns:
        The number of articles.
    """
    if beside.changed is not None and beside.previous is not None:
        context.carried = change_articles(beside.previous, context.folder, *beside.changed)
    else:
        for name in (ARTICLES, NUMBERS):
            shutil.copyfile(beside.build.checked(name), context.folder / name)
    return beside.build.count


def change_articles(
    live: Build, folder: Path, put: Mapping[str, bytes], remove: Iterable[str]
) -> CarriedRows:
    """Copies the live build's article store into a new build's folder, and changes it there.

    Args:
        live: The live build.
        folder: The folder of the unfinished build.
        put: By id, the articles to add or to replace, encoded as by
            :func:`index.articles.article_store.to_bytes`. An equal one changes nothing.
        remove: The ids of articles to leave out; unknown ones are ignored.

    Returns:
        The rows that are taken over from the live build.
    """
    numbers = load_array(live.checked(NUMBERS)).astype(np.int32)
    rows = {article_id: live.row(article_id) for article_id in put}
    stored = live.articles.kept(row for row in rows.values() if row is not None)
    known = {each for each, row in rows.items() if row is not None and next(stored) == put[each]}
    replaced = {
        row: put[each] for each, row in rows.items() if each not in known and row is not None
    }
    gone = [row for each in remove if each not in put and (row := live.row(each)) is not None]
    added = sorted(each.encode() for each, row in rows.items() if row is None)
    kept = np.delete(np.arange(live.count, dtype=np.int32), gone)
    places = np.searchsorted(kept, [bisect_left(live.ids, each) for each in added])
    first = int(numbers.max(initial=-1)) + 1
    fresh = dict(enumerate((put[each.decode()] for each in added), first))
    fresh |= {int(numbers[row]): data for row, data in replaced.items()}
    save_array(
        folder / NUMBERS,
        np.insert(numbers[kept], places, np.arange(first, first + len(added), dtype=np.int32)),
    )
    shutil.copyfile(live.checked(ARTICLES), folder / ARTICLES)
    with closing(open_unjournaled(folder / ARTICLES)) as database:
        database.execute("BEGIN")
        doomed = [(int(numbers[row]),) for row in gone]
        database.executemany("DELETE FROM articles WHERE number = ?", doomed)
        database.executemany("INSERT OR REPLACE INTO articles VALUES (?, ?)", fresh.items())
        database.execute("COMMIT")
    same = np.where(np.isin(kept, list(replaced)), np.int32(-1), kept)
    return CarriedRows(
        path_of=live.checked, count=live.count, rows=np.insert(same, places, np.int32(-1))
    )
