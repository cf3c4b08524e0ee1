"""The article store of a build: one SQLite file that holds each article under a number of its own.

Rows are numbered in the order of the ids' UTF-8 bytes. So sorting by row sorts by id, and the order
in which the articles are read does not matter. An article keeps its number from build to build
while its row may change, so that a small build can copy the file and change a few articles in it.
A second file says which number each row has.
"""

import sqlite3
import weakref
from collections.abc import Iterable, Iterator
from contextlib import closing, suppress
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from index.errors import BuildError
from index.files import load_array, open_sqlite
from recommender.article import Article

ARTICLES = "articles.sqlite"
NUMBERS = "article_numbers.npy"
"""Shape (n,), int32: the number of each row's article in the store and in the full-text index."""

_ADAPTER = TypeAdapter(Article)


def to_bytes(article: Article) -> bytes:
    """Encode an article as the JSON in which the article store keeps it, with every field."""
    return _ADAPTER.dump_json(article)


class ArticleStore:
    """Reads the articles of a build from its SQLite file.

    Args:
        path: The SQLite file, which is opened read-only. A second file beside it says under which
            number it holds the article of each row.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._database = open_sqlite(path)
        weakref.finalize(self, self._database.close)  # it refers to itself: a circle
        self._numbers = load_array(path.with_name(NUMBERS))

    def __len__(self) -> int:
        return len(self._numbers)

    def __getitem__(self, row: int) -> Article:
        if not 0 <= row < len(self):
            raise IndexError(f"there is no row {row} among {len(self)} rows")
        return next(self.several([row]))

    def __iter__(self) -> Iterator[Article]:
        return map(self._article, self.kept())

    def __reduce__(self) -> tuple[type["ArticleStore"], tuple[Path]]:
        """Pickle only the path: another process opens the file again."""
        return ArticleStore, (self._path.resolve(),)

    def kept(self, rows: Iterable[int] | None = None) -> Iterator[bytes]:
        """Yield the articles in some rows, by default in all, as :func:`to_bytes` encodes them."""
        for row in range(len(self)) if rows is None else rows:
            statement = "SELECT data FROM articles WHERE number = ?"
            try:
                found = self._database.execute(statement, (int(self._numbers[row]),)).fetchone()
            except sqlite3.Error as error:
                raise BuildError(f"{self._path} can't be read: {error}") from error
            if found is None:
                raise BuildError(f"{self._path} lacks the article of row {row}; make a new build")
            yield found[0]

    def several(self, rows: Iterable[int]) -> Iterator[Article]:
        """Yield the articles in several rows, in the order of ``rows``."""
        return map(self._article, self.kept(rows))

    def sample(self, count: int) -> Iterator[Article]:
        """Yield a sample of about ``count`` articles, evenly spread over all rows."""
        return self.several(range(0, len(self), max(1, len(self) // count)))

    def close(self) -> None:
        """Close the SQLite file."""
        self._database.close()

    def _article(self, data: bytes) -> Article:
        try:
            return _ADAPTER.validate_json(data)
        except ValidationError as error:
            raise BuildError(
                f"{self._path} contains an article that can't be read: {error}; make a new build"
            ) from error


_SETTLED = "SELECT id, settled FROM seen WHERE settled > 0"


def read_settled(path: Path) -> dict[str, int]:
    """Return, by article id, the number of the newest push that a source has caught up with.

    Pushes of an article over the API are numbered. Those up to this number never count again.

    Args:
        path: The article store of a build.
    """
    return _settled(path, _SETTLED)


def settled_number(path: Path, article_id: str) -> int:
    """Return the number of the newest push of an article that a source has caught up with.

    Pushes of an article over the API are numbered. Those up to this number never count again; it is
    0 if a source has caught up with none.

    Args:
        path: The article store of a build.
        article_id: The article's id.
    """
    return _settled(path, _SETTLED + " AND id = ?", article_id).get(article_id, 0)


def _settled(path: Path, query: str, *values: str) -> dict[str, int]:
    with closing(open_sqlite(path)) as database, suppress(sqlite3.OperationalError):
        return dict(database.execute(query, values))
    return {}
