"""Jekyll's posts, drafts, collections and pages, and their permalinks."""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Self

from index.sources.site_presets.site_preset import (
    DATED_NAME,
    SitePage,
    SitePreset,
    address,
    base_path,
    is_table,
    list_page,
    not_content,
    read_config,
    read_time,
    words,
)

_STYLES = {
    "date": "/:categories/:year/:month/:day/:title:output_ext",
    "pretty": "/:categories/:year/:month/:day/:title/",
    "ordinal": "/:categories/:year/:y_day/:title:output_ext",
    "weekdate": "/:categories/:year/W:week/:short_day/:title:output_ext",
    "none": "/:categories/:title:output_ext",
}
_PLACEHOLDER = re.compile(r":([a-z_]+)")
_DATE_PARTS = {
    "year": "%Y",
    "short_year": "%y",
    "month": "%m",
    "day": "%d",
    "hour": "%H",
    "minute": "%M",
    "second": "%S",
    "y_day": "%j",
    "short_month": "%b",
    "long_month": "%B",
    "short_day": "%a",
    "long_day": "%A",
    "week": "%V",
    "w_year": "%G",
    "w_day": "%u",
    "i_month": "%-m",
    "i_day": "%-d",
}
_POSTS = ("_posts", "_drafts")
_LISTS = {"home", "archive", "archives", "categories", "tags", "category", "tag", "search"}


