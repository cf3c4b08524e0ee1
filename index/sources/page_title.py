"""Chooses an HTML page's title: of the article, not of the site, and without the site's name."""

import re
from collections.abc import Iterable, Sequence
from itertools import islice

from index.articles.urls import split_url
from index.sources.markup import Element, is_home, names_match, one_line, select

_HEADINGS = "h1, h2, h3, h4, h5, h6"
_BRANDS = ".site-title, .site-name, .navbar-brand"
_SPACE = "#breadcrumbs > .first a[href='index.html']"  # of Confluence
_SITE_CLASS = re.compile(r"site-?(title|name|logo|brand(ing)?)|brand(ing)?|logo|navbar-brand")
_EAST = "[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]"
_APART = r"\s+[|\-\u2010-\u2015·•:»«/~>\u2039\u203a]+\s+|\s*[|»«\uff5c]\s*"
_SURE_SEPARATOR = re.compile(_APART)
_SEPARATOR = re.compile(
    rf"{_APART}|\s*\uff1a\s*"
    rf"|(?<={_EAST})[-_\u2014\uff0d]+|(?<![-_\u2014\uff0d])[-_\u2014\uff0d]+(?={_EAST})"
)
"""What parts the names of sites from titles; in Chinese and Japanese without spaces.

What stands without spaces, as between a part and its title, tells no name of a site.
"""

_SHOWN = ".//text()[not(ancestor::svg or ancestor::rt or ancestor::rp)]"
_MOST_BREAKS, _LONGEST = 20, 2_000
_WORD = re.compile(r"\w+")
_NOT_WORD = re.compile(r"\W+")


def find_title(
    root: Element,
    main: Element,
    headlines: Sequence[str],
    stated: Sequence[str],
    site_names: Iterable[str],
    address: str,
) -> str:
    """Returns the title of a page's article; empty if the page has none.

    It is the first of these that there is: the article's headline by schema.org; a heading that
    ``og:title`` or ``<title>`` repeats; the ``<h1>`` in the article; ``og:title``; ``<title>``; the
    first heading of the highest level. The name of the site is never the title, unless there is
    nothing else, and is cut from the title's end or beginning.

    Args:
        root: The page's root element.
        main: The element that holds the article.
        headlines: The article's titles by schema.org.
        stated: Titles from the page's other metadata, such as ``og:title``, the best first.
        site_names: Names of the site from the page's metadata.
        address: The page's address; its host, as in shoreweekly.org, may be the site's name.
    """
    if main.tag != "article":  # its title may stand above the element with the text
        main = next(main.iterancestors("article"), main)
    marked = [each for each in select(root, f"{_HEADINGS}, {_BRANDS}") if is_site_name(each)]
    brands = {_plain(name) for name in _lines([*marked, *select(root, _SPACE)])} - {""}
    shown = _lines(select(root, "head > title")[:1])
    if len(brands) > 1:  # some themes show the article's title beside the site's name
        ends = (
            (title, at)
            for title in shown
            for at in islice(_SEPARATOR.finditer(title), _MOST_BREAKS)
        )
        begins = {*shown, *(title[: at.start()] for title, at in ends)}
        brands -= {_plain(title) for title in (*headlines, *stated)} & {*map(_plain, begins)}
    sites = {_plain(name) for name in site_names} - {""} | brands
    inside, anywhere = _headings(main), _headings(root)
    for title in shown:
        parts = _SURE_SEPARATOR.split(title)
        elsewhere = parts[-1] in {*anywhere} - {*inside, *headlines, *stated}
        if len(parts) > 1 and elsewhere and _plain(parts[0]) not in sites:
            sites.add(_plain(parts[-1]))
    host = (split_url(address).hostname or "").removeprefix("www.")
    named = sites | ({_plain(host), *map(_plain, host.split("."))} - {""})
    inside, anywhere = (
        [text for text in texts if _plain(text) not in sites] for texts in (inside, anywhere)
    )
    # Of several, the one that the page shows too: some state a description as their headline.
    seen = [*shown, *anywhere]
    given = sorted(
        (_without_prefix(_without_site(text, named), sites, seen) for text in headlines or stated),
        key=lambda title: not any(_is_most_of(title, text) for text in seen),
    )
    for title in [*given, *(_without_site(text, named) for text in shown)]:
        if _plain(title) in sites:
            continue
        for text in (*inside, *anywhere):
            if _is_most_of(text, title):
                return text
        # A heading outranks <title>; only the article's own outranks what is meant for others.
        own = select(main, "h1")
        if title in given:
            own = [each for each in own if next(each.iterancestors("article"), None) is not None]
        headings = (text for text in _lines([] if headlines else own) if text in inside)
        heading = next(headings, title)
        is_other = _are_alike(heading, title) and not _is_part(heading, title)
        return title if is_other else heading
    return next(iter([*inside, *anywhere, *shown]), "")


def _headings(element: Element) -> list[str]:
    """Returns the headings below an element, those of the highest level first."""
    found = sorted(select(element, _HEADINGS), key=lambda heading: str(heading.tag))
    return _lines(heading for heading in found if not is_site_name(heading))


def is_site_name(element: Element) -> bool:
    """Tells whether an element shows the site's name: it says so, or is a link to the home page."""
    links = [*element.iterdescendants("a"), *element.iterancestors("a")]
    return names_match(element, _SITE_CLASS, "class", "id") or any(
        is_home(link.get("href") or "") for link in links
    )


def _lines(elements: Iterable[Element]) -> list[str]:
    """Returns the texts of elements, without titles of drawings and readings in them."""
    shown = (each.xpath(_SHOWN) for each in elements)
    return [text for parts in shown if (text := one_line("".join(parts)))]


def _without_site(title: str, sites: set[str], times: int = _MOST_BREAKS) -> str:
    """Cuts the site's names from a title's end or beginning."""
    breaks = list(_SEPARATOR.finditer(title)) if times else []
    for found in breaks[-1:] + breaks[:1]:
        before, after = title[: found.start()], title[found.end() :]
        if before and _plain(after) in sites:
            return _without_site(before, sites, times - 1)
        if after and _plain(before) in sites:
            return _without_site(after, sites, times - 1)
    return title


def _without_prefix(title: str, sites: set[str], seen: Sequence[str]) -> str:
    """Cuts the site's name and a colon from a title's beginning if the page shows the rest too."""
    name, _, rest = title.partition(": ")
    return rest if rest in seen and _plain(name) in sites else title


def _are_alike(one: str, other: str) -> bool:
    """Tells whether two titles have most of their words in common."""
    words, others = (set(_WORD.findall(text.casefold())) for text in (one, other))
    return 2 * len(words & others) > max(len(words), len(others))


def _is_most_of(text: str, title: str) -> bool:
    """Tells whether a heading is a title without less that a separator parts from it."""
    return 2 * len(text) >= len(title) and _is_part(text, title)


def _is_part(text: str, title: str) -> bool:
    """Tells whether a heading is a title without what a separator parts from it."""
    breaks = list(_SEPARATOR.finditer(title)) if len(title) <= _LONGEST else []
    breaks = [*breaks[:_MOST_BREAKS], *breaks[-_MOST_BREAKS:]]
    parts = [title, *(title[: at.start()] for at in breaks), *(title[at.end() :] for at in breaks)]
    return _plain(text) in map(_plain, parts)


def _plain(text: str) -> str:
    return _NOT_WORD.sub("", text).casefold()
