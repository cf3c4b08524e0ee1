"""Reads Markdown files with front matter, as used by Hugo, Jekyll and Astro."""

import datetime as dt
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

from index.articles.cleaning import literal, unescape
from index.articles.file_suffixes import SUFFIXES, UNREAD
from index.articles.record import Record, RecordProblem
from index.articles.text_lists import names_in, split_authors
from index.articles.urls import join_url
from index.articles.word_table import load_table
from index.errors import RecordError, raised_as
from index.sources.encodings import decode
from index.sources.file_kinds import NOT_CONTENT
from index.sources.front_matter import exported_values, notion_page, split_front_matter
from index.sources.markdown_text import markdown_line, page_content
from index.sources.markup import Element, select, text_of
from index.sources.page_folder import Page, PageFolderSource, folder_of, parse_raw_page, read_pages
from index.sources.page_text import text_and_links
from index.sources.regular_file import open_regular
from index.sources.site_presets.find_site import find_site
from index.sources.site_presets.site_preset import SitePage, SitePreset, list_page, read_text
from index.sources.source import SplitItems

_FROM_ROOT = re.compile(r"[\w-][\w.~-]*/[^\s:]*|[\w-][\w.~-]*\.html?")
"""A link relative to the site's root, as every generator means it (``about/``, ``a.html``)."""

_DATED_ID = re.compile(r"(\d{4}-\d{2}-\d{2})-(.+)")
_DATED_IN_STATAMIC = re.compile(r"(\d{4}-\d{2}-\d{2})(?:-(?:\d{4}|\d{6})\.|[-.])(.+)")
"""A name with a date, and in Statamic's collections with a time; elsewhere a version may follow."""

_NAME_LINE = re.compile(rb"""(?im)^["']?(id|slug)["']?\s*[:=]\s*["']?([^"'\r\n]+)""")
_PICTURE = re.compile(r"\w[^:?#]*\.\w{2,5}(?:\?[^#]*)?")
"""The path of a picture, relative to the site's root where generators know no other."""

