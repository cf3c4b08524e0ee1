"""Where the pages stand: what is served at this moment, and who may look or decide."""

from __future__ import annotations

from typing import Annotated

from fastapi import Form, Request

from service.api.api_context import ApiContext
from service.http.auth import Identity
from service.http.problems import not_ready
from service.roles import Role
from service.serving.serving_view import ServingView
from service.settings import Settings


class EditorContext:
    """A desk with forms.

    Args:
        desk: What the editors' routes read and change.
        settings: The effective settings.
    """

    def __init__(self, desk: ApiContext, settings: Settings) -> None:
        self.desk = desk
        self.settings = settings
        self.auth = desk.auth
        self.query = settings.query

    def look(self) -> tuple[ServingView, int]:
        """What readers are served at this moment, after every decision already taken.

        Raises:
            ProblemError: 503 if nothing is.
        """
        live = self.desk.live
        live.refresh()  # another worker may have written what this page follows
        now = live.clock()
        generation = live.at(now)
        if generation is None:
            raise not_ready()
        return generation.served, now

    def identify(self, request: Request) -> Identity | None:
        """Who asks, if known."""
        return self.auth.identify(request.scope)

    def reader(self, request: Request) -> Identity:
        """A dependency: someone who may see these pages."""
        return self.auth.authorize(request.scope, Role.EDITOR)

    def writer(self, request: Request, csrf: Annotated[str, Form()] = "") -> Identity:
        """A dependency: someone who may decide, by a form of ours."""
        return self.auth.authorize(request.scope, Role.EDITOR, csrf)

    def admin_looking(self, request: Request) -> Identity:
        """A dependency: someone who may see the forms for that."""
        return self.auth.authorize(request.scope, Role.ADMIN)

    def admin(self, request: Request, csrf: Annotated[str, Form()] = "") -> Identity:
        """A dependency: someone who may choose the live build, by a form of ours."""
        return self.auth.authorize(request.scope, Role.ADMIN, csrf)
