"""Parses one record into an article, field by field, and notes which values were repaired.

A record without a usable id, title or link is refused. If its visibility is unclear, the article is
kept but hidden. Other invalid values are repaired or left out, with a note.
"""

import datetime as dt
import re
import sys
from collections.abc import Mapping
from itertools import islice
from typing import Any

from index.articles.block_text import block_text
from index.articles.cleaning import decoded_markup, plain_text
from index.articles.date_words import DateError
from index.articles.foreign_dates import FAR_FUTURE, FAR_PAST, DateReader, first_month, is_month
from index.articles.language_tags import read_language
from index.articles.link_parser import (
    distinct,
    is_related_name,
    links_in_markup,
    parse_aliases,
    parse_links,
    parse_related,
    quoted_in_markup,
)
from index.articles.markdown_marks import without_marks
from index.articles.read_more import without_own_link, without_read_more
from index.articles.record import Record, get_field, id_text, short
from index.articles.record_fields import FieldReader
from index.articles.text_lists import split_authors, split_keywords
from index.articles.translation_keys import read_translation_key
from index.articles.url_template import DEFAULT_TEMPLATE, fill_template
from index.articles.urls import check_url, split_url
from index.articles.visibility_words import (
    find_hiding_word,
    is_publication_date,
    is_retracted,
    is_scheduled,
    never_ends,
    other_instants,
)
from recommender.article import Article, Image, Link, Section, Status, check_id, without_fragment
from recommender.errors import ArticleError

MAX_TITLE = 500
MAX_TEXT = 200_000
MAX_EXCERPT_SOURCE = 2_000
MAX_LABEL = 100
MAX_LABELS = 50
MAX_PARTS = 2_000
"""Limits on titles, texts, excerpts and labels (characters), on labels, and on parts to read.

Parts are the sections of a text and the entries of a list of labels.
"""

_LARGEST = sys.float_info.max
_ADDRESSES = ("src", "url", "filename")
_AMONG_OTHERS = re.compile(r"(?:[^|,()]* \()?(https?://[^\s|()]+)(?:\||\)(?:,|$))")
"""The first picture's address in a table's cell: of several, or behind its name, as in Airtable."""

_NEXT_ADDRESS = re.compile(r"(?<![;|\s])[;|\s]++(?=https?://)")

# Of exports: of newsletters, Drupal, Shopify and others.
_OTHER_IDS = ("post_id", "article_id", "page_id", "entry_id", "nid", "handle", "uuid", "guid")


# What objects for persons and labels call their name, the likeliest first.
_LABELS = ("name", "display_name", "displayName", "title", "label", "fullName", "literal")
_NAME_PARTS = (
    *("given", "first_name", "firstName", "firstname"),
    *("non-dropping-particle", "family", "last_name", "lastName", "lastname"),
)


