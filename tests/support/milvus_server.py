"""A Milvus server of a test's own, and a line to it that can be cut."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

_SERVE = """
import signal, sys
from pathlib import Path
from milvus import MilvusServer, MilvusServerConfig

signal.signal(signal.SIGTERM, lambda *_: sys.exit())
# Unpacking its programs takes seconds, so that is done once for all tests of an environment.
programs = Path(sys.prefix) / "share" / "milvus"
programs.mkdir(parents=True, exist_ok=True)
(Path(sys.argv[1]) / "bin").symlink_to(programs)
server = MilvusServer(MilvusServerConfig(data_dir=sys.argv[1]))
try:
    server.start()
    print(server.listen_port, flush=True)
    sys.stdin.read()  # until whoever started this is done, or gone
finally:
    server.stop()
"""


@contextmanager
def milvus_server(folder: Path) -> Iterator[str]:
    """A real server on a free port of this machine; gives its URL."""
    with subprocess.Popen(
        [sys.executable, "-c", _SERVE, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as keeper:
        assert keeper.stdout is not None
        assert keeper.stdin is not None
        port = keeper.stdout.readline()
        try:
            yield f"http://127.0.0.1:{int(port)}"
        finally:
            keeper.stdin.close()
            keeper.wait(30)


class Line:
    """Forwards connections to a server, until it is cut; it can be mended.

    Args:
        uri: The server's URL.
    """

    def __init__(self, uri: str) -> None:
        self._target = ("127.0.0.1", int(uri.rpartition(":")[2]))
        self._door = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._door.getsockname()[1])
        self.uri = f"http://127.0.0.1:{self.port}"
        self._ends: list[socket.socket] = []
        self._cut = threading.Event()
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        """Break every connection, and every one that is tried."""
        self._cut.set()
        for end in self._ends:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def mend(self) -> None:
        self._cut.clear()

    def close(self) -> None:
        self.cut()
        # A thread that waits in accept would keep the port.
        with suppress(OSError):
            self._door.shutdown(socket.SHUT_RDWR)
        self._door.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._door.accept()
                if self._cut.is_set():
                    near.close()
                    continue
                far = socket.create_connection(self._target)
                self._ends += [near, far]
                for one, other in ((near, far), (far, near)):
                    threading.Thread(target=_pump, args=(one, other), daemon=True).start()


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with closing(source), suppress(OSError):
        while data := source.recv(65_536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
