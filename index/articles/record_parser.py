"""Parses one record into an article, field by field, and notes which values were repaired.

A record without a usable id, title or link is refused. If its visibility is unclear, the article is
kept but hidden. Other invalid values are repaired or left out, with a note.
"""

from __future__ import annotations

import datetime as dt
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from itertools import islice
from typing import Any, TypeVar
from urllib.parse import urlsplit

from index.articles.cleaning import cut_text, drop_open_tag, plain_text
from index.articles.foreign_dates import FAR_FUTURE, FAR_PAST, DateError, DateReader
from index.articles.json_text import load_json
from index.articles.language_tags import read_language
from index.articles.link_parser import (
    RELATED_FIELDS,
    distinct,
    links_in_markup,
    parse_aliases,
    parse_links,
    parse_related,
)
from index.articles.read_more import without_read_more
from index.articles.record import Record, RecordProblem, get_field, id_text, short
from index.articles.text_lists import split_authors, split_keywords
from index.articles.translation_keys import read_translation_key
from index.articles.url_template import DEFAULT_TEMPLATE, MissingFieldError, fill_template
from index.articles.urls import check_url
from index.articles.visibility_words import (
    SCHEDULED,
    find_hiding_word,
    is_publication_date,
    names_in_other_spelling,
    other_instant,
)
from recommender.article import Article, Image, Link, Section, Status, check_id
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

_EPOCH_YEAR = 1970
_LARGEST = sys.float_info.max

_WITH_PARTS = {
    *("sections", "image", "tags", "ratings", "authors", "links", "related", "aliases"),
}

T = TypeVar("T")


