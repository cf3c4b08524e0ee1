"""Extracts the facts about an HTML page's article: title, link, date, picture and so on."""

import re
from collections.abc import Iterator, Mapping, Set
from itertools import takewhile
from typing import Any

from index.articles.foreign_dates import DateReader
from index.articles.page_words import words_of
from index.articles.text_lists import is_full_name, split_keywords, without_by
from index.articles.translation_keys import read_alternates
from index.articles.urls import join_url, split_url, url_key
from index.articles.visibility_words import find_hiding_word
from index.articles.word_table import load_table
from index.sources import markup
from index.sources.markup import Element, line_of, select
from index.sources.page_text import BLOCKS
from index.sources.page_title import find_title
from index.sources.schema_org import SchemaOrg

_METAS = load_table(__file__)
_HIDDEN_CLASS = re.compile(
    r"status-(draft|private|pending|future|trash)|post-password-\w+|(node-|system)-?unpublished"
)
_DRAFT_BANNERS = ".theme-draft-banner, .theme-unlisted-banner, .entry-isdraft, .typo3-preview-info"
"""What Docusaurus, PaperMod and TYPO3 show on a page that is not published."""

_HEADLINES = (
    "h1#firstHeading, h1.entry-title, h2.entry-title, h3.entry-title, .headertitle > .title,"
    " .phpdocumentor-content__title, p.MsoTitle, .doc-content > p.title"
)
"""An article's title in MediaWiki, Blogger, themes of WordPress (hAtom), Doxygen, phpDocumentor,
Word and Google Docs."""

_MATERIAL = ".md-content--post .md-post__meta time[datetime]"
"""The day of a post of MkDocs Material, among its navigation."""

_DATE_WORDS = "#revdate, #postamble > .date"
"""The day in Asciidoctor and Org mode, if nothing states it better."""

_LONGEST_PROMPT = 300  # characters
_LONGEST_LABEL, _SHORTEST_HEADLINE = 80, 25
_INLINE = {"a", "abbr", "b", "em", "i", "small", "span", "strong", "time"}
_SENTENCE_ENDS = (".", "!", "?", "。")
_POSTED = re.compile(
    rf"(?:{words_of('posted')})\w*(?:\W+(?:\w{{1,3}}|online|by .{{1,60}} on))?\W*", re.IGNORECASE
)
_CLAUSE = re.compile(r"\s*,\s*[^\W\d_]")
_LABELS = (
    "#mw-normal-catlinks li a, .field--name-field-tags a, .field-name-field-tags a, .post-tags a,"
    " .blog-tags a, .article-tags a, .md-tag, .quarto-category"
)
"""An article's tags in MediaWiki, Drupal, themes of Hugo and Jekyll, MkDocs, and Quarto."""

_BYLINES = (
    ".author.vcard, .post-author.vcard",
    ".username[property='foaf:name'], [rel~='schema:author'], .field--name-uid",
    "a[rel~=author]",
)
"""An article's authors in Blogger, SPIP and themes of WordPress (hAtom), and in Drupal; links."""

_BOX = re.compile(r"(.*-)?author-(bio|box|card|description|info)|about-(the-)?author")
_DAYS = {"post-date", "entry-date", "article-date", "publish-date", "date-header", "post-meta"}
"""An article's day in Poole and other themes, whose elements have no ``datetime``."""

_SUBJECTS = ("citation_keywords", "dc.subject", "dcterms.subject")
_HASH = "#＃ "  # noqa: RUF001 - as written in Chinese and Japanese
_URL = re.compile(r"(?:[a-z]+:)?//\S+")
_TIMES = (
    "time, abbr.published[title], span[property~='dc:created'][content],"
    " span[property~='schema:dateCreated'][content]"
)
"""Elements that state a time: those of HTML, of hAtom, and of RDFa as in Drupal."""

