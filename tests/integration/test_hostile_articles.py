"""Attacks on what readers get: hostile articles, addresses and headers, through the whole app."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from index.root.root import Root
from service.roles import Role
from tests.support.articles import prose
from tests.support.builds import publish
from tests.support.editor_site import Desk, open_desk
from tests.support.hostile_articles import LINKS, PAYLOADS, hostile_records

FINE = "/v1/related?id=fine-1&limit=50&fallback=newest&min_score=0"
ALLOWED = {"section", "h2", "h3", "ul", "li", "img", "div", "a", "time", "p", "span"}
ATTRIBUTES = {
    "class", "lang", "href", "src", "alt", "loading", "decoding", "aria-hidden", "aria-label",
    "dir", "datetime", "role", "tabindex", "data-initial",
}  # fmt: skip
BIDI = re.compile("[\u202a-\u202e\u2066-\u2069]")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hostile")
    root = Root(folder / "root")
    publish(root, folder, hostile_records())
    return root.path


@pytest.fixture(scope="module")
def desk(site: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with open_desk(site, tmp_path_factory.mktemp("desk"), max_body_kb=64) as opened:
        yield opened


class Page(HTMLParser):
    """Every tag with its attributes, as a browser reads them."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def pages(desk: Desk) -> list[str]:
    """Every article of the live build."""
    build = desk.root.open()
    return [build.article_id(row) for row in range(build.count)]


def is_harmless(url: str) -> bool:
    """Whether a browser on any page takes it for a web address, or one of the site's own."""
    parts = urlsplit(url)
    if parts.scheme:
        return parts.scheme in ("http", "https") and bool(parts.hostname)
    return not re.match(r"[/\\]{2}", url) and url[:1] in "/.?"


# What articles hold


def test_a_fragment_of_hostile_articles_is_the_section_and_nothing_else(desk: Desk) -> None:
    seen = set()
    for article_id in pages(desk):
        parameters = {"id": article_id, "limit": 50, "fallback": "newest", "min_score": 0}
        answer = desk.client.get("/v1/related.html", params=parameters)
        assert answer.status_code == 200
        page = Page(answer.text)
        for tag, attributes in page.tags:
            assert tag in ALLOWED
            assert set(attributes) <= ATTRIBUTES
            for name in ("href", "src"):
                assert is_harmless(attributes.get(name) or "/")
        assert not BIDI.search(answer.text)
        seen.update(re.findall(r"Image \d+|Id \d+", page.text))
    assert {f"Image {number}" for number in range(len(LINKS))} <= seen


def test_json_of_hostile_articles_is_json_that_no_browser_takes_for_a_page(desk: Desk) -> None:
    for article_id in pages(desk):
        answer = desk.client.get("/v1/related", params={"id": article_id, "limit": 50})
        assert answer.headers["content-type"] == "application/json"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        for item in answer.json()["items"]:
            assert is_harmless(item["url"])
            assert item["image"] is None or is_harmless(item["image"]["src"])
            assert not BIDI.search(item["title"] + item["excerpt"])
            assert "\n" not in item["title"]


def test_the_api_s_page_shows_a_hostile_id_as_text(desk: Desk) -> None:
    answer = desk.client.get("/docs")
    page = Page(answer.text)
    assert {tag for tag, _ in page.tags}.isdisjoint({"script", "iframe", "img", "base", "form"})
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert not [name for _, found in page.tags for name in found if name.startswith("on")]


def test_editors_get_hostile_texts_as_json_and_csv_that_runs_nowhere(desk: Desk) -> None:
    for payload in PAYLOADS[:8]:
        answer = desk.ask(
            "PUT",
            "/v1/overrides",
            params={"article_id": payload, "target_id": "fine-1"},
            json={"kind": "hide", "reason": payload},
            headers={"If-Match": "*"},
        )
        assert answer.headers["content-type"] == "application/json"
        assert answer.json()["items"][0]["reason"] == payload
        preview = desk.ask("GET", "/v1/preview", params={"id": payload})
        assert preview.headers["x-content-type-options"] == "nosniff"
    sheet = desk.ask("GET", "/v1/audit.csv")
    assert sheet.headers["content-disposition"] == 'attachment; filename="audit.csv"'
    assert sheet.headers["x-content-type-options"] == "nosniff"


def test_an_error_says_what_was_wrong_as_json_and_not_at_length(desk: Desk) -> None:
    for payload in [*PAYLOADS, "x" * 3_000]:
        for path in (
            f"/v1/related?id=fine-1&limit={quote(payload)}",
            f"/v1/articles/{quote(payload, safe='')}/no-such-thing",
            f"/{quote(payload, safe='')}",
        ):
            answer = desk.client.get(path)
            assert answer.status_code in (404, 422)
            assert answer.headers["content-type"] == "application/problem+json"
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert len(answer.content) < 700


