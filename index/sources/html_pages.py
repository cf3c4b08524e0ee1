"""Reads a folder of HTML pages, such as a static site or the result of a crawl."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from index.articles.cleaning import literals
from index.articles.file_suffixes import SUFFIXES
from index.articles.record import Record
from index.articles.text_lists import split_keywords
from index.errors import RecordError, raised_as
from index.sources import markup
from index.sources.front_matter import split_front_matter
from index.sources.html_metadata import canonical_of, metas_of, page_facts, published_times
from index.sources.main_text import find_main_text, hides
from index.sources.markdown_pages import front_facts
from index.sources.markup import Element, MarkupError, line_of, select, text_of
from index.sources.page_folder import Page, PageFolderSource
from index.sources.page_refusal import check_is_article, check_is_no_list
from index.sources.page_text import HEADINGS, text_and_links
from index.sources.schema_org import SchemaOrg
from index.sources.substack import substack_facts
from recommender.errors import SettingError

_HEADING_LINK_CLASS = re.compile(
    r"((header|heading|hash)-?)(link|anchor)|anchor(-?link)?|permalink"
)
_MARKS = (
    ".mw-editsection, .viewcode-link, .viewcode-back, dt > a.headerlink, caption a.headerlink,"
    " [class*=caption] a.headerlink, a.footnote-backref, a.footnote-back, a.reversefootnote,"
    " h1 > button:not(:first-child), h2 > .phpdocumentor-element__package"
)
"""Such links of MediaWiki and Sphinx, those back from footnotes; what else stands in titles."""

_BUILT = re.compile(
    r"[\s\ufeff]*(?:<(?!!--)|<!--(?=.{0,4000}?<(?:!doctype|html|head)\b))",
    re.IGNORECASE | re.DOTALL,
)
"""The beginning of a page that is written as browsers read it, not as a site generator does."""

_DAY = ".date-header"
"""The day above a post of Blogger and TypePad, on its own page only once."""

_WORD = re.compile(r"\w")
_VALUE_IN = {"meta": "content", "time": "datetime", "img": "src", "a": "href", "link": "href"}
"""The elements whose value is in an attribute rather than in their text, with the attribute."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HtmlSource(PageFolderSource):
    """A folder of HTML pages; configured selectors take precedence over a page's own metadata.

    Attributes:
        path: A folder, a glob or one file.
        main: CSS selector of the element that holds the article's text; detected if empty.
        select: The CSS selector of the element to read, by article field, for fields that are not
            detected. ``css@attribute`` reads the element's attribute instead of its text, as in
            ``{"date": ".byline time", "id": "article@data-id"}``.
        drop: CSS selectors of elements that are not part of the article's text.
    """

    suffixes = SUFFIXES["html"]
    main: str = ""
    select: Mapping[str, str] = field(default_factory=dict)
    drop: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        PageFolderSource.__post_init__(self)  # a slotted dataclass has no bare super()
        page = markup.parse_html("<p>")
        with raised_as(SettingError, "", MarkupError):
            for selector in (*filter(None, [self.main]), *self.select.values(), *self.drop):
                select(page, selector.partition("@")[0])

    def parse_page(self, location: str, page: Page) -> Record:
        """Parses an HTML page into a record; raises a ``RecordError`` if it can't be used."""
        front, text = _split_source(page.text(is_markup=True), page)
        with raised_as(partial(RecordError, "invalid-html"), "", MarkupError):
            root = markup.parse_html(text)
        _drop_heading_links(root)
        front |= front_facts(_take_properties(root))
        said = SchemaOrg(root, canonical_of(root, page.address) or page.url, page.address)
        metas = metas_of(root)
        if page.robots:
            metas.setdefault("x-robots-tag", []).append(page.robots)
        check_is_article(root, page, said)
        if self.main:
            main, lists = next(iter(select(root, self.main)), root), set[Element]()
        else:
            main, lists = find_main_text(root, text)
        facts = page_facts(root, main, said, metas, page.address)
        selected = self._selected(root)
        exported = substack_facts(page)
        values = {"id": page.where.id, **facts, **exported, **selected}
        if page.is_draft:
            values["status"] = front["status"] = "draft"
        elif not self.main and hides(main):
            values["visibility"] = "hidden unless a script shows it"  # no known word: it is told
        language_from = values.pop("language_from", "") if "language" not in selected else ""
        if "summary" not in self.select:
            dropped = {element for css in self.drop for element in select(root, css)}
            dropped.update(published_times(root, main))
            days = select(root, _DAY)
            dropped.update(days if len(days) == 1 else ())  # else they head entries
            for css in said.gated():
                try:
                    dropped.update(select(root, css))
                except MarkupError:  # what is free can't be told
                    dropped.update(main)
            found = text_and_links(
                main,
                title=values.get("title", ""),
                dropped=dropped,
                not_found=lists,
                page=root,
                headings=self.related_headings,
            )
            if not self.main:
                is_stated = bool(said.facts()) or "article" in metas.get("og:type", [])
                here = values.get("url") or page.address
                check_is_no_list(root, said, found, here, is_stated=is_stated)
            values["links"] = found["links"]
            if any(section["text"] for section in found["sections"]) or "summary" not in values:
                values["sections"] = found["sections"]
        stated = {name: value for name, value in front.items() if name not in selected}
        return Record(
            location=location,
            values=_literals(values) | stated,
            language_from=language_from,
            link="" if page.url else f"/p/{exported['slug']}" if exported else page.address,
        )

    def _selected(self, root: Element) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for name, selector in self.select.items():
            css, _, attribute = selector.partition("@")
            found = [_value(element, attribute) for element in select(root, css)]
            if name == "tags" and len(found) == 1:
                found = split_keywords(found[0])
            if found and name in ("authors", "tags"):
                values[name] = found  # one author per element: "Ann Baker, Director" is one
            elif found:
                values[name] = "\n".join(found) if name == "summary" else found[0]
        return values


