"""The route to which pages report what is seen and clicked: what counts, and what does not."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from index.query import RelatedQuery
from index.root.comparison import ComparisonState, Variant
from index.root.root import Root
from service.app import create_app
from service.clicks.click_bounds import MAX_EVENTS_A_MINUTE, MAX_VIEWS
from service.clicks.click_counter import MAX_AGE_DAYS
from service.clicks.click_events import ListEvent
from service.clicks.placement import Placements
from service.http.event_route import EventRoute
from tests.support.builds import change, publish
from tests.support.click_reports import (
    FIREFOX,
    RECORDS,
    ClickService,
    click_site,  # noqa: F401 - a fixture
    counted_root,  # noqa: F401 - a fixture
    event,
)
from tests.support.moments import SECOND
from tests.support.page_views import Service, no_other_route

PAGE = RECORDS[0]["id"]
DAY = 86_400 * SECOND
LISTS = ("target", "position", "origin", "seen", "clicked")


def test_what_is_seen_and_clicked_is_summed_by_day_build_article_target_and_position(
    site: ClickService,
) -> None:
    placement, ids = site.placement(PAGE), site.ids(f"/v1/related?id={PAGE}")
    for agent in (FIREFOX, FIREFOX, f"{FIREFOX} CUBOT_X30"):
        assert site.report(event(placement, [1, 2], [2]), User_Agent=agent) == 204
    assert site.report(event(placement, [3], [3], again=True)) == 204
    build = site.live.build
    assert build is not None
    (day,) = {day for (day,) in site.stored("counts", "day")}
    of_list = (day, "live", build.name, PAGE)
    assert site.stored("counts") == sorted(
        [
            (*of_list, "", 0, "", 3, 3),
            (*of_list, ids[0], 1, "related", 3, 0),
            (*of_list, ids[1], 2, "related", 3, 3),
            (*of_list, ids[2], 3, "related", 1, 1),
        ]
    )
    assert site.rejected() == {}


def test_days_are_those_of_the_site_s_time_zone(root: Root, tmp_path: Path) -> None:
    site = ClickService(root, tmp_path, timezone="Pacific/Auckland")
    site.now = (site.now // DAY + 1) * DAY + 10 * 3_600 * SECOND  # midnight is at 11 or 12 there
    for _ in range(3):
        site.report(event(site.placement(PAGE), [1]))
        site.now += 3_600 * SECOND
    sums = site.stored("counts", "day", "seen")
    assert len({day for day, _ in sums}) == 2


@pytest.mark.parametrize(
    ("reason", "headers"),
    [
        ("robot", {"User_Agent": "Mozilla/5.0 (compatible; Examplebot/2.1)"}),
        ("robot", {"User_Agent": "Mozilla/5.0 HeadlessChrome/141.0"}),
        ("robot", {"User_Agent": "python-requests/2.32"}),
        ("robot", {"User_Agent": ""}),
        ("robot", {"Sec_Purpose": "prefetch;prerender"}),
        ("robot", {"Purpose": "prefetch"}),
        ("opted-out", {"DNT": "1"}),
        ("opted-out", {"Sec_GPC": "1", "User_Agent": "curl/8"}),
        ("foreign", {"Origin": "https://elsewhere.example"}),
        ("foreign", {"Origin": "null"}),
        ("foreign", {}),
        (None, {"Origin": "https://www.example.org"}),
        (None, {"Origin": "http://testserver"}),
        (None, {"Origin": "https://www.example.org", "DNT": "0", "Sec_GPC": "0"}),
    ],
    ids=str,
)
def test_senders_that_don_t_count_are_counted_apart(
    root: Root, tmp_path: Path, reason: str | None, headers: dict[str, str]
) -> None:
    site = ClickService(root, tmp_path, cors_origins=["https://www.example.org"])
    assert site.report(event(site.placement(PAGE), [1]), **headers) == 204
    assert site.rejected() == ({} if reason is None else {reason: 1})
    assert bool(site.stored("counts")) is (reason is None)


def test_do_not_track_is_overruled_by_the_setting_alone(root: Root, tmp_path: Path) -> None:
    site = ClickService(root, tmp_path, respect_do_not_track=False)
    site.report(event(site.placement(PAGE), [1]), DNT="1", Sec_GPC="1")
    assert site.rejected() == {}


def test_placements_that_are_forged_outdated_or_of_what_is_gone_are_counted_apart(
    root: Root, tmp_path: Path
) -> None:
    folder = tmp_path / "root"
    publish(Root(folder), tmp_path, RECORDS)
    site = ClickService(Root(folder), tmp_path)
    other = Service(root, clicks=True)
    foreign = other.client.get(f"/v1/related?id={PAGE}").json()["placement"]
    placement = site.placement(PAGE)
    assert Placements(b"k" * 32).read(placement) is None
    for token in (foreign, placement[:-1], placement[:-4] + "AAAA", "", "é", "x" * 500):
        assert site.report(event(token, [1])) == 204
    assert site.rejected() == {"forged": 6}
    gone, stays = site.ids(f"/v1/related?id={PAGE}")[:2]
    of_gone = site.placement(gone)
    change(Root(folder), remove=[gone])
    site.live.refresh()
    site.report(event(of_gone, [1]), event(placement, [1, 2], [1]))
    assert site.rejected() == {"forged": 6, "unknown": 1}
    assert site.stored("counts", "target", "seen") == [("", 1), (stays, 1)]
    began = site.now
    site.now = began + MAX_AGE_DAYS * DAY + SECOND
    site.report(event(placement, [1]))
    assert "outdated" not in site.rejected(), "a site that makes no full build counts for ever"
    before, comparison = site.live.build, ComparisonState(variant="bold")
    publish(Root(folder), tmp_path, RECORDS)
    site.live.refresh()
    site.report(event(placement, [1]))
    assert before is not None
    assert site.live.build is not None
    for key in (comparison.key, "another"):
        token = site.placements.token(before, 0, (), RelatedQuery(), Variant.COMPARED, key)
        sent = [ListEvent(placement=token)]
        site.counter.count(sent, "192.0.2.9", site.live.build, comparison)
    assert site.rejected()["outdated"] == 2, "the running comparison's variant counts, too"
    site.now = began - DAY
    site.report(event(placement, [1]), event(site.placement(PAGE), [1]))
    assert site.rejected()["outdated"] == 2, "the clock was ahead when the builds were made"


def test_an_address_is_bounded_and_one_behind_a_trusted_proxy_is_the_reader_s(
    root: Root, tmp_path: Path
) -> None:
    site = ClickService(root, tmp_path, trusted_proxies=["192.0.2.0/24"])
    site.client = type(site.client)(site.client.app, client=("192.0.2.1", 50_000))
    placement = site.placement(PAGE)
    for address in ("198.51.100.1", "198.51.100.2", "2001:db8::1", "2001:db8::2"):
        for _ in range(MAX_VIEWS):
            site.report(event(placement, [1]), X_Forwarded_For=address)
    assert site.stored("counts", "position", "seen") == [(0, 3 * MAX_VIEWS), (1, 3 * MAX_VIEWS)]
    assert site.rejected() == {"too-many": MAX_VIEWS}, "one network of IPv6 is one reader"


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        (b"", 422, None),
        (b"{", 422, None),
        (b"\xff\xfe", 400, None),
        (b"[]", 422, None),
        (b"{}", 422, "events"),
        (b'{"events":[]}', 422, "events"),
        (b'{"events":[{}]}', 422, "events.0.placement"),
        (b'{"events":[{"placement":1}]}', 422, "events.0.placement"),
        (b'{"events":[{"placement":"","seen":[true]}]}', 422, "events.0.seen.0"),
        (b'{"events":[{"placement":"","seen":[1.5]}]}', 422, "events.0.seen.0"),
        (b'{"events":[{"placement":"","seen":[0]}]}', 422, "events.0.seen.0"),
        (b'{"events":[{"placement":"","clicked":[51]}]}', 422, "events.0.clicked.0"),
        (b'{"events":[{"placement":"","clicked":[1e400]}]}', 422, "events.0.clicked.0"),
        (b'{"events":[{"placement":"","again":1}]}', 422, "events.0.again"),
        (b'{"events":[{"placement":"","reader":"x"}]}', 422, "events.0.reader"),
        (json.dumps({"events": [{"placement": "p"}] * 51}).encode(), 422, "events"),
        (json.dumps({"events": [{"placement": "p" * 505}]}).encode(), 422, "events.0.placement"),
        (b" " * 16_385, 413, None),
        (b"[" * 16_384, 422, None),
    ],
    ids=lambda part: repr(part)[:60],
)
def test_a_body_that_can_t_be_read_is_refused_by_name(
    site: ClickService, body: bytes, status: int, field: str | None
) -> None:
    answer = site.client.post("/v1/events", content=body)
    assert (answer.status_code, answer.json().get("field")) == (status, field)
    assert answer.headers["access-control-allow-origin"] == "*"
    assert site.stored("counts") == site.stored("rejected") == []


def test_pages_of_other_sites_may_report_and_other_methods_and_types_are_refused(
    site: ClickService,
) -> None:
    asks = {"Origin": "https://www.example.org", "Access-Control-Request-Method": "POST"}
    answer = site.client.options("/v1/events", headers=asks)
    assert answer.status_code == 204
    assert answer.headers["access-control-allow-methods"] == "POST"
    answer = site.client.get("/v1/events")
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST, OPTIONS")
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    assert site.client.post("/v1/events", content=b"a=1", headers=form).status_code == 415
    body = json.dumps({"events": [event(site.placement(PAGE), [1])]})
    assert site.client.post("/v1/events", content=body).status_code == 204, "no Content-Type"
    as_json = {"Content-Type": "application/json"}
    answer = site.client.post("/v1/events", content=body, headers=as_json)
    assert (answer.status_code, answer.content) == (204, b"")


def test_while_clicks_are_off_a_report_is_told_which_setting_counts_it(root: Root) -> None:
    service = Service(root)
    client = TestClient(EventRoute(no_other_route, service.live, service.settings, None))
    answer = client.post("/v1/events", content=b"{}")
    assert (answer.status_code, "set clicks = true" in answer.json()["detail"]) == (404, True)


def test_a_report_needs_no_token_where_lists_do_and_is_a_figure_of_the_service(
    root: Root, site: ClickService
) -> None:
    placement = site.placement(PAGE)
    with TestClient(create_app(site.settings.model_copy(update={"read_token": True}))) as client:
        assert client.get(f"/v1/related?id={PAGE}").status_code == 401
        body = json.dumps({"events": [event(placement, [1])]})
        answer = client.post("/v1/events", content=body, headers={"User-Agent": FIREFOX})
        assert answer.status_code == 204
        assert client.get("/readyz").json()["clicks"] is None
        figures = client.get("/metrics").text
    assert 'alsolike_click_events_total{outcome="counted"} 1.0' in figures
    assert 'alsolike_requests_total{route="/v1/events",status="204"} 1.0' in figures
    assert site.stored("counts", "position", "seen") == [(0, 1), (1, 1)]


@pytest.mark.parametrize("count", [200, pytest.param(10_000, marks=pytest.mark.full)])
def test_hostile_events_are_answered_and_count_no_more_than_the_bounds_say(
    root: Root, tmp_path: Path, count: int
) -> None:
    """Any mixture of right and wrong; from each address no more than is stated."""
    site = ClickService(root, tmp_path, trusted_proxies=["192.0.2.1"])
    site.client = type(site.client)(site.client.app, client=("192.0.2.1", 50_000))
    draw = random.Random(count)
    tokens = [site.placement(record["id"]) for record in RECORDS[:4]]
    addresses = ["198.51.100.1", "198.51.100.2", "2001:db8::1"]
    values: list[Any] = [None, True, -1, 0, 1, 2**63, 1e308, "1", "é\ud800", [], [[]], {}]

    def positions() -> list[Any]:
        high = draw.choice([3, 6, 8, 50])
        return [draw.randint(1, high) for _ in range(draw.randint(0, 8))]

    def hostile() -> Any:
        token = draw.choice(tokens)
        if draw.random() < 0.3:
            at = draw.randrange(len(token))
            token = token[:at] + draw.choice("Az-_=é\x00") + token[at + 1 :]
        made: Any = event(token, positions(), positions(), again=draw.random() < 0.4)
        if draw.random() < 0.2:
            made[draw.choice([*made, "other"])] = draw.choice(values)
        return draw.choice(values) if draw.random() < 0.05 else made

    sent = 0
    while sent < count:
        events = [hostile() for _ in range(draw.randint(1, 5))]
        sent += len(events)
        body = json.dumps({"events": events}, ensure_ascii=draw.random() < 0.5)
        raw = bytearray(body.encode(errors="surrogatepass"))
        if draw.random() < 0.1:
            raw[draw.randrange(len(raw))] = draw.randrange(256)
        headers = {"User-Agent": FIREFOX, "X-Forwarded-For": draw.choice(addresses)}
        answer = site.client.post("/v1/events", content=bytes(raw), headers=headers)
        assert answer.status_code in (204, 400, 422)
    sums = site.stored("counts", "article", "target", "position", "seen", "clicked")
    assert sums
    most = len(addresses) * MAX_VIEWS
    assert all(max(seen, clicked) <= most for *_, seen, clicked in sums)
    views = sum(seen for _, target, _, seen, _ in sums if target == "")
    assert views <= len(addresses) * MAX_EVENTS_A_MINUTE
    shown = {record["id"]: site.ids(f"/v1/related?id={record['id']}") for record in RECORDS[:4]}
    assert all(shown[each[0]][each[2] - 1] == each[1] for each in sums if each[1])
