"""Answers kept ready, and what caches in between are told."""

from __future__ import annotations

import gzip
import tracemalloc
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from index.build.build import Build
from index.root.root import Root
from recommender.visibility import NEVER
from service.decisions.poller import PolledState
from service.http.headers import Freshness, accepts_gzip, matches
from service.serving.response_cache import CachedResponse, ResponseCache
from tests.support.articles import prose
from tests.support.builds import publish
from tests.support.moments import NOON, SECOND, moment
from tests.support.page_views import Service

BUILD = cast("Build", SimpleNamespace(name=""))
"""A build of which a cache knows the name only."""


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Root:
    folder = tmp_path_factory.mktemp("caching")
    place = Root(folder / "root")
    records: list[dict[str, Any]] = [
        {"id": f"p-{number}", "title": f"Piece {number}", "summary": prose(number)}
        for number in range(12)
    ]
    records[3]["visible_from"] = moment(NOON + 45 * SECOND)
    records[4]["visible_until"] = moment(NOON + 1000 * SECOND)
    publish(place, folder, records)
    return place


@pytest.fixture
def service(root: Root) -> Service:
    return Service(root)


def test_the_second_reader_gets_the_kept_bytes(service: Service) -> None:
    first = service.client.get("/v1/related?id=p-0")
    again = service.client.get("/v1/related?id=p-0&utm_source=mail")
    by_path = service.client.get("/v1/articles/p-0/related")
    assert first.content == again.content == by_path.content
    assert first.headers["etag"] == again.headers["etag"] == by_path.headers["etag"]
    assert (service.tally.hits, service.tally.misses) == (2, 1)


def test_lists_that_leave_something_out_are_not_kept(service: Service) -> None:
    for _ in range(2):
        assert "p-1" not in service.ids("/v1/related?id=p-0&exclude=p-1&limit=20")
    assert (service.tally.hits, service.tally.misses) == (0, 2)
    assert len(service.live.at(service.now).cache) == 0  # type: ignore[union-attr]


def test_a_reader_who_has_the_answer_is_told_so(service: Service) -> None:
    asked = "/v1/related?id=p-0"
    tag = service.client.get(asked).headers["etag"]
    assert tag.startswith('"')
    for condition in (tag, "*", f"W/{tag}", f'"other", {tag}', f'W/"x",W/{tag}'):
        answer = service.client.get(asked, headers={"if-none-match": condition})
        assert (answer.status_code, answer.content) == (304, b""), condition
        assert answer.headers["etag"] == tag
        assert answer.headers["cache-control"].startswith("public")
        assert "content-length" not in answer.headers
    for condition in ('"other"', tag.strip('"'), ""):
        assert service.client.get(asked, headers={"if-none-match": condition}).status_code == 200
    unknown = service.client.get("/v1/related?id=nobody", headers={"if-none-match": "*"})
    assert unknown.status_code == 404, "what may not be seen is not confirmed"


def test_whatever_changes_an_answer_changes_its_tag(service: Service, root: Root) -> None:
    def tag(query: str = "id=p-0", path: str = "/v1/related", **headers: str) -> str:
        return service.client.get(f"{path}?{query}", headers=headers).headers["etag"]  # type: ignore[no-any-return]

    tags = [
        tag(),
        tag("id=p-1"),
        tag("id=p-0&limit=5"),
        tag("id=p-0&min_score=0.5"),
        tag("id=p-0&sort=newest"),
        tag("id=p-0&fallback=none"),
        tag("id=p-0&language=en"),
        tag("id=p-0&exclude=p-1"),
        tag("id=p-0&exclude=p-2"),
        tag(path="/v1/related.html"),
        tag(**{"accept-encoding": "gzip"}),
    ]
    all_of_it = "id=p-0&limit=20"
    tags.append(tag(all_of_it))
    service.decisions.set(version=7, takedowns={"p-1": NEVER})
    service.live.refresh()
    tags.append(tag(all_of_it))
    service.now += 50 * SECOND
    tags.append(tag(all_of_it))
    other = Service(root, heading="Mehr")
    tags.append(other.client.get("/v1/related.html?id=p-0").headers["etag"])
    assert len(set(tags)) == len(tags)
    assert Service(root).client.get("/v1/related?id=p-0").headers["etag"] == tags[0], (
        "another worker's tag is the same"
    )