_STATED_IN = {"abbr": "title", "span": "content"}
_CHANGED = {"updated", "dt-updated", "modified", "modified-date", "last-updated"}
_FIRST = {"published", "dt-published"}
_MOST_AUTHORS, _MOST_TIMES, _MOST_DAYS, _MOST_SEEN = 5, 3, 20, 1_000
_MOST_UNDATED = 50
_LOCAL = re.compile(r"(?:[\w.-]+\.)?(?:localhost|test)|127(?:\.\d+){3}|0\.0\.0\.0|::1")
_RESOLVER = re.compile(r"(?:dx\.)?doi\.org|hdl\.handle\.net")
_NONE = {"None", "null", "undefined"}  # what a template writes where it has no value
_NO_PICTURE = re.compile(r"/(?:blank|spacer|transparent|1x1)\.(?:gif|jpe?g|png|svg)\b")
_HOLE = re.compile(r"\{\{|\$\{|(?:^|/)(?:undefined|null)(?:[/.]|$)")
_ENTRY = re.compile(r"h-entry|h-cite")
_ARTICLE_CLASS = re.compile(r"h-?entry")
_META_CLASS = re.compile(r"(.*-)?(meta|byline|info|date|tags?)")
_BESIDE = re.compile(
    f"{words_of('beside_class')}|{words_of('related_class')}"
    "|(widget|wp-block-latest-(posts|comments))(-.*)?"
)
_CLASSED = {
    "authors": ".p-author",
    "excerpt": ".p-summary",
    "tags": ".p-category",
    "url": "a.u-canonical[href], a.p-canonical[href]",
}
"""Where microformats keep an article's fields."""

Metas = dict[str, list[str]]
"""The contents of a page's ``<meta>`` elements by their names in lower case."""


def page_facts(
    root: Element, main: Element, said: SchemaOrg, metas: Metas, address: str
) -> dict[str, Any]:
    """Returns an article's fields from a page's metadata.

    Each field is taken from the first of these that has it: schema.org, the text that readers see,
    OpenGraph, other ``<meta>``, the classes of microformats. ``language_from`` is "page"
    if the language is that of the whole page, not stated as a fact of the article.

    Args:
        root: The page's root element.
        main: The element that holds the article.
        said: The page's schema.org metadata.
        metas: The contents of the page's ``<meta>`` elements by name, from :func:`metas_of`.
        address: The page's address, against which links are resolved; may be empty.
    """
    given = {name: [metas[key] for key in keys if key in metas] for name, keys in _METAS.items()}
    classed = _classed(main)
    facts = classed | {name: found[0][0] for name, found in given.items() if found}
    facts["excerpt"] = "" if facts.get("excerpt") in _NONE else facts.get("excerpt", "")
    if "image" in facts:
        facts["image"] = {"src": facts["image"], "alt": metas.get("og:image:alt", [""])[0]}
    facts["tags"] = _tags(root, main, metas, classed.get("tags", [])) or said.sections()
    named = ([one for one in found if not _URL.fullmatch(one)] for found in given["authors"])
    facts["authors"] = next(filter(None, named), classed.get("authors")) or _bylines(root, main)
    facts["robots"] = ", ".join(word for found in given["robots"] for word in found)
    facts["date"] = _date(root, main, [one for found in given["date"] for one in found])
    hiding = (find_hiding_word({}, word) for word in metas.get("status", ()))  # as of Pelican
    if _is_kept_out(root, main) or any(word and not word.unknown for word in hiding):
        facts["robots"] += ", noindex"
    stated = said.facts()
    facts |= stated
    facts["authors"] = [without_by(name) for name in facts["authors"] or ()]
    url = facts.get("url", "")
    facts["url"] = canonical_of(root, address) or ("" if _is_mistake(url, address) else url)
    here = facts["url"] or address
    links = [
        (link.get("hreflang"), join_url(here, link.get("href").strip()))
        for link in select(root, "head > link[rel~=alternate][hreflang][href]")
    ]
    is_linked = url_key(here) in {url_key(url) for _, url in links}
    alternates = read_alternates(links, here if is_linked else facts["url"])
    facts["translation_key"] = alternates.key
    if not stated.get("language"):
        outer = next(root.iter("html"), root)
        shown = outer.get("lang") or outer.get("xml:lang")
        language = alternates.language or shown or facts.get("language") or ""
        is_mistake = language[:2].lower() == "en" and _is_in_other_letters(main)
        facts["language"] = "" if is_mistake else language  # of a theme, which nobody changed
        facts["language_from"] = "page"
    titles = [found[0] for found in given["title"]]
    sites = [*metas.get("og:site_name", []), *said.site_names()]
    headlines = said.titles() or [*filter(None, map(line_of, select(root, _HEADLINES)[:1]))]
    facts["title"] = find_title(root, main, headlines, titles, sites, here)
    image = facts.pop("image", None)
    if image and not _NO_PICTURE.search(image["src"]):
        facts["image"] = {**image, "src": join_url(markup.base_of(root, here), image["src"])}
    return {name: value for name, value in facts.items() if value}


