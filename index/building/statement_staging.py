"""Decides, for each article of which something was pushed, whether the push or a source holds.

The newest statement wins. That of a source counts from the time at which the record was last
changed, if it says so; else from when a build first saw this content. So each build keeps, in the
table ``seen`` of its article store, a digest of what the sources hold of every article:

    digest   of the content; NULL if no source has the article
    since    the number of the newest statement pushed before the content was first seen
    settled  the number up to which statements about the article are settled: a source has caught
             up with them, and they never count again

A row with an empty id keeps how the sources were read. If a build reads them in another way, as
after a change of the settings, other content is not newer: ``since`` stays.
"""

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple

from index.articles.article_store import to_bytes
from index.articles.guessed_languages import StagedLanguage
from index.building.article_staging import ArticleStaging
from index.errors import BuildError
from index.files import open_sqlite, open_unjournaled
from index.sources.pushed_source import Statement
from recommender.article import Article

_SEEN = (
    "(id TEXT PRIMARY KEY, digest BLOB, since INTEGER NOT NULL, settled INTEGER NOT NULL) "
    "WITHOUT ROWID"
)


class StagedStatement(NamedTuple):
    """A statement that a site pushed about an article, and what the sources hold of the article.

    Attributes:
        id: The article's id.
        number: The statement's number, which grows from statement to statement.
        stated: When the statement was made, microseconds since 1970 UTC.
        gone: Whether the statement says that the article is gone.
        refused: Whether builds can't use the statement.
        pushed: Digest of the content in the statement; ``None`` if it has none.
        present: Whether the article was read from a source.
        digest: Digest of what the sources hold; ``None`` if they don't have the article.
        since: The number of the newest statement pushed before a build first saw that content.
        updated: When the source's record was last changed, microseconds since 1970 UTC; ``None`` if
            it does not say.
        was: Digest of what the sources held in the build before; ``None`` if nothing.
        settled: Statements about the article up to this number never count again.
    """

    id: str
    number: int
    stated: int
    gone: int
    refused: int
    pushed: bytes | None
    present: int
    digest: bytes | None
    since: int
    updated: int | None
    was: bytes | None
    settled: int

    @property
    def unusable(self) -> bool:
        """Whether the statement was refused, or its record can't be read any more.

        A refused one of an article that is gone counts once no source has the article either, if
        others are left.
        """
        if self.gone:
            return bool(self.refused and self.present)
        return bool(self.refused) or self.pushed is None

    def stands(self, *, keep_missing: bool, complete: bool, now: int) -> bool:
        """Tells whether this statement outweighs what the sources say of its article.

        Args:
            keep_missing: Whether articles are kept that have disappeared from the sources.
            complete: Whether the sources were read as a whole: every page could be fetched.
            now: The current time, in microseconds since 1970 UTC.
        """
        if self.number <= self.settled:
            return False
        if self.digest is None:
            was_there = self.was is not None and not keep_missing
            return not complete if self.pushed is None else not was_there
        if self.pushed is None:
            return True
        if self.digest == self.pushed:
            return not self.present  # a page that could not be fetched is in no source now
        if self.updated is not None and max(self.updated, self.stated) <= now:
            return self.updated < self.stated
        return self.since < self.number


@dataclass(slots=True, kw_only=True)
class StatementOutcome:
    """What a build made of the statements that a site pushed about articles.

    Attributes:
        gone: Ids of the articles that statements say are gone, unless a source has them again.
        unusable: The statements that were refused, or whose record can't be read any more.
        superseded: How many articles were replaced: of a source by a pushed one, or the reverse.
    """

    gone: set[str] = field(default_factory=set)
    unusable: list[StagedStatement] = field(default_factory=list)
    superseded: int = 0


def content_digest(data: bytes | None) -> bytes | None:
    """Returns a digest of an article's content, without its source's name; of ``None``, ``None``.

    Args:
        data: The article, encoded by :func:`index.articles.article_store.to_bytes`.
    """
    if data is None:
        return None
    return blake2b(data.rpartition(b',"source":')[0], digest_size=16).digest()


