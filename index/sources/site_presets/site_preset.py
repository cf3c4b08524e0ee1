"""The base of the presets: what a generator makes of one page of its site."""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, ClassVar, Self, TypeGuard
from urllib.parse import quote, urlsplit
from zoneinfo import ZoneInfo

from index.articles.foreign_dates import DateError, DateReader
from index.errors import SourceError
from index.sources.front_matter import parse_table
from index.sources.page_folder import PageError

_SAFE = "/-._~!$&'()*+,;=:@"
_MAX_CONFIG = 64 * 1024
DATED_NAME = re.compile(r"(\d{4}-\d{1,2}-\d{1,2})[-_](.+)")
"""A file's name that begins with a date, as posts' names do: the date, and the rest."""


@dataclass(slots=True, kw_only=True)
class SitePage:
    """A page, and what a preset makes of it.

    Attributes:
        path: The file, relative to the folder of the site's content.
        given: The page's front matter, by names in lower case.
        values: The values of the page's record.
        link: The page's address on the site; empty if it is not known.
        has_own_link: Whether the page itself says what its address is.
        base: What the addresses of the site begin with.
    """

    path: PurePosixPath
    given: dict[str, Any]
    values: dict[str, Any]
    link: str = ""
    has_own_link: bool = False
    base: str = ""

    def hide(self, status: str = "hidden") -> None:
        """Keeps the page from readers."""
        self.values["status"] = status


@dataclass(frozen=True, slots=True, kw_only=True)
class SitePreset:
    """What a generator makes of pages; this one is for pages of no known generator.

    Attributes:
        root: The folder of the site's content, which addresses are relative to.
        config: The site's configuration, as far as it is written down and not computed.
        remarks: What people must know of the site, such as addresses that code computes.
    """

    name: ClassVar[str] = "none"
    root: Path
    config: Mapping[str, Any] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()

    @classmethod
    def find(cls, folder: Path) -> Self | None:  # noqa: ARG003 - presets look there
        """Returns the preset for a site whose configuration is in a folder, if there is one."""
        return None

    @classmethod
    def assume(cls, folder: Path) -> Self:
        """Returns the preset for a site whose configuration is not there."""
        return cls(root=folder)

    def has_folder(self, name: str) -> bool:  # noqa: ARG002 - presets know some
        """Tells whether pages are made of a folder whose name begins with a dot or ``_``."""
        return False

    def place(self, page: SitePage) -> None:
        """Completes a page's values, and gives it its link.

        Raises:
            PageError: If the page is no article of the site.
        """
        path = page.given.get("path")
        if isinstance(path, str) and not page.values.get("url") and path.strip("/ "):
            page.link = address(path.strip("/ "), "/")  # as Zola and Gatsby mean it
            page.has_own_link = True


def not_content(message: str) -> PageError:
    """Returns the error for a file that the site's generator makes no page of."""
    return PageError("not-content", message)


def list_page(message: str) -> PageError:
    """Returns the error for a page that lists others."""
    return PageError("list-page", message)


def read_config(folder: Path, *names: str) -> dict[str, Any] | None:
    """Returns the first of a folder's configuration files that is there; ``None`` if none is.

    Raises:
        SourceError: If it can't be read.
    """
    for name in names:
        path = folder / name
        with suppress(FileNotFoundError, NotADirectoryError):
            try:
                text = path.read_text("utf-8-sig", errors="replace")
                return parse_table(path.suffix[1:].lower(), text[:_MAX_CONFIG])
            except (PageError, IsADirectoryError, PermissionError) as error:
                raise SourceError(
                    f'{path}: {error}; correct it, or read the folder with preset = "none"'
                ) from error
    return None


def read_text(path: Path) -> str | None:
    """Returns the beginning of a file of the site's code; ``None`` if it is not there."""
    try:
        return path.read_bytes()[:_MAX_CONFIG].decode(errors="replace")
    except OSError:
        return None


def folded(table: Any) -> dict[str, Any]:
    """Returns a table with its names in lower case."""
    return {str(key).casefold(): value for key, value in table.items()} if is_table(table) else {}


def is_table(value: Any) -> TypeGuard[Mapping[str, Any]]:
    """Tells whether a value is a table of a configuration."""
    return isinstance(value, Mapping)


def base_path(*parts: Any) -> str:
    """Returns the path of a site's base address, without a slash at its end."""
    text = "".join(part.strip().rstrip("/") for part in parts if isinstance(part, str))
    try:
        return urlsplit(text).path.rstrip("/")
    except ValueError:
        return ""


def address(*parts: str) -> str:
    """Returns parts of a path joined, from the site's root, each segment percent-encoded."""
    path = re.sub(r"/{2,}", "/", "/" + "/".join(parts))
    return quote(path, safe=_SAFE, errors="replace")


def read_time(value: Any, zone: str | None = None) -> dt.datetime | dt.date | None:
    """Returns the date or time that a page gives, in a zone if one is named; ``None`` if none."""
    if isinstance(value, str) and len(value.strip()) > 10:
        with suppress(DateError):
            value = DateReader().instant(value)
    if isinstance(value, dt.datetime):
        with suppress(Exception):  # no such zone, or beyond the calendar
            if zone and value.tzinfo:
                return value.astimezone(ZoneInfo(zone))
        return value
    with suppress(DateError):
        return DateReader().date(value)
    return None


def words(value: Any, separator: str = ",") -> list[str]:
    """Returns a list of names that is written as a list, or as a text with separators."""
    if isinstance(value, str):
        value = value.split(separator)
    items = value if isinstance(value, list) else [] if value is None else [value]
    return [str(item).strip() for item in items if item is not None and str(item).strip()]


def ascii_slug(text: str) -> str:
    """Returns a text as lower-case Latin letters, digits and hyphens; empty if none are left."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-")
