"""The objects that all routes for editors share: published build, database, sign-in, actions."""

from __future__ import annotations

from service.curation.article_search import ArticleSearch
from service.curation.decision_actions import DecisionActions
from service.curation.publishing import BuildActions
from service.decisions.database import Database
from service.http.auth import Auth
from service.serving.live import Live
from service.serving.serving_view import ServingView, VisibilityStatus, visibility_status
from service.settings import Settings


class EditorialContext:
    """The objects that the JSON API for editors and the editors' pages share; the app has one.

    Args:
        live: Holds the published build, which the service serves.
        settings: The effective settings.
    """

    def __init__(self, live: Live, settings: Settings) -> None:
        self.live = live
        self.root = live.root
        self.settings = settings
        self.query = settings.query
        self.auth = Auth(settings, self.database)
        self.search = ArticleSearch(live.root, settings.query)
        self.actions = DecisionActions(self.database, live, self.query)
        self.builds = BuildActions(settings, live)

    def database(self) -> Database:
        """Returns the database of editors' decisions.

        Raises:
            DatabaseError: If it is not available.
        """
        return self.live.keeper.database

    def view_or_none(self) -> ServingView | None:
        """Returns the published build with the editors' current decisions.

        Returns ``None`` if the service has no build to serve.
        """
        generation = self.live.at(self.live.clock())
        return None if generation is None else generation.served

    def standing(self, article_id: str) -> VisibilityStatus | None:
        """Returns whether readers can see an article now, and why not.

        Returns ``None`` if the article is not in the published build.
        """
        view = self.view_or_none()
        row = None if view is None else view.build.row(article_id)
        if view is None or row is None:
            return None
        return visibility_status(view, row, self.live.clock())
