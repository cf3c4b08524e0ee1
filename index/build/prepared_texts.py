"""The prepared texts of a build's articles: all in a file, or each prepared when it is read."""

from collections.abc import Iterator
from pathlib import Path

from index.articles.article_store import ArticleStore
from index.files import Blob, ends_path
from recommender.boilerplate import Boilerplate
from recommender.text import PreparedText, prepare


class StoredTexts:
    """The texts of a build's articles without boilerplate, by row; each is made when it is read.

    Args:
        store: The articles.
        boilerplate: The passages to remove from the texts.
    """

    def __init__(self, store: ArticleStore, boilerplate: Boilerplate) -> None:
        self._store, self._boilerplate = store, boilerplate

    def __len__(self) -> int:
        return len(self._store)

    def __getitem__(self, row: int) -> PreparedText:
        return prepare(self._store[row], self._boilerplate)

    def discard(self) -> None:
        """Do nothing: no file was written for these texts."""


class PreparedTexts:
    """The texts of a build's articles without boilerplate, by row, read from a file.

    The file keeps memory from growing with their number.

    Args:
        path: The data file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._blob = Blob(path)

    def __reduce__(self) -> tuple[type["PreparedTexts"], tuple[Path]]:
        """Pickle only the path; another process opens the file again."""
        return PreparedTexts, (self._path.resolve(),)

    def __len__(self) -> int:
        return len(self._blob)

    def __getitem__(self, row: int) -> PreparedText:
        return _decode(self._blob[row])

    def __iter__(self) -> Iterator[PreparedText]:
        return map(_decode, self._blob)

    def discard(self) -> None:
        """Remove the files of the prepared texts."""
        self._path.unlink()
        ends_path(self._path).unlink()


def _decode(data: bytes) -> PreparedText:
    title, _, body = data.decode().partition("\0")
    return PreparedText(title=title, body=body)
