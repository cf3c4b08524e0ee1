"""API tokens: how a site's own programs sign in.

A token is ``als_<id>_<secret>``. The id finds its row; of the secret only the SHA-256 is stored,
which is enough for 256 random bits and costs a request nothing.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass

import sqlalchemy as sa

from recommender.errors import NotFoundError
from recommender.visibility import NEVER
from service.decisions import schema
from service.decisions.decision_rules import check_name, check_until
from service.decisions.decision_store import Actor, Store
from service.roles import Role

_TABLE = schema.tokens
_FORM = re.compile(r"als_([0-9a-f]{8})_([A-Za-z0-9_-]{43})")
_NO_HASH = hashlib.sha256(b"").hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A token without its secret.

    Attributes:
        id: Eight hexadecimal digits, a part of the token.
        name: What it is for.
        role: What it may do.
        created: When, microseconds since 1970 UTC.
        created_by: Who made it.
        expires: When it ends; ``NEVER`` for no end.
        revoked: When it was revoked, if it was.
    """

    id: str
    name: str
    role: Role
    created: int
    created_by: str
    expires: int
    revoked: int | None

    def is_valid(self, now: int) -> bool:
        """Whether it is valid at ``now``."""
        return self.revoked is None and now < self.expires


class Tokens:
    """The table of tokens.

    Args:
        store: The database.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    def add(
        self, actor: Actor, *, name: str, role: Role, expires: int = NEVER
    ) -> tuple[str, Token]:
        """Make a token; returns its full text, which is not stored, and its row.

        Raises:
            InputError: For a bad name, or an end in the past.
            DatabaseError: If it can't be written; then it was not.
        """
        check_name(name)
        check_until(expires, self._store.now())
        secret = secrets.token_urlsafe(32)
        with self._store.change(actor) as change:
            token = Token(
                id=secrets.token_hex(4),
                name=name,
                role=role,
                created=change.now,
                created_by=actor.name,
                expires=expires,
                revoked=None,
            )
            values = {column: getattr(token, column) for column in Token.__slots__}
            change.connection.execute(
                sa.insert(_TABLE).values(
                    **{**values, "role": role.value}, secret_hash=_hash(secret)
                )
            )
            values = {"id": token.id, "name": name, "role": role.value, "expires": expires}
            change.record("token.add", after=values)
        return f"als_{token.id}_{secret}", token

    def all(self) -> list[Token]:
        """Every token, oldest first; revoked and ended ones included."""
        with self._store.read() as connection:
            rows = connection.execute(_query().order_by(_TABLE.c.created, _TABLE.c.id)).mappings()
            return [_token(row) for row in rows]

    def find(self, text: str) -> Token | None:
        """The valid token with this full text; ``None`` if there is none.

        Compares in constant time, also for an unknown id.
        """
        form = _FORM.fullmatch(text)
        token_id, secret = form.groups() if form else ("", "")
        query = _query(_TABLE.c.secret_hash).where(_TABLE.c.id == token_id)
        with self._store.read() as connection:
            row = connection.execute(query).mappings().first()
        stored = _NO_HASH if row is None else row["secret_hash"]
        same = hmac.compare_digest(stored, _hash(secret))
        if row is None or not same:
            return None
        token = _token(row)
        return token if token.is_valid(self._store.now()) else None

    def revoke(self, actor: Actor, token_id: str, *, reason: str = "") -> Token:
        """Revoke a token at once; a revoked one stays as it is.

        Raises:
            NotFoundError: If no token has this id.
            DatabaseError: If it can't be written; then it was not.
        """
        with self._store.change(actor) as change:
            query = _query().where(_TABLE.c.id == token_id)
            row = change.connection.execute(query).mappings().first()
            if row is None:
                raise NotFoundError(f"there is no token {token_id!r}; see: alsolike tokens list")
            token = _token(row)
            if token.revoked is None:
                where = sa.update(_TABLE).where(_TABLE.c.id == token_id)
                change.connection.execute(where.values(revoked=change.now))
                values = {"id": token.id, "name": token.name, "role": token.role.value}
                change.record("token.revoke", before=values, reason=reason)
            return token


def _query(*more: sa.Column[str]) -> sa.Select[tuple[object, ...]]:
    return sa.select(*(_TABLE.c[name] for name in Token.__slots__), *more)


def _token(row: sa.RowMapping) -> Token:
    values = {name: row[name] for name in Token.__slots__}
    return Token(**{**values, "role": Role(values["role"])})


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
