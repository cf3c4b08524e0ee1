"""Tells which HTML pages are no articles: redirects, error pages, lists of pages, and copies."""

from __future__ import annotations

import os
import re
from urllib.parse import unquote, urljoin, urlsplit

from index.sources.html_metadata import canonical_of
from index.sources.markup import Element, select, text_of
from index.sources.page_folder import Page, PageError
from index.sources.schema_org import SchemaOrg

_LONGEST_DELAY = 60  # seconds; a page that waits longer shows itself anew
_STUB = 200  # characters; a page with more text is not there to redirect by a script
_REFRESH = re.compile(
    r"""\s*(?P<delay>\d*)[.\d]*\s*[;,\s]\s*(?:url\s*=\s*)?["']?(?P<url>[^"']*)""", re.IGNORECASE
)
_LOCATION = re.compile(
    r"""(?<![\w.$])(?<!var\s)(?<!let\s)(?<!const\s)(?:(?:window|document|self|top|parent)\.)*
    location(?:(?:\.href)?\s*=\s*["'`]|\.(?:replace|assign)\s*\()""",
    re.VERBOSE,
)
_ERROR_NAME = re.compile(r"([a-z]{2}([-_][a-z]{2})?/)?404", re.IGNORECASE)
_CODE = r"((error|fehler|erreur)\W*)?(404|410)(\W*(error|fehler|erreur))?"
_NOT_FOUND = r"""(
      ((this|the|that)\s)?((page|file|document)\s)?(you\s(requested|are\slooking\sfor)\s)?
      ((was|is|could)\s)?(not|cannot|can.t|couldn.t)\s(be\s)?found
    | ((this|the|that)\s)?page\s(does\snot|doesn.t)\sexist
    | (die\s)?seite\s(wurde\s|konnte\s)?nicht\sgefunden(\swerden)?
    | page\s(introuvable|non\strouvée) | página\sno\sencontrada | pagina\snon\strovata
    | pagina\sniet\sgevonden | página\snão\sencontrada | nie\sznaleziono\sstrony
    | страница\sне\sнайдена | ページが見つかりません(でした)? | (页面|頁面)(未找到|不存在)
    )"""  # noqa: RUF001 - words of many scripts
_ERROR_TITLE = re.compile(
    rf"\W*({_CODE}(\W*{_NOT_FOUND})?|{_NOT_FOUND}(\W*{_CODE})?)\W*", re.IGNORECASE | re.VERBOSE
)
_SEPARATOR = re.compile(r"\s[|\-\u2013\u2014·»:]+\s")
_LATER_PAGE = re.compile(r"(.*/)?(page|seite|pagina|página)[/-]\d+", re.IGNORECASE)
_LIST_CLASSES = {"archive", "search-results", "paged"}
_SINGLE_CLASSES = {"single", "singular", "page"}


def check_is_article(root: Element, page: Page, said: SchemaOrg) -> None:
    """Checks that a page may be an article.

    Args:
        root: The page's root element.
        page: The page.
        said: What the page says in schema.org's words.

    Raises:
        PageError: If it is none; with the reason.
    """
    if target := _redirect(root, page):
        raise PageError("redirect", f"the page only redirects to {target[:200]}")
    body = next(iter(select(root, "body")), root)
    classes = set((body.get("class") or "").lower().split())
    titles = [" ".join(text_of(each).split()) for each in select(root, "head > title, h1")[:2]]
    name = "/".join(_parts(urlsplit(page.address).path))
    if "error404" in classes or _ERROR_NAME.fullmatch(name) or any(map(_is_error, titles)):
        raise PageError("error-page", "the page is shown where there is none (404)")
    is_list = classes & _LIST_CLASSES and not classes & _SINGLE_CLASSES
    if said.is_list or is_list or _LATER_PAGE.fullmatch(name):
        raise PageError("list-page", "the page says that it is a list of pages, not an article")
    canonical = canonical_of(root, page.address)
    if canonical and not page.url and (other := _other_page(page, canonical)):
        raise PageError("canonical", f"the page says that {other} is to be read in its place")


def _redirect(root: Element, page: Page) -> str:
    """Returns where a page redirects to at once; empty if it does not."""
    for meta in select(root, "meta[http-equiv][content]"):
        found = _REFRESH.match(meta.get("content"))
        if meta.get("http-equiv").strip().lower() == "refresh" and found:
            in_noscript = next(meta.iterancestors("noscript"), None) is not None
            delay = int(found["delay"][:9] or 0)
            if not in_noscript and delay < _LONGEST_DELAY and not _is_same(page, found["url"]):
                return found["url"].strip()
    scripts = "".join(map(text_of, select(root, "script:not([src])")))
    if _LOCATION.search(scripts[:10_000]) and _text_length(root) < _STUB:
        return "another address, by a script"
    return ""


def _text_length(root: Element) -> int:
    body = next(iter(select(root, "body")), root)
    hidden = select(body, "script, style, noscript, title")
    return len(text_of(body)) - sum(len(text_of(each)) for each in hidden)


def _is_same(page: Page, url: str) -> bool:
    try:
        target = urlsplit(urljoin(page.address, url.strip()))
    except ValueError:
        return False
    return _parts(target.path) == _parts(urlsplit(page.address).path)


def _is_error(title: str) -> bool:
    return any(map(_ERROR_TITLE.fullmatch, (title, _SEPARATOR.split(title)[0])))


def _other_page(page: Page, canonical: str) -> str:
    """Returns the file of the page that a file names as the one to read; empty if there is none.

    The canonical address may begin with one folder that the pages' folder does not have.
    """
    try:
        parts = _parts(urlsplit(canonical).path)
    except ValueError:
        return ""
    own = _parts(page.address)
    folder = page.path.parent
    for _ in range(page.file.count("/")):
        folder = folder.parent
    for given in (parts, parts[1:]):
        if not given or given == own or ".." in given:
            return ""
        stem = str(folder.joinpath(*given))
        for name in (f"{stem}/index.html", f"{stem}.html", f"{stem}.htm", f"{stem}.xhtml"):
            if os.path.isfile(name):  # noqa: PTH113 - Path.is_file() raises for a name too long
                return name
    return ""


def _parts(path: str) -> list[str]:
    """Returns the parts of a page's path, without what servers leave out of it."""
    stem = re.sub(r"(^|/)index\.x?html?$|\.x?html?$", "", unquote(path).strip("/"))
    return [part for part in stem.split("/") if part]
