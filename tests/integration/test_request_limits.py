"""Limits, names, counts and headers of all requests."""

from __future__ import annotations

import asyncio
import json
import logging
import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from index.root.root import Root
from service.api import openapi as pages
from service.app import create_app
from service.decisions.decision_store import Actor
from service.decisions.open_decisions import open_decisions
from service.http import request_limits as limits
from service.http.logs import configure_logs
from service.http.problems import ProblemError
from service.http.request_limits import MAX_HEADERS, MAX_PATH, MAX_QUERY
from service.server import takedown_time
from service.settings import Settings
from tests.support.articles import prose
from tests.support.builds import publish
from tests.support.service_process import alsolike, free_ports, get, until


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Root:
    folder = tmp_path_factory.mktemp("edge")
    place = Root(folder / "root")
    publish(
        place,
        folder,
        [
            {"id": f"p-{number}", "title": f"Piece {number}", "summary": prose(number)}
            for number in range(8)
        ],
    )
    return place


@pytest.fixture(scope="module")
def client(root: Root) -> Iterator[TestClient]:
    with TestClient(create_app(Settings(root=root.path, max_body_kb=4))) as opened:
        yield opened


@pytest.mark.parametrize("path", ["/", "/editor", "/editor/sign-in", "/metrics"])
def test_a_head_is_answered_as_a_get_without_its_body(client: TestClient, path: str) -> None:
    asked = client.get(path, follow_redirects=False)
    answer = client.head(path, follow_redirects=False)
    assert answer.status_code == asked.status_code < 400
    assert answer.content == b""
    for name in ("content-type", "location", "cache-control"):
        assert answer.headers.get(name) == asked.headers.get(name)


@pytest.mark.parametrize("path", ["/docs", "/openapi.json", "/livez", "/readyz", "/metrics"])
def test_what_says_nothing_of_caches_is_kept_by_none(client: TestClient, path: str) -> None:
    for answer in (client.get(path), client.head(path)):
        assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("url", "headers", "status"),
    [
        ("/livez?" + "x" * (MAX_QUERY + 1), {}, 414),
        ("/" + "x" * (MAX_PATH + 1), {}, 414),
        ("/v1/related?id=p-1&" + "x" * (MAX_QUERY + 1), {}, 414),
        ("/v1/articles/" + "x" * MAX_PATH + "/related", {}, 414),
        ("/livez", {"x-filler": "x" * (MAX_HEADERS + 1)}, 431),
    ],
)
def test_an_address_or_headers_beyond_all_use_are_refused(
    client: TestClient, url: str, headers: dict[str, str], status: int
) -> None:
    answer = client.get(url, headers=headers)
    assert answer.status_code == status
    assert answer.json()["status"] == status
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_body_that_is_too_large_is_refused_declared_or_not(client: TestClient) -> None:
    def parts() -> Iterator[bytes]:
        for _ in range(5):
            yield b" " * 1024

    for body in (b" " * 5000, parts()):
        answer = client.post("/v1/related/batch", content=body)
        assert answer.status_code == 413
        assert "over 4 KiB; send less, or raise the setting max_body_kb" in answer.json()["detail"]


def test_every_answer_is_named_and_may_load_nothing_but_what_it_says(client: TestClient) -> None:
    for url in (
        "/livez",
        "/readyz",
        "/nothing",
        "/widget.js",
        "/docs",
        "/metrics",
        "/openapi.json",
    ):
        answer = client.get(url, headers={"x-request-id": "abc"})
        assert answer.headers["x-request-id"] == "abc"
        assert answer.headers["x-content-type-options"] == "nosniff"
        policy = answer.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'")
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy


def figures(text: str) -> dict[str, float]:
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines)}


def test_requests_are_counted_by_route_and_status(client: TestClient, root: Root) -> None:
    before = figures(client.get("/metrics").text)
    for url in ("/v1/related?id=p-1", "/v1/related?id=p-1", "/v1/articles/p-1/related"):
        client.get(url)
    client.get("/v1/related.html?id=nobody")
    client.get("/nothing")
    after = figures(client.get("/metrics").text)

    def grown(name: str) -> float:
        return after[name] - before.get(name, 0)

    assert grown('alsolike_requests_total{route="/v1/related",status="200"}') == 3
    assert grown('alsolike_requests_total{route="/v1/related.html",status="404"}') == 1
    assert grown('alsolike_requests_total{route="other",status="404"}') == 1
    assert grown('alsolike_request_seconds_count{route="/v1/related"}') == 3
    assert grown('alsolike_request_seconds_bucket{le="+Inf",route="/v1/related"}') == 3
    assert grown('alsolike_request_seconds_sum{route="/v1/related"}') > 0
    assert grown('alsolike_cache_total{result="hit"}') == 2
    pointer = root.current()
    assert pointer is not None
    (told,) = (name for name in after if name.startswith("alsolike_build_info"))
    assert (told, after[told]) == (f'alsolike_build_info{{build="{pointer.build}"}}', 1)
    assert (after["alsolike_ready"], after["alsolike_build_articles"]) == (1, 8)


def test_figures_can_be_switched_off(root: Root) -> None:
    with TestClient(create_app(Settings(root=root.path, metrics=False))) as client:
        assert client.get("/metrics").status_code == 404


