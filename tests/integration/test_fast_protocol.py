"""Page views answered before the server makes a request of them: the same bytes as ever."""

from __future__ import annotations

import re
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.types import Receive, Scope, Send

from index.root.root import Root
from service.http.fast_protocol import FastProtocol
from service.http.http_connection import Connection
from service.http.metrics import RequestCounts
from service.http.related_lists import RelatedLists
from service.http.related_routes import RelatedRoutes
from service.server import FAST_WITH, http_protocol, run_server
from service.serving.live import Live
from service.settings import Settings, load_settings
from tests.support.articles import prose
from tests.support.builds import publish
from tests.support.service_process import until
from tests.support.undecided import Undecided

GET = b"GET /v1/related?id=p-0 HTTP/1.1\r\nHost: site\r\n"
END = b"GET /end HTTP/1.1\r\nHost: site\r\nConnection: close\r\n\r\n"
BODY = b"id=p-1&body=1"

PLAIN = [
    GET,
    GET.replace(b"GET", b"HEAD"),
    GET + b"If-None-Match: *\r\n",
    GET + b'If-None-Match: "other"\r\n',
    GET + b"Accept-Encoding: br, gzip;q=0.5\r\n",
    GET + b"Accept-Encoding: gzip\r\nIf-None-Match: *\r\n",
    GET + b"X-Request-ID: trace-1\r\n",
    GET + b"Origin: https://elsewhere.example\r\n",
    GET.replace(b"p-0", b"p-0&limit=3&sort=newest"),
    GET.replace(b"p-0", b"p-0&exclude=p-1"),
    GET.replace(b"p-0", b"p-0&limit=none"),
    GET.replace(b"p-0", b"unknown"),
    GET.replace(b"p-0", b"p%2D0"),
    GET.replace(b"?id=p-0", b""),
    GET.replace(b"related?id=p-0", b"related.html?id=p-0"),
    GET.replace(b"related?id=p-0", b"articles/p-0/related"),
    GET.replace(b"related?id=p-0", b"articles/p-0/related.html?limit=2"),
    GET.replace(b"p-0", b"p-0?x=1"),
]
"""Asked in ways that can be answered at once, without the empty line at their end."""

OTHERS = [
    GET + b"Content-Length: 13\r\n\r\n" + BODY,
    GET + b"Transfer-Encoding: chunked\r\n\r\nd\r\n" + BODY + b"\r\n0\r\n",
    GET + b"Expect: 100-continue\r\nContent-Length: 13\r\n\r\n" + BODY,
    GET.replace(b"GET", b"POST") + b"Content-Length: 13\r\n\r\n" + BODY,
    GET.replace(b"GET", b"OPTIONS") + b"Origin: https://elsewhere.example\r\n",
    GET.replace(b"/v1", b"http://site/v1"),
    GET.replace(b"/v1", b"//v1"),
    GET.replace(b"p-0", b"p-0#part"),
    GET.replace(b"related?id=p-0", b"elsewhere"),
    GET.replace(b"v1", b"v2"),
]
"""Asked in ways that go as the server has it."""

LAST = [
    GET.replace(b"1.1", b"1.0"),
    GET.replace(b"1.1", b"1.0") + b"Connection: keep-alive\r\n",
    GET + b"Connection: close\r\n",
    GET + b"Connection: Upgrade\r\nUpgrade: websocket\r\n",
    GET + b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAA\r\n",
    GET.replace(b"GET", b"BREW"),
    GET.replace(b"p-0", b"\xc3\xa4"),
    GET.replace(b"related?id=p-0", b"articles/\xc3\xa4/related"),
    GET + b"Not a header\r\n",
    GET + b"Content-Length: 13\r\nTransfer-Encoding: chunked\r\n",
    b"GET\r\n",
]
"""The same, and the connection ends with them."""


class Served:
    """A running server.

    Attributes:
        ways: How many page views were answered at once, and how many requests took the longer way.
        tally: How many answers were made.
    """

    def __init__(
        self, port: int, server: uvicorn.Server, ways: Counter[str], tally: RequestCounts
    ) -> None:
        self.port = port
        self.server = server
        self.ways = ways
        self.tally = tally

    def connect(self, room: int | None = None) -> socket.socket:
        """A connection; ``room`` bytes at most wait on this side of it until they are read."""
        line = socket.socket()
        line.settimeout(30)
        if room is not None:  # else the system takes up to many megabytes, more on a busy machine
            line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, room)
        line.connect(("127.0.0.1", self.port))
        return line

    def send(self, *parts: bytes) -> bytes:
        """Send bytes as they are and give all that comes, until the server closes."""
        with self.connect() as line:
            line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, True)
            for number, part in enumerate(parts):
                time.sleep(0.002 * bool(number))
                line.sendall(part)
            return b"".join(received(line))


