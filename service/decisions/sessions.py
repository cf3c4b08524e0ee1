"""Sessions of editors who signed in, each in one browser, for some hours.

The secret is in the browser's cookie only; the table holds its SHA-256.
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
"""A session ends after this time, used or not."""

IDLE = 2 * 3600 * _SECOND
"""A session ends after this time without a request."""

SKEW = 60 * _SECOND
"""How much the clocks of several machines may differ. A moment further in the future was written by
a wrong clock; sessions and attempts with such a moment are dropped."""

_SEEN_EVERY = 60 * _SECOND


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A valid session.

    Attributes:
        editor: Whose.
        role: What this editor may do now.
        csrf: What forms and scripts of this session must send along with a change.
        expires: When it ends at the latest, microseconds since 1970 UTC.
    """

    editor: str
    role: Role
    csrf: str
    expires: int


class Sessions:
    """The table of sessions.

    Args:
        store: The database.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    def open(self, editor: Editor) -> tuple[str, Session]:
        """Begin a session for an editor who was verified just now.

        Returns:
            The secret for the cookie, and the session.

        Raises:
            NotFoundError: If the editor was disabled, or given another password, meanwhile.
            DatabaseError: If it can't be written.
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
        """The valid session with this secret, if there is one; this counts as a request.

        Raises:
            DatabaseError: If it can't be read.
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
            # A read-only database must not lock editors out.
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
        """End one session, if there is one.

        Raises:
            DatabaseError: If it can't be written.
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