class RecordParser(FieldReader):
    """Converts one record to an article, and notes which values were repaired or left out.

    Args:
        record: The record to convert.
        url_template: The template for the article's address, used if the record has none.
        dates: Reads the record's dates and times.
        source: The name of the record's source, which the article keeps.

    Attributes:
        field: The field that was read last. If :meth:`article` raises, this field is at fault.
        notes: One problem for each value that was repaired or left out.
        language_from: What gave the article's language: ``field``, ``path``, ``page`` or
            ``constant``; empty if nothing did.
    """

    def __init__(
        self, record: Record, url_template: str, dates: DateReader, source: str = ""
    ) -> None:
        super().__init__(record)
        self._source = source
        self._url_template = url_template
        self._dates = dates
        self.language_from = self._id = ""
        self._date: dt.date | None = None
        self._positions: dict[int, int] = {}  # of the record's sections among the article's
        self._links_in_markup: list[dict[str, Any]] = []

    def article(self) -> Article:
        """Convert the record to an article.

        Raises:
            ArticleError: If the record has no usable id, title or link.
        """
        self._id = self._identifier()
        status, visible_from, visible_until = self._visibility()
        title = self._title()
        if status is Status.PUBLISHED and is_retracted(title):
            self._note("retracted", f"{short(title)} is marked as retracted: kept hidden", "title")
            status = Status.HIDDEN
        self._date = self._optional("date", self._dates.date)
        url = self._url()
        article = Article(
            id=self._id,
            title=title,
            url=url,
            sections=self._sections(),
            excerpt=self._excerpt() or None,
            image=self._optional("image", self._parse_image),
            date=self._date,
            status=status,
            visible_from=visible_from,
            visible_until=visible_until,
            supersedes=self._optional("supersedes", self._parse_older_id),
            language=self._language(),
            translation_key=self._optional("translation_key", read_translation_key),
            tags=self._optional("tags", self._parse_labels) or (),
            ratings=self._optional("ratings", self._parse_ratings) or {},
            authors=self._optional("authors", self._parse_labels) or (),
            links=self._links(url),
            aliases=parse_aliases(self._get("aliases"), url),
            source=self._source,
        )
        if not article.has_text:
            self._note("no-text", "no summary or sections: only the title is used", "summary")
        if self._record.outdated:
            self._note("unreachable", self._record.outdated, "url")
        values = self._record.values
        for name in {one.rstrip(" \t") for one in values if one[-1:] in (" ", "\t")} & set(values):
            message = (
                f"{name} stands more than once in the record: the last value was taken, and every "
                "value that hides the article holds; keep one"
            )
            self._note("stands-twice", message, name)
        return article

    def _identifier(self) -> str:
        """Return the record's id; if it has none, its slug or its link's path."""
        given = self._get("id")
        found = "" if given != given else id_text(given)  # NaN stands for none
        if not found:
            ids = (self._get(name) for name in (*_OTHER_IDS, "slug"))
            usable = (one for one in ids if isinstance(one, str) or type(one) is int)
            found = next(filter(None, map(id_text, usable)), "")
        if not found:
            url = self._get("url")
            parts = split_url(without_fragment(url.strip()) if isinstance(url, str) else "")
            path = parts.path.strip("/") + (f"?{parts.query}" if parts.query else "")
            path += f"#{parts.fragment}" if parts.fragment else ""
            key = self._get("pk")  # of Django's table; in DynamoDB it may be one for all records
            found = path or parts.hostname or (id_text(key) if type(key) in (int, str) else "")
        self.field = "id"
        if not found:
            raise ArticleError(
                "id",
                "missing",
                "the record has neither id, slug nor url; if another field holds one, use "
                "--map id=FIELD or --map url=FIELD",
            )
        return check_id(found)

    def _language(self) -> str | None:
        language = self._optional("language", read_language)
        if language:
            self.language_from = self._record.language_from or "field"
        elif language := self._record.language or None:
            self.language_from = "constant"
        return language

    def _title(self) -> str:
        given = self._get("title")
        given = short(given) if type(given) is int else given  # such as 1984
        title = self._plain(given, MAX_TITLE).replace("\n", " ")
        if not title:
            held = _title_within({**self._values, "title": given})
            holds = f"{held} holds it" if held else ""
            message = (
                f"the record has no title; if {holds or 'another field holds it'}, use "
                f"--map title={held or 'FIELD'}"
            )
            raise ArticleError("title", "missing", message)
        return title

    def _excerpt(self) -> str:
        given = decoded_markup(self._get("excerpt"))
        if isinstance(given, str):
            given = without_marks(without_own_link(given))
        return without_read_more(self._plain(given, MAX_EXCERPT_SOURCE))

    def _stated_url(self) -> Any:
        permalink = self._get("permalink")  # it may be a generator's pattern
        is_address = isinstance(permalink, str) and permalink.startswith(("http://", "https://"))
        return self._get("url") or (permalink if is_address else None)

    def _url(self) -> str:
        is_address = self._id.startswith(("http://", "https://"))  # an id, as in JSON-LD
        value, link = self._stated_url(), self._record.link or (self._id if is_address else "")
        templates = [self._record.url_template, self._url_template, DEFAULT_TEMPLATE]
        if link and self._url_template == DEFAULT_TEMPLATE:
            templates[1] = link
        elif self._record.no_link and not value and templates == ["", *2 * [DEFAULT_TEMPLATE]]:
            self._note(self._record.no_link_reason, self._record.no_link, "url")
        for given in (value, *templates):
            if given is None or given == "":
                continue
            try:
                if given is value:
                    if isinstance(value, str):
                        first = _NEXT_ADDRESS.split(value.strip(), maxsplit=1)[0]
                        return check_url(first.replace(" ", "%20"))
                    raise ArticleError("url", "invalid", f"url {short(value)} is not text")
                made = given if given == link else fill_template(given, self._part_of_url)
                check_url(made)
            except ArticleError as error:
                bare = given is value and isinstance(value, str) and ":" not in value
                kept = '; url_template = "/{url}" would keep it' if bare else ""
                self._note(error.reason, f"{error}: another link was made{kept}", "url")
            else:
                self._note("made-from-template", "no url: made from url_template", "url")
                return str(made)
        raise ArticleError("url", "missing", f"no link can be made for id {self._id!r}: add a url")

    def _part_of_url(self, name: str) -> Any:
        """Return the value of a placeholder of a template for links."""
        if name == "id":
            return self._id
        if self._date and name in ("year", "month", "day"):
            return f"{getattr(self._date, name):02}"
        value = self._get(name)
        if value is None:
            value = get_field(self._record.given, name)
        return self._id if value is None and name == "path" else value

    def _sections(self) -> tuple[Section, ...]:
        value = self._get("sections")
        if not isinstance(value, list):
            if value not in (None, ""):
                self._note("invalid", "expected a list of {heading, text}: left out")
            value = []
        sections: list[Section] = []
        room = MAX_TEXT
        if len(value) > MAX_PARTS:
            self._note("too-many", f"{len(value)} sections, cut at {MAX_PARTS}")
        for number, item in enumerate(value[:MAX_PARTS]):
            if not isinstance(item, Mapping):
                self._note("invalid", f"{short(item)} is not {{heading, text}}: left out")
                continue
            text = self._plain(item.get("text"), room)
            heading = self._plain(item.get("heading"), MAX_TITLE)
            if text or heading:
                self._keep_links(number, len(sections), item.get("text"))
                quoted = self._quoted(item.get("text"), item.get("quoted"))
                sections.append(Section(text=text, heading=heading, quoted=quoted))
            room = max(1, room - len(text))
        has_text = any(section.text for section in sections)
        summary = decoded_markup(block_text(self._get("summary"))) if not has_text else ""
        summary = without_marks(summary) if isinstance(summary, str) else summary or ""
        if text := self._plain(summary, MAX_TEXT):
            self._keep_links(len(value), len(sections), summary)
            sections.append(Section(text=text, quoted=self._quoted(summary, ())))
        return tuple(sections)

    def _quoted(self, markup: Any, given: Any) -> tuple[str, ...]:
        """Return the passages that are quotations or code, as given or marked in HTML."""
        found = [*given[:MAX_PARTS]] if isinstance(given, list) else []
        if isinstance(markup, str) and "<" in markup:
            found += quoted_in_markup(markup[: 4 * MAX_TEXT])
        texts = (plain_text(each) for each in found if isinstance(each, str))
        return tuple(dict.fromkeys(filter(None, texts)))

    def _keep_links(self, number: int, position: int, markup: Any) -> None:
        """Note where a section of the record went, and the links that its text holds as HTML."""
        self._positions[number] = position
        if isinstance(markup, str) and "<a" in markup:
            self._links_in_markup += links_in_markup(markup[: 4 * MAX_TEXT], number)

    def _links(self, url: str) -> tuple[Link, ...]:
        given = self._get("links")
        if given not in (None, "") and not isinstance(given, list | tuple | Mapping):
            self._note("invalid", f"expected a list of links, found {short(given)}")
        named = {"related": self._get("related")} | {
            name: value for name, value in self._values.items() if is_related_name(name)
        }
        if not (given or self._links_in_markup or any(named.values())):
            return ()
        found = [*parse_links(given, url, self._positions)]
        found += parse_links(self._links_in_markup, url, self._positions)
        for name, value in named.items():
            found += parse_related(value, url, name)
        return distinct(found, url)

    def _parse_image(self, value: Any) -> Image:
        src: Any = value[0] if isinstance(value, list) else value
        alt: Any = ""
        if isinstance(src, Mapping):
            if _first(src, _ADDRESSES) is None:
                src = get_field(src, "data.attributes,attributes,data") or src  # as Strapi has it
            alt = _first(src, ("alt", "alternativeText"))
            src = _first(src, _ADDRESSES)
        if not isinstance(src, str):
            raise ArticleError("image", "invalid", f"image {short(value, 60)} lacks src, its URL")
        src = src.strip()
        if found := _AMONG_OTHERS.match(src):
            src = found[1]
        if src.startswith("."):
            said = f"image {src!r:.80} is relative to its file; it must begin with https:// or /"
            raise ArticleError("image", "invalid", said)
        src = check_url(f"https:{src}" if src.startswith("//") else src, field_name="image")
        return Image(src=src, alt=self._plain(alt, MAX_TITLE))

    def _visibility(self) -> tuple[Status, dt.datetime | None, dt.datetime | None]:
        word = self._get("status")
        hiding = find_hiding_word(self._values, word)
        status = hiding.status if hiding else Status.PUBLISHED
        if hiding and hiding.unknown:
            self._note("unknown", hiding.unknown, hiding.field)
        said: dict[str, list[dt.datetime]] = {"visible_from": [], "visible_until": []}
        for name, instants in said.items():
            given = None if self._get(name) == [] else self._get(name)
            for theirs, value in [(name, given), *other_instants(self._values, name)]:
                if name == "visible_until" and never_ends(value):
                    continue
                try:
                    instants += filter(None, [self._dates.instant(value)])
                except DateError as error:
                    if name == "visible_from" and _says_no_time(theirs, value):
                        continue
                    self._note("invalid", f"{theirs} {error}: kept hidden")
                    status = Status.HIDDEN
        # Of several times the one holds that shows the article for less long.
        start = max(said["visible_from"], default=None)
        end = min(said["visible_until"], default=None)
        if start is None and is_scheduled(self._values, word):
            self._note("no-time", "scheduled without visible_from: kept hidden", "status")
            status = Status.HIDDEN
        if end is not None and end.year <= 1970:
            message = f"visible_until {end:%Y-%m-%d} hides it; leave it out if it never ends"
            self._note("long-past", message)
        return status, None if start == FAR_PAST else start, None if end == FAR_FUTURE else end

    def _parse_labels(self, value: Any) -> tuple[str, ...]:
        name, items = self.field, value
        if isinstance(value, str):
            items = (split_authors if name == "authors" else split_keywords)(value[:MAX_TEXT])
        if isinstance(value, Mapping):  # one label, or labels in a list that it holds
            lists = [one for one in value.values() if isinstance(one, list)]
            items = [value] if _label(value) else lists[0] if len(lists) == 1 else value
        if not isinstance(items, list | tuple):
            message = f"{name} must be a list of texts, not {short(value)}"
            raise ArticleError(name, "invalid", message)
        labels: dict[str, str] = {}
        for item in items[:MAX_PARTS]:
            if isinstance(item, Mapping):
                item = _label(item) or item
            if not isinstance(item, str):
                self._note("invalid", f"{short(item)} is not text: left out")
            elif label := self._plain(item, MAX_LABEL).replace("\n", " "):
                labels.setdefault(label.casefold(), label)
        if len(labels) > MAX_LABELS or len(items) > MAX_PARTS:
            self._note("too-many", f"{len(items)} {name}, cut at {MAX_LABELS}")
        return tuple(labels.values())[:MAX_LABELS]

    def _parse_ratings(self, value: Any) -> dict[str, float]:
        if not isinstance(value, Mapping):
            message = f"ratings must be names with numbers, not {short(value)}"
            raise ArticleError("ratings", "invalid", message)
        ratings: dict[str, float] = {}
        for name, figure in islice(value.items(), MAX_LABELS):
            label = plain_text(str(name)[:MAX_LABEL])
            number = isinstance(figure, int | float) and not isinstance(figure, bool)
            if number and -_LARGEST <= figure <= _LARGEST:  # NaN is not
                ratings[label] = float(figure)
            else:
                fault = "out of range" if number else "not a number"
                self._note("invalid", f"{label}: {short(figure)} is {fault}")
        if len(value) > MAX_LABELS:
            self._note("too-many", f"{len(value)} ratings, cut at {MAX_LABELS}")
        return ratings

    def _parse_older_id(self, value: Any) -> str:
        older = check_id(id_text(value, "supersedes"), field="supersedes")
        if older == self._id:
            message = "supersedes is the article's own id; give that of the older version"
            raise ArticleError("supersedes", "invalid", message)
        return older


