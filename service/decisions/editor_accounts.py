"""Editors' accounts, each with a name, a role and a password."""

import secrets
import threading
from dataclasses import asdict, dataclass
from functools import cache

import sqlalchemy as sa
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from recommender.errors import NotFoundError
from service.decisions import schema
from service.decisions.decision_rules import check_name, first_control
from service.decisions.decision_store import Actor, Change, Table
from service.errors import DecisionError
from service.roles import Role

_TABLE = schema.editors
_SESSIONS = schema.sessions

MIN_PASSWORD = 12
MAX_PASSWORD = 1_000

_hasher = PasswordHasher()

_verifying = threading.BoundedSemaphore(2)
"""Limits password hashing to two at a time, because each hash needs 64 MiB of memory."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Editor:
    """An editor's account.

    Attributes:
        name: The name that the editor types to sign in.
        role: Editor or admin.
        created: Creation time, microseconds since 1970 UTC.
        disabled: When the account was disabled, microseconds since 1970 UTC; ``None`` if it is
            enabled.
        session_epoch: A number that every new session copies. To sign the editor out everywhere,
            it is increased: sessions with a lower number are no longer valid.
    """

    name: str
    role: Role
    created: int
    disabled: int | None
    session_epoch: int


_FIELDS = [_TABLE.c[name] for name in Editor.__slots__]


class Editors(Table):
    """Reads and changes the database table of editors' accounts."""

    def add(self, actor: Actor, *, name: str, role: Role, password: str) -> Editor:
        """Adds an editor's account, or enables a disabled one again, with a new role and password.

        Args:
            actor: Who adds the account, for the audit trail.
            name: The name with which the editor signs in.
            role: Editor or admin.
            password: The editor's password.

        Raises:
            InputError: If the name, role or password is invalid, or the name is taken.
            DatabaseError: If the database can't be written; then nothing was changed.
        """
        check_name(name)
        if role not in (Role.EDITOR, Role.ADMIN):
            raise DecisionError("role", f"an editor's role must be editor or admin, not {role}")
        hashed = _hash(password)
        with self._store.change(actor) as change:
            row = change.stored(_TABLE, {"name": name}, *_FIELDS)
            before = None if row is None else Editor(**row)
            if before is not None and before.disabled is None:
                raise DecisionError(
                    "name",
                    f"editor {name!r} already exists; to change the password, run: "
                    f"alsolike editors password {name}",
                )
            epoch = 1 if before is None else before.session_epoch + 1
            editor = Editor(
                name=name, role=role, created=change.now, disabled=None, session_epoch=epoch
            )
            change.connection.execute(sa.delete(_TABLE).where(_TABLE.c.name == name))
            row = {**asdict(editor), "password_hash": hashed}
            change.connection.execute(sa.insert(_TABLE).values(row))
            change.record("editor.add", after={"name": name, "role": role})
        return editor

    def all(self) -> list[Editor]:
        """Returns all editors, sorted by name, including disabled ones."""
        query = sa.select(*_FIELDS).order_by(_TABLE.c.name)
        return [Editor(**row) for row in self._rows(query)]

    def get(self, name: str) -> Editor | None:
        """Returns the editor with this name, disabled or not; ``None`` if there is none."""
        rows = self._rows(sa.select(*_FIELDS).where(_TABLE.c.name == name))
        return next((Editor(**row) for row in rows), None)

    def verify(self, name: str, password: str) -> Editor | None:
        """Returns the editor with this name, if the password is right and the account is enabled.

        Otherwise returns ``None``. An unknown name takes as long as a known one, so that the time
        does not reveal which names exist. The caller must limit the number of attempts, for which
        there is :mod:`service.decisions.sessions`.
        """
        query = sa.select(_TABLE).where(_TABLE.c.name == name)
        rows = [] if first_control(name) else self._rows(query)
        unknown = _unknown()  # always called, as the first call takes longer
        right = _matches(rows[0]["password_hash"] if rows else unknown, password)
        if not rows or not right or rows[0]["disabled"] is not None:
            return None
        return Editor(**{name: rows[0][name] for name in Editor.__slots__})

    def set_password(self, actor: Actor, name: str, password: str) -> None:
        """Changes an editor's password and signs the editor out in all browsers.

        Raises:
            NotFoundError: If there is no such editor.
            InputError: If the password is too short or too long.
            DatabaseError: If the database can't be written; then nothing was changed.
        """
        hashed = _hash(password)
        with self._store.change(actor) as change:
            _end_sessions(change, name, password_hash=hashed)
            change.record("editor.password", after={"name": name})

    def disable(self, actor: Actor, name: str, *, reason: str = "") -> None:
        """Disables an editor's account and signs the editor out in all browsers.

        The editor's decisions stay in force.

        Raises:
            NotFoundError: If there is no such editor.
            DatabaseError: If the database can't be written; then nothing was changed.
        """
        with self._store.change(actor) as change:
            _end_sessions(change, name, disabled=change.now)
            change.record("editor.disable", before={"name": name}, reason=reason)

    def sign_out(self, actor: Actor, name: str) -> None:
        """Signs an editor out in all browsers.

        Raises:
            NotFoundError: If there is no such editor.
            DatabaseError: If the database can't be written; then nothing was changed.
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


def _hash(password: str) -> str:
    if not MIN_PASSWORD <= len(password) <= MAX_PASSWORD or first_control(password):
        raise DecisionError(
            "password", f"a password must have {MIN_PASSWORD} to {MAX_PASSWORD} characters"
        )
    return _hasher.hash(password)


def _matches(hashed: str, password: str) -> bool:
    # Hash no more than one character beyond the longest allowed password, or a huge one would
    # take long. Such a cut password is still too long to be right.
    given = password[: MAX_PASSWORD + 1].encode(errors="surrogatepass")
    with _verifying:
        try:
            return _hasher.verify(hashed, given)
        except (VerificationError, InvalidHashError):
            return False


@cache
def _unknown() -> str:
    """Returns the hash of a random password.

    If nobody has the name that someone typed, the typed password is compared with this hash, so
    that the answer takes as long as for a known name.
    """
    return _hasher.hash(secrets.token_hex(32))
