"""Stores the articles that a site pushes, and says how far each has come on its way to readers."""

import enum
import json
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from index.articles.article_store import ARTICLES, settled_number
from index.articles.parse import parse_records
from index.articles.read_report import ReadReport
from index.articles.record import Record, RecordProblem, SourceItem, id_text
from index.articles.updated import updated_at
from index.build.manifest import Manifest, read_manifest
from index.errors import BuildError
from index.query import RelatedQuery
from index.sources.jsonl_source import json_object
from index.sources.pushed_source import Statement, location_of
from index.sources.source import read_record
from recommender.article import Article, check_id
from recommender.errors import ArticleError, NotFoundError
from recommender.visibility import NEVER, window
from service.curation.preview import inbound_links, stored_lists
from service.decisions.database import Database
from service.decisions.decision_store import Actor
from service.decisions.pushed_statements import NewStatement
from service.errors import NotReadyError
from service.serving.live import Live
from service.serving.serving_view import ServingView
from service.settings import Settings

_MOST_LISTS = 200
_WEBHOOK = "webhook of Ghost"


class PushState(enum.StrEnum):
    """How far a pushed statement about an article has come on its way to readers."""

    RECEIVED = "received"
    BUILT = "built"
    LIVE = "live"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A pushed statement about an article, and how far it has come on its way to readers.

    Attributes:
        statement: The statement: the article's record, or that the article is gone.
        state: How far the statement has come.
        build: The manifest of the build that holds it; ``None`` if no build does yet.
        lists: The ids of the articles whose lists it changes: the article itself, then those whose
            lists show it.
    """

    statement: Statement
    state: PushState
    build: Manifest | None
    lists: list[str]


class PushedArticles:
    """Stores pushed statements about articles, and says by the builds how far each has come.

    Args:
        database: A function that returns the database of decisions, or raises
            :class:`~index.errors.DatabaseError`.
        live: Holds the build that this process serves.
        settings: The effective settings, which say how to read records.
    """

    def __init__(self, database: Callable[[], Database], live: Live, settings: Settings) -> None:
        self._database, self._live = database, live
        self._mapping, self._query = settings.mapping, settings.query
        self._newest: Manifest | None = None

    def read(
        self, article_id: str, record: bytes | Mapping[str, Any] | None
    ) -> tuple[NewStatement, list[RecordProblem]]:
        """Reads a pushed record in the same way as a build will read it.

        Args:
            article_id: The id under which the site pushes the record.
            record: The record, or its JSON text; ``None`` if the article is gone.

        Returns:
            The statement to store, and the problems because of which parts of the record were left
            out or repaired.

        Raises:
            ArticleError: If the id is not valid, or no article can be made of the record; the error
                names the field.
        """
        check_id(article_id)
        if record is None:
            gone = NewStatement(article_id=article_id, record=None, hidden_until=NEVER)
            return gone, []
        return self.check(article_id, read_record(location_of(article_id), _record, record))

    def check(
        self, article_id: str, item: SourceItem, *, at: int = NEVER, only_newer: bool = False
    ) -> tuple[NewStatement, list[RecordProblem]]:
        """Makes a statement of a record that was read already; the rest is as for :meth:`read`.

        Args:
            article_id: The id under which the site pushes the record.
            item: The record, or the problem because of which it could not be read.
            at: When the statement was made, in microseconds since 1970 UTC; used if the record does
                not say it.
            only_newer: Whether the statement is to be ignored if a stored one was made later.
        """
        if isinstance(item, RecordProblem):
            raise ArticleError(item.field, item.reason, item.message)
        given = id_text(item.values.get("id"))
        if given not in ("", article_id):
            raise ArticleError(
                "id",
                "invalid",
                f"the record's id {given[:80]!r} is not {article_id[:80]!r}, under which it is "
                "pushed: leave the id out of the record, or push the record under its own id",
            )
        record = Record(location=item.location, values={**item.values, "id": article_id})
        report = ReadReport()
        found = next(parse_records([record], self._mapping, report), None)
        if found is None:
            problem = report.problems[0]
            missing = f"the record has no {problem.field}: give it one"
            message = missing if problem.reason == "missing" else problem.message
            raise ArticleError(problem.field, problem.reason, message)
        now = self._live.clock()
        stated = updated_at(record, self._mapping)
        statement = NewStatement(
            article_id=article_id,
            record=record.values,
            stated=at if stated is None else stated,
            hidden_until=_hidden_until(found[0], now),
            only_newer=only_newer,
        )
        return statement, report.problems

    def read_ghost(self, content: bytes, sent: int) -> tuple[NewStatement, list[RecordProblem]]:
        """Reads a webhook of the publishing platform Ghost, as :meth:`read` reads a record.

        Args:
            content: The body of Ghost's request.
            sent: When Ghost sent the request, in microseconds since 1970 UTC.
        """
        from index.sources.ghost import read_webhook  # loads the parsers of markup

        payload = json_object(_WEBHOOK, content).values
        article_id, item = read_webhook(_WEBHOOK, payload, self._mapping.timezone.key)
        if item is not None:
            return self.check(check_id(article_id), item, at=sent, only_newer=True)
        statement, notes = self.read(article_id, None)
        return replace(statement, stated=sent, only_newer=True), notes

    def put(self, actor: Actor, given: Sequence[NewStatement]) -> list[Standing]:
        """Stores pushed statements; articles that they unpublish are taken down at once.

        When the method returns, all statements are on disk.

        Args:
            actor: Who pushes.
            given: The statements to store.

        Returns:
            For each statement how far it has come.

        Raises:
            DatabaseError: If the statements can't be stored.
        """
        before = self._view()
        words = [replace(one, settled=self._settled(one.article_id)) for one in given]
        database = self._database()
        stored = database.pushed.put(actor, words)
        if self._live.build is not None:
            database.pushed_to(self._live.build.name)
        self._live.refresh()
        lists = _lists(before, [one.article_id for one in given], self._query)
        return [
            self._standing(statement, changed)
            for statement, changed in zip(stored, lists, strict=True)
        ]

    def standing(self, article_id: str) -> Standing:
        """Returns how far the stored statement about an article has come on its way to readers.

        Raises:
            NotFoundError: If no statement about the article is stored (any more).
        """
        found = self._database().pushed.get(article_id)
        if found is None:
            raise NotFoundError(
                f"no pushed version of article {article_id[:80]!r} is stored: none was received, "
                "or it is no longer needed, as every build and the article's source have it"
            )
        [lists] = _lists(self._view(), [article_id], self._query)
        return self._standing(found, lists)

    def waiting(self, after: int, limit: int) -> list[Standing]:
        """Returns the stored statements in the order of their numbers, and how far each has come.

        Args:
            after: Only statements with a higher number than this are returned.
            limit: The largest number of statements to return.
        """
        found = self._database().pushed.above(after, limit=limit, refused=True)
        return [self._standing(one, []) for one in found]

    def _standing(self, statement: Statement, lists: list[str]) -> Standing:
        state, build = PushState.RECEIVED, self._live.build
        manifest = None if build is None else build.manifest
        if statement.refused is not None:
            state, manifest = PushState.REFUSED, None
        elif manifest is not None and statement.number <= manifest.pushed:
            state = PushState.LIVE
        else:
            manifest = self._newest_manifest()
            if manifest is not None and statement.number <= manifest.pushed:
                state = PushState.BUILT
            else:
                manifest = None
        return Standing(statement=statement, state=state, build=manifest, lists=lists)

    def _settled(self, article_id: str) -> int:
        with suppress(BuildError, sqlite3.Error):  # damaged; the push is stored all the same
            live = self._live.root.live
            path = None if live is None else self._live.root.builds / live / ARTICLES
            return 0 if path is None else settled_number(path, article_id)
        return 0

    def _newest_manifest(self) -> Manifest | None:
        names = self._live.root.names()
        if names and (self._newest is None or self._newest.name != names[-1]):
            try:
                self._newest = read_manifest(self._live.root.folder(names[-1]))
            except (BuildError, NotFoundError):  # being removed, or damaged
                return None
        return self._newest if names else None

    def _view(self) -> tuple[ServingView, int] | None:
        with suppress(NotReadyError):
            return self._live.view()
        return None


def _lists(
    view: tuple[ServingView, int] | None, ids: Sequence[str], query: RelatedQuery
) -> list[list[str]]:
    """Returns for each article its id and the ids of those whose lists showed it at a time."""
    if view is None:
        return [[] for _ in ids]
    served, now = view
    build = served.build
    rows = {key: row for key in ids if (row := build.row(key)) is not None}
    stored = dict(zip(rows, stored_lists(build, [*rows.values()]), strict=True)) if rows else {}

    def changed(key: str) -> list[str]:
        if key not in rows:
            return [key]
        found, _ = inbound_links(served, rows[key], now, query, _MOST_LISTS, stored[key])
        return [key, *(build.article_id(link.row) for link in found)]

    return [changed(key) for key in ids]


def _hidden_until(article: Article, now: int) -> int:
    """Returns until when nobody may see an article; 0 if it may be seen now."""
    start, end = window(article)
    if now >= end or start == NEVER:
        return NEVER
    return max(start, 0) if start > now else 0


def _record(location: str, record: bytes | Mapping[str, Any]) -> Record:
    content = record if isinstance(record, bytes) else json.dumps(record).encode()
    return json_object(location, content)
