"""The cards on an editor's page are the site's, byte by byte, whatever was decided."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from index.errors import BuildError
from recommender.errors import NotFoundError
from recommender.visibility import NEVER
from service.decisions.decision_state import OverrideKind
from service.decisions.open_decisions import open_decisions
from service.roles import Role
from service.serving.live import Live
from tests.support.editor_forms import add_editor, editor
from tests.support.editor_site import PAGE, SLASHED, TESTER, Desk, build_site, open_desk

SCHEDULED_AT = 7_242_220_800_000_000
"""2199-07-01, when one article appears."""
START = 1_800_000_000_000_000
ARTICLES = [PAGE, SLASHED, "sea-004", "sea-008", "sea-012", "sea-016", "song-001", "rail-003"]

article = st.sampled_from(ARTICLES)
end = st.sampled_from([NEVER, SCHEDULED_AT - 1, SCHEDULED_AT + 1_000_000])
pin = st.tuples(st.just("pin"), article, article, st.integers(1, 8), end)
hide = st.tuples(st.just("hide"), article, article, st.just(None), end)
takedown = st.tuples(st.just("down"), article, article, st.just(None), end)
lift = st.tuples(st.just("lift"), article, article, st.just(None), end)
clock = st.tuples(
    st.just("clock"), article, article, st.just(None),
    st.sampled_from([START, SCHEDULED_AT - 1, SCHEDULED_AT, SCHEDULED_AT + 2_000_000]),
)  # fmt: skip
build = st.tuples(st.sampled_from(["rollback", "forward"]), article, article, st.none(), st.just(0))
step = st.one_of(pin, hide, pin, hide, takedown, lift, clock, build)


class Clock:
    """The service's time, as a test sets it."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> int:
        return self.now


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Desk, Clock]]:
    folder = tmp_path_factory.mktemp("preview")
    site: Path = build_site(folder)
    add_editor(site, "mira", Role.ADMIN)
    clock = Clock()
    with pytest.MonkeyPatch.context() as patch:
        # Sessions are of the real time; what readers see is of ours.
        patch.setattr("service.app.Live", partial(Live, clock=clock))
        with open_desk(site, folder) as opened:
            yield opened, clock


def apply(desk: Desk, clock: Clock, steps: list[tuple[str, str, str, int | None, int]]) -> None:
    database = open_decisions(desk.settings)
    try:
        for what, article_id, target_id, position, moment in steps:
            if what in ("pin", "hide") and article_id != target_id:
                database.overrides.put(
                    TESTER,
                    article_id=article_id,
                    target_id=target_id,
                    kind=OverrideKind(what),
                    position=position,
                    until=moment,
                )
            elif what == "down":
                database.takedowns.put(TESTER, article_id=target_id, until=moment)
            elif what == "lift":
                with suppress(NotFoundError):
                    database.takedowns.lift(TESTER, article_id=target_id)
            elif what == "clock":
                clock.now = moment
            elif what == "rollback":
                with suppress(BuildError):
                    desk.root.rollback()
            elif what == "forward":
                desk.root.release()
                desk.root.make_live(desk.root.verify(desk.root.names()[-1]))
    finally:
        database.close()


def check(desk: Desk, article_id: str) -> bool:
    """Compare what the page shows with what the site gets; whether it gets anything."""
    with editor(desk) as mira:
        path = f"/editor/cards?id={quote(article_id, safe='')}"
        shown = mira.client.get(path)
        site = desk.client.get("/v1/related.html", params={"id": article_id})
        page = mira.look(article_id)
        if page.status_code == 404:
            assert shown.status_code == site.status_code == 404
            return False
        body = shown.content
        cards = body[body.index(b"<body>\n") + 7 : body.index(b"</body>")]
        listed = mira.titles("shown")
        told = re.findall(r'<a href="/([^"]+)">', cards.decode())
        assert len(told) == len(listed)
        if site.status_code == 404:  # readers see no such page, so the site asks for no list
            assert 'role="note"' in page.text
            return False
        assert cards == site.content
        answer = desk.client.get("/v1/related", params={"id": article_id}).json()
        assert listed == [item["article_id"] for item in answer["items"]]
        return True


def _run(
    desk: tuple[Desk, Clock], steps: list[tuple[str, str, str, int | None, int]], asked: str
) -> None:
    opened, clock = desk
    apply(opened, clock, steps)
    check(opened, asked)


@given(steps=st.lists(step, max_size=6), asked=article)
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_cards_are_the_bytes_that_the_site_gets(
    desk: tuple[Desk, Clock],
    steps: list[tuple[str, str, str, int | None, int]],
    asked: str,
) -> None:
    _run(desk, steps, asked)


@pytest.mark.full
@given(steps=st.lists(step, max_size=8), asked=article)
@settings(max_examples=1_000, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_cards_are_the_bytes_that_the_site_gets_many_times(
    desk: tuple[Desk, Clock],
    steps: list[tuple[str, str, str, int | None, int]],
    asked: str,
) -> None:
    _run(desk, steps, asked)


def test_the_comparison_is_of_something(desk: tuple[Desk, Clock]) -> None:
    opened, clock = desk
    apply(
        opened,
        clock,
        [
            ("forward", PAGE, PAGE, None, 0),
            ("clock", PAGE, PAGE, None, START),
            ("lift", PAGE, PAGE, None, NEVER),
            ("lift", PAGE, "sea-016", None, NEVER),
            ("lift", PAGE, "sea-012", None, NEVER),
            ("hide", PAGE, "rail-003", None, NEVER),  # the examples may have pinned it
        ],
    )
    assert check(opened, PAGE)
    before = opened.client.get("/v1/related.html", params={"id": PAGE}).content
    apply(opened, clock, [("pin", PAGE, "rail-003", 1, NEVER), ("lift", PAGE, "rail-003", None, 0)])
    assert check(opened, PAGE)
    assert opened.client.get("/v1/related.html", params={"id": PAGE}).content != before
