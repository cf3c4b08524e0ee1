"""Tells which HTML pages are no articles: redirects, error pages, lists of pages, and copies."""

import os
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from index.articles.page_words import page_words, words_of
from index.articles.urls import join_url, split_url
from index.errors import RecordError
from index.sources.html_metadata import canonical_of
from index.sources.main_text import own_length
from index.sources.markup import Element, is_home, line_of, select, text_of
from index.sources.page_folder import Page
from index.sources.page_text import is_no_text
from index.sources.page_title import is_site_name
from index.sources.schema_org import SchemaOrg

_LONGEST_DELAY = 60  # seconds; a page that waits longer shows itself anew
_SERVED = re.compile(r"(^|/)index\.x?html?$|\.x?html?$")
_WORD = re.compile(r"\w")
_FEWEST, _FEWEST_LINKS = 3, 5  # teasers or links, or links among other words, that make a list
_LONGEST_TEASER, _LONGEST_LABEL = 400, 60  # characters
_MOST_LINKS = 2_000  # each is looked for in the text
_STUB = 200  # characters; a page with more text is not there to redirect by a script
_MOST_ARTICLES = 1_000
_MOST = 0.75  # of what a page shows, in articles of others
_LEAST_OWN = 60  # characters beside these of a page that calls itself an article
_TITLES = "h1, h2, h3, h4, [class*=title]"
_REFRESH = re.compile(
    r"""\s*+(?P<delay>\d*+)[.\d]*+(?:\s*+[;,]|\s)\s*+(?:url\s*=\s*)?["']?(?P<url>[^"']*)""",
    re.IGNORECASE,
)
_LOCATION = re.compile(
    r"""(?<![\w.$])(?<!var\s)(?<!let\s)(?<!const\s)(?:(?:window|document|self|top|parent)\b\.?)*
    (?:location|\[["']location["']\])
    (?:(?:\.(?:href|pathname))?\s*=(?!=)|\.(?:replace|assign)\s*\()""",
    re.VERBOSE,
)
_ONLY_LEADS = re.compile(
    r"""\s*+(?:(?:window|document|self|top)\.)?location(?:\.href)?\s*+
    (?:=|\.(?:replace|assign)\s*+\()\s*+["'`][^"'`]*+["'`]\s*+\)?\s*+;?\s*""",
    re.VERBOSE,
)
_LANGUAGE = "([a-z]{2}([-_][a-z]{2})?/)?"
_ERROR_NAME = re.compile(rf"{_LANGUAGE}(40\d|410|50[\dx]|offline|dev-404-page)", re.IGNORECASE)
_CODE = re.compile(
    r"((error|fehler|erreur)\W*)?\b(30[12378]|4[0-2]\d|50\d)\b(\W*(error|fehler|erreur)\b)?",
    re.IGNORECASE,
)
_NO_COUNT = re.compile(r"404|410|[a-z]", re.IGNORECASE)  # other bare numbers may count posts
_SEPARATOR = re.compile(r"\s[|\-\u2013\u2014·»:\u2039\u203a]+\s")
_LIST_NAME = re.compile(
    rf"(.*/)?(page|seite|pagina|página)[/-]\d+|{_LANGUAGE}(search|(py-)?(gen|mod)index)"
    r"|([^/]+/)?(category|categories|tags?)(/[^/]+)?|(.*/)?page\d+/|(.*/)?print_page"
    r"|archives/\d{4}(/\d\d){1,2}|search/label/.+|\d{4}_\d\d_\d\d_archive"
    # of Javadoc, which makes some for each class
    r"|(.*/)?(class-use/[^/]+|(package|overview)-(use|tree|frame)|all(classes|packages)-"
    r"(index|(no)?frame)|index-(all|files/index-\d+)|constant-values|(deprecated|help)-(list|doc))",
    re.IGNORECASE,
)
_YEAR_NAME = re.compile(
    r"(archives|(.*/)?archive)/(19|20)\d\d"
)  # or a post whose id is such a number
_PLACEHOLDER = re.compile(r"(^|/)\[[^/]+\](/|$)")  # of Next.js: posts/[slug].html
_LIST_CLASS = re.compile(words_of("list_page_class"))
_SINGLE_CLASSES = {"single", "singular", "page"}
_DOXYGEN = ".contents > .directory, .contents > .qindex"  # its lists of classes, files and members
_WORDPRESS = "meta[name=generator][content^=WordPress], link[href*='/wp-'], script[src*='/wp-']"
_FILE = "body > .galley_view, body > rss, body > feed"  # of Open Journal Systems; mirrored feeds
_UNBOUND = "w-dyn-bind-empty"  # the class of a title in Webflow's exported templates
_NOT_FOUND = 'meta[name="prerender-status-code"][content^="4"]'
"""How pages that a browser fills tell services that save them that there is no such page."""

_WIKI_CLASS = re.compile("ns-(talk|-1|2|6|8|10|14|828)")
"""MediaWiki's pages of talk, and its special pages, users, files, templates and categories."""


