"""The demo site: what a newcomer clicks through."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from starlette.testclient import TestClient
from typer.testing import CliRunner

from index.root.root import Root
from service.cli.alsolike import app
from service.demo.site import (
    SAMPLE,
    SAMPLE_ARTICLE,
    SAMPLE_SOURCE,
    create_demo_site,
    sample_content,
)
from service.settings import Settings
from tests.support.service_process import Answer, alsolike, free_ports, get, until

RECORDS: list[dict[str, Any]] = [
    json.loads(line) for line in SAMPLE_SOURCE.read_text().splitlines()
]
PUBLISHED = [
    record for record in RECORDS if record["status"] == "published" and "visible_from" not in record
]
NOBODY = "http://127.0.0.1:9"


def path(article_id: str) -> str:
    return "/" + quote(article_id)


@pytest.fixture(scope="module")
def site() -> TestClient:
    """The site while its service is away."""
    return TestClient(create_demo_site(sample_content(Settings()), Settings(), NOBODY))


@pytest.fixture(scope="module")
def addresses(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """A running demo: the service's address and the site's."""
    folder = tmp_path_factory.mktemp("demo")
    port = free_ports()
    with alsolike("demo", "--model", "hashing:256", "--port", str(port), folder=folder):
        service, site = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{port + 1}"
        until(lambda: ready(service))
        yield service, site


def ready(service: str) -> bool:
    answer = get(f"{service}/readyz")
    return answer is not None and answer.status == 200


def found(url: str) -> Answer:
    answer = get(url)
    assert answer is not None, f"nobody answers at {url}"
    return answer


def test_every_published_article_has_a_page(site: TestClient) -> None:
    assert len(PUBLISHED) > 100
    for record in PUBLISHED:
        answer = site.get(path(record["id"]))
        assert answer.status_code == 200, record["id"]
        text = unescape(answer.text)
        assert record["title"] in text
        assert all(section["text"] in text for section in record["sections"])
        assert f'data-alsolike="{record["id"]}"' in text


def test_no_page_shows_what_is_a_draft_or_scheduled(site: TestClient) -> None:
    unseen = [record for record in RECORDS if record not in PUBLISHED]
    assert len(unseen) >= 5
    home = unescape(site.get("/").text)
    for record in unseen:
        answer = site.get(path(record["id"]))
        assert answer.status_code == 404
        assert record["title"] not in answer.text
        assert record["title"] not in home
    assert site.get("/no-such-page").status_code == 404


def test_the_home_page_leads_to_every_article_newest_first(site: TestClient) -> None:
    home = site.get("/").text
    links = re.findall(r'<a href="(/[^"]+)"', home)
    assert sorted(links) == sorted(path(record["id"]) for record in PUBLISHED)
    dates = re.findall(r'datetime="([^"]+)"', home)
    assert dates == sorted(dates, reverse=True)


def test_pictures_are_served_and_nothing_beside_them(site: TestClient) -> None:
    for record in PUBLISHED:
        if "image" in record:
            answer = site.get(record["image"]["src"])
            assert answer.status_code == 200, record["image"]
            assert answer.headers["content-type"] == "image/svg+xml"
    assert site.get("/images/none.svg").status_code == 404
    assert site.get("/images/..%2Farticles.jsonl").status_code == 404
    assert (SAMPLE / "articles.jsonl").is_file(), "else the line above proves nothing"


def test_a_page_in_german_says_so_and_dates_itself_in_german(site: TestClient) -> None:
    text = site.get("/wildbienen-im-vorgarten").text
    assert '<article lang="de">' in text
    assert "24. März 2026" in text


def test_a_page_answers_without_its_service(site: TestClient) -> None:
    for query in ("", "?include"):
        answer = site.get(f"/{SAMPLE_ARTICLE}{query}")
        assert answer.status_code == 200
        assert "<article" in answer.text
        assert "alsolike-card" not in answer.text


def test_a_page_includes_the_cards_on_the_server(addresses: tuple[str, str]) -> None:
    service, site = addresses
    for _ in range(10):  # a page waits for its cards a moment only, which a busy machine may miss
        page = found(f"{site}/{SAMPLE_ARTICLE}?include").body.decode()
        if "alsolike-card" in page:
            break
    assert page.count('<li class="alsolike-card"') == 6
    assert "widget.js" not in page
    assert "&lt;section" not in page, "the fragment is included as HTML"
    section = found(f"{service}/v1/related.html?id={SAMPLE_ARTICLE}").body.decode()
    assert section in page
    assert f'href="{service}/widget.css"' in page


def test_every_card_leads_to_a_page_of_the_site(addresses: tuple[str, str]) -> None:
    service, site = addresses
    leads: set[str] = set()
    for record in PUBLISHED:
        answer = found(f"{service}/v1/related?id={quote(record['id'], safe='')}")
        assert answer.status == 200, record["id"]
        leads.update(item["url"] for item in answer.json()["items"])
    assert leads <= {path(record["id"]) for record in PUBLISHED}
    assert all(found(site + url).status == 200 for url in sorted(leads)[:10])


def test_the_widget_is_used_as_the_page_s_own_words_say(addresses: tuple[str, str]) -> None:
    service, site = addresses
    page = found(f"{site}/{SAMPLE_ARTICLE}").body.decode()
    assert f'<script src="{service}/widget.js" async></script>' in page
    script = found(f"{service}/widget.js")
    assert script.headers["content-type"].startswith("text/javascript")
    assert len(gzip.compress(script.body)) < 3_000, "small"
    assert not re.search(rb"\bimport\b", script.body), "no dependency"


def test_a_second_demo_encodes_nothing_anew(tmp_path: Path) -> None:
    told = []
    for _ in range(2):
        port = free_ports()
        with alsolike("demo", "--model", "hashing:64", "--port", str(port), folder=tmp_path):
            until(lambda port=port: ready(f"http://127.0.0.1:{port}"))
        told.append((tmp_path / "stdout").read_text().splitlines()[0])
    assert "120 encoded" in told[0]
    assert " 0 encoded" in told[1]


def test_a_demo_left_by_another_version_or_model_is_made_anew(tmp_path: Path) -> None:
    demo = ["demo", "--no-serve", "--root", str(tmp_path / "demo"), "--model"]
    assert CliRunner().invoke(app, [*demo, "hashing:64"]).exit_code == 0
    assert CliRunner().invoke(app, [*demo, "hashing:32"]).exit_code == 0

    folder = Root(tmp_path / "demo").folder()
    manifest = folder / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"format": ', '"format": 9', 1))
    done = CliRunner().invoke(app, [*demo, "hashing:32"])
    assert done.exit_code == 0, done.output
    assert "120 encoded" in done.output
