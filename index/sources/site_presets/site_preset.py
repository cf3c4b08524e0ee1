"""The base of the presets: what generators do alike with one page of their site."""

import datetime as dt
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from fnmatch import translate
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any, ClassVar, Self
from urllib.parse import quote

from pathspec import GitIgnoreSpec

from index.articles.cleaning import literals
from index.articles.date_words import DateError
from index.articles.foreign_dates import DateReader, find_zone
from index.articles.language_tags import is_language
from index.articles.urls import split_url
from index.articles.word_table import load_table
from index.errors import RecordError, SourceError
from index.sources.front_matter import parse_table, split_front_matter
from index.sources.regular_file import NotRegularError, open_regular

_SAFE = "/-._~!$&'()*+,;=:@"
_MAX_CONFIG = 64 * 1024
_BRACES = re.compile(r"\\\{((?:[^{}\\]|\\[^{}])*)\\\}")
_COMMENT = re.compile(
    r"""("(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`)"""
    r"""|(?<!\\)/\*.*?\*/|(?<![:\\])//[^\n]*""",
    re.DOTALL,
)
"""A comment of code; or, as its group, a text in quotes, which may hold the same signs."""

_LEFT_OUT = re.compile(r"""\bexclude\s*:\s*(\[[^\]]*|["'`][^"'`\n]+["'`])""")
_QUOTED = re.compile(r"""["'`]([^"'`\n]+)["'`]""")
_CODE_TAG = re.compile(r"(?<=[\s\[])!(?:!python/[\w./:]+|[A-Za-z]\w*)(?=[\s\]])")
_LETTERS = {"Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Mc", "Me", "Nd"}
_DASHES = {"Pd", "Pi", "Pf", "Zs"}
_DATE_PARTS: dict[str, str] = load_table(__file__)

CODE = ("js", "mjs", "cjs", "ts", "mts")
"""The suffixes of files of code."""

POSTS = ("_posts", "_drafts")
"""The folders of posts of Jekyll and Hexo."""

LISTS = {"home", "archive", "archives", "categories", "tags", "category", "tag", "search"}
"""Layouts of pages that list others."""

not_content = partial(RecordError, "not-content")
"""Makes the error for a file of which the site's generator makes no page."""

DATED_NAME = re.compile(r"(\d{4}-\d{1,2}-\d{1,2})[-_](.+)")
"""A file's name that begins with a date, as posts' names do: the date, and the rest."""


@dataclass(slots=True, kw_only=True)
class SitePage:
    """A page of a site, with the values and address that the site's generator gives it.

    Attributes:
        path: The file, relative to the folder of the site's content.
        given: The values of the page's front matter, by names in lower case.
        values: The values of the page's record.
        read: Reads the fields of a record from values of front matter, by names in lower case.
        has_front: Whether the file begins with front matter, be it empty.
        body: The file's text without front matter.
        link: The page's address on the site; empty if it is not known.
        pattern: The pattern that the address is made from, such as ``/:year/:title``.
        base: The path that the addresses of the site begin with, such as ``/blog``.
        host: The scheme and host of the page's language, such as ``https://fr.example.org``; empty
            for the site's own.
        time: The page's date or time; ``None`` if unknown.
    """

    path: PurePosixPath
    given: dict[str, Any]
    values: dict[str, Any]
    read: Callable[[Mapping[str, Any]], dict[str, Any]] = dict
    has_front: bool = True
    body: str = ""
    link: str = ""
    pattern: str = ""
    base: str = ""
    host: str = ""
    time: dt.datetime | dt.date | None = None

    def add_defaults(self, values: Mapping[str, Any]) -> None:
        """Adds values that the site gives to its pages, where the page has none of its own."""
        own = self.values.keys() - {"tags"}  # tags and categories are joined
        for name, value in values.items():
            if value is None:
                continue
            if (key := str(name).casefold()) not in self.given:
                self.given[key] = value
                self.values.setdefault(str(name), value)
            elif isinstance(given := self.given[key], Mapping) and isinstance(value, Mapping):
                self.given[key] = self.values[str(name)] = {**value, **given}
                own.discard(str(name))
        given = {name: value for name, value in self.given.items() if value is not None}
        fields = self.read(given) if values else {}
        fields.pop("url", None)  # the preset makes the address
        self.values |= {name: value for name, value in fields.items() if name not in own}

    def text(self, name: str) -> str:
        """Returns the stripped text under a name in the front matter; "" if there is no text."""
        value = self.given.get(name)
        return value.strip() if isinstance(value, str) else ""

    def read_name(
        self, name: str, *dates: Any, zone: str = "", dated: bool = True, waits: bool = False
    ) -> str:
        """Sets the page's slug and time, and returns the name without its date.

        Args:
            name: The name of the page's file or folder.
            dates: The dates that the page gives; the first that can be read is taken.
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
        """Returns the parts of the page's time that fill placeholders, such as ``:year``."""
        return {name: self.time.strftime(form) for name, form in _DATE_PARTS.items() if self.time}

    def set_link(self, path: str, *, own: bool = False) -> None:
        """Sets the page's address.

        Args:
            path: The path on the site, or an address elsewhere; empty if it is not known.
            own: Whether the page itself states this address.
        """
        self.values.pop("url", None)
        elsewhere = path.startswith(("https://", "http://"))
        self.link = path if elsewhere or not path else self.host + address(self.base, path)
        if own and self.link:
            self.values["url"] = self.link


