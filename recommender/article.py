"""The class ``Article``, which is one page of a site, and the conversion of dictionaries to it."""

import dataclasses
import datetime as dt
import enum
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from recommender.errors import ArticleError, InputError

MAX_ID_BYTES = 512
"""Longest article id in UTF-8 bytes: long enough for a DOI, a slug or a whole path."""

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
"""All control characters: Unicode category Cc."""


class Status(enum.StrEnum):
    """The publication status of an article; only ``published`` articles are ever shown."""

    PUBLISHED = "published"
    DRAFT = "draft"
    HIDDEN = "hidden"


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A section of an article's text, with an optional heading.

    Attributes:
        text: The text.
        heading: The heading; empty if it has none.
        quoted: The passages of the text that are quotations, code or headings, as far as the source
            says so.
    """

    text: str
    heading: str = ""
    quoted: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """The image on an article's card: its URL and its alternative text."""

    src: str
    alt: str = ""


FILE_LINK = "file:"
"""Begins the ``url`` of a link that names a page by its file, id, slug or title."""


def without_fragment(url: str) -> str:
    """Return an address without its fragment, unless this names the page (``#/tides``, ``#!a``).

    With such fragments, sites that run in the browser name their pages; ``#/`` and ``#!`` alone
    name none.
    """
    page, _, fragment = url.partition("#")
    return url if fragment.startswith(("/", "!")) and fragment.strip("/!") else page


class LinkKind(enum.StrEnum):
    """Where a link stands on its page."""

    TEXT = "text"
    """In the running text: an editor's own reference."""
    RELATED = "related"
    """In a block, or a field, of what the page itself calls related."""
    APART = "apart"
    """In navigation, tags, breadcrumbs, shares, advertisements and the like."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A link on an article's page.

    Attributes:
        url: The address that it leads to: absolute, relative to the site (``/path``), or ``file:``
            followed by the path of a file in the source's folder (``file:posts/first.md``), or by
            an article's id, slug or title (``file:first``).
        text: The link's words; empty if it has none.
        section: Position in the article's ``sections`` of the section that holds the link;
            ``None`` if it is in none.
        kind: Where the link stands on the page.
        heading: For a related link, the heading of its block on the page, or the name of the
            record's field that lists it; else empty.
    """

    url: str
    text: str = ""
    section: int | None = None
    kind: LinkKind = LinkKind.TEXT
    heading: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Article:
    """One page of a site.

    Attributes:
        id: The site's own id, up to 512 UTF-8 bytes; :func:`check_id` says which are valid.
        title: The title, never empty.
        url: The article's link: absolute (http, https) or relative to the site (``/path``).
        sections: The text in reading order; empty if the article has only a title.
        excerpt: The site's own teaser, not yet shortened; if ``None``, one is made from the text.
        image: The image for the card, if any.
        date: The date that the card shows. It may be in the future, and does not affect visibility.
        status: Only ``published`` articles can be shown.
        visible_from: Time, with a time zone, before which the article is not shown.
        visible_until: Time, with a time zone, from which the article is no longer shown.
        supersedes: Id of the older version of this article, which this one replaces.
        language: BCP 47 language tag in lower case (``"en"``, ``"pt-br"``); ``None`` if unknown.
        translation_key: A text that all translations of the page share; ``None`` if it has none.
        tags: The site's own labels.
        ratings: The site's own numeric ratings, by name (``credibility``, ``interest``).
        authors: The authors' names as readers see them.
        links: The links on the article's page, in reading order.
        aliases: Other names that links may use for the article: addresses, and ``file:`` followed
            by the path of the article's own file.
        source: The name of the source that the article was read from; empty if unknown.

    Raises:
        ArticleError: If the id or the title is invalid, or a time has no time zone.
    """

    id: str
    title: str
    url: str
    sections: tuple[Section, ...] = ()
    excerpt: str | None = None
    image: Image | None = None
    date: dt.date | None = None
    status: Status = Status.PUBLISHED
    visible_from: dt.datetime | None = None
    visible_until: dt.datetime | None = None
    supersedes: str | None = None
    language: str | None = None
    translation_key: str | None = None
    tags: tuple[str, ...] = ()
    ratings: Mapping[str, float] = field(default_factory=dict)
    authors: tuple[str, ...] = ()
    links: tuple[Link, ...] = ()
    aliases: tuple[str, ...] = ()
    source: str = ""

    def __post_init__(self) -> None:
        check_id(self.id)
        if not self.title.strip():
            raise ArticleError("title", "missing", f"article {self.id!r} has an empty title")
        for name in ("visible_from", "visible_until"):
            instant = getattr(self, name)
            if instant is not None and instant.tzinfo is None:
                raise ArticleError(
                    name, "no-zone", f"article {self.id!r}: {name} {instant} needs a time zone"
                )

    @property
    def whole_text(self) -> str:
        """The title, the headings and the texts, each in lines of its own."""
        parts = (part for section in self.sections for part in (section.heading, section.text))
        return "\n".join([self.title, *parts])

    @property
    def has_text(self) -> bool:
        """Whether the article has any text besides its title."""
        return any(section.text.strip() for section in self.sections)


