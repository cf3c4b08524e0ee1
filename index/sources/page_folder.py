"""Finds, reads and decodes the files of a folder of pages, one article per file."""

import errno
import os
import re
import stat
import unicodedata
from abc import abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path
from typing import ClassVar
from urllib.parse import quote

from index.articles.record import Record, RecordProblem, SourceItem
from index.errors import RecordError, SourceError, raised_as
from index.sources.encodings import decode, markup_encoding
from index.sources.file_links import with_file_links
from index.sources.page_language import PagePath, read_languages, read_page_path, translated_bases
from index.sources.parser_process import parse_record
from index.sources.regular_file import NotRegularError, open_regular
from index.sources.source import PathSource, SplitItems, SplitSource

MAX_PAGE_BYTES = 4 * 1024 * 1024
"""Largest page in bytes; larger ones are skipped and reported, as they can't be articles."""

_NO_FILE = (errno.ENOENT, errno.ELOOP, errno.ENOTDIR)
_LEADS_OUT = "it is a link that leads out of the folder"
_MARKED = re.compile(r"[._].*|node_modules")
_DRAFT = re.compile(r"(^|/)((drafts?|unpublished)/|draft_[^/]*$)|\.draft\.\w+$", re.IGNORECASE)
_MAGIC = re.compile(r"[*?\[]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A page as it was read from a file or fetched.

    Attributes:
        path: The file.
        content: The file's first bytes, at most MAX_PAGE_BYTES + 1.
        where: The id and language by the path. The id, if the page states none, is the path
            relative to the folder, without its suffix (``"2026/my-post"``); for an ``index`` file,
            the path of the file's folder.
        file: The path relative to the folder that is read, with ``/``.
        shares_name: Whether an earlier page has the same id or, apart from dates, the same name.
        url: The address that the page was fetched from; empty for a file.
        charset: The encoding that the server named; empty if none.
        robots: The server's header ``X-Robots-Tag``, its rules for search engines; empty if none.
        refresh: The server's header ``Refresh``, which leads to another page; empty if none.
    """

    path: Path
    content: bytes
    where: PagePath
    file: str = ""
    shares_name: bool = False
    url: str = ""
    charset: str = ""
    robots: str = ""
    refresh: str = ""

    @property
    def is_draft(self) -> bool:
        """Whether the path marks a draft: ``drafts/a.md``, ``a.draft.md`` or ``draft_a.html``."""
        return _DRAFT.search(self.file) is not None

    @property
    def address(self) -> str:
        """The page's URL; for a file, the path it has if the folder is the root of the site."""
        if self.url:
            return self.url
        folder, _, name = self.file.rpartition("/")
        is_index = name.rpartition(".")[0] == "index"
        return quote(f"/{folder}/" if folder else "/") + ("" if is_index else quote(name))

    def text(self, *, is_markup: bool = False) -> str:
        """Returns the page's decoded content.

        Args:
            is_markup: Whether the content is HTML or XML, which may declare its encoding.

        Raises:
            RecordError: If the content is too long, or can't be decoded.
        """
        if len(self.content) > MAX_PAGE_BYTES:
            raise RecordError("page-too-long", f"the page is longer than {MAX_PAGE_BYTES} bytes")
        own = markup_encoding(self.content) if is_markup else ""
        invalid = partial(RecordError, "invalid-encoding")
        with raised_as(invalid, "the page can't be decoded: ", ValueError):
            return decode(self.content, self.charset, own, lenient=bool(self.url))


@dataclass(frozen=True, slots=True, kw_only=True)
class PageFolderSource(PathSource, SplitSource):
    """Base class for folders of pages; a subclass says how one page is parsed.

    Attributes:
        suffixes: The file name suffixes of pages.
        path: A folder, of which all pages in all subfolders are read; a glob
            (``"site/**/*.html"``); or one file.
        languages: The site's languages, which folders (``de/page.md``) or suffixes
            (``page.de.md``) name.
        related_headings: Headings of the site's blocks of related links, besides usual ones such as
            "See also" in many languages.
    """

    related_headings: tuple[str, ...] = ()
    suffixes: ClassVar[tuple[str, ...]]
    languages: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "languages", read_languages(self.languages))

    def split(self) -> SplitItems:
        """Returns the contents of the files, and the function that parses one of them."""
        return read_pages(self), partial(parse_raw_page, self.parse_page)

    @abstractmethod
    def parse_page(self, location: str, page: Page) -> Record:
        """Parses a page into a record.

        Args:
            location: Where the page is, for messages.
            page: The page.

        Raises:
            RecordError: If the page can't be used.
        """
        ...