_TEMPLATE = re.compile(r"\{[{%]|<[a-z]")
_TAG_LIST = re.compile(r"^(?:\[TAGS\]|<!-- material/tags\b[^\n]*)\s*\Z", re.MULTILINE)
_TABLE = load_table(__file__)
_OF_NOTION = re.compile(r".+ [0-9a-f]{32}")
_FRONT = re.compile(rb"(?:\xef\xbb\xbf)?---[ \t\r]*\n")
_MAX_INCLUDED = 64 * 1024
_MIN_SECTION = 300
"""Fewest characters of a section's page that is an article; a third if it has a heading."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkdownSource(PageFolderSource):
    """A folder of Markdown pages with YAML (``---``), TOML (``+++``) or no front matter.

    The record keeps the whole front matter, so that a field mapping can name any part of it.

    Attributes:
        path: A folder, a glob or one file.
        preset: The name of the site's generator, such as ``"hugo"``; empty to detect it by the
            files in the folder and above it.
    """

    suffixes = SUFFIXES["markdown"]

    preset: str = ""

    @property
    def remarks(self) -> tuple[str, ...]:
        """A sentence that names the generator by whose rules the site is read; none if unknown."""
        preset = find_site(self.path, self.preset)
        chosen = "" if self.preset else ' (preset = "none" turns that off)'
        is_named = preset.name != SitePreset.name
        about = preset.about or f"a site made by {preset.name}" * is_named
        made_by = f"read as {about}{chosen}" * bool(about)
        return tuple(filter(None, (made_by, self._unread(preset))))

    def _unread(self, preset: SitePreset) -> str:
        """Returns how many files of the folder are probably pages, too, in other formats."""
        folder = Path(self.path)
        counts = Counter(
            path.suffix
            for path in (folder.rglob("*.*") if folder.is_dir() else ())
            if not any(part in NOT_CONTENT for part in path.relative_to(folder).parts)
            if path.suffix.lower() in UNREAD
            or (path.suffix == ".html" and _is_article(path, preset))
        )
        named = ", ".join(f"{count} {suffix}" for suffix, count in sorted(counts.items()))
        return f"files in other formats can't be read: {named}" * bool(named)

    def split(self) -> SplitItems:
        """Returns the contents of the files, and the function that parses one of them."""
        site = find_site(self.path, self.preset)
        named = replace(self, languages=self.languages or site.languages)
        pages = _mark_shared_names(
            site, read_pages(named, site.has_folder, has_sections=site.has_sections)
        )
        return pages, partial(parse_raw_page, partial(self.parse_page, site=site))

    def parse_page(self, location: str, page: Page, site: SitePreset | None = None) -> Record:
        """Parses a Markdown page into a record; raises a ``RecordError`` if it can't be used."""
        site = site or find_site(self.path, self.preset)
        try:
            front, body = _front_and_body(site, page)
        except RecordError:  # what is no page, such as a generator's template, need not be readable
            site.place(SitePage(path=PurePosixPath(page.file), given={}, values={}))
            raise
        is_mdx = site.is_mdx or page.path.suffix.lower() == ".mdx"
        front = (exported_values(body) if is_mdx else {}) | front
        stem = page.path.stem
        if not front and _is_for_authors(site, page):
            raise RecordError("not-content", "a file for the site's maintainers, not an article")
        given, values = _given(front), front_values(front)
        _name(values, page, given, _dated(site, page.where.id.rpartition("/")[2]))
        placed = SitePage(
            path=PurePosixPath(page.file),
            given=given,
            values=values,
            read=_fields,
            has_front=_FRONT.match(page.content) is not None,
            body=body,
        )
        no_link = site.place(placed)
        if (image := values.get("image")) and image["src"]:
            image["src"] = _picture(str(image["src"]), site, placed, stem)
        if page.is_draft and site.name == SitePreset.name:
            values["status"] = "draft"
        if isinstance(aliases := values.get("aliases"), list):
            values["aliases"] = [_alias(site, placed, str(one)) for one in aliases if one]
        include = partial(self._included, page.path.parent)
        base = placed.base.rstrip("/")
        body = body if body.strip() else placed.text("abstract")  # as of publications
        root = page_content(body, mdx=is_mdx, include=include, base=base)
        if metas := [dict(meta.attrib) for meta in select(root, "meta")]:  # as in a page's <head>
            values["metas"] = [values.get("metas"), metas]
        if not values.get("title"):
            values["title"] = _title(root, site, placed)
        values |= text_and_links(
            root, title=unescape(values["title"]), headings=self.related_headings
        )
        if _lists_others(site, page, values, body):
            raise list_page("the page has little text but what the site puts there, such as a list")
        return Record(
            location=location,
            values=values,
            timezone=site.zone,
            link=placed.link,
            no_link=no_link,
            no_link_reason="unsure-address" if site.maker else "unknown-address",  # gates judge it
        )

    def _included(self, folder: Path, name: str) -> str:
        """Returns the text of a file that a page in ``folder`` includes.

        It is "" if the file can't be read, or lies outside the source's folder. ``~/`` and ``/``
        stand for the source's folder.
        """
        base = folder_of(self.path)
        path = base / name.lstrip("~/") if name.startswith(("~/", "/")) else folder / name
        try:
            if not path.resolve().is_relative_to(base.resolve()):
                return ""
            with open_regular(path) as file:
                return split_front_matter(decode(file.read(_MAX_INCLUDED)))[1].strip()
        except (OSError, ValueError, RuntimeError, RecordError):  # a name that holds a null, a loop
            return ""


def _front_and_body(site: SitePreset, page: Page) -> tuple[dict[str, Any], str]:
    """Splits a page; what Nikola has in a file ``.meta`` beside it holds first.

    Raises:
        RecordError: If the front matter, or that file, can't be read.
    """
    text = page.text()
    if _OF_NOTION.fullmatch(page.path.stem):
        text = notion_page(text)
    opened = site.name not in ("hexo", "mkdocs", SitePreset.name)
    front, body = split_front_matter(text, opened=opened)
    beside, told = page.path.with_suffix(".meta"), ""
    if site.name == SitePreset.name:
        with raised_as(partial(RecordError, "front-matter"), f"{beside.name}: ", OSError):
            told = read_text(beside) or ""
    if not told.strip():
        return front, body
    meta, _ = split_front_matter(told)
    if not meta:
        raise RecordError("front-matter", f"{beside.name} is no list of names and values")
    return front | meta, body


def _is_article(path: Path, site: SitePreset) -> bool:
    """Tells whether a file of HTML is an article of Jekyll's or Hugo's, such as old posts are."""
    is_content = site.name == "hugo" and "content" in path.absolute().parts
    if not is_content or path.name.startswith("_index."):
        return "_posts" in path.parts
    with suppress(OSError), open_regular(path) as file:
        return file.read(3) in (b"---", b"+++")  # others belong to a page
    return False


def _alias(site: SitePreset, page: SitePage, given: str) -> str:
    """Returns another address of a page as its generator means it: one without a slash, too."""
    if ":" not in given and not given.startswith("/"):
        if site.name == "hugo":  # beside the page
            return join_url(page.link.rstrip("/"), given)
        if site.name in ("zola", "jekyll", "hexo"):
            given = f"/{given}"
    return page.base.rstrip("/") + given if given.startswith("/") else given


def _dated(site: SitePreset, name: str) -> re.Match[str] | None:
    """Returns a file's name as the date that it begins with and the rest; ``None`` without one."""
    return (_DATED_IN_STATAMIC if site.maker == "Statamic" else _DATED_ID).fullmatch(name)