def check_id(article_id: str, *, field: str = "id", longest: int = MAX_ID_BYTES) -> str:
    """Check an article id, and return it unchanged if it is valid.

    Any text is valid (slashes, spaces, any script) except control characters, lone
    surrogates, white space at either end, and the ids ``.`` and ``..``, which browsers and
    proxies rewrite when they are a path segment of a URL.

    Args:
        article_id: The id to check.
        field: The name of the field that holds it, for the error message.
        longest: The greatest length, in UTF-8 bytes.

    Raises:
        ArticleError: If the id is invalid; the message says why.
    """
    if not article_id:
        raise ArticleError(field, "missing", f"{field} is empty")
    try:
        size = len(article_id.encode())
    except UnicodeEncodeError:
        message = (
            f"{field} {article_id!r} is not valid Unicode; if a database holds it as bytes, select "
            "it as text: HEX(id), encode(id, 'hex')"
        )
        raise ArticleError(field, "invalid", message) from None
    if size > longest:
        raise ArticleError(
            field,
            "too-long",
            f"{field} {article_id[:40]!r}… has {size} bytes; at most {longest} are allowed",
        )
    if article_id in (".", ".."):
        raise ArticleError(field, "invalid", f"{field} {article_id!r} can't be used in a URL")
    if article_id != article_id.strip():
        raise ArticleError(field, "invalid", f"{field} {article_id!r} begins or ends with a space")
    if _CONTROL.search(article_id):
        raise ArticleError(field, "invalid", f"{field} {article_id!r} contains a control character")
    return article_id


_TEXT_FIELDS = ("text", "summary")
_RECORD_FIELDS = {field.name for field in dataclasses.fields(Article)} | set(_TEXT_FIELDS)
_TYPES: Mapping[str, tuple[type, ...]] = {
    **dict.fromkeys(("id", "title", "url", "source", *_TEXT_FIELDS), (str,)),
    **dict.fromkeys(("excerpt", "language", "translation_key", "supersedes"), (str, type(None))),
    **dict.fromkeys(("visible_from", "visible_until"), (dt.datetime, type(None))),
    "date": (dt.date, str, type(None)),
    "tags": (list, tuple),
    "authors": (list, tuple),
    "links": (list, tuple),
    "aliases": (list, tuple),
    "ratings": (dict,),
}


def to_articles(records: Iterable[Article | Mapping[str, Any]]) -> list[Article]:
    """Convert dictionaries to articles, for example in a notebook; return them sorted by id.

    Args:
        records: Articles, or dictionaries with ``id`` and ``title`` and, if known, ``text`` (or
            ``summary``) and the other fields of :class:`Article`. A section may be a
            ``(heading, text)`` pair.

    Raises:
        ArticleError: If a record breaks a rule of :class:`Article`, has an unknown field, or
            repeats an id.
        InputError: If ``records`` is not a list of records.
    """
    if isinstance(records, Mapping | str):
        raise InputError(f"expected a list of articles, found a single {type(records).__name__}")
    articles: dict[str, Article] = {}
    for record in records:
        article = record if isinstance(record, Article) else _to_article(record)
        if article.id in articles:
            raise ArticleError("id", "duplicate", f"two articles have the id {article.id!r}")
        articles[article.id] = article
    return [articles[article_id] for article_id in sorted(articles)]


def _to_article(record: Mapping[str, Any]) -> Article:
    if not isinstance(record, Mapping):
        raise InputError(f"an article is a dictionary with id, title and text, not {record!r:.60}")
    values = dict(record)
    unknown = sorted(map(str, values.keys() - _RECORD_FIELDS))
    if unknown:
        raise ArticleError(
            unknown[0],
            "unknown",
            f"an article has no field {unknown[0]!r}; it has {', '.join(sorted(_RECORD_FIELDS))}",
        )
    values = {"id": None, "title": None, "url": "", **values}
    sections = tuple(map(_to_section, values.pop("sections", ())))
    for name, types in _TYPES.items():
        if name in values and not isinstance(values[name], types):
            wanted = " or ".join(type_.__name__ for type_ in types)
            raise ArticleError(
                name,
                "invalid",
                f"article {values['id']!r}: {name} {values[name]!r:.60} is of type "
                f"{type(values[name]).__name__}, not {wanted}",
            )
    values |= {name: tuple(value) for name, value in values.items() if isinstance(value, list)}
    for name in _TEXT_FIELDS:
        text = values.pop(name, "")
        sections += (Section(text=text),) if text else ()
    name = "status"
    try:
        values["status"] = Status(values.get("status", Status.PUBLISHED))
        name = "date"
        if isinstance(values.get("date"), str):
            values["date"] = dt.date.fromisoformat(values["date"])
    except ValueError as error:
        raise ArticleError(name, "invalid", f"article {values['id']!r}: {error}") from None
    return Article(**values, sections=sections)


def _to_section(value: Section | tuple[str, str]) -> Section:
    return value if isinstance(value, Section) else Section(heading=value[0], text=value[1])
