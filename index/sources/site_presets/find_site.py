"""Finds out which generator made a site, by the files in a folder or the folders above it."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Self

from index.errors import SourceError
from index.sources.page_folder import folder_of
from index.sources.site_presets.docusaurus import DocusaurusPreset
from index.sources.site_presets.eleventy import EleventyPreset, has_data
from index.sources.site_presets.hexo import HexoPreset
from index.sources.site_presets.hugo import HugoPreset
from index.sources.site_presets.jekyll import JekyllPreset, has_posts
from index.sources.site_presets.mdbook import GitbookPreset, MdbookPreset
from index.sources.site_presets.mkdocs import MkdocsPreset
from index.sources.site_presets.nuxt import NuxtPreset
from index.sources.site_presets.quarto import QuartoPreset
from index.sources.site_presets.site_preset import SitePreset, globs, read_code
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

_MAX_ABOVE = 6
_SECTIONS = ("_index*.md", "*/_index*.md", "*/*/_index*.md")
"""What Hugo's content holds, in the folder that is read."""

_CALLED_AS_FILES = (".obsidian", "_Sidebar.md", "_Footer.md")
"""What vaults of Obsidian and wikis of GitHub have, whose pages are called as their files."""

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
        code = read_code(folder, "quartz.config")
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
        return cls(root=folder, ignored=globs(names, within="[^/]+/"), by_name=True)


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
    kinds: list[type[SitePreset]] = [PRESETS[name]] if name else [*PRESETS.values(), _Quartz]
    by_name = False
    for folder in (base, *list(base.parents)[:_MAX_ABOVE]):
        by_name = by_name or any((folder / sign).exists() for sign in _CALLED_AS_FILES)
        for kind in kinds:
            site = kind.find(folder)
            if site:
                root = site.root.resolve()
                if base.is_relative_to(root) or root.is_relative_to(base):
                    return site
        if (folder / ".git").exists():
            break
    if not name:
        if any(found for sign in _SECTIONS for found in base.glob(sign)):
            kinds = [HugoPreset]
        elif has_data(base):
            kinds = [EleventyPreset]
        elif has_posts(base):
            kinds = [JekyllPreset]
    site = kinds[0].find(base, named=True) or SitePreset(root=base)
    return replace(site, by_name=by_name)
