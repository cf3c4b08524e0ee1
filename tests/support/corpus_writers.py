"""The sample corpus in the forms in which sites keep their articles.

Each writer is what a site would do, written against the format and not against the reader.
"""

from __future__ import annotations

import csv
import datetime as dt
import email.utils
import html
import json
import re
import sqlite3
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any
from urllib.parse import quote
from xml.sax.saxutils import escape, quoteattr

Raw = dict[str, Any]

COLUMNS = (
    *("id", "title", "language", "status", "date", "visible_from", "supersedes", "excerpt"),
    *("tags", "image", "ratings", "sections"),
)
PARTS = ("tags", "image", "ratings", "sections")
SITE = "https://sample.example"


def rows(records: Iterable[Raw]) -> list[tuple[str | None, ...]]:
    """One tuple of texts per article, its parts as JSON."""
    return [
        tuple(
            json.dumps(record[name], ensure_ascii=False)
            if name in PARTS and name in record
            else record.get(name)
            for name in COLUMNS
        )
        for record in records
    ]


def write_csv(records: list[Raw], folder: Path, name: str = "articles.csv") -> Path:
    path = folder / name
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, delimiter="\t" if name.endswith(".tsv") else ",")
        writer.writerow(COLUMNS)
        writer.writerows(rows(records))
    return path


def write_json(records: list[Raw], folder: Path) -> Path:
    path = folder / "articles.json"
    path.write_text(json.dumps({"count": len(records), "articles": records}))
    return path


def write_sqlite(records: list[Raw], folder: Path) -> Path:
    path = folder / "site.sqlite"
    with sqlite3.connect(path) as database:
        database.execute(f"CREATE TABLE articles ({', '.join(COLUMNS)})")
        marks = ", ".join("?" * len(COLUMNS))
        database.executemany(f"INSERT INTO articles VALUES ({marks})", rows(records))
    database.close()
    return path


def write_parquet(records: list[Raw], folder: Path) -> Path:
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = folder / "articles.parquet"
    pq.write_table(
        pa.Table.from_pylist([{name: record.get(name) for name in COLUMNS} for record in records]),
        path,
    )
    return path


def write_html(records: list[Raw], folder: Path) -> Path:
    """Pages with JSON-LD, a menu, cards of related articles and a footer."""
    for record in records:
        described = {
            "@context": "https://schema.org",
            "@type": "Article",
            "headline": record["title"],
            "url": _url(record),
            "datePublished": record["date"],
            "inLanguage": record["language"],
            "keywords": record["tags"],
            "creativeWorkStatus": record["status"],
            "description": record.get("excerpt"),
            "image": _image_object(record),
        }
        metas = {
            "visible-from": record.get("visible_from"),
            "supersedes": record.get("supersedes"),
            "ratings": json.dumps(record["ratings"]),
        }
        page = [
            f"<!doctype html>\n<html lang={quoteattr(record['language'])}>",
            f"<head><meta charset=utf-8><title>{html.escape(record['title'])} | Sample</title>",
            *(
                f"<meta name={name} content={quoteattr(value)}>"
                for name, value in metas.items()
                if value
            ),
            "<script type='application/ld+json'>",
            json.dumps({"@graph": [{"@type": "WebSite"}, described]}).replace("</", "<\\/"),
            "</script></head><body><header>Sample, a magazine</header>",
            "<nav><ul><li><a href=/>Home</a><li><a href=/all>All articles</a></ul></nav>",
            f"<main><article><h1>{html.escape(record['title'])}</h1>",
            *(
                f"<section><h2>{html.escape(section['heading'])}</h2>"
                f"<p>{html.escape(section['text'])}</p></section>"
                for section in record["sections"]
            ),
            "</article><section class=cards><h2>You May Also Like</h2>",
            "<article><h3>Another article</h3><p>Its first words</article></section></main>",
            "<footer><h2>About the magazine</h2><p>Printed on paper.</footer></body></html>",
        ]
        _write(folder / f"{record['id']}.html", "\n".join(page))
    return folder


HTML_SELECTORS = {
    "visible_from": "meta[name=visible-from]",
    "supersedes": "meta[name=supersedes]",
    "ratings": "meta[name=ratings]",
}


def _image_object(record: Raw) -> Raw | None:
    if "image" not in record:
        return None
    return {
        "@type": "ImageObject",
        "url": SITE + record["image"]["src"],
        "caption": record["image"]["alt"],
    }


def write_markdown(records: list[Raw], folder: Path) -> Path:
    for record in records:
        front = {name: value for name, value in record.items() if name != "sections"}
        if front.pop("status") == "draft":
            front["draft"] = True
        if "visible_from" in front:
            front["publishDate"] = front.pop("visible_from")
        lines = [
            f"{name}: {json.dumps(value, ensure_ascii=False)}" for name, value in front.items()
        ]
        parts = ["---", *lines, "---", ""]
        for section in record["sections"]:
            parts += [f"## {_markdown(section['heading'])}", "", _markdown(section["text"]), ""]
        _write(folder / f"{record['id']}.md", "\n".join(parts))
    return folder


