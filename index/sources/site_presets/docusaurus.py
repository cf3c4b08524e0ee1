"""Docusaurus' docs with their versions and translations, its blog and its pages."""

import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from posixpath import normpath
from typing import Any, Self

from index.errors import SourceError
from index.sources.site_presets import site_preset as site
from index.sources.site_presets.site_preset import SitePage, SitePreset

_PLUGIN = "docusaurus-plugin-content-"
_PLACE = (
    rf"(?:i18n/(?P<locale>[^/]+)/(?={_PLUGIN}))?(?P<home>HOMES)/"
    r"(?:version-(?P<version>[^/]+)/|(?(locale)current/))?(?P<path>.+)"
)
_OPTIONS = re.compile(
    r"""\b(?:plugin-content-)?(docs|blog)["'`]?\s*+[:,]\s*+
    (?:\(\s*+|/\*\*(?:[^*]|\*(?!/)){0,500}+\*/\s*+)*+(?=\{)""",
    re.VERBOSE,
)
"""What stands before the options of the docs or the blog, in a preset or as a plugin."""

_VERSION = re.compile(
    r"""(?<![\w.-])["'`]?([\w.-]++)["'`]?\s*:\s*\{[^{}]*?\bpath\s*:\s*["'`]([^"'`\n]*)["'`]"""
)
"""A version, and what its options say stands in its addresses."""

_PLACES = ("routeBasePath", "path", "numberPrefixParser")
_CONTENT = (
    r"(?:(?:i18n/[^/]+/[^/]+/(?:current|version-[^/]+)|versioned_docs/version-[^/]+"
    r"|src/pages|[^/]+)/)?"
)
"""The folders that the paths in a configuration are relative to."""

_ONLY_BUILT = re.compile(
    r"(?:^|[{,])\s*onlyIncludeVersions\s*:\s*\[((?:(?!\.\.\.)[^\]])*)\]", re.MULTILINE
)
_NUMBER = re.compile(r"^(?!\d+[-_.]\d)\d+\s*[-_.]+\s*(?=[^-_.\s])")  # no date, no version
_DATED = re.compile(r"(?:.*/)?(\d{4})[-/](\d{1,2})[-/](\d{1,2})[-/](.+?)(?:/index)?")


class DocusaurusPreset(SitePreset):
    """A site made by Docusaurus, which reads all its Markdown as MDX."""

    name = "docusaurus"
    is_mdx = True

    @classmethod
    def find(cls, folder: Path, *, named: bool = False) -> Self | None:
        """Returns the preset if the folder has Docusaurus' settings or the user named it."""
        code = site.read_code(folder, "docusaurus.config")
        if code is None and not named and not (folder / "versioned_docs").is_dir():
            return None
        code = code or ""
        homes = dict(_homes(folder, code))
        names = "|".join(sorted(map(re.escape, homes), key=len, reverse=True))
        config: dict[str, Any] = {
            "main": site.written(code, "defaultLocale") or "en",
            "slash": "/" if site.written(code, "trailingSlash") == "true" else "",
            "homes": homes,
            "place": re.compile(_PLACE.replace("HOMES", names)),
        }
        return cls(
            root=folder,
            config=config,
            indexes=("index", "readme", "README"),
            base=site.base_path(site.written(code, "baseUrl")),
            home=site.written(code, "url"),
            language=site.written(code, "defaultLocale"),
            ignored=site.left_out(code, _CONTENT),
        )

    def complete(self, page: SitePage) -> None:
        """Sets a page's record values and its address, as Docusaurus makes them."""
        if own := page.text("id"):  # which versions and translations have too
            page.values["id"] = str(page.path.parent / own)
        found = self.config["place"].fullmatch(page.path.with_suffix("").as_posix())
        if found is None:
            return
        main, home = self.config["main"], self.config["homes"][found["home"]]
        locale, path, kind = found["locale"] or main, found["path"], home["kind"]
        key = f"{found['version']}/{home['name']}/{path}"
        page.values |= {"language": locale, "translation_key": key}
        if path == "index" and kind == "pages":
            raise site.list_page("the page is the site's first page, not an article")
        slug = page.text("slug")
        parts, route = path.split("/"), home["route"]
        if kind == "blog":
            dated = _DATED.fullmatch(path)
            if authors := site.named_authors(home.get("authors"), page.given.get("authors")):
                page.values["authors"] = authors
            page.read_name(path, page.given.get("date"), dated and "-".join(dated.groups()[:3]))
            path = "/".join(dated.groups()) if dated else path
        elif kind == "docs":
            version = found["version"] or "current"
            if home["versions"] and version not in home["built"]:
                raise site.not_content("the site's configuration leaves out this version")
            if home["numbered"]:
                parts = [_NUMBER.sub("", part, count=1) for part in parts]
            *folders, last = parts
            is_index = last.lower() in self.indexes or last == (folders or [""])[-1]
            path = "/".join((*folders, *([] if is_index else [own or last])))
            slug = "/".join((*folders, slug)) if slug and not slug.startswith("/") else slug
            route = f"{route}/{home['paths'].get(version, version)}"
        path = (slug or path).removesuffix("/index")
        page.values["slug"] = path.rsplit("/", 1)[-1]
        page.base = f"{self.base}/{'' if locale == main else locale}"
        page.set_link(f"{route}/{path}".rstrip("/") + self.config["slash"] or "/")


