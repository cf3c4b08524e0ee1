"""The demo in a real browser: clicking through, the widget, the keyboard."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, Page

from service.clicks.click_store import open_clicks
from service.demo.site import SAMPLE_ARTICLE
from service.settings import Settings
from tests.support.chromium import NEEDS_CHROMIUM, look_at, site_of_one_page
from tests.support.demo_service import demo
from tests.support.service_process import get, stop, until

pytestmark = NEEDS_CHROMIUM


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("browser")


@pytest.fixture(scope="module")
def addresses(folder: Path) -> Iterator[tuple[str, str]]:
    with demo(folder) as (service, site, _):
        yield service, site


def arrives(page: Page, title: str) -> None:
    page.wait_for_function("title => document.querySelector('h1').innerText === title", arg=title)


def titles(page: Page) -> list[str]:
    page.wait_for_selector(".alsolike-card")
    return page.locator(".alsolike-title").all_inner_texts()


def test_a_reader_clicks_from_article_to_card_to_article(
    page: Page, addresses: tuple[str, str]
) -> None:
    _, site = addresses
    page.goto(site)
    page.locator(f'a[href="/{SAMPLE_ARTICLE}"]').click()
    page.wait_for_url(f"**/{SAMPLE_ARTICLE}")
    seen = [page.locator("h1").inner_text()]
    for _ in range(3):
        cards = titles(page)
        assert len(cards) == 6
        assert seen[-1] not in cards
        wanted = next(title for title in cards if title not in seen)
        page.locator(".alsolike-card", has_text=wanted).click()  # anywhere on the card
        page.wait_for_function(
            "title => document.querySelector('h1').innerText === title", arg=wanted
        )
        seen.append(wanted)
    assert len(set(seen)) == 4


def test_the_widget_shows_from_another_origin_what_an_include_shows(
    page: Page, addresses: tuple[str, str]
) -> None:
    service, site = addresses
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{site}/{SAMPLE_ARTICLE}")
    by_widget = titles(page)
    looks = page.locator(".alsolike-card").first.evaluate("card => getComputedStyle(card).display")
    page.goto(f"{site}/{SAMPLE_ARTICLE}?include")
    assert titles(page) == by_widget
    assert looks == "flex", "the widget brought its style"
    assert any(url.startswith(f"{service}/v1/related.html?") for url in asked)
    assert all(url.startswith((service, site, "data:")) for url in asked), "nothing from outside"


def test_what_readers_see_and_follow_is_counted_unless_they_ask_not_to(
    browser: Browser, addresses: tuple[str, str], folder: Path
) -> None:
    _, site = addresses
    article = "sourdough-stale-loaf-crumb"
    settings = Settings(root=folder / ".demo", clicks=True)

    def counted() -> dict[tuple[int, str], tuple[int, int]]:
        """How often each position was seen and clicked; 0 is the list."""
        with closing(open_clicks(settings)) as store:
            rows = store.export("")
            next(rows)
            return {(row[5], row[4]): row[-2:] for row in map(tuple, rows) if row[3] == article}

    asks_not_to = "Object.defineProperty(navigator, 'doNotTrack', { value: '1' })"
    for number, (way, script) in enumerate((("", asks_not_to), ("", ""), ("?include", ""))):
        context = browser.new_context(viewport={"width": 390, "height": 844})
        page = context.new_page()
        page.add_init_script(script)
        page.goto(f"{site}/{article}{way}")
        cards = titles(page)
        second = page.locator(".alsolike-card").nth(1)
        second.scroll_into_view_if_needed()
        if number:
            look_at(page.locator(".alsolike-card").first)
        second.locator("a").first.click()
        arrives(page, cards[1])
        page.wait_for_timeout(200)
        until(lambda seen=number: counted().get((0, ""), (0, 0))[0] >= seen)
        context.close()
    assert counted()[0, ""] == (2, 2)
    links = {position: sums for (position, _), sums in counted().items()}
    assert links[2] == (2, 2)
    assert links[1][1] == 0
    assert 6 not in links, "nobody scrolled there"


def test_one_script_tag_serves_any_page_any_id_and_any_limit(
    page: Page, addresses: tuple[str, str]
) -> None:
    service, _ = addresses
    html = (
        f'<!doctype html><meta charset="utf-8"><script src="{service}/widget.js"></script>'
        f'<div id="one" data-alsolike="{SAMPLE_ARTICLE}" data-limit="2"></div>'
        '<div id="two" data-alsolike="heat/platz-im-schatten-ü"></div>'
        '<div id="none" data-alsolike="no-such-article">what the page had</div>'
    )
    with site_of_one_page(html) as site:
        page.goto(site)
        page.wait_for_selector("#one .alsolike-card")
        page.wait_for_selector("#two .alsolike-card")
        assert page.locator("#one .alsolike-card").count() == 2
        assert page.locator("#two .alsolike-card").count() == 6
        assert page.locator("#none").inner_text() == "what the page had"
        assert page.locator("link[data-alsolike-style]").count() == 1


def test_the_widget_can_leave_out_what_the_page_links_to_already(
    page: Page, addresses: tuple[str, str]
) -> None:
    service, _ = addresses
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    answer = get(f"{service}/v1/related?id={SAMPLE_ARTICLE}")
    assert answer is not None
    items = json.loads(answer.body)["items"]
    first, second, third, fourth, *_ = (item["url"] for item in items)
    html = (
        f'<!doctype html><meta charset="utf-8"><script src="{service}/widget.js"></script>'
        f'<nav><a href="{first}/#end">One</a><a href="{third}">Three</a></nav>'
        f'<div data-alsolike="{SAMPLE_ARTICLE}" data-limit="2" data-skip-links></div>'
    )
    with site_of_one_page(html) as site:
        page.goto(site)
        page.wait_for_selector(".alsolike-card")
        links = page.locator(".alsolike-title a").evaluate_all(
            "links => links.map(link => link.getAttribute('href'))"
        )
    assert links == [second, fourth]
    assert next(url for url in asked if "related.html" in url).endswith("limit=6")


def test_a_page_stays_quiet_when_its_service_is_gone(page: Page, tmp_path: Path) -> None:
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    # No answer may be kept, or the browser would not even ask for it again.
    unkept = {"ALSOLIKE_MAX_AGE": "0", "ALSOLIKE_STALE_WHILE_REVALIDATE": "0"}
    with demo(tmp_path, **unkept) as (service, _, process):
        html = (
            f'<!doctype html><script src="{service}/widget.js"></script><h1>A page</h1>'
            f'<div data-alsolike="{SAMPLE_ARTICLE}"></div>'
        )
        with site_of_one_page(html) as site:
            page.goto(site)
            titles(page)
            assert stop(process) == 0
            with page.expect_event("requestfailed", lambda asked: "related.html" in asked.url):
                page.goto(site)  # the script is in the browser's cache, the cards are not
            page.wait_for_timeout(200)
            assert page.locator("h1").inner_text() == "A page"
            assert page.locator(".alsolike").count() == 0
    assert errors == []


def test_the_keyboard_reaches_each_card_once_and_shows_where_it_is(
    page: Page, addresses: tuple[str, str]
) -> None:
    _, site = addresses
    page.goto(f"{site}/{SAMPLE_ARTICLE}")
    cards = titles(page)
    reached = []
    for _ in range(page.locator("a[href]:not([tabindex])").count()):  # then it starts anew
        page.keyboard.press("Tab")
        focus = page.evaluate(
            """() => {
              const at = document.activeElement;
              const card = at.closest(".alsolike-card");
              const ring = card && getComputedStyle(at, "::after");
              return card && [at.innerText, ring.outlineStyle, parseFloat(ring.outlineWidth)];
            }"""
        )
        if focus:
            title, style, width = focus
            reached.append(title)
            assert style == "solid"
            assert width >= 2
    assert reached == cards
    page.locator(".alsolike-title a").nth(1).focus()
    page.keyboard.press("Enter")
    page.wait_for_function(
        "title => document.querySelector('h1').innerText === title", arg=cards[1]
    )


@pytest.mark.parametrize("width", [320, 390, 768, 1280])
@pytest.mark.parametrize("article_id", [SAMPLE_ARTICLE, "wildbienen-im-vorgarten"])
def test_no_page_scrolls_sideways_and_cards_of_a_row_align(
    page: Page, addresses: tuple[str, str], width: int, article_id: str
) -> None:
    _, site = addresses
    page.set_viewport_size({"width": width, "height": 800})
    for address in (site, f"{site}/{quote(article_id, safe='')}"):
        page.goto(address)
        if address != site:
            titles(page)
        assert page.evaluate(
            "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
        )
    boxes = [card.bounding_box() for card in page.locator(".alsolike-card").all()]
    assert all(box is not None for box in boxes)
    rows: dict[int, set[int]] = {}
    for box in boxes:
        rows.setdefault(round(box["y"]), set()).add(round(box["height"]))
    assert all(len(heights) == 1 for heights in rows.values()), "cards of a row are of one height"
    assert len(rows) == (6 if width < 600 else 2 if width > 1000 else 3)


def test_the_letter_stands_for_a_picture_that_is_gone_and_text_alone_for_none(
    page: Page, addresses: tuple[str, str]
) -> None:
    forget = "image => image.removeAttribute('data-initial')"

    def changes_without_letter() -> bool:
        page.goto(f"{addresses[1]}/{SAMPLE_ARTICLE}")
        titles(page)
        page.wait_for_load_state("networkidle")
        image = page.locator("img.alsolike-image").first
        before = image.screenshot()
        image.evaluate(forget)
        return before != image.screenshot()

    assert not changes_without_letter(), "a picture that is there hides the letter"
    page.route("**/images/**", lambda route: route.abort())
    assert changes_without_letter()
    page.evaluate("""() => document.querySelectorAll("img.alsolike-image").forEach((image) => {
        const tile = document.createElement("span");
        tile.className = "alsolike-image alsolike-no-image";
        image.replaceWith(tile);
    })""")
    assert not page.locator(".alsolike-no-image").first.is_visible()


def test_the_documentation_loads_nothing_but_itself(page: Page, addresses: tuple[str, str]) -> None:
    service, _ = addresses
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{service}/docs")
    page.wait_for_load_state("networkidle")
    document = get(f"{service}/openapi.json")
    assert document is not None
    paths = document.json()["paths"].values()
    assert page.locator("section.route").count() == sum(map(len, paths))
    assert set(asked) <= {f"{service}/docs", f"{service}/favicon.ico"}
