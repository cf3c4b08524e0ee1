"""The route a site asks on every page view, through the whole app."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from hypothesis import assume, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from index.root.root import Root
from recommender.article import check_id
from recommender.errors import ArticleError
from service.app import create_app
from service.http.metrics import RequestCounts
from service.http.problems import ProblemError
from service.http.query_params import parse_query, read_article_id
from service.http.related_lists import RelatedLists
from service.http.related_routes import RelatedRoutes
from service.serving.live import WATCH_SECONDS, Live
from service.settings import Settings
from tests.support.articles import prose
from tests.support.builds import publish
from tests.support.service_process import alsolike, free_ports, get, until
from tests.support.undecided import Undecided

SLASHED = "10.1000/heat/ü 50% & more?"
INVISIBLE = ("draft", "hidden", "later", "gone")


def records() -> list[dict[str, Any]]:
    special = [
        {"id": SLASHED, "title": "Hitze in Übersee", "language": "de"},
        {"id": "dated-ahead", "title": "Dated ahead", "date": "2199-12-31"},
        {"id": "draft", "title": "A draft", "status": "draft"},
        {"id": "hidden", "title": "A hidden one", "status": "hidden"},
        {"id": "later", "title": "Tomorrow's", "visible_from": "2199-01-01T00:00:00Z"},
        {"id": "gone", "title": "Yesterday's", "visible_until": "2001-01-01T00:00:00Z"},
    ]
    plain = [{"id": f"plain-{number}", "title": f"Piece {number}"} for number in range(1, 61)]
    return [
        {
            "summary": prose(number),
            "date": f"2025-{number % 12 + 1:02}-{number % 28 + 1:02}",
            "language": "en",
            "image": {"src": "/picture.svg", "alt": "A picture"},
            **record,
        }
        for number, record in enumerate([*plain, *special])
    ]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Root:
    folder = tmp_path_factory.mktemp("related")
    place = Root(folder / "root")
    publish(place, folder, records())
    return place


@pytest.fixture(scope="module")
def client(root: Root) -> Iterator[TestClient]:
    with TestClient(create_app(Settings(root=root.path))) as opened:
        yield opened


def headers_but_its_name(answer: Any) -> list[tuple[str, str]]:
    return [item for item in answer.headers.multi_items() if item[0] != "x-request-id"]


def ids(answer: Any) -> list[str]:
    return [item["article_id"] for item in answer.json()["items"]]


def test_an_answer_has_the_documented_shape(client: TestClient, root: Root) -> None:
    answer = client.get("/v1/related", params={"id": "plain-7"})
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    body = answer.json()
    pointer = root.current()
    assert pointer is not None
    assert list(body) == ["article_id", "build", "items"]
    assert (body["article_id"], body["build"]) == ("plain-7", pointer.build)
    assert len(body["items"]) == 6
    for position, item in enumerate(body["items"], 1):
        assert list(item) == [
            "article_id", "title", "url", "excerpt", "image", "date",
            "score", "origin", "position", "shared_terms",
        ]  # fmt: skip
        assert item["position"] == position
        assert 0 <= item["score"] <= 1
        assert item["origin"] in ("related", "fallback")
        assert item["image"] == {"src": "/picture.svg", "alt": "A picture"}
        assert 0 < len(item["excerpt"]) <= 140
        assert len(item["shared_terms"]) <= 4
    assert "plain-7" not in ids(answer)


def test_an_id_with_slashes_spaces_and_umlauts_is_found_by_path_and_by_query(
    client: TestClient,
) -> None:
    by_query = client.get("/v1/related", params={"id": SLASHED})
    by_path = client.get(f"/v1/articles/{quote(SLASHED, safe='')}/related")
    assert by_query.status_code == 200
    assert by_query.json()["article_id"] == SLASHED
    assert by_path.content == by_query.content
    shown = client.get("/v1/related", params={"id": "plain-1", "limit": 50, "language": "de"})
    assert ids(shown) == [SLASHED]
    assert "Hitze in Übersee".encode() in shown.content, "UTF-8, not \\u escapes"


def test_a_real_server_keeps_an_escaped_slash_within_the_id(root: Root, tmp_path: Path) -> None:
    port = free_ports()
    with alsolike("serve", "--root", str(root.path), "--port", str(port), folder=tmp_path):
        base = f"http://127.0.0.1:{port}/v1"
        until(lambda: get(f"{base}/related?id=plain-1"))
        by_path = get(f"{base}/articles/{quote(SLASHED, safe='')}/related")
        by_query = get(f"{base}/related?{urlencode({'id': SLASHED})}")
    assert by_path is not None
    assert by_query is not None
    assert by_path.json()["article_id"] == SLASHED
    assert by_path.body == by_query.body


@hypothesis_settings(max_examples=60)
@given(article_id=st.text(min_size=1, max_size=60))
def test_any_id_survives_a_url(article_id: str) -> None:
    try:
        check_id(article_id)
    except ArticleError:
        assume(False)
    assert read_article_id(quote(article_id, safe="").encode(), {}) == article_id
    query = urlencode({"id": article_id}).encode()
    assert read_article_id(None, parse_query(query)) == article_id


@hypothesis_settings(max_examples=60)
@given(query=st.binary(max_size=80), path_id=st.none() | st.binary(min_size=1, max_size=40))
def test_no_bytes_are_worse_than_a_problem(query: bytes, path_id: bytes | None) -> None:
    with suppress(ProblemError):
        article_id = read_article_id(path_id, parse_query(query))
        assert check_id(article_id) == article_id


@pytest.mark.parametrize(
    ("query", "field", "said"),
    [
        ("", "id", "missing"),
        ("id=", "id", "empty"),
        ("id=a&id=b", "id", "2 times"),
        ("id=%FF", "id", "UTF-8"),
        ("id=a%00b", "id", "control"),
        ("id=..", "id", ".."),
        ("id=" + "x" * 513, "id", "512"),
        ("id=plain-1&limit=0", "limit", "'0'"),
        ("id=plain-1&limit=51", "limit", "1 to 50"),
        ("id=plain-1&limit=-1", "limit", "'-1'"),
        ("id=plain-1&limit=six", "limit", "'six'"),
        ("id=plain-1&limit=%D9%A3", "limit", "'٣'"),
        ("id=plain-1&limit=", "limit", "''"),
        ("id=plain-1&limit=1&limit=2", "limit", "2 times"),
        ("id=plain-1&limit=" + "9" * 5000, "limit", "whole number"),
        ("id=plain-1&min_score=2", "min_score", "'2'"),
        ("id=plain-1&min_score=nan", "min_score", "'nan'"),
        ("id=plain-1&min_score=low", "min_score", "0 to 1"),
        ("id=plain-1&fallback=random", "fallback", "none, tag, newest"),
        ("id=plain-1&sort=oldest", "sort", "relevance, newest"),
        ("id=plain-1&language=x", "language", "'x'"),
        ("id=plain-1&language=en%20us", "language", "'en us'"),
        ("id=plain-1&exclude=", "exclude", "empty"),
        ("id=plain-1&exclude=%FE", "exclude", "UTF-8"),
        ("id=plain-1" + "&exclude=x" * 101, "exclude", "101 ids"),
    ],
)
def test_a_wrong_parameter_is_a_problem_that_names_it(
    client: TestClient, query: str, field: str, said: str
) -> None:
    answer = client.get(f"/v1/related?{query}")
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["field"] == field
    assert field in problem["detail"]
    assert said in problem["detail"]
    assert (problem["status"], problem["title"]) == (422, "Unprocessable Entity")
    assert len(problem["detail"]) < 300
    assert client.get(f"/v1/related.html?{query}").content == b""


def test_a_wrong_id_in_the_path_is_a_problem_that_names_it(client: TestClient) -> None:
    for segment in ("%FF", "a%00b", "%20"):
        answer = client.get(f"/v1/articles/{segment}/related")
        assert (answer.status_code, answer.json()["field"]) == (422, "article_id")


def test_parameters_that_no_route_names_are_ignored(client: TestClient) -> None:
    plain = client.get("/v1/related?id=plain-1")
    assert client.get("/v1/related?id=plain-1&_=123&utm_source=mail").content == plain.content


def test_unknown_and_invisible_articles_are_told_apart_by_nothing(client: TestClient) -> None:
    answers = [
        client.get(url)
        for article_id in ("no-such-article", *INVISIBLE)
        for url in (f"/v1/related?id={article_id}", f"/v1/articles/{article_id}/related")
    ]
    assert {answer.status_code for answer in answers} == {404}
    assert len({answer.content for answer in answers}) == 1
    assert len({tuple(headers_but_its_name(answer)) for answer in answers}) == 1
    assert answers[0].headers["content-type"] == "application/problem+json"
    assert answers[0].json()["title"] == "Not Found"


def test_nothing_invisible_is_in_any_list_and_a_date_ahead_hides_nothing(
    client: TestClient,
) -> None:
    seen: set[str] = set()
    for number in range(1, 61):
        listed = ids(client.get(f"/v1/related?id=plain-{number}&limit=50&fallback=newest"))
        assert f"plain-{number}" not in listed
        seen.update(listed)
    assert seen.isdisjoint(INVISIBLE)
    assert "dated-ahead" in seen


def test_a_fragment_of_an_invisible_article_is_404_with_an_empty_body(client: TestClient) -> None:
    for article_id in ("no-such-article", *INVISIBLE):
        answer = client.get(f"/v1/related.html?id={article_id}")
        assert (answer.status_code, answer.content) == (404, b"")
        assert answer.headers["content-length"] == "0"


def test_head_says_what_get_would(client: TestClient) -> None:
    for url in (
        "/v1/related?id=plain-1",
        "/v1/articles/plain-1/related.html",
        "/v1/related?id=draft",
        "/v1/related?id=plain-1&limit=0",
    ):
        got, head = client.get(url), client.head(url)
        assert head.content == b""
        assert head.status_code == got.status_code
        assert headers_but_its_name(head) == headers_but_its_name(got)
    for page in ("/livez", "/readyz", "/widget.js", "/widget.css", "/docs", "/openapi.json"):
        assert client.head(page).status_code == 200


def test_other_methods_are_refused(client: TestClient) -> None:
    answer = client.put("/v1/related?id=plain-1")
    assert answer.status_code == 405
    assert answer.headers["allow"] == "GET, HEAD, OPTIONS"
    assert answer.json()["status"] == 405


@pytest.mark.parametrize("limit", [1, 2, 6, 50])
def test_a_list_is_as_long_as_asked_for(client: TestClient, limit: int) -> None:
    whole = ids(client.get("/v1/related?id=plain-3&limit=50"))
    listed = ids(client.get(f"/v1/related?id=plain-3&limit={limit}"))
    assert listed == whole[:limit]
    assert len(listed) == limit
    assert len(set(listed)) == limit


def test_excluded_articles_make_room_for_the_next(client: TestClient) -> None:
    first = ids(client.get("/v1/related?id=plain-3&limit=8"))
    query = urlencode([("id", "plain-3"), ("exclude", first[0]), ("exclude", first[2])])
    rest = [article_id for article_id in first if article_id not in (first[0], first[2])]
    assert ids(client.get(f"/v1/related?{query}&exclude=unknown&limit=6")) == rest


def test_sorting_reorders_the_same_articles(client: TestClient) -> None:
    by_relevance = client.get("/v1/related?id=plain-3&limit=10").json()["items"]
    by_date = client.get("/v1/related?id=plain-3&limit=10&sort=newest").json()["items"]
    dates = [item["date"] for item in by_date]
    assert dates == sorted(dates, reverse=True)
    assert [item["position"] for item in by_date] == list(range(1, 11))
    assert {item["article_id"] for item in by_date} == {item["article_id"] for item in by_relevance}
    assert by_date != by_relevance


def test_a_list_that_is_too_short_is_filled_and_says_so(client: TestClient) -> None:
    ask = "/v1/related?id=plain-3&min_score=1"
    assert ids(client.get(f"{ask}&fallback=none")) == []
    filled = client.get(f"{ask}&fallback=newest").json()["items"]
    assert len(filled) == 6
    assert {(item["origin"], item["score"]) for item in filled} == {("fallback", 0.0)}
    assert filled[0]["article_id"] == "dated-ahead"
    dates = [item["date"] for item in filled]
    assert dates == sorted(dates, reverse=True)


def test_settings_are_what_a_request_leaves_open(root: Root) -> None:
    settings = Settings(root=root.path, limit=3, min_score=1.0, fallback="none", heading="Mehr <3")
    with TestClient(create_app(settings)) as client:
        assert ids(client.get("/v1/related?id=plain-3")) == []
        assert len(ids(client.get("/v1/related?id=plain-3&min_score=0"))) == 3
        section = client.get("/v1/related.html?id=plain-3&min_score=0").text
    assert section.count("<li") == 3
    assert "Mehr &lt;3</h2>" in section


def test_any_origin_may_read_without_credentials(client: TestClient) -> None:
    for url in ("/v1/related?id=plain-1", "/v1/related.html?id=plain-1", "/v1/related?id=nobody"):
        answer = client.get(url, headers={"origin": "https://anywhere.example"})
        assert answer.headers["access-control-allow-origin"] == "*"
        assert "access-control-allow-credentials" not in answer.headers
    assert client.get("/widget.js").headers["access-control-allow-origin"] == "*"


def test_the_script_that_reports_clicks_obeys_do_not_track_unless_told_otherwise(
    root: Root, client: TestClient
) -> None:
    asks = "navigator.doNotTrack"
    assert asks in client.get("/clicks.js").text
    with TestClient(create_app(Settings(root=root.path, respect_do_not_track=False))) as other:
        script = other.get("/clicks.js").text
    assert asks not in script
    assert "if (window.alsolikeClicks) return;" in script


def test_a_setting_narrows_which_origins_may_read(root: Root) -> None:
    settings = Settings(root=root.path, cors_origins=["https://site.example", "https://b.example/"])
    with TestClient(create_app(settings)) as client:

        def allowed(origin: str | None) -> str | None:
            headers = {} if origin is None else {"origin": origin}
            answer = client.get("/v1/related?id=plain-1", headers=headers)
            assert answer.headers["vary"] == "Accept-Encoding, Origin", (
                "or a cache hands one site's answer to another"
            )
            return answer.headers.get("access-control-allow-origin")

        assert allowed("https://site.example") == "https://site.example"
        assert allowed("https://b.example") == "https://b.example"
        assert allowed("https://evil.example") is None
        assert allowed("https://site.example.evil.example") is None
        assert allowed(None) is None


def test_whatever_fails_inside_is_answered_in_the_one_shape(root: Root) -> None:
    broken = Live(root, Undecided())
    broken.refresh()
    assert broken.build is not None
    broken.build.cards = None  # type: ignore[assignment]
    settings = Settings(root=root.path)
    tally = RequestCounts()
    lists = RelatedLists(settings, tally)
    app = RelatedRoutes(create_app(settings), broken, lists)
    client = TestClient(app, raise_server_exceptions=False)
    answer = client.get("/v1/related?id=plain-1")
    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert "None" not in answer.json()["detail"], "what it was stays in the log"
    assert client.get("/v1/related.html?id=plain-1").content == b""


def test_a_page_that_is_not_there_is_a_problem_too(client: TestClient) -> None:
    for url in ("/v1/nothing", "/v1/articles/plain-1", "/v1/articles//related"):
        answer = client.get(url)
        assert answer.status_code == 404
        assert answer.headers["content-type"] == "application/problem+json"


def test_without_a_build_the_service_is_alive_and_not_ready(tmp_path: Path) -> None:
    with TestClient(create_app(Settings(root=tmp_path / "empty"))) as client:
        assert client.get("/livez").json() == {"status": "alive"}
        ready = client.get("/readyz")
        assert (ready.status_code, ready.json()["status"]) == (503, "not ready")
        assert "nothing is published" in ready.json()["reason"]
        answer = client.get("/v1/related?id=plain-1")
        assert answer.status_code == 503
        assert answer.headers["retry-after"].isdigit()
        assert str(tmp_path) not in answer.text, "paths are the operator's"
        assert client.get("/v1/related.html?id=plain-1").content == b""
        page = client.get("/docs")
        assert page.status_code == 200
        for name in ("events[].placement", "events[].clicked", "statements[].record"):
            assert f"<td><code>{name}</code>" in page.text, "what is in a list is told, too"
        assert "default <code>true</code>" in page.text


def test_a_running_service_follows_what_is_published_and_refuses_what_is_damaged(
    tmp_path: Path,
) -> None:
    assert WATCH_SECONDS <= 1, "a publish is to be noticed within two seconds"
    place = Root(tmp_path / "root")
    port = free_ports()
    base = f"http://127.0.0.1:{port}"
    with alsolike("serve", "--root", str(place.path), "--port", str(port), folder=tmp_path):
        assert until(lambda: get(f"{base}/v1/related?id=plain-1")).status == 503

        first = publish(place, tmp_path, records()[:20])
        until(lambda: serves(base, first))
        pointer_to_first = (place.path / "CURRENT").read_bytes()

        second = publish(place, tmp_path, records())
        until(lambda: serves(base, second))

        cards = place.folder(first) / "cards.bin"
        cards.write_bytes(cards.read_bytes()[:-1] + b"?")
        beside = place.path / "CURRENT.new"
        beside.write_bytes(pointer_to_first)
        shutil.move(beside, place.path / "CURRENT")
        until(lambda: "opened" in (get(f"{base}/readyz").json()["refused"] or ""))  # type: ignore[union-attr]
        assert serves(base, second), "the old build serves on"
    log = (tmp_path / "stderr").read_text()
    assert log.count("still serving") == 2, "once for no build, once for the damaged one"
    assert "Traceback" not in log
    assert "cards.bin" in log
    assert log.count(f"there was no folder {place.path}: it is made now") == 1


def serves(base: str, build: str) -> bool:
    answer = get(f"{base}/v1/related?id=plain-1")
    return answer is not None and answer.status == 200 and answer.json()["build"] == build
