"""Hugo's sections, bundles, languages and permalinks."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, Self

from index.articles.language_tags import is_language
from index.sources.page_folder import PageError
from index.sources.site_presets.site_preset import (
    SitePage,
    SitePreset,
    base_path,
    fill_pattern,
    folded,
    is_table,
    keep_letters,
    list_page,
    not_content,
    read_config,
    words,
)

_NAMES = ("hugo.toml", "hugo.yaml", "hugo.yml", "hugo.json")
_OLD_NAMES = ("config.toml", "config.yaml", "config.yml", "config.json")
_SIGNS = ("baseurl", "languagecode", "theme", "params", "module", "permalinks", "languages")
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
        config["languages"] = languages = folded(config.get("languages"))
        folders = {
            str(options["contentdir"]).strip("/"): name
            for name, options in ((name, folded(one)) for name, one in languages.items())
            if options.get("contentdir")
        }
        folders.setdefault(str(config.get("contentdir") or "content").strip("/"), "")
        bundles = {
            path.parent.relative_to(root).as_posix()
            for one in folders
            for path in (root / one).rglob("index*.md")
            if re.fullmatch(r"index(\.[\w-]+)?", path.stem)
        }
        return cls(root=root, config=config, folders=folders, bundles=frozenset(bundles))

    def complete(self, page: SitePage) -> None:
        """Completes a page of a section, or a bundle's."""
        home = max((one for one in self.folders if page.path.is_relative_to(one)), default=None)
        if home is None:
            raise not_content("it lies outside of the folder of the site's content")
        path = page.path.relative_to(home)
        stem, suffix = self._split_language(path.stem)
        is_index = stem == "index"
        if stem == "_index" or page.given.get("layout") in _LISTS:
            raise list_page("the page lists a section's pages and is not an article")
        if not is_index and any(one.as_posix() in self.bundles for one in page.path.parents):
            raise PageError("page-resource", "a file that belongs to the page of its folder")
        place = path.parent if is_index else path.parent / stem
        section = path.parts[0] if len(path.parts) > 1 + is_index else ""
        page.values |= {"section": section, "path": place.as_posix()}
        dated = ":filename" in words(folded(self.config.get("frontmatter")).get("date"))
        name = page.read_name(
            place.name,
            place.name[:10] if dated else None,
            *map(page.given.get, ("date", "publishdate", "pubdate", "published")),
            dated=dated,
            waits=not self.config.get("buildfuture"),
        )
        prefix = ""
        if self.config["languages"] or suffix:
            main = self.setting("defaultcontentlanguage", "en").casefold()
            language = suffix or self.folders[home] or str(page.given.get("lang") or main)
            key = page.given.get("translationkey") or f"{section}/{place.as_posix()}"
            page.values |= {"language": language, "translation_key": str(key)}
            if language != main or self.config.get("defaultcontentlanguageinsubdir"):
                prefix = f"/{language}"
        page.base = base_path(self.config.get("baseurl"))
        own = page.given.get("url")
        if isinstance(own, str) and (url := own.strip()):
            url = url if url.startswith("/") else f"{prefix}/{url}"
            page.set_link(url if "." in url.rsplit("/", 1)[-1] else f"{url}/", own=True)
            return
        slug = str(page.given.get("slug") or ("" if name == place.name else name))
        path_on_site = self._path_on_site(page, place, section, slug)
        ugly = self.config.get("uglyurls")
        ending = ".html" if ugly is True or (is_table(ugly) and ugly.get(section)) else "/"
        page.set_link(path_on_site and f"{prefix}/{path_on_site.strip('/')}{ending}")

    def _path_on_site(self, page: SitePage, place: PurePosixPath, section: str, slug: str) -> str:
        patterns = folded(self.config.get("permalinks"))
        pattern = (patterns | folded(patterns.get("page"))).get(section.casefold())
        name = slug or place.name
        if not isinstance(pattern, str):
            return self._sanitized((place.parent / name).as_posix(), "/")
        title = str(page.given.get("title") or "")
        texts = {
            **page.date_parts(),
            "section": section,
            "title": title,
            "slug": slug or title,
            "slugorfilename": name,
            "slugorcontentbasename": name,
            "filename": place.name,
            "contentbasename": place.name,
        }
        parts = {key: self._sanitized(text) for key, text in texts.items()}
        parts["sections"] = self._sanitized(place.parent.as_posix().strip("."), "/")
        return fill_pattern(pattern, parts)

    def _sanitized(self, path: str, kept: str = "") -> str:
        """Returns a path as Hugo writes it: spaces as hyphens, other marks left out."""
        spaced = " ".join((path if kept else path.replace("/", "-")).split())
        letters = keep_letters(spaced, f" {_ALLOWED}{kept}")
        made = re.sub(r"(?<![-\s])\s+(?![-\s])", "-", letters.strip()).replace(" ", "")
        return made if self.config.get("disablepathtolower") else made.lower()

    def _split_language(self, stem: str) -> tuple[str, str]:
        name, _, suffix = stem.rpartition(".")
        languages = self.config["languages"]
        known = suffix.casefold() in languages or (not languages and is_language(suffix.lower()))
        return (name, suffix.casefold()) if name and known else (stem, "")