def test_the_order_of_excluded_ids_does_not_change_the_tag(service: Service) -> None:
    one, other = (
        service.client.get(f"/v1/related?id=p-0&exclude={first}&exclude={second}")
        for first, second in (("p-1", "p-2"), ("p-2", "p-1"))
    )
    assert one.headers["etag"] == other.headers["etag"]


def test_gzip_is_sent_to_those_who_take_it_and_only_where_it_pays(service: Service) -> None:
    asked = "/v1/related?id=p-0&limit=20"
    plain = service.client.get(asked)
    assert "content-encoding" not in plain.headers
    for _ in range(2):
        answer = service.client.get(asked, headers={"accept-encoding": "br, gzip;q=0.5"})
        assert answer.headers["content-encoding"] == "gzip"
        assert answer.content == plain.content
        assert int(answer.headers["content-length"]) < len(plain.content)
    assert plain.headers["vary"] == answer.headers["vary"] == "Accept-Encoding"
    short = service.client.get("/v1/related?id=p-0&limit=1", headers={"accept-encoding": "gzip"})
    assert "content-encoding" not in short.headers
    head = service.client.head(asked, headers={"accept-encoding": "gzip"})
    assert head.headers["content-length"] == answer.headers["content-length"]
    again = service.client.get(asked)
    assert (again.content, again.headers["etag"]) == (plain.content, plain.headers["etag"])


def test_an_answer_taken_with_gzip_takes_less_memory(service: Service) -> None:
    asked = "/v1/related?id=p-0&limit=20"
    service.client.get(asked)
    cache = service.live.at(service.now).cache  # type: ignore[union-attr]
    before = cache.size
    service.client.get(asked, headers={"accept-encoding": "gzip"})
    assert cache.size < 0.7 * before


@pytest.mark.parametrize(
    ("header", "accepted"),
    [
        (b"gzip", True),
        (b"deflate, GZIP", True),
        (b"*", True),
        (b"gzip;q=0", False),
        (b"gzip;\tq=0", False),
        (b"\tgzip\t;\tq=0.00\t", False),
        (b"gzip;q=0.", False),
        (b"GZIP ; Q=0", False),
        (b"gzip;q=0, gzip", False),
        (b"gzip;q= 0", False),
        (b"gzip;q=none", False),
        (b"gzip;q=0.0001", False),
        (b"gzip;q=2", False),
        (b"gzip;level=1", False),
        (b"gzip br", False),
        (b"identity;q=0", False),
        (b"identity;q=0, *;q=0", False),
        (b"*;\tq=0", False),
        (b"*;q=0.001", True),
        (b"x-gzip", True),
        (b"gzip;q=1.000", True),
        (b",,\tgzip ,", True),
        (b"gzip; q=0.000", False),
        (b"*;q=0", False),
        (b"*, gzip;q=0", False),
        (b"identity", False),
        (b"", False),
        (b"gzip;q=0.1", True),
    ],
)
def test_what_an_accept_encoding_accepts(header: bytes, accepted: bool) -> None:
    assert accepts_gzip(header) is accepted


def test_tags_are_compared_weakly_and_in_lists() -> None:
    assert matches(b'W/"a"', b'"a"')
    assert matches(b' "b" , "a"', b'"a"')
    assert not matches(b'"ab"', b'"a"')


def test_no_answer_outlives_the_epoch_it_was_given_in(service: Service) -> None:
    def told() -> str:
        return service.client.get("/v1/related?id=p-0").headers["cache-control"]  # type: ignore[no-any-return]

    assert told() == "public, max-age=45", "in 45 s an article appears"
    service.now += 44 * SECOND + SECOND // 2
    assert told() == "public, max-age=0"
    service.now = NOON + 45 * SECOND
    assert told() == "public, max-age=60, stale-while-revalidate=30"
    service.now = NOON + (1000 - 70) * SECOND
    assert told() == "public, max-age=60, stale-while-revalidate=10"
    assert "stale-if-error" not in told()


