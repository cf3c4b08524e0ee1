"""A service that counts clicks, under a clock that a test sets, and pages that report to it."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from index.root.root import Root
from recommender.visibility import utc_now
from service.clicks.click_bounds import ClickBounds
from service.clicks.click_counter import ClickCounter
from service.clicks.placement import open_placements
from service.http.event_route import EventRoute
from service.http.related_routes import RelatedRoutes
from tests.support.articles import topical
from tests.support.builds import publish
from tests.support.page_views import Service, no_other_route

RECORDS = topical(24)
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


def event(
    placement: str, seen: list[int], clicked: list[int] | None = None, *, again: bool = False
) -> dict[str, Any]:
    """One event, as a page reports it."""
    return {"placement": placement, "seen": seen, "clicked": clicked or [], "again": again}


class ClickService(Service):
    """The routes of lists and events; what is counted is stored when a test asks for it.

    Args:
        root: The root, with a live build.
        folder: A folder for the database of clicks.
        **settings: Further settings.
    """

    def __init__(self, root: Root, folder: Path, **settings: Any) -> None:
        self.database = folder / "clicks.sqlite"
        named = {"clicks_database": f"sqlite:///{self.database}"}
        super().__init__(root, clicks=True, **named | settings)
        self.now = utc_now()
        placements = open_placements(self.settings)
        assert placements is not None
        self.placements = placements
        self.counter = ClickCounter(
            self.settings,
            placements,
            now=lambda: self.now,
            bounds=ClickBounds(lambda: self.now / 1_000_000),
        )
        events = EventRoute(no_other_route, self.live, self.settings, self.counter)
        self.client = TestClient(RelatedRoutes(events, self.live, self.lists))

    def placement(self, article_id: str, more: str = "") -> str:
        """The placement of an article's list."""
        token: str = self.client.get(f"/v1/related?id={article_id}{more}").json()["placement"]
        return token

    def report(self, *events: dict[str, Any], **headers: str) -> int:
        """Send events as a reader's browser does; gives the status of the answer."""
        sent = {"User-Agent": FIREFOX, "Content-Type": "text/plain;charset=UTF-8"}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        body = json.dumps({"events": events})
        return self.client.post("/v1/events", content=body, headers=sent).status_code

    def stored(self, table: str, *columns: str) -> list[tuple[Any, ...]]:
        """Rows of a table, sorted, after what was counted is stored."""
        self.counter.flush()
        with closing(sqlite3.connect(self.database)) as database:
            return sorted(database.execute(f"SELECT {', '.join(columns) or '*'} FROM {table}"))

    def rejected(self) -> dict[str, int]:
        """How many events were rejected, by reason."""
        found: Counter[str] = Counter()
        for reason, events in self.stored("rejected", "reason", "events"):
            found[reason] += events
        return dict(found)


@pytest.fixture(scope="module", name="root")
def counted_root(tmp_path_factory: pytest.TempPathFactory) -> Root:
    """A root with a live build of :data:`RECORDS`."""
    folder = tmp_path_factory.mktemp("counted")
    publish(Root(folder / "root"), folder, RECORDS)
    return Root(folder / "root")


@pytest.fixture(name="site")
def click_site(root: Root, tmp_path: Path) -> ClickService:
    """A service of that root with a database of clicks of its own."""
    return ClickService(root, tmp_path)
