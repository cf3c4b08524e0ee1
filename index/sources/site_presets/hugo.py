"""Hugo's sections, bundles, languages, cascades and permalinks."""

import re
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from itertools import chain
from pathlib import Path, PurePosixPath
from typing import Any, Self
from unicodedata import category, normalize

from index.articles.language_tags import is_language
from index.articles.text_lists import names_in
from index.articles.urls import split_url
from index.errors import RecordError
from index.sources.site_presets import site_preset as site
from index.sources.site_presets.site_preset import SitePage, SitePreset

_ENDS = ("toml", "yaml", "yml", "json")
_NAMES = tuple(f"hugo.{end}" for end in _ENDS)
_OLD_NAMES = tuple(f"config.{end}" for end in _ENDS)
_SIGNS = {"baseurl", "languagecode", "theme", "params", "module", "permalinks", "languages"}
_LANGUAGES = ("locale", "languagecode", "defaultcontentlanguage")
_PARTS = ("languages", "permalinks", "cascade")
_LISTS = {"search", "archive", "archives", "tags", "categories", "terms", "redirect"}
_HIDES = ("draft", "publishdate", "expirydate")
_TIMES = {
    "visible_from": ("publishdate", ("publishdate", "pubdate", "published")),
    "visible_until": ("expirydate", ("expirydate", "unpublishdate")),
}
"""Hugo's names of the times, and the fields that they are read from, unless the settings'
``frontmatter`` names others."""
_ALLOWED = "._#+~-@"
_PLACEHOLDER = re.compile(r"(?:^|/):[a-z]")
_BRACES = re.compile(r"\{[^{}]*\}")


