"""Eleventy's permalinks, as far as they are written down: in pages and in files of data."""

import datetime as dt
import os
import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, Self

from index.articles.file_suffixes import SUFFIXES
from index.articles.record import get_field
from index.articles.visibility_words import find_hiding_word, is_visibility_name
from index.errors import SourceError
from index.sources.front_matter import stated_values
from index.sources.site_presets import site_preset as site
from index.sources.site_presets.site_preset import SitePage, SitePreset

_TABLES = ("json", "yaml", "yml")
_DATA_SUFFIXES = tuple(f".{end}" for end in _TABLES) + tuple(
    f".11tydata.{end}" for end in (*_TABLES, "toml", *site.CODE)
)
_GLOBAL = re.compile(
    r"""addGlobalData\(\s*["'`](?:eleventyComputed\.)?(\w+)["'`]\s*,\s*["'`]?(true|false)?"""
)
_IGNORED = re.compile(r"""\bignores\.add\(\s*["'`]([^"'`\n]+)""")
_PERMALINK = re.compile(
    r"""\bpermalink["']?\s*(?:\(\s*|:\s*(?:(["'`])(?P<text>.*?)\1|(?P<off>false)\b)?)"""
)
_BODY = re.compile(r"(?:async\s+)?(?:function\b\s*\w*\s*)?\(?\s*\w+\s*\)?\s*(?:=>\s*)?(?=\{)")
"""What stands before the body of a function of one value, such as ``(data) =>``."""

_RETURNED = re.compile(r"\breturn\b\s*([^;\n}]*)")
_AS_STATED = re.compile(r"(?:false|\{|\w+\.permalink)\s*")
"""What a function returns that leaves a page's own address, or makes no page of a draft."""

_PRINTED = re.compile(r"\{\{-?([^{}]*?)-?\}\}")
_FILTER = re.compile(r"""\s*(\w+)[\s:("']*([^"')]*)""")
_COMPUTED = "{a function}"
_SPELLED = str.maketrans(
    {"&": " and ", **dict(zip("äöüßÄÖÜ", "ae oe ue ss Ae Oe Ue".split(), strict=True))}
)
"""How Eleventy's ``slugify`` spells what others leave out."""

_CONTRACTION = re.compile(r"([a-z\d])['\u2019]([ts])(?!\S)", re.IGNORECASE)
_PLAIN = re.compile(r"[\w -]+", re.ASCII)
"""A text of which the older filter ``slug`` makes the same as ``slugify``."""

_FILTERS: dict[str, Callable[[Any, str], Any]] = {
    "slugify": lambda value, _: _slugified(str(value)) or None,
    "slug": lambda value, _: _PLAIN.fullmatch(str(value)) and _slugified(str(value)),
    **dict.fromkeys(("downcase", "lower"), lambda value, _: str(value).lower()),
    "date": lambda value, form: (
        value.strftime(form) if isinstance(value, dt.date) and "%" in form else None
    ),
    "string": lambda value, _: value,
}


class EleventyPreset(SitePreset):
    """A site made by Eleventy, where a date in the future does not hide a page."""

    name = "eleventy"

    @classmethod
    def find(cls, folder: Path, *, named: bool = False) -> Self | None:
        """Returns the preset if the folder has Eleventy's files or the user named it."""
        code = site.read_code(folder, ".eleventy", "eleventy.config")
        used = named or "@11ty/eleventy" in (site.read_text(folder / "package.json") or "")
        if code is None and not used and not any(folder.glob("*.11tydata.*")):
            return None
        code = code or ""
        root = folder / (site.written(code, "input") or site.written(code, "setInputDirectory"))
        computed = site.read_code(root / "_data", "eleventyComputed") or ""
        shared = "\n".join(f"{name}: {said or '?'}" for name, said in _GLOBAL.findall(code))
        data: dict[str, dict[str, Any]] = {".": _stated(f"{computed}\n{shared}")}
        for place, path in _data_files(root):
            data[place] = {**data.get(place, {}), **_read_data(path)}
        below, base = f"{root.relative_to(folder)}/", site.written(code, "pathPrefix")
        lines = (site.read_text(folder / ".eleventyignore") or "").splitlines()
        lines += _IGNORED.findall(code)
        names = (one.strip().removeprefix("./").removeprefix("/") for one in lines)
        ignored = site.globs((one.removeprefix(below) for one in names), within="")
        stated = site.read_code(root / "_data", "metadata", "site", more=("json",)) or ""
        return cls(
            root=root,
            shared=data,
            base=site.base_path(base),
            home=site.written(stated, "url"),
            language=site.written(stated, "language") or site.written(stated, "lang"),
            ignored=ignored,
        )

    def has_folder(self, name: str) -> bool:
        """Tells whether a folder whose name begins with a dot or ``_`` may hold posts."""
        return name == "_posts"

    def complete(self, page: SitePage) -> None:
        """Sets a page's record values and its address, as Eleventy makes them."""
        stem, folder = page.path.stem, page.path.parent
        name = page.read_name(stem, page.given.get("date"), dated=stem[10:11] == "-")
        if isinstance(page.time, dt.datetime) and page.time.tzinfo:
            page.time = page.values["date"] = page.time.astimezone(dt.UTC)
        slug = folder.name if stem == "index" else name
        page.values["slug"] = str(page.given.get("slug") or slug)
        page.values["section"] = page.path.parts[0] if len(page.path.parts) > 1 else ""
        computed = site.folded(page.given.get("eleventycomputed"))
        permalink = computed.get("permalink", page.given.get("permalink"))
        if isinstance(permalink, Mapping):
            permalink = page.values["permalink"] = permalink.get("build", False)
        if permalink is None or isinstance(permalink, bool):
            place = folder if stem in ("index", folder.name) else folder / stem
            page.set_link(f"{place}/")
            return
        page.pattern = str(permalink)
        stated = {
            "date": page.time,
            "fileSlug": slug,
            "filePathStem": f"/{folder / name}",
            "inputPath": f"./{page.path}",
        }
        made = _fill(page.pattern, {**page.values, **page.given, "page": stated})
        page.set_link(re.sub(r"/index\.html$", "/", made.strip()), own="url" in page.values)


