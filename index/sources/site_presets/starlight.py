"""Starlight's pages of documentation, and what Astro writes down of other pages' addresses."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from index.articles.language_tags import is_language
from index.sources.site_presets.site_preset import (
    SitePage,
    SitePreset,
    base_path,
    find_text,
    keep_letters,
    list_page,
    read_text,
)

_CONFIGS = tuple(f"astro.config.{suffix}" for suffix in ("mjs", "js", "ts", "mts", "cjs"))
_BASE = re.compile(r"""^\s*base\s*:\s*["'`]([^"'`]*)["'`]""", re.MULTILINE)
_NO_SLASH = re.compile(r"""\btrailingSlash\s*:\s*["'`](never)""")
_LOCALES = re.compile(r"\blocales\s*:\s*\{((?:[^{}]|\{[^{}]*\})*)")
_LOCALE = re.compile(r"""["']?([\w-]+)["']?\s*:\s*\{(?:[^{}]*?\blang\s*:\s*["'`]([\w-]+)["'`])?""")
_DEFAULT = re.compile(r"""\bdefaultLocale\s*:\s*["'`]([\w-]+)""")


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
        plain = "starlight" not in text
        config = {
            "base": find_text(_BASE, text),
            "slash": "" if find_text(_NO_SLASH, text) else "/",
            "locales": {
                name: lang or (name if is_language(name.lower()) else "")
                for name, lang in _LOCALE.findall(find_text(_LOCALES, text))
            },
            "default": find_text(_DEFAULT, text) or "root",
            "plain": plain,
        }
        if not plain:
            return cls(root=folder / "src" / "content" / "docs", config=config)
        remark = (
            f"{folder} computes the addresses of its collections in code, which can't be known "
            'here: set url_template, such as "/blog/{slug}/"'
        )
        return cls(root=folder / "src", config=config, remarks=(remark,))

    def complete(self, page: SitePage) -> None:
        """Completes a page of the documentation."""
        parts = list(page.path.with_suffix("").parts)
        plain, locales = self.config["plain"], self.config["locales"]
        collection = parts.pop(0) if plain and len(parts) > 1 else ""
        if collection == "content" and len(parts) > 1:
            page.values["section"] = parts.pop(0)
        folder = parts[0] if len(parts) > 1 and parts[0] in locales else ""
        rest = parts[1:] if folder else parts
        if locales:
            language = locales.get(folder or "root") or locales.get(self.config["default"]) or "en"
            page.values |= {"language": language, "translation_key": "/".join(rest)}
        elif not plain:
            page.values.setdefault("language", "en")
        if parts[-1] == "404" or rest == ["index"]:
            raise list_page("the first page or the page for errors, not an article")
        slugs = [_slug(part) for part in parts]
        if slugs[-1] == "index":
            del slugs[-1]
        own = page.given.get("slug")
        path = own.strip("/") if isinstance(own, str) else "/".join(slugs)
        page.read_name(
            parts[-1], page.given.get("lastupdated"), page.given.get("date"), dated=False
        )
        page.values["slug"] = path if plain else path.rsplit("/", 1)[-1]
        if not plain:
            page.values["section"] = slugs[0] if len(slugs) > 1 else ""
        elif collection == "pages":
            path = "/".join(part for part in parts if part != "index")
        page.base = base_path(self.config["base"])
        page.set_link("" if plain and collection != "pages" else f"{path}{self.config['slash']}")


def _slug(text: str) -> str:
    """Returns a name as it stands in an address: lower case, spaces as hyphens, no other marks."""
    return keep_letters(text.lower(), "-_ ").replace(" ", "-")