@dataclass(frozen=True, slots=True, kw_only=True)
class HugoPreset(SitePreset):
    """A site made by Hugo.

    Attributes:
        folders: The folders of content, relative to the site's folder, each with its language.
        bundles: The folders that make up one page each; their other files belong to that page.
        cascades: Values that a folder's page gives to all pages below: the folder, that page's
            language, which pages get them (Hugo's ``target``), and the values.
    """

    name = "hugo"
    has_sections = True
    folders: Mapping[str, str] = field(default_factory=dict)
    bundles: Set[str] = frozenset()
    cascades: Sequence[tuple[str, str, Mapping[str, Any], Mapping[str, Any]]] = ()

    @classmethod
    def find(cls, folder: Path, *, named: bool = False) -> Self | None:
        """Returns the preset if the folder has Hugo's settings or the user named it."""
        default = folder / "config" / "_default"
        config = site.read_config(folder, *_NAMES)
        if config is None:
            config = site.read_config(default, *_NAMES, *_OLD_NAMES)
        if config is None:
            config = site.folded(site.read_config(folder, *_OLD_NAMES))
            if named and not config:  # a folder of content, or a folder in it
                above = [one for one in (folder, *folder.parents) if one.name == "content"]
                folder, config = (above[0].parent, {}) if above else (folder, {"contentdir": "."})
            elif "base_url" in config or not _SIGNS & config.keys():
                return None
        for part in _PARTS:
            more = site.read_config(default, *(f"{part}.{end}" for end in _ENDS))
            config |= {part: more} if more else {}
        config = site.folded(config)
        config["languages"] = site.folded(config.get("languages")) | _languages(default)
        production = site.read_config(default.with_name("production"), *_NAMES, *_OLD_NAMES)
        for name, value in site.folded(production).items():  # tables are joined
            own = site.folded(config.get(name)) if isinstance(value, Mapping) else None
            config[name] = value if own is None else own | site.folded(value)
        languages = site.folded(config.get("languages"))
        config["languages"] = {name: site.folded(one) for name, one in languages.items()}
        folders = {
            str(options["contentdir"]).strip("/"): name
            for name, options in config["languages"].items()
            if options.get("contentdir")
        }
        folders.setdefault(str(config.get("contentdir") or "content").strip("/"), "")
        bundles = {
            path.parent.relative_to(folder).as_posix()
            for one in folders
            for path in (folder / one).rglob("index*.md")
            if re.fullmatch(r"index(\.[\w-]+)?", path.stem)
        }
        home = config.get("baseurl")
        made = cls(
            root=folder,
            config=config,
            folders=folders,
            bundles=bundles,
            base=site.base_path(home),
            home=home,
            language=next(filter(None, map(config.get, _LANGUAGES)), None),
        )
        sections = [one for home in folders for one in site.section_pages(folder, home)]
        writers = ((path.parent, page) for path, page in sections if path.match("authors/*/*"))
        names = {at.name: {"name": page.get("title")} for at, page in writers}
        config.setdefault("authors", names)
        cascades = [
            (path.parent.as_posix(), made._split_language(path.stem)[1], *one)
            for path, front in sections
            for one in _cascades(front)
        ]
        cascades.sort(key=lambda one: -len(one[0]))  # the nearest folder goes first
        cascades += [(".", "", *one) for one in _cascades(config)]
        ignored = [*names_in(config.get("ignorefiles")), *_not_mounted(config.get("module"))]
        return replace(made, cascades=cascades, ignored=ignored)

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages of the site's configuration."""
        return tuple(filter(is_language, self.config["languages"]))

    def has_folder(self, name: str) -> bool:
        """Tells whether a folder has pages: Hugo passes over those that begin with a dot alone."""
        return name.startswith("_")

    def complete(self, page: SitePage) -> None:
        """Sets a page's record values and its address, as Hugo makes them."""
        home = max((one for one in self.folders if page.path.is_relative_to(one)), default=None)
        if home is None:
            raise site.not_content("the file lies outside of the folder of the site's content")
        path = page.path.relative_to(home)
        stem, suffix = self._split_language(path.stem)
        is_index, kind = stem in ("index", "_index"), _kind(page)
        place = path.parent if is_index else path.parent / stem
        for folder, language, target, values in self.cascades:
            is_meant = page.path.is_relative_to(folder) and language in ("", suffix)
            if is_meant and _is_target(target, place, suffix or self.folders[home], kind):
                page.add_defaults(values)
                if not target and values.get("draft"):  # the section's too, which goes as a whole
                    page.values["draft"] = values["draft"]
        if page.given.get("layout") in _LISTS or (
            kind == "section" and {place.as_posix(), path.parts[0]} & {".", *_LISTS}
        ):
            raise site.list_page()
        if not is_index and any(one.as_posix() in self.bundles for one in page.path.parents):
            raise RecordError("page-resource", "the file is part of its folder's page, not a page")
        section = path.parts[0] if len(path.parts) > 1 + (stem == "index") else ""
        page.values |= {"section": section, "path": place.as_posix()}
        dated = ":filename" in names_in(site.folded(self.config.get("frontmatter")).get("date"))
        self._set_times(page)
        name = page.read_name(
            place.name,
            place.name[:10] if dated else None,
            *map(page.given.get, ("date", "publishdate", "pubdate", "published")),
            dated=dated,
            waits=not self.config.get("buildfuture"),
        )
        prefix = ""
        if self.config["languages"] or suffix:
            main = self.setting("defaultcontentlanguage", "en").casefold()
            language = suffix or self.folders[home] or str(page.given.get("lang") or main)
            prefix = self._enter_language(page, language, main)
            key = page.given.get("translationkey") or f"{section}/{place.as_posix()}"
            page.values |= {"language": language, "translation_key": str(key)}
        slug = str(page.given.get("slug") or ("" if name == place.name else name))
        if url := page.text("url"):
            url = self._filled(url, page, place, slug) if _PLACEHOLDER.search(url) else url
            whole = url if url.startswith("/") else f"{prefix}/{url}"
            ending = "" if "." in url.rsplit("/", 1)[-1] else "/"
            page.set_link(url and whole + ending, own=True)
            return
        path_on_site = self._path_on_site(page, place, slug)
        ugly = self.config.get("uglyurls")
        ugly = ugly.get(section) if isinstance(ugly, Mapping) else ugly is True
        ending = ".html" if ugly else "/"
        page.set_link(path_on_site and f"{prefix}/{path_on_site.strip('/')}{ending}")

    def _set_times(self, page: SitePage) -> None:
        """Sets from when and until when a page is shown, from the fields that the site names."""
        stated = site.folded(self.config.get("frontmatter"))
        for name, (time, default) in _TIMES.items():
            fields = names_in(stated.get(time)) or [":default"]
            names = (default if one == ":default" else (one.casefold(),) for one in fields)
            given = (page.given.get(one) for one in chain.from_iterable(names) if one != "date")
            value = next((one for one in given if one and one is not True), None)
            if value is not None and name not in page.given:
                page.values[name] = value

    def _enter_language(self, page: SitePage, language: str, main: str) -> str:
        """Returns what the addresses of a language begin with, or sets its own host."""
        options = self.config["languages"].get(language, {})
        if options.get("disabled") or language in names_in(self.config.get("disablelanguages")):
            raise site.not_content(f"the site has its language {language} turned off")
        if isinstance(host := options.get("baseurl"), str):
            page.base, parts = site.base_path(host), split_url(host)
            page.host = f"{parts.scheme}://{parts.netloc}" if parts.netloc else ""
            return ""
        is_below = language != main or self.config.get("defaultcontentlanguageinsubdir")
        return f"/{language}" if is_below else ""

    def _path_on_site(self, page: SitePage, place: PurePosixPath, slug: str) -> str:
        patterns, kind = site.folded(self.config.get("permalinks")), _kind(page)
        own = site.folded(patterns.get(kind))
        pattern = ((patterns if kind == "page" else {}) | own).get(
            page.values["section"].casefold()
        )
        if kind == "section":
            return "" if pattern else self._sanitized(place.as_posix(), "/")
        if not isinstance(pattern, str):
            return self._sanitized((place.parent / (slug or place.name)).as_posix(), "/")
        return self._filled(pattern, page, place, slug)

    def _filled(self, pattern: str, page: SitePage, place: PurePosixPath, slug: str) -> str:
        """Fills the placeholders of an address; returns "" if one can't be known."""
        page.pattern, name, section = pattern, slug or place.name, page.values["section"]
        title = str(page.given.get("title") or "")
        texts = {"section": section, "title": title, "slug": slug or title}
        texts |= dict.fromkeys(("slugorfilename", "slugorcontentbasename"), name)
        texts |= dict.fromkeys(("filename", "contentbasename"), place.name)
        parts = {key: self._sanitized(text) for key, text in (texts | page.date_parts()).items()}
        parts["sections"] = self._sanitized(place.parent.as_posix().strip("."), "/")
        return site.fill_pattern(pattern, parts)

    def _sanitized(self, path: str, kept: str = "") -> str:
        """Returns a path as Hugo writes it: spaces as hyphens, other marks left out."""
        spaced = " ".join((path if kept else path.replace("/", "-")).split())
        if self.config.get("removepathaccents"):
            plain = (one for one in normalize("NFD", spaced) if category(one) != "Mn")
            spaced = normalize("NFC", "".join(plain))
        letters = site.keep_letters(spaced, f" {_ALLOWED}{kept}")
        made = re.sub(r"(?<![-\s])\s+(?![-\s])", "-", letters.strip()).replace(" ", "")
        return made if self.config.get("disablepathtolower") else made.lower()

    def _split_language(self, stem: str) -> tuple[str, str]:
        name, _, suffix = stem.rpartition(".")
        languages = self.config["languages"]
        known = suffix.casefold() in languages or (not languages and is_language(suffix.lower()))
        return (name, suffix.casefold()) if name and known else (stem, "")


