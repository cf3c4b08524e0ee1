"""Limits how often a client may try something, such as to sign in; counted over all workers."""

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
    """Counts clients' attempts, such as to sign in, in a database table.

    Args:
        store: The open database of decisions.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    def take(self, client: str, *, limit: int, seconds: int) -> int:
        """Counts an attempt, if the client may make one now.

        Call this before the attempt, so that several at the same time are all counted.

        Args:
            client: Any text that says whose attempts to count, such as ``"sign-in 192.0.2.7"``.
            limit: The number of attempts that are allowed in a time window.
            seconds: The length of a time window, which begins with the first attempt.

        Returns:
            0 if the attempt may be made, else the seconds to wait, rounded up.

        Raises:
            DatabaseError: If the attempt can't be counted; then it must not be made.
        """
        now, key = self._store.now(), _key(client)
        with self._store.write() as connection:
            # Delete windows that are over or begin in the future; all are at most a day long.
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
        """Forgets the attempts of a client, which is done after one succeeded.

        Args:
            client: The same text as for :meth:`take`.

        Raises:
            DatabaseError: If the database can't be written.
        """
        with self._store.write() as connection:
            connection.execute(sa.delete(_TABLE).where(_TABLE.c.client == _key(client)))


def _key(client: str) -> str:
    """Returns a digest of ``client``, so that the table does not show who the client is."""
    return hashlib.sha256(client.encode(errors="surrogatepass")).hexdigest()