def _split_source(text: str, page: Page) -> tuple[dict[str, Any], str]:
    """Splits the front matter from a page that a site generator has not built yet.

    Raises:
        RecordError: If it can't be read: it may say that the page is a draft.
    """
    if page.url or _BUILT.match(text):
        return {}, text
    front, body = split_front_matter(text)
    return front_facts(front), body


def _drop_heading_links(root: Element) -> None:
    """Removes the links that headings and the like have to themselves, as "¶", "#" or "[edit]"."""
    for mark in select(root, _MARKS):
        mark.tag = "heading-link"
    for heading in root.iter(*HEADINGS):
        whole = line_of(heading)
        for link in heading.iterdescendants("a"):
            words, href = line_of(link), link.get("href") or ""
            is_mark = not _WORD.search(words) and bool(words or href.startswith("#"))
            if is_mark or (
                words != whole and markup.names_match(link, _HEADING_LINK_CLASS, "class")
            ):
                link.tag = "heading-link"
    markup.remove(root, ("heading-link",))


def _take_properties(root: Element) -> dict[str, str]:
    """Removes the properties of a page that Notion exports, and returns them by name."""
    found = {}
    for row in select(root, "table.properties tr.property-row"):
        texts = [", ".join(filter(None, map(str.strip, cell.itertext()))) for cell in row]
        if texts:
            found[texts[0]] = texts[-1].lstrip("@")
        row.clear()
    return found


def _value(element: Element, attribute: str) -> str:
    attribute = attribute or _VALUE_IN.get(markup.local_name(element), "")
    found = element.get(attribute) if attribute else None
    return (text_of(element) if found is None else str(found)).strip()


def _literals(values: dict[str, Any]) -> dict[str, Any]:
    """Escapes markup characters in texts from the page: they are plain text, not markup."""
    for name in {"title", "excerpt", "summary", "tags", "authors"} & values.keys():
        values[name] = literals(values[name])
    if isinstance(image := values.get("image"), dict):
        values["image"] = {**image, "alt": literals(image["alt"])}
    return values
