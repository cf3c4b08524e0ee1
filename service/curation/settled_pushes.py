"""Gives pushed articles to full builds, and drops pushes once the articles' sources have them."""

import logging
from collections.abc import Iterable, Iterator
from contextlib import closing, suppress
from functools import cache, partial
from typing import Any

from index.articles.article_store import ARTICLES, read_settled
from index.build.build import Build
from index.build.manifest import read_manifest
from index.errors import BuildError, DatabaseError, FormatError
from index.root.journal import read_journal, who
from index.root.root import Root
from index.sources.pushed_source import Statement
from recommender.errors import AlsoLikeError, NotFoundError
from recommender.visibility import NEVER, utc_now
from service.decisions.decision_store import Actor
from service.decisions.open_decisions import nothing_decided, open_decisions
from service.settings import Settings

log = logging.getLogger("alsolike")


def statement_options(settings: Settings) -> dict[str, Any]:
    """Returns the options ``statements`` and ``pushed`` by which a full build reads pushes.

    Args:
        settings: The effective settings, which name the database of decisions.

    Raises:
        DatabaseError: If the database can't be read although the live build holds pushed articles,
            or may, which the new build would lose.
    """
    try:
        if nothing_decided(settings):
            raise DatabaseError(
                "the database of decisions is gone, and the pushed articles with it: restore it "
                "from a backup; or, to build without them, make an empty database with: alsolike "
                "db upgrade"
            )
        with closing(open_decisions(settings)) as database:
            last = database.pushed.last()
    except DatabaseError as error:
        if _live_holds_pushes(settings):
            raise
        if not nothing_decided(settings):
            log.warning("a full build is made without what was pushed: %s", error)
        return {"statements": tuple}
    return {"statements": partial(_statements, settings), "pushed": last}


def _statements(settings: Settings) -> Iterator[Statement]:
    with closing(open_decisions(settings)) as database:
        yield from database.pushed.all()


def _live_holds_pushes(settings: Settings) -> bool:
    """Whether the live build holds pushed articles, or may, as its manifest can't be read."""
    root = Root(settings.root)
    try:
        return root.live is not None and root.manifest().pushed > 0
    except FormatError as error:
        return error.pushed > 0
    except (BuildError, NotFoundError):
        return not nothing_decided(settings)


def _is_shown(build: Build, article_id: str) -> bool:
    row = build.row(article_id)
    return row is not None and build.is_visible(row, utc_now())


def _had(root: Root, name: str) -> bool:
    """Whether a root has or had a build; a root that was moved or copied still tells it."""
    return name in root.names() or any(
        line.get("build") == name for line in read_journal(root.path)
    )


def _reached(root: Root) -> int:
    """Returns the number of the newest statement that all kept builds hold."""
    reached = []
    for name in root.names():
        # A damaged build can't be published, and another process may have just removed one.
        with suppress(BuildError, NotFoundError):
            try:
                reached.append(read_manifest(root.folder(name)).pushed)
            except FormatError as error:  # another version of AlsoLike can publish it
                reached.append(error.pushed)
    return min(reached, default=0)


def last_received(settings: Settings) -> int:
    """Returns when the newest push was received, by the clocks of those who receive pushes.

    What is received later was pushed during the build that is made now, whatever its own clock
    says. If the database can't be read, nothing can be pushed either: then ``NEVER``.
    """
    with suppress(AlsoLikeError, OSError):
        if nothing_decided(settings):
            return 0
        with closing(open_decisions(settings)) as database:
            return database.pushed.last_received()
    return NEVER


def settle_statements(
    settings: Settings,
    refused: Iterable[tuple[str, int, str]] = (),
    *,
    since: int = NEVER,
    drop: bool = True,
) -> None:
    """Deletes pushed statements that builds no longer need, with the takedowns that they made.

    A statement is no longer needed once the source holds the same article, and all kept builds hold
    the statement: a rollback could return to any of them. Of an article that a source shows again
    only the takedown is removed. If the database can't be written, the next build tries again.
    Nothing is done for a trial: a root that never had the build to which the site last pushed.

    Args:
        settings: The effective settings.
        refused: Statements to mark as refused, since no build can be made with them: for each the
            article's id, the statement's number and the reason.
        since: The result of :func:`last_received` before the live build was made.
        drop: Whether to delete statements, which may take a while; else only takedowns are removed.
    """
    root = Root(settings.root)
    live = root.live
    if live is None or nothing_decided(settings):
        return
    try:
        with closing(open_decisions(settings)) as database:
            if not database.pushed.last():  # most sites push nothing
                return
            pushed_to = database.pushed_to()
            if pushed_to and not _had(root, pushed_to):
                log.warning(
                    "%s settles no pushes: the site pushes to another root, where %s was live",
                    root.path,
                    pushed_to,
                )
                return
            if pushed_to and pushed_to not in root.names():
                database.pushed_to(live)  # the journal of a root forgets the oldest builds
            for one in refused:
                database.pushed.refuse(*one)
            found = read_settled(root.builds / live / ARTICLES)
            if found:
                actor = Actor(name=who(), how="cli")
                database.pushed.renew(found, since)
                open_once = cache(partial(root.open, verify=False))
                database.pushed.show(actor, found, lambda key: _is_shown(open_once(), key))
            if found and drop:
                reached = _reached(root)
                settled = {key: number for key, number in found.items() if number <= reached}
                database.pushed.settle(actor, settled)
    except (AlsoLikeError, OSError) as error:
        log.warning("pushes that are settled are kept until the next build: %s", error)
