"""Jekyll's posts, drafts, collections and pages, and their permalinks."""

import datetime as dt
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Self

from index.articles.text_lists import names_in, split_keywords
from index.errors import SourceError
from index.sources.site_presets import site_preset as site
from index.sources.site_presets.site_preset import SitePage, SitePreset

_NAMES = ("_config.yml", "_config.yaml")
_AUTHORS = ("authors.yml", "authors.yaml", "authors.json")
_STYLES = {
    "date": "/:categories/:year/:month/:day/:title:output_ext",
    "pretty": "/:categories/:year/:month/:day/:title/",
    "ordinal": "/:categories/:year/:y_day/:title:output_ext",
    "weekdate": "/:categories/:year/W:week/:short_day/:title:output_ext",
    "none": "/:categories/:title:output_ext",
}
_LABELS = (
    *(("tags", str.split), ("tag", split_keywords)),
    *(("categories", str.split), ("category", split_keywords)),
)
_OTHERS = re.compile(
    r"""^[ \t]*gem[ (]+["']bridgetown"""
    r"""|"(?:next|gatsby|svelte|astro|vite|nuxt|vue|@(?:remix-run|sveltejs)/[\w-]+)"\s*:""",
    re.MULTILINE,
)
"""Packages that make sites, too, and whose posts often lie in ``_posts``."""

_TRANSLATES = re.compile(r"polyglot|multiple-languages|exclude_from_localization")
_TRANSLATED = "_i18n"
"""The folder in which Multiple Languages has posts, by language, and parts of pages."""

_GITHUB = re.compile(r"""^[ \t]*gem[ (]+["']github-pages["']""", re.MULTILINE)
_EXCLUDED = tuple(f"vendor/{name}" for name in ("bundle", "cache", "gems", "ruby"))


