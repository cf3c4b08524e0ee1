"""A static export that follows the live build: only lists that may have changed are rewritten."""

import logging
from collections.abc import Callable
from pathlib import Path

import numpy as np

from index.build.build import Build
from index.build.list_dates import WHOLE
from recommender.visibility import utc_now
from service.clicks.placement import open_placements
from service.decisions.list_scope import is_rule
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
        self._at = 0
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
        same = before is not None and before.build is build and before.state is state
        if before is not None and same and now < before.showing(self._at).until:
            return
        served = ServingView(build, state, before)
        rows = None if before is None else self._changed(before, served, now)
        done = export_lists(served, self._out, self._render(served, now), now=now, rows=rows)
        self._before, self._at = served, now
        log.info("exported to %s: %s", self._out, done)

    def _changed(self, before: ServingView, served: ServingView, now: int) -> set[int] | None:
        """Returns the rows whose lists may have changed since the last call; ``None``: all."""
        old, new, earlier = before.build, served.build, before.showing(self._at)
        changes = served.state.changes_since(before.state)
        if (
            changes is None
            or changes.takedowns
            or not earlier.seen_since <= now < earlier.seen_until
        ):
            return None
        turned = (
            key
            for key, some in served.state.overrides.items()
            if any(one.holds(self._at) != one.holds(now) for one in some)
        )
        decided = {*changes.overrides, *turned}
        if any(map(is_rule, decided)):
            return None
        if old is not new:
            if self._placements is not None and old.full_name != new.full_name:
                return None
            decided |= self._loose
        changed = {row for key in decided if (row := new.row(key)) is not None}
        return changed if old is new else changed | _other_rows(old, new)

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


def _other_rows(old: Build, new: Build) -> set[int]:
    """Returns the rows whose lists may be stored otherwise in a build than in an older one."""
    rows = old.rows_of(new.ids)
    same = old.listed_in[np.maximum(rows, 0), WHOLE] == new.listed_in[:, WHOLE]
    return set(np.flatnonzero((rows < 0) | ~same).tolist())
