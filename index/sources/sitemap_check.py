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
_DATES = {
    "/%Y/%m/%d": "/{year}/{month}/{day}",
    "/%Y/%m": "/{year}/{month}",
    "/%Y": "/{year}",
}
_OTHER_DATE = re.compile(r"/(19|20)\d\d\b|\{(year|month)\}/\d\d?\b")
_DATE_SETTING = 'map = { date = "…" }, as the addresses in the sitemap have other dates,'
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
    or id; of several, with the one that it explains best.
    """
    ending: dict[str, list[str]] = defaultdict(list)
    for page in unknown:
        ending[_slug(urlsplit(page).path)].append(page)
    counts: Counter[str] = Counter()
    examples: dict[str, tuple[str, str]] = {}
    for article, page in other:
        slugs = {_slug(urlsplit(article.url).path), _slug(article.id)} - {""}
        pages = [page] if page else [one for slug in slugs for one in ending.get(slug, [])]
        if pages:
            template, best = max(
                ((_template(article, one), one) for one in pages),
                key=lambda pair: (pair[0].count("{"), pair),
            )
            is_other = _OTHER_DATE.search(template) is not None
            setting = _DATE_SETTING if is_other else f'url_template = "{template}"'
            counts[setting] += 1
            examples.setdefault(setting, (article.url, best))
    return [
        AddressHint(setting=name, mends=count, example=examples[name])
        for name, count in counts.most_common(3)
    ]


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