@dataclass(frozen=True, slots=True, kw_only=True)
class SitePreset:
    """A site generator's rules for pages; this base class is for sites of no known generator.

    Attributes:
        root: The folder of the site's content, which addresses are relative to.
        config: The site's configuration, as far as it is written down and not computed.
        base: The path that the addresses of the site begin with, such as ``/blog``.
        home: The site's own address by its configuration; ``None`` if it names none.
        language: The site's language by its configuration; ``None`` if it names none.
        above: The path of the folder that is read, relative to the site's content.
        below: The path of the site's content, relative to the folder that is read.
        shared: The values that the configuration gives to the pages of a folder, or to one page, by
            the path below the site's content.
        ignored: Regular expressions for the paths that the site's configuration leaves out.
        excluded: Patterns of such paths in the notation of ``.gitignore``.
        indexes: Names, without suffix, of files that are the page of their folder.
        by_name: Whether readers see a file's name as the title of a page that states none.
        maker: Whose code computes the addresses of a site that has no preset of its own.
        opt_in: The field that a page must state to be published; empty if none is needed.
        about: What the site is and shows, for people, if the preset's name doesn't say it.
    """

    name: ClassVar[str] = "none"
    is_mdx: ClassVar[bool] = False
    has_sections: ClassVar[bool] = False
    root: Path
    config: Mapping[str, Any] = field(default_factory=dict)
    base: str = ""
    home: Any = None
    language: Any = None
    above: str = ""
    below: str = ""
    shared: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    ignored: Sequence[str] = ()
    excluded: Sequence[GitIgnoreSpec] = ()
    indexes: Sequence[str] = ("index",)
    by_name: bool = False
    maker: str = ""
    opt_in: str = ""
    about: str = ""

    @classmethod
    def find(cls, folder: Path, *, named: bool = False) -> Self | None:
        """Returns the preset for a site whose configuration is in a folder.

        Args:
            folder: The folder.
            named: Whether the user chose the preset by name; if not, ``None`` is returned where
                there is no configuration.
        """
        return cls(root=folder) if named else None

    def setting(self, name: str, default: str = "") -> str:
        """Returns the text under a name in the site's configuration, or ``default``."""
        value = self.config.get(name)
        return value if isinstance(value, str) else default

    def has_folder(self, name: str) -> bool:
        """Tells whether the site has pages in a folder whose name begins with a dot or ``_``."""
        return self.name == SitePreset.name and name == "_posts"

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages that a suffix of a file's name may say, as in ``page.de.md``."""
        return ()

    @property
    def zone(self) -> str:
        """The time zone of times that pages give without one; empty if the site names none."""
        return self.setting("timezone")

    @property
    def is_at_root(self) -> bool:
        """Whether the folder that is read holds a known generator's whole site."""
        return self.name != SitePreset.name and self.above in ("", ".")

    def place(self, page: SitePage) -> str:
        """Sets a page's values and address by the rules of the site's generator.

        Args:
            page: The page, with a path relative to the folder that is read.

        Returns:
            Why the page's address is not known, with the remedy; empty if it is.

        Raises:
            RecordError: If the page is no article of the site.
        """
        if not page.path.is_relative_to(self.below):
            raise not_content(f"the file is not in {self.below}, the folder of the site's content")
        page.base = self.base
        page.path = PurePosixPath(self.above, page.path.relative_to(self.below))
        path = page.path.as_posix()
        is_ignored = any(_is_found(one, path) for one in self.ignored)
        if is_ignored or any(one.match_file(path) for one in self.excluded):
            raise not_content("the site's configuration excludes this file")
        is_list = page.text("layout") == "home" or isinstance(page.given.get("pagination"), Mapping)
        is_first = self.name != SitePreset.name and page.path.with_suffix("").as_posix() == "index"
        if is_list or is_first or page.path.name[0] == "[" or _is_for_errors(page):
            raise list_page()
        for place in (page.path.with_suffix(""), *page.path.parents):
            page.add_defaults(self.shared.get(place.as_posix(), {}))
        self.complete(page)
        given = page.given.get("authors") or page.given.get("author")
        if authors := named_authors(self.config.get("authors"), given):
            page.values["authors"] = authors
        maker = self.maker or self.name
        if page.link or maker == SitePreset.name:
            return ""
        made_from = f" from {page.pattern!r:.100}" if page.pattern else ""
        # Of Quartz and Statamic it would turn off more: what is left out, and the dates in names.
        may_be_right = type(self) is SitePreset and maker != "Statamic"
        return (
            f"{maker} computes this page's address{made_from}, which can't be known here: set "
            'url_template, such as "/{year}/{month}/{day}/{slug}/", or read the site by its sitemap'
            + '; preset = "none" if the links are right as they are'
            * may_be_right
        )

    def complete(self, page: SitePage) -> None:
        """Sets the values and address of a page whose path is relative to the site's content.

        Raises:
            RecordError: If the page is no article of the site.
        """
        if self.opt_in and str(page.given.get(self.opt_in)).casefold() != "true":
            page.values["status"] = "draft"
        if not page.values.get("url") and (path := page.text("path").strip("/ ")):
            page.set_link(f"{path}/", own=True)  # as Zola and Gatsby mean it


