"""The setting ``read_token``: lists for those who may read them, and no others."""

from __future__ import annotations

import asyncio
import time

from starlette.types import Scope

from index.errors import DatabaseError
from service.http.auth import Auth
from service.http.clients import header
from service.http.error_handlers import problem_of
from service.http.problems import ProblemError
from service.roles import Role

KNOWN_SECONDS = 1.0
"""How long a token is taken for good without asking again: within this it is revoked."""

_MOST_KNOWN = 1_000


class ReadAccess:
    """Tells who may read, without asking the database for each page view.

    Args:
        auth: Who asks.
    """

    def __init__(self, auth: Auth) -> None:
        self._auth = auth
        self._known: dict[str, float] = {}

    async def refusal(self, scope: Scope) -> ProblemError | None:
        """Why a request may not read; ``None`` if it may."""
        token = header(scope, b"authorization")
        if token is not None and self._known.get(token, 0.0) > time.monotonic():
            return None
        try:
            await asyncio.to_thread(self._auth.authorize, scope, Role.READ)
        except ProblemError as problem:
            return problem
        except DatabaseError as error:  # nobody known, so nobody let in
            return problem_of(error)
        if token is not None:
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            self._known[token] = time.monotonic() + KNOWN_SECONDS
        return None
