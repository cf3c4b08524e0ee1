"""A static export that follows the live build: only lists that may have changed are rewritten."""

import logging
from collections.abc import Callable
from pathlib import Path

import numpy as np

from index.build.build import Build
from index.build.list_dates import WHOLE
from recommender.visibility import utc_now
from service.clicks.placement import open_placements
from service.decisions.open_decisions import keep_state
from service.http.list_json import exported_json
from service.serving.list_date import list_date
from service.serving.selection import select
from service.serving.serving_view import ServingView
from service.serving.static_export import export_lists, read_ledger
from service.settings import Settings

log = logging.getLogger("alsolike")


class Exporter:
    """Keeps a folder of JSON files up to date: one with each visible article's list.

    Args:
        settings: The effective settings; they name the query and the database of decisions.
        out: The folder for the files: new, empty, or of an earlier export.

    Raises:
        InputError: If the folder holds other files.
    """

    def __init__(self, settings: Settings, out: Path) -> None:
        read_ledger(out)
        self._query = settings.query
        self._out = out
        self._keeper = keep_state(settings)
        self._placements = open_placements(settings)
        self._before: ServingView | None = None
        self._until = 0
        self._loose: set[str] = set()

    def follow(self, build: Build) -> None:
        """Rewrites the files of the lists that may have changed since the last call.

        Lists change by a new build, by editors' decisions, and as articles appear or disappear.

        Args:
            build: The live build.
        """
        state, now, before = self._keeper.poll(), utc_now(), self._before
        if state is None:
            return  # what was taken down is not known
        rows: set[int] | None = None
        if before is not None and before.state is state and now < self._until:
            if before.build is build:
                return
            if self._placements is None or before.build.full_name == build.full_name:
                rows = self._changed(before.build, build)
        served = ServingView(build, state)
        done = export_lists(served, self._out, self._render(served, now), now=now, rows=rows)
        self._before, self._until = served, served.showing(now).until
        log.info("exported to %s: %s", self._out, done)

    def _changed(self, old: Build, new: Build) -> set[int]:
        """Returns the rows whose lists may be others than in an older build."""
        old_rows = old.rows_of(new.ids)
        same = old.listed_in[np.maximum(old_rows, 0), WHOLE] == new.listed_in[:, WHOLE]
        changed = set(np.flatnonzero((old_rows < 0) | ~same).tolist())
        return changed | {row for key in self._loose if (row := new.row(key)) is not None}

    def _render(self, served: ServingView, now: int) -> Callable[[int], bytes]:
        def render(row: int) -> bytes:
            build = served.build
            items = select(served, row, now=now, query=self._query)
            key = build.article_id(row)
            if list_date(served, row, items, self._query).lasting:
                self._loose.discard(key)
            else:
                self._loose.add(key)
            return exported_json(build, row, items, self._query, self._placements)

        return render