def _languages(folder: Path) -> dict[str, Any]:
    """Returns what a folder's files say of one language each, such as ``languages.fr.toml``."""
    paths = (path for end in _ENDS for path in folder.glob(f"languages.*.{end}"))
    return {
        path.stem.partition(".")[2].casefold(): site.read_config(folder, path.name)
        for path in paths
    }


def _cascades(front: Mapping[str, Any]) -> Iterator[tuple[Mapping[str, Any], Mapping[str, Any]]]:
    """Yields the targets and values of a section's or the configuration's ``cascade``.

    A section that is a draft, or is not shown at a time, has its pages so.
    """
    yield {}, {name: front[name] for name in _HIDES if front.get(name)}
    given = front.get("cascade")
    for one in map(site.folded, given if isinstance(given, list) else [given]):
        targets = [site.folded(one.pop(name, None)) for name in ("_target", "target")]
        yield targets[0] or targets[1], one


def _not_mounted(module: Any) -> Iterator[str]:
    """Yields regular expressions for the files that the site's mounts leave out."""
    mounts = site.folded(module).get("mounts")
    for one in map(site.folded, mounts if isinstance(mounts, list) else []):
        files = names_in(one.get("files"))
        negated = [name.strip("! ") for name in files if name.startswith("!")]
        source = re.escape(str(one.get("source") or "").strip("./"))
        yield from site.globs([*names_in(one.get("excludefiles")), *negated], f"{source}/")


def _kind(page: SitePage) -> str:
    """Returns Hugo's name for what a page is."""
    return "section" if page.path.name.startswith("_index.") else "page"


def _is_target(target: Mapping[str, Any], place: PurePosixPath, language: str, kind: str) -> bool:
    """Tells whether a cascade's target names a page; what can't be told does."""
    wanted = {name: str(value).casefold() for name, value in target.items()}
    pattern = _BRACES.sub("*", wanted.get("path", "**")).replace("/**", "*")
    return (
        any(one in wanted.get("kind", kind) for one in (kind, "*"))
        and any(one in wanted.get("lang", language) for one in (language, "*"))
        and fnmatchcase(f"/{place}".casefold(), f"/{pattern.lstrip('/')}")
    )
