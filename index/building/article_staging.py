"""A temporary SQLite file that collects articles in any order, then writes them sorted by id."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from itertools import repeat
from pathlib import Path

import numpy as np

from index.articles.article_store import NUMBERS
from index.articles.guessed_languages import Certainty, StagedLanguage, settle_guesses
from index.files import open_unjournaled, save_array


class ArticleStaging:
    """Collects articles in a temporary file, in the order in which they arrive.

    The file has an index over the ids only, so that whatever the order of the ids, each article is
    written once and read once.

    Args:
        path: The temporary file; :meth:`write` removes it.

    Attributes:
        database: The connection to the temporary file, whose table ``staged`` holds the articles.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.database = open_unjournaled(path)
        self.database.execute(
            "CREATE TABLE staged (number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, "
            "source INTEGER, language TEXT, certainty INTEGER, data BLOB, updated INTEGER)"
        )
        self.database.execute(
            "CREATE TABLE settled (source INTEGER, language TEXT, certainty INTEGER, final TEXT, "
            "PRIMARY KEY (source, language, certainty))"
        )
        self.database.execute(
            "CREATE VIEW final_articles AS SELECT id, CASE WHEN final IS NULL THEN data "
            "ELSE CAST(json_set(CAST(data AS TEXT), '$.language', final) AS BLOB) END AS data "
            "FROM staged LEFT JOIN settled USING (source, language, certainty)"
        )
        self.database.execute("BEGIN")

    def add(
        self,
        articles: Sequence[tuple[str, bytes]],
        *,
        source: int | None = None,
        languages: Sequence[StagedLanguage] | None = None,
        updated: Sequence[int | None] = (),
    ) -> list[int]:
        """Adds articles; of several articles with the same id, the first is kept.

        Args:
            articles: The id of each article, and the article as
                :func:`index.articles.article_store.to_bytes` encodes it.
            source: The number of the source that the articles are from.
            languages: The language of each article, stated or guessed, with its certainty;
                :meth:`settle` decides about the guesses.
            updated: When each record was last changed, microseconds since 1970 UTC; ``None`` if
                unknown. It is compared with the time of a pushed article.

        Returns:
            The positions in ``articles`` of those that were not added because the file already
            holds their id, ascending.
        """
        # Pushed articles are written to the table besides, under numbers of their own.
        newest = "SELECT ifnull(max(number), -1) FROM staged"
        first = self.database.execute(newest).fetchone()[0] + 1
        cursor = self.database.executemany(
            "INSERT OR IGNORE INTO staged VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                (first + number, article_id, source, *language, data, at)
                for number, ((article_id, data), language, at) in enumerate(
                    zip(
                        articles,
                        languages or repeat((None, None)),
                        updated or repeat(None),
                        strict=False,
                    )
                )
            ),
        )
        if cursor.rowcount == len(articles):
            return []
        owner = "SELECT number FROM staged WHERE id = ?"
        return [
            number
            for number, (article_id, _) in enumerate(articles)
            if self.database.execute(owner, (article_id,)).fetchone() != (first + number,)
        ]

    def settle(self, source: int, said_before: Iterable[str]) -> int:
        """Decides which guessed languages of a source's articles are kept (:func:`settle_guesses`).

        Args:
            source: The number of the source.
            said_before: The languages of further articles of the site, to compare guesses with.

        Returns:
            The number of articles that get a guessed language.
        """
        rows = self.database.execute(
            "SELECT language, certainty, count(*) FROM staged WHERE source = ? GROUP BY 1, 2",
            (source,),
        )
        counts = {(language, Certainty(sure)): count for language, sure, count in rows}
        settled = settle_guesses(counts, said_before)
        self.database.executemany(
            "INSERT INTO settled VALUES (?, ?, ?, ?)",
            ((source, *guess, final) for guess, final in settled.items() if final),
        )
        return sum(counts[guess] for guess, final in settled.items() if final)

    def take(self) -> dict[str, bytes]:
        """Returns all articles, encoded, by id, and removes the temporary file."""
        found = dict(self)
        self.discard()
        return found

    def __iter__(self) -> Iterator[tuple[str, bytes]]:
        return iter(self.database.execute("SELECT id, data FROM final_articles"))

    def discard(self) -> None:
        """Removes the temporary file."""
        self.database.close()
        self._path.unlink()

    def write(self, path: Path) -> int:
        """Writes all articles, sorted by id, to an article store at ``path``.

        Removes the temporary file, and returns the number of articles.
        """
        self.database.execute("COMMIT")
        self.database.close()
        with closing(open_unjournaled(path)) as database:
            database.execute(
                "CREATE TABLE articles (number INTEGER PRIMARY KEY, data BLOB NOT NULL)"
            )
            database.execute("ATTACH ? AS staging", (str(self._path),))
            database.execute("BEGIN")
            written = database.execute(
                "INSERT INTO articles SELECT row_number() OVER (ORDER BY id) - 1, data "
                "FROM staging.final_articles"
            )
            database.execute("COMMIT")
        self._path.unlink()
        save_array(path.with_name(NUMBERS), np.arange(written.rowcount, dtype=np.int32))
        return written.rowcount
