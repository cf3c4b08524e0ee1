"""From raw records to articles: field mapping and checks.

The rule for what is wrong with a record: what makes an article unusable (no id, no title, no
link) skips it; what makes its visibility unclear keeps it, invisible; anything else is
mended. Each is reported with its place, and read = kept + skipped.
"""

from __future__ import annotations

import datetime as dt
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

from index.articles.cleaning import check_url, plain_text
from index.articles.json_text import load_json
from index.articles.read_report import ReadReport
from index.articles.record import Record, RecordProblem, get_field, short, unreadable
from index.errors import SourceError
from recommender.article import Article, Image, Section, Status, check_id
from recommender.errors import ArticleError, SettingError

FIELDS = (
    "id",
    "title",
    "url",
    "summary",
    "sections",
    "excerpt",
    "image",
    "date",
    "status",
    "visible_from",
    "visible_until",
    "supersedes",
    "language",
    "tags",
    "ratings",
    "authors",
)
"""Every field of an article in the input format."""

MAX_TITLE = 500
MAX_TEXT = 200_000
MAX_EXCERPT_SOURCE = 2_000
MAX_LABEL = 100
MAX_LABELS = 50
MAX_PARTS = 2_000
"""Longest title, text, excerpt and label (in characters), most labels kept, most sections read."""

_MAX_UNUSED = 1_000

_STATUSES = {
    "": Status.PUBLISHED,
    "published": Status.PUBLISHED,
    "publish": Status.PUBLISHED,
    "public": Status.PUBLISHED,
    "live": Status.PUBLISHED,
    "scheduled": Status.PUBLISHED,
    "future": Status.PUBLISHED,
    "draft": Status.DRAFT,
    "pending": Status.DRAFT,
    "hidden": Status.HIDDEN,
    "private": Status.HIDDEN,
    "archived": Status.HIDDEN,
    "unpublished": Status.HIDDEN,
    "trash": Status.HIDDEN,
}
_SCHEDULED = {"scheduled", "future"}
_LARGEST = sys.float_info.max

_LANGUAGE = re.compile(r"[a-z]{2,3}(-[a-z0-9]{2,8})*")


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldMapping:
    """How a site's own fields become an article's.

    Attributes:
        fields: Our field to theirs (``{"summary": "text"}``); theirs may be dotted
            (``"content.rendered"``).
        url_template: Link for articles without one, ``{id}`` standing for the escaped id.
        timezone: Zone of times that name none.
    """

    fields: Mapping[str, str]
    url_template: str
    timezone: ZoneInfo

    def __post_init__(self) -> None:
        for name in self.fields:
            if name not in FIELDS:
                raise SettingError(
                    f"--map {name}=…: an article has no field {name!r}; choose one of "
                    f"{', '.join(FIELDS)}"
                )
        if "{id}" not in self.url_template:
            raise SettingError(f"url_template {self.url_template!r} does not hold {{id}}")


def parse_records(
    records: Iterable[Record | RecordProblem],
    mapping: FieldMapping,
    report: ReadReport,
    *,
    strict: bool = False,
) -> Iterator[tuple[Article, str]]:
    """Turn records into articles; yields each usable one with the place of its record.

    Duplicate ids are for the caller to find, which alone sees all articles.

    Args:
        records: As a source gives them.
        mapping: How their fields are named.
        report: Filled in while reading.
        strict: Refuse the source at the first problem of any kind.

    Raises:
        SourceError: If the source can't be read, or at a problem if ``strict``.
    """
    for item in records:
        report.read += 1
        if isinstance(item, RecordProblem):
            _refuse(item, strict)
            report.skip(item)
            continue
        parser = _RecordParser(item, mapping)
        try:
            article = parser.article()
        except Exception as error:  # noqa: BLE001 - no value from outside ends a build
            problem = (
                RecordProblem(
                    place=item.place, field=error.field, reason=error.reason, message=str(error)
                )
                if isinstance(error, ArticleError)
                else unreadable(item.place, error, parser.field)
            )
            _refuse(problem, strict)
            report.skip(problem)
            continue
        for problem in parser.notes:
            _refuse(problem, strict and problem.reason not in ("no-text", "made-from-template"))
            report.note(problem)
        _count_unused(item, mapping, report)
        report.kept += 1
        yield article, item.place


def _refuse(problem: RecordProblem, strict: bool) -> None:
    if strict:
        raise SourceError(
            f"{problem} "
            "(--strict refuses the source; leave it out to skip such records and have them counted)"
        )


def _count_unused(record: Record, mapping: FieldMapping, report: ReadReport) -> None:
    used = {mapping.fields.get(name, name).partition(".")[0] for name in FIELDS}
    for name, value in record.values.items():
        if name not in used and isinstance(value, str) and len(value) >= 200:
            name = name[:MAX_LABEL]
            if len(report.unused_fields) < _MAX_UNUSED or name in report.unused_fields:
                report.unused_fields[name] += 1