def test_a_title_of_a_megabyte_is_a_card_of_no_more_than_a_title(tmp_path: Path) -> None:
    root = Root(tmp_path / "root")
    long = [
        {"id": f"long-{number}", "title": "word " * 200_000, "summary": prose(number)}
        for number in range(3)
    ]
    fine = [
        {"id": f"fine-{number}", "title": f"Piece {number}", "summary": prose(9 + number)}
        for number in range(9)
    ]
    publish(root, tmp_path, [*long, *fine])
    with open_desk(root.path, tmp_path) as desk:
        answer = desk.client.get("/v1/related?id=fine-1&limit=50&fallback=newest&min_score=0")
        assert len(answer.content) < 40_000
        section = desk.client.get(answer.url.path + ".html", params={"id": "fine-1"})
        assert len(section.content) < 40_000


# Addresses


@pytest.mark.parametrize(
    "path",
    [
        "/v1/articles/10.1/a%2Foverrides%2Fb/related",
        "/v1/articles/..%2f..%2f..%2fetc%2fpasswd/related",
        "/v1/articles/%2e%2e/related",
        "/v1/articles/../../../etc/passwd",
        "/v1/articles/fine-1%00.html/related",
        "/v1/articles/fine-1%2frelated",
        "/v1/articles//related",
        "/../service/settings.py",
        "/%2e%2e/%2e%2e/etc/passwd",
        "/widget.js/../../service/app.py",
        "/widget.js%00.css",
        "/static/..%5c..%5capp.py",
        "//evil.example/widget.js",
        "/v1/builds/..%2f..%2fCURRENT/report",
        "/v1/builds/../report",
        "/v1/builds/.unfinished-20200101T000000Z-000000/report",
        "/alsolike.sqlite",
        "/CURRENT",
        "/.git/config",
    ],
)
def test_no_address_leads_out_of_the_routes(desk: Desk, path: str) -> None:
    status, content = ask_as_written(desk, path)
    assert status in (404, 422), content
    assert b"root:" not in content
    assert b"import" not in content
    assert str(desk.settings.root).encode() not in content


def ask_as_written(desk: Desk, target: str) -> tuple[int, bytes]:
    """A GET of an address that no client tidies up first; its status and body."""
    authorization = f"Bearer {desk.tokens[Role.ADMIN]}".encode()
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": unquote(target),
        "raw_path": target.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [(b"host", b"testserver"), (b"authorization", authorization)],
        "client": ("127.0.0.1", 50_000),
        "server": ("testserver", 80),
    }
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    assert desk.client.portal is not None
    desk.client.portal.call(desk.client.app, scope, receive, send)
    return sent[0]["status"], b"".join(message.get("body", b"") for message in sent)


def test_an_id_with_slashes_names_its_article_and_no_other_route(desk: Desk) -> None:
    hostile = "10.1/a%2Foverrides%2Fb"
    change = {"visible": False, "ahead": True}
    answer = desk.ask("PUT", "/v1/visibility", params={"id": hostile}, json=change)
    assert answer.json()["article_id"] == hostile
    [item] = desk.ask("GET", "/v1/takedowns").json()["items"]
    assert item["article_id"] == hostile
    assert desk.client.delete(f"/v1/articles/{hostile}/overrides").status_code == 404


# Headers


POISON = [
    ("Host", "evil.example"),
    ("X-Forwarded-Host", "evil.example"),
    ("X-Forwarded-Proto", "javascript"),
    ("X-Forwarded-Prefix", "/evil"),
    ("X-Forwarded-For", "127.0.0.1"),
    ("Forwarded", "host=evil.example;proto=javascript"),
    ("X-Original-URL", "/v1/audit"),
    ("X-Rewrite-URL", "/v1/audit"),
    ("X-HTTP-Method-Override", "DELETE"),
    ("X-Host", "evil.example"),
    ("Origin", "https://evil.example"),
    ("Referer", "https://evil.example/<script>"),
    ("User-Agent", "<script>alert(1)</script>"),
    ("Accept-Language", "de-DE"),
    ("Cookie", "alsolike-session=x; a=b"),
    ("Authorization", "Bearer als_00000000_guess"),
    ("Range", "bytes=0-1"),
    ("Accept", "text/html"),
    ("X-Remote-User", "admin"),
]


@pytest.mark.parametrize(("name", "value"), POISON)
def test_no_header_changes_what_a_cache_would_keep_for_others(
    desk: Desk, name: str, value: str
) -> None:
    for path in (FINE, FINE.replace("related?", "related.html?"), "/widget.js", "/docs"):
        plain, poisoned = desk.client.get(path), desk.client.get(path, headers={name: value})
        assert poisoned.status_code == 200
        assert poisoned.content == plain.content
        for answer in (plain, poisoned):
            answer.headers.pop("x-request-id", None)
        assert poisoned.headers == plain.headers
        assert "evil" not in str(poisoned.headers)


