"""A uvicorn protocol that limits the size and the duration of what a client sends.

While uvicorn's parser waits for the end of a header, it buffers everything that arrives, without
limit. So this class cuts the input into pieces of :data:`SLICE` bytes, and counts the bytes before
it hands a piece to the parser. Input that is too long, too slow or not HTTP is answered with one
error, and the connection is closed. While a request is being answered, the bytes after it wait. If
several connections have much to parse, one piece of each is parsed in rotation, so that a client
that sends a lot can't block the others.

This class works with any version of uvicorn, unlike :mod:`service.http.fast_protocol`, which relies
on more of uvicorn's internals.
"""

import asyncio
import sys
import time
from typing import Any

from httptools import HttpParserInvalidURLError
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
"""How many bytes of one connection are parsed at once, before other connections are served."""

READER_SECONDS = 60.0
"""A client that reads nothing of its response for this long is disconnected."""

_SECONDS = 10.0
"""How long headers may take to arrive, in seconds, if the app has no settings."""
_TURN_SECONDS = 0.001
"""How long waiting input is parsed before the event loop may do other work, in seconds."""
_LINGER_SECONDS, _SIP_SECONDS = 2.0, 0.1
"""After a close: how long input is still read, and the pause after each read, in seconds."""
_WORTH = 16
"""How many bytes a client may send for each byte of a body.

A body may come in chunks with a line each; a chunk with a body of one byte takes several bytes.
"""
_NOTHING = memoryview(b"")

_ODD_ADDRESS = (
    "the address holds a character that has to be percent-encoded as UTF-8; write "
    "/v1/related?id=%C3%84pfel for the id Äpfel"
)


