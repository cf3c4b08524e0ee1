"""Pages of Nuxt Content, which numbers put in order: ``1.guide/2.start.md`` is ``/guide/start``."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Self

from index.articles.language_tags import is_language
from index.sources.site_presets import site_preset as site
from index.sources.site_presets.site_preset import SitePage, SitePreset

_NUMBER = re.compile(r"^\d+\.(?=.)")
_SOURCE = re.compile(r"\bsource\s*:\s*\{([^{}]*)\}")
_PLAIN = re.compile(r"[\w .-]*", re.ASCII)


class NuxtPreset(SitePreset):
    """A site made by Nuxt with Nuxt Content."""

    name = "nuxt"

    @classmethod
    def find(cls, folder: Path, *, named: bool = False) -> Self | None:
        """Returns the preset if the folder has ``nuxt.config`` and ``content``, or it was named."""
        code = site.read_code(folder, "nuxt.config")
        if (code is None or not (folder / "content").is_dir()) and not named:
            return None
        text = code or ""
        collections = site.read_code(folder, "content.config") or ""
        return cls(
            root=folder if code is None else folder / "content",
            base=site.base_path(site.written(text, "baseURL")),
            home=site.written(text, "url"),
            language=site.written(text, "defaultLocale") or site.written(text, "lang"),
            ignored=site.left_out(collections),
            config={"prefixes": dict(_prefixes(collections))},
        )

    def complete(self, page: SitePage) -> None:
        """Sets a page's record values and its address, as Nuxt Content makes them."""
        place = page.path.with_suffix("").as_posix()
        prefixes = self.config.get("prefixes", {})
        source = max((one for one in prefixes if place.startswith(one)), key=len, default="")
        prefix = prefixes.get(source, source)
        rest = place.removeprefix(source)
        parts = [_NUMBER.sub("", part) for part in rest.split("/")]
        if any(part[:1] in "._" for part in parts):
            raise site.not_content("Nuxt Content ignores names that begin with a dot or _")
        if is_language(source.strip("/")):
            page.values |= {"language": source.strip("/"), "translation_key": "/".join(parts)}
        if parts[-1] == "index":
            del parts[-1]
        parts = [one for one in (prefix or "").split("/") if one] + parts
        if not parts:
            raise site.list_page("it is the site's first page, not an article")
        page.read_name(parts[-1], page.given.get("date"), dated=False)
        page.values["section"] = parts[0] if len(parts) > 1 else ""
        own = page.text("path")
        is_known = prefix is not None and [*prefixes.values()].count(prefix) < 2
        is_known &= all(map(_PLAIN.fullmatch, parts))  # other letters are spelled by a table
        path = "/".join("-".join(part.lower().split()) for part in parts)
        page.set_link(own or (path if is_known else ""), own=bool(own))


def _prefixes(code: str) -> Iterator[tuple[str, str | None]]:
    """Yields the folders of sources with what addresses have for them; ``None`` if computed."""
    for inner in _SOURCE.findall(code):
        folder = site.written(inner, "include").partition("*")[0]
        if "prefix" in inner and folder[-1:] in ("", "/"):
            is_text = re.search(r"""\bprefix["']?\s*:\s*["']""", inner)
            yield folder, site.written(inner, "prefix").strip("/") if is_text else None
