"""Finds out which generator made a site, by the files in a folder or the folders above it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from index.errors import SourceError
from index.sources.site_presets.eleventy import EleventyPreset
from index.sources.site_presets.hugo import HugoPreset
from index.sources.site_presets.jekyll import JekyllPreset
from index.sources.site_presets.site_preset import SitePage, SitePreset, not_content
from index.sources.site_presets.starlight import StarlightPreset
from index.sources.site_presets.zola import ZolaPreset
from recommender.errors import SettingError

PRESETS: dict[str, type[SitePreset]] = {
    preset.name: preset
    for preset in (
        *(SitePreset, JekyllPreset, HugoPreset, ZolaPreset, EleventyPreset, StarlightPreset),
    )
}
"""The presets by name; in one folder they are looked for in this order."""

_MAGIC = re.compile(r"[*?\[]")
_MAX_ABOVE = 6
_DATA_BELOW = ("*.11tydata.*", "*/*.11tydata.*", "*/*/*.11tydata.*")


@dataclass(frozen=True, slots=True, kw_only=True)
class PresetSite:
    """The site that the pages of a folder belong to.

    Attributes:
        preset: What its generator makes of pages.
        above: The folder that is read, relative to the site's content.
        below: The site's content, relative to the folder that is read.
    """

    preset: SitePreset
    above: PurePosixPath
    below: PurePosixPath

    def place(self, page: SitePage) -> None:
        """Completes a page's values, and gives it its link.

        Args:
            page: The page, its path relative to the folder that is read.

        Raises:
            PageError: If the page is no article of the site.
        """
        for part in page.path.parts[:-1]:
            if part.startswith((".", "_")) and not self.preset.has_folder(part):
                raise not_content(f"it lies in {part}, a folder that no page is made of")
        if not page.path.is_relative_to(self.below):
            raise not_content(f"it lies outside of {self.below}, the folder of the site's content")
        page.path = self.above / page.path.relative_to(self.below)
        self.preset.place(page)


def find_site(location: str, preset: str = "") -> PresetSite:
    """Returns the site that a folder, a glob or a file of pages belongs to.

    Args:
        location: The path of a source.
        preset: The name of a preset; empty to choose by what lies in the folder and above it.

    Raises:
        SettingError: If there is no preset of this name.
        SourceError: If a configuration can't be read.
    """
    if preset and preset not in PRESETS:
        raise SettingError(f"preset {preset!r:.40}: choose one of {', '.join(PRESETS)}")
    none = PurePosixPath()
    try:
        inner = _base(location).resolve()
        found = _find_preset(inner, preset)
        root = found.root.resolve()
        return PresetSite(
            preset=found,
            above=PurePosixPath(inner.relative_to(root)) if inner.is_relative_to(root) else none,
            below=PurePosixPath(root.relative_to(inner)) if root.is_relative_to(inner) else none,
        )
    except OSError as error:
        reason = error.strerror or error
        raise SourceError(f"{error.filename or location} can't be read: {reason}") from error


def _base(location: str) -> Path:
    """Returns the folder that a folder, a glob or a file begins with."""
    given = Path(location)
    if not given.exists():
        parts = given.parts
        fixed = next((at for at, one in enumerate(parts) if _MAGIC.search(one)), None)
        given = Path(*parts[:fixed])
    return given if given.is_dir() else given.parent


def _find_preset(base: Path, name: str) -> SitePreset:
    kinds = [PRESETS[name]] if name else list(PRESETS.values())
    for folder in (base, *list(base.parents)[:_MAX_ABOVE]):
        for kind in kinds:
            site = kind.find(folder)
            if site:
                root = site.root.resolve()
                if base.is_relative_to(root) or root.is_relative_to(base):
                    return site
        if (folder / ".git").exists():
            break
    if not name and any(base.glob("_index*.md")):
        return HugoPreset.assume(base)
    if not name and any(found for depth in _DATA_BELOW for found in base.glob(depth)):
        return EleventyPreset.assume(base)
    return kinds[0].assume(base)