def is_edited(path: Path, article: Article, rules: bytes) -> bool:
    """Tells whether a source's article is another than when a build last compared the sources.

    Args:
        path: The article store of that build.
        article: The article, as it is read from a source.
        rules: How the source was read; if the build read it in another way, this can't be told.
    """
    with closing(open_sqlite(path)) as database, suppress(sqlite3.OperationalError):
        query = "SELECT id, digest FROM seen WHERE id IN ('', ?)"
        seen = dict(database.execute(query, (article.id,)))
        return seen.get("") == rules and seen.get(article.id) != content_digest(to_bytes(article))
    return False


class StatementStaging:
    """Collects the statements that a site pushed, and compares them with the sources' articles.

    Args:
        staging: The articles that were read from the sources.
    """

    def __init__(self, staging: ArticleStaging) -> None:
        self._database = database = staging.database
        self._newest = 0
        database.execute(
            "CREATE TABLE statements (id TEXT PRIMARY KEY, number INTEGER, stated INTEGER, "
            "gone INTEGER, refused INTEGER, data BLOB, language TEXT, certainty INTEGER)"
        )
        database.execute(f"CREATE TABLE seen {_SEEN}")

    def note(self, statement: Statement) -> bool:
        """Adds a statement, but not its record; returns whether it has a record to parse."""
        gone, refused = statement.record is None, statement.refused is not None
        self._newest = max(self._newest, statement.number)
        self._database.execute(
            "INSERT INTO statements VALUES (?, ?, ?, ?, ?, NULL, NULL, NULL)",
            (statement.article_id, statement.number, statement.stated, gone, refused),
        )
        return not gone and not refused

    def add(self, articles: Sequence[tuple[str, bytes, StagedLanguage]]) -> None:
        """Adds the parsed articles of statements: the id, encoded article and language of each."""
        self._database.executemany(
            "UPDATE statements SET data = ?, language = ?, certainty = ? WHERE id = ?",
            ((data, *language, article_id) for article_id, data, language in articles),
        )

    def apply(
        self,
        before: Path | None,
        *,
        rules: bytes,
        keep_missing: bool,
        complete: bool,
        now: int,
        source: int,
    ) -> StatementOutcome:
        """Replaces or removes the sources' articles about which a pushed statement is newer.

        Args:
            before: The article store of the live build; ``None`` if there is none.
            rules: What is another once the sources are read in another way.
            keep_missing: Whether articles stay that the sources have no longer.
            complete: Whether the sources were read as a whole; else what is missing in them may
                still be there, and counts as it was.
            now: The current time, microseconds since 1970 UTC.
            source: The number that the pushed articles get as that of their source.
        """
        outcome = StatementOutcome()
        found = self._compared(before, rules, complete=complete)
        for one in sorted(found, key=lambda each: each.gone and each.refused):
            if one.unusable or (one.gone and one.refused and not self._any_staged()):
                outcome.unusable.append(one)  # also of the last article
                continue
            stands = one.stands(keep_missing=keep_missing, complete=complete, now=now)
            if one.gone and (stands or not one.present):
                outcome.gone.add(one.id)
            if not stands:
                self._settle(one)
                outcome.superseded += not one.gone
            elif one.gone:
                self._database.execute("DELETE FROM staged WHERE id = ?", (one.id,))
                outcome.superseded += one.present
            else:
                self._database.execute(
                    "INSERT OR REPLACE INTO staged SELECT NULL, id, ?, language, certainty, data, "
                    "NULL FROM statements WHERE id = ?",
                    (source, one.id),
                )
                outcome.superseded += one.present
        return outcome

    def _any_staged(self) -> bool:
        return self._database.execute("SELECT 1 FROM staged").fetchone() is not None

    def seen(self) -> list[tuple[str, bytes | None, int, int]]:
        """Returns what the sources hold of each article: id, digest, ``since`` and ``settled``."""
        return self._database.execute("SELECT id, digest, since, settled FROM seen").fetchall()

    def _compared(
        self, before: Path | None, rules: bytes, *, complete: bool
    ) -> list[StagedStatement]:
        """Notes what the sources hold, and compares the statements with it."""
        database = self._database
        database.create_function("digest", 1, content_digest, deterministic=True)
        database.execute(f"CREATE TEMP TABLE earlier {_SEEN}")
        if before is not None:
            # Opened only for reading: a service lets go of a build that somebody may write to.
            with suppress(sqlite3.Error, BuildError), closing(open_sqlite(before)) as live:
                seen = live.execute("SELECT id, digest, since, settled FROM seen")
                database.executemany("INSERT INTO earlier VALUES (?, ?, ?, ?)", seen)
        anew = database.execute("SELECT digest FROM earlier WHERE id = ''").fetchone() != (rules,)
        database.execute(
            "INSERT INTO seen WITH now AS MATERIALIZED (SELECT id, digest(data) AS digest "
            "FROM staged) SELECT id, now.digest, CASE WHEN now.digest = earlier.digest "
            "OR (? AND earlier.digest IS NOT NULL) THEN since ELSE ? END, "
            "CASE WHEN number IS NULL THEN 0 ELSE ifnull(settled, 0) END "
            "FROM now LEFT JOIN earlier USING (id) LEFT JOIN statements USING (id)",
            (anew, self._newest),
        )
        database.execute("INSERT INTO seen VALUES ('', ?, 0, 0)", (rules,))
        if not complete:
            database.execute(
                "INSERT OR IGNORE INTO seen SELECT id, digest, since, iif(number, settled, 0) "
                "FROM earlier LEFT JOIN statements USING (id) WHERE digest IS NOT NULL"
            )
        found = database.execute(
            "SELECT id, statements.number, stated, gone, refused, digest(statements.data), "
            "staged.id IS NOT NULL, seen.digest, ifnull(seen.since, 0), updated, earlier.digest, "
            "ifnull(earlier.settled, 0) FROM statements LEFT JOIN staged USING (id) "
            "LEFT JOIN seen USING (id) LEFT JOIN earlier USING (id) ORDER BY id"
        )
        return [StagedStatement(*row) for row in found]

    def _settle(self, statement: StagedStatement) -> None:
        self._database.execute(
            "INSERT INTO seen VALUES (?, NULL, 0, ?) "
            "ON CONFLICT (id) DO UPDATE SET settled = excluded.settled",
            (statement.id, statement.number),
        )