class _RecordParser:
    """Reads one record field by field, keeping notes of what it had to mend."""

    def __init__(self, record: Record, mapping: FieldMapping) -> None:
        self._record = record
        self._mapping = mapping
        self.field = ""
        self.notes: list[RecordProblem] = []

    def article(self) -> Article:
        article_id = check_id(self._identifier())
        status, visible_from, visible_until = self._visibility()
        article = Article(
            id=article_id,
            title=self._title(),
            url=self._url(article_id),
            sections=self._sections(),
            excerpt=self._text("excerpt", MAX_EXCERPT_SOURCE) or None,
            image=self._image(),
            date=self._date(),
            status=status,
            visible_from=visible_from,
            visible_until=visible_until,
            supersedes=self._supersedes(article_id),
            language=self._language(),
            tags=self._labels("tags"),
            ratings=self._ratings(),
            authors=self._labels("authors"),
        )
        if not article.has_text:
            self._note("summary", "no-text", "no summary or sections: only the title is compared")
        return article

    def _get(self, name: str) -> Any:
        self.field = name
        return get_field(self._record.values, self._mapping.fields.get(name, name))

    def _get_parts(self, name: str) -> Any:
        """A field that holds a list or an object; in a table's cell it is JSON."""
        value = self._get(name)
        if isinstance(value, str) and value.lstrip()[:1] in ("[", "{"):
            try:
                return load_json(value)
            except ValueError:
                return value
        return value

    def _note(self, field_name: str, reason: str, message: str) -> None:
        self.notes.append(
            RecordProblem(
                place=self._record.place, field=field_name, reason=reason, message=message
            )
        )

    def _identifier(self) -> str:
        value = self._get("id")
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)
        if value is None or isinstance(value, str):
            return (value or "").strip()
        raise ArticleError("id", "invalid", f"id {short(value)} is neither text nor a whole number")

    def _text(self, name: str, limit: int, value: Any = None) -> str:
        """One field as plain text: no markup, no control characters, at most ``limit`` long."""
        if value is None:
            value = self._get(name)
        if value is None:
            return ""
        if not isinstance(value, str):
            self._note(name, "not-text", f"expected text, found {type(value).__name__}: left out")
            return ""
        text = plain_text(value[: 4 * limit])  # so that cleaning stays cheap
        if len(value) > 4 * limit or len(text) > limit:
            self._note(name, "too-long", f"{len(value)} characters, cut at {limit}")
            text = text[:limit].rsplit(" ", 1)[0]
        return text

    def _title(self) -> str:
        title = self._text("title", MAX_TITLE).replace("\n", " ")
        if not title:
            raise ArticleError(
                "title", "missing", "no title; name the site's own field with --map title=FIELD"
            )
        return title

    def _url(self, article_id: str) -> str:
        value = self._get("url")
        if value is None or value == "":
            self._note("url", "made-from-template", "no url: made from url_template")
            return self._mapping.url_template.replace("{id}", quote(article_id, safe=""))
        if not isinstance(value, str):
            raise ArticleError("url", "invalid", f"url {short(value)} is not text")
        return check_url(value.strip())

    def _sections(self) -> tuple[Section, ...]:
        value = self._get_parts("sections")
        if value is None:
            text = self._text("summary", MAX_TEXT)
            return (Section(text=text),) if text else ()
        if not isinstance(value, list):
            self._note("sections", "invalid", "expected a list of {heading, text}: left out")
            return ()
        sections: list[Section] = []
        room = MAX_TEXT
        if len(value) > MAX_PARTS:
            self._note("sections", "too-many", f"{len(value)}, cut at {MAX_PARTS}")
        for item in value[:MAX_PARTS]:
            if not isinstance(item, Mapping):
                self._note("sections", "invalid", f"{short(item)} is not {{heading, text}}")
                continue
            text = self._text("sections", room, item.get("text") or "")
            heading = self._text("sections", MAX_TITLE, item.get("heading") or "")
            if text or heading:
                sections.append(Section(text=text, heading=heading))
            room = max(1, room - len(text))
        return tuple(sections)

    def _image(self) -> Image | None:
        value = self._get_parts("image")
        if value is None or value == "":
            return None
        src = value.get("src") if isinstance(value, Mapping) else value
        alt = value.get("alt") if isinstance(value, Mapping) else ""
        try:
            if not isinstance(src, str):
                raise ArticleError("image", "invalid", f"image {short(value, 60)} has no src")
            return Image(
                src=check_url(src.strip(), field_name="image"),
                alt=self._text("image", MAX_TITLE, alt or ""),
            )
        except ArticleError as error:
            self._note("image", error.reason, f"{error}: shown without an image")
            return None

    def _date(self) -> dt.date | None:
        value = self._get("date")
        if value is None or value == "":
            return None
        if isinstance(value, dt.datetime):
            return value.date()
        if isinstance(value, dt.date):
            return value
        try:
            if not isinstance(value, str):
                raise ValueError
            return dt.datetime.fromisoformat(value.strip()).date()
        except ValueError:
            self._note("date", "invalid", f"date {short(value)} is not YYYY-MM-DD: shown without")
            return None

    def _visibility(self) -> tuple[Status, dt.datetime | None, dt.datetime | None]:
        value = self._get("status")
        name = value.strip().casefold() if isinstance(value, str) else value
        if name is None:
            name = ""
        status = _STATUSES.get(name) if isinstance(name, str) else None
        if status is None:
            self._note("status", "unknown", f"status {short(value)} is unknown: kept invisible")
            status = Status.HIDDEN
        instants: list[dt.datetime | None] = []
        for field_name in ("visible_from", "visible_until"):
            try:
                instants.append(self._instant(field_name))
            except ValueError:
                self._note(
                    field_name,
                    "invalid",
                    f"{field_name} {short(self._get(field_name))} is not an ISO 8601 time: "
                    "kept invisible",
                )
                instants.append(None)
                status = Status.HIDDEN
        if isinstance(name, str) and name in _SCHEDULED and instants[0] is None:
            self._note("status", "no-time", "scheduled without visible_from: kept invisible")
            status = Status.HIDDEN
        return status, instants[0], instants[1]

    def _instant(self, name: str) -> dt.datetime | None:
        value = self._get(name)
        if value is None or value == "":
            return None
        if isinstance(value, dt.datetime):
            instant = value
        elif isinstance(value, str):
            instant = dt.datetime.fromisoformat(value.strip())
        else:
            raise ValueError(name)
        if instant.tzinfo is None:
            instant = instant.replace(tzinfo=self._mapping.timezone)
        try:
            return instant.astimezone(dt.UTC)
        except OverflowError:
            raise ValueError(name) from None

    def _supersedes(self, article_id: str) -> str | None:
        value = self._get("supersedes")
        if value is None or value == "":
            return None
        try:
            if not isinstance(value, str | int):
                raise ArticleError("supersedes", "invalid", f"{short(value)} is not an id")
            older = check_id(str(value).strip(), field="supersedes")
            if older == article_id:
                raise ArticleError("supersedes", "invalid", "an article can't supersede itself")
        except ArticleError as error:
            self._note("supersedes", error.reason, f"{error}: left out")
            return None
        return older

    def _language(self) -> str | None:
        value = self._get("language")
        if value is None or value == "":
            return None
        tag = value.strip().lower().replace("_", "-") if isinstance(value, str) else ""
        if len(tag) > MAX_LABEL or not _LANGUAGE.fullmatch(tag):
            self._note("language", "invalid", f"language {short(value)} is not a BCP 47 tag")
            return None
        return tag

    def _labels(self, name: str) -> tuple[str, ...]:
        value = self._get_parts(name)
        if value is None or value == "":
            return ()
        items = value[:MAX_TEXT].split(",") if isinstance(value, str) else value
        if not isinstance(items, list | tuple):
            self._note(name, "invalid", f"expected a list of texts, found {short(value)}: left out")
            return ()
        labels: dict[str, None] = {}
        for item in items[:MAX_PARTS]:
            if not isinstance(item, str):
                self._note(name, "invalid", f"{short(item)} is not text: left out")
                continue
            label = self._text(name, MAX_LABEL, item).replace("\n", " ")
            if label:
                labels[label] = None
        if len(labels) > MAX_LABELS or len(items) > MAX_PARTS:
            self._note(name, "too-many", f"{len(items)}, cut at {MAX_LABELS}")
        return tuple(labels)[:MAX_LABELS]

    def _ratings(self) -> dict[str, float]:
        value = self._get_parts("ratings")
        if value is None or value == "":
            return {}
        if not isinstance(value, Mapping):
            self._note("ratings", "invalid", "expected an object of numbers: left out")
            return {}
        ratings: dict[str, float] = {}
        for name, figure in islice(value.items(), MAX_LABELS):
            label = plain_text(str(name)[:MAX_LABEL])
            if isinstance(figure, bool) or not isinstance(figure, int | float):
                self._note("ratings", "invalid", f"{label}: {short(figure)} is not a number")
            elif not -_LARGEST <= figure <= _LARGEST:  # nor is NaN
                self._note("ratings", "invalid", f"{label}: {short(figure)} is out of range")
            else:
                ratings[label] = float(figure)
        if len(value) > MAX_LABELS:
            self._note("ratings", "too-many", f"{len(value)}, cut at {MAX_LABELS}")
        return ratings
