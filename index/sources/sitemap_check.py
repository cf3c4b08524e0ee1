"""Compares the articles' addresses with those in the site's own sitemap."""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from urllib.parse import unquote, urljoin, urlsplit

from index.articles.parse import FieldMapping, parse_records
from index.articles.read_report import ReadReport
from index.articles.record import Record, RecordProblem
from index.articles.urls import url_key
from recommender.article import Article, Status

EXAMPLES = 5

_SUFFIX = re.compile(r"(\.(?:html?|xhtml|php|aspx?))?/?$", re.IGNORECASE)
_DATES = {
    "/%Y/%m/%d": "/{year}/{month}/{day}",
    "/%Y/%m": "/{year}/{month}",
    "/%Y": "/{year}",
}
_OTHER_DATE = re.compile(r"/(19|20)\d\d\b|\{(year|month)\}/\d\d?\b")
_TRIED = 10_000  # articles and
_TEMPLATES = 5  # templates, at most, of which it is computed what they mend
_SHORT = 300  # of a record, only values up to this length are kept to compute it
_DAY = re.compile(r"^\d{4}-\d{2}-\d{2}-")


@dataclass(frozen=True, slots=True, kw_only=True)
class AddressHint:
    """A setting that would mend addresses.

    Attributes:
        setting: The setting, as it is written in ``alsolike.toml``.
        mends: How many addresses it would make those of the sitemap.
        example: An article's address now, and the one in the sitemap.
    """

    setting: str
    mends: int
    example: tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class SitemapCheck:
    """How the articles' addresses agree with a sitemap.

    Attributes:
        pages: Number of pages that the sitemap names.
        articles: Number of published articles.
        found: Number of these whose address the sitemap has.
        respelled: Those of them that it writes otherwise, such as with a slash: ours and its.
        missing: The addresses of the articles that it lacks.
        unknown: The addresses in it that no article has.
        hidden: The addresses in it of articles that are hidden or drafts.
        hints: Settings that would mend addresses, the most useful first.
    """

    pages: int
    articles: int
    found: int
    respelled: list[tuple[str, str]]
    missing: list[str]
    unknown: list[str]
    hidden: list[str]
    hints: list[AddressHint]


@dataclass(slots=True)
class SitemapComparison:
    """Collects articles, and compares them with the pages of a sitemap.

    Attributes:
        pages: The addresses in the sitemap.
        mapping: How a build makes articles of records.
    """

    pages: list[str]
    mapping: FieldMapping
    _by_key: dict[str, str] = field(default_factory=dict)
    _taken: set[str] = field(default_factory=set)
    _respelled: list[tuple[str, str]] = field(default_factory=list)
    _missing: list[str] = field(default_factory=list)
    _other: list[tuple[Article, Record, str]] = field(default_factory=list)
    _hidden: list[str] = field(default_factory=list)
    _articles: int = 0

    def __post_init__(self) -> None:
        self._by_key = {url_key(page): page for page in reversed(self.pages)}

    def add_all(self, records: Iterable[Record | RecordProblem], report: ReadReport) -> None:
        """Compares the articles that a build makes of a source's records."""
        last: list[Record] = []

        def remembered() -> Iterator[Record | RecordProblem]:
            for item in records:
                last[:] = [item] if isinstance(item, Record) else []
                yield item

        for article, _ in parse_records(remembered(), self.mapping, report):
            self._add(article, last[0])

    def _add(self, article: Article, record: Record) -> None:
        url = urljoin(self.pages[0], article.url)  # a relative link is one of this site
        page = self._by_key.get(url_key(url), "")
        self._taken.add(page)
        if article.status is not Status.PUBLISHED:
            self._hidden += [page] if page else []
            return
        self._articles += 1
        if page == url:
            return
        if page:
            self._respelled.append((article.url, page))
        else:
            self._missing.append(article.url)
        if len(self._other) < _TRIED:
            values = {name: of for name, of in record.values.items() if _is_short(of)}
            bare = replace(article, title=".", sections=(), links=())
            self._other.append((bare, replace(record, values=values), page))

    def result(self) -> SitemapCheck:
        """Returns what was found."""
        unknown = [page for page in self._by_key.values() if page not in self._taken]
        return SitemapCheck(
            pages=len(self._by_key),
            articles=self._articles,
            found=self._articles - len(self._missing),
            respelled=self._respelled,
            missing=self._missing,
            unknown=unknown,
            hidden=self._hidden,
            hints=self._hints(unknown),
        )

    def _hints(self, unknown: Iterable[str]) -> list[AddressHint]:
        """Tells the templates by which a build would make addresses of the sitemap.

        An article that is missing is paired with a page that nobody has and that ends like its
        address or id; of several, with the one that it explains best.
        """
        ending: dict[str, list[str]] = defaultdict(list)
        for page in unknown:
            ending[_slug(urlsplit(page).path)].append(page)
        paired: list[tuple[Record, tuple[str, str]]] = []
        templates: Counter[str] = Counter()
        for article, record, page in self._other:
            slugs = {_slug(urlsplit(article.url).path), _slug(article.id)} - {""}
            pages = [page] if page else [one for slug in slugs for one in ending.get(slug, [])]
            if pages:
                found = [(_template(article, one), one) for one in pages]
                template, best = max(found, key=lambda pair: (pair[0].count("{"), pair))
                templates[template] += 1
                paired.append((record, (article.url, best)))
        hints = []
        for template, _ in templates.most_common(_TEMPLATES):
            mended = [] if _OTHER_DATE.search(template) else self._mended(template, paired)
            if mended:
                setting = f'url_template = "{template}"'
                hints.append(AddressHint(setting=setting, mends=len(mended), example=mended[0]))
        return sorted(hints, key=lambda hint: -hint.mends)

    def _mended(
        self, template: str, paired: list[tuple[Record, tuple[str, str]]]
    ) -> list[tuple[str, str]]:
        """Returns the pairs of which a build with the template makes the sitemap's address."""
        mended = []
        for record, pair in paired:
            tried = [replace(record, url_template=template)]
            for article, _ in parse_records(tried, self.mapping, ReadReport()):
                if urljoin(self.pages[0], article.url) == pair[1]:
                    mended.append(pair)
        return mended


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
