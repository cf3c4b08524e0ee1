"""Reads what a Substack export says of its pages, in the table posts.csv beside them."""

import csv
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

from index.errors import RecordError, raised_as
from index.sources.page_folder import Page

_STATES = ("is_published", "audience", "post_date")
_FACTS = {"title": "title", "excerpt": "subtitle", "date": "post_date"}


def substack_facts(page: Page) -> dict[str, Any]:
    """Returns the fields that the export's table has for a page; none if it is of no export.

    The pages themselves hold only a text: no title, and no word of it if they are drafts or for
    subscribers. A page that is missing in the table is kept as a draft.

    Raises:
        RecordError: If the table can't be read.
    """
    if page.url:
        return {}
    for folder in (page.path.parent, page.path.parent.parent):
        table = folder / "posts.csv"
        unreadable = partial(RecordError, "unreadable")
        with raised_as(unreadable, f"{table}: ", OSError, ValueError, csv.Error):
            rows = _rows(table, table.stat().st_mtime_ns) if table.is_file() else {}
        if rows:
            row = rows.get(page.path.stem, {})
            slug = page.path.stem.partition(".")[2] or page.path.stem
            stated = {ours: row[name] for ours, name in _FACTS.items() if row.get(name)}
            states = {name: row.get(name) or "" for name in _STATES}
            return {**stated, **states, "slug": slug}
    return {}


@lru_cache(maxsize=1)
def _rows(table: Path, _: int) -> dict[str, dict[str, str]]:
    """Returns the rows of a table by the posts' ids; none if it is not Substack's."""
    with table.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file)
        is_export = {"post_id", *_STATES} <= set(reader.fieldnames or ())
        return {row["post_id"]: row for row in reader} if is_export else {}
