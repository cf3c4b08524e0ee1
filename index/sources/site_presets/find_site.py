"""Finds out which generator made a site, by the files in a folder or the folders above it."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

from index.articles.word_table import load_table
from index.errors import SourceError
from index.sources.page_folder import folder_of
from index.sources.site_presets import site_preset as site
from index.sources.site_presets.docusaurus import DocusaurusPreset
from index.sources.site_presets.eleventy import EleventyPreset, has_data
from index.sources.site_presets.hexo import HexoPreset
from index.sources.site_presets.hugo import HugoPreset
from index.sources.site_presets.jekyll import JekyllPreset, has_posts
from index.sources.site_presets.mdbook import GitbookPreset, MdbookPreset, find_gitbook_heading
from index.sources.site_presets.mkdocs import MkdocsPreset
from index.sources.site_presets.nuxt import NuxtPreset
from index.sources.site_presets.quarto import QuartoPreset
from index.sources.site_presets.site_preset import SitePage, SitePreset
from index.sources.site_presets.starlight import StarlightPreset
from index.sources.site_presets.vitepress import VitePressPreset
from index.sources.site_presets.zola import ZolaPreset
from recommender.errors import SettingError

PRESETS: dict[str, type[SitePreset]] = {
    preset.name: preset
    for preset in (
        *(SitePreset, HexoPreset, JekyllPreset, HugoPreset, ZolaPreset, EleventyPreset),
        *(StarlightPreset, DocusaurusPreset, MkdocsPreset, MdbookPreset, NuxtPreset),
        *(VitePressPreset, QuartoPreset, GitbookPreset),
    )
}
"""The presets by name; in one folder they are looked for in this order."""

_MAX_NAVIGATION = 4 * 1024 * 1024
_SECTIONS = ("_index*.md", "*/_index*.md", "*/*/_index*.md")
"""What Hugo's content holds, in the folder that is read."""

_CALLED_AS_FILES = (".obsidian", "_Sidebar.md", "_Footer.md")
"""What vaults of Obsidian and wikis of GitHub have, whose pages are called as their files."""

_MAKERS: dict[str, str] = load_table(__file__)
"""Generators without a preset, by the name of their settings' file without its suffix."""

_ALL_PUBLIC = re.compile(r"^[^;\n]*:publishing/all-pages-public\?\s+true", re.MULTILINE)

_QUARTZ = re.compile(
    r"""\bignorePatterns["']?\s*:\s*\[((?:\s*(?:"[^"\\\n]*"|'[^'\\\n]*')\s*(?:,|(?=\])))*)\s*\]\s*[,}]"""
)
"""What Quartz leaves out, where its settings plainly say it."""


class _Quartz(SitePreset):
    """A site made by Quartz, of which only what it leaves out is known."""

    @classmethod
    def find(cls, folder: Path, *, named: bool = False) -> Self | None:  # noqa: ARG003
        """Returns the preset for a folder with Quartz' settings, or ``None``.

        Raises:
            SourceError: If what they leave out can't be read, for it may be hidden.
        """
        code = site.read_code(folder, "quartz.config")
        if code is None:
            return None
        code = re.sub(r"^\s*//.*|(?<=[\s,])//.*$", "", code, flags=re.MULTILINE)
        found = _QUARTZ.search(code)
        if found is None and "ignorePatterns" in code:
            raise SourceError(
                f"{folder}/quartz.config: ignorePatterns can't be read; write it as a list of "
                'texts, or read the folder with preset = "none"'
            )
        names = re.findall(r"""["']([^"']+)["']""", found[1]) if found else []
        opt_in = "publish" if "ExplicitPublish(" in code else ""
        ignored = site.globs(names, within="[^/]+/")
        about = "a site made by Quartz" + ": only pages with publish: true are shown" * bool(opt_in)
        return cls(
            root=folder, ignored=ignored, by_name=True, maker="Quartz", opt_in=opt_in, about=about
        )


class _Logseq(SitePreset):
    """A graph of Logseq, which publishes only pages that say so, unless its settings do."""

    @classmethod
    def find(cls, folder: Path, *, named: bool = False) -> Self | None:  # noqa: ARG003
        """Returns the preset for a folder with Logseq's settings, or ``None``."""
        settings = site.read_text(folder / "logseq" / "config.edn")
        if settings is None:
            return None
        opt_in = "" if _ALL_PUBLIC.search(settings) else "public"
        about = "a graph of Logseq" + ": only pages with public:: true are shown" * bool(opt_in)
        ignored = ["^logseq/"]  # old versions
        return cls(root=folder, by_name=True, opt_in=opt_in, ignored=ignored, about=about)


