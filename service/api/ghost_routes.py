"""The API route for the webhooks of Ghost, which are signed with a secret instead of a token.

The signature covers the body and the time at which Ghost sent it. So a webhook that somebody
recorded is worth nothing after five minutes, and before that it is ignored where a later one came.
"""

import hashlib
import hmac
import re
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Request, Response

from service.api.editorial_router import json_body, make_router
from service.api.push_routes import PushAnswer, PushLimit, accepted, body_of
from service.curation.pushed_articles import PushedArticles
from service.decisions.decision_store import Actor
from service.http.editorial_context import EditorialContext
from service.http.problems import ProblemError

MAX_AGE, MAX_AHEAD = 300_000_000, 60_000_000
"""How old a webhook may be, and how far ahead Ghost's clock, in microseconds."""

_SIGNATURE = re.compile(r"sha256=([0-9a-f]{64}), ?t=([0-9]{1,15})")
_GHOST = Actor(name="ghost", how="webhook")


def webhook_router(
    context: EditorialContext, pushes: PushedArticles, limit: PushLimit
) -> APIRouter:
    """Returns the route to which Ghost, a publishing system, sends its webhooks about posts."""
    router = make_router("publishing")
    secret = context.settings.ghost_secret.get_secret_value().encode()

    @router.post(
        "/webhooks/ghost",
        status_code=202,
        summary="Take a webhook of Ghost about a post or page",
        description="Signed with the secret of the setting ghost_secret. A post that is published "
        "or edited is pushed, one that is unpublished or deleted is taken down at once.",
        openapi_extra=json_body({"type": "object"}),
    )
    def ghost_webhook(
        request: Request,
        response: Response,
        body: Annotated[bytes, Depends(body_of)],
        signature: Annotated[str, Header(alias="X-Ghost-Signature")] = "",
    ) -> PushAnswer:
        if not secret:
            raise ProblemError(
                403,
                "webhooks of Ghost are turned off; to take them, set ghost_secret in the settings",
            )
        sent = _check(signature, secret, body, context.live.clock())
        limit(request)  # only now: anyone can send what is not signed
        statement, notes = pushes.read_ghost(body, sent)
        return accepted(response, pushes.put(_GHOST, [statement])[0], notes)

    return router


def _check(signature: str, secret: bytes, body: bytes, now: int) -> int:
    """Checks a webhook's signature, and returns when it was sent, microseconds since 1970 UTC."""
    found = _SIGNATURE.fullmatch(signature.strip())
    digest, sent = found.groups() if found else ("", "0")
    right = hmac.new(secret, body + sent.encode(), hashlib.sha256).hexdigest()
    if not hmac.compare_digest(right, digest):
        raise ProblemError(
            401,
            "the signature in X-Ghost-Signature is missing or wrong: give the webhook in Ghost the "
            "same secret as the setting ghost_secret, and use Ghost of July 2024 or newer",
        )
    moment = int(sent) * 1000
    if not now - MAX_AGE <= moment <= now + MAX_AHEAD:
        raise ProblemError(
            401,
            "the webhook was sent over five minutes ago, or a clock is wrong: send it again, and "
            "check the clocks of Ghost's server and this one",
        )
    return moment
