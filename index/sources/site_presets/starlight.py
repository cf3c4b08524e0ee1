"""Starlight's pages of documentation, and what Astro writes down of other pages' addresses."""

import re
from pathlib import Path
from typing import Self

from index.articles.language_tags import is_language
from index.sources.site_presets import site_preset as site
from index.sources.site_presets.site_preset import SitePage, SitePreset

_LOCALES = re.compile(r"\blocales(?:\s*:[^={}\n]*)?\s*[:=]\s*\{((?:[^{}]|\{[^{}]*\})*)")
_LOCALE = re.compile(r"""["']?([\w-]+)["']?\s*:\s*\{(?:[^{}]*?\blang\s*:\s*["'`]([\w-]+)["'`])?""")


class StarlightPreset(SitePreset):
    """A site made by Astro; without Starlight, only the addresses of ``src/pages`` are known."""

    name = "starlight"

    @classmethod
    def find(cls, folder: Path, *, named: bool = False) -> Self | None:
        """Returns the preset if the folder has ``astro.config`` or the user named it."""
        code = site.read_code(folder, "astro.config")
        if code is None and not named:
            return None
        content = "." if code is None else "src/content/docs"
        code = code or "starlight"
        plain = "starlight" not in code
        written = _LOCALES.search(code)
        locales = {
            name: lang or (name if is_language(name.lower()) else "")
            for name, lang in _LOCALE.findall(written[1] if written else "")
        }
        default = site.written(code, "defaultLocale") or "root"
        collections = site.read_code(folder / "src", "content.config", "content/config") or ""
        config = {
            "slash": "" if site.written(code, "trailingSlash") == "never" else "/",
            "locales": locales,
            "default": default,
            "plain": plain,
            "loads": re.search(r"\b(?:glob|docsLoader)\(", collections) is not None,
            "elsewhere": not plain and not locales and re.search(r"\blocales\b", code) is not None,
        }
        base = site.base_path(site.written(code, "base"))
        return cls(
            root=folder / ("src" if plain else content),
            config=config,
            base=base,
            home=site.written(code, "site"),
            language=locales.get(default) or locales.get("root"),
            ignored=site.left_out(collections, r"(?:content/[^/]+/)?"),
        )

    def has_folder(self, name: str) -> bool:
        """Tells whether a folder has pages: loaders pass over files alone that begin with ``_``."""
        return self.config["loads"] and name.startswith("_") and name not in site.POSTS[1:]

    def complete(self, page: SitePage) -> None:
        """Sets a page's record values and its address, as Astro makes them."""
        parts = list(page.path.with_suffix("").parts)
        plain, locales = self.config["plain"], self.config["locales"]
        collection = parts.pop(0) if plain and len(parts) > 1 else ""
        if collection == "pages" and any(part.startswith("_") for part in parts):
            raise site.not_content("Astro ignores names that begin with _ in src/pages")
        if collection == "content" and len(parts) > 1:
            page.values["section"] = parts.pop(0)
        elsewhere = self.config["elsewhere"]  # in an import: folders named for languages are theirs
        is_locale = is_language(parts[0].lower()) if elsewhere else parts[0] in locales
        folder = parts[0] if len(parts) > 1 and is_locale else ""
        rest = parts[1:] if folder else parts
        if locales:
            language = locales.get(folder or "root") or locales.get(self.config["default"]) or "en"
            page.values |= {"language": language, "translation_key": "/".join(rest)}
        elif elsewhere:
            page.values |= {"language": folder} if folder else {}
            page.values["translation_key"] = "/".join(rest)
        elif not plain:
            page.values.setdefault("language", "en")
        if parts[-1] == "404" or rest == ["index"]:
            raise site.list_page("it is the site's first page or page for errors, not an article")
        slugs = [site.keep_letters(part.lower(), "-_ ").replace(" ", "-") for part in parts]
        if slugs[-1] == "index":
            del slugs[-1]
        path = page.text("slug").strip("/") or "/".join(slugs)
        dates = map(page.given.get, ("lastupdated", "date"))
        page.read_name(parts[-1], *dates, dated=False)
        page.values["slug"] = path if plain else path.rsplit("/", 1)[-1]
        if not plain:
            page.values["section"] = slugs[0] if len(slugs) > 1 else ""
        elif collection == "pages":
            path = "/".join(part for part in parts if part != "index")
        page.set_link("" if plain and collection != "pages" else f"{path}{self.config['slash']}")
