"""The related routes over a real root, under a clock and decisions that a test sets."""

from __future__ import annotations

from typing import Any

from starlette.testclient import TestClient

from index.root.root import Root
from service.clicks.placement import open_placements
from service.decisions.decision_state import NO_STATE, DecisionState
from service.decisions.poller import PolledState
from service.http.metrics import RequestCounts
from service.http.related_lists import RelatedLists
from service.http.related_routes import RelatedRoutes
from service.serving.live import Live
from service.settings import Settings
from tests.support.moments import NOON


class Decisions:
    """A keeper whose state a test sets."""

    def __init__(self) -> None:
        self.kept = PolledState(state=NO_STATE, problem=None)

    def refresh(self) -> None:
        pass

    def poll(self) -> DecisionState | None:
        return self.kept.state

    def set(self, **state: Any) -> None:
        self.kept = PolledState(state=DecisionState(database="d", **state), problem=None)


class Service:
    """The related routes under a clock and decisions that a test sets."""

    def __init__(self, root: Root, **settings: Any) -> None:
        self.now = NOON
        self.decisions = Decisions()
        self.settings = Settings(root=root.path, **settings)
        self.live = Live(
            root,
            keeper=self.decisions,
            cache_bytes=self.settings.cache_mb * 1_000_000,
            clock=lambda: self.now,
            exploring=self.settings.explore > 0,
        )
        self.live.refresh()
        self.tally = RequestCounts()
        self.lists = RelatedLists(self.settings, self.tally, open_placements(self.settings))
        self.client = TestClient(RelatedRoutes(no_other_route, self.live, self.lists))
        self.client.headers.pop("accept-encoding")

    def ids(self, asked: str = "/v1/related?id=p-0&limit=20") -> list[str]:
        return [item["article_id"] for item in self.client.get(asked).json()["items"]]


async def no_other_route(*_: Any) -> None:
    """Stands for the app that answers all other routes, where a test asks for none."""
    raise AssertionError("the related routes hand nothing on here")