def _mark_shared_names(
    site: SitePreset, pages: Iterator[Page | RecordProblem]
) -> Iterator[Page | RecordProblem]:
    """Marks the pages that would get an earlier page's id.

    Their names differ only in dates, or they state the same id, as in folders of documentation.
    ``id`` and ``slug`` are looked for by their lines alone here: the mark needs no certainty.
    """
    seen: set[str] = set()
    for page in pages:
        if isinstance(page, RecordProblem):
            yield page
            continue
        folder, _, name = page.where.id.rpartition("/")
        lines = _NAME_LINE.findall(re.split(rb"\n(?:---|\+\+\+)", page.content[:4096])[0])
        stated = {key.lower(): value.strip().decode(errors="replace") for key, value in lines}
        dated = _dated(site, name)
        last = stated.get(b"slug") or (dated[2] if dated else name)
        own = stated.get(b"id") or f"{folder}/{last}"
        yield replace(page, shares_name=own in seen)
        seen.add(own)


def _is_for_authors(site: SitePreset, page: Page) -> bool:
    """Tells whether a file without front matter is for those who work on the site."""
    stem, is_below = page.path.stem, len(PurePosixPath(site.above, page.file).parts) > 1
    if stem.casefold() not in _TABLE["for_authors"] or (is_below and stem in site.indexes):
        return False
    has_page = site.name in _TABLE["whole"] or (is_below and site.name == "docusaurus")
    return not has_page or stem.casefold() == "readme" or stem == "SUMMARY"


def _picture(src: str, site: SitePreset, page: SitePage, stem: str) -> str:
    """Returns a picture's address, made from its path as the generator or its themes do it.

    It is "" for one that the site has at another address, which only the generator knows.
    """
    at = site.base if site.name == "jekyll" else page.base  # files are not translated
    base, is_path = at.rstrip("/"), _PICTURE.fullmatch(src) is not None
    folder = page.text("media_subpath") or page.text("img_path")  # of the theme Chirpy
    if folder and site.name == "jekyll" and ":" not in src and not src.startswith("//"):
        return join_url(f"{base}/", f"{folder.strip('/')}/{src.lstrip('/')}")
    if (stem.partition(".")[0] == "index" and site.name in ("hugo", "zola")) or (
        site.name == "quarto" and not src.startswith("/")
    ):
        return join_url(page.link, src)  # it lies beside the page
    if is_path and site.name in ("jekyll", "hexo", "hugo"):
        return f"{base}/{src}"
    is_below = src.startswith((f"{base}/", "//"))
    if src[:1] == "/" and not is_below and site.name in _TABLE["rooted"]:
        return base + src
    return "" if src.startswith("/src/") and site.name == "starlight" else src


def _title(root: Element, site: SitePreset, page: SitePage) -> str:
    """Returns the title of a page that states none; "" if there is none in it, nor in its name."""
    top, lower = (
        literal("".join(map(text_of, select(root, names)[:1])))
        for names in ("h1", "h2, h3, h4, h5, h6")
    )
    label = page.given.get("sidebar_label") or page.given.get("name") or ""
    text = text_of(root).strip()
    name = _title_by_name(site, page, opens=bool(lower) and text.startswith(lower.strip()))
    return top or _line(label) or (literal(name) if text else "") or lower


def _title_by_name(site: SitePreset, page: SitePage, *, opens: bool) -> str:
    """Returns the title that a page has by its file's name; "" if its generator gives it none.

    Without a generator, a name with spaces or other letters than English ones is a title, and one
    with capitals, unless a heading opens the page (``opens``).
    """
    name = str(page.values["slug"])
    if site.by_name:
        return name if " " in name else name.replace("-", " ")
    if site.name == SitePreset.name:
        return name if re.search(r"[^!-~]" if opens else r"[^!-@\[-~]", name) else ""
    if site.name == "jekyll":
        words = name.split("-") if page.values["section"] else []
        return " ".join(word.capitalize() for word in words)
    if site.name not in ("mkdocs", "docusaurus"):
        return ""
    if page.path.stem in site.indexes:
        name = page.path.parent.name
    spaced = re.sub("[-_]+", " ", name).strip()
    return spaced.capitalize() if spaced == spaced.lower() else spaced


def _lists_others(site: SitePreset, page: Page, values: Mapping[str, Any], body: str) -> bool:
    """Tells whether a page only shows what the site puts there, such as all its tags.

    A section's page is an article if it has as much text as one.
    """
    if page.path.name.startswith("_index."):
        sections = values["sections"]
        least = _MIN_SECTION // (3 if any(one["heading"] for one in sections) else 1)
        return sum(len(one["text"]) for one in sections) < least
    if site.name == "mkdocs":
        return _TAG_LIST.search(body) is not None
    has_text = values["sections"] or values["section"] or site.name != "jekyll"
    return not has_text and _TEMPLATE.search(body) is not None