def _says_no_time(name: str, value: Any) -> bool:
    """Tell whether what can't be read as a time leaves an article visible from the beginning."""
    today = dt.datetime.now(dt.UTC)
    year, month = first_month(value)
    if is_publication_date(name):
        return (year, month) <= (today.year, today.month)
    return 0 < year < today.year and is_month(value)


def _first(values: Any, names: tuple[str, ...]) -> Any:
    """Return the first value of an object under some names that is neither null nor empty."""
    found = (values.get(name) for name in names) if isinstance(values, Mapping) else ()
    return next(filter(None, found), None)


def _label(item: Mapping[str, Any]) -> str:
    """Return the name of a person or label that is an object; empty if it has none."""
    for one in (item, _first(item, ("node", "attributes"))):
        if isinstance(one, Mapping):
            parts = (str(one[part]) for part in _NAME_PARTS if one.get(part))
            if isinstance(name := _first(one, _LABELS) or " ".join(parts), str) and name:
                return name
    return ""


def _title_within(values: Mapping[str, Any]) -> str:
    """Return the path of what may be a record's title within an object; empty if there is none."""
    objects = [(outer, value) for outer, value in values.items() if isinstance(value, Mapping)]
    paths = [f"title.{inner}" for outer, value in objects if outer == "title" for inner in value]
    paths += [f"{outer}.title" for outer, value in objects if value.get("title")]
    return next(iter(paths), "")
