"""Starlight's pages of documentation, and what Astro writes down of other pages' addresses."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from index.articles.language_tags import is_language
from index.sources.site_presets.site_preset import (
    SitePage,
    SitePreset,
    address,
    base_path,
    list_page,
    not_content,
    read_text,
    read_time,
)

_CONFIGS = tuple(f"astro.config.{suffix}" for suffix in ("mjs", "js", "ts", "mts", "cjs"))
_BASE = re.compile(r"""^\s*base\s*:\s*["'`]([^"'`]*)["'`]""", re.MULTILINE)
_NO_SLASH = re.compile(r"""\btrailingSlash\s*:\s*["'`]never""")
_LOCALES = re.compile(r"\blocales\s*:\s*\{")
_LOCALE = re.compile(r"""["']?([\w-]+)["']?\s*:\s*\{(?:[^{}]*?\blang\s*:\s*["'`]([\w-]+)["'`])?""")
_DEFAULT = re.compile(r"""\bdefaultLocale\s*:\s*["'`]([\w-]+)""")
_ENDING = "{slug}/"


@dataclass(frozen=True, slots=True, kw_only=True)
class StarlightPreset(SitePreset):
    """A site made by Astro with Starlight; of one without it, only ``src/pages`` is known."""

    name = "starlight"

    @classmethod
    def find(cls, folder: Path) -> Self | None:
        """Returns the preset for a folder with ``astro.config``."""
        text = next((one for name in _CONFIGS if (one := read_text(folder / name))), None)
        if text is None:
            return None
        found = _BASE.search(text)
        locales: dict[str, str] = {}
        if start := _LOCALES.search(text):
            depth, end = 1, start.end()
            while depth and end < len(text):
                depth += {"{": 1, "}": -1}.get(text[end], 0)
                end += 1
            names = _LOCALE.findall(text[start.end() : end])
            locales = {
                name: lang or (name if is_language(name.lower()) else "") for name, lang in names
            }
        default = _DEFAULT.search(text)
        config = {
            "base": found[1] if found else "",
            "slash": "" if _NO_SLASH.search(text) else "/",
            "locales": locales,
            "default": default[1] if default else "root",
        }
        if "starlight" in text:
            return cls(root=folder / "src" / "content" / "docs", config=config)
        remark = (
            f"{folder} computes the addresses of its collections in code, which can't be known "
            f'here: set url_template, such as "/blog/{_ENDING}"'
        )
        return cls(root=folder / "src", config={**config, "plain": True}, remarks=(remark,))

    def place(self, page: SitePage) -> None:
        """Completes a page of the documentation."""
        if page.path.name.startswith("_"):
            raise not_content("a file whose name begins with _ is no page of the site")
        parts = list(page.path.with_suffix("").parts)
        page.base = base_path(self.config["base"])
        plain = bool(self.config.get("plain"))
        collection = parts.pop(0) if plain and len(parts) > 1 else ""
        if collection == "content" and len(parts) > 1:
            page.values["section"] = parts.pop(0)
        page.values.pop("url", None)
        locales = self.config["locales"]
        folder = parts[0] if len(parts) > 1 and parts[0] in locales else "root"
        if locales:
            language = locales.get(folder) or locales.get(self.config["default"])
            rest = parts[folder != "root" :]
            page.values |= {"language": language or "en", "translation_key": "/".join(rest)}
        elif not plain:
            page.values.setdefault("language", "en")
        name = parts[-1]
        if name == "404" or (name == "index" and len(parts) <= 1 + (folder != "root")):
            raise list_page("the first page or the page for errors, not an article")
        if time := read_time(page.given.get("lastupdated") or page.given.get("date")):
            page.values.setdefault("date", time)
        own = page.given.get("slug")
        slugs = [_slug(part) for part in parts]
        if slugs[-1] == "index":
            del slugs[-1]
        path = own.strip("/") if isinstance(own, str) else "/".join(slugs)
        page.values |= {"slug": path.rsplit("/", 1)[-1] if not plain else path}
        if not plain:
            page.values["section"] = slugs[0] if len(slugs) > 1 else ""
            page.link = address(page.base, path, self.config["slash"])
        elif collection == "pages":
            page.link = address(
                page.base, *(part for part in parts if part != "index"), self.config["slash"]
            )


def _slug(text: str) -> str:
    """Returns a name as it stands in an address: lower case, spaces as hyphens, no other marks."""
    kept = (
        one
        for one in text.lower()
        if one in "-_ " or unicodedata.category(one)[0] in "LM" or unicodedata.category(one) == "Nd"
    )
    return "".join(kept).replace(" ", "-")