def _is_in_other_letters(main: Element) -> bool:
    """Tells whether few of a text's letters are of those that English has."""
    letters = [letter for letter in line_of(main)[:_MOST_SEEN] if letter.isalpha()]
    return 4 * sum(map(str.isascii, letters)) < len(letters)


def _tags(root: Element, main: Element, metas: Metas, classed: list[str]) -> list[str]:
    """Returns the tags that a page shows with its article or states, or else shows elsewhere."""
    entry, around = _article_around(main)

    def shown(css: str) -> list[str]:
        found = [each for each in select(root, css)[:_MOST_SEEN] if not _is_beside(each, around)]
        own = [each for each in found if entry is None or entry in each.iterancestors()]
        return [*filter(None, (line_of(each).lstrip(_HASH) for each in own or found))]

    given = [metas.get("keywords", [])[:1], *map(metas.get, _SUBJECTS)]
    stated = [metas.get("article:tag"), shown(_LABELS), *given]
    keywords = next(filter(None, stated), [""])
    keywords = split_keywords(keywords[0]) if len(keywords) == 1 else keywords
    return shown("a[rel~=tag]") or keywords or classed


def _bylines(root: Element, main: Element) -> list[str]:
    """Returns the authors named with an article, but not "View all posts by …" in a box."""
    entry, around = _article_around(main)
    article = main if entry is None else entry
    for css in _BYLINES:
        found = [each for each in select(root, css)[:_MOST_SEEN] if not _is_beside(each, around)]
        own = [each for each in found if article in each.iterancestors()]
        cards = (own or _above(set(found), root, main))[:_MOST_AUTHORS]
        names = [
            name
            for card in cards
            for each in _named_in(card)[:_MOST_AUTHORS]
            if (name := line_of(each)) and (is_full_name(name) or not _is_in_box(card))
        ]
        if names:
            return list(dict.fromkeys(names))[:_MOST_AUTHORS]
    return []


def _named_in(card: Element) -> list[Element]:
    return [each for each in card.iterdescendants() if "fn" in _names(each)] or [card]


def _is_in_box(link: Element) -> bool:
    return any(markup.names_match(each, _BOX, "class", "id") for each in link.iterancestors())


def _date(root: Element, main: Element, stated: list[str]) -> str:
    """Returns the first date that can be read; if none can, the first.

    What the page's ``<meta>`` elements state goes before the date of a change, as classes tell, and
    where no markup tells the article, to which a date may not belong.
    """
    times = published_times(root, main)
    shown = [
        each for time in times[:_MOST_TIMES] for each in (_stated(time), line_of(time)) if each
    ]
    names = _names(times[0]) if times else set()
    is_change = names & _CHANGED and not names & _FIRST
    is_marked = bool(times and times[0].get(_STATED_IN.get(times[0].tag, "datetime")))
    is_last = is_change or not is_marked or _article_around(main)[0] is None
    found = [*stated, *shown] if is_last else [*shown, *stated]
    words = [line_of(each).removeprefix("Date: ") for each in select(root, _DATE_WORDS)]
    return next(filter(DateReader().find_instant, [*found, *words]), next(iter(found), ""))


def _is_kept_out(root: Element, main: Element) -> bool:
    """Tells whether classes, banners or marks for Pagefind say that no list shows the page."""
    around = (main, *main.iterancestors())
    return (
        any(
            markup.names_match(each, _HIDDEN_CLASS, "class")
            for each in (*around, *select(root, "article, form, .node"))
        )
        or any("data-pagefind-ignore" in each.attrib for each in around)
        or bool(select(root, _DRAFT_BANNERS))
        or _asks_for_password(main)
    )


def _asks_for_password(main: Element) -> bool:
    """Tells whether an article is little more than a field for a password, as of StatiCrypt."""
    scripts = select(main, "script, style, noscript")
    words = len(line_of(main)) - sum(len(line_of(each)) for each in scripts)
    return words < _LONGEST_PROMPT and bool(select(main, "input[type=password]"))


