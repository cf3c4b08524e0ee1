"""Zola's sections, paths, slugs and languages."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Self

from index.sources.site_presets.site_preset import (
    DATED_NAME,
    SitePage,
    SitePreset,
    address,
    ascii_slug,
    base_path,
    folded,
    list_page,
    read_config,
    read_time,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ZolaPreset(SitePreset):
    """A site made by Zola. A date in the future hides nothing there."""

    name = "zola"

    @classmethod
    def find(cls, folder: Path) -> Self | None:
        """Returns the preset for a folder with ``zola.toml``, or ``config.toml`` with base_url."""
        config = read_config(folder, "zola.toml", "config.toml")
        if config is None or "base_url" not in config:
            return None
        return cls(root=folder / "content", config=config)

    def place(self, page: SitePage) -> None:
        """Completes a page of a section."""
        main = str(self.config.get("default_language") or "en")
        languages = folded(self.config.get("languages"))
        stem, _, language = page.path.stem.rpartition(".")
        if not stem or language.casefold() not in languages:
            stem, language = page.path.stem, main
        if stem == "_index":
            raise list_page("the page lists a section's pages and is not an article")
        folders = list(page.path.parts[:-1])
        name = folders.pop() if stem == "index" and folders else stem
        dated = DATED_NAME.fullmatch(name)
        time = read_time(page.given.get("date")) or read_time(dated and dated[1])
        if time is not None:
            page.values["date"] = time
        style = folded(self.config.get("slugify"))
        if dated and not style.get("paths_keep_dates"):
            name = dated[2]
        slug = str(page.given.get("slug") or name)
        page.values |= {"slug": slug, "section": folders[0] if folders else ""}
        if languages:
            page.values |= {"language": language, "translation_key": "/".join((*folders, name))}
        page.base = base_path(self.config.get("base_url"))
        own = page.given.get("path")
        if isinstance(own, str) and own.strip("/ "):
            path = own.strip("/ ")
            page.has_own_link = True
        else:
            parts = [*folders, slug]
            if str(style.get("paths", "on")) == "on":
                parts = [ascii_slug(part) for part in parts]
            if not all(parts):
                return  # letters that Zola spells in Latin by tables of its own
            path = "/".join([language] * (language != main) + parts)
        page.values["path"] = path
        page.link = address(page.base, path, "/")
