"""Attacks on the wire: a real server, raw sockets, bytes that no client would send."""

from __future__ import annotations

import random
import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from service.decisions.open_decisions import open_decisions
from service.roles import Role
from service.settings import Settings
from tests.support.editor_site import TESTER, build_site
from tests.support.service_process import alsolike, free_ports, get, until

BODY_SECONDS = 1.0
LIMITS = {"ALSOLIKE_BODY_SECONDS": str(BODY_SECONDS), "ALSOLIKE_MAX_BODY_KB": "16"}


@dataclass(frozen=True)
class Server:
    """A running service and an editor's token."""

    port: int
    token: str
    folder: Path

    def send(self, *parts: bytes, pause: float = 0.0, patience: float = 20.0) -> bytes:
        """Send bytes as they are, and give all that comes back until the server closes."""
        with socket.create_connection(("127.0.0.1", self.port), patience) as line:
            with suppress(BrokenPipeError, ConnectionResetError):
                for part in parts:
                    line.sendall(part)
                    time.sleep(pause)
            return receive(line)

    def put(self, body: bytes, *headers: bytes) -> list[bytes]:
        """A write in two parts: its head, and its body."""
        lines = [
            b"PUT /v1/visibility?id=sea-000 HTTP/1.1",
            b"Host: localhost",
            b"Authorization: Bearer " + self.token.encode(),
            b"Content-Type: application/json",
            b"Connection: close",
            *headers,
        ]
        return [b"\r\n".join(lines) + b"\r\n\r\n", body]

    def answers(self) -> bool:
        """Whether it still does its work."""
        found = get(f"http://127.0.0.1:{self.port}/v1/related?id=sea-000")
        return found is not None and found.status == 200


def receive(line: socket.socket) -> bytes:
    received = b""
    with suppress(ConnectionResetError):
        while part := line.recv(65_536):
            received += part
            if len(received) > 10_000_000:
                raise AssertionError("the answer has no end")
    return received


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("wire")
    root = build_site(folder)
    database = open_decisions(Settings(root=root))
    token, _ = database.tokens.add(TESTER, name="wire", role=Role.EDITOR)
    database.close()
    port = free_ports()
    arguments = ("serve", "--root", str(root), "--port", str(port))
    with alsolike(*arguments, folder=folder, environment=LIMITS):
        made = Server(port=port, token=token, folder=folder)
        until(made.answers)
        yield made


@pytest.fixture(autouse=True)
def _still_answers(server: Server) -> Iterator[None]:
    yield
    assert server.answers()
    assert b"Traceback" not in (server.folder / "stderr").read_bytes()


def status(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])


def test_a_write_goes_through_or_the_others_would_prove_nothing(server: Server) -> None:
    body = b'{"visible": true}'
    length = b"Content-Length: %d" % len(body)
    assert status(server.send(*server.put(body, length))) == 200


def test_a_body_that_says_it_is_huge_is_refused_unread(server: Server) -> None:
    answer = server.send(*server.put(b"", b"Content-Length: 999999999999"))
    assert status(answer) == 413


def test_a_body_without_end_is_cut_off_at_the_limit(server: Server) -> None:
    chunk = b"1000\r\n" + b"x" * 0x1000 + b"\r\n"
    answer = server.send(*server.put(chunk * 50, b"Transfer-Encoding: chunked"))
    assert status(answer) == 413


@pytest.mark.parametrize("path", [b"/v1/related", b"/v1/undo", b"/editor/sign-in"])
def test_a_body_that_drips_or_never_comes_is_given_up(server: Server, path: bytes) -> None:
    head, _ = server.put(b"", b"Content-Length: 1000")
    head = head.replace(b"PUT /v1/visibility?id=sea-000", b"POST " + path)
    drip = [b"x"] * 8
    start = time.monotonic()
    answer = server.send(head, *drip, pause=BODY_SECONDS / 4)
    assert time.monotonic() - start < 15
    assert status(answer) in (401, 408)


def test_many_who_say_nothing_keep_nobody_waiting(server: Server) -> None:
    lines = [socket.create_connection(("127.0.0.1", server.port), 5) for _ in range(200)]
    try:
        for line in lines:
            line.sendall(b"GET /v1/related?id=sea-000 HTTP/1.1\r\nHost: localhost\r\nX-Slow: ")
        assert server.answers()
    finally:
        for line in lines:
            line.close()


@pytest.mark.parametrize(
    "request_line",
    [
        b"GET /v1/related?id=" + b"a" * 20_000 + b" HTTP/1.1",
        b"GET /v1/articles/" + b"a" * 6_000 + b"/related HTTP/1.1",
        b"GET /" + b"a" * 100_000 + b" HTTP/1.1",
    ],
)
def test_an_address_without_end_is_refused(server: Server, request_line: bytes) -> None:
    answer = server.send(request_line + b"\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    assert not answer or status(answer) in (400, 414, 422)


def test_headers_without_end_are_refused(server: Server) -> None:
    for headers in (b"X-A: " + b"a" * 200_000, b"\r\n".join(b"X-%d: a" % n for n in range(9_000))):
        answer = server.send(
            b"GET /v1/audit HTTP/1.1\r\nHost: localhost\r\n" + headers + b"\r\n\r\n"
        )
        assert not answer or status(answer) in (400, 401, 431)


@pytest.mark.parametrize(
    "headers",
    [
        [b"Content-Length: 17", b"Transfer-Encoding: chunked"],
        [b"Content-Length: 17", b"Content-Length: 18"],
        [b"Content-Length: -1"],
        [b"Content-Length: 0x11"],
        [b"Content-Length: +17"],
        [b"Transfer-Encoding: xchunked"],
        [b"Transfer-Encoding: chunked, identity"],
        [b"Transfer-Encoding : chunked"],
        [b"Content-Length: 17", b" folded: yes"],
    ],
)
def test_no_two_readers_could_take_a_request_for_different_ones(
    server: Server, headers: list[bytes]
) -> None:
    smuggled = b"PUT /v1/visibility?id=sea-012 HTTP/1.1\r\nHost: localhost\r\n\r\n"
    answer = server.send(*server.put(b"0\r\n\r\n" + smuggled, *headers), patience=8)
    assert not answer or status(answer) in (400, 401, 408, 411, 413, 422, 501)
    assert answer.count(b"HTTP/1.1 ") <= 1, "what follows is no request of its own"


def test_line_breaks_in_an_address_end_it(server: Server) -> None:
    for injected in (b"%0d%0aSet-Cookie:%20evil=1", b"\rSet-Cookie: evil=1", b"\nSet-Cookie: a=1"):
        line = b"GET /v1/related?id=sea-000&language=" + injected
        answer = server.send(line + b" HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        assert b"set-cookie" not in answer.lower().partition(b"\r\n\r\n")[0]


@pytest.mark.parametrize("seed", range(40))
def test_bytes_that_are_no_request_break_nothing(server: Server, seed: int) -> None:
    draw = random.Random(seed)
    good = b"".join(server.put(b'{"visible": true}', b"Content-Length: 17"))
    noise = bytearray(good)
    for _ in range(draw.randint(1, 30)):
        place = draw.randrange(len(noise))
        noise[place : place + draw.randint(0, 3)] = draw.randbytes(draw.randint(0, 4))
    with socket.create_connection(("127.0.0.1", server.port), 5) as line, suppress(OSError):
        line.sendall(bytes(noise))
        line.shutdown(socket.SHUT_WR)
        answer = receive(line)
        assert not answer or status(answer) < 500
