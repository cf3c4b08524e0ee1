"""Attacks on a reader's browser: whatever articles hold, a real one runs none of it."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, Page

from index.root.root import Root
from tests.support.builds import publish
from tests.support.chromium import NEEDS_CHROMIUM, site_of_one_page
from tests.support.hostile_articles import PAYLOADS, hostile_records
from tests.support.service_process import alsolike, free_ports, get, until

pytestmark = NEEDS_CHROMIUM

WATCH = """
  window.ran = [];
  for (const name of ["alert", "confirm", "prompt", "open", "print"])
    window[name] = () => { window.ran.push(name); };
  addEventListener("securitypolicyviolation", event => window.ran.push(event.violatedDirective));
"""


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("hostile")
    root = Root(folder / "root")
    publish(root, folder, hostile_records())
    port = free_ports()
    arguments = ("serve", "--root", str(root.path), "--port", str(port))
    with alsolike(*arguments, folder=folder):
        url = f"http://127.0.0.1:{port}"
        until(lambda: (answer := get(f"{url}/readyz")) and answer.status == 200)
        yield url


def outside(page: Page, *known: str) -> list[str]:
    """Collects requests to anywhere else."""
    asked: list[str] = []
    page.on(
        "request",
        lambda request: (
            None if request.url.startswith((*known, "data:")) else asked.append(request.url)
        ),
    )
    return asked


def test_the_widget_shows_hostile_articles_and_runs_nothing(page: Page, service: str) -> None:
    articles = [f"payload-{number}" for number in range(len(PAYLOADS))] + PAYLOADS[:6]
    places = "".join(
        f'<div data-alsolike="{article_id.replace("&", "&amp;").replace(chr(34), "&quot;")}"'
        ' data-limit="50"></div>'
        for article_id in articles
    )
    html = (
        f'<!doctype html><meta charset="utf-8"><script src="{service}/widget.js"></script>{places}'
    )
    page.add_init_script(WATCH)
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("dialog", lambda dialog: errors.append(dialog.message))
    with site_of_one_page(html) as site:
        asked = outside(page, site, service)
        page.goto(site)
        page.wait_for_function(
            "count => document.querySelectorAll('section.alsolike').length === count",
            arg=len(articles),
        )
        page.wait_for_load_state("networkidle")
        for link in page.locator(".alsolike-title a").all()[:20]:
            link.hover(force=True)
            link.focus()
        assert page.evaluate("window.ran") == []
        assert page.locator("section.alsolike :is(script, iframe, style, form, base)").count() == 0
        assert (
            page.locator("section.alsolike a").evaluate_all(
                "links => links.filter(link => !/^https?:$/.test(link.protocol)).length"
            )
            == 0
        )
        assert page.evaluate("document.baseURI") == site
        assert page.url == site
    assert (errors, asked) == ([], [])


@pytest.mark.parametrize("route", ["/v1/related.html", "/v1/related"])
def test_an_answer_opened_by_itself_runs_nothing(page: Page, service: str, route: str) -> None:
    page.add_init_script(WATCH)
    asked = outside(page, service)
    for article_id in ["payload-0", "payload-3", PAYLOADS[2]]:
        page.goto(f"{service}{route}?id={quote(article_id)}&limit=50")
        assert page.evaluate("window.ran.filter(name => !/^(img|style|font)/.test(name))") == []
        assert "alert(1)" in page.locator("body").inner_text() or route.endswith("html")
    assert asked == []


def test_an_error_opened_by_itself_runs_nothing(page: Page, service: str) -> None:
    page.add_init_script(WATCH)
    for payload in PAYLOADS:
        page.goto(f"{service}/v1/related?id=x&limit={quote(payload)}")
        assert page.evaluate("window.ran") == []
        page.goto(f"{service}/{quote(payload, safe='')}")
        assert page.evaluate("window.ran") == []


def test_a_site_with_a_strict_policy_can_still_use_the_widget(
    browser: Browser,
    page: Page,
    service: str,
) -> None:
    policy = (
        f"default-src 'none'; script-src {service}; style-src {service}; "
        f"connect-src {service}; img-src 'self'"
    )
    html = (
        f'<!doctype html><meta http-equiv="Content-Security-Policy" content="{policy}">'
        f'<script src="{service}/widget.js"></script><div data-alsolike="fine-1"></div>'
    )
    page.add_init_script(WATCH)
    with site_of_one_page(html) as site:
        page.goto(site)
        page.wait_for_selector(".alsolike-card")
        assert page.evaluate("window.ran") == []