@dataclass(frozen=True, slots=True, kw_only=True)
class JekyllPreset(SitePreset):
    """A site made by Jekyll.

    Attributes:
        needs_front: Whether a file without front matter is no page.
    """

    name = "jekyll"
    needs_front: bool = True

    @classmethod
    def find(cls, folder: Path, *, named: bool = False) -> Self | None:
        """Returns the preset if the folder has Jekyll's settings or the user named it.

        Settings of Jupyter Book, whose file has the same name, are not Jekyll's.
        """
        config = site.read_config(folder, *_NAMES, "_config.toml")
        if not named and (
            (folder / "_toc.yml").exists() or {"sphinx", "execute"} & {*(config or ())}
        ):
            return None
        if config is None:
            if not named:
                return None
            folder = _home_of_posts(folder)
        config = config or {}
        root = folder / str(config.get("source") or "")
        with suppress(SourceError):  # names alone are no reason to read nothing
            authors = site.read_config(root / "_data", *_AUTHORS)
            config |= {"authors": authors} if authors else {}
        base = site.base_path(config.get("baseurl"))
        if not _TRANSLATES.search(f"{[config.get('plugins'), config.get('gems'), *config]}"):
            config.pop("languages", None)  # they mean nothing to Jekyll itself
        ignored = site.globs([*_EXCLUDED, *names_in(config.get("exclude"))], within="")
        return cls(
            root=root,
            config=config,
            base=base,
            home=config.get("url"),
            language=next(filter(None, map(config.get, ("lang", "language", "locale"))), None),
            ignored=ignored,
            needs_front=not _has_plain_pages(folder, config),
        )

    def has_folder(self, name: str) -> bool:
        """Tells whether a folder with this name holds posts, drafts or another collection."""
        return name in site.POSTS or name[1:] in self._collections() or name in self._included()

    def _included(self) -> list[str]:
        translated = [_TRANSLATED] * bool(self.config.get("languages"))
        return [*names_in(self.config.get("include")), *translated]

    def complete(self, page: SitePage) -> None:
        """Sets a page's record values and its address, as Jekyll makes them."""
        parent = self.setting("collections_dir").strip("/")
        if parent and page.path.as_posix().startswith(f"{parent}/_"):
            page.path = page.path.relative_to(parent)
        self._set_language(page)
        folders, stem = page.path.parts[:-1], page.path.stem
        home = next((part for part in folders if part in site.POSTS), "")
        first = folders[0] if folders else ""
        is_page = not first.startswith("_") or first in self._included()
        kind = home[1:] or ("" if is_page else first[1:])
        page.add_defaults(self._defaults(page.path.as_posix(), kind or "pages"))
        self._check(page, kind)
        style = self.setting("permalink", "date")
        ending = "/" if style == "pretty" or style.endswith("/") else ":output_ext"
        path, categories = "/".join((*folders[1:], stem)), []
        if home:
            path, template = stem, style
            named = names_in(page.given.get("category"), lambda one: [one])  # one may have spaces
            named = named or names_in(page.given.get("categories"), str.split)
            above = folders[: folders.index(home)]
            categories = [*(part for part in above if part[0] != "_"), *named]
        elif not kind:
            path = "/".join(folders)
            template = "/:path/" if stem == "index" else f"/:path/:basename{ending}"
        else:
            own = self._collections()[kind].get("permalink")
            template = own if isinstance(own, str) else f"/:collection/:path{ending}"
        page.values |= {"section": "posts" if home else kind, "path": path}
        page.values["categories"] = page.given["categories"] = categories
        if isinstance(page.values.get("tags"), list):
            page.values["tags"] = [
                word for name, split in _LABELS for word in names_in(page.given.get(name), split)
            ]
        date = page.given.get("date")
        if isinstance(date, dt.datetime) and not date.tzinfo:
            date = date.replace(tzinfo=dt.UTC)  # as YAML means it
        page.read_name(
            stem,
            date,
            zone=self.zone or "UTC",
            dated=bool(kind),
            waits=bool(kind) and not self.config.get("future"),
        )
        self._set_link(page, template)
        if self.config.get("languages"):
            key = page.text("page_id") or page.link.removeprefix(page.host + page.base)
            page.values.setdefault("translation_key", key)

    def _set_language(self, page: SitePage) -> None:
        """Sets the language and base of a page by the plugins Polyglot and Multiple Languages."""
        languages = names_in(self.config.get("languages"))
        language, parts = page.text("lang"), page.path.parts
        if parts[0] == _TRANSLATED:
            if parts[1] not in languages or parts[2] not in site.POSTS:
                raise site.not_content(f"other pages include what lies in {_TRANSLATED}")
            language, page.path = parts[1], PurePosixPath(*parts[2:])
            page.values["language"] = language
        if language in languages and language != self.setting("default_lang", languages[0]):
            page.base += f"/{language}"

    def _check(self, page: SitePage, kind: str) -> None:
        """Hides drafts, and refuses what is no page of the site or lists others."""
        if kind == "drafts":
            page.values["status"] = "draft"
        elif kind == "posts":
            if not site.DATED_NAME.fullmatch(page.path.stem):
                raise site.not_content(
                    "it is not a post: its name lacks a date, such as 2026-03-01-name.md"
                )
        elif kind:
            if not site.folded(self._collections().get(kind)).get("output"):
                raise site.not_content(f"_{kind} is no collection with output: true in _config.yml")
        elif self.needs_front and not page.has_front:
            raise site.not_content(
                "Jekyll makes no page of a file without front matter (add two lines of --- at its "
                'top; if the site is not made by Jekyll, set preset = "none")'
            )
        is_post = kind in ("posts", "drafts")
        if not is_post and page.text("layout").casefold() in {*site.LISTS, "posts", "collection"}:
            raise site.list_page("the page lists others, and is not an article")

    def _set_link(self, page: SitePage, template: str) -> None:
        own, values = page.text("permalink"), page.values
        categories = dict.fromkeys(one.lower() for one in values["categories"])
        parts = {
            **page.date_parts(),
            "categories": "/".join(categories),
            "collection": values["section"],
            "path": values["path"],
            "basename": page.path.stem,
            "name": _slugify(page.path.stem).lower(),
            "title": _slugify(values["slug"], r"._~!$&'()+,;=@"),
            "slug": _slugify(values["slug"]).lower(),
            "output_ext": ".html",
        }
        page.pattern = own or _STYLES.get(template, template)
        page.set_link(site.fill_pattern(page.pattern, parts), own=bool(own))

    def _collections(self) -> Mapping[str, Any]:
        named = self.config.get("collections")  # in a list, none has the option to have pages
        return named if isinstance(named, Mapping) else {}

    def _defaults(self, path: str, kind: str) -> dict[str, Any]:
        """Returns the values that the site's configuration gives to pages of a path and kind."""
        found: dict[str, Any] = {}
        defaults = self.config.get("defaults")
        for one in map(site.folded, defaults if isinstance(defaults, list) else []):
            scope = site.folded(one.get("scope"))
            below = site.globs([str(scope.get("path") or "")], within="")
            if all(re.search(one, path) for one in below) and scope.get("type") in (None, "", kind):
                found |= site.folded(one.get("values"))
        return found


def has_posts(folder: Path) -> bool:
    """Tells whether a folder holds posts, or lies among them, as a site without settings has it."""
    home = _home_of_posts(folder)
    posts = (home / "_posts").rglob("*.[hm]*")  # .md, .markdown, .html
    is_dated = any(site.DATED_NAME.fullmatch(path.stem) for path in posts)
    return is_dated and not _is_of_other(home)


def _is_of_other(home: Path) -> bool:
    """Tells whether another program makes the site, by the files in a folder and those above."""
    for folder in site.folders_above(home):
        files = (site.read_text(folder / name) or "" for name in ("package.json", "Gemfile"))
        if any(map(_OTHERS.search, files)) or any(folder.glob("bridgetown.config.*")):
            return True
    return False


def _home_of_posts(folder: Path) -> Path:
    homes = (one.parent for one in (folder, *folder.parents) if one.name in site.POSTS)
    return next(homes, folder)


def _has_plain_pages(folder: Path, config: Mapping[str, Any]) -> bool:
    """Tells whether a site has pages of files without front matter, as GitHub builds it.

    A site with a theme and no list of gems of its own is built there.
    """
    gems = site.read_text(folder / "Gemfile")
    is_built_there = _GITHUB.search(gems) if gems else {"theme", "remote_theme"} & config.keys()
    plugins = [*names_in(config.get("plugins")), *names_in(config.get("gems"))]
    options = site.folded(config.get("optional_front_matter"))
    is_meant = bool(is_built_there) or "jekyll-optional-front-matter" in plugins
    return is_meant and options.get("enabled") is not False


def _slugify(text: str, kept: str = "") -> str:
    return re.sub("-+", "-", site.keep_letters(text, kept, "-")).strip("-")
