"""The web process of a peer: the barest server that answers with its related articles.

``python -m benchmarks.peers.web PEER FOLDER PORT MODEL``: uvicorn on its fastest loop and parser, a
plain ASGI callable, no framework. It answers with ids and titles in order, less than AlsoLike does,
so that what is measured is the peer.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import uvicorn

from benchmarks.peers.peer import Peer, open_peer

ARTICLES = "web.json"
_HEADERS = [(b"content-type", b"application/json")]


class App:
    """Answers ``/related?id=…&limit=…``."""

    def __init__(self, peer: Peer, folder: Path) -> None:
        self._peer = peer
        found = json.loads((folder / ARTICLES).read_text())
        self._rows = {article_id: row for row, (article_id, _) in enumerate(found)}
        self._cards = [{"id": article_id, "title": title} for article_id, title in found]
        self._pool = ThreadPoolExecutor(peer.threads) if peer.threads > 1 else None

    async def __call__(
        self,
        scope: dict[str, Any],
        receive: Callable[[], Awaitable[object]],
        send: Callable[[dict[str, Any]], Awaitable[None]],
    ) -> None:
        """Serve one request."""
        del receive
        query = parse_qs(scope["query_string"].decode())
        row, limit = self._rows[query["id"][0]], int(query["limit"][0])
        if self._pool is None:
            found = self._peer.related(row, limit)
        else:
            loop = asyncio.get_running_loop()
            found = await loop.run_in_executor(self._pool, self._peer.related, row, limit)
        body = json.dumps({"items": [self._cards[other] for other in found]}).encode()
        length = (b"content-length", str(len(body)).encode())
        await send({"type": "http.response.start", "status": 200, "headers": [*_HEADERS, length]})
        await send({"type": "http.response.body", "body": body})


def main() -> None:
    """Serve until told to stop."""
    name, folder, port, model = sys.argv[1:]
    peer = open_peer(name, Path(folder))
    if peer.encodes_requests and peer.encodes is not None:
        from benchmarks.peers.encoders import load_peer_encoder

        peer.encoder = load_peer_encoder(peer.encodes, model)
    peer.open()
    uvicorn.run(
        App(peer, Path(folder)),
        port=int(port),
        log_level="warning",
        access_log=False,
        lifespan="off",
        loop="uvloop",
        http="httptools",
    )


if __name__ == "__main__":
    main()
