"""Hexo's posts, drafts and pages, and their permalinks."""

import re
from pathlib import Path
from typing import Any, Self

from index.articles.text_lists import names_in
from index.sources.site_presets import site_preset as site
from index.sources.site_presets.site_preset import SitePage, SitePreset

_DEFAULTS = {
    "permalink": ":year/:month/:day/:title/",
    "new_post_name": ":title.md",
    "default_category": "uncategorized",
}
_DIGITS = {"year": r"\d{4}", "month": r"\d\d", "day": r"\d\d", "i_month": r"\d\d?"}
_PLAIN = re.compile(r"[A-Za-z0-9]+(?: [A-Za-z0-9]+)*")
"""A category of which Hexo makes a part of an address by writing spaces as hyphens."""


class HexoPreset(SitePreset):
    """A site made by Hexo."""

    name = "hexo"

    @classmethod
    def find(cls, folder: Path, *, named: bool = False) -> Self | None:
        """Returns the preset if the folder has Hexo's settings or package, or the user named it."""
        config = site.read_config(folder, "_config.yml", "_config.yaml", "_config.json") or {}
        used = '"hexo"' in (site.read_text(folder / "package.json") or "")
        if "source_dir" not in config and not (used and (folder / "source").is_dir()) and not named:
            return None
        lists = map(config.get, ("skip_render", "exclude", "ignore"))
        names = [one.removeprefix("source/") for given in lists for one in names_in(given)]
        return cls(
            root=folder / str(config.get("source_dir") or "source"),
            config=_DEFAULTS | {name: one for name, one in config.items() if one is not None},
            base=site.base_path(config.get("root")) or site.base_path(config.get("url")),
            home=config.get("url"),
            language=next(iter(names_in(config.get("language"))), None),
            ignored=site.globs(names, within=""),
        )

    def has_folder(self, name: str) -> bool:
        """Tells whether a folder with this name holds posts or drafts."""
        return name in site.POSTS

    def complete(self, page: SitePage) -> None:
        """Sets a page's record values and its address, as Hexo makes them."""
        folders, stem = page.path.parts[:-1], page.path.stem
        home = next((part for part in folders if part in site.POSTS), "")
        if home == "_drafts":
            page.values["status"] = "draft"
        kinds = [page.text("layout"), "" if home else page.text("type")]
        if {*map(str.casefold, kinds)} & {*site.LISTS, "link"}:
            raise site.list_page()
        branch = page.given.get("categories") or page.given.get("category")
        if isinstance(branch, list) and any(isinstance(one, list) for one in branch):
            branch = branch[-1]  # of several, the last counts
        branch = names_in(branch, lambda one: [one])
        for name, other in (("tags", "tag"), ("categories", "category")):
            given = page.given.get(name) or page.given.get(other)
            page.given[name] = page.values[name] = names_in(given, lambda one: [one])
        page.values["tags"] = [*page.values["tags"], *page.values["categories"]]
        below = folders[folders.index(home) + 1 :] if home else folders
        title, made = self._split_name("/".join((*below, stem)))
        page.values |= {"section": "posts" if home else "", "path": title}
        waits = bool(home) and self.config.get("future") is False
        page.read_name(
            title, page.given.get("date"), made, zone=self.zone, dated=False, waits=waits
        )
        page.values["slug"] = title.rpartition("/")[2]
        if own := page.text("permalink"):
            page.set_link(own, own=True)
        elif home:
            page.pattern = self.setting("permalink")
            parts = {
                **{name: str(one) for name, one in page.given.items() if _is_part(name, one)},
                **page.date_parts(),
                "title": title,
                "name": page.values["slug"],
                "category": self._category(branch),
            }
            filled = {key: one for key, one in parts.items() if one}
            page.set_link(site.fill_pattern(page.pattern, filled))
        else:
            page.set_link(f"{'/'.join(folders)}/" if stem == "index" else f"{title}.html")

    def _split_name(self, path: str) -> tuple[str, str]:
        """Returns a post's title and date by its name, as ``new_post_name`` says it is made."""
        pattern = re.escape(self.setting("new_post_name").rpartition(".")[0])
        for name, digits in (_DIGITS | {"i_day": r"\d\d?", "title": ".+"}).items():
            pattern = pattern.replace(f":{name}", f"(?P<{name}>{digits})", 1)
        found = re.fullmatch(pattern, path)
        parts = found.groupdict() if found else {}
        date = [
            parts.get(name) or parts.get(f"i_{name}") or "" for name in ("year", "month", "day")
        ]
        return parts.get("title") or path, "-".join(date) if all(date) else ""

    def _category(self, named: list[str]) -> str:
        """Returns what stands for ``:category``; empty if it is not known."""
        parts = [*map(str, named or [self.config["default_category"]])]
        is_mapped = self.config.get("category_map") or self.config.get("filename_case")
        if is_mapped or not all(map(_PLAIN.fullmatch, parts)):
            return ""
        return "/".join(part.replace(" ", "-") for part in parts)


def _is_part(name: str, value: Any) -> bool:
    """Tells whether a value of front matter can fill a placeholder of an address."""
    return name.isidentifier() and isinstance(value, str | int) and not isinstance(value, bool)