@dataclass(frozen=True, slots=True, kw_only=True)
class JekyllPreset(SitePreset):
    """A site made by Jekyll."""

    name = "jekyll"

    @classmethod
    def find(cls, folder: Path) -> Self | None:
        """Returns the preset for a folder with ``_config.yml`` or ``_posts``."""
        config = read_config(folder, "_config.yml", "_config.yaml", "_config.toml")
        if config is None and not (folder / "_posts").is_dir():
            return None
        config = config or {}
        source = config.get("source")
        return cls(root=folder / source if isinstance(source, str) else folder, config=config)

    def has_folder(self, name: str) -> bool:
        """Tells whether a folder is one of posts, drafts or a collection."""
        return name in _POSTS or name[1:] in self._collections()

    def place(self, page: SitePage) -> None:
        """Completes a post, a document of a collection or a page."""
        for name, value in self._defaults(page).items():
            page.given.setdefault(name.casefold(), value)
            page.values.setdefault(name, value)
        folders = page.path.parts[:-1]
        home = next((part for part in folders if part in _POSTS), "")
        if home:
            self._place_post(page, folders, home)
        elif folders and folders[0].startswith("_"):
            self._place_document(page, folders)
        else:
            self._place_page(page)
        if isinstance(page.values.get("tags"), list):
            page.values["tags"] = [
                *words(page.given.get("tags"), " "),
                *words(page.given.get("tag"), ","),
                *words(page.given.get("categories"), " "),
                *words(page.given.get("category"), ","),
            ]

    def _place_post(self, page: SitePage, folders: tuple[str, ...], home: str) -> None:
        dated = DATED_NAME.fullmatch(page.path.stem)
        slug = page.given.get("slug") or (dated[2] if dated else page.path.stem)
        if home == "_drafts":
            page.hide("draft")
        elif not dated:
            raise not_content("the name of a post begins with its date, as in 2026-03-01-name.md")
        time = self._time(page.given.get("date")) or self._time(dated and dated[1])
        above = [part for part in folders[: folders.index(home)] if not part.startswith("_")]
        categories = [
            *above,
            *words(page.given.get("categories") or page.given.get("category"), " "),
        ]
        self._give(page, time, str(slug), "posts", categories, page.path.stem)
        template = self.config.get("permalink")
        template = template if isinstance(template, str) else "date"
        page.link = self._link(page, _STYLES.get(template, template), time)

    def _place_document(self, page: SitePage, folders: tuple[str, ...]) -> None:
        kind = folders[0][1:]
        options = self._collections().get(kind)
        if not (is_table(options) and options.get("output")):
            raise not_content(f"{folders[0]} is no collection that the site gives pages")
        dated = DATED_NAME.fullmatch(page.path.stem)
        time = self._time(page.given.get("date")) or self._time(dated and dated[1])
        slug = str(page.given.get("slug") or (dated[2] if dated else page.path.stem))
        path = "/".join((*folders[1:], page.path.stem))
        self._give(page, time, slug, kind, [], path)
        own = options.get("permalink")
        template = own if isinstance(own, str) else f"/:collection/:path{self._ending()}"
        page.link = self._link(page, _STYLES.get(template, template), time)

    def _place_page(self, page: SitePage) -> None:
        excluded = words(self.config.get("exclude"))
        name = page.path.as_posix()
        if any(
            fnmatchcase(name, one) or name.startswith(f"{one.rstrip('/')}/") for one in excluded
        ):
            raise not_content("the site's configuration excludes it")
        if not page.given:
            raise not_content("a file without front matter is no page of the site")
        folder = "/".join(page.path.parts[:-1])
        layout = str(page.given.get("layout", "")).casefold()
        if name in ("index.md", "index.markdown", "404.md") or layout in _LISTS:
            raise list_page("a page that lists others, not an article")
        self._give(page, None, page.path.stem, "", [], folder)
        index = page.path.stem == "index"
        page.values["path"] = folder
        ending = "/" if index else f"/:basename{self._ending()}"
        page.link = self._link(page, f"/:path{ending}", self._time(page.given.get("date")))

    def _give(
        self,
        page: SitePage,
        time: dt.datetime | dt.date | None,
        slug: str,
        kind: str,
        categories: list[str],
        path: str,
    ) -> None:
        values = page.values
        if time is not None:
            values["date"] = time
            if kind and not self.config.get("future"):
                values.setdefault("visible_from", time)
        values |= {"slug": slug, "section": kind, "path": path}
        values["categories"] = page.given["categories"] = categories

    def _ending(self) -> str:
        """Returns how addresses of pages and documents end, by the style of those of posts."""
        style = self.config.get("permalink")
        style = style if isinstance(style, str) else "date"
        return "/" if style == "pretty" or style.endswith("/") else ":output_ext"

    def _link(self, page: SitePage, template: str, time: dt.datetime | dt.date | None) -> str:
        own = page.given.get("permalink")
        if isinstance(own, str) and own.strip():
            template = own.strip()
            page.has_own_link = True
        page.values.pop("url", None)
        values = page.values
        parts = {
            "categories": "/".join(
                dict.fromkeys(one.lower() for one in words(values["categories"]))
            ),
            "collection": values["section"],
            "path": values["path"],
            "basename": page.path.stem,
            "name": _slugify(page.path.stem),
            "title": _slugify(values["slug"], r"._~!$&'()+,;=@", cased=True),
            "slug": _slugify(values["slug"]),
            "output_ext": ".html",
            **({name: time.strftime(form) for name, form in _DATE_PARTS.items()} if time else {}),
        }
        path = _PLACEHOLDER.sub(lambda found: _longest(found[1], parts), template)
        if path.startswith(":") or "/:" in path:
            return ""  # a placeholder that the page has no value for
        page.base = base_path(self.config.get("baseurl"))
        return address(page.base, path)

    def _collections(self) -> Mapping[str, Any]:
        named = self.config.get("collections")
        if isinstance(named, list):  # without options: none has pages
            return {str(name): {} for name in named}
        return named if is_table(named) else {}

    def _time(self, value: Any) -> dt.datetime | dt.date | None:
        zone = self.config.get("timezone")
        return read_time(value, zone if isinstance(zone, str) else "UTC")

    def _defaults(self, page: SitePage) -> dict[str, Any]:
        """Returns the values that the site's configuration gives to pages of a path and kind."""
        found: dict[str, Any] = {}
        defaults = self.config.get("defaults")
        folders = page.path.parts[:-1]
        kind = "posts" if "_posts" in folders else "drafts" if "_drafts" in folders else "pages"
        if kind == "pages" and folders and folders[0].startswith("_"):
            kind = folders[0][1:]
        for one in defaults if isinstance(defaults, list) else []:
            scope = one.get("scope") if is_table(one) else None
            if not is_table(scope) or not is_table(one.get("values")):
                continue
            below = str(scope.get("path") or "").strip("/")
            path = page.path.as_posix()
            if below and not (path.startswith(f"{below}/") or fnmatchcase(path, below)):
                continue
            if scope.get("type") in (None, "", kind):
                found |= {str(name): value for name, value in one["values"].items()}
        return found


def _longest(name: str, parts: Mapping[str, str]) -> str:
    """Returns the part whose name a placeholder begins with; ``:title_x`` is ``:title`` + _x."""
    for end in range(len(name), 0, -1):
        if name[:end] in parts:
            return parts[name[:end]] + name[end:]
    return f":{name}"


def _slugify(text: str, kept: str = "", *, cased: bool = False) -> str:
    """Returns letters, marks, digits and what else is kept; hyphens for all that is between."""
    kinds = ("L", "M", "Nd")
    plain = (
        one if unicodedata.category(one).startswith(kinds) or one in kept else "-" for one in text
    )
    slug = re.sub("-+", "-", "".join(plain)).strip("-")
    return slug if cased else slug.lower()
