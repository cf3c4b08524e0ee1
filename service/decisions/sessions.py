"""Sessions of signed-in editors, each in one browser and for some hours, and attempts to sign in.

Only the browser's cookie holds the session's secret. The database stores the secret's SHA-256, so
that nobody can sign in with what is in the database. Attempts are counted over all workers.
"""

import contextlib
import secrets
from dataclasses import dataclass

import sqlalchemy as sa

from index.errors import DatabaseError
from recommender.errors import NotFoundError
from service.decisions import schema
from service.decisions.decision_rules import digest
from service.decisions.decision_store import Table, lock_row
from service.decisions.editor_accounts import Editor
from service.roles import Role

_TABLE = schema.sessions
_EDITORS = schema.editors

_SECOND = 1_000_000
LIFETIME = 12 * 3600 * _SECOND
"""How long a session lasts at most, even if it is used, in microseconds."""

IDLE = 2 * 3600 * _SECOND
"""How long a session lasts without any request, in microseconds."""

SKEW = 60 * _SECOND
"""How much the clocks of several machines may differ, in microseconds.

A stored time that is further in the future comes from a wrong clock; sessions and sign-in attempts
with such a time are deleted.
"""

_SEEN_EVERY = 60 * _SECOND


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A valid session of an editor who has signed in.

    Attributes:
        editor: The editor's name.
        role: The editor's current role.
        csrf: The token that forms and scripts must send with every change, to prove that no other
            site made the browser send it (CSRF).
        expires: When the session ends at the latest, microseconds since 1970 UTC.
    """

    editor: str
    role: Role
    csrf: str
    expires: int


class Sessions(Table):
    """Reads and changes the database table of sessions: who is signed in, in which browser."""

    def open(self, editor: Editor) -> tuple[str, Session]:
        """Begins a session for an editor whose password was just verified.

        Returns:
            The secret for the browser's cookie, and the session.

        Raises:
            NotFoundError: If the editor was meanwhile disabled, or given a new password.
            DatabaseError: If the database can't be written.
        """
        now = self._store.now()
        secret = secrets.token_urlsafe(32)
        session = Session(
            editor=editor.name,
            role=editor.role,
            csrf=secrets.token_urlsafe(32),
            expires=now + LIFETIME,
        )
        with self._store.write() as connection:
            known = connection.execute(
                sa.select(_EDITORS.c.session_epoch)
                .where(_EDITORS.c.name == editor.name, _EDITORS.c.disabled.is_(None))
                .with_for_update()
            ).scalar()
            if known != editor.session_epoch:
                raise NotFoundError(f"editor {editor.name!r} was signed out; sign in again")
            # After the editor's row is locked, in the order in which a new password locks the two.
            connection.execute(sa.delete(_TABLE).where(_over(now)))
            connection.execute(
                sa.insert(_TABLE).values(
                    id_hash=digest(secret),
                    editor=editor.name,
                    session_epoch=editor.session_epoch,
                    csrf=session.csrf,
                    created=now,
                    expires=session.expires,
                    last_seen=now,
                )
            )
        return secret, session

    def find(self, secret: str) -> Session | None:
        """Returns the session with this secret, and notes that it is used now.

        Returns ``None`` if there is no such session, or it has ended.

        Args:
            secret: The value of the browser's cookie.

        Raises:
            DatabaseError: If the database can't be read.
        """
        now = self._store.now()
        id_hash = digest(secret)
        query = (
            sa.select(_TABLE, _EDITORS.c.role)
            .join(_EDITORS, _EDITORS.c.name == _TABLE.c.editor)
            .where(
                _TABLE.c.id_hash == id_hash,
                _TABLE.c.session_epoch == _EDITORS.c.session_epoch,
                _EDITORS.c.disabled.is_(None),
                sa.not_(_over(now)),
            )
        )
        row = next(iter(self._rows(query)), None)
        if row is None:
            return None
        if now - row["last_seen"] > _SEEN_EVERY:
            # Ignore an error here, so that editors can still sign in to a read-only database.
            with contextlib.suppress(DatabaseError), self._store.write() as connection:
                seen = sa.update(_TABLE).where(_TABLE.c.id_hash == id_hash)
                connection.execute(seen.values(last_seen=now))
        return Session(**{name: row[name] for name in Session.__slots__})

    def close(self, secret: str) -> None:
        """Ends the session with this secret, which signs its browser out.

        Does nothing if there is no such session.

        Args:
            secret: The value of the browser's cookie.

        Raises:
            DatabaseError: If the database can't be written.
        """
        with self._store.write() as connection:
            connection.execute(sa.delete(_TABLE).where(_TABLE.c.id_hash == digest(secret)))


def _over(now: int) -> sa.ColumnElement[bool]:
    return sa.or_(
        _TABLE.c.expires <= now,
        _TABLE.c.last_seen <= now - IDLE,
        _TABLE.c.created > now + SKEW,
        _TABLE.c.last_seen > now + SKEW,
    )


_TRIES = schema.attempts


class Attempts(Table):
    """Counts clients' attempts, such as to sign in, in a database table."""

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
        now = self._store.now()
        key = digest(client)  # the table does not show who the client is
        with self._store.write() as connection:
            # Delete windows that are over or begin in the future; all are at most a day long.
            over = sa.or_(_TRIES.c.since <= now - 86_400 * _SECOND, _TRIES.c.since > now + SKEW)
            connection.execute(sa.delete(_TRIES).where(over))
            row = lock_row(connection, _TRIES, {"client": key}, since=now, count=0)
            since, count = int(row["since"]), int(row["count"])
            if now >= since + seconds * _SECOND:
                since, count = now, 0
            if count >= limit:
                return -(-(since + seconds * _SECOND - now) // _SECOND)
            connection.execute(
                sa.update(_TRIES).where(_TRIES.c.client == key).values(since=since, count=count + 1)
            )
            return 0

    def clear(self, client: str) -> None:
        """Sets a client's count of attempts back to zero; call this after a successful one.

        Args:
            client: The same text as for :meth:`take`.

        Raises:
            DatabaseError: If the database can't be written.
        """
        with self._store.write() as connection:
            connection.execute(sa.delete(_TRIES).where(_TRIES.c.client == digest(client)))