def _markdown(text: str) -> str:
    escaped = re.sub(r"([\\`*_{}\[\]<>#&|~])", r"\\\1", text)
    return re.sub(r"(?m)^(\d+)([.)])|^([-+=])", r"\1\\\2\3", escaped)


def write_plain(records: list[Raw], folder: Path) -> Path:
    for record in records:
        figures = [f"{name.capitalize()}: {value}" for name, value in record["ratings"].items()]
        first, *others = record["sections"]
        parts = [
            record["title"],
            "\n".join([record["title"], *figures, first["heading"]]),
            first["text"],
        ]
        for section in others:
            parts += [section["heading"], section["text"]]
        parts += [
            "You May Also Like",
            "Another article\nAnother article",
            "1/2/2026",
            "Cut off in mid",
        ]
        parts += ["About the magazine", "Printed on paper."]
        _write(folder / f"{record['id']}.txt", "\n\n".join(parts))
    return folder


def write_rss(records: list[Raw], folder: Path) -> Path:
    items = []
    for record in records:
        day = dt.datetime.fromisoformat(record["date"]).replace(tzinfo=dt.UTC)
        fields = [
            f"<title>{escape(html.escape(record['title'], quote=False))}</title>",
            f"<link>{_url(record)}</link>",
            f"<guid isPermaLink='false'>{escape(record['id'])}</guid>",
            f"<pubDate>{email.utils.format_datetime(day)}</pubDate>",
            f"<dc:language>{record['language']}</dc:language>",
            *(f"<category>{escape(tag)}</category>" for tag in record["tags"]),
            f"<content:encoded>{escape(_content(record))}</content:encoded>",
        ]
        if "excerpt" in record:
            fields.append(f"<description>{escape(html.escape(record['excerpt']))}</description>")
        if "image" in record:
            fields.append(
                f"<media:content medium='image' url={quoteattr(SITE + record['image']['src'])}>"
                f"<media:description>{escape(record['image']['alt'])}</media:description>"
                "</media:content>"
            )
        items.append("<item>" + "".join(fields) + "</item>")
    _write(
        folder / "feed.xml",
        "<?xml version='1.0' encoding='utf-8'?>\n<rss version='2.0'"
        " xmlns:content='http://purl.org/rss/1.0/modules/content/'"
        " xmlns:dc='http://purl.org/dc/elements/1.1/' xmlns:media='http://search.yahoo.com/mrss/'>"
        "<channel><title>Sample</title><language>en</language>\n"
        + "\n".join(items)
        + "\n</channel></rss>",
    )
    return folder / "feed.xml"


def write_atom(records: list[Raw], folder: Path) -> Path:
    entries = []
    for record in records:
        fields = [
            f"<title>{escape(record['title'])}</title>",
            f"<id>{escape(record['id'])}</id>",
            f"<link rel='alternate' href='{_url(record)}'/>",
            f"<published>{record['date']}T00:00:00Z</published>",
            *(f"<category term={quoteattr(tag)}/>" for tag in record["tags"]),
            f"<content type='html'>{escape(_content(record))}</content>",
        ]
        if "excerpt" in record:
            fields.append(f"<summary>{escape(record['excerpt'])}</summary>")
        entries.append(f"<entry xml:lang='{record['language']}'>" + "".join(fields) + "</entry>")
    _write(
        folder / "feed.atom",
        "<feed xmlns='http://www.w3.org/2005/Atom'>" + "\n".join(entries) + "</feed>",
    )
    return folder / "feed.atom"


def write_json_feed(records: list[Raw], folder: Path) -> Path:
    items = [
        {
            "id": record["id"],
            "url": _url(record),
            "title": record["title"],
            "content_html": _content(record),
            "summary": record.get("excerpt"),
            "image": SITE + record["image"]["src"] if "image" in record else None,
            "date_published": f"{record['date']}T00:00:00Z",
            "tags": record["tags"],
            "language": record["language"],
        }
        for record in records
    ]
    feed = {"version": "https://jsonfeed.org/version/1.1", "title": "Sample", "items": items}
    _write(folder / "feed.json", json.dumps(feed))
    return folder / "feed.json"


def _url(record: Raw) -> str:
    return f"{SITE}/{quote(record['id'])}"


def _content(record: Raw) -> str:
    return "\n".join(
        f"<h2>{html.escape(section['heading'])}</h2>\n<p>{html.escape(section['text'])}</p>"
        for section in record["sections"]
    )


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


Writer = Callable[[list[Raw], Path], Path]
