"""The base of the presets: what generators do alike with one page of their site."""

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
_LETTERS = {"Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Mc", "Me", "Nd"}
_DATE_PARTS = [
    pair.split("=")
    for pair in (
        "year=%Y short_year=%y month=%m i_month=%-m short_month=%b long_month=%B monthname=%B"
        " day=%d i_day=%-d short_day=%a long_day=%A weekdayname=%A weekday=%w w_day=%u y_day=%j"
        " yearday=%-j week=%V w_year=%G hour=%H minute=%M second=%S"
    ).split()
]
"""What placeholders of Jekyll's and Hugo's patterns take from a page's date."""

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
        base: What the addresses of the site begin with.
        time: The page's date or time.
    """

    path: PurePosixPath
    given: dict[str, Any]
    values: dict[str, Any]
    link: str = ""
    base: str = ""
    time: dt.datetime | dt.date | None = None

    def add_defaults(self, values: Mapping[str, Any]) -> None:
        """Adds the values that the site gives to pages that have none of their own."""
        for name, value in values.items():
            self.given.setdefault(str(name).casefold(), value)
            self.values.setdefault(str(name), value)

    def read_name(
        self, name: str, *dates: Any, zone: str = "", dated: bool = True, waits: bool = False
    ) -> str:
        """Reads the page's slug and time, and returns the name without its date.

        Args:
            name: The name of the page's file or folder.
            dates: The dates that the page gives; the first that can be read holds.
            zone: The time zone of the site's dates.
            dated: Whether the name may begin with a date.
            waits: Whether the page is hidden until its time.
        """
        found = DATED_NAME.fullmatch(name) if dated else None
        name = found[2] if found else name
        self.values["slug"] = str(self.given.get("slug") or name)
        for date in (*dates, found and found[1]):
            self.time = self.time or read_time(date, zone)
        if self.time is not None:
            self.values["date"] = self.time
            if waits:
                self.values.setdefault("visible_from", self.time)
        return name

    def date_parts(self) -> dict[str, str]:
        """Returns what placeholders of patterns take from the page's time."""
        return {name: self.time.strftime(form) for name, form in _DATE_PARTS if self.time}

    def set_link(self, path: str, *, own: bool = False) -> None:
        """Sets the page's address.

        Args:
            path: The path on the site; empty if it is not known.
            own: Whether the page itself says what it is.
        """
        self.values.pop("url", None)
        self.link = address(self.base, path) if path else ""
        if own and self.link:
            self.values["url"] = self.link


@dataclass(frozen=True, slots=True, kw_only=True)
class SitePreset:
    """What a generator makes of pages; this one is for pages of no known generator.

    Attributes:
        root: The folder of the site's content, which addresses are relative to.
        config: The site's configuration, as far as it is written down and not computed.
        remarks: What people must know of the site, such as addresses that code computes.
        above: The folder that is read, relative to the site's content.
        below: The site's content, relative to the folder that is read.
    """

    name: ClassVar[str] = "none"
    root: Path
    config: Mapping[str, Any] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()
    above: str = ""
    below: str = ""

    @classmethod
    def find(cls, folder: Path) -> Self | None:  # noqa: ARG003 - presets look there
        """Returns the preset for a site whose configuration is in a folder, if there is one."""
        return None

    @classmethod
    def assume(cls, folder: Path) -> Self:
        """Returns the preset for a site whose configuration is not there."""
        return cls(root=folder)

    def setting(self, name: str, default: str = "") -> str:
        """Returns a text of the site's configuration."""
        value = self.config.get(name)
        return value if isinstance(value, str) else default

    def has_folder(self, name: str) -> bool:  # noqa: ARG002 - presets know some
        """Tells whether pages are made of a folder whose name begins with a dot or ``_``."""
        return False

    def place(self, page: SitePage) -> None:
        """Completes a page's values, and gives it its link.

        Args:
            page: The page, its path relative to the folder that is read.

        Raises:
            PageError: If the page is no article of the site.
        """
        for part in page.path.parts[:-1]:
            if part.startswith((".", "_")) and not self.has_folder(part):
                raise not_content(f"it lies in {part}, a folder that no page is made of")
        if page.path.name.startswith((".", "_")) and not page.path.name.startswith("_index."):
            raise not_content("no page is made of a file whose name begins with a dot or _")
        if not page.path.is_relative_to(self.below):
            raise not_content(f"it lies outside of {self.below}, the folder of the site's content")
        page.path = PurePosixPath(self.above, page.path.relative_to(self.below))
        self.complete(page)

    def complete(self, page: SitePage) -> None:
        """Completes a page whose path is relative to the site's content.

        Raises:
            PageError: If the page is no article of the site.
        """
        path = page.given.get("path")
        if isinstance(path, str) and not page.values.get("url") and path.strip("/ "):
            page.set_link(f"{path.strip('/ ')}/", own=True)  # as Zola and Gatsby mean it


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


def find_text(pattern: re.Pattern[str], text: str) -> str:
    """Returns the first group of the first match in a file of code; empty if there is none."""
    found = pattern.search(text)
    return found[1] if found else ""


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


def fill_pattern(pattern: str, parts: Mapping[str, str]) -> str:
    """Returns a pattern of addresses with its placeholders filled, such as ``:year``.

    The longest name that fits is taken. The pattern is "" if it names what there is no part for.
    """
    names = re.compile(f":({'|'.join(sorted(parts, key=len, reverse=True))})")
    if re.search(r":[a-z]|\[", names.sub("", pattern)):
        return ""
    return names.sub(lambda found: parts[found[1]], pattern)


def read_time(value: Any, zone: str = "") -> dt.datetime | dt.date | None:
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


def keep_letters(text: str, kept: str, other: str = "") -> str:
    """Returns a text with ``other`` for all but letters, marks, digits and what else is kept."""
    return "".join(
        one if one in kept or unicodedata.category(one) in _LETTERS else other for one in text
    )