def received(line: socket.socket) -> Iterator[bytes]:
    while part := line.recv(65_536):
        yield part


async def behind(scope: Scope, receive: Receive, send: Send) -> None:
    """Stands for all other routes: says what it was asked, body and all, or ``/early``."""
    if scope["type"] != "http":
        return
    body = b""
    more = scope["path"] != "/early"
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    said = repr((scope["method"], scope["raw_path"], scope["query_string"], body)).encode()
    headers = [(b"content-length", b"%d" % len(said))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": said})


@contextmanager
def serving(root: Root, http: Any, **options: Any) -> Iterator[Served]:
    chosen, tally, ways = Settings(root=root.path), RequestCounts(), Counter[str]()
    live = Live(root, keeper=Undecided())
    live.refresh()
    app = RelatedRoutes(behind, live, RelatedLists(chosen, tally))
    if http is FastProtocol:

        class Counting(FastProtocol):
            def _reply(self) -> Any:
                reply = super()._reply()
                ways["at once" if reply else "longer"] += 1
                return reply

        http = Counting
    config = uvicorn.Config(
        app, port=0, http=http, lifespan="off", log_config=None, ws="none", server_header=False,
        proxy_headers=False,
        **options,
    )  # fmt: skip
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        until(lambda: server.started)
        port = server.servers[0].sockets[0].getsockname()[1]
        yield Served(port, server, ways, tally)
    finally:
        server.should_exit = True
        thread.join(30)
        assert not thread.is_alive()


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Root:
    folder = tmp_path_factory.mktemp("quick")
    place = Root(folder / "root")
    records = [
        {"id": f"p-{number}", "title": f"Piece {number}", "summary": prose(number)}
        for number in range(12)
    ]
    publish(place, folder, records)
    return place


@pytest.fixture(scope="module")
def quick(root: Root) -> Iterator[Served]:
    with serving(root, FastProtocol, timeout_keep_alive=1) as served:
        yield served


@pytest.fixture(scope="module")
def usual(root: Root) -> Iterator[Served]:
    with serving(root, Connection, timeout_keep_alive=1) as served:
        yield served


def same(answers: bytes) -> bytes:
    """Answers without what differs between any two."""
    return re.sub(rb"date: [^\r]*|x-request-id: [0-9a-f]+-[0-9a-f]+", b"", answers)


@pytest.mark.parametrize("request_", PLAIN)
def test_a_page_view_gets_the_same_bytes_at_once(
    request_: bytes, quick: Served, usual: Served
) -> None:
    before = quick.ways["at once"]
    twice = (request_ + b"\r\n") * 2 + END  # made, then kept
    answers = quick.send(twice)
    assert same(answers) == same(usual.send(twice))
    assert answers.count(b"HTTP/1.1 ") == 3
    assert quick.ways["at once"] == before + 2


@pytest.mark.parametrize("request_", OTHERS + LAST)
def test_all_else_is_left_to_the_server(request_: bytes, quick: Served, usual: Served) -> None:
    before = quick.ways["at once"]
    asked = request_ + b"\r\n" + END
    answers = quick.send(asked)
    assert same(answers) == same(usual.send(asked))
    assert answers
    assert quick.ways["at once"] == before


@pytest.mark.parametrize("address", ["/v1/related?id=ÄÖÜ", "/v1/articles/Ä/related"])
@pytest.mark.parametrize("more", [0, 100_000])
def test_an_address_that_is_not_percent_encoded_is_told_so(
    address: str, more: int, quick: Served, usual: Served
) -> None:
    asked = f"GET {address}{'Ä' * more} HTTP/1.1\r\nHost: site\r\n\r\n".encode()
    for served in (quick, usual):
        answer = served.send(asked)
        assert answer.startswith(b"HTTP/1.1 400 ")
        assert b"application/problem+json" in answer
        assert b"percent-encoded" in answer
        assert b"id=%C3%84pfel" in answer
        assert len(answer) < 1_000


@settings(max_examples=60, deadline=None)
@given(asked=st.lists(st.sampled_from(PLAIN + OTHERS), min_size=1, max_size=8), cuts=st.randoms())
def test_requests_in_any_order_and_in_pieces_are_answered_in_turn(
    asked: list[bytes], cuts: Any, quick: Served, usual: Served
) -> None:
    content = b"".join(request + b"\r\n" for request in asked) + END
    places = sorted(cuts.sample(range(1, len(content)), 4))
    pieces = [content[a:b] for a, b in zip([0, *places], [*places, None], strict=True)]
    assert same(quick.send(*pieces)) == same(usual.send(*pieces))


def test_an_address_beyond_all_use_is_refused_and_the_connection_closed(
    quick: Served, usual: Served
) -> None:
    asked = GET.replace(b"p-0", b"x" * 20_000) + b"\r\n"  # and nothing after it
    before = quick.ways["at once"]
    answers = quick.send(asked)
    assert same(answers) == same(usual.send(asked))
    assert answers.startswith(b"HTTP/1.1 414")
    assert quick.ways["at once"] == before + 1


def test_a_refusal_says_once_that_the_connection_is_closed(quick: Served) -> None:
    answers = quick.send(GET + b"X: y\r\n" * 101 + b"\r\n")
    assert answers.startswith(b"HTTP/1.1 431")
    assert answers.lower().count(b"connection: close") == 1


EARLY = b"PUT /early HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n"


def test_a_body_that_comes_after_the_answer_is_no_end_of_the_connection(quick: Served) -> None:
    with quick.connect() as line:
        for _ in range(2):
            line.sendall(EARLY % 5)
            assert line.recv(65_536).startswith(b"HTTP/1.1 200")
            line.sendall(b"GET /" + GET + b"\r\n")
            assert line.recv(65_536).startswith(b"HTTP/1.1 200")
        line.sendall(END)
        assert b"".join(received(line)).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize("declared", [5, 10**9])
def test_a_body_that_does_not_come_after_the_answer_is_not_waited_for(
    declared: int, quick: Served
) -> None:
    assert quick.send(EARLY % declared).count(b"HTTP/1.1 ") == 1


def test_who_reads_slower_than_the_answers_come_makes_the_server_wait(quick: Served) -> None:
    number, longer = 8_000, quick.ways["longer"]
    before = sum(quick.tally.requests.values())
    with quick.connect(room=65_536) as line:
        sender = threading.Thread(target=line.sendall, args=((GET + b"\r\n") * number + END,))
        sender.start()
        until(lambda: quick.ways["longer"] > longer)
        time.sleep(0.5)
        made = sum(quick.tally.requests.values()) - before
        found = b"".join(received(line))
        sender.join()
    assert found.count(b"HTTP/1.1 200") == number + 1
    assert made < number, "it went on making answers that nobody took"


def test_a_connection_that_rests_is_closed_in_time(root: Root) -> None:
    with serving(root, FastProtocol, timeout_keep_alive=1) as served:
        with served.connect() as line:
            line.sendall(GET + b"\r\n")
            assert b"".join(received(line)).startswith(b"HTTP/1.1 200")
        assert served.ways == {"at once": 1}


def test_a_server_that_is_stopped_closes_what_rests(root: Root) -> None:
    with serving(root, FastProtocol) as served, served.connect() as line:
        line.sendall(GET + b"\r\n")
        assert line.recv(65_536).startswith(b"HTTP/1.1 200")
        served.server.should_exit = True
        assert list(received(line)) == []
    assert served.server.server_state.total_requests == 1


def test_what_fails_at_once_fails_as_it_always_did(
    root: Root, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: Any) -> None:
        raise RuntimeError("a fault of ours")

    monkeypatch.setattr(RelatedRoutes, "reply", broken)
    with serving(root, FastProtocol) as served:
        answers = served.send(GET + b"\r\n" + END)
    assert answers.startswith(b"HTTP/1.1 500")
    assert "a fault of ours" in caplog.text


def test_it_is_used_with_the_uvicorn_it_was_tested_with_and_no_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    constraints = Path(__file__).parents[2] / "constraints.txt"
    assert f"\nuvicorn=={FAST_WITH}" in constraints.read_text()
    assert http_protocol() is FastProtocol
    monkeypatch.setattr(uvicorn, "__version__", "0.540.0")
    assert http_protocol() is Connection


def test_the_command_serves_with_it(root: Root, monkeypatch: pytest.MonkeyPatch) -> None:
    found: list[uvicorn.Config] = []
    monkeypatch.setattr("service.server.serve_on", lambda config, _: found.append(config))
    monkeypatch.setattr("service.server.configure_logs", lambda _: None)
    for name in ("ROOT", "HOST", "PORT", "WORKERS"):
        monkeypatch.setenv(f"ALSOLIKE_{name}", "1")
    run_server(Settings(root=root.path, port=0, host="0.0.0.0"))
    seen = load_settings()
    assert (seen.root, seen.host) == (root.path, "0.0.0.0"), "a worker has what was said"
    config = found[0]
    config.configure_logging = lambda: None  # type: ignore[method-assign]
    config.load()
    assert config.http_protocol_class is FastProtocol
    assert isinstance(config.loaded_app, RelatedRoutes), (
        "nothing wraps it, or it would be passed by"
    )
