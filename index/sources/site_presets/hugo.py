"""Hugo's sections, bundles, languages and permalinks."""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, Self

from index.articles.language_tags import is_language
from index.sources.page_folder import PageError
from index.sources.site_presets.site_preset import (
    DATED_NAME,
    SitePage,
    SitePreset,
    address,
    base_path,
    folded,
    is_table,
    list_page,
    not_content,
    read_config,
    read_time,
)

_NAMES = ("hugo.toml", "hugo.yaml", "hugo.yml", "hugo.json")
_OLD_NAMES = ("config.toml", "config.yaml", "config.yml", "config.json")
_SIGNS = ("baseurl", "languagecode", "theme", "params", "module", "permalinks", "languages")
_TOKEN = re.compile(r":(\w+)(\[[^\]]*\])?")
_DATE_TOKENS = {
    "year": "%Y",
    "month": "%m",
    "monthname": "%B",
    "day": "%d",
    "weekday": "%w",
    "weekdayname": "%A",
    "yearday": "%-j",
}
_LISTS = {"search", "archive", "archives", "tags", "categories", "terms", "redirect"}
_ALLOWED = "._#+~-@"


@dataclass(frozen=True, slots=True, kw_only=True)
class HugoPreset(SitePreset):
    """A site made by Hugo.

    Attributes:
        folders: The folders of content, relative to the site's, each with its language.
        bundles: The folders that are one page each, whose other files belong to it.
    """

    name = "hugo"
    folders: Mapping[str, str] = field(default_factory=dict)
    bundles: frozenset[str] = frozenset()

    @classmethod
    def find(cls, folder: Path) -> Self | None:
        """Returns the preset for a folder with Hugo's configuration."""
        config = read_config(folder, *_NAMES)
        if config is None:
            config = read_config(folder / "config" / "_default", *_NAMES, *_OLD_NAMES)
        if config is None:
            config = folded(read_config(folder, *_OLD_NAMES))
            if "base_url" in config or not any(sign in config for sign in _SIGNS):
                return None
        for part in ("languages", "permalinks"):
            more = read_config(folder / "config" / "_default", f"{part}.toml", f"{part}.yaml")
            config |= {part: more} if more else {}
        return cls._with_folders(folder, folded(config))

    @classmethod
    def assume(cls, folder: Path) -> Self:
        """Returns the preset for a folder of content without a configuration."""
        above = [one for one in (folder, *folder.parents) if one.name == "content"]
        if above:
            return cls._with_folders(above[0].parent, {})
        return cls._with_folders(folder, {"contentdir": "."})

    @classmethod
    def _with_folders(cls, root: Path, config: dict[str, Any]) -> Self:
        main = str(config.get("contentdir") or "content").strip("/")
        languages = {
            str(name).casefold(): folded(options)
            for name, options in folded(config.get("languages")).items()
        }
        config["languages"] = languages
        folders = {
            str(options["contentdir"]).strip("/"): name
            for name, options in languages.items()
            if options.get("contentdir")
        }
        folders.setdefault(main, "")
        bundles = {
            path.parent.relative_to(root).as_posix()
            for one in folders
            for path in (root / one).rglob("index*.md")
            if re.fullmatch(r"index(\.[\w-]+)?", path.stem)
        }
        return cls(root=root, config=config, folders=folders, bundles=frozenset(bundles))

    def place(self, page: SitePage) -> None:
        """Completes a page of a section, or a bundle's."""
        home = max((one for one in self.folders if page.path.is_relative_to(one)), default=None)
        if home is None:
            raise not_content("it lies outside of the folder of the site's content")
        path = page.path.relative_to(home)
        bundle = any(one.as_posix() in self.bundles for one in page.path.parents)
        stem, language = self._split_language(path.stem)
        own = language or self.folders[home] or str(page.given.get("lang") or "")
        main = str(self.config.get("defaultcontentlanguage") or "en").casefold()
        many = bool(self.config["languages"]) or bool(language)
        if many:
            page.values["language"] = own or main
        if stem == "_index" or page.given.get("layout") in _LISTS:
            raise list_page("the page lists a section's pages and is not an article")
        if bundle and stem != "index":
            raise PageError("page-resource", "a file that belongs to the page of its folder")
        place = path.parent if stem == "index" else path.parent / stem
        section = path.parts[0] if len(path.parts) > (2 if stem == "index" else 1) else ""
        name = place.name
        time = self._time(page, self._dated(name))
        dated = self._dated(name)
        slug = page.given.get("slug") or (dated[2] if dated else None)
        page.values |= {"slug": str(slug or name), "section": section, "path": place.as_posix()}
        if many:
            key = page.given.get("translationkey") or f"{section}/{place.as_posix()}"
            page.values["translation_key"] = str(key)
        subfolder = many and (own or main) != main
        if many and self.config.get("defaultcontentlanguageinsubdir"):
            subfolder = True
        page.base = base_path(self.config.get("baseurl"))
        prefix = f"/{own or main}" if subfolder else ""
        page.values.pop("url", None)
        link = self._own_link(page, prefix) or self._link(
            page, place, section, time, str(slug or ""), prefix
        )
        page.link = address(page.base, link) if link else ""

    def _own_link(self, page: SitePage, prefix: str) -> str:
        url = page.given.get("url")
        if not isinstance(url, str) or not url.strip():
            return ""
        page.has_own_link = True
        url = url.strip()
        if not url.startswith("/"):
            url = f"{prefix}/{url}"
        last = url.rsplit("/", 1)[-1]
        return url if not last or "." in last else f"{url}/"

    def _link(
        self,
        page: SitePage,
        place: PurePosixPath,
        section: str,
        time: dt.datetime | dt.date | None,
        slug: str,
        prefix: str,
    ) -> str:
        patterns = folded(self.config.get("permalinks"))
        patterns = {**patterns, **folded(patterns.get("page"))}
        pattern = patterns.get(section.casefold())
        if isinstance(pattern, str):
            title = str(page.given.get("title") or "")
            parts = {
                "section": section,
                "sections": place.parent.as_posix() if place.parent.parts else "",
                "title": title,
                "slug": slug or title,
                "slugorfilename": slug or place.name,
                "slugorcontentbasename": slug or place.name,
                "filename": place.name,
                "contentbasename": place.name,
                **(
                    {name: time.strftime(form) for name, form in _DATE_TOKENS.items()}
                    if time
                    else {}
                ),
            }
            names = _TOKEN.findall(pattern)
            if any(name not in parts or cut for name, cut in names):
                return ""
            made = _TOKEN.sub(
                lambda found: self._path(parts[found[1]], "/" * (found[1] == "sections")), pattern
            )
        else:
            made = self._path((place.parent / (slug or place.name)).as_posix(), "/")
        made = f"{prefix}/{made.strip('/')}"
        ugly = self.config.get("uglyurls")
        if ugly is True or (is_table(ugly) and ugly.get(section) is True):
            return f"{made}.html"
        return f"{made}/"

    def _path(self, text: str, kept: str = "") -> str:
        """Returns a path as Hugo writes it: spaces as hyphens, other marks left out."""
        made = ""
        for one in text.replace("/", "/" if kept else "-"):
            kind = unicodedata.category(one)
            if one in _ALLOWED or one == kept or kind[0] in "LM" or kind == "Nd":
                made += one
            elif one.isspace() and made and not made.endswith(("-", "\n")):
                made += "\n"
        made = re.sub(r"\n-?", "-", made.rstrip("\n"))
        return made if self.config.get("disablepathtolower") else made.lower()

    def _split_language(self, stem: str) -> tuple[str, str]:
        name, _, suffix = stem.rpartition(".")
        languages = self.config["languages"]
        known = suffix.casefold() in languages or (not languages and is_language(suffix.lower()))
        return (name, suffix.casefold()) if name and known else (stem, "")

    def _dated(self, name: str) -> re.Match[str] | None:
        """Returns the date in a file's name, if the site takes dates from there."""
        order = folded(self.config.get("frontmatter")).get("date")
        by_name = isinstance(order, list) and ":filename" in order
        return DATED_NAME.fullmatch(name) if by_name else None

    def _time(self, page: SitePage, dated: re.Match[str] | None) -> dt.datetime | dt.date | None:
        first = "" if dated is None else dated[1]
        time = None
        for value in (first, *map(page.given.get, ("date", "publishdate", "pubdate", "published"))):
            time = time or (read_time(value) if value else None)
        if time is not None:
            page.values["date"] = time
            if not self.config.get("buildfuture"):
                page.values.setdefault("visible_from", time)
        return time
