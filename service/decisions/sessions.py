"""Sessions of signed-in editors, each in one browser and for some hours.

Only the browser's cookie holds the session's secret. The database stores the secret's SHA-256, so
that nobody can sign in with what is in the database.
"""

from __future__ import annotations

import contextlib
import hashlib
import secrets
from dataclasses import dataclass

import sqlalchemy as sa

from index.errors import DatabaseError
from recommender.errors import NotFoundError
from service.decisions import schema
from service.decisions.decision_store import Store
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


class Sessions:
    """Reads and changes the database table of sessions, in which signed-in editors are remembered.

    Args:
        store: The open database of decisions.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

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
            connection.execute(sa.delete(_TABLE).where(_over(now)))
            known = connection.execute(
                sa.select(_EDITORS.c.session_epoch)
                .where(_EDITORS.c.name == editor.name, _EDITORS.c.disabled.is_(None))
                .with_for_update()
            ).scalar()
            if known != editor.session_epoch:
                raise NotFoundError(f"editor {editor.name!r} was signed out; sign in again")
            connection.execute(
                sa.insert(_TABLE).values(
                    id_hash=_hash(secret),
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
        id_hash = _hash(secret)
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
        with self._store.read() as connection:
            row = connection.execute(query).mappings().first()
        if row is None:
            return None
        if now - row["last_seen"] > _SEEN_EVERY:
            # Ignore an error here, so that editors can still sign in to a read-only database.
            with contextlib.suppress(DatabaseError), self._store.write() as connection:
                seen = sa.update(_TABLE).where(_TABLE.c.id_hash == id_hash)
                connection.execute(seen.values(last_seen=now))
        return Session(
            editor=row["editor"],
            role=Role(row["role"]),
            csrf=row["csrf"],
            expires=row["expires"],
        )

    def close(self, secret: str) -> None:
        """Ends the session with this secret, which signs its browser out; does nothing without one.

        Args:
            secret: The value of the browser's cookie.

        Raises:
            DatabaseError: If the database can't be written.
        """
        with self._store.write() as connection:
            connection.execute(sa.delete(_TABLE).where(_TABLE.c.id_hash == _hash(secret)))


def _over(now: int) -> sa.ColumnElement[bool]:
    return sa.or_(
        _TABLE.c.expires <= now,
        _TABLE.c.last_seen <= now - IDLE,
        _TABLE.c.created > now + SKEW,
        _TABLE.c.last_seen > now + SKEW,
    )


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode(errors="surrogatepass")).hexdigest()