@given(max_age=st.integers(0, 200), stale=st.integers(0, 200), left=st.integers(0, 500 * SECOND))
def test_freshness_never_reaches_past_the_next_change(max_age: int, stale: int, left: int) -> None:
    value = Freshness(max_age, stale).line(left).decode()
    seconds = [int(part.partition("=")[2]) for part in value.split(", ")[1:]]
    assert sum(seconds) * SECOND <= left
    assert seconds[0] <= max_age
    assert sum(seconds) <= max_age + stale


def test_errors_are_never_kept(service: Service) -> None:
    for url in ("/v1/related?id=nobody", "/v1/related", "/v1/related?id=p-0&limit=0"):
        assert service.client.get(url).headers["cache-control"] == "no-store"


def test_an_article_appears_and_goes_at_its_instant_though_answers_are_kept(
    service: Service,
) -> None:
    seen = []
    for at in (44.999_999, 45, 999.999_999, 1000):
        service.now = NOON + round(at * SECOND)
        for _ in range(2):
            found = service.ids()
        seen.append(("p-3" in found, "p-4" in found))
    assert seen == [(False, True), (True, True), (True, True), (True, False)]
    service.now = NOON
    assert "p-3" not in service.ids(), "a clock set back does not show what it hid"


def test_a_takedown_empties_the_kept_answers(service: Service) -> None:
    assert "p-5" in service.ids()
    service.decisions.set(version=1, takedowns={"p-5": NOON + 100 * SECOND})
    service.live.refresh()
    assert "p-5" not in service.ids()
    assert service.client.get("/v1/related?id=p-5").status_code == 404
    service.now += 100 * SECOND
    assert "p-5" in service.ids(), "it ends at its moment"


def test_without_knowing_what_was_taken_down_nothing_is_served(service: Service) -> None:
    service.ids()
    service.decisions.kept = PolledState(problem="away")
    service.live.refresh()
    answer = service.client.get("/v1/related?id=p-0")
    assert answer.status_code == 503
    assert "away" in (service.live.unready or "")
    assert service.live.public_unready.startswith("editors' decisions can't be read: ")
    assert "away" not in service.live.public_unready
    service.decisions.set(version=1)
    service.live.refresh()
    assert service.client.get("/v1/related?id=p-0").status_code == 200


def test_preflights_are_answered_for_reading(root: Root) -> None:
    narrow = Service(root, cors_origins=["https://site.example"])
    for service, allowed in ((Service(root), "*"), (narrow, "https://site.example")):
        for url, methods in (("/v1/related", "GET, HEAD"), ("/v1/related/batch", "POST")):
            answer = service.client.options(
                url,
                headers={"origin": "https://site.example", "access-control-request-method": "GET"},
            )
            assert answer.status_code == 204
            assert answer.headers["access-control-allow-origin"] == allowed
            assert answer.headers["access-control-allow-methods"] == methods
            assert "Content-Type" in answer.headers["access-control-allow-headers"]
    evil = narrow.client.options("/v1/related", headers={"origin": "https://evil.example"})
    assert "access-control-allow-origin" not in evil.headers


def test_a_request_keeps_its_name_if_that_is_plain(service: Service) -> None:
    url = "/v1/related?id=p-0"
    named = service.client.get(url, headers={"x-request-id": "trace-1.a:b"})
    assert named.headers["x-request-id"] == "trace-1.a:b"
    made = {service.client.get(url).headers["x-request-id"] for _ in range(3)}
    hostile = service.client.get(url, headers={"x-request-id": "a b\tc" + "x" * 80})
    made.add(hostile.headers["x-request-id"])
    assert len(made) == 4