class _Transport:
    """Wraps a connection's transport, so that a client gets the last response before the close.

    If a socket is closed while the client still sends, the operating system resets the connection
    and the client loses the response. So :meth:`close` reads and discards what arrives during the
    next two seconds, slowly, and only then closes the socket. Writes after :meth:`close` are
    dropped.
    """

    def __init__(
        self, raw: asyncio.Transport, loop: asyncio.AbstractEventLoop, connection: "Connection"
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
    """Pauses reading from the socket while uvicorn asks for it or received bytes are unparsed."""

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
    """Parses the input of waiting connections in rotation: one piece of each, again and again.

    So a client that sends a lot does not block the others. Each worker process has one such object.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._waiting: dict[Connection, None] = {}

    def add(self, connection: "Connection") -> None:
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
                self._waiting[connection] = None  # again, now as the last one
        if self._waiting:
            self._loop.call_soon(self._run)


class Connection(HttpToolsProtocol):
    """uvicorn's HTTP protocol with limits on the size and duration of requests."""

    flow: _Flow
    transport: _Transport  # type: ignore[assignment]

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.routes = self.app if isinstance(self.app, RelatedRoutes) else None
        self.named: dict[bytes, bytes] = {}
        self.url = b""
        self.headers = []
        self._seconds, self._largest = _SECONDS, 0
        if self.routes is not None:
            settings = self.routes.settings
            self._seconds, self._largest = settings.body_seconds, settings.max_body_kb * 1024
        self._turns: _Turns = vars(self.server_state).setdefault("turns", _Turns(self.loop))
        self._rest = _NOTHING
        self._in_head = True
        self._unread = 0  # bytes given to the parser since it last reported headers or a body
        self._since: float | None = None  # when the current request's headers began to arrive
        # Since when the connection is idle after a response that was sent without uvicorn.
        self.rested: float | None = None
        self._refusal: bytes | None = None
        # How many bytes of responses the client has not read, and since when it has read nothing.
        self._left = 0, 0.0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Starts the timer that enforces the time limits of this connection."""
        super().connection_made(_Transport(transport, self.loop, self))  # type: ignore[arg-type]
        self.flow = _Flow(self.transport)  # type: ignore[arg-type]
        self._since = self.loop.time()
        self._look_every = min(self._seconds, self.timeout_keep_alive)
        self._timer = self.loop.call_later(self._look_every, self._watch)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stops the timer and drops the bytes that have not been parsed."""
        self._timer.cancel()
        self._rest = _NOTHING
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parses the bytes that just arrived, or keeps them to be parsed later.

        They are parsed at once if there are at most :data:`SLICE` of them and no earlier bytes or
        requests wait. Otherwise they are kept, reading from the socket pauses, and this connection
        joins the others whose bytes wait to be parsed.
        """
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
        """Parses at most :data:`SLICE` of the bytes that have arrived and wait to be parsed.

        Returns:
            Whether more bytes wait and can be parsed now.
        """
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
        """Refuses a request whose headers, or a chunk's size line, are too long before they end.

        Args:
            more: The number of bytes that the parser has just got.
        """
        if not self._in_head:
            if self._unread > MAX_HEADERS or len(self.headers) > MAX_HEADER_COUNT:
                detail = f"the chunk headers and trailers exceed {MAX_HEADERS} bytes"
                self._refuse(ProblemError(400, detail))
            return
        if len(self.url) > MAX_PATH + MAX_QUERY + 1:
            detail = f"the URL has over {MAX_PATH + MAX_QUERY + 1} bytes"
            self._refuse(ProblemError(414, detail))
        elif self._unread > MAX_HEAD or len(self.headers) > MAX_HEADER_COUNT:
            self._refuse(ProblemError(431, TOO_MANY_HEADERS))
        elif self._unread == more:
            self._since = self.loop.time()

    def on_headers_complete(self) -> None:
        """Checks the headers of the current request, which have all arrived, then answers it.

        The parser calls this method. A request that breaks a rule is answered with an error.
        """
        # Up to SLICE bytes may have come together with the end of the previous request.
        large = self._unread > MAX_HEADERS - SLICE
        self._in_head, self._unread, self._since = False, 0, None
        if self._refusal is not None:
            return
        self.named = by_name(self.headers)
        host = self.named.get(b"host")
        try:
            if large or len(self.headers) > MAX_HEADER_COUNT:
                check_headers(self.headers)
            if host is None:
                if self.parser.get_http_version() == "1.1":
                    raise ProblemError(400, "the header Host is missing; send it once")
            elif not is_host(host):  # two Host headers are joined by a comma, which is invalid too
                raise ProblemError(
                    400, "the header Host is invalid, or given more than once; send it once"
                )
            self._check_body()
            self.answer()
        except ProblemError as problem:
            self._refuse(problem)
        self.headers = []  # so that trailers are not added to the request's headers

    def _check_body(self) -> None:
        """Refuses a request if the parser could not tell where its body ends.

        Raises:
            ProblemError: 400 for a transfer coding other than chunked, and for the body of an
                upgrade request, which the parser would take for the next request.
        """
        coding = self.named.get(b"transfer-encoding")
        if coding is not None and coding.strip(b" \t").lower() != b"chunked":
            raise ProblemError(400, "the only supported Transfer-Encoding is chunked")
        length = self.named.get(b"content-length", b"0")
        if self.parser.should_upgrade() and (coding is not None or length.strip(b"0") != b""):
            raise ProblemError(400, "a CONNECT or upgrade request must not have a body")

    def answer(self) -> None:
        """Passes the current request to the app.

        Raises:
            ProblemError: 400 for an HTTP version other than 1.0 and 1.1.
        """
        if self.parser.get_http_version() not in ("1.0", "1.1"):
            raise ProblemError(400, "the HTTP version must be 1.0 or 1.1")
        self.rested = None
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Passes a part of a request's body to uvicorn.

        The more bytes of the body have come, the more bytes of chunk headers the client may send.
        """
        self._unread = max(0, self._unread - _WORTH * len(body))
        if self._refusal is None:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """Ends a request whose body is complete; the headers of the next request may follow."""
        self._in_head, self._unread = True, 0
        if self._refusal is None and not self.cycle.response_complete:
            super().on_message_complete()

    def on_response_complete(self) -> None:
        """Continues with the connection's next request after a response was sent.

        If that request was already refused, sends the error and closes the connection. Otherwise
        parses what the client has sent in the meantime.
        """
        if self._refusal is not None and not self.pipeline:
            self._send_refusal()
        elif self.cycle.more_body and not self.pipeline:  # nobody reads the rest of this request
            if int(self.named.get(b"content-length", b"0")[:20]) in range(1, self._largest + 1):
                self.rested = self.loop.time()  # it is thrown away, and the next request answered
            else:
                self.transport.close()
        super().on_response_complete()
        if self._rest:
            self._turns.add(self)

    def send_400_response(self, msg: str) -> None:
        """Answers input that is not valid HTTP with status 400, and closes the connection.

        uvicorn calls this method when its parser fails, while it handles the parser's exception.
        """
        if isinstance(sys.exception(), HttpParserInvalidURLError):
            msg = _ODD_ADDRESS
        self._refuse(ProblemError(400, msg))

    def is_midway(self) -> bool:
        """Whether a request has arrived only in part, waits to be parsed, or was just refused."""
        return bool(self._unread or self._rest or self._refusal) or not self._in_head

    def _is_answering(self) -> bool:
        """Whether a request has arrived completely but has not been answered yet."""
        if self.pipeline:
            return True
        cycle = self.cycle
        return cycle is not None and not cycle.response_complete and not cycle.more_body

    def _refuse(self, problem: ProblemError) -> None:
        """Answers the current request with an error and closes the connection.

        If earlier requests of the connection are still unanswered, their responses are sent first.
        """
        if self._refusal is not None or self.transport.is_closing():
            return
        headers, body = problem.response()
        lines = as_lines(dict.fromkeys([*self.server_state.default_headers, *headers, _CLOSE]))
        if self.url and self.parser.get_method() == b"HEAD":  # without a URL the method is unknown
            body = b""
        self._refusal = b"%b%b\r\n%b" % (STATUS_LINE[problem.status], lines, body)
        if self.routes is not None:
            self.routes.count_refusal(problem.status)
        self.flow.hold()
        if self.pipeline and self.cycle.more_body:
            self.pipeline.popleft()  # the newest request, which is the refused one
        elif not self._is_answering():
            self._send_refusal()

    def _send_refusal(self) -> None:
        cycle = self.cycle
        if cycle is None or cycle.response_complete or not cycle.response_started:
            assert self._refusal is not None  # noqa: S101 - made just before
            self.transport.write(self._refusal)
        self.transport.close()

    def _watch(self) -> None:
        """Closes the connection if one of its time limits has passed; else sets the timer again.

        There are limits on the arrival of headers, on a client that reads no response, and on idle
        connections.
        """
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
                # The next headers may have arrived but not been parsed: count their time anew.
                self._since = now
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