def read_pages(
    source: PageFolderSource,
    has_folder: Callable[[str], bool] = lambda _: False,
    *,
    has_sections: bool = False,
) -> Iterator[Page | RecordProblem]:
    """Yields every page of a source's folder or glob, or a problem with it, sorted by path.

    Args:
        source: The source, with path, file suffixes and languages.
        has_folder: Called with the name of a folder that begins with a dot or ``_``; returns
            whether the site makes pages of it.
        has_sections: Whether files named ``_index`` are read, which may be articles.

    Raises:
        SourceError: If there are no pages, or the folder or file can't be read.
    """
    location = source.path
    base, paths = _find(location, source.suffixes)
    named = Path(location).parts[len(base.parts) :]
    translated = translated_bases(_name(path, base) for path, _ in paths)
    vanished: Path | None = None
    for path, refusal in paths:
        relative = path.relative_to(base)
        *folders, name = relative.parts
        marked = [one for one in folders if _MARKED.fullmatch(one) and not has_folder(one)]
        is_section = name.startswith("_index.")
        marked += [name] if name[0] in "._" and not is_section else []
        if refusal:
            yield _problem(path, "link", refusal)
            continue
        if is_section and not has_sections:
            yield _problem(path, "list-page", "a section's page, which lists others")
            continue
        if other := set(marked).difference(named):
            message = "its name begins with a dot or _, or is node_modules"
            yield _problem(path, "not-content", f"no page is made of {min(other)}: {message}")
            continue
        try:
            with open_regular(path) as file:
                content = file.read(MAX_PAGE_BYTES + 1)
        except OSError as error:
            reason = error.strerror or str(error)
            if not isinstance(error, NotRegularError) and error.errno not in _NO_FILE:
                raise SourceError(f"{display_path(path)} can't be read: {reason}") from error
            vanished = path
            _check_folder(path.parent, path)
            yield _problem(path, "unreadable", f"can't be read: {reason}")
        else:
            where = read_page_path(_name(path, base), source.languages, translated)
            if where.base:  # another source may have a file of the same name
                where = where._replace(base=f"{location}: {where.base}")
            yield Page(path=path, content=content, where=where, file=relative.as_posix())
    if vanished is not None:
        _check_folder(base, vanished)


def _check_folder(folder: Path, vanished: Path) -> None:
    """Checks that the folder of a page that can't be opened is still there.

    Raises:
        SourceError: If it is not: what else was in it can't be read either.
    """
    if not folder.is_dir():
        raise SourceError(
            f"{display_path(folder)} was removed while it was read, with {display_path(vanished)}; "
            "build again when the folder is complete"
        )


def parse_raw_page(parse: Callable[[str, Page], Record], page: Page) -> SourceItem:
    """Parses a page in the parser process; returns its record, or a problem.

    Args:
        parse: Called with the page's location, for messages, and the page; returns its record.
        page: The page.
    """
    return parse_record(display_path(page.path), _parse_page, parse, page)


def _parse_page(location: str, parse: Callable[[str, Page], Record], page: Page) -> Record:
    """Parses a page, and adds the language and translation key of its path, if it says no other."""
    record = parse(location, page)
    values = with_file_links(record.values, page.file)
    if page.where.base and not values.get("translation_key"):
        values["translation_key"] = page.where.base
    if page.where.language and (record.language_from == "page" or not values.get("language")):
        values["language"] = page.where.language
        record = replace(record, language_from="path")
    return replace(record, values=values)