def list_page(message: str = "the page lists others, is for errors or a template") -> RecordError:
    """Returns the error for a page that is no article, because it lists others for example."""
    return RecordError("list-page", message)


def _is_for_errors(page: SitePage) -> bool:
    """Tells whether readers see a page, in the site's languages, where there is no other."""
    above = [part.lower() for part in page.path.parts[:-1] if part not in ("content", "pages")]
    at_top = all(part[0] == "_" or is_language(part) for part in above)
    return (page.path.stem == "404" and at_top) or page.text("permalink").endswith("/404.html")


def _is_found(pattern: str, path: str) -> bool:
    with suppress(re.error):  # other languages know other patterns
        return re.search(pattern, path) is not None
    return False


def globs(patterns: Iterable[str], within: str = "(?:.*/)?") -> list[str]:
    """Turns glob patterns of paths into regular expressions that also match all paths below.

    Args:
        patterns: The patterns; comments among them are passed over.
        within: A regular expression for the folders above, any by default.
    """
    names = [one.strip().strip("/").removeprefix("./") for one in patterns]
    used = (_regex(one) for one in names if one and one[0] not in "#!")
    return [f"^{within}{one}(?:/|$)" for one in used]


def _regex(pattern: str) -> str:
    """Turns a glob pattern into a regular expression: ``**/`` stands for some folders or none."""
    folders = "(?:.*/)?".join(translate(part)[:-2] for part in pattern.split("**/"))
    return _BRACES.sub(lambda found: f"(?:{found[1].replace(',', '|')})", folders)


