"""Eleventy's permalinks, as far as they are written down: in pages and in directory data."""

from __future__ import annotations

import datetime as dt
import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, Self

from index.articles.record import get_field
from index.sources.site_presets.site_preset import (
    SitePage,
    SitePreset,
    ascii_slug,
    base_path,
    find_text,
    list_page,
    not_content,
    read_config,
    read_text,
)

_SUFFIXES = ("js", "mjs", "cjs", "ts")
_CONFIGS = [f"{stem}.{end}" for stem in (".eleventy", "eleventy.config") for end in _SUFFIXES]
_DATA_SUFFIXES = (".11tydata.json", ".json", *(f".11tydata.{end}" for end in _SUFFIXES))
_INPUT = re.compile(r"""(?:\binput\s*:\s*|setInputDirectory\(\s*)["'`]([^"'`]*)["'`]""")
_PREFIX = re.compile(r"""\bpathPrefix\s*:\s*["'`]([^"'`]*)["'`]""")
_GLOBAL = re.compile(r"""addGlobalData\(\s*["'`](?:eleventyComputed\.)?permalink["'`]""")
_PERMALINK = re.compile(r"""["']?\bpermalink["']?\s*:\s*(?:(["'`])(.*?)\1|(false)\b|(\S))""")
_EXCLUDED = re.compile(r"""\b(draft|eleventyExcludeFromCollections)["']?\s*:\s*true\b""")
_PRINTED = re.compile(r"\{\{-?([^{}]*?)-?\}\}")
_FILTER = re.compile(r"""\|\s*(\w+)\s*(?:[:(]\s*["']?([^|"'}]*?)["']?\s*\)?\s*(?=\||-?\}\}))?""")
_MAX_FOLDERS = 2_000
_COMPUTED = "a function"
_FILTERS: dict[str, Callable[[Any, str], Any]] = {
    "slugify": lambda value, _: ascii_slug(str(value)) or None,
    "slug": lambda value, _: ascii_slug(str(value)) or None,
    "date": lambda value, form: (
        value.strftime(form) if isinstance(value, dt.date) and "%" in form else None
    ),
    "downcase": lambda value, _: str(value).lower(),
    "lower": lambda value, _: str(value).lower(),
    "string": lambda value, _: value,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class EleventyPreset(SitePreset):
    """A site made by Eleventy. A date in the future hides nothing there.

    Attributes:
        data: The data that the pages of a folder share, by the folder's path.
    """

    name = "eleventy"
    data: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @classmethod
    def find(cls, folder: Path) -> Self | None:
        """Returns the preset for a folder with Eleventy's configuration or directory data."""
        texts = [text for name in _CONFIGS if (text := read_text(folder / name)) is not None]
        used = "@11ty/eleventy" in (read_text(folder / "package.json") or "")
        if not texts and not used and not any(folder.glob("*.11tydata.*")):
            return None
        text = texts[0] if texts else ""
        return cls._with_data(folder / find_text(_INPUT, text), text)

    @classmethod
    def assume(cls, folder: Path) -> Self:
        """Returns the preset for a folder of content without a configuration."""
        return cls._with_data(folder, "")

    @classmethod
    def _with_data(cls, root: Path, text: str) -> Self:
        data: dict[str, dict[str, Any]] = {}
        files = (
            [("the configuration", ".", {"permalink": _COMPUTED})] if _GLOBAL.search(text) else []
        )
        remarks: list[str] = []
        for file, folder, values in (*files, *_data_files(root)):
            data[folder] = {**data.get(folder, {}), **values}
            permalink = str(values.get("permalink", ""))
            if not _is_known(permalink):
                remarks.append(
                    f"{file} computes addresses in code ({permalink}), which can't be known here: "
                    'set url_template, such as "/{year}/{month}/{day}/{slug}/"'
                )
        config = {"prefix": find_text(_PREFIX, text)}
        return cls(root=root, data=data, remarks=tuple(remarks), config=config)

    def complete(self, page: SitePage) -> None:
        """Completes a page, with the data of its folders."""
        if "node_modules" in page.path.parts:
            raise not_content("it lies in node_modules")
        if page.path.as_posix() == "index.md":
            raise list_page("the site's first page, not an article")
        own = isinstance(page.given.get("permalink"), str)
        for folder in page.path.parents:
            page.add_defaults(self.data.get(folder.as_posix(), {}))
        stem, folder = page.path.stem, page.path.parent
        name = page.read_name(stem, page.given.get("date"), dated=stem[10:11] == "-")
        if isinstance(page.time, dt.datetime) and page.time.tzinfo:
            page.time = page.values["date"] = page.time.astimezone(dt.UTC)
        slug = folder.name if stem == "index" else name
        page.values["slug"] = str(page.given.get("slug") or slug)
        page.values["section"] = page.path.parts[0] if len(page.path.parts) > 1 else ""
        page.base = base_path(self.config["prefix"])
        permalink = page.given.get("permalink")
        if permalink is None or isinstance(permalink, bool):
            place = folder if stem in ("index", folder.name) else folder / stem
            page.set_link(f"{place}/")
            return
        stated = {
            "date": page.time,
            "fileSlug": slug,
            "filePathStem": f"/{folder / name}",
            "inputPath": f"./{page.path}",
        }
        made = _fill(str(permalink), {**page.values, **page.given, "page": stated})
        page.set_link(re.sub(r"/index\.html$", "/", made.strip()), own=own)


def _data_files(root: Path) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yields the files of data for a folder's pages: its path, the folder below root, the data."""
    for folder, below, names in islice(os.walk(root), _MAX_FOLDERS):
        below[:] = [one for one in sorted(below) if one[0] not in "._" and one != "node_modules"]
        for suffix in _DATA_SUFFIXES:
            path = Path(folder, Path(folder).resolve().name + suffix)
            if path.name in names and (values := _read_data(path)):
                yield str(path), path.parent.relative_to(root).as_posix(), values


def _read_data(path: Path) -> dict[str, Any]:
    """Returns the data of a file for a folder's pages; of code only what is plainly written."""
    if path.suffix == ".json":
        return read_config(path.parent, path.name) or {}
    text = read_text(path) or ""
    values: dict[str, Any] = {found[1]: True for found in _EXCLUDED.finditer(text)}
    if found := _PERMALINK.search(text):
        values["permalink"] = False if found[3] else _COMPUTED if found[4] else found[2]
    return values


def _is_known(template: str) -> bool:
    """Tells whether a template for a permalink needs nothing that only the site's code knows."""
    filters = (one for found in _PRINTED.finditer(template) for one in _FILTER.findall(found[0]))
    plain = template != _COMPUTED and "{" not in _PRINTED.sub("", template)
    return plain and all(name in _FILTERS for name, _ in filters)


def _fill(template: str, values: Mapping[str, Any]) -> str:
    """Returns a permalink's template filled; "" if only the site's code can do that."""
    made = _PRINTED.sub(partial(_printed, values), template) if _is_known(template) else ""
    return "" if _COMPUTED in made else made


def _printed(values: Mapping[str, Any], found: re.Match[str]) -> str:
    name = found[1].partition("|")[0].strip()
    value: Any = name[1:-1] if name[:1] in ("'", '"') else get_field(values, name)
    for kind, argument in _FILTER.findall(found[0]):
        value = None if value is None else _FILTERS[kind](value, argument)
    return str(value) if isinstance(value, str | int | float | dt.date) else _COMPUTED
