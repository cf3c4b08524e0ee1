"""One connection, with limits on what arrives, in bytes and in time.

A parser that waits for the end of a header keeps all bytes of it and calls nobody. So bytes are
counted before the parser gets them, in slices; input that is too long, too slow or not HTTP is
answered with one problem, and the connection is closed. No more than a slice is parsed ahead of an
answer, and connections with more to parse take turns, so that none can hold up the others.

Works with any uvicorn; :mod:`service.http.fast_protocol` relies on more of its internals.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any

from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from service.http.headers import as_lines, by_name
from service.http.problems import ProblemError
from service.http.related_routes import RelatedRoutes
from service.http.request_limits import (
    MAX_HEAD,
    MAX_HEADER_COUNT,
    MAX_HEADERS,
    MAX_PATH,
    MAX_QUERY,
    TOO_MANY_HEADERS,
    check_headers,
    is_host,
)

SLICE = 4_096
"""Bytes that are parsed at once."""

READER_SECONDS = 60.0
"""A client that reads nothing of an answer for so long is disconnected."""

_SECONDS = 10.0
"""Time for a head, where there are no settings."""
_TURN_SECONDS = 0.001
_LINGER_SECONDS, _SIP_SECONDS = 2.0, 0.1
_WORTH = 16
"""Bytes that may arrive for each byte of a body: itself, and the frame of a one-byte chunk."""
_NOTHING = memoryview(b"")


class _Transport:
    """The transport. Nothing is written once it is closed.

    Closing while bytes still arrive would make the client's system discard the answer. So for a
    while these bytes are read and discarded here, a little at a time.
    """

    def __init__(
        self, raw: asyncio.Transport, loop: asyncio.AbstractEventLoop, connection: Connection
    ) -> None:
        self.raw = raw
        self.get_extra_info = raw.get_extra_info
        self.lingers = False
        self._loop = loop
        self._connection = connection

    def write(self, data: bytes) -> None:
        if not self.is_closing():
            self.raw.write(data)

    def is_closing(self) -> bool:
        return self.lingers or self.raw.is_closing()

    def pause_reading(self) -> None:
        if not self.raw.is_closing():
            self.raw.pause_reading()

    def resume_reading(self) -> None:
        if not self.raw.is_closing():
            self.raw.resume_reading()

    def close(self) -> None:
        if self.is_closing():
            return
        if self._connection.is_midway():
            self.lingers = True
            self.raw.write_eof()
            self.resume_reading()
            self._loop.call_later(_LINGER_SECONDS, self.raw.close)
        else:
            self.raw.close()

    def throw_away(self) -> None:
        self.pause_reading()
        self._loop.call_later(_SIP_SECONDS, self.resume_reading)


class _Flow(FlowControl):
    """Pauses reading while uvicorn wants it to, and while bytes wait to be parsed."""

    held = False

    def hold(self) -> None:
        self.held = True
        self._transport.pause_reading()

    def release(self) -> None:
        self.held = False
        if not self.read_paused:
            self._transport.resume_reading()

    def resume_reading(self) -> None:
        if self.held:
            self.read_paused = False
        else:
            super().resume_reading()


class _Turns:
    """Lets connections with more than a slice to parse take turns."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._waiting: dict[Connection, None] = {}

    def add(self, connection: Connection) -> None:
        if not self._waiting:
            self._loop.call_soon(self._run)
        self._waiting[connection] = None

    def _run(self) -> None:
        end = time.perf_counter() + _TURN_SECONDS
        while self._waiting and time.perf_counter() < end:
            connection = next(iter(self._waiting))
            more = connection.parse_slice()
            del self._waiting[connection]
            if more:
                self._waiting[connection] = None  # behind the others
        if self._waiting:
            self._loop.call_soon(self._run)


