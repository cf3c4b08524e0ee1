"""What the first records of a source show that nobody has said: names of fields, the language."""

from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

from index.articles.guessed_languages import Certainty, find_language
from index.articles.parse import FieldMapping, parse_records
from index.articles.read_report import ReadReport
from index.articles.record import Record
from recommender.errors import AlsoLikeError

_TABLES = ("jsonl", "json", "csv", "parquet")
_NAMES = {
    "title": "title,headline,name,titel,titre,título,titolo,tytuł,заголовок,タイトル,标题",
    "summary": "summary,text,body,content,description,abstract,inhalt,texte,contenu,contenido,"
    "conteúdo,testo,treść,текст,本文,正文",
    "url": "url,link,permalink",
    # "published" may say whether, not when; "data" is a date in Italian and anything in English
    "date": "date,published_at,publishedAt,pubDate,published_date,created_at,datum,fecha,дата,日付,"
    "日期",
}
"""What tables call our fields, by comma, the likeliest first."""

_IDS = "id,guid,uuid,post_id,article_id,nid,nr,nummer"
_READ = 20


def usual_fields(kind: str) -> Mapping[str, str]:
    """Returns the names of our fields in the records of sources of a kind, if these are tables.

    Args:
        kind: The kind of the source.

    Returns:
        For each field the names to look for, by comma, the likeliest first.
    """
    return _NAMES if kind in _TABLES else {}


def fields_found(table: Mapping[str, Any]) -> dict[str, str]:
    """Returns what the first records of a source call those of our fields that they name otherwise.

    Args:
        table: The ``[[source]]`` table that describes the source.

    Returns:
        For each such field its name in the records; nothing if the source can't be read.
    """
    from index.sources.registry import open_source

    held: dict[str, str] = {}  # the letter case of names is no matter
    names = dict(usual_fields(table["kind"]))
    if names:
        with suppress(AlsoLikeError):
            for item in islice(open_source(table).records(), _READ):
                values = item.values if isinstance(item, Record) else {}
                given = [name for name, value in values.items() if value not in (None, "", [], {})]
                held = {name.casefold(): name for name in given} | held
    if "sections" in held:
        held["summary"] = ""
    if not held.keys() & {"slug", *names.get("url", "").split(",")}:  # of which ids are made
        names["id"] = _IDS
    found = {
        field: next((name for name in usual.casefold().split(",") if name in held), field)
        for field, usual in names.items()
    }
    return {field: held[name] for field, name in found.items() if name != field}


def language_found(table: Mapping[str, Any]) -> str:
    """Returns the language of most of a source's first articles, as BCP 47 tag.

    Args:
        table: The ``[[source]]`` table that describes the source, with its ``map``.

    Returns:
        The language; empty if most are in none that is certain, or the source can't be read.
    """
    from index.sources.registry import open_source

    counts: Counter[str] = Counter()
    mapping = FieldMapping(url_template="/{id}", timezone=ZoneInfo("UTC"))
    with suppress(AlsoLikeError):
        records = open_source(table).records()
        for article, _ in islice(parse_records(records, mapping, ReadReport()), _READ):
            language, certainty = find_language(article)
            counts[language if certainty >= Certainty.FAIR else ""] += 1
    language = max(counts, key=counts.__getitem__, default="")
    return language if 2 * counts[language] > counts.total() else ""
