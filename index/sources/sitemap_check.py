"""Compares the articles' addresses with those in the site's own sitemap."""

import datetime as dt
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from urllib.parse import unquote, urljoin, urlsplit

from index.articles.parse import FieldMapping, parse_records
from index.articles.read_report import ReadReport
from index.articles.record import Record
from index.articles.urls import url_key
from index.sources.source import Source
from recommender.article import Article, Status

EXAMPLES = 5

_SUFFIX = re.compile(r"(\.(?:html?|xhtml|php|aspx?))?/?$", re.IGNORECASE)
_DATES = {"/%Y/%m/%d": "/{year}/{month}/{day}", "/%Y/%m": "/{year}/{month}", "/%Y": "/{year}"}
_OTHER_DATE = re.compile(r"/(19|20)\d\d\b|\{(year|month)\}/\d\d?\b")
_TRIED = 10_000  # articles and
_TEMPLATES = 5  # templates, at most, of which it is computed what they mend
_SHORT = 300  # of a record, only values up to this length are kept to compute it
_DAY = re.compile(r"^\d{4}-\d{2}-\d{2}-")


_Other = tuple[Article, Record, str]
"""An article that lacks its page's very address, its record, and the page if there is one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AddressHint:
    """A setting that would give articles the addresses that their pages have in the sitemap.

    Attributes:
        setting: The setting, as it is written in ``alsolike.toml``.
        mends: The number of articles whose address it would correct.
        example: One article's address now, and the one in the sitemap.
    """

    setting: str
    mends: int
    example: tuple[str, str]


@dataclass(slots=True, kw_only=True)
class SitemapCheck:
    """How the articles' addresses agree with a sitemap.

    Attributes:
        pages: Number of pages that the sitemap names.
        articles: Number of published articles.
        found: Number of published articles whose address is in the sitemap.
        respelled: For those that are spelled otherwise there, such as with a slash at the end: the
            article's address and the sitemap's.
        missing: The addresses of published articles that are not in the sitemap.
        unknown: The addresses in the sitemap that no article has.
        hidden: The addresses in the sitemap of articles that are hidden or drafts.
        hints: Settings that would correct addresses, the most useful first.
    """

    pages: int
    articles: int = 0
    found: int = 0
    respelled: list[tuple[str, str]] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    hidden: list[str] = field(default_factory=list)
    hints: list[AddressHint] = field(default_factory=list)


def compare_addresses(
    pages: Sequence[str], sources: Iterable[Source], mapping: FieldMapping, report: ReadReport
) -> SitemapCheck:
    """Compares the addresses of all articles of the sources with the pages of a sitemap.

    Args:
        pages: The addresses in the sitemap, at least one.
        sources: The sources of the articles.
        mapping: Which field of a record holds which field of an article.
        report: The report to which counts and problems of records are added.

    Raises:
        SourceError: If a source can't be read.
    """
    by_key = {url_key(page): page for page in reversed(pages)}
    check = SitemapCheck(pages=len(by_key))
    taken: set[str] = set()
    other: list[_Other] = []
    for source in sources:
        for article, record in parse_records(source.records(), mapping, report):
            url = urljoin(pages[0], article.url)  # a relative link is one of this site
            page = by_key.get(url_key(url), "")
            taken.add(page)
            if article.status is not Status.PUBLISHED:
                check.hidden += [page] if page else []
                continue
            check.articles += 1
            if page:
                check.found += 1
                check.respelled += [(article.url, page)] if page != url else []
            else:
                check.missing.append(article.url)
            if page != url and len(other) < _TRIED:
                values = {name: of for name, of in record.values.items() if _is_short(of)}
                bare = replace(article, title=".", sections=(), links=())
                other.append((bare, replace(record, values=values), page))
    check.unknown = [page for page in by_key.values() if page not in taken]
    check.hints = _hints(other, check.unknown, mapping)
    return check


def _hints(other: list[_Other], unknown: list[str], mapping: FieldMapping) -> list[AddressHint]:
    """Tells the templates by which a build would make addresses of the sitemap.

    An article that is missing is paired with a page that nobody has and that ends like its
    address or id; of several, with the one that it explains best.
    """
    ending: dict[str, list[str]] = defaultdict(list)
    for page in unknown:
        ending[_slug(urlsplit(page).path)].append(page)
    paired: list[tuple[Record, tuple[str, str]]] = []
    templates: Counter[str] = Counter()
    for article, record, page in other:
        slugs = {_slug(urlsplit(article.url).path), _slug(article.id)} - {""}
        pages = [page] if page else [one for slug in slugs for one in ending.get(slug, [])]
        if pages:
            found = [(_template(article, one), one) for one in pages]
            template, best = max(found, key=lambda pair: (pair[0].count("{"), pair))
            templates[template] += 1
            paired.append((record, (article.url, best)))
    hints = []
    for template, _ in templates.most_common(_TEMPLATES):
        if not _OTHER_DATE.search(template):
            tried = ((replace(record, url_template=template), pair) for record, pair in paired)
            mended = [pair for record, pair in tried if _gives(record, pair[1], mapping)]
            setting = f'url_template = "{template}"'
            if mended:
                hints.append(AddressHint(setting=setting, mends=len(mended), example=mended[0]))
    return sorted(hints, key=lambda hint: -hint.mends)


def _gives(record: Record, page: str, mapping: FieldMapping) -> bool:
    """Tells whether a build would give the article of a record the address of a page."""
    made = parse_records([record], mapping, ReadReport())
    return any(urljoin(page, article.url) == page for article, _ in made)


def _is_short(value: object) -> bool:
    return isinstance(value, int | float | dt.date) or (
        isinstance(value, str) and len(value) <= _SHORT
    )


def _template(article: Article, page: str) -> str:
    """Returns a page's address with placeholders for what an article's values explain of it."""
    ours, theirs = urlsplit(article.url), urlsplit(page)
    path = unquote(theirs.path)
    stem = _SUFFIX.sub("", path)
    folder, _, last = stem.rpartition("/")
    if stem.endswith(f"/{article.id}"):
        folder, name = stem.removesuffix(f"/{article.id}"), "{id}"
    else:
        rest = last.removeprefix(f"{article.date}-")
        day = "{year}-{month}-{day}-" if rest != last else last[: -len(_DAY.sub("", last))]
        name = day + ("{id}" if rest == article.id else "{slug}")
    if article.date:
        for form, written in _DATES.items():
            folder = f"{folder}/".replace(f"{article.date:{form}}/", f"{written}/")[:-1]
    language = (article.language or "no language").lower()
    parts = ["{language}" if part.lower() == language else part for part in folder.split("/")]
    path = "/".join([*parts, name]) + path[len(stem) :]
    is_same = not ours.netloc or (ours.scheme, ours.netloc) == (theirs.scheme, theirs.netloc)
    return path if is_same else f"{theirs.scheme}://{theirs.netloc}{path}"


def _slug(path: str) -> str:
    last = _SUFFIX.sub("", unquote(path)).rpartition("/")[2]
    return _DAY.sub("", last).lower()
