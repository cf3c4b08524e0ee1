"""Folders of pages, one article a file: finds, reads and decodes the files."""

from __future__ import annotations

import codecs
import errno
import os
import re
from abc import abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

from index.articles.record import Record, RecordProblem
from index.errors import SourceError
from index.sources.parser_process import parse_record
from index.sources.regular_file import NotRegularError, open_regular
from index.sources.source import PathSource, SplitSource

MAX_PAGE_BYTES = 4 * 1024 * 1024
"""A larger page is left out and reported: it is no article."""

_CHARSET = re.compile(rb"""<meta[^>]{0,200}charset\s*=\s*["']?([\w-]{1,40})""", re.IGNORECASE)
_NO_FILE = (errno.ENOENT, errno.ELOOP, errno.ENOTDIR)
_MAGIC = re.compile(r"[*?\[]")


class PageError(Exception):
    """A page that can't be used.

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
        id: The path below the folder without its suffix (``"2026/my-post"``), or the folder's for
            an ``index`` file; used where the page states no id.
        text: Its content.
    """

    path: Path
    id: str
    text: str


RawPage = tuple[Path, str, bytes]
"""A file, the id from its path, and its content, cut one byte above :data:`MAX_PAGE_BYTES`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PageFolderSource(PathSource, SplitSource):
    """A folder of pages of one kind; a kind says how a page is parsed.

    Attributes:
        suffixes: Which files of a folder are pages.
        path: A folder (all pages below it), a glob (``"site/**/*.html"``) or one file.
    """

    suffixes: ClassVar[tuple[str, ...]]

    def split(
        self,
    ) -> tuple[Iterator[RawPage | RecordProblem], Callable[[Any], Record | RecordProblem]]:
        """See :class:`~index.sources.source.SplitSource`: files with their content."""
        return _read_pages(self.path, self.suffixes), partial(_parse_raw_page, self.parse_page)

    @abstractmethod
    def parse_page(self, page: Page) -> Record:
        """The record of a page.

        Raises:
            PageError: If the page can't be used.
        """
        ...


def _read_pages(location: str, suffixes: tuple[str, ...]) -> Iterator[RawPage | RecordProblem]:
    """Every page of a folder or glob, in the order of their paths.

    Raises:
        SourceError: If there is no such page, or a folder or file can't be read.
    """
    base, paths = _find(location, suffixes)
    for path, refusal in paths:
        if refusal:
            yield _problem(path, "link", refusal)
            continue
        try:
            with open_regular(path) as file:
                content = file.read(MAX_PAGE_BYTES + 1)
        except OSError as error:
            reason = error.strerror or str(error)
            if not isinstance(error, NotRegularError) and error.errno not in _NO_FILE:
                raise SourceError(f"{display_path(path)} can't be read: {reason}") from error
            yield _problem(path, "unreadable", f"can't be read: {reason}")
        else:
            yield path, _page_id(path, base), content


def _parse_raw_page(
    parse: Callable[[Page], Record], raw: RawPage | RecordProblem
) -> Record | RecordProblem:
    """Parse what :func:`_read_pages` gave, in the parsers' process."""
    if isinstance(raw, RecordProblem):
        return raw
    path, page_id, content = raw
    if len(content) > MAX_PAGE_BYTES:
        return _problem(path, "page-too-long", f"the page is longer than {MAX_PAGE_BYTES} bytes")
    return parse_record(display_path(path), _parse_page, parse, path, page_id, content)


def _parse_page(
    parse: Callable[[Page], Record], path: Path, page_id: str, content: bytes
) -> Record | RecordProblem:
    try:
        return parse(Page(path=path, id=page_id, text=_decoded(content)))
    except PageError as error:
        return _problem(path, error.reason, str(error))


def literal(text: str) -> str:
    """Plain text with markup characters escaped, so that cleaning takes nothing out of it."""
    return text.replace("&", "&amp;").replace("<", "&lt;")


def _problem(path: Path, reason: str, message: str) -> RecordProblem:
    return RecordProblem(location=display_path(path), reason=reason, message=message)


def display_path(path: Path) -> str:
    """A path for messages, also where its name is not valid UTF-8."""
    return os.fsencode(path).decode(errors="replace")


def _find(location: str, suffixes: tuple[str, ...]) -> tuple[Path, list[tuple[Path, str]]]:
    """The folder that ids are relative to, and its files, each with the reason if it is refused."""
    given = Path(location)
    try:
        if given.is_dir():
            base, found = given, _walk(given, ("**", "*"), suffixes)
        elif given.exists():
            base, found = given.parent, {given: ""}
        else:
            parts = given.parts
            fixed = next((at for at, part in enumerate(parts) if _MAGIC.search(part)), len(parts))
            base = Path(*parts[:fixed])
            found = _walk(base, parts[fixed:], ("",)) if base.is_dir() else {}
    except OSError as error:
        name = display_path(Path(error.filename or location))
        raise SourceError(f"{name} can't be read: {error.strerror or error}") from error
    if not found:
        raise SourceError(
            f"{location} holds no page; give a folder with {' or '.join(suffixes)} files, a glob "
            "such as 'site/**/*.html', or one file"
        )
    return base, sorted(found.items())


def _walk(base: Path, pattern: tuple[str, ...], suffixes: tuple[str, ...]) -> dict[Path, str]:
    """The files below a folder that match a pattern, each with the reason if it is refused.

    Symbolic links are followed to files inside the folder only: a link may lead to itself, to
    files that are no pages of the site, or to the machine's own files.
    """
    found: dict[Path, str] = {}
    inside = os.path.join(os.path.realpath(base), "")  # noqa: PTH118 - ends with a slash
    all_names = pattern == ("**", "*")
    pending = [(base, pattern)] if pattern else []
    while pending:
        folder, (part, *rest) = pending.pop()
        if part == "**":
            pending.append((folder, tuple(rest or "*")))
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.name.startswith(".") and not (all_names or part.startswith(".")):
                    continue
                if part != "**" and not fnmatchcase(entry.name, part):
                    continue
                path, last = folder / entry.name, not rest and part != "**"
                linked = entry.is_symlink()
                if path.is_dir() if linked else entry.is_dir():
                    if not last and linked:
                        found[path] = "a link to a folder, which is not followed"
                    elif not last:
                        pending.append((path, (part, *rest) if part == "**" else tuple(rest)))
                elif last and entry.name.lower().endswith(suffixes):
                    leads_out = linked and not os.path.realpath(path).startswith(inside)
                    found[path] = "a link that leads out of the folder" if leads_out else ""
    return found


def _page_id(path: Path, base: Path) -> str:
    relative = path.relative_to(base)
    name = relative.as_posix()
    name = name[: len(name) - len(relative.suffix)]
    folder, _, last = name.rpartition("/")
    return folder if last == "index" and folder else name


def _decoded(content: bytes) -> str:
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
