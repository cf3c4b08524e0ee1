"""Compares the articles' addresses with those in the site's own sitemap."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from urllib.parse import unquote, urljoin, urlsplit

from index.articles.urls import url_key
from recommender.article import Article, Status

EXAMPLES = 5

_SUFFIX = re.compile(r"(\.(?:html?|xhtml|php|aspx?))?/?$", re.IGNORECASE)
_DATE = re.compile(r"/((?:19|20)\d\d)(?:[/-](\d\d?)\b)?(?:[/-](\d\d?)\b)?")
_OTHER_DATE = 'map = { date = "…" }, as the addresses in the sitemap have other dates,'
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
    """

    pages: list[str]
    _by_key: dict[str, str] = field(default_factory=dict)
    _taken: set[str] = field(default_factory=set)
    _other: list[tuple[Article, str]] = field(default_factory=list)
    _hidden: list[str] = field(default_factory=list)
    _articles: int = 0

    def __post_init__(self) -> None:
        self._by_key = {url_key(page): page for page in reversed(self.pages)}

    def add(self, article: Article) -> None:
        """Compares one article; only its address, id, date and language are kept."""
        url = urljoin(self.pages[0], article.url)  # a relative link is one of this site
        page = self._by_key.get(url_key(url), "")
        self._taken.add(page)
        if article.status is not Status.PUBLISHED:
            self._hidden += [page] if page else []
            return
        self._articles += 1
        if page != url:
            self._other.append((replace(article, title=".", sections=(), links=()), page))

    def result(self) -> SitemapCheck:
        """Returns what was found."""
        unknown = [page for page in self._by_key.values() if page not in self._taken]
        missing = [article.url for article, page in self._other if not page]
        return SitemapCheck(
            pages=len(self._by_key),
            articles=self._articles,
            found=self._articles - len(missing),
            respelled=[(article.url, page) for article, page in self._other if page],
            missing=missing,
            unknown=unknown,
            hidden=self._hidden,
            hints=_hints(self._other, unknown),
        )


def _hints(other: Iterable[tuple[Article, str]], unknown: Iterable[str]) -> list[AddressHint]:
    """Tells the templates by which articles would have the addresses of the sitemap.

    An article that is missing is paired with a page that nobody has and that ends like its address
    or id.
    """
    ending: dict[str, list[str]] = defaultdict(list)
    for page in unknown:
        ending[_slug(urlsplit(page).path)].append(page)
    counts: Counter[str] = Counter()
    examples: dict[str, tuple[str, str]] = {}
    for article, page in other:
        slugs = {_slug(urlsplit(article.url).path), _slug(article.id)} - {""}
        found = [page] if page else [one for slug in slugs for one in ending.get(slug, [])]
        if found:
            best = max(found, key=lambda one: _likeness(article, one))
            template = _template(article, best)
            setting = f'url_template = "{template}"' if _agrees(article, best) else _OTHER_DATE
            counts[setting] += 1
            examples.setdefault(setting, (article.url, best))
    return [
        AddressHint(setting=name, mends=count, example=examples[name])
        for name, count in counts.most_common(3)
    ]


def _agrees(article: Article, page: str) -> bool:
    """Tells whether the date in a page's address, if there is one, is the article's."""
    found = _DATE.search(urlsplit(page).path)
    if found is None or article.date is None:
        return True
    return all(
        part is None or int(part) == of
        for part, of in zip(
            found.groups(),
            (article.date.year, article.date.month, article.date.day),
            strict=True,
        )
    )


def _likeness(article: Article, page: str) -> tuple[bool, int, str]:
    """Returns how well an article's date, id and language explain a page's address."""
    year = str(article.date.year) if article.date else ""
    parts = _explained(article, page)
    return bool(year) and year in page, sum(part.startswith("{") for part in parts), page


def _template(article: Article, page: str) -> str:
    """Returns the template that makes a page's address of an article."""
    ours, theirs = urlsplit(article.url), urlsplit(page)
    suffix = _SUFFIX.search(theirs.path)
    path = "/".join(["", *_explained(article, page)]) + (suffix[0] if suffix else "")
    is_same = not ours.netloc or (ours.scheme, ours.netloc) == (theirs.scheme, theirs.netloc)
    return path if is_same else f"{theirs.scheme}://{theirs.netloc}{path}"


def _explained(article: Article, page: str) -> list[str]:
    """Returns the segments of a page's path, with placeholders for what an article explains."""
    path = _SUFFIX.sub("", unquote(urlsplit(page).path)).strip("/")
    prefix = path.removesuffix(article.id)
    if path == article.id or (prefix != path and prefix.endswith("/")):
        return [*_dated(article, [part for part in prefix.split("/") if part]), "{id}"]
    *before, last = path.split("/")
    name = "{id}" if _slug(article.id) == _slug(last) and "/" not in article.id else "{slug}"
    day = "{year}-{month}-{day}-" if _DAY.match(last) else ""
    return [*_dated(article, before), f"{day}{name}"]


def _dated(article: Article, parts: list[str]) -> list[str]:
    """Puts placeholders for date and language into the folders of a path."""
    told: list[str] = []
    for part in parts:
        if re.fullmatch(r"(19|20)\d\d", part):
            told.append("{year}")
        elif re.fullmatch(r"\d\d?", part) and told[-1:] in (["{year}"], ["{month}"]):
            told.append("{month}" if told[-1] == "{year}" else "{day}")
        elif part.lower() == (article.language or "").lower():
            told.append("{language}")
        else:
            told.append(part)
    return told


def _slug(path: str) -> str:
    last = _SUFFIX.sub("", unquote(path)).rpartition("/")[2]
    return _DAY.sub("", last).lower()