class _Mintlify(SitePreset):
    """A site made by Mintlify, which lists the pages that its navigation names."""

    @classmethod
    def find(cls, folder: Path, *, named: bool = False) -> Self | None:  # noqa: ARG003
        """Returns the preset for a folder with Mintlify's settings, or ``None``.

        Raises:
            SourceError: If they can't be read, for pages that they don't name are hidden.
        """
        paths = (folder / "docs.json", folder / "mint.json")
        text = next(filter(None, (site.read_text(one, _MAX_NAVIGATION) for one in paths)), "")
        if "mintlify.com/" not in text:
            return None
        try:
            navigation = json.loads(text).get("navigation") or []
        except (ValueError, AttributeError, RecursionError) as error:
            raise SourceError(
                f"{folder}: Mintlify's settings are no JSON: {error}; correct them, or read the "
                'folder with preset = "none"'
            ) from error
        is_whole = '"$ref"' not in text  # else parts of it stand in other files
        pages = _listed(navigation) if is_whole else ()
        only = ": only pages that its navigation names are shown" * bool(pages)
        return cls(root=folder, config={"pages": pages}, about=f"a site made by Mintlify{only}")

    def complete(self, page: SitePage) -> None:
        """Hides a page that the navigation doesn't name, as the site's search and sitemap do."""
        path = page.path.with_suffix("").as_posix()
        if not page.values.get("url"):
            page.set_link("/" if path == "index" else path.removesuffix("/index"))
        if self.config["pages"] and path not in self.config["pages"]:
            page.values["status"] = "unlisted"


def _listed(part: Any) -> set[str]:
    """Returns the texts of a navigation, among them its pages, but not those of hidden groups."""
    if isinstance(part, dict):
        part = [] if part.get("hidden") is True else [*part.values()]
    if isinstance(part, list):
        return {one for below in part for one in _listed(below)}
    return {str(part).strip("/").removesuffix(".mdx")}


def find_site(location: str, preset: str = "") -> SitePreset:
    """Finds out which generator made a site, and returns its rules for pages.

    Args:
        location: The path of a source: a folder, a glob or a file of the site.
        preset: The generator's name (``"hugo"``); empty to detect it by the files in the folder
            and above it.

    Raises:
        SettingError: If there is no preset of this name.
        SourceError: If the site's configuration can't be read.
    """
    if preset and preset not in PRESETS:
        raise SettingError(f"unknown preset {preset!r:.40}: choose one of {', '.join(PRESETS)}")
    try:
        base = folder_of(location).resolve()
        found = _find_preset(base, preset)
        root = found.root.resolve()
    except OSError as error:
        reason = error.strerror or error
        raise SourceError(f"{error.filename or location} can't be read: {reason}") from error
    if base.is_relative_to(root):
        return replace(found, above=base.relative_to(root).as_posix())
    below = root.relative_to(base).as_posix() if root.is_relative_to(base) else ""
    return replace(found, below=below)


def _find_preset(base: Path, name: str) -> SitePreset:
    others = (_Quartz, _Logseq, _Mintlify)
    kinds: list[type[SitePreset]] = [PRESETS[name]] if name else [*PRESETS.values(), *others]
    by_name, maker, folders = False, "", site.folders_above(base)
    for folder in folders:
        by_name = by_name or any((folder / sign).exists() for sign in _CALLED_AS_FILES)
        made_by = (maker for file, maker in _MAKERS.items() if any(folder.glob(f"{file}.*")))
        maker = maker or ("" if name else next(made_by, ""))
        for kind in kinds:
            if found := kind.find(folder):
                root = found.root.resolve()
                if base.is_relative_to(root) or root.is_relative_to(base):
                    return found
    if not name:
        if any(found for sign in _SECTIONS for found in base.glob(sign)):
            kinds = [HugoPreset]
        elif has_data(base):
            kinds = [EleventyPreset]
        elif has_posts(base):
            kinds = [JekyllPreset]
        elif books := [*filter(None, map(find_gitbook_heading, folders))]:
            return books[0]
    found = kinds[0].find(base, named=True) or SitePreset(root=base)
    return replace(found, by_name=by_name, maker=maker if found.name == SitePreset.name else "")