class Connection(HttpToolsProtocol):
    """uvicorn's protocol, with limits."""

    flow: _Flow
    transport: _Transport  # type: ignore[assignment]

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.routes = self.app if isinstance(self.app, RelatedRoutes) else None
        self.named: dict[bytes, bytes] = {}
        self.url = b""
        self.headers = []
        self._seconds = _SECONDS if self.routes is None else self.routes.limits.seconds
        self._turns: _Turns = vars(self.server_state).setdefault("turns", _Turns(self.loop))
        self._rest = _NOTHING
        self._in_head = True
        self._unread = 0  # bytes since the parser last had something to tell
        self._since: float | None = None  # when the head at hand began
        self.rested: float | None = None  # since when, if nothing else watches that
        self._refusal: bytes | None = None
        self._left = 0, 0.0  # bytes that were not taken yet, and since when so many

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start the timers."""
        super().connection_made(_Transport(transport, self.loop, self))  # type: ignore[arg-type]
        self.flow = _Flow(self.transport)  # type: ignore[arg-type]
        self._since = self.loop.time()
        self._look_every = min(self._seconds, self.timeout_keep_alive)
        self._timer = self.loop.call_later(self._look_every, self._watch)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the timers."""
        self._timer.cancel()
        self._rest = _NOTHING
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse up to a slice at once, and the rest by turns."""
        if self.transport.lingers:
            self.transport.throw_away()
            return
        cycle = self.cycle
        if (
            len(data) <= SLICE
            and not self._rest
            and (cycle is None or cycle.response_complete or not self._is_answering())
            and self._refusal is None
        ):
            self._unread += len(data)
            super().data_received(data)
            if self._unread:
                self._check_unread(len(data))
            return
        self._rest = memoryview(bytes(self._rest) + data)
        self.flow.hold()
        self._turns.add(self)

    def parse_slice(self) -> bool:
        """Parse the next slice; whether more can be parsed now."""
        if self.transport.is_closing():
            self._rest = _NOTHING
        elif self._refusal is None and not self._is_answering():
            part, self._rest = self._rest[:SLICE], self._rest[SLICE:]
            self._unread += len(part)
            super().data_received(part)  # type: ignore[arg-type]
            if self._unread:
                self._check_unread(len(part))
            if self._rest:
                return True
            if self._refusal is None and not self.transport.is_closing():
                self.flow.release()
        return False

    def _check_unread(self, more: int) -> None:
        """Refuse a head or chunk frame that is too long while the parser waits for its end."""
        if not self._in_head:
            if self._unread > MAX_HEADERS or len(self.headers) > MAX_HEADER_COUNT:
                detail = f"around the body's chunks there are over {MAX_HEADERS} bytes"
                self._refuse(ProblemError(400, detail))
            return
        if len(self.url) > MAX_PATH + MAX_QUERY + 1:
            detail = f"the address has over {MAX_PATH + MAX_QUERY + 1} bytes"
            self._refuse(ProblemError(414, detail))
        elif self._unread > MAX_HEAD or len(self.headers) > MAX_HEADER_COUNT:
            self._refuse(ProblemError(431, TOO_MANY_HEADERS))
        elif self._unread == more:
            self._since = self.loop.time()

    def on_headers_complete(self) -> None:
        """Check a complete head, and have the request answered."""
        large = self._unread > MAX_HEADERS - SLICE  # what came with the last body is not in it
        self._in_head, self._unread, self._since = False, 0, None
        if self._refusal is not None:
            return
        self.named = dict(self.headers)
        if len(self.named) < len(self.headers):
            self.named = by_name(self.headers)
        host = self.named.get(b"host")
        try:
            if large or len(self.headers) > MAX_HEADER_COUNT:
                check_headers(self.headers)
            if host is None:
                if self.parser.get_http_version() == "1.1":
                    raise ProblemError(400, "the header Host is missing")
            elif not is_host(host):  # nor are two, which are a list here
                raise ProblemError(400, "the header Host names no host, or is given twice")
            self._check_body()
            self.answer()
        except ProblemError as problem:
            self._refuse(problem)
        self.headers = []  # trailers are no headers of the request

    def _check_body(self) -> None:
        """Refuse a body whose end the parser can't find.

        Raises:
            ProblemError: 400 for a coding other than chunked, and for a body with an upgrade, as
                the parser would take that for the next request.
        """
        coding = self.named.get(b"transfer-encoding")
        if coding is not None and coding.strip(b" \t").lower() != b"chunked":
            raise ProblemError(400, "the only Transfer-Encoding here is chunked")
        length = self.named.get(b"content-length", b"0")
        if self.parser.should_upgrade() and (coding is not None or length.strip(b"0") != b""):
            raise ProblemError(400, "a request to upgrade, or to CONNECT, has no body here")

    def answer(self) -> None:
        """Have a request answered.

        Raises:
            ProblemError: 400 for a version of HTTP other than 1.0 and 1.1.
        """
        if self.parser.get_http_version() not in ("1.0", "1.1"):
            raise ProblemError(400, "this service speaks HTTP/1.1")
        self.rested = None
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Allow more bytes, in proportion to those of the body."""
        self._unread = max(0, self._unread - _WORTH * len(body))
        if self._refusal is None:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """Wait for the next head."""
        self._in_head, self._unread = True, 0
        if self._refusal is None and not self.cycle.response_complete:
            super().on_message_complete()

    def on_response_complete(self) -> None:
        """Go on with what arrived meanwhile."""
        if self._refusal is not None and not self.pipeline:
            self._send_refusal()
        elif self.cycle.more_body and not self.pipeline:  # nobody reads the rest of this request
            self.transport.close()
        super().on_response_complete()
        if self._rest:
            self._turns.add(self)

    def send_400_response(self, msg: str) -> None:
        """Refuse what is not HTTP."""
        self._refuse(ProblemError(400, msg))

    def is_midway(self) -> bool:
        """Whether a message has begun to arrive and is not complete, or waits to be parsed."""
        return bool(self._unread or self._rest or self._refusal) or not self._in_head

    def _is_answering(self) -> bool:
        """Whether a complete request is not yet answered."""
        if self.pipeline:
            return True
        cycle = self.cycle
        return cycle is not None and not cycle.response_complete and not cycle.more_body

    def _refuse(self, problem: ProblemError) -> None:
        """Answer this message with a problem, after the answers before it, and close."""
        if self._refusal is not None or self.transport.is_closing():
            return
        headers, body = problem.response()
        lines = as_lines([*self.server_state.default_headers, *headers, _CLOSE])
        if self.url and self.parser.get_method() == b"HEAD":  # before, it is a guess
            body = b""
        self._refusal = b"%b%b\r\n%b" % (STATUS_LINE[problem.status], lines, body)
        if self.routes is not None:
            self.routes.count_refusal(problem.status)
        self.flow.hold()
        if self.pipeline and self.cycle.more_body:
            self.pipeline.popleft()  # the newest: the one that is refused
        elif not self._is_answering():
            self._send_refusal()

    def _send_refusal(self) -> None:
        cycle = self.cycle
        if cycle is None or cycle.response_complete or not cycle.response_started:
            assert self._refusal is not None  # noqa: S101 - made just before
            self.transport.write(self._refusal)
        self.transport.close()

    def _watch(self) -> None:
        """Close the connection if a time has run out; look again later."""
        now = self.loop.time()
        left = self.transport.raw.get_write_buffer_size()
        if left != self._left[0]:
            self._left = left, now
        elif left and now - self._left[1] >= READER_SECONDS:
            self.transport.raw.abort()
            return
        due = now + self._look_every
        if self._since is not None:
            if self._is_answering():
                self._since = now  # it may be here that it waits
            due = self._since + self._seconds
            if due <= now:
                self._give_up()
        elif self.rested is not None:
            due = self.rested + self.timeout_keep_alive
            if due <= now:
                self.transport.close()
        if due <= now:
            due = now + self._look_every
        self._timer = self.loop.call_later(due - now, self._watch)

    def _give_up(self) -> None:
        if self._unread:
            detail = f"the headers did not arrive within {self._seconds:g} s"
            self._refuse(ProblemError(408, detail))
        else:  # nothing arrived
            self.transport.close()


_CLOSE = (b"connection", b"close")
