"""Docusaurus' docs with their versions and translations, its blog and its pages."""

import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from index.articles.cleaning import literals
from index.errors import SourceError
from index.sources.site_presets import site_preset as site
from index.sources.site_presets.site_preset import SitePage, SitePreset

_PLACE = re.compile(
    r"(?:i18n/(?P<locale>[^/]+)/docusaurus-plugin-content-)?"
    r"(?P<kind>docs|versioned_docs|blog|src/pages|pages)/"
    r"(?:version-(?P<version>[^/]+)/|(?(locale)current/))?(?P<path>.+)"
)
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


@dataclass(frozen=True, slots=True, kw_only=True)
class DocusaurusPreset(SitePreset):
    """A site made by Docusaurus, which reads all its Markdown as MDX."""

    name = "docusaurus"
    is_mdx = True

    @classmethod
    def find(cls, folder: Path, *, named: bool = False) -> Self | None:
        """Returns the preset for a folder, or ``None``.

        It is returned if the folder has its settings, or if the user named it (``named``).
        """
        code = site.read_code(folder, "docusaurus.config")
        if code is None and not named and not (folder / "versioned_docs").is_dir():
            return None
        code = code or ""
        config: dict[str, Any] = {"main": site.written(code, "defaultLocale") or "en"}
        for kind in ("docs", "blog"):
            options = re.search(rf"\b{kind}\s*:\s*(\{{[^{{}}]*)", code)
            config[kind] = site.written(options[1] if options else "", "routeBasePath") or kind
        config["slash"] = "/" if site.written(code, "trailingSlash") == "true" else ""
        versions = site.read_text(folder / "versions.json") or ""
        config["versions"] = re.findall(r'"([^"]+)"', versions)
        config["last"] = site.written(code, "lastVersion") or [*config["versions"], "current"][0]
        only = _ONLY_BUILT.search(code)
        built = re.findall(r"[\w.-]+", only[1]) if only else [*config["versions"], "current"]
        if site.written(code, "includeCurrentVersion") == "false":
            built = [one for one in built if one != "current"]
        config["built"] = built
        with suppress(SourceError):  # names alone are no reason to read nothing
            config["authors"] = site.read_config(folder / "blog", "authors.yml", "authors.yaml")
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
        found = _PLACE.fullmatch(page.path.with_suffix("").as_posix())
        if found is None:
            return
        main = self.config["main"]
        locale, path = found["locale"] or main, found["path"]
        kind = found["kind"].removeprefix("versioned_").removeprefix("src/")
        page.values |= {"language": locale, "translation_key": f"{found['version']}/{kind}/{path}"}
        if path == "index" and kind == "pages":
            raise site.list_page("the page is the site's first page, not an article")
        slug = page.text("slug")
        *folders, last = [_NUMBER.sub("", part, count=1) for part in path.split("/")]
        route = ""
        if kind == "blog":
            route, dated = self.config["blog"], _DATED.fullmatch(path)
            if authors := self._authors(page.given.get("authors")):
                page.values["authors"] = authors
            page.read_name(path, page.given.get("date"), dated and "-".join(dated.groups()[:3]))
            path = "/".join(dated.groups()) if dated else path
        elif kind == "docs":
            if (
                self.config["versions"]
                and (found["version"] or "current") not in self.config["built"]
            ):
                raise site.not_content("the site's configuration leaves out this version")
            is_index = last.lower() in self.indexes or last == (folders or [""])[-1]
            path = "/".join((*folders, *([] if is_index else [own or last])))
            slug = "/".join((*folders, slug)) if slug and not slug.startswith("/") else slug
            route = f"{self.config['docs']}/{self._version(found['version'])}"
        path = (slug or path).removesuffix("/index")
        page.values["slug"] = path.rsplit("/", 1)[-1]
        page.base = f"{self.base}/{'' if locale == main else locale}"
        page.set_link(f"{route}/{path}".rstrip("/") + self.config["slash"])

    def _authors(self, given: Any) -> list[Any]:
        """Returns a post's authors if the blog's file names some; else none."""
        known = site.folded(self.config.get("authors"))
        named = given if isinstance(given, list) else [given]
        keys = [one.get("key") if isinstance(one, Mapping) else one for one in named]
        names = [site.folded(known.get(str(key).casefold())).get("name") for key in keys]
        authors = [name or one for name, one in zip(names, named, strict=True)]
        return literals(authors) if any(names) else []

    def _version(self, name: str | None) -> str:
        """Returns what stands in the addresses of a version: the latest goes without."""
        if (name or "current") == self.config["last"]:
            return ""
        return name or "next"
