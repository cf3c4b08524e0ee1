"""Eleventy's permalinks, as far as they are written down: in pages and in directory data."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from index.articles.record import get_field
from index.sources.site_presets.site_preset import (
    SitePage,
    SitePreset,
    address,
    ascii_slug,
    base_path,
    is_table,
    list_page,
    not_content,
    read_config,
    read_text,
    read_time,
)

_CONFIGS = (
    *(".eleventy.js", "eleventy.config.js", "eleventy.config.mjs", "eleventy.config.cjs"),
    *("eleventy.config.ts", ".eleventy.cjs", ".eleventy.mjs"),
)
_INPUT = re.compile(r"""(?:\binput\s*:\s*|setInputDirectory\(\s*)["'`]([^"'`]*)["'`]""")
_PREFIX = re.compile(r"""\bpathPrefix\s*:\s*["'`]([^"'`]*)["'`]""")
_GLOBAL = re.compile(r"""addGlobalData\(\s*["'`](?:eleventyComputed\.)?permalink["'`]""")
_PERMALINK = re.compile(r"""["']?\bpermalink["']?\s*:\s*(?:(["'`])(.*?)\1|(false)\b|(\S))""")
_EXCLUDED = re.compile(r"""\b(draft|eleventyExcludeFromCollections)["']?\s*:\s*true\b""")
_PRINTED = re.compile(r"\{\{-?\s*(.*?)\s*-?\}\}")
_DATA_NAMES = (
    "{}.11tydata.json",
    "{}.json",
    "{}.11tydata.js",
    "{}.11tydata.cjs",
    "{}.11tydata.mjs",
)
_DATED = re.compile(r"(\d{4}-\d{2}-\d{2})-(.+)")
_MAX_FOLDERS = 2_000
_COMPUTED = "\0"


@dataclass(frozen=True, slots=True, kw_only=True)
class EleventyPreset(SitePreset):
    """A site made by Eleventy. A date in the future hides nothing there.

    Attributes:
        data: The data that the pages of a folder share, by the folder's path.
        prefix: What the site's addresses begin with.
    """

    name = "eleventy"
    data: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    prefix: str = ""

    @classmethod
    def find(cls, folder: Path) -> Self | None:
        """Returns the preset for a folder with Eleventy's configuration or directory data."""
        texts = [text for name in _CONFIGS if (text := read_text(folder / name)) is not None]
        used = "@11ty/eleventy" in (read_text(folder / "package.json") or "")
        if not texts and not used and not any(folder.glob("*.11tydata.*")):
            return None
        text = texts[0] if texts else ""
        found = _INPUT.search(text)
        return cls._with_data(folder / (found[1] if found else ""), text)

    @classmethod
    def assume(cls, folder: Path) -> Self:
        """Returns the preset for a folder of content without a configuration."""
        return cls._with_data(folder, "")

    @classmethod
    def _with_data(cls, root: Path, text: str) -> Self:
        data: dict[str, dict[str, Any]] = {}
        remarks: list[str] = []
        if _GLOBAL.search(text):
            data["."] = {"permalink": _COMPUTED}
            remarks.append(_remark("the configuration", "a function"))
        pending = [root]
        for _ in range(_MAX_FOLDERS):
            if not pending:
                break
            folder = pending.pop()
            below = [one for one in _entries(folder) if one.is_dir() and not one.is_symlink()]
            pending += [
                one for one in below if one.name[:1] not in "._" and one.name != "node_modules"
            ]
            for name in _DATA_NAMES:
                path = folder / name.format(folder.resolve().name)
                values = _read_data(path)
                if not values:
                    continue
                key = folder.relative_to(root).as_posix()
                data[key] = {**data.get(key, {}), **values}
                unknown = _unknown_part(str(values.get("permalink", "")))
                if unknown:
                    remarks.append(_remark(str(path), unknown))
        prefix = _PREFIX.search(text)
        return cls(root=root, data=data, remarks=tuple(remarks), prefix=prefix[1] if prefix else "")

    def place(self, page: SitePage) -> None:
        """Completes a page, with the data of its folders."""
        if "node_modules" in page.path.parts:
            raise not_content("it lies in node_modules")
        if page.path.as_posix() == "index.md":
            raise list_page("the site's first page, not an article")
        page.has_own_link = isinstance(page.given.get("permalink"), str)
        for folder in page.path.parents:
            for name, value in self.data.get(folder.as_posix(), {}).items():
                page.given.setdefault(name.casefold(), value)
                page.values.setdefault(name, value)
        dated = _DATED.fullmatch(page.path.stem)
        time = _utc(page.given.get("date")) or _utc(dated and dated[1])
        if time is not None:
            page.values["date"] = time
        below = page.path.parent.as_posix().strip(".")
        index = page.path.stem == "index"
        name = dated[2] if dated else page.path.stem
        slug = page.path.parent.name if index else name
        page.values["section"] = page.path.parts[0] if len(page.path.parts) > 1 else ""
        page.values.setdefault("slug", slug)
        page.base = base_path(self.prefix)
        page.values.pop("url", None)
        permalink = page.given.get("permalink")
        if permalink is False or permalink is None or permalink is True:
            same = page.path.parent.name == page.path.stem
            path = below if index or same else f"{below}/{page.path.stem}"
            page.link = address(page.base, path, "/")
            return
        known = {
            "page": {
                "date": time,
                "fileSlug": slug,
                "filePathStem": f"/{below}/{name}".replace("//", "/"),
                "inputPath": f"./{page.path}",
            }
        }
        made = _fill(str(permalink), {**page.values, **page.given, **known})
        if made is not None:
            made = made.strip()
            page.link = address(
                page.base, made[: -len("index.html")] if made.endswith("/index.html") else made
            )


def _entries(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []  # reading the pages reports it


def _read_data(path: Path) -> dict[str, Any]:
    """Returns the data of a file for a folder's pages; of code only what is plainly written."""
    if path.suffix == ".json":
        return read_config(path.parent, path.name) or {}
    text = read_text(path)
    if text is None:
        return {}
    values: dict[str, Any] = {found[1]: True for found in _EXCLUDED.finditer(text)}
    if found := _PERMALINK.search(text):
        values["permalink"] = False if found[3] else _COMPUTED if found[4] else found[2]
    return values


def _remark(file: str, part: str) -> str:
    return (
        f"{file} computes addresses in code ({part}), which can't be known here: set url_template, "
        'such as "/{year}/{month}/{day}/{slug}/"'
    )


def _unknown_part(template: str) -> str:
    """Returns what in a template for a permalink only the site's own code can compute."""
    if template == _COMPUTED:
        return "a function"
    if "{%" in template or "${" in template:
        return template
    for found in _PRINTED.finditer(template):
        for part in _split(found[1])[1:]:
            if re.split(r"[:(\s]", part, maxsplit=1)[0] not in _FILTERS:
                return template
    return ""


def _fill(template: str, values: Mapping[str, Any]) -> str | None:
    """Returns a permalink's template filled; ``None`` if only the site's code can do that."""
    if _unknown_part(template):
        return None
    made = ""
    end = 0
    for found in _PRINTED.finditer(template):
        name, *filters = _split(found[1])
        value: Any = name[1:-1] if name[:1] in "'\"" else get_field(values, name)
        for one in filters:
            kind, _, argument = re.sub(r"[(:]", "\n", one, count=1).partition("\n")
            value = _FILTERS[kind.strip()](value, argument.strip().rstrip(")").strip("\"' "))
        if value is None or is_table(value) or isinstance(value, list):
            return None
        made += template[end : found.start()] + str(value)
        end = found.end()
    return made + template[end:]


def _split(expression: str) -> list[str]:
    return [
        part.strip()
        for part in re.split(r"\|(?=(?:[^\"']*[\"'][^\"']*[\"'])*[^\"']*$)", expression)
    ]


def _slug(value: Any, _: str) -> str | None:
    return None if value is None else ascii_slug(str(value)) or None


def _date(value: Any, form: str) -> str | None:
    return value.strftime(form) if isinstance(value, dt.date) and "%" in form else None


_FILTERS: dict[str, Callable[[Any, str], Any]] = {
    "slugify": _slug,
    "slug": _slug,
    "date": _date,
    "downcase": lambda value, _: str(value).lower(),
    "lower": lambda value, _: str(value).lower(),
    "string": lambda value, _: value,
}


def _utc(value: Any) -> dt.datetime | dt.date | None:
    time = read_time(value)
    if isinstance(time, dt.datetime) and time.tzinfo:
        return time.astimezone(dt.UTC)
    return time
