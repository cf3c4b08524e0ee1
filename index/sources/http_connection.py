"""An HTTP connection to one address that was checked before; it is cut at a deadline."""

import http.client
import io
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from index.sources.host_rules import Address, WebOrigin


class _Body(io.BufferedReader):
    """A response body that refuses to read without a limit.

    A server can make ``http.client`` do so by announcing a chunk of length -1.
    """

    def read(self, size: int | None = -1, /) -> bytes:
        if size is None or size < 0:
            raise http.client.HTTPException("the server sent a chunk of negative size")
        return super().read(size)


class _Response(http.client.HTTPResponse):
    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fp = _Body(self.fp.detach())


@contextmanager
def connected(
    origin: WebOrigin, address: Address, timeout: float
) -> Iterator[http.client.HTTPConnection]:
    """Opens an HTTP connection, for a ``with`` block, to ``origin`` at its IP ``address``.

    It uses TLS if the scheme is https. With a limit on each read only, a server could send single
    bytes for hours. So a timer cuts the connection ``timeout`` seconds after the block began.

    Raises:
        TimeoutError: If the block does not end in time.
        OSError: If the connection fails, or the certificate is not valid for the host.
        http.client.HTTPException: If the response is not HTTP.
    """
    current = socket.create_connection((str(address), origin.port), timeout)
    expired = threading.Event()

    def cut() -> None:
        expired.set()
        with suppress(OSError):
            # Not SSLSocket.shutdown, which drops the session that the reading thread uses.
            socket.socket.shutdown(current, socket.SHUT_RDWR)

    watchdog = threading.Timer(timeout, cut)
    watchdog.daemon = True
    watchdog.start()
    try:
        if origin.scheme == "https":
            current = ssl.create_default_context().wrap_socket(
                current, server_hostname=origin.host, do_handshake_on_connect=False
            )
            current.do_handshake()
        connection = http.client.HTTPConnection(origin.host, origin.port, timeout=timeout)
        connection.sock = current
        connection.response_class = _Response
        yield connection
        if expired.is_set():  # to a reader, a cut connection looks like the end of the body
            raise TimeoutError("the connection was cut at its time limit")
    except (OSError, http.client.HTTPException, ValueError) as error:
        if expired.is_set():
            raise TimeoutError(f"no complete response within {timeout:g} s") from error
        raise
    finally:
        watchdog.cancel()
        current.close()