def has_data(folder: Path) -> bool:
    """Tells whether a folder holds files of data that Eleventy gives to all its pages."""
    return any(".11tydata." in path.name or _is_for_pages(path) for _, path in _data_files(folder))


def _is_for_pages(path: Path) -> bool:
    with suppress(SourceError):
        said = site.read_config(path.parent, path.name) or {}
        return "layout" in said or find_hiding_word(said, said.get("status")) is not None
    return False


def _data_files(root: Path) -> Iterator[tuple[str, Path]]:
    """Yields the files of data that a folder's pages or one page share, with these pages' path.

    ``_data.yml`` is Lume's name for them, ``_defaults.yml`` Bridgetown's.
    """
    for folder, below, names in os.walk(root):
        below[:] = [one for one in below if one[0] not in "._" and one != "node_modules"]
        path = Path(folder)
        place = path.relative_to(root)
        pages = {Path(name).stem for name in names if name.endswith(SUFFIXES["markdown"])}
        places = [(one, place) for one in (path.resolve().name, "_data", "_defaults")]
        places += [(page, place / page) for page in pages]
        for suffix in _DATA_SUFFIXES:
            for stem, meant in places:
                if f"{stem}{suffix}" in names:
                    yield meant.as_posix(), path / f"{stem}{suffix}"


def _read_data(path: Path) -> dict[str, Any]:
    """Returns the data of a file; of code only what is plainly written.

    A file that can't be read hides its pages.
    """
    if path.suffix[1:] not in site.CODE:
        try:
            return site.read_config(path.parent, path.name) or {}
        except SourceError:
            return {"draft": f"{path.name} unreadable"}
    return _stated(site.without_comments(site.read_text(path) or ""))


def _slugified(text: str) -> str:
    spelled = unicodedata.normalize("NFC", text).translate(_SPELLED)
    return site.ascii_slug(_CONTRACTION.sub(r"\1\2", spelled))


def _stated(text: str) -> dict[str, Any]:
    stated = stated_values(text).items()
    values = {name: value for name, value in stated if is_visibility_name(name)}
    found = _PERMALINK.search(text)
    if found and found["text"] is not None:
        values["permalink"] = found["text"]
    elif found and (found["off"] or not _keeps_address(text[found.end() :])):
        values["permalink"] = False if found["off"] else _COMPUTED
    return values


def _keeps_address(code: str) -> bool:
    """Tells whether code begins with a function that gives pages no other address."""
    head = _BODY.match(code)
    body, depth = code[head.end() :] if head else "", 0
    for brace in re.finditer("[{}]", body):
        depth += 1 if brace[0] == "{" else -1
        if not depth:
            returned = _RETURNED.findall(body[: brace.end()])
            return bool(returned) and all(map(_AS_STATED.fullmatch, returned))
    return False


def _fill(template: str, values: Mapping[str, Any]) -> str:
    """Returns a permalink's template filled; "" if only the site's code can do that."""
    try:
        made = _PRINTED.sub(partial(_printed, values), template)
    except LookupError:
        return ""
    return "" if "{" in made else made


def _printed(values: Mapping[str, Any], found: re.Match[str]) -> str:
    name, *filters = found[1].split("|")
    name = name.strip()
    value: Any = name[1:-1] if name[:1] in ("'", '"') else get_field(values, name)
    for one in filters:
        kind, argument = _FILTER.findall(one)[0]
        value = None if value is None else _FILTERS[kind](value, argument)
    if not isinstance(value, str | int | float | dt.date):
        raise LookupError(f"{name} has no value to print")
    return str(value)
