"""The objects that all routes for editors share: published build, database, sign-in, actions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from index.build.build import Build
from service.curation.article_search import ArticleSearch, read_title
from service.curation.decision_actions import DecisionActions
from service.curation.publishing import BuildActions
from service.decisions.database import Database
from service.errors import importing
from service.http.auth import Auth
from service.serving.live import Live
from service.serving.serving_view import ServingView, VisibilityStatus, visibility_status
from service.settings import Settings

if TYPE_CHECKING:
    from service.curation.text_link_finder import LinkFinder


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
        self._finder: LinkFinder | None = None
        live.forgetful.append(self._forget)

    def link_finder(self, build: Build) -> LinkFinder:
        """Returns the object that suggests links in the texts of articles and drafts.

        It is kept until another build is loaded.

        Args:
            build: The published build, whose articles the suggested links lead to.

        Raises:
            UnavailableError: If no more files can be opened.
        """
        finder = self._finder
        if finder is None or finder.build is not build:
            with importing("links can't be suggested"):
                from service.curation.text_link_finder import LinkFinder
            finder = LinkFinder(build)
            if build is self.live.build:  # else it was replaced since the request came
                self._finder = finder
        return finder

    def _forget(self) -> None:
        self._finder = None

    def database(self) -> Database:
        """Returns the database of editors' decisions.

        Raises:
            DatabaseError: If it is not available.
        """
        return self.live.keeper.database

    def view_or_none(self) -> ServingView | None:
        """Returns the published build with the editors' decisions; ``None`` if none is served."""
        generation = self.live.at(self.live.clock())
        return None if generation is None else generation.served

    def title(self, article_id: str) -> str:
        """Returns an article's title; its id instead if the published build does not hold it."""
        view = self.view_or_none()
        return article_id if view is None else read_title(view.build, article_id)

    def standing(self, article_id: str) -> VisibilityStatus | None:
        """Returns whether readers can see an article now and, if not, why.

        Returns ``None`` if the article is not in the published build.
        """
        view = self.view_or_none()
        row = None if view is None else view.build.row(article_id)
        if view is None or row is None:
            return None
        return visibility_status(view, row, self.live.clock())