def left_out(code: str, within: str = "") -> list[str]:
    """Returns regular expressions for the paths of pages that code plainly says to leave out.

    There are none if it tells of several collections, as it isn't told which one a list is for.

    Args:
        code: The code of a configuration.
        within: A regular expression for the folders that the code's paths are relative to.
    """
    if code.count("defineCollection(") > 1:
        return []
    listed = [one for found in _LEFT_OUT.findall(code) for one in _QUOTED.findall(found)]
    negated = [one[1:] for one in _QUOTED.findall(_LEFT_OUT.sub("", code)) if one[0] == "!"]
    named = (one for one in [*listed, *negated] if re.search(r"[*/.]", one) and "!" not in one)
    return globs(named, within)


def folders_above(folder: Path) -> list[Path]:
    """Returns a folder and up to six of those above it, as far as its repository goes."""
    folders = [folder, *list(folder.parents)[:6]]
    ends = (number for number, each in enumerate(folders, 1) if (each / ".git").exists())
    return folders[: next(ends, None)]


def like_gitignore(lines: Iterable[str]) -> GitIgnoreSpec:
    """Returns the patterns of a list that is written like a file ``.gitignore``."""
    valid: list[str] = []
    for line in lines:
        with suppress(ValueError):  # such as a mark alone
            GitIgnoreSpec.from_lines([line])
            valid.append(line)
    return GitIgnoreSpec.from_lines(valid)


def read_config(folder: Path, *names: str) -> dict[str, Any] | None:
    """Reads the first of these configuration files that the folder has; ``None`` if it has none.

    Raises:
        SourceError: If the file can't be read.
    """
    for name in names:
        path = folder / name
        try:
            if (text := read_text(path)) is None:
                continue
            form = path.suffix[1:].lower()
            return parse_table(form, _CODE_TAG.sub("", text) if form in ("yml", "yaml") else text)
        except (RecordError, OSError) as error:
            reason = (isinstance(error, OSError) and error.strerror) or error
            raise SourceError(
                f'{path}: {reason}; correct it, or read the folder with preset = "none"'
            ) from error
    return None


def section_pages(root: Path, folder: str = "") -> Iterator[tuple[Path, dict[str, Any]]]:
    """Yields the list pages (``_index.md``) of a site's folder, with their front matter.

    One that can't be read may hide the pages of its section, so it is yielded as a draft.
    """
    for path in sorted((root / folder).rglob("_index*.[hm]*")):  # .md, .markdown, .html
        try:
            front, _ = split_front_matter(read_text(path) or "")
        except (RecordError, NotRegularError):
            front = {"draft": f"{path.name} unreadable"}
            front["cascade"] = dict(front)
        yield path.relative_to(root), folded(front)


def read_text(path: Path, most: int = _MAX_CONFIG) -> str | None:
    """Returns the first bytes (64 KiB) of a file as text; ``None`` if there is no such file.

    Raises:
        OSError: If the file can't be read or is not a regular one: what it says may hide pages.
    """
    with suppress(FileNotFoundError, NotADirectoryError), open_regular(path) as file:
        return file.read(most).decode("utf-8-sig", errors="replace")
    return None


def read_code(folder: Path, *stems: str, more: Sequence[str] = ()) -> str | None:
    """Returns the JavaScript code of a configuration file; ``None`` if there is none.

    Comments are left out.

    Args:
        folder: The folder of the file.
        stems: The file's possible names, without suffix.
        more: Suffixes to try besides those of code, such as ``js``.
    """
    names = (f"{stem}.{suffix}" for stem in stems for suffix in (*CODE, *more))
    text = next((text for name in names if (text := read_text(folder / name)) is not None), None)
    return None if text is None else without_comments(text)


