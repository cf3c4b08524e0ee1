"""Whole documents of every kind of source, each with one hostile value in a field of its own.

``DOCUMENTS`` has a maker per kind of the registry: it draws a document, puts it where the source
reads it, and gives the ``[[source]]`` table.
"""

from __future__ import annotations

import datetime as dt
import decimal
import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from tests.support.http_site import Site, page

Draw = Callable[[st.SearchStrategy[Any]], Any]

FIELDS = (
    *("id", "title", "url", "summary", "sections", "excerpt", "image", "date", "status"),
    *("visible_from", "visible_until", "supersedes", "language", "tags", "ratings", "authors"),
    "unknown",
)
ARTICLE = {"id": "a", "title": "A title", "summary": "Words of the sea.", "date": "2026-01-02"}

TEXTS = {
    "numbers": (
        *("9" * 5000, "-" + "9" * 400, "0x" + "f" * 5000, "0b" + "1" * 20_000, "1" + "0" * 400),
        *("1:" * 2000 + "1", "1e400", "1e999999999", "NaN", "-Infinity", ".inf", ".nan", "1_000"),
    ),
    "dates": (
        *("0000-00-00", "0000-01-01", "2026-02-30", "10000-01-01", "-0044-03-15", "24:60:60"),
        *("99999999999999", "-99999999999999", "-62135596801", "253402300800", "1700000000000"),
        *("1700000000000000", "1700000000000000000", "9223372036854775808", "1e18", "infinity"),
        *("2026-01-01T00:00:00+99:99", "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59"),
    ),
    "mail dates": (
        *("Mon, 01 Jan 99999999999999 00:00:00 GMT", "Mon, 01 Jan 2024 00:00:00 +9999999999"),
        *("Mon, 99 Foo 0000 99:99:99 +99:99", "Mon, 01 Jan 0000 00:00:00 GMT", "1 2 3 4 5", ","),
    ),
    "marks": (
        *("\0", "\x1b[2J\r\n2026-01-01 ERROR forged", "\u202e", "\ufeff", "\u2028", "\x85", "\r"),
        *("\n", "  ", "'", '"', "'''", '"""', "\\", "\\u0000", "\\ud800", "-", "true", "null"),
    ),
    "nesting": (
        *("[" * 3000, "[" * 1000 + "]" * 1000, '{"a":' * 2000, "[" + "[]," * 110_000 + "1]", "["),
        *("[1" + ",1" * 3000 + "]", '{"text": 3}', '[{"heading": [], "text": {}}]', '{"src": []}'),
    ),
    "entities": ("&#" + "9" * 5000 + ";", "&#xD800;", "&#0;", "&" * 3000),
    "markup": (
        *("<" * 3000, "<!--" * 2000, "]]>", "![" * 3000, "*a **" * 2000, "`a``" * 2000, "{{<"),
        *("%}", "a" * 70_000, "é" * 40_000, "😀" * 3000),
    ),
    "links": (
        *("http://[", "http://[::1", "//x", "javascript:alert(1)", "http://x:99999999", "/%"),
        *("%s{id}", "../../etc/passwd", "..", ".", "a/../b", "\\x", "en-" + "x" * 3000, "zz_ZZ_zz"),
    ),
    "yaml": (
        *("&a [*a, *a]", "*a", "<<: *a", "!!python/object:os.system x", "!!binary x", "? [a]"),
        *("{a: b}", "{"),
    ),
}
"""Values that broke a reader somewhere, and their kin."""

RAW_JSON = (
    *("9" * 5000, "-" + "9" * 400, "1e400", "-1e400", "1E+999999999", "NaN", "Infinity", "true"),
    *(
        "null",
        "{}",
        "[]",
        "[[[[]]]]",
        "[" * 200 + "]" * 200,
        '{"a":' * 90 + "1" + "}" * 90,
        "[null]",
    ),
    *('"\\ud800"', '"\\u0000"', '{"rendered": 3}', '{"rendered": "<p>x"}', '{"@value": []}', "0.0"),
    *(
        "[" + "{}," * 3000 + "1]",
        "[" + "[]," * 110_000 + "1]",
        '["a", 1, null, {}]',
        '{"a": 1e400}',
    ),
    *('{"a": 1, "a": 2}', "1,2", '"', "1}", "-0", "1.7976931348623157e309", "99999999999999999999"),
)
"""The same where a value has a type, and what is no value at all."""