def test_the_worst_case_of_a_takedown_follows_from_the_settings() -> None:
    said = takedown_time(Settings(max_age=10, stale_while_revalidate=5))
    assert "within 15.5 s" in said


def test_log_lines_can_be_json_and_carry_the_request(capsys: pytest.CaptureFixture[str]) -> None:
    before = logging.root.handlers[:], logging.root.level
    try:
        for log_format in ("json", "console"):
            configure_logs(log_format)  # type: ignore[arg-type]
            extra = {"seconds": 0.25, "request_id": "r-1"}
            logging.getLogger("alsolike.access").info("GET %s %d", "/ü", 200, extra=extra)
    finally:
        logging.root.handlers[:], level = before
        logging.root.setLevel(level)
    first, second = capsys.readouterr().err.splitlines()
    line: dict[str, Any] = json.loads(first)
    assert line["message"] == "GET /ü 200"
    assert (line["level"], line["request_id"], line["seconds"]) == ("INFO", "r-1", 0.25)
    assert second.endswith("GET /ü 200 250.000 ms [r-1]")


def test_a_real_server_gives_up_on_a_slow_body_and_logs_what_it_is_told_to(
    root: Root, tmp_path: Path
) -> None:
    port = free_ports()
    figures_port = port + 1
    settings = {
        "ALSOLIKE_BODY_SECONDS": "0.3",
        "ALSOLIKE_LOG_FORMAT": "json",
        "ALSOLIKE_ACCESS_LOG": "true",
        "ALSOLIKE_METRICS_PORT": str(figures_port),
    }
    serve = ("serve", "--root", str(root.path), "--port", str(port))
    with alsolike(*serve, folder=tmp_path, environment=settings):
        base = f"http://127.0.0.1:{port}"
        until(lambda: get(f"{base}/v1/related?id=p-1&token=hush-hush"))
        with socket.create_connection(("127.0.0.1", port), timeout=20) as line:
            line.sendall(
                b"POST /v1/related/batch HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{"
            )
            answer = b""
            while part := line.recv(4096):
                answer += part
        assert answer.startswith(b"HTTP/1.1 408 ")
        assert b"did not arrive within 0.3 s" in answer
        assert get(f"{base}/metrics").status == 404  # type: ignore[union-attr]
        asked = 'alsolike_requests_total{route="/v1/related",status="200"} '
        figures = f"http://127.0.0.1:{figures_port}/metrics"
        until(lambda: (answer := get(figures)) and asked in answer.body.decode())
        told = get(figures).body  # type: ignore[union-attr]
        assert f'\nalsolike_build_info{{build="{root.live}"}} 1.0\n'.encode() in told
    log = (tmp_path / "stderr").read_text()
    lines = [json.loads(line) for line in log.splitlines()]
    access = [line for line in lines if line["logger"] == "alsolike.access"]
    assert {line["message"] for line in access} >= {
        "GET /v1/related 200",
        "POST /v1/related/batch 408",
    }
    assert all(line["request_id"] and line["seconds"] >= 0 for line in access)
    assert "hush-hush" not in log, "queries are not logged: they may hold anything"
    assert any("readers stop seeing a taken-down article" in line["message"] for line in lines)


def test_bodies_that_come_at_once_are_bounded_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MAX_BODIES", 1_000)
    each = Settings(max_body_kb=1, body_seconds=5.0)
    scope = {"headers": [(b"transfer-encoding", b"chunked")]}

    async def read() -> None:
        release = asyncio.Event()

        def half(size: int) -> Any:
            told = iter([{"type": "http.request", "body": b"x" * size, "more_body": True}])

            async def receive() -> Any:
                for message in told:
                    return message
                await release.wait()
                return {"type": "http.request", "body": b"", "more_body": False}

            return receive

        first = asyncio.create_task(limits.read_body(scope, half(600), each))
        await asyncio.sleep(0.01)
        with pytest.raises(ProblemError) as refused:
            await limits.read_body(scope, half(600), each)
        assert refused.value.status == 429
        release.set()
        assert len(await first) == 600
        assert len(await limits.read_body(scope, half(600), each)) == 600

    asyncio.run(read())
    assert limits._reading == 0


def test_the_documentation_is_made_once_for_all_who_ask_and_anew_after_a_decision(
    root: Root, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[int] = []
    real = pages.openapi
    monkeypatch.setattr(pages, "openapi", lambda *args: made.append(1) or real(*args))
    with TestClient(create_app(Settings(root=root.path))) as asking:
        first = asking.get("/docs").text
        for _ in range(3):
            assert asking.get("/docs").text == first
            assert asking.get("/openapi.json").status_code == 200
        assert made == [1]
        example = next(f"p-{number}" for number in range(8) if f"p-{number}" in first)
        with closing(open_decisions(Settings(root=root.path))) as database:
            database.takedowns.put(Actor(name="x", how="cli"), article_id=example)
        until(lambda: asking.get("/docs").text != first)
        with closing(open_decisions(Settings(root=root.path))) as database:
            database.takedowns.lift(Actor(name="x", how="cli"), article_id=example)
