"""Zola's sections, paths, slugs and languages."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Self

from index.sources.site_presets.site_preset import (
    SitePage,
    SitePreset,
    ascii_slug,
    base_path,
    folded,
    list_page,
    read_config,
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

    def complete(self, page: SitePage) -> None:
        """Completes a page of a section."""
        main = self.setting("default_language", "en")
        languages = folded(self.config.get("languages"))
        stem, _, language = page.path.stem.rpartition(".")
        if not stem or language.casefold() not in languages:
            stem, language = page.path.stem, main
        if stem == "_index":
            raise list_page("the page lists a section's pages and is not an article")
        folders = list(page.path.parts[:-1])
        name = folders.pop() if stem == "index" and folders else stem
        style = folded(self.config.get("slugify"))
        rest = page.read_name(name, page.given.get("date"))
        name = name if style.get("paths_keep_dates") else rest
        parts = [*folders, str(page.given.get("slug") or name)]
        page.values |= {"slug": parts[-1], "section": parts[0] if folders else ""}
        if languages:
            page.values |= {"language": language, "translation_key": "/".join((*folders, name))}
        if str(style.get("paths", "on")) == "on":
            parts = [ascii_slug(part) for part in parts]
        own = page.given.get("path")
        own = own.strip("/ ") if isinstance(own, str) else ""
        path = own or "/".join([language] * (language != main) + parts)
        page.base = base_path(self.config.get("base_url"))
        if own or all(parts):  # other letters are spelled in Latin by tables of Zola's own
            page.values["path"] = path
            page.set_link(f"{path}/", own=bool(own))