def test_what_does_change_an_answer_is_named_by_vary(
    desk: Desk, site: Path, tmp_path: Path
) -> None:
    plain = desk.client.get(FINE, headers={"Accept-Encoding": "identity"})
    packed = desk.client.get(FINE, headers={"Accept-Encoding": "gzip"})
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.content == plain.content, "unpacked by the client"
    for answer in (plain, packed):
        assert "Accept-Encoding" in answer.headers["vary"]
    with open_desk(site, tmp_path, cors_origins=["https://site.example"]) as narrow:
        for origin in ("https://site.example", "https://evil.example", "null", ""):
            answer = narrow.client.get(FINE, headers={"Origin": origin} if origin else {})
            assert "Origin" in answer.headers["vary"]
            allowed = answer.headers.get("access-control-allow-origin")
            assert allowed == (
                "https://site.example" if origin.startswith("https://site") else None
            )


def test_no_page_of_another_origin_is_let_at_an_editors_route(desk: Desk) -> None:
    document = desk.client.get("/openapi.json").json()
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if "security" not in operation or path == "/v1/related":
                continue
            asked = desk.client.options(
                path.replace("{name}", "20200101T000000Z-000000"),
                headers={
                    "Origin": "https://evil.example",
                    "Access-Control-Request-Method": method.upper(),
                    "Access-Control-Request-Headers": "authorization, content-type",
                },
            )
            assert asked.status_code == 405
            assert not [name for name in asked.headers if name.startswith("access-control")]


@hypothesis_settings(max_examples=50)
@given(value=st.binary(max_size=40), where=st.sampled_from(["id", "limit", "language", "exclude"]))
def test_nothing_in_an_address_gets_into_the_headers_of_the_answer(
    desk: Desk, value: bytes, where: str
) -> None:
    injected = b"\r\nSet-Cookie: evil=1\r\n\r\n" + value
    answer = desk.client.get(f"/v1/related?{where}={quote(injected)}&id=fine-1")
    assert "set-cookie" not in answer.headers
    assert answer.status_code == 422
    json.loads(answer.content)


@pytest.mark.parametrize(
    "name", ["a b", "a\tb", "<script>", "x" * 5_000, "é", "evil\x0bSet-Cookie: a=b"]
)
def test_a_request_s_name_comes_back_only_if_it_is_one(desk: Desk, name: str) -> None:
    answer = desk.client.get(FINE, headers={"X-Request-ID": name.encode("latin-1")})
    assert re.fullmatch(r"[A-Za-z0-9._-]{1,200}", answer.headers["x-request-id"])
    assert answer.headers["x-request-id"] != name


# Bodies


def deep(depth: int) -> bytes:
    return b'{"visible":' * depth + b"1" + b"}" * depth


BODIES: list[Any] = [
    b"",
    b"null",
    b"[]",
    b'"visible"',
    b"{",
    b"\xff\xfe",
    b'{"visible": false, "reason": "\xff"}',
    b'{"visible": false, "reason": "\\ud800"}',
    b'{"visible": NaN}',
    b'{"visible": ' + b"9" * 5_000 + b"}",
    b'{"visible": false, "until": "' + b"9" * 5_000 + b'"}',
    deep(2_000),
    b'{"visible": false, "visible": true, "__proto__": {}}',
    b'{"visible": "false"}',
    b'{"visible": 0}',
]


@pytest.mark.parametrize("body", BODIES)
def test_a_body_that_is_no_decision_is_a_problem_and_decides_nothing(
    desk: Desk, body: bytes
) -> None:
    before = desk.ask("GET", "/v1/audit").json()["items"][0]
    for content_type in ("application/json", "text/plain", "application/xml", "", "a/b/c; =;"):
        answer = desk.ask(
            "PUT",
            "/v1/visibility?id=fine-1",
            content=body,
            headers={"Content-Type": content_type},
        )
        assert answer.status_code in (400, 422), answer.text
        assert answer.headers["content-type"] == "application/problem+json"
        assert len(answer.content) < 700
    assert desk.ask("GET", "/v1/audit").json()["items"][0] == before


def test_a_body_beyond_the_limit_is_refused_before_it_is_read(desk: Desk) -> None:
    for method, path in (("PUT", "/v1/visibility?id=fine-1"), ("POST", "/v1/undo")):
        answer = desk.ask(method, path, content=b'{"reason": "' + b"x" * 70_000 + b'"}')
        assert answer.status_code == 413
        assert "64 KiB" in answer.json()["detail"]
