"""Counts attempts, such as to sign in, by client and for all workers together."""

from __future__ import annotations

import hashlib

import sqlalchemy as sa

from service.decisions import schema
from service.decisions.decision_store import Store
from service.decisions.sessions import SKEW
from service.decisions.upsert import lock_row

_TABLE = schema.attempts
_SECOND = 1_000_000


class Attempts:
    """The table of attempts.

    Args:
        store: The database.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    def take(self, client: str, *, limit: int, seconds: int) -> int:
        """Count an attempt before it is made, so that many at once are counted too.

        Args:
            client: What is counted, such as ``"sign-in 192.0.2.7"``; any text.
            limit: Attempts allowed within ``seconds`` after the first.
            seconds: Length of that window.

        Returns:
            0 if it may be made, else the whole seconds until one may.

        Raises:
            DatabaseError: If it can't be counted; then it must not be made.
        """
        now, key = self._store.now(), _key(client)
        with self._store.write() as connection:
            # Windows of any length end within a day; none begins later than now.
            over = sa.or_(_TABLE.c.since <= now - 86_400 * _SECOND, _TABLE.c.since > now + SKEW)
            connection.execute(sa.delete(_TABLE).where(over))
            row = lock_row(connection, _TABLE, {"client": key}, since=now, count=0)
            since, count = int(row["since"]), int(row["count"])
            if now >= since + seconds * _SECOND:
                since, count = now, 0
            if count >= limit:
                return -(-(since + seconds * _SECOND - now) // _SECOND)
            connection.execute(
                sa.update(_TABLE).where(_TABLE.c.client == key).values(since=since, count=count + 1)
            )
            return 0

    def clear(self, client: str) -> None:
        """Forget a client's attempts, because one succeeded.

        Raises:
            DatabaseError: If it can't be written.
        """
        with self._store.write() as connection:
            connection.execute(sa.delete(_TABLE).where(_TABLE.c.client == _key(client)))


def _key(client: str) -> str:
    """A digest, so that the table does not show who tried."""
    return hashlib.sha256(client.encode(errors="surrogatepass")).hexdigest()