@hypothesis_settings(max_examples=60)
@given(
    capacity=st.integers(0, 40_000),
    steps=st.lists(st.tuples(st.integers(0, 15), st.integers(0, 9_000), st.integers(0, 6))),
)
def test_a_cache_stays_within_its_bytes_and_tells_no_lies(
    capacity: int, steps: list[tuple[int, int, int]]
) -> None:
    cache = ResponseCache(capacity)
    made: dict[int, CachedResponse] = {}
    sizes: dict[int, int] = {}
    for question, size, alias in steps:
        kept = cache.get(question, BUILD)
        if kept is None:
            kept = CachedResponse(b"t", b"", bytes(size), route="r")
            made[question], sizes[question] = kept, size
            cache.put(question, kept)
        assert kept is made[question]
        cache.alias(b"%d-%d" % (question, alias), kept)
        for data, body_at, gzipped in (cache.gzipped(kept), kept.plain):
            etag = b'"t-gzip"' if gzipped else b'"t"'
            assert kept.etag(gzipped=gzipped) == etag
            assert data[:body_at].endswith(b"\r\netag: %b\r\n\r\n" % etag)
            assert gzipped is (b"content-encoding: gzip\r\n" in data[:body_at])
            body = gzip.decompress(data[body_at:]) if gzipped else data[body_at:]
            assert body == kept.body == bytes(sizes[question])
        assert cache.size <= capacity
        for url, found in cache.by_address.items():
            assert found is made[int(url.partition(b"-")[0])]
    total = sum({id(found): found.size for found in cache._responses.values()}.values())
    assert cache.size == total


def test_a_cache_counts_no_less_than_it_takes() -> None:
    cache = ResponseCache(4_000_000)
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    for number in range(5_000):
        answer = CachedResponse(b"%024d" % number, b"", b"%03000d" % number, route="r")
        question = (f"article-{number}", number)
        cache.put(question, answer)
        cache.alias(b"/v1/related?id=article-%d" % number, answer)
        if number % 2:
            cache.gzipped(answer)
    taken = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert len(cache) > 500
    assert taken <= cache.size * 1.05


def test_an_answer_of_another_build_takes_the_place_and_memory_of_the_one_before() -> None:
    cache = ResponseCache(50_000)
    for number in range(3):
        answer = CachedResponse(b"t", b"", bytes(1_000 + number), route="r")
        answer.build = f"build {number}"
        cache.put("key", answer)
    assert (len(cache), cache.size) == (1, answer.size)


def test_what_is_asked_for_stays_and_what_is_not_goes(tmp_path: Path) -> None:
    cache = ResponseCache(50_000)
    for number in range(200):
        for _ in range(2):
            cache.put(number, CachedResponse(b"t", b"", bytes(1_000), route="r"))
        assert cache.get(0, BUILD) is not None, "asked for all the time"
    assert cache.get(1, BUILD) is None
    assert cache.get(199, BUILD) is not None


def test_a_full_cache_keeps_what_is_asked_for_twice_and_nothing_asked_for_once() -> None:
    cache = ResponseCache(50_000)
    for number in range(200):
        cache.put(number, CachedResponse(b"t", b"", bytes(1_000), route="r"))
    kept = [number for number in range(200) if cache.get(number, BUILD)]
    assert kept == list(range(len(kept))), "those that came first"
    assert 10 < len(kept) < 50
    for _ in range(2):
        cache.put(150, CachedResponse(b"t", b"", bytes(1_000), route="r"))
    assert cache.get(150, BUILD) is not None


def test_an_answer_that_names_the_full_build_holds_until_there_is_another() -> None:
    def build(name: str, full: str, date: int) -> Build:
        dates = {0: {1: date}}
        some = {"name": name, "full_name": full, "list_dates": dates}
        return cast("Build", SimpleNamespace(row={"a": 0}.get, **some))

    for full, holds in ((None, True), ("f1", True), ("f0", False)):
        answer = CachedResponse(b"t", b"", b"body", route="r")
        answer.build, answer.listed = "b0", ("a", 1, 7, full, False)
        assert not answer.holds(build("b1", "f1", 8)), "the list is another"
        assert answer.holds(build("b1", "f1", 7)) is holds
    answer.listed = ("gone", 1, 7, None, False)
    assert not answer.holds(build("b1", "f1", 7))


def test_an_answer_is_compressed_once() -> None:
    cache, answer = ResponseCache(10_000), CachedResponse(b"t", b"", bytes(5_000), route="r")
    cache.put("key", answer)
    assert cache.gzipped(answer)[0] is cache.gzipped(answer)[0]
    assert answer.for_gzip
    assert cache.size == answer.size
    packed = cache.gzipped(answer)[0].partition(b"\r\n\r\n")[2]
    assert packed[4:8] == bytes(4)  # no time in it, so that all workers answer the same bytes