def without_comments(code: str) -> str:
    """Returns code without its comments, which may name settings that do not hold."""
    return _COMMENT.sub(lambda found: found[1] or "", code)


def written(code: str, name: str) -> str:
    """Returns as text the literal (text, true, false) that code gives a setting; "" if none."""
    value = r"""["']?\s*[:(]\s*(?:["'`]([^"'`\n]*)["'`]|(true|false)\b)"""
    found = re.search(rf"""(?:^|[{{,(.])\s*["']?{name}{value}""", code, re.MULTILINE)
    return found[1] or found[2] or "" if found else ""


def folded(table: Any) -> dict[str, Any]:
    """Returns a table with its names in lower case; an empty one for any other value."""
    named = table.items() if isinstance(table, Mapping) else ()
    return {str(key).casefold(): value for key, value in named}


def base_path(text: Any) -> str:
    """Returns the path of a site's base address, without a slash at its end."""
    return split_url(text.strip()).path.rstrip("/") if isinstance(text, str) else ""


def address(*parts: str) -> str:
    """Joins parts to a path from the site's root, and percent-encodes each segment."""
    path = re.sub(r"/(?:\.{0,2}/)+", "/", "/" + "/".join(parts))
    return quote(re.sub(r"/\.{1,2}$", "/", path), safe=_SAFE, errors="replace")


def fill_pattern(pattern: str, parts: Mapping[str, str]) -> str:
    """Fills the placeholders of an address pattern, such as ``:year``, with parts by name.

    Where several names fit, the longest is taken. Returns "" if a placeholder has no part.
    """
    names = re.compile(f":({'|'.join(sorted(parts, key=len, reverse=True))})(?![a-z])")
    if re.search(r":[a-z]|\[", names.sub("", pattern)):
        return ""
    return names.sub(lambda found: parts[found[1]], pattern)


def read_time(value: Any, zone: str = "") -> dt.datetime | dt.date | None:
    """Parses a page's date or time, and moves a time to ``zone``, if named; ``None`` if invalid."""
    with suppress(DateError):
        if isinstance(value, str) and len(value.strip()) > 10 and DateReader().find_instant(value):
            value = DateReader().read(value)
        if not isinstance(value, dt.datetime):
            return DateReader().date(value)
        with suppress(OverflowError):  # beyond the calendar
            known = find_zone(zone) or dt.UTC
            return value.astimezone(known) if zone and value.tzinfo else value
        return value
    return None


def ascii_slug(text: str) -> str:
    """Returns a text as lower-case Latin letters, digits and hyphens; empty if that is unsure.

    Accents are left out. Other letters and signs are spelled by tables of the generators' own.
    """
    plain = "".join(map(_ascii, unicodedata.normalize("NFC", text)))
    return "" if "\0" in plain else re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-")


def _ascii(one: str) -> str:
    """Returns a character in ASCII: "-" for a dash, a quote or a space; a null if unsure."""
    if one.isascii():
        return one
    if one == "…" or unicodedata.category(one) in _DASHES:
        return "-"
    parts = unicodedata.normalize("NFKD", one)
    plain = "".join(part for part in parts if unicodedata.category(part) != "Mn")
    return plain if plain.isascii() and plain.isalnum() else "\0"


def keep_letters(text: str, kept: str, other: str = "") -> str:
    """Replaces by ``other`` all characters but letters, accents, digits and those in ``kept``."""
    return "".join(
        one if one in kept or unicodedata.category(one) in _LETTERS else other for one in text
    )


def named_authors(names: Any, given: Any) -> list[Any]:
    """Returns a post's authors if the site's table of authors names some; else none."""
    known = folded(names)
    named = given if isinstance(given, list) else [given]
    keys = [one.get("key") if isinstance(one, Mapping) else one for one in named]
    found = [folded(known.get(str(key).casefold())).get("name") for key in keys]
    authors = [name or one for name, one in zip(found, named, strict=True)]
    return literals(authors) if any(found) else []
