"""Sources that are a folder of pages, one article a file."""

from __future__ import annotations

import codecs
import glob
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from index.sources.source import Problem, Record
from recommender.errors import SourceError

MAX_PAGE_BYTES = 4 * 1024 * 1024
"""A larger page is left out and reported: it is no article."""

_CHARSET = re.compile(rb"""<meta[^>]{0,200}charset\s*=\s*["']?([\w-]{1,40})""", re.IGNORECASE)


class PageError(Exception):
    """One page can't be used.

    Args:
        reason: Short key for counting.
        message: For people.
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A file that was read.

    Attributes:
        path: The file.
        id: Its path below the folder without suffix (``"2026/my-post"``), which a page's own
            id replaces; ``index`` files go by their folder's name.
        text: Its content.
    """

    path: Path
    id: str
    text: str


RawPage = tuple[Path, str, bytes]
"""A file, the id by its path, and what it holds (one byte more than allowed of a larger one)."""


def read_pages(location: str, suffixes: tuple[str, ...]) -> Iterator[RawPage | Problem]:
    """Every page of a folder or glob, in the order of their paths.

    Args:
        location: A folder (all pages below it), a glob (``"site/**/*.html"``) or one file.
        suffixes: Which files of a folder are pages.

    Raises:
        SourceError: If there is no such page.
    """
    base, paths = _find(location, suffixes)
    for path in paths:
        try:
            with path.open("rb") as file:
                content = file.read(MAX_PAGE_BYTES + 1)
        except OSError as error:
            yield _problem(path, "unreadable", f"can't be read: {error.strerror or error}")
        else:
            yield path, _page_id(path, base), content


def make_record(parse: Callable[[Page], Record], found: RawPage | Problem) -> Record | Problem:
    """A record of what :func:`read_pages` found.

    Args:
        parse: Reads a page; raises :class:`PageError`.
        found: The page.
    """
    if isinstance(found, Problem):
        return found
    path, page_id, content = found
    try:
        return parse(Page(path=path, id=page_id, text=_decoded(content)))
    except PageError as error:
        return _problem(path, error.reason, str(error))


def literal(text: str) -> str:
    """Text that is text already, so that nothing in it is taken for markup later."""
    return text.replace("&", "&amp;").replace("<", "&lt;")


def _problem(path: Path, reason: str, message: str) -> Problem:
    return Problem(place=place_of(path), field="", reason=reason, message=message)


def place_of(path: Path) -> str:
    """A path for messages, also where its name is not valid UTF-8."""
    return os.fsencode(path).decode(errors="replace")


def _find(location: str, suffixes: tuple[str, ...]) -> tuple[Path, list[Path]]:
    """The folder that ids are relative to, and the files below it."""
    given = Path(location)
    if given.is_dir():
        base = given
        found = [
            Path(folder, name)
            for folder, _, names in os.walk(given)
            for name in names
            if name.lower().endswith(suffixes)
        ]
    elif given.is_file():
        base, found = given.parent, [given]
    else:
        head = re.split(r"[*?\[]", location, maxsplit=1)[0]
        base = Path(head if head.endswith("/") else os.path.dirname(head))  # noqa: PTH120 - a glob
        found = [path for path in map(Path, glob.iglob(location, recursive=True)) if path.is_file()]  # noqa: PTH207 - absolute globs
    if not found:
        raise SourceError(
            f"{location} holds no page; give a folder with {' or '.join(suffixes)} files, a glob "
            "such as 'site/**/*.html', or one file"
        )
    return base, sorted(found)


def _page_id(path: Path, base: Path) -> str:
    relative = path.relative_to(base).with_suffix("")
    if relative.name == "index" and relative.parent.name:
        relative = relative.parent
    return relative.as_posix()


def _decoded(content: bytes) -> str:
    if len(content) > MAX_PAGE_BYTES:
        raise PageError("page-too-long", f"the page is longer than {MAX_PAGE_BYTES} bytes")
    encoding = "utf-8"
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        encoding = "utf-16"
    elif content.startswith(codecs.BOM_UTF8):
        encoding = "utf-8-sig"
    elif found := _CHARSET.search(content[:2048]):
        encoding = found[1].decode()
    try:
        return content.decode(encoding)
    except (UnicodeError, LookupError) as error:
        # A page that names a wrong encoding is most often UTF-8.
        try:
            return content.decode()
        except UnicodeDecodeError:
            raise PageError("invalid-encoding", f"the page is not {encoding}: {error}") from None