class RecordParser:
    """A parser for one record.

    Args:
        record: The record.
        fields: For each article field whose name differs in the source, the source's field.
        url_template: The template for the link to use if the record states none.
        dates: Reads the record's dates and times.

    Attributes:
        field: The field that was read last. If :meth:`article` raises, this field is at fault.
        notes: One problem for each value that was repaired or left out.
        language_from: What said the language: ``field``, ``path``, ``page``, ``constant``; empty if
            nothing did.
    """

    def __init__(
        self, record: Record, fields: Mapping[str, str], url_template: str, dates: DateReader
    ) -> None:
        self._record = record
        self._fields = fields
        self._others = names_in_other_spelling(tuple(record.values))
        self._url_template = url_template
        self._dates = dates
        self.field = ""
        self.notes: list[RecordProblem] = []
        self._positions: dict[int, int] = {}  # of the record's sections among the article's
        self._links_in_markup: list[dict[str, Any]] = []
        self.language_from = ""

    def article(self) -> Article:
        """Parse the record into an article.

        Raises:
            ArticleError: If the record has no usable id, title or link.
        """
        article_id = self._identifier()
        status, visible_from, visible_until = self._visibility()
        title = self._title()
        date = self._optional("date", self._parse_date, None)
        url = self._url(article_id, date)
        sections = self._sections()
        article = Article(
            id=article_id,
            title=title,
            url=url,
            sections=sections,
            excerpt=without_read_more(self._text("excerpt", MAX_EXCERPT_SOURCE)) or None,
            image=self._optional("image", self._parse_image, None),
            date=date,
            status=status,
            visible_from=visible_from,
            visible_until=visible_until,
            supersedes=self._optional("supersedes", partial(_parse_older_id, article_id), None),
            language=self._language(),
            translation_key=self._optional("translation_key", read_translation_key, None),
            tags=self._optional("tags", partial(self._parse_labels, "tags"), ()),
            ratings=self._optional("ratings", self._parse_ratings, {}),
            authors=self._optional("authors", partial(self._parse_labels, "authors"), ()),
            links=self._links(url),
            aliases=parse_aliases(self._get("aliases"), url),
        )
        if not article.has_text:
            self._note("summary", "no-text", "no summary or sections: only the title is used")
        return article

    def _identifier(self) -> str:
        """Return the record's id; if it has no such field, its slug or its link's path."""
        found = id_text(self._get("id"))
        if found or "id" in self._record.values:
            return check_id(found)
        slug, url = self._get("slug"), self._get("url")
        self.field = "id"
        if isinstance(slug, str) and slug.strip():
            return check_id(slug.strip())
        with suppress(ValueError):
            parts = urlsplit(url.strip() if isinstance(url, str) else "")
            path = parts.path.strip("/") + (f"?{parts.query}" if parts.query else "")
            if path or parts.hostname:
                return check_id(path or str(parts.hostname))
        raise ArticleError(
            "id",
            "missing",
            "the record has neither id, slug nor url; if another field holds one, use --map "
            "id=FIELD or --map url=FIELD",
        )

    def _language(self) -> str | None:
        language = self._optional("language", read_language, None)
        if language:
            self.language_from = self._record.language_from or "field"
        elif language := self._record.language or None:
            self.language_from = "constant"
        return language

    def _get(self, name: str) -> Any:
        """Return a field's value; JSON text of a list or object, as in a CSV cell, is parsed.

        A field that is not mapped is found in another spelling too: ``Title``, ``Visible From``.
        """
        self.field = name
        value = get_field(self._record.values, self._fields.get(name, name))
        if value is None and name not in self._fields and self._others:
            value = self._record.values.get(self._others.get(name.replace("_", ""), ""))
        if name in _WITH_PARTS and isinstance(value, str) and value.lstrip()[:1] in ("[", "{"):
            with suppress(ValueError):
                return load_json(value)
        return value

    def _optional(self, name: str, parse: Callable[[Any], T], default: T) -> T:
        """Parse a field; return ``default`` if it is empty or invalid (which is also noted)."""
        value = self._get(name)
        if value is None or value == "":
            return default
        try:
            return parse(value)
        except ArticleError as error:
            self._note(name, error.reason, f"{error}: left out")
            return default

    def _note(self, field_name: str, reason: str, message: str) -> None:
        location = self._record.location
        self.notes.append(
            RecordProblem(location=location, field=field_name, reason=reason, message=message)
        )

    def _text(self, name: str, limit: int, value: Any = None) -> str:
        """Return a field as plain text of at most ``limit`` characters, without markup."""
        if value is None:
            value = self._get(name)
        if value is None:
            return ""
        if not isinstance(value, str):
            self._note(name, "not-text", f"expected text, found {type(value).__name__}: left out")
            return ""
        most = 4 * limit  # so that cleaning stays cheap
        text = plain_text(value if len(value) <= most else drop_open_tag(value[:most]))
        if len(value) > most or len(text) > limit:
            self._note(name, "too-long", f"{name} has {len(value)} characters, cut at {limit}")
            text = cut_text(text, limit)
        return text

    def _title(self) -> str:
        title = self._text("title", MAX_TITLE).replace("\n", " ")
        if not title:
            raise ArticleError(
                "title",
                "missing",
                "the record has no title; if another field holds it, use --map title=FIELD",
            )
        return title

    def _url(self, article_id: str, date: dt.date | None) -> str:
        value = self._get("url")
        if value is not None and value != "":
            try:
                if isinstance(value, str):
                    return check_url(value.strip())
                raise ArticleError("url", "invalid", f"url {short(value)} is not text")
            except ArticleError as error:
                self._note("url", error.reason, f"{error}: another link was made")
        get = partial(self._part_of_url, article_id, date)
        templates = [self._record.url_template, self._url_template, DEFAULT_TEMPLATE]
        if self._record.link and self._url_template == DEFAULT_TEMPLATE:
            templates[1] = self._record.link
        for template in filter(None, templates):
            try:
                if template == self._record.link:
                    return check_url(template)
                link = check_url(fill_template(template, get))
            except MissingFieldError as error:
                message = f"url_template {template}: there is no {error}: another link was made"
                self._note("url", "no-field", message)
            except ArticleError as error:
                self._note("url", error.reason, f"{error}: another link was made")
            else:
                self._note("url", "made-from-template", "no url: made from url_template")
                return link
        raise ArticleError("url", "missing", f"no link can be made for id {article_id!r}")

    def _part_of_url(self, article_id: str, date: dt.date | None, name: str) -> Any:
        """Return the value of a placeholder of a template for links."""
        if name == "id":
            return article_id
        if date and name in ("year", "month", "day"):
            return f"{getattr(date, name):02}"
        value = self._get(name)
        return article_id if value is None and name == "path" else value

    def _sections(self) -> tuple[Section, ...]:
        value = self._get("sections")
        if value is None:
            text = self._text("summary", MAX_TEXT)
            self._keep_links(0, 0, self._get("summary"))
            return (Section(text=text),) if text else ()
        if not isinstance(value, list):
            self._note("sections", "invalid", "expected a list of {heading, text}: left out")
            return ()
        sections: list[Section] = []
        room = MAX_TEXT
        if len(value) > MAX_PARTS:
            self._note("sections", "too-many", f"{len(value)} sections, cut at {MAX_PARTS}")
        for number, item in enumerate(value[:MAX_PARTS]):
            if not isinstance(item, Mapping):
                self._note(
                    "sections", "invalid", f"{short(item)} is not {{heading, text}}: left out"
                )
                continue
            text = self._text("sections", room, item.get("text") or "")
            heading = self._text("sections", MAX_TITLE, item.get("heading") or "")
            if text or heading:
                self._keep_links(number, len(sections), item.get("text"))
                sections.append(Section(text=text, heading=heading))
            room = max(1, room - len(text))
        return tuple(sections)

    def _keep_links(self, number: int, position: int, markup: Any) -> None:
        """Note where a section of the record went, and the links that its text holds as HTML."""
        self._positions[number] = position
        if isinstance(markup, str) and "<a" in markup:
            self._links_in_markup += links_in_markup(markup[: 4 * MAX_TEXT], number)

    def _links(self, url: str) -> tuple[Link, ...]:
        given, values = self._get("links"), self._record.values
        if given is not None and given != "" and not isinstance(given, list | tuple):
            self._note("links", "invalid", f"expected a list of links, found {short(given)}")
        found = [*parse_links(given, url, self._positions, plain_text)]
        found += parse_links(self._links_in_markup, url, self._positions, plain_text)
        named = {self._fields.get("related", "related"): self._get("related")}
        if "related" not in self._fields:
            named |= {name: values[name] for name in RELATED_FIELDS if name in values}
        for name, value in named.items():
            found += parse_related(value, url, plain_text, name)
        return distinct(found, url)

    def _parse_image(self, value: Any) -> Image:
        src = value.get("src") if isinstance(value, Mapping) else value
        alt = value.get("alt") if isinstance(value, Mapping) else ""
        if not isinstance(src, str):
            raise ArticleError("image", "invalid", f"image {short(value, 60)} lacks src, its URL")
        return Image(
            src=check_url(src.strip(), field_name="image"),
            alt=self._text("image", MAX_TITLE, alt or ""),
        )

    def _visibility(self) -> tuple[Status, dt.datetime | None, dt.datetime | None]:
        word = self._get("status")
        hiding = find_hiding_word(self._record.values, word)
        status = hiding.status if hiding else Status.PUBLISHED
        if hiding and hiding.unknown:
            self._note(hiding.field, "unknown", hiding.unknown)
        instants: list[dt.datetime | None] = []
        for field_name in ("visible_from", "visible_until"):
            value, by_name = self._get(field_name), field_name
            if value is None or value == "":
                by_name, value = other_instant(self._record.values, field_name)
            try:
                instants.append(self._dates.instant(value))
            except DateError as error:
                if is_publication_date(by_name):
                    instants.append(None)
                    continue
                self._note(field_name, "invalid", f"{field_name} {error}: kept hidden")
                instants.append(None)
                status = Status.HIDDEN
        start, end = instants
        scheduled = isinstance(word, str) and word.strip().casefold() in SCHEDULED
        if scheduled and start is None:
            self._note("status", "no-time", "scheduled without visible_from: kept hidden")
            status = Status.HIDDEN
        if end is not None and end.year <= _EPOCH_YEAR:
            self._note(
                "visible_until",
                "long-past",
                f"visible_until {end:%Y-%m-%d} hides the article; leave it out if there is no end",
            )
        return status, None if start == FAR_PAST else start, None if end == FAR_FUTURE else end

    def _parse_date(self, value: Any) -> dt.date | None:
        try:
            return self._dates.date(value)
        except DateError as error:
            raise ArticleError("date", "invalid", f"date {error}") from None

    def _parse_labels(self, name: str, value: Any) -> tuple[str, ...]:
        items = value
        if isinstance(value, str):
            items = (split_authors if name == "authors" else split_keywords)(value[:MAX_TEXT])
        if not isinstance(items, list | tuple):
            raise ArticleError(name, "invalid", f"expected a list of texts, found {short(value)}")
        labels: dict[str, str] = {}
        for item in items[:MAX_PARTS]:
            if not isinstance(item, str):
                self._note(name, "invalid", f"{short(item)} is not text: left out")
                continue
            label = self._text(name, MAX_LABEL, item).replace("\n", " ")
            if label:
                labels.setdefault(label.casefold(), label)
        if len(labels) > MAX_LABELS or len(items) > MAX_PARTS:
            self._note(name, "too-many", f"{len(items)} {name}, cut at {MAX_LABELS}")
        return tuple(labels.values())[:MAX_LABELS]

    def _parse_ratings(self, value: Any) -> dict[str, float]:
        if not isinstance(value, Mapping):
            raise ArticleError(
                "ratings", "invalid", f"ratings must be names with numbers, not {short(value)}"
            )
        ratings: dict[str, float] = {}
        for name, figure in islice(value.items(), MAX_LABELS):
            label = plain_text(str(name)[:MAX_LABEL])
            if isinstance(figure, bool) or not isinstance(figure, int | float):
                self._note("ratings", "invalid", f"{label}: {short(figure)} is not a number")
            elif not -_LARGEST <= figure <= _LARGEST:  # also true of NaN
                self._note("ratings", "invalid", f"{label}: {short(figure)} is out of range")
            else:
                ratings[label] = float(figure)
        if len(value) > MAX_LABELS:
            self._note("ratings", "too-many", f"{len(value)} ratings, cut at {MAX_LABELS}")
        return ratings


def _parse_older_id(article_id: str, value: Any) -> str:
    older = check_id(id_text(value, "supersedes"), field="supersedes")
    if older == article_id:
        raise ArticleError(
            "supersedes", "invalid", "supersedes is the article's own id; name another"
        )
    return older