_UNITS = ("[", "(", "<a ", "<b>", "&#", "\\", "- ", "> ", "a|", "{", '"', "\n", " ", "9", "é", "](")


def texts(likely: str = "") -> st.SearchStrategy[str]:
    """A value as text, half of them of the kind that is likely to hurt where it stands."""
    groups = [st.sampled_from(values) for values in TEXTS.values()]
    return st.one_of(
        *groups,
        *([st.sampled_from(TEXTS[likely])] * len(groups) if likely else []),
        st.builds(lambda unit, count: unit * count, st.sampled_from(_UNITS), st.integers(1, 3000)),
        st.text(max_size=20),
        st.integers().map(str),
        st.floats().map(str),
        st.datetimes().map(str),
    )


def raw_json() -> st.SearchStrategy[str]:
    """A value as it stands in JSON, or something that is none."""
    return st.one_of(
        st.sampled_from(RAW_JSON),
        st.sampled_from(RAW_JSON),
        texts().map(json.dumps),
        st.text("[]{},1"),
    )


def typed() -> st.SearchStrategy[Any]:
    """A value of a type that a database or a table of columns has."""
    return st.one_of(
        texts().map(lambda text: text.encode(errors="replace").decode()),
        st.binary(max_size=20),
        st.integers(-(2**63), 2**63 - 1),
        st.floats(),
        st.booleans(),
        st.none(),
    )


def in_json(draw: Draw, fields: tuple[str, ...], article: dict[str, Any]) -> str:
    """An object with one hostile value."""
    name = draw(st.sampled_from(fields))
    members = [f"{json.dumps(key)}: {json.dumps(value)}" for key, value in article.items()]
    if draw(st.booleans()):  # else it occurs twice
        members = [text for text in members if not text.startswith(f'"{name}"')]
    members.append(f"{json.dumps(name)}: {draw(raw_json())}")
    return "{" + ", ".join(members) + "}"