def check_is_article(root: Element, page: Page, said: SchemaOrg) -> None:
    """Checks that an HTML page may be an article: no redirect, error page, list or copy.

    Args:
        root: The page's root element.
        page: The page.
        said: The page's schema.org metadata.

    Raises:
        RecordError: If the page is no article; the message says why.
    """
    if target := _redirect(root, page):
        raise RecordError("redirect", f"the page only redirects to {target[:200]}")
    body, html = next(root.iter("body"), root), next(root.iter("html"), root)
    classes = set((body.get("class") or "").lower().split())
    titles = [line_of(each) for each in select(root, "head > title, h1")[:2]]
    name = "/".join(_parts(page.address))
    is_said = "error404" in classes or select(root, _NOT_FOUND)
    if is_said or _ERROR_NAME.fullmatch(name) or any(map(_is_error, titles)):
        raise RecordError("error-page", "the page is the site's page for errors such as 404")
    shown = select(root, "h1:not(.w-condition-invisible)")
    own = (each for each in shown if next(each.iterancestors("a"), None) is None)
    is_unbound = _UNBOUND in (next(own, root).get("class") or "").split()
    if any("{{" in title or "{%" in title for title in titles) or is_unbound:
        raise RecordError("template", "the page is a template: its title is not filled, as {{ is")
    if _PLACEHOLDER.search(name):
        raise RecordError("template", "the page is a template: a part of its address is in [ ]")
    outer = set((html.get("class") or "").lower().split())
    is_list = any(map(_LIST_CLASS.fullmatch, classes | outer)) or (
        "blog" in classes and ("home" in classes or bool(select(root, _WORDPRESS)))
    )
    is_list = (is_list and not classes & _SINGLE_CLASSES) or bool(select(root, _DOXYGEN))
    stated = said.facts()
    is_own = stated and not is_home(stated.get("url", ""))  # some themes state the home page's
    is_list = is_list or (_is_named_list(root, page, name, classes) and not is_own)
    if said.is_list or is_list:
        raise RecordError("list-page", "the page says that it is a list of pages, not an article")
    if "mediawiki" in classes and any(map(_WIKI_CLASS.fullmatch, classes)):
        raise RecordError("not-an-article", "the page is about the wiki: talk, user, file or list")
    if {"attachment", "single-attachment"} <= classes or select(root, _FILE):
        raise RecordError("not-an-article", "the page is only for a picture or a file, or a feed")
    canonical = canonical_of(root, page.address)
    if canonical and not page.url and (other := _other_page(page, canonical)):
        raise RecordError("canonical", f"the page is a copy: it names {other} as the original")


def check_is_no_list(
    root: Element,
    said: SchemaOrg,
    found: Mapping[str, list[dict[str, Any]]],
    address: str,
    *,
    is_stated: bool = False,
) -> None:
    """Checks that a page's text is more than links to other pages of its site, with teasers.

    Args:
        root: The page's root element.
        said: The page's schema.org metadata.
        found: The page's sections and links, from :func:`index.sources.page_text.text_and_links`.
        address: The page's own address.
        is_stated: Whether metadata call the page an article; of some themes, they do of lists too.

    Raises:
        RecordError: If it is not.
    """
    if _shows_others(root, said, address, is_stated=is_stated) or (
        not is_stated and said.shows_posts(root)
    ):
        raise RecordError("list-page", "the page shows the articles of other pages of the site")
    if is_stated:
        return
    here = split_url(address)
    own: dict[str, str] = {}
    homes = filter(is_home, (link.get("href") or "" for link in select(root, "a[href]")))
    hosts = {"", here.netloc or next(filter(None, (split_url(url).netloc for url in homes)), "")}
    for link in found["links"][:_MOST_LINKS]:
        to = split_url(join_url(address, link["url"]))
        if link["kind"] == "text" and to.netloc in hosts and to.path != here.path:
            own[link["text"]] = to.path
    parts = [(section["heading"] in own, section["text"]) for section in found["sections"]]
    teasers = [text for is_teaser, text in parts if is_teaser]
    rest = "\n".join(text for is_teaser, text in parts if not is_teaser)
    is_linked = 2 * sum(map(len, own)) >= len(rest)
    fewest = _FEWEST if teasers or is_linked else _FEWEST_LINKS
    if len({*own.values()}) < fewest or len("".join(teasers)) > _LONGEST_TEASER * len(teasers):
        return
    if is_linked:
        for words in sorted(own, key=len, reverse=True):
            rest = rest.replace(words, "")
    if all(len(line) <= _LONGEST_LABEL for line in rest.split("\n")):
        raise RecordError("list-page", "the page only links to other pages of the site")


def leads_away(script: str) -> bool:
    """Tells whether a script does nothing but lead to another address."""
    return _ONLY_LEADS.fullmatch(script[:1000]) is not None


