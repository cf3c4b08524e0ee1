"""Editors' accounts: a name, a role and a password."""

from __future__ import annotations

import secrets
import threading
from dataclasses import dataclass
from functools import cache

import sqlalchemy as sa
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from recommender.errors import NotFoundError
from service.decisions import schema
from service.decisions.decision_rules import check_name
from service.decisions.decision_store import Actor, Change, Store
from service.errors import DecisionError
from service.roles import Role

_TABLE = schema.editors
_SESSIONS = schema.sessions

MIN_PASSWORD = 12
MAX_PASSWORD = 1_000

_hasher = PasswordHasher()

_verifying = threading.BoundedSemaphore(2)
"""Each hash takes 64 MiB for a moment, so those who sign in at once wait for each other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Editor:
    """An editor's account.

    Attributes:
        name: As it is typed to sign in.
        role: Editor or admin.
        created: When, microseconds since 1970 UTC.
        disabled: Since when the editor may not sign in, microseconds since 1970 UTC; ``None``
            for an editor who may.
        session_epoch: Grows when all sessions are ended; sessions of an earlier epoch are over.
    """

    name: str
    role: Role
    created: int
    disabled: int | None
    session_epoch: int


class Editors:
    """The table of editors.

    Args:
        store: The database.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    def add(self, actor: Actor, *, name: str, role: Role, password: str) -> Editor:
        """Add an editor, or enable a disabled one again.

        Raises:
            InputError: For a bad name, role or password, or a name that is taken.
            DatabaseError: If it can't be written; then it was not.
        """
        check_name(name)
        if role is Role.READ:
            raise DecisionError("role", "an editor's role is editor or admin, not read")
        hashed = _hash(password)
        with self._store.change(actor) as change:
            before = _find(change.connection, name)
            if before is not None and before.disabled is None:
                raise DecisionError(
                    "name", f"editor {name!r} exists already; see: alsolike editors password"
                )
            epoch = 1 if before is None else before.session_epoch + 1
            editor = Editor(
                name=name, role=role, created=change.now, disabled=None, session_epoch=epoch
            )
            change.connection.execute(sa.delete(_TABLE).where(_TABLE.c.name == name))
            values = {column: getattr(editor, column) for column in Editor.__slots__}
            change.connection.execute(
                sa.insert(_TABLE).values(**{**values, "role": role.value}, password_hash=hashed)
            )
            change.record("editor.add", after={"name": name, "role": role.value})
        return editor

    def all(self) -> list[Editor]:
        """Every editor by name; disabled ones included."""
        with self._store.read() as connection:
            rows = connection.execute(_query().order_by(_TABLE.c.name)).mappings()
            return [_editor(row) for row in rows]

    def get(self, name: str) -> Editor | None:
        """The editor of this name, disabled or not."""
        with self._store.read() as connection:
            return _find(connection, name)

    def verify(self, name: str, password: str) -> Editor | None:
        """The editor with this name and password, unless disabled.

        Takes as long for an unknown name. The caller limits how often it is tried
        (:mod:`service.decisions.sign_in_attempts`).
        """
        query = _query(_TABLE.c.password_hash).where(_TABLE.c.name == name)
        with self._store.read() as connection:
            row = connection.execute(query).mappings().first() if _is_text(name) else None
        unknown = _unknown()  # made on the first call, for a known name too
        right = _matches(unknown if row is None else row["password_hash"], password)
        if row is None or not right:
            return None
        editor = _editor(row)
        return editor if editor.disabled is None else None

    def set_password(self, actor: Actor, name: str, password: str) -> None:
        """Change an editor's password and end all sessions.

        Raises:
            NotFoundError: If there is no such editor.
            InputError: For a bad password.
            DatabaseError: If it can't be written; then it was not.
        """
        hashed = _hash(password)
        with self._store.change(actor) as change:
            _end_sessions(change, name, password_hash=hashed)
            change.record("editor.password", after={"name": name})

    def disable(self, actor: Actor, name: str, *, reason: str = "") -> None:
        """Disable an editor and end all sessions; earlier decisions stay.

        Raises:
            NotFoundError: If there is no such editor.
            DatabaseError: If it can't be written; then it was not.
        """
        with self._store.change(actor) as change:
            _end_sessions(change, name, disabled=change.now)
            change.record("editor.disable", before={"name": name}, reason=reason)

    def sign_out(self, actor: Actor, name: str) -> None:
        """End all sessions of an editor, everywhere.

        Raises:
            NotFoundError: If there is no such editor.
            DatabaseError: If it can't be written; then it was not.
        """
        with self._store.change(actor) as change:
            _end_sessions(change, name)
            change.record("editor.sign-out", after={"name": name})


def _end_sessions(change: Change, name: str, **values: object) -> None:
    done = change.connection.execute(
        sa.update(_TABLE)
        .where(_TABLE.c.name == name)
        .values(session_epoch=_TABLE.c.session_epoch + 1, **values)
    )
    if not done.rowcount:
        raise NotFoundError(f"there is no editor {name!r}; see: alsolike editors list")
    change.connection.execute(sa.delete(_SESSIONS).where(_SESSIONS.c.editor == name))


def _find(connection: sa.Connection, name: str) -> Editor | None:
    row = connection.execute(_query().where(_TABLE.c.name == name)).mappings().first()
    return None if row is None else _editor(row)


def _query(*more: sa.Column[str]) -> sa.Select[tuple[object, ...]]:
    return sa.select(*(_TABLE.c[name] for name in Editor.__slots__), *more)


def _editor(row: sa.RowMapping) -> Editor:
    values = {name: row[name] for name in Editor.__slots__}
    return Editor(**{**values, "role": Role(values["role"])})


def _hash(password: str) -> str:
    if not MIN_PASSWORD <= len(password) <= MAX_PASSWORD or not _is_text(password):
        raise DecisionError(
            "password", f"a password has {MIN_PASSWORD} to {MAX_PASSWORD} characters"
        )
    return _hasher.hash(password)


def _matches(hashed: str, password: str) -> bool:
    # Cut, so that a megabyte of password costs no more than the longest allowed.
    given = password[: MAX_PASSWORD + 1].encode(errors="surrogatepass")
    with _verifying:
        try:
            return _hasher.verify(hashed, given)
        except (VerificationError, InvalidHashError):
            return False


def _is_text(given: str) -> bool:
    return "\0" not in given and given.isprintable()


@cache
def _unknown() -> str:
    """A hash of a password that nobody knows."""
    return _hasher.hash(secrets.token_hex(32))