def _homes(folder: Path, code: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yields the folders of a site's docs, blogs and pages, each with what is known of it."""
    blocks = {"docs": ("", code), "blog": ("", "")}
    for found in _OPTIONS.finditer(code):
        outer, whole = _braces(code, found.end())
        own = re.sub("^default$", "", site.written(outer, "id"))
        name = f"{found[1]}-{own}".strip("-")
        is_first = not blocks.get(name, ("",))[0]
        if is_first and any(site.written(outer, one) for one in _PLACES):
            blocks[name] = (outer, whole if own else code)
    pages = {"kind": "pages", "name": "pages", "route": ""}
    yield from dict.fromkeys(("src/pages", f"{_PLUGIN}pages"), pages).items()
    for name, (outer, whole) in blocks.items():
        kind, _, own = name.partition("-")
        path = normpath(site.written(outer, "path") or kind)
        route = site.written(outer, "routeBasePath") or kind
        home: dict[str, Any] = {"kind": kind, "name": name, "route": route}
        if kind == "docs":
            home["numbered"] = site.written(outer, "numberPrefixParser") != "false"
            home |= _versions(folder, f"{own}_" * bool(own), whole)
            yield f"{own}_versioned_docs".strip("_"), home
        else:
            with suppress(SourceError):  # names alone are no reason to read nothing
                home["authors"] = site.read_config(folder / path, "authors.yml", "authors.yaml")
        yield from dict.fromkeys((path, f"{_PLUGIN}{name}"), home).items()


def _versions(folder: Path, prefix: str, code: str) -> dict[str, Any]:
    """Returns the versions of docs, which are built, and what stands in their addresses."""
    versions = re.findall(r'"([^"]+)"', site.read_text(folder / f"{prefix}versions.json") or "")
    only = _ONLY_BUILT.search(code)
    built = re.findall(r"[\w.-]+", only[1]) if only else [*versions, "current"]
    if site.written(code, "includeCurrentVersion") == "false":
        built = [one for one in built if one != "current"]
    last = site.written(code, "lastVersion") or [*versions, "current"][0]  # goes without a path
    paths = {"current": "next", **{one: one for one in versions}, last: ""}
    return {"versions": versions, "built": built, "paths": paths | dict(_VERSION.findall(code))}


def _braces(code: str, start: int) -> tuple[str, str]:
    """Returns what code says in the braces that open at ``start``: without and with those in it."""
    depth, at, kept = 0, start, []
    for found in re.compile(r"[{}\[\]()]").finditer(code, start):
        if depth == 1:
            kept.append(code[at : found.end()])
        depth += 1 if found[0] in "{[(" else -1
        at = found.end()
        if not depth:
            break
    return "".join(kept), code[start:at]