def _redirect(root: Element, page: Page) -> str:
    """Returns where a page redirects to at once; empty if it does not."""
    metas = [
        meta.get("content")
        for meta in select(root, "meta[http-equiv][content]")
        if meta.get("http-equiv").strip().lower() == "refresh"
        and next(meta.iterancestors("noscript"), None) is None
    ]
    for found in map(_REFRESH.match, [*metas, page.refresh]):
        if found and found["url"].strip():
            target = found["url"].strip()
            to_itself = _parts(join_url(page.address, target)) == _parts(page.address)
            at_once = int(found["delay"][:9] or 0) < _LONGEST_DELAY
            if at_once and not to_itself:
                return target
    for link in select(root, ".mediawiki .redirectMsg a[href]"):
        return str(link.get("href"))
    body = next(root.iter("body"), root)
    scripts = "".join(map(text_of, select(root, "script:not([src])")))
    scripts = f"{body.get('onload', '')} {scripts}"
    hidden = sum(len(text_of(each)) for each in select(body, "script, style, noscript"))
    if _LOCATION.search(scripts[:10_000]) and len(text_of(body)) - hidden < _STUB:
        return "another address, by a script"
    return ""


def _shows_others(root: Element, said: SchemaOrg, address: str, *, is_stated: bool) -> bool:
    """Tells whether a page is mostly ``<article>`` elements with titles that lead elsewhere."""
    here, stated = split_url(address), said.facts().get("url", "")
    if not is_home(address) and split_url(stated).path == here.path:
        return False
    others = dict[Element, str]()
    for each in select(root, "article")[:_MOST_ARTICLES]:
        url = join_url(address, _title_link(each)) or address
        host = split_url(url).netloc
        is_near = host == (here.netloc or host) and not _is_same(url, address)
        if is_near and not any(
            above.tag == "article" or is_no_text(above) for above in each.iterancestors()
        ):
            others[each] = host
    if len(others) < 2 or len({*others.values()}) > 1:
        return False
    around = {above for each in others for above in (each, *each.iterancestors())}
    lengths, shown = [own_length(each, around) for each in others], own_length(root, around)
    is_own = is_stated and not (is_home(address) or is_home(stated)) and _has_title(root, {*others})
    if is_own and shown - sum(lengths) >= _LEAST_OWN:
        return False
    return sum(lengths) >= _MOST * shown > max(lengths)  # else one is the page's own


def _title_link(article: Element) -> str:
    """Returns where an article's title leads, which may name its section beside."""
    titles = select(article, "h1")[:1]  # not the section above it
    links = [
        link
        for title in titles or select(article, _TITLES)[:1]
        for link in (*title.iter("a"), *title.iterancestors("a"))
        if not titles or 2 * len(line_of(link)) >= len(line_of(title))
    ]
    return next((link.get("href") or "" for link in [*links, *select(article, "a.entry-link")]), "")


def _is_same(url: str, address: str) -> bool:
    """Tells whether a link leads to a page's own address, of which a folder may be unknown."""
    own, parts = _parts(address), _parts(url)
    ends = parts[-len(own) :] if own else parts
    return ends == own and split_url(url).query == split_url(address).query


def _has_title(root: Element, others: set[Element]) -> bool:
    """Tells whether an ``<h1>`` that is no link stands outside of the articles of others."""
    return any(
        next(title.iter("a"), None) is None
        and not is_site_name(title)
        and not any(above in others or is_no_text(above) for above in title.iterancestors())
        for title in select(root, "h1")
    )


def _is_named_list(root: Element, page: Page, name: str, classes: set[str]) -> bool:
    """Tells whether a page's address is one that lists of pages have."""
    if _YEAR_NAME.fullmatch(name):
        return not classes & _SINGLE_CLASSES and len(select(root, "article h1")) != 1
    names = (name, f"{name}/") if page.address.endswith("/") else (name,)
    return any(map(_LIST_NAME.fullmatch, names))


def _is_error(title: str) -> bool:
    """Tells whether a title, or its beginning, says that a page was not found, or is a code."""
    for text in (title, _SEPARATOR.split(title)[0]):
        rest = _CODE.sub("", text, count=1).replace("_", " ")
        is_code = _CODE.search(text) and not _WORD.search(rest) and _NO_COUNT.search(text)
        is_refusal = _CODE.search(text) and page_words("refused").fullmatch(rest)
        if is_code or is_refusal or page_words("not_found").fullmatch(rest):
            return True
    return False


def _other_page(page: Page, canonical: str) -> str:
    """Returns the file of the page that a file names as the one to read; empty if there is none.

    The canonical address may begin with one folder that the pages' folder does not have.
    """
    own, parts = _parts(page.address), _parts(canonical)
    folder = page.path.parents[page.file.count("/")]
    for given in (parts, parts[1:]):
        if not given or given == own or ".." in given:
            return ""
        stem = str(folder.joinpath(*given))
        for name in (f"{stem}/index.html", f"{stem}.html", f"{stem}.htm", f"{stem}.xhtml"):
            if os.path.isfile(name):  # noqa: PTH113 - Path.is_file() raises for a name too long
                return name
    return ""


def _parts(address: str) -> list[str]:
    """Returns the parts of an address's path, without what servers leave out of it."""
    path = unquote(split_url(address).path).strip("/")
    return [part for part in _SERVED.sub("", path).split("/") if part]