def change_seen(
    path: Path, put: Mapping[str, bytes], lost: Iterable[str], newest: int, *, settle: bool
) -> None:
    """Changes in an article store what the sources hold, after a small build.

    So the next build of all sources takes nothing for new that readers had seen before a push.

    Args:
        path: The article store, a copy of the live build's.
        put: By id, the articles that sources changed or added, encoded as they were read.
        lost: Ids of articles that no source has any more.
        newest: The number of the newest statement in the live build, which is older than the
            changes.
        settle: Whether what was pushed before these changes never counts again.
    """
    digests = {article_id: content_digest(data) for article_id, data in put.items()}
    with closing(open_unjournaled(path)) as database:
        if not database.execute("SELECT 1 FROM sqlite_master WHERE name = 'seen'").fetchone():
            return  # nothing can be pushed
        database.execute("BEGIN")
        database.executemany(
            "INSERT INTO seen VALUES (?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET "
            "since = excluded.since, digest = excluded.digest, "
            "settled = max(settled, excluded.settled) "
            "WHERE excluded.settled > 0 OR digest IS NOT excluded.digest",
            (
                (article_id, digests.get(article_id), newest, newest * settle)
                for article_id in dict.fromkeys([*digests, *lost])
            ),
        )
        database.execute("COMMIT")


def write_seen(path: Path, seen: Iterable[tuple[str, bytes | None, int, int]]) -> None:
    """Writes into an article store what the sources hold, for the next build to compare with.

    Args:
        path: The article store, an SQLite file.
        seen: The rows of its table ``seen``, from :meth:`StatementStaging.seen`.
    """
    with closing(open_unjournaled(path)) as database:
        database.execute("BEGIN")
        database.execute("DROP TABLE IF EXISTS seen")
        database.execute(f"CREATE TABLE seen {_SEEN}")
        database.executemany("INSERT INTO seen VALUES (?, ?, ?, ?)", seen)
        database.execute("COMMIT")
