"""Quarto's pages, posts and books."""

import re
from pathlib import Path
from typing import Self

from index.articles.text_lists import names_in
from index.sources.site_presets import site_preset as site
from index.sources.site_presets.site_preset import SitePage, SitePreset

_MONTH_FIRST = re.compile(r"(\d\d?)([-/])(\d\d?)\2(\d{4})")
_NOT_STATED = ("last-modified", "now", "today")


class QuartoPreset(SitePreset):
    """A website or book made by Quarto."""

    name = "quarto"

    @classmethod
    def find(cls, folder: Path, *, named: bool = False) -> Self | None:
        """Returns the preset if the folder has ``_quarto.yml`` or the user named it."""
        config = site.read_config(folder, "_quarto.yml", "_quarto.yaml")
        if config is None:
            return cls(root=folder) if named else None
        website = site.folded(config.get("book")) | site.folded(config.get("website"))
        shared = {
            path.parent.relative_to(folder).as_posix(): site.read_config(path.parent, path.name)
            or {}
            for path in folder.rglob("_metadata.yml")
        }
        home = website.get("site-url")
        return cls(
            root=folder,
            config={"drafts": site.globs(names_in(website.get("drafts")), within="")},
            shared=shared,
            base=site.base_path(website.get("site-path") or home),
            home=home,
            language=config.get("lang"),
        )

    def complete(self, page: SitePage) -> None:
        """Sets a page's record values and its address, as Quarto makes them."""
        stem, folder = page.path.stem, page.path.parent
        if stem == "README":
            raise site.not_content("Quarto makes no page of a README")
        if page.given.get("listing"):
            raise site.list_page("the page lists others, and is not an article")
        if any(re.search(one, page.path.as_posix()) for one in self.config.get("drafts", ())):
            page.values["draft"] = True
        date = page.text("date")
        if date in _NOT_STATED:
            page.values.pop("date", None)
        month_first = _MONTH_FIRST.sub(r"\4-\1-\3", date)
        page.read_name(
            folder.name if stem == "index" else stem,
            month_first or page.given.get("date"),
            dated=False,
        )
        page.values["section"] = page.path.parts[0] if len(page.path.parts) > 1 else ""
        page.set_link(f"{folder}/" if stem == "index" else f"{folder / stem}.html")
