"""Zola's sections, paths, slugs and languages."""

import itertools
from pathlib import Path
from typing import Self

from index.articles.text_lists import names_in
from index.sources.site_presets import site_preset as site
from index.sources.site_presets.site_preset import SitePage, SitePreset

_SHOWN_OTHERWISE = {"paginate_by", "redirect_to", "render"}
"""What the page of a section that is no article says."""


class ZolaPreset(SitePreset):
    """A site made by Zola, where a date in the future does not hide a page."""

    name = "zola"
    has_sections = True

    @classmethod
    def find(cls, folder: Path, *, named: bool = False) -> Self | None:
        """Returns the preset if the folder has Zola's settings or the user named it."""
        config = site.read_config(folder, "zola.toml", "config.toml") or {}
        if "base_url" not in config:
            return cls(root=folder) if named else None
        root = folder / "content"
        drafts = {
            path.with_suffix("").as_posix(): {"draft": front["draft"]}
            for path, front in site.section_pages(root)
            if front.get("draft", False) is not False
        }
        base = site.base_path(config["base_url"])
        ignored = site.globs(names_in(config.get("ignored_content")))
        return cls(
            root=root,
            config=config,
            shared=drafts,
            base=base,
            home=config["base_url"],
            language=config.get("default_language"),
            ignored=ignored,
        )

    def complete(self, page: SitePage) -> None:
        """Sets a page's record values and its address, as Zola makes them."""
        main = self.setting("default_language", "en")
        languages = site.folded(self.config.get("languages"))
        stem, _, language = page.path.stem.rpartition(".")
        if not stem or language.casefold() not in languages:
            stem, language = page.path.stem, main
        lists = ["_index"] * (language == main) + [f"_index.{language}"]
        for folder, name in itertools.product(page.path.parents, lists):
            page.values |= self.shared.get((folder / name).as_posix(), {})  # whatever it says
        folders = list(page.path.parts[:-1])
        is_section = stem == "_index"
        if is_section and (not folders or _SHOWN_OTHERWISE & page.given.keys()):
            raise site.list_page()
        name = folders.pop() if stem in ("index", "_index") and folders else stem
        style = site.folded(self.config.get("slugify"))
        rest = page.read_name(name, page.given.get("date"))
        name = name if is_section or style.get("paths_keep_dates") else rest
        parts = [*folders, str(page.given.get("slug") or name)]
        page.values |= {"slug": parts[-1], "section": parts[0] if folders else ""}
        if languages:
            page.values |= {"language": language, "translation_key": "/".join((*folders, name))}
        if str(style.get("paths", "on")) == "on":
            parts = [site.ascii_slug(part) for part in parts]
        own = page.text("path").strip("/ ")
        path = own or "/".join([language] * (language != main) + parts)
        if own or all(parts):  # other letters are spelled in Latin by tables of Zola's own
            page.values["path"] = path
            page.set_link(f"{path}/", own=bool(own))
