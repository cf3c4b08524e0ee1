"""Whatever happens, and in whatever order, a kept answer is what a new one would be."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from serving import prose, publish
from starlette.testclient import TestClient
from test_caching import NOON, SECOND, Decisions, moment

from index.root import Root
from index.settings import Settings
from index.state import Kind, Override
from recommender.visibility import NEVER
from service.live import Live
from service.site.lists import RelatedLists
from service.site.related import RelatedRoutes
from service.tally import Tally

IDS = [f"p-{number}" for number in range(10)]
BUILDS = 3

asked = st.builds(
    "/v1/related{}?id={}&limit={}&fallback={}".format,
    st.sampled_from(["", ".html"]),
    st.sampled_from(IDS),
    st.sampled_from([3, 50]),
    st.sampled_from(["none", "newest"]),
)
until = st.sampled_from([NOON + 10 * SECOND, NOON + 60 * SECOND, NEVER])
pins = st.builds(
    lambda target, position, end: ("pin", target, position, end),
    st.sampled_from(IDS),
    st.integers(1, 3),
    until,
)
hides = st.builds(lambda target, end: ("hide", target, None, end), st.sampled_from(IDS), until)
steps = st.one_of(
    st.tuples(st.just("ask"), asked),
    st.tuples(st.just("clock"), st.integers(-20, 90)),
    st.tuples(st.just("publish"), st.integers(0, BUILDS - 1)),
    st.tuples(st.just("rollback"), st.none()),
    st.tuples(st.just("takedowns"), st.dictionaries(st.sampled_from(IDS), until, max_size=3)),
    st.tuples(
        st.just("overrides"),
        st.dictionaries(st.sampled_from(IDS), st.lists(pins | hides, max_size=3), max_size=2),
    ),
    st.tuples(st.just("restart"), st.none()),
)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Root:
    """Builds that differ in what exists, and in when it may be seen."""
    folder = tmp_path_factory.mktemp("history")
    place = Root(folder / "root")
    for build in range(BUILDS):
        records: list[dict[str, Any]] = [
            {"id": name, "title": f"Title of {name}", "summary": prose(number)}
            for number, name in enumerate(IDS)
            if number != build
        ]
        for number, record in enumerate(records):
            if number % 3 == build:
                record["visible_from"] = moment(NOON + (number * 7 - 10) * SECOND)
            elif number % 4 == build:
                record["visible_until"] = moment(NOON + (number * 9 - 10) * SECOND)
            elif number == 8 - build:
                record["status"] = "draft"
        publish(place, folder, records)
    return place


class World:
    """A service with a history, and what it must say by the plainest means."""

    def __init__(self, root: Root) -> None:
        self.root = root
        self.now = NOON
        self.decisions = Decisions()
        self.version = 0
        self.takedowns: dict[str, int] = {}
        self.overrides: dict[str, tuple[Override, ...]] = {}
        self.start()

    def start(self) -> None:
        self.live, self.client = self.service(cache_bytes=200_000)

    def service(self, *, cache_bytes: int) -> tuple[Live, TestClient]:
        settings = Settings(root=self.root.path)
        live = Live(
            self.root,
            keeper=self.decisions,
            cache_bytes=cache_bytes,
            clock=lambda: self.now,
        )
        live.refresh()
        tally = Tally()
        lists = RelatedLists(settings, tally)
        return live, TestClient(RelatedRoutes(_nothing, live, lists, settings, tally))

    def decide(self) -> None:
        self.version += 1
        self.decisions.set(
            version=self.version, takedowns=dict(self.takedowns), overrides=dict(self.overrides)
        )
        self.live.refresh()

    def may_be_seen(self, article_id: str) -> bool:
        assert self.live.build is not None
        row = self.live.build.row(article_id)
        if row is None:
            return False
        start, end = self.live.build.visibility[row].tolist()
        return start <= self.now < end and self.now >= self.takedowns.get(article_id, -NEVER)

    def do(self, step: str, value: Any) -> None:
        if step == "ask":
            self.check(value)
        elif step == "clock":
            self.now += value * SECOND
        elif step == "publish":
            with self.root.locked("test"):
                self.root.release()
                self.root.publish(self.root.names()[value])
            self.live.refresh()
        elif step == "rollback":
            pointer = self.root.current()
            if pointer is not None and pointer.before:
                with self.root.locked("test"):
                    self.root.rollback()
                self.live.refresh()
        elif step == "takedowns":
            self.takedowns = value
            self.decide()
        elif step == "overrides":
            self.overrides = {
                article_id: tuple(
                    sorted(
                        (
                            Override(
                                article_id=article_id,
                                target_id=target,
                                kind=Kind(kind),
                                position=position,
                                until=end,
                            )
                            for kind, target, position, end in listed
                        ),
                        key=lambda override: (override.kind == Kind.HIDE, override.position or 0),
                    )
                )
                for article_id, listed in value.items()
            }
            self.decide()
        else:
            self.start()

    def check(self, url: str) -> None:
        kept = self.client.get(url)
        _, uncached = self.service(cache_bytes=0)
        new = uncached.get(url)
        assert kept.status_code == new.status_code
        assert kept.content == new.content
        for header in ("etag", "cache-control"):
            assert kept.headers.get(header) == new.headers.get(header)
        page = url.partition("id=")[2].partition("&")[0]
        assert (kept.status_code == 200) == self.may_be_seen(page)
        if kept.status_code == 200 and ".html" not in url:
            shown = [item["article_id"] for item in json.loads(kept.content)["items"]]
            hidden = {
                override.target_id
                for override in self.overrides.get(page, ())
                if override.kind is Kind.HIDE and self.now < override.until
            }
            pinned = {
                override.target_id
                for override in self.overrides.get(page, ())
                if override.kind is Kind.PIN and self.now < override.until
            }
            assert all(self.may_be_seen(article_id) for article_id in shown)
            assert not set(shown) & (hidden - pinned)
            assert page not in shown


async def _nothing(*_: Any) -> None:
    raise AssertionError("the related routes hand nothing on here")


def run_history(root: Root, history: list[tuple[str, Any]]) -> None:
    world = World(root)
    for step, value in history:
        world.do(step, value)
    for article_id in IDS:
        world.check(f"/v1/related?id={article_id}&limit=50&fallback=none")


@hypothesis_settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow])
@given(history=st.lists(steps, max_size=15))
def test_a_kept_answer_is_what_a_new_one_would_be(
    root: Root, history: list[tuple[str, Any]]
) -> None:
    run_history(root, history)


@pytest.mark.full
@pytest.mark.timeout(1800)
@hypothesis_settings(max_examples=1000, suppress_health_check=[HealthCheck.too_slow])
@given(history=st.lists(steps, max_size=40))
def test_a_kept_answer_is_what_a_new_one_would_be_over_many_histories(
    root: Root, history: list[tuple[str, Any]]
) -> None:
    run_history(root, history)