def _problem(path: Path, reason: str, message: str) -> RecordProblem:
    return RecordProblem(location=display_path(path), reason=reason, message=message)


def display_path(path: Path) -> str:
    """Returns a path as text for messages, even if the path is not valid UTF-8."""
    return os.fsencode(path).decode(errors="replace")


def _find(location: str, suffixes: tuple[str, ...]) -> tuple[Path, list[tuple[Path, str]]]:
    """Finds the pages of a folder, a glob or a file.

    Returns:
        The folder that ids are relative to; and the path of each file, sorted, with the reason why
        it is refused ("" if it is not).
    """
    given = Path(location)
    try:
        if _is_folder(given):
            base, found = given, _walk(given, ("**", "*"), suffixes)
        elif given.exists():
            base, found = given.parent, {given: ""}
        else:
            base = _fixed_part(given)
            pattern = given.parts[len(base.parts) :]
            found = _walk(base, pattern, ("",)) if base.is_dir() else {}
    except OSError as error:
        name = display_path(Path(error.filename or location))
        raise SourceError(f"{name} can't be read: {error.strerror or error}") from error
    if not found:
        is_there = given.exists() or given != _fixed_part(given)
        said = (
            f"{location} holds no pages" if is_there else f"there is no folder or file {location}"
        )
        raise SourceError(
            f"{said}; give a folder with {' or '.join(suffixes[:3])} files, a glob such as "
            "'site/**/*.html', or one file"
        )
    return base, sorted(found.items())


def folder_of(location: str) -> Path:
    """Returns the folder of a path: itself, a file's, or a glob's up to the first wildcard."""
    base = Path(location) if Path(location).exists() else _fixed_part(Path(location))
    return base if base.is_dir() else base.parent


def _fixed_part(path: Path) -> Path:
    """Returns the part of a glob before its first wildcard; a path without one unchanged."""
    parts = path.parts
    fixed = next((at for at, part in enumerate(parts) if _MAGIC.search(part)), len(parts))
    return Path(*parts[:fixed])


def _walk(base: Path, pattern: tuple[str, ...], suffixes: tuple[str, ...]) -> dict[Path, str]:
    """Finds the files below a folder that match a pattern.

    Symbolic links are followed only to files inside the folder: a link may lead to itself, to
    files that are not pages of the site, or to the machine's own files.

    Returns:
        The reason why each file is refused, by path; "" for a file that may be read.
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
                refusal = _refusal(path, inside) if linked else ""
                if not linked and entry.is_dir():
                    if not last:
                        pending.append((path, (part, *rest) if part == "**" else tuple(rest)))
                elif refusal not in ("", _LEADS_OUT) or (
                    last and entry.name.lower().endswith(suffixes)
                ):
                    found[path] = refusal
    return found


def _refusal(link: Path, inside: str) -> str:
    """Returns why a symbolic link is not followed; "" if it leads to a file inside the folder.

    Raises:
        OSError: If it can't be told where the link leads.
    """
    try:
        target = os.path.realpath(link, strict=True)
    except OSError as error:
        if error.errno not in _NO_FILE:
            raise
        return f"it is a link that can't be followed: {error.strerror}"
    if Path(target).is_dir():
        return "it is a link to a folder, which is not followed"
    return "" if target.startswith(inside) else _LEADS_OUT


def _is_folder(path: Path) -> bool:
    """Tells whether a path is a folder; unlike ``Path.is_dir``, only if it can be told.

    Raises:
        OSError: If it can't, as in a loop of symbolic links; not if there is no such path.
    """
    try:
        return stat.S_ISDIR(path.stat().st_mode)
    except FileNotFoundError:
        return False


def _name(path: Path, base: Path) -> str:
    """Returns a page's path below the folder, without its suffix."""
    relative = path.relative_to(base)
    name = unicodedata.normalize("NFC", relative.as_posix())  # macOS stores names decomposed
    return name[: len(name) - len(relative.suffix)]