def front_values(front: Mapping[str, Any]) -> dict[str, Any]:
    """Returns a record's values by a page's front matter: all of it, and the fields found in it."""
    return {**front, **_fields(_given(front))}


def front_facts(front: Mapping[str, Any]) -> dict[str, Any]:
    """Returns what front matter states of a page whose text, links and ratings are read from it.

    A field without a value states nothing: the page's own holds.
    """
    read, fields = {"sections", "links", "ratings"}, _TABLE["fields"].keys() | {"tags"}
    return {
        name: value
        for name, value in front_values(front).items()
        if value is not None and name not in read
        if name not in fields or value not in ("", [], {})
    }


def _given(front: Mapping[str, Any]) -> dict[str, Any]:
    return {name.casefold(): value for name, value in front.items() if value is not None}


def _fields(given: Mapping[str, Any]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    tables = [(name, value) for name, value in given.items() if isinstance(value, Mapping)]
    parts = {f"{name}.{key}": part for name, table in tables for key, part in table.items()}
    flat = parts | dict(given)
    for name, theirs in _TABLE["fields"].items():
        if found := [flat[key] for key in theirs if key in flat and _is_meant(key, flat[key])]:
            values[name] = _READERS[name](found[0]) if name in _READERS else found[0]
    groups = given.get("taxonomies")
    named = {**given, **groups} if isinstance(groups, Mapping) else given
    labels = [label for name in _TABLE["labels"] for label in _list(named.get(name))]
    if labels:
        values["tags"] = labels
    url = values.get("url")
    if isinstance(url, str) and "/:" in url:  # Jekyll's pattern for links, not a link
        del values["url"]
    elif isinstance(url, str) and _FROM_ROOT.fullmatch(url):
        values["url"] = f"/{url}"
    return values


def _is_meant(name: str, value: Any) -> bool:
    """Tells whether a value is of its field: ``published`` may be a date, or a yes or no."""
    return name != "published" or str(value)[:4].isdecimal()


def _name(
    values: dict[str, Any], page: Page, given: Mapping[str, Any], dated: re.Match[str] | None
) -> None:
    """Adds id, date, slug and section from the file's name, where the front matter has none."""
    folder, _, name = page.where.id.rpartition("/")
    parts = str(given.get("slug") or (dated[2] if dated else name)).split("/")
    slug = "/".join(part for part in parts if part not in ("", ".", "..")) or name
    if dated:
        values.setdefault("date", dated[1])
    last = slug
    if page.shares_name:  # without a date of its own "foo" is taken: "foo.md"
        last = name if name != slug else f"{name}{page.path.suffix}"
    if page.shares_name and "id" in values:
        values["id"] = page.where.id if folder else page.file  # "intro" is taken: "intro.md"
    values.setdefault("id", f"{folder}/{last}" if folder else last)
    values.setdefault("path", page.where.id)
    values.setdefault("slug", slug)
    values.setdefault("section", folder.partition("/")[0])


def _text(value: Any) -> str:
    return literal(str(value))


def _line(value: Any) -> str:
    is_text = not isinstance(value, list | Mapping)
    return markdown_line(str(value) if is_text else next(iter(names_in(value)), ""))


def _time(value: Any) -> Any:
    """Returns a date-time unchanged, but a date without a time of day as text.

    Of a table (``{created: ..., updated: ...}``, as in MkDocs), it is when the page was made.
    """
    if isinstance(value, Mapping):
        value = value.get("created", value)
    return value if isinstance(value, dt.datetime | list) else str(value)


def _list(value: Any) -> list[str]:
    return [*map(literal, names_in(value))]


def _authors(value: Any) -> Any:
    names = split_authors(value) if isinstance(value, str) else names_in(value)
    return [_text(markdown_line(one)) for one in names if one]


def _image(value: Any) -> Any:
    item = value[0] if isinstance(value, list) and value else value
    if isinstance(item, Mapping):  # {src|url|image|path, alt}, as in many themes
        src = next((item[key] for key in ("src", "url", "image", "path") if item.get(key)), None)
        alt = _text(item.get("alt") or "")
        return {"src": src, "alt": alt} if any(item.values()) else None
    return item and {"src": item}


_READERS: dict[str, Callable[[Any], Any]] = {
    **dict.fromkeys(("title", "excerpt"), _line),
    **dict.fromkeys(("date", "visible_from", "visible_until"), _time),
    "image": _image,
    "authors": _authors,
    "aliases": _list,
    "translation_key": _text,
}
"""How the fields are read that are not taken as they are."""