def damaged(draw: Draw, text: str) -> bytes:
    """A document's bytes, now and then cut off, with a byte order mark, or in another encoding."""
    content = text.encode(errors=draw(st.sampled_from(["replace", "surrogatepass"])))
    way = draw(st.integers(0, 15))
    if way == 0:
        return content[: draw(st.integers(0, len(content)))]
    if way == 1:
        return draw(st.sampled_from([b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff", b"\x00"])) + content
    if way == 2:
        return text.encode(draw(st.sampled_from(["utf-16", "utf-32", "utf-7"])), errors="replace")
    return content


def jsonl(draw: Draw, folder: Path, site: Site) -> dict[str, Any]:
    text = "\n".join([json.dumps(ARTICLE), in_json(draw, FIELDS, ARTICLE), json.dumps(ARTICLE)])
    return _file(folder, "a.jsonl", damaged(draw, text), "jsonl")


def csv(draw: Draw, folder: Path, site: Site) -> dict[str, Any]:
    name = draw(st.sampled_from(FIELDS))
    row = {**ARTICLE, name: draw(st.one_of(texts(), raw_json()))}
    quoted = draw(st.booleans())
    cells = [f'"{cell.replace(chr(34), chr(34) * 2)}"' if quoted else cell for cell in row.values()]
    text = "\n".join([",".join(row), ",".join(cells), ",".join(ARTICLE.values())])
    return _file(folder, "a.csv", damaged(draw, text), "csv")


def markdown(draw: Draw, folder: Path, site: Site) -> dict[str, Any]:
    names = (
        *(*FIELDS, "slug", "draft", "published", "publishDate", "expiryDate", "categories"),
        *("permalink", "robots", "sitemap", "redirect", "build", "head", "aliases", "path"),
    )
    name, value = draw(st.sampled_from(names)), draw(st.one_of(texts("numbers"), raw_json()))
    fence, sign = draw(st.sampled_from([("---", ":"), ("+++", " ="), ("{", ":")]))
    front = [f'title{sign} "T"', f"{name}{sign} {value}"][draw(st.integers(0, 1)) :]
    if fence == "{":
        front = [f'"title": "T", "{name}": {value}']
    closing = {"{": "}"}.get(fence, fence)
    text = "\n".join([fence, *front, closing, "# Heading", "Words of the sea.", draw(texts())])
    return _file(folder, "a.md", damaged(draw, text), "markdown")


def html(draw: Draw, folder: Path, site: Site) -> dict[str, Any]:
    value = draw(st.one_of(texts(), raw_json()))
    described = {"@type": "Article", "headline": "T", "datePublished": "2026-01-02"}
    names = (*described, "url", "image", "author", "keywords", "expires", "articleBody", "@graph")
    places = {
        "ld": f"<script type='application/ld+json'>{in_json(draw, names, described)}</script>",
        "meta": f'<meta property="article:published_time" content="{value}">',
        "charset": f"<meta charset={draw(st.sampled_from(['utf-7', 'hex', 'idna', 'x', value]))}>",
        "time": f"<time datetime='{value}'>",
        "h1": f"<h1>{value}</h1>",
        "lang": f"<div lang='{value}' class='{value}'>",
        "link": f'<link rel=canonical href="{value}">',
        "text": value,
    }
    chosen = places[draw(st.sampled_from(sorted(places)))]
    text = f"<html><head>{chosen}</head><body><h1>T</h1><p>Words{chosen}</p></body></html>"
    return _file(folder, "a.html", damaged(draw, text), "html")


def plain(draw: Draw, folder: Path, site: Site) -> dict[str, Any]:
    text = f"Title\n\nInterest: {draw(texts())}\n\nHeading\n\n{draw(texts())}\n\nWords of the sea."
    return _file(folder, "a.txt", damaged(draw, text), "plain")


def feed(draw: Draw, folder: Path, site: Site) -> dict[str, Any]:
    if draw(st.integers(0, 2)) == 0:
        item = {"id": "a", "title": "T", "content_text": "Words", "date_published": "2026-01-02"}
        names = (*item, "url", "image", "authors", "tags", "summary", "language", "content_html")
        text = f'{{"items": [{in_json(draw, names, item)}, {json.dumps(item)}], "next_url": 3}}'
    else:
        name = draw(
            st.sampled_from(["title", "link", "guid", "category", "description", *["pubDate"] * 5])
        )
        value = draw(texts("mail dates" if name == "pubDate" else ""))
        escaped = value.replace("&", "&amp;").replace("<", "&lt;")
        given = draw(st.sampled_from([value, escaped, f"<![CDATA[{value}]]>"]))
        encoding = draw(st.sampled_from([*["utf-8"] * 12, "x-none", "utf-7", "utf-16"]))
        item = f"<item><title>T</title><guid>a</guid><{name}>{given}</{name}></item>"
        text = (
            f"<?xml version='1.0' encoding='{encoding}'?><rss xmlns:dc='http://purl.org/dc/"
            f"elements/1.1/'><channel>{item}<item><title>U</title><guid>b</guid></item>"
            "</channel></rss>"
        )
    content = damaged(draw, text)
    if draw(st.integers(0, 3)):
        return _file(folder, "feed.xml", content, "feed")
    return _served(draw, site, "/feed", content, {"kind": "feed"})


def _would_be_waited(delay: str) -> bool:
    """Tells whether a reader keeps this delay between two requests, which takes its time."""
    try:
        return float(delay.partition("#")[0]) < 1_000
    except ValueError:
        return False


def sitemap(draw: Draw, folder: Path, site: Site) -> dict[str, Any]:
    value = draw(texts("links"))
    escaped = value.replace("&", "&amp;").replace("<", "&lt;")
    entry = "<url><loc>{0}/a</loc><lastmod>{1}</lastmod>{2}</url>"
    name = draw(st.sampled_from(["loc", "link", "image", "news", "lastmod", "title"]))
    more = f"<{name} href='{escaped}' hreflang='{escaped}'><title>{escaped}</title></{name}>"
    lastmod = draw(st.sampled_from(["2026-01-02", escaped]))
    text = f"<urlset>{entry.format(site.url, lastmod, more)}</urlset>"
    delay = "0.01" if _would_be_waited(value) else value
    rules = draw(
        st.sampled_from([f"Disallow: {value}", f"Crawl-delay: {delay}", value, "Allow: /"])
    )
    site.pages["/robots.txt"] = page(f"User-agent: *\n{rules}\n")
    site.pages["/a"] = page(
        damaged(draw, f"<h1>T</h1><p>Words {value}"), Content_Type="text/html", X_Robots_Tag="all"
    )
    table = {"kind": "sitemap", "delay": 0}
    served = _served(draw, site, "/sitemap.xml", damaged(draw, text), table)
    return {**served, "url": f"{site.url}/sitemap.xml"}


def wordpress(draw: Draw, folder: Path, site: Site) -> dict[str, Any]:
    post = {
        "id": 1,
        "title": {"rendered": "T"},
        "content": {"rendered": "<p>Words"},
        "link": "/a",
        "status": "publish",
        "date_gmt": "2026-01-02T03:04:05",
        "_embedded": {},
    }
    names = (*post, "excerpt", "date", "slug", "language")
    text = f"[{in_json(draw, names, post)}, {json.dumps({**post, 'id': 2})}]"
    headers = {"X_WP_Total": "2", "X_WP_TotalPages": "1", "Content_Type": "application/json"}
    return _served(
        draw, site, "/wp-json/wp/v2/posts", damaged(draw, text), {"kind": "wordpress"}, headers
    )


def json_document(draw: Draw, folder: Path, site: Site) -> dict[str, Any]:
    items = ", ".join([json.dumps(ARTICLE), in_json(draw, FIELDS, ARTICLE), json.dumps(ARTICLE)])
    around = draw(st.sampled_from(["[%s]", '{"articles": [%s]}', '{"a": {"b": [%s]}, "c": [1]}']))
    return _file(folder, "a.json", damaged(draw, around % items), "json")


def ghost(draw: Draw, folder: Path, site: Site) -> dict[str, Any]:
    post = {"id": "a", "title": "T", "slug": "a", "html": "<p>Words", "status": "published"}
    names = (
        *(*post, "visibility", "published_at", "custom_excerpt", "feature_image", "canonical_url"),
        *("type", "page", "password", "author_id", "codeinjection_head", "plaintext"),
    )
    tag = in_json(draw, ("id", "name", "slug"), {"id": "t", "name": "Sea", "slug": "sea"})
    data = (
        f'{{"tags": [{tag}], "posts_tags": [{{"post_id": "a", "tag_id": "t"}}, 3], '
        f'"posts": [{in_json(draw, names, post)}, {json.dumps({**post, "id": "b"})}]}}'
    )
    around = draw(st.sampled_from(['{"db": [{"data": %s}]}', '{"data": %s}']))
    return _file(folder, "a.json", damaged(draw, around % data), "ghost")


def wxr(draw: Draw, folder: Path, site: Site) -> dict[str, Any]:
    fields = {
        "title": "T",
        "link": "https://blog.example/a/",
        "content:encoded": "<p>Words",
        "wp:post_id": "1",
        "wp:post_date_gmt": "2026-01-02 03:04:05",
        "wp:status": "publish",
        "wp:post_type": "post",
    }
    names = (*fields, "pubDate", "guid", "dc:creator", "category", "excerpt:encoded", "wp:postmeta")
    name, value = draw(st.sampled_from(names)), draw(texts("mail dates"))
    escaped = value.replace("&", "&amp;").replace("<", "&lt;")
    given = draw(st.sampled_from([value, escaped, escaped, f"<![CDATA[{value}]]>"]))
    items = [
        "".join(f"<{key}>{text}</{key}>" for key, text in {**fields, **changed}.items())
        for changed in ({name: given}, {"wp:post_id": "2"})
    ]
    text = (
        '<rss xmlns:wp="http://wordpress.org/export/1.2/" xmlns:dc="http://purl.org/dc/elements/'
        '1.1/" xmlns:excerpt="http://wordpress.org/export/1.2/excerpt/" xmlns:content='
        '"http://purl.org/rss/1.0/modules/content/"><channel><wp:wxr_version>1.2</wp:wxr_version>'
        f"<item>{items[0]}</item><item>{items[1]}</item></channel></rss>"
    )
    return _file(folder, "a.xml", damaged(draw, text), "wxr")


def sql(draw: Draw, folder: Path, site: Site) -> dict[str, Any]:
    path = folder / "a.sqlite"
    path.unlink(missing_ok=True)
    name, value = draw(st.sampled_from(FIELDS)), draw(typed())
    rows = [ARTICLE, {**ARTICLE, name: value}]
    names = [*ARTICLE, *({name} - set(ARTICLE))]
    with closing(sqlite3.connect(path)) as database:
        database.execute(f"CREATE TABLE t ({', '.join(names)})")
        for row in rows:
            database.execute(
                f"INSERT INTO t VALUES ({', '.join('?' * len(names))})",
                [row.get(each) for each in names],
            )
        database.commit()
    as_text = draw(st.sampled_from(["*", f"*, CAST({name} AS TEXT) AS other"]))
    return {"kind": "sql", "url": f"sqlite:///{path}", "query": f"SELECT {as_text} FROM t"}


def parquet(draw: Draw, folder: Path, site: Site) -> dict[str, Any]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    name = draw(st.sampled_from(FIELDS))
    integer = draw(st.integers(-(2**63), 2**63 - 1))
    ways: dict[str, Callable[[], Any]] = {
        "typed": lambda: pa.array([draw(typed()), None]),
        "json": lambda: pa.array([draw(raw_json().map(_clean)), None]),
        "decimal": lambda: pa.array([decimal.Decimal(integer).scaleb(-5), None]),
        "nested": lambda: pa.array([[{"text": draw(typed()), "more": [[integer]]}], None]),
        "binary": lambda: pa.array([b"\xff\xfe", None]).cast(pa.string(), safe=False),
        "date": lambda: pa.array([integer % 2**31, None], pa.int32()).cast(pa.date32()),
        **{
            f"{kind} {unit}": lambda kind=kind, unit=unit: pa.array(
                [integer, None], pa.int64()
            ).cast(getattr(pa, kind)(unit))
            for kind in ("timestamp", "duration")
            for unit in ("s", "ms", "us", "ns")
        },
        "map": lambda: pa.array([[("a", integer)], None], pa.map_(pa.string(), pa.int64())),
        "day": lambda: pa.array([dt.date.max, None]),
    }
    columns = {key: [value, value] for key, value in ARTICLE.items()}
    try:
        columns[name] = ways[draw(st.sampled_from(sorted(ways)))]()
        pq.write_table(pa.table(columns), folder / "a.parquet")
    except (pa.ArrowException, ValueError, TypeError):  # no file can hold it
        pq.write_table(pa.table({"id": ["a"], "title": ["T"]}), folder / "a.parquet")
    content = (folder / "a.parquet").read_bytes()
    if draw(st.integers(0, 3)) == 0:
        at = draw(st.integers(0, len(content) - 1))
        content = content[:at] + draw(st.binary(max_size=8)) + content[at + 1 :]
    return _file(folder, "a.parquet", content, "parquet")


def _clean(text: str) -> str:
    return text.encode(errors="replace").decode()


def _file(folder: Path, name: str, content: bytes, kind: str) -> dict[str, Any]:
    (folder / name).write_bytes(content)
    return {"kind": kind, "path": str(folder / name)}


_HEADERS = {
    "Retry_After": (
        "9" * 400,
        "-1",
        "Mon, 01 Jan 99999999999999 00:00:00 GMT",
        "1e400",
        "\xb2",
        "",
    ),
    "Content_Type": ("application/json; charset=none", "text/html; charset=\xff", "json" * 999),
    "Content_Encoding": ("gzip", "br", "\xff", "gzip, gzip"),
    "Link": ('<http://[>; rel="next"', "<" * 999),
    "Location": ("http://[", "//", "\xff", "/feed"),
    "ETag": ('"' * 9999, "\xff", "W/"),
    "X_WP_Total": ("9" * 400, "-1", "\xb2", "1.5"),
    "X_WP_TotalPages": ("9" * 400, "-1", "0", "999999999"),
    "Transfer_Encoding": ("chunked", "gzip"),
}


def _served(
    draw: Draw,
    site: Site,
    path: str,
    content: bytes,
    table: dict[str, Any],
    headers: dict[str, str] | None = None,
) -> dict[str, Any]:
    """An answer of a server, now and then with a hostile header."""
    given = dict(headers or {})
    status = 200
    if draw(st.integers(0, 3)) == 0:
        name = draw(st.sampled_from(sorted(_HEADERS)))
        given[name] = draw(st.sampled_from(_HEADERS[name]))
        status = draw(st.sampled_from([200, 200, 302, 404, 503]))
    site.pages[path] = page(content, status, **given)
    url = site.url + (path if table["kind"] == "feed" else "")
    return {**table, "url": url, "private": ["127.0.0.1"], "attempts": 1, "timeout": 5.0}


DOCUMENTS: dict[str, Callable[[Draw, Path, Site], dict[str, Any]]] = {
    "csv": csv,
    "feed": feed,
    "ghost": ghost,
    "html": html,
    "json": json_document,
    "jsonl": jsonl,
    "markdown": markdown,
    "parquet": parquet,
    "plain": plain,
    "sitemap": sitemap,
    "sql": sql,
    "wordpress": wordpress,
    "wxr": wxr,
}