def _classed(main: Element) -> dict[str, Any]:
    """Returns the facts that the classes of a page's entry name, as in exports of Medium.

    They are those of microformats2, https://microformats.org/wiki/h-entry.
    """
    entry = main if markup.names_match(main, _ENTRY, "class") else _entry_above(main)
    if entry is None:
        return {}
    parts = {
        name: [each for each in select(entry, css) if _entry_above(each) is entry]
        for name, css in _CLASSED.items()
    }
    urls = [link.get("href").strip() for link in parts.pop("url")]
    facts: dict[str, Any] = {name: [*map(line_of, found)] for name, found in parts.items()}
    return facts | {"excerpt": next(iter(facts["excerpt"]), ""), "url": next(iter(urls), "")}


def _entry_above(element: Element) -> Element | None:
    above = element.iterancestors()
    return next((each for each in above if markup.names_match(each, _ENTRY, "class")), None)


def metas_of(root: Element) -> Metas:
    """Returns the contents of a page's ``<meta>`` elements, by their names in lower case."""
    metas: Metas = {}
    for element in select(root, "meta[content]"):
        content = markup.one_line(element.get("content"))
        names = element.get("property") or element.get("name") or ""
        if (element.get("http-equiv") or "").strip().lower() == "x-robots-tag":
            names = "x-robots-tag"
        for name in names.lower().split():
            if content:
                metas.setdefault(name, []).append(content)
    return metas


def canonical_of(root: Element, address: str) -> str:
    """Returns the address that a page's ``<link rel=canonical>`` states; empty if it has none.

    One that is a template's mistake counts as none.
    """
    link = next(iter(select(root, "link[rel~=canonical][href]")), None)
    href = "" if link is None else link.get("href").strip()
    canonical = join_url(markup.base_of(root, address), href) if href else ""
    return "" if _is_mistake(canonical, address) else canonical


def _is_mistake(stated: str, address: str) -> bool:
    """Tells whether a page at ``address`` states an address that many templates write by mistake.

    That is the home page's, one on the machine of who built the site, or one with a hole; and where
    the page's own is known, one that only leads there, as those of DOI and Handle do.
    """
    parts, here = split_url(stated), split_url(address).netloc
    leads_here = here and _RESOLVER.fullmatch(parts.hostname or "")
    is_local = _LOCAL.fullmatch(parts.hostname or "") and parts.netloc != here
    is_home = markup.is_home(stated) and not (parts.query or markup.is_home(address))
    is_unfilled = _HOLE.search(stated) and not _HOLE.search(address)
    return bool(is_home or is_local or is_unfilled or leads_here)


def published_times(root: Element, main: Element) -> list[Element]:
    """Finds the elements that show an article's publication date, or else its first ``<time>``.

    Args:
        root: The page's root element.
        main: The element that holds the article.
    """
    entry, around = _article_around(main)
    times = [each for each in select(root, _TIMES)[:_MOST_SEEN] if not _is_beside(each, around)]
    undated = [each for each in times if each.tag == "time" and not each.get("datetime")]
    undated = undated and _in_no_text(
        undated[:_MOST_UNDATED], root, main if entry is None else entry
    )
    dated = [
        each
        for each in times
        if (each.tag != "time" or each.get("datetime") or each in undated) and _stated(each)
    ]
    first = [each for each in dated if each.get("itemprop") != "dateModified"]
    own = {each for each in dated if entry is None or entry in each.iterancestors()}
    return (
        [each for each in times if _is_said(each)]
        or [each for each in dated if each in own and _names(each) & _FIRST][:1]
        or [each for each in first if each in own][:1]
        or select(root, _MATERIAL)[:1]
        or _above({*first}, root, main)[:1]
        or _named_days(root, main)
    )


def _in_no_text(times: list[Element], root: Element, article: Element) -> list[Element]:
    """Returns those times that are all of their block, or in a line above an article's text."""
    above = {*_elements_before_text(root, article)}
    found = []
    for time in filter(line_of, times):
        block = next((each for each in time.iterancestors() if each.tag in BLOCKS), root)
        words = line_of(block)
        before, _, behind = words.partition(line_of(time))
        author = behind.strip(" ,.")
        is_clause = _CLAUSE.match(behind) and behind.lstrip(" ,")[0].islower()
        is_posted = _POSTED.fullmatch(before) and (not is_clause or without_by(author) != author)
        is_sentence = words.endswith(_SENTENCE_ENDS) and not is_posted
        is_line = any(each.tag in BLOCKS for each in block.iterdescendants()) or (
            len(words) <= _LONGEST_LABEL and not is_sentence
        )
        if (time in above and is_line) or (block.tag != "td" and words == line_of(time)):
            found.append(time)
    return found


