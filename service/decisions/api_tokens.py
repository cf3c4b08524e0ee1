"""API tokens, with which a site's own programs sign in.

A token has the form ``als_<id>_<secret>``. The id is the key of the token's row in the database. Of
the secret only the SHA-256 is stored: the secret is 256 random bits, which nobody can guess from
it, and a SHA-256 is much faster to check than a password hash.
"""

import hmac
import re
import secrets
from dataclasses import asdict, dataclass

import sqlalchemy as sa

from recommender.errors import NotFoundError
from recommender.visibility import NEVER
from service.decisions import schema
from service.decisions.decision_rules import check_name, check_until, digest
from service.decisions.decision_store import Actor, Table
from service.roles import Role

_TABLE = schema.tokens
_FORM = re.compile(r"als_([0-9a-f]{8})_([A-Za-z0-9_-]{43})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """An API token, without its secret.

    Attributes:
        id: The token's number, eight hexadecimal digits; the token's text contains it.
        name: What the token is for, as its maker named it.
        role: What requests with this token may do.
        created: Creation time, microseconds since 1970 UTC.
        created_by: The name of the person or program that made the token.
        expires: When the token expires, microseconds since 1970 UTC; ``NEVER`` if it does not.
        revoked: When the token was revoked, microseconds since 1970 UTC; ``None`` if it was not.
    """

    id: str
    name: str
    role: Role
    created: int
    created_by: str
    expires: int
    revoked: int | None


_FIELDS = [_TABLE.c[name] for name in Token.__slots__]


class Tokens(Table):
    """Reads and changes the database table of API tokens, with which a site's programs sign in."""

    def add(
        self, actor: Actor, *, name: str, role: Role, expires: int = NEVER
    ) -> tuple[str, Token]:
        """Makes a new token and stores it, without its secret.

        Args:
            actor: Who makes the token.
            name: What the token is for.
            role: What requests with this token may do.
            expires: When the token expires, microseconds since 1970 UTC.

        Returns:
            The token's full text, which can't be read again later, and what is stored of it.

        Raises:
            InputError: If the name is invalid or ``expires`` is in the past.
            DatabaseError: If the database can't be written; then no token was made.
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
            row = {**asdict(token), "secret_hash": digest(secret)}
            change.connection.execute(sa.insert(_TABLE).values(row))
            values = {"id": token.id, "name": name, "role": role, "expires": expires}
            change.record("token.add", after=values)
        return f"als_{token.id}_{secret}", token

    def all(self) -> list[Token]:
        """Returns all tokens, oldest first, including revoked and expired ones."""
        query = sa.select(*_FIELDS).order_by(_TABLE.c.created, _TABLE.c.id)
        return [Token(**row) for row in self._rows(query)]

    def find(self, text: str) -> Token | None:
        """Returns the valid token with this full text; ``None`` if there is none.

        A wrong text takes as long as a right one, so that the time does not reveal which ids exist.
        """
        form = _FORM.fullmatch(text)
        token_id, secret = form.groups() if form else ("", "")
        rows = self._rows(sa.select(_TABLE).where(_TABLE.c.id == token_id))
        stored = rows[0]["secret_hash"] if rows else digest("")
        if not hmac.compare_digest(stored, digest(secret)) or not rows:
            return None
        token = Token(**{name: rows[0][name] for name in Token.__slots__})
        is_valid = token.revoked is None and self._store.now() < token.expires
        return token if is_valid else None

    def revoke(self, actor: Actor, token_id: str, *, reason: str = "") -> Token:
        """Revokes a token, so that no request with it is accepted any more, and returns it.

        A token that was revoked before stays as it is.

        Args:
            actor: Who revokes the token.
            token_id: The token's number, eight hexadecimal digits.
            reason: The actor's reason; may be empty.

        Raises:
            NotFoundError: If no token has this id.
            DatabaseError: If the database can't be written; then nothing was revoked.
        """
        with self._store.change(actor) as change:
            row = change.stored(_TABLE, {"id": token_id}, *_FIELDS)
            if row is None:
                raise NotFoundError(f"there is no token {token_id!r}; see: alsolike tokens list")
            token = Token(**row)
            if token.revoked is None:
                where = sa.update(_TABLE).where(_TABLE.c.id == token_id)
                change.connection.execute(where.values(revoked=change.now))
                values = {"id": token.id, "name": token.name, "role": token.role}
                change.record("token.revoke", before=values, reason=reason)
            return token