def _elements_before_text(root: Element, article: Element) -> Iterator[Element]:
    """Yields the elements of a page that begin before an article's first paragraph."""
    is_inside = False
    for element in root.iter():
        is_inside = is_inside or element is article
        if is_inside and element.tag == "p" and len(line_of(element)) > _LONGEST_LABEL:
            return
        yield element


def _stated(time: Element) -> str:
    """Returns the time that an element states, or the words of a ``<time>`` that are one."""
    if stated := time.get(_STATED_IN.get(time.tag, "datetime")):
        return str(stated).strip()
    holds_others = next(time.iterdescendants("time"), None) is not None
    words = line_of(time) if time.tag == "time" and not holds_others else ""
    return words if words and DateReader().find_instant(words) else ""


def _names(element: Element) -> set[str]:
    return set((element.get("class") or "").split())


def _is_said(time: Element) -> bool:
    return "pubdate" in time.attrib or "datePublished" in (time.get("itemprop") or "").split()


def _article_around(main: Element) -> tuple[Element | None, Set[Element]]:
    """Returns the innermost article around or, if it is the only one, in the text; what holds it.

    Articles are known by their tag or class.
    """
    around = (main, *main.iterancestors())
    found = (
        each
        for each in around
        if each.tag == "article" or markup.names_match(each, _ARTICLE_CLASS, "class")
    )
    entry = next(found, None)
    inner = select(main, ".hentry, .h-entry") if entry is None else []
    if len(inner) == 1:
        entry = inner[0]
        around = (entry, *entry.iterancestors())
    return entry, set(around)


def _is_beside(element: Element, around: Set[Element]) -> bool:
    """Tells whether an element is in a sidebar, a comment, another article or the like."""
    for above in element.iterancestors():
        if above in around:
            return False
        is_aside = above.tag in ("aside", "nav") and not markup.names_match(
            above, _META_CLASS, "class"
        )
        if is_aside or above.tag == "article" or markup.names_match(above, _BESIDE, "class", "id"):
            return True
    return False


def _above(sought: Set[Element], root: Element, main: Element) -> list[Element]:
    """Returns those elements that stand between the last ``<h1>`` before an article and it."""
    found: list[Element] | None = None
    for element in root.iter():
        if element is main:
            break
        if element.tag == "h1":
            found = []
        elif found is not None and element in sought:
            found.append(element)
    return found or []


def _named_days(root: Element, main: Element) -> list[Element]:
    """Returns the first day that its class names, above an article or its first paragraph.

    That of a change counts if there is no other. An article that names several days is one of
    entries, as a list of changes.
    """
    entry, around = _article_around(main)
    article = main if entry is None else entry
    title = next(iter(select(article, "h1") or select(article, "h2, h3, h4")), article)
    around |= {*title.iterancestors()}
    named = [each for each in select(root, "[class*=date], .post-meta") if _names(each) & _DAYS]
    links = {link: line_of(link) for link in root.iterdescendants("a")} if named else {}
    named = [
        day
        for day in named[:_MOST_DAYS]
        if not (_is_beside(day, around) or _is_of_card(day, around, links))
    ]
    named = [day for day in named if not _names(day) & _CHANGED] or named
    read = DateReader().find_instant
    days = {day: time.date() for day in named if (time := read(line_of(day)))}
    inside = [day for day in days if article in day.iterancestors()]
    above = {*_elements_before_text(root, article)}
    in_one_line = {day.tag for day in inside} <= _INLINE and len(
        {day.getparent() for day in inside}
    ) == 1
    if len({days[day] for day in inside}) > 1 and not (in_one_line and above.issuperset(inside)):
        return []
    return [day for day in inside if day in above][:1] or _above({*days}, root, main)[:1]


def _is_of_card(day: Element, around: Set[Element], links: Mapping[Element, str]) -> bool:
    """Tells whether a day stands in a line or an item of a list that links to another article."""
    above, own = takewhile(lambda each: each not in around, day.iterancestors()), line_of(day)
    holders = [each for each in above if each.tag != "header"]
    items = [each for each in holders if each.tag == "li"]
    return any(
        links[link] != own and (holder.tag == "li" or len(links[link]) >= _SHORTEST_HEADLINE)
        for holder in (*holders[-1:], *items[-1:])  # they hold all that the others hold
        for link in holder.iterdescendants("a")
    )
