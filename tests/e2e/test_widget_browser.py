"""<alsolike-related> in a real browser, on pages that change without being loaded anew."""

from __future__ import annotations

import gzip
import importlib.resources
import json
import re
import socket
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit

import pytest
from playwright.sync_api import Page, Route

from service.demo.site import SAMPLE_ARTICLE
from tests.support.browser_libraries import library
from tests.support.chromium import NEEDS_CHROMIUM, look_at, site_of_one_page
from tests.support.demo_service import demo
from tests.support.http_site import Site, serving
from tests.support.http_site import page as answer
from tests.support.service_process import get, until

pytestmark = NEEDS_CHROMIUM

OTHER = "sourdough-stale-loaf-crumb"
THIRD = "wildbienen-im-vorgarten"
SCRIPTS = importlib.resources.files("service") / "static"
SHIFTS = """
  window.shift = 0;
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) window.shift += entry.value;
  }).observe({ type: "layout-shift", buffered: true });
"""
"""Adds up what moves, even what moves after a click, which the measure itself would forgive."""


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with demo(tmp_path_factory.mktemp("widget")) as (address, _, _):
        yield address


@pytest.fixture
def site() -> Iterator[Site]:
    with serving() as opened:
        yield opened


class Visit:
    """A page of a site, what it asked the service for, and the errors it had."""

    def __init__(self, page: Page, site: Site, service: str) -> None:
        self.page, self._site, self._service = page, site, service
        self.errors: list[str] = []
        self._asked: list[str] = []
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("request", lambda request: self._asked.append(request.url))

    def add(self, path: str, body: str, head: str = "") -> None:
        """Adds a page, with the widget's script in its head."""
        self._site.pages[path] = answer(
            f"<!doctype html><html><head><meta charset=utf-8><title>{path}</title>"
            f"<script>{SHIFTS}</script><script src={self._service}/widget.js></script>{head}"
            f"</head><body>{body}</body></html>",
            Content_Type="text/html; charset=utf-8",
        )

    def add_library(self, path: str) -> None:
        content = library(path)
        name = "/" + path.rpartition("/")[2]
        self._site.pages[name] = answer(content, Content_Type="text/javascript")

    def open(self, path: str = "/") -> None:
        self.page.goto(self._site.url + path)

    def asked(self) -> list[str]:
        """The ids that lists were asked for, in order."""
        urls = [urlsplit(url) for url in self._asked]
        return [parse_qs(url.query)["id"][0] for url in urls if url.path == "/v1/related.html"]

    def shows(self, article: str, place: str = "alsolike-related") -> None:
        """Waits until a place shows an article's own list, and nothing else."""
        found = get(f"{self._service}/v1/related?id={article}&limit=6")
        assert found is not None
        self.page.wait_for_function(
            """([place, titles]) => {
              const at = document.querySelector(place);
              const shown = (at?.shadowRoot ?? at)?.querySelectorAll(".alsolike-title") ?? [];
              return JSON.stringify(Array.from(shown, (t) => t.innerText)) === titles;
            }""",
            arg=[place, self.json([item["title"] for item in found.json()["items"]])],
            timeout=10_000,
        )

    def json(self, titles: list[str]) -> str:
        return str(self.page.evaluate("titles => JSON.stringify(titles)", titles))

    def shift(self) -> float:
        self.page.wait_for_timeout(300)  # frames that may still move something
        # Parts of a pixel count, too; 0.1 is the most that is called good.
        return round(float(self.page.evaluate("window.shift")), 4)


@pytest.fixture
def visit(page: Page, site: Site, service: str) -> Iterator[Visit]:
    visit = Visit(page, site, service)
    yield visit
    assert visit.errors == []


def tag(article: str = SAMPLE_ARTICLE, more: str = "") -> str:
    return f'<alsolike-related article="{article}" {more}></alsolike-related>'


@pytest.mark.parametrize(("name", "most"), [("widget.js", 3_000), ("clicks.js", 1_024)])
def test_the_scripts_are_small(name: str, most: int) -> None:
    assert len(gzip.compress((SCRIPTS / name).read_bytes(), 9)) <= most


def test_several_on_a_page_ask_once_each_however_often_the_script_is_named(visit: Visit) -> None:
    again = f"<script src={visit._service}/widget.js></script>"
    old = f'<div id=old data-alsolike="{THIRD}" data-limit=6></div>'
    visit.add("/", again.join([tag(), tag(OTHER), old, ""]))
    visit.open()
    visit.shows(SAMPLE_ARTICLE)
    visit.shows(OTHER, f'[article="{OTHER}"]')
    visit.shows(THIRD, "#old")
    visit.page.wait_for_timeout(200)
    assert sorted(visit.asked()) == sorted([SAMPLE_ARTICLE, OTHER, THIRD])


@pytest.mark.parametrize("old", [False, True])
def test_an_id_that_changes_gets_the_new_list_in_one_request(visit: Visit, old: bool) -> None:
    name = "data-alsolike" if old else "article"
    visit.add("/", f'<div id=at data-alsolike="{SAMPLE_ARTICLE}"></div>' if old else tag())
    visit.open()
    place = "#at" if old else "alsolike-related"
    visit.shows(SAMPLE_ARTICLE, place)
    visit.page.evaluate(
        """([place, names, id]) => {
          const at = document.querySelector(place);
          at.setAttribute(names[0], "no-such-article");
          at.setAttribute(names[1], "6");
          at.setAttribute(names[0], id);
        }""",
        [place, [name, "data-limit" if old else "limit"], OTHER],
    )
    visit.shows(OTHER, place)
    assert visit.asked() == [SAMPLE_ARTICLE, OTHER]
    visit.page.evaluate("p => document.body.append(document.querySelector(p))", place)
    visit.page.wait_for_timeout(200)
    assert visit.asked() == [SAMPLE_ARTICLE, OTHER], "a place that moves keeps its list"
    visit.page.evaluate(
        "([p, name]) => document.querySelector(p).setAttribute(name, 'none')", [place, name]
    )
    visit.page.wait_for_function("() => !document.querySelector('.alsolike')")


def test_a_list_that_comes_too_late_is_another_article_s_and_not_shown(visit: Visit) -> None:
    visit.add("/", tag())
    held = []
    visit.page.route(f"**/*id={SAMPLE_ARTICLE}*", lambda route: held.append(route))
    with visit.page.expect_request(f"**/*id={SAMPLE_ARTICLE}*"):
        visit.open()
    visit.page.evaluate(
        "id => document.querySelector('alsolike-related').setAttribute('article', id)", OTHER
    )
    visit.shows(OTHER)
    with visit.page.expect_response(f"**/*id={SAMPLE_ARTICLE}*"):
        held[0].continue_()
    visit.page.wait_for_timeout(200)  # it would be shown by then
    visit.shows(OTHER)


@pytest.mark.parametrize("more", ["", "shadow"])
@pytest.mark.parametrize("width", [390, 1280])
def test_nothing_moves_when_the_cards_come(visit: Visit, more: str, width: int) -> None:
    visit.page.set_viewport_size({"width": width, "height": 900})
    visit.add("/", f"<h1>Short</h1><p>Text</p>{tag(more=more)}<footer>Below</footer>")
    visit.add("/long", f"<p style='height:1500px'>Text</p>{tag(more=more)}<footer>Below</footer>")
    for path in ("/", "/long"):
        visit.open(path)
        visit.page.mouse.wheel(0, 1_200)
        visit.shows(SAMPLE_ARTICLE)
        visit.page.mouse.wheel(0, 3_000)
        assert visit.shift() == 0


def test_no_room_is_held_below_the_window_once_cards_without_pictures_are_there(
    visit: Visit,
) -> None:
    visit.page.set_viewport_size({"width": 800, "height": 700})
    visit.page.route(
        "**/related.html*",
        lambda route: route.fulfill(
            body=re.sub("<img[^>]*>", "", route.fetch().text()),
            headers={"access-control-allow-origin": "*", "content-type": "text/html"},
        ),
    )
    visit.add("/", f"<h1>Short</h1>{tag()}<footer>Below</footer>")
    visit.open()
    visit.shows(SAMPLE_ARTICLE)
    hole = """() => document.querySelector("footer").offsetTop
      - Math.max(innerHeight, document.querySelector(".alsolike").getBoundingClientRect().bottom)"""
    assert visit.page.evaluate(hole) < 60
    visit.page.mouse.wheel(0, 3_000)
    assert visit.shift() == 0


def test_a_list_far_below_is_asked_for_when_readers_come_near(visit: Visit) -> None:
    visit.add("/", f"<p style='height:6000px'>Long</p>{tag()}")
    visit.open()
    visit.page.wait_for_timeout(300)
    assert visit.asked() == []
    visit.page.mouse.wheel(0, 4_500)
    visit.shows(SAMPLE_ARTICLE)
    assert visit.shift() == 0


def test_a_service_that_hangs_does_not_hold_up_the_page_s_own_scripts(page: Page) -> None:
    texts = [Path("docs/front-ends.md").read_text(), Path("README.md").read_text()]
    tags = {found for text in texts for found in re.findall(r"<script src=[^>]+></script>", text)}
    assert len(tags) == 2
    with socket.create_server(("127.0.0.1", 0)) as silent:  # it accepts, and never answers
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        head = "".join(tags).replace("https://related.example.org", address)
        own = "<script defer src='data:text/javascript,document.title=`ready`'></script>"
        with site_of_one_page(f"<!doctype html>{head}{own}<p>Text</p>") as url:
            page.goto(url, wait_until="domcontentloaded", timeout=10_000)
            assert page.title() == "ready"


def test_links_below_count_on_a_page_that_comes_slowly(visit: Visit) -> None:
    found = get(f"{visit._service}/v1/related?id={SAMPLE_ARTICLE}&limit=1")
    assert found is not None
    first = found.json()["items"][0]["url"]
    slow = "<script src=/slow.js></script>"
    visit.add("/", f"{tag()}{slow}<a href='{first}'>One</a>")

    def late(route: Route) -> None:
        visit.page.wait_for_timeout(1_500)
        route.fulfill(body="")

    visit.page.route("**/slow.js", late)
    visit.open()
    visit.page.wait_for_selector(".alsolike-card")
    links = visit.page.locator(".alsolike-title a").evaluate_all("all => all.map((a) => a.href)")
    assert len(links) == 6
    assert not any(link.endswith(first) for link in links)


def test_links_of_the_page_are_left_out_unless_they_are_to_be_kept(visit: Visit) -> None:
    found = get(f"{visit._service}/v1/related?id={SAMPLE_ARTICLE}&limit=6")
    assert found is not None
    first, second = (item["url"] for item in found.json()["items"][:2])
    links = f'<a href="{first}/#top">One</a><a href="{second}#/kelp">Another page</a>'
    visit.add("/", f"{links}{tag()}<p>{tag(OTHER, 'keep-links')}</p>")
    visit.open()
    visit.shows(OTHER, "p > alsolike-related")
    visit.page.wait_for_selector("body > alsolike-related .alsolike-card")
    shown = visit.page.locator("body > alsolike-related .alsolike-title a").evaluate_all(
        "links => links.map((link) => link.getAttribute('href'))"
    )
    assert first not in shown
    assert shown[0] == second
    assert len(shown) == 6


def test_links_written_into_the_tag_itself_are_not_the_page_s(visit: Visit) -> None:
    found = get(f"{visit._service}/v1/related?id={SAMPLE_ARTICLE}&limit=1")
    assert found is not None
    instead = f'<a href="{found.json()["items"][0]["url"]}">Until the cards come</a>'
    visit.add("/", tag().replace("></", f">{instead}</"))
    visit.open()
    visit.shows(SAMPLE_ARTICLE)


def test_an_address_that_can_t_be_parsed_harms_no_list(visit: Visit) -> None:
    def spoilt(route: Route) -> None:
        body = route.fetch().text().replace('href="/', 'href="https://x.example|/', 2)
        route.fulfill(
            body=body, headers={"access-control-allow-origin": "*", "content-type": "text/html"}
        )

    visit.page.route("**/related.html*", spoilt)
    wrong = tag(OTHER, 'service="related.example.org"').replace("></", ">Instead</")
    old = f"<p data-alsolike={OTHER} data-service=x></p><p data-alsolike={THIRD} data-limit=6></p>"
    visit.add("/", wrong + old + tag(more='service="" id=last'))
    visit.open()
    visit.shows(SAMPLE_ARTICLE, "#last")
    visit.shows(THIRD, "p + p")
    assert visit.page.locator("alsolike-related").first.inner_text() == "Instead"


def test_in_a_shadow_tree_the_page_s_styles_stay_out(visit: Visit) -> None:
    loud = "<style>* { color: rgb(1, 2, 3) !important } li { display: none !important }</style>"
    visit.add("/", tag(more="shadow") + loud)
    visit.open()
    visit.shows(SAMPLE_ARTICLE)
    card = visit.page.locator("alsolike-related .alsolike-card").first
    assert card.evaluate("card => getComputedStyle(card).display") == "flex"
    assert visit.page.locator("head link[data-alsolike-style]").count() == 0


def test_what_stands_in_the_tag_is_shown_where_there_is_no_list(visit: Visit) -> None:
    gone = '<alsolike-related article="a" service="http://127.0.0.1:9/x">none</alsolike-related>'
    visit.add("/", f"{gone}<alsolike-related article='none' shadow>no</alsolike-related><p>End</p>")
    visit.open()
    heights = "() => [...document.querySelectorAll('alsolike-related')].map((p) => p.offsetHeight)"
    visit.page.wait_for_function(f"() => ({heights})().every((height) => height < 40)")
    assert visit.page.locator("body").inner_text().split() == ["none", "no", "End"]


def test_turbo_moves_from_page_to_page_and_back(visit: Visit) -> None:
    visit.add_library("@hotwired/turbo/dist/turbo.es2017-umd.js")
    turbo = "<script src=/turbo.es2017-umd.js></script>"
    link = '<a id=go href="{}">Go</a>{}<footer>Below</footer>'
    visit.add("/", link.format("/next", tag()), turbo)
    visit.add("/next", link.format("/", tag(OTHER)), turbo)
    visit.open()
    visit.page.evaluate("window.same = true")
    visit.shows(SAMPLE_ARTICLE)
    visit.page.click("#go")
    visit.shows(OTHER)
    visit.page.go_back()
    visit.shows(SAMPLE_ARTICLE)
    assert visit.page.evaluate("window.same"), "the page was never loaded anew"
    assert visit.page.locator("link[data-alsolike-style]").count() == 1
    visit.page.evaluate("document.body.dataset.old = ''")
    visit.page.evaluate("Turbo.visit(location.href, { action: 'replace' })")
    visit.page.wait_for_selector("body:not([data-old])")
    visit.shows(SAMPLE_ARTICLE)
    assert visit.shift() == 0


def test_turbo_morphs_a_page_without_taking_its_cards(visit: Visit) -> None:
    visit.add_library("@hotwired/turbo/dist/turbo.es2017-umd.js")
    head = (
        '<script src=/turbo.es2017-umd.js></script><meta name="turbo-refresh-method" content=morph>'
    )
    visit.add("/", f"<h1>Before</h1>{tag()}", head)
    visit.open()
    visit.shows(SAMPLE_ARTICLE)
    visit.add("/", f"<h1>After</h1>{tag()}", head)
    visit.page.evaluate("Turbo.visit(location.href, { action: 'replace' })")
    visit.page.wait_for_function("() => document.querySelector('h1').innerText === 'After'")
    visit.shows(SAMPLE_ARTICLE)
    visit.add("/", f"<h1>Last</h1>{tag(OTHER)}", head)
    visit.page.evaluate("Turbo.visit(location.href, { action: 'replace' })")
    visit.shows(OTHER)
    assert visit.asked() == [SAMPLE_ARTICLE, OTHER]


@pytest.mark.parametrize("old", [False, True])
def test_htmx_puts_an_article_in_place_of_another(visit: Visit, old: bool) -> None:
    visit.add_library("htmx.org/dist/htmx.min.js")

    def place(article: str) -> str:
        if not old:
            return tag(article)
        return f'<div id=at data-alsolike="{article}"></div>'

    button = "<button hx-get=/part hx-target=main hx-push-url=/next>Next</button>"
    visit.add(
        "/", f"{button}<main>{place(SAMPLE_ARTICLE)}</main>", "<script src=/htmx.min.js></script>"
    )
    visit._site.pages["/part"] = answer(place(OTHER), Content_Type="text/html")
    visit.open()
    at = "#at" if old else "alsolike-related"
    visit.shows(SAMPLE_ARTICLE, at)
    visit.page.click("button")
    visit.shows(OTHER, at)
    assert visit.asked() == [SAMPLE_ARTICLE, OTHER]
    visit.page.go_back()
    visit.shows(SAMPLE_ARTICLE, at)
    if not old:
        assert visit.shift() == 0


def test_react_renders_another_article_and_orders_lists_anew(visit: Visit) -> None:
    for name in ("react/umd/react.production.min.js", "react-dom/umd/react-dom.production.min.js"):
        visit.add_library(name)
    visit.add(
        "/",
        """<div id=root></div><script src=/react.production.min.js></script>
        <script src=/react-dom.production.min.js></script><script>
          const e = React.createElement;
          const root = ReactDOM.createRoot(document.getElementById("root"));
          window.show = (ids, key) => root.render(e(React.StrictMode, null, ids.map((id, at) =>
            e("section", { key: key ? id : at }, e("alsolike-related", { article: id })))));
        </script>""",
    )
    visit.open()
    visit.page.evaluate("id => show([id])", SAMPLE_ARTICLE)
    visit.shows(SAMPLE_ARTICLE)
    visit.page.evaluate("id => show([id])", OTHER)
    visit.shows(OTHER)
    assert visit.shift() == 0
    visit.page.evaluate("ids => show(ids, true)", [OTHER, THIRD])
    visit.shows(THIRD, f"[article='{THIRD}']")
    before = visit.asked()
    visit.page.evaluate("ids => show(ids, true)", [THIRD, OTHER])
    visit.page.wait_for_timeout(300)
    visit.shows(OTHER, "section:nth-of-type(2) > alsolike-related")
    assert visit.asked() == before, "lists that change places are not asked for again"
    visit.page.evaluate("show([])")
    visit.page.wait_for_function("() => !document.querySelector('.alsolike')")


def test_a_page_s_own_lists_report_once_what_is_seen_and_clicked(visit: Visit) -> None:
    told: list[dict[str, object]] = []

    def events(handler: BaseHTTPRequestHandler) -> None:
        body = handler.rfile.read(int(handler.headers["Content-Length"]))
        assert "cookie" not in handler.headers
        told.extend(json.loads(body)["events"])
        answer(status=204)(handler)

    item = '<li data-position={0} style="height:60px"><a href="/next?{0}">{0}</a>'
    here, below = "".join(map(item.format, (1, 2, 4))), item.format(6)
    script = answer((SCRIPTS / "clicks.js").read_bytes(), Content_Type="text/javascript")
    visit._site.pages |= {"/clicks.js": script, "/v1/events": events}
    clicks = "<script src=/clicks.js></script>"
    lists = f"<ul data-placement=t1>{here}<li style='height:2000px'>{below}</ul>"
    visit.add(
        "/",
        f"{lists}<p data-position=9><a href=/next>No list</a>",
        "<script src=/clicks.js></script>",
    )
    visit.add("/next", "Next")
    visit.open()
    look_at(visit.page.locator("[data-position]").first)
    turn = "document.dispatchEvent(new Event('visibilitychange'))"
    visit.page.evaluate(
        f"""() => {{
          Object.defineProperty(document, "hidden", {{ value: true, configurable: true }});
          {turn};
          delete document.hidden;
          {turn};
        }}"""
    )
    visit.page.locator("a").nth(1).click(button="middle")
    visit.page.locator("a").nth(3).focus()
    visit.page.keyboard.press("Enter")
    visit.page.wait_for_url("**/next?6")
    until(lambda: len(told) == 2)
    assert told == [
        {"placement": "t1", "seen": [1, 2, 4], "clicked": [], "again": False},
        {"placement": "t1", "seen": [6], "clicked": [2, 6], "again": True},
    ]
    for signal in ("doNotTrack: { value: '1' }", "globalPrivacyControl: { value: true }"):
        asks = f"<script>Object.defineProperties(navigator, {{ {signal} }})</script>"
        visit.add("/", lists, asks + clicks)
        visit.open()
        visit.page.locator("a").first.click()
        visit.page.wait_for_url("**/next?1")
    visit.page.wait_for_timeout(200)
    assert len(told) == 2, "nothing is told of readers who ask for that"


THEME = """
  .entry-content h2, .entry-content h3 { font-size: 4rem; margin: 6rem 0; letter-spacing: 0.2em; }
  .entry-content ul { margin: 2rem 0 2rem 4rem; list-style: square; }
  .entry-content ul li { margin: 2rem 0 0 2rem; font-size: 2rem; padding-left: 2rem; }
  .entry-content li::before { content: "- "; }
  .entry-content p { margin: 3rem 0; font-size: 2rem; text-align: justify; }
  .entry-content img { margin: 3rem; border: 9px solid; max-width: 50%; padding: 1rem; }
  .entry-content * + * { margin-top: 1.5rem; }
  .entry-content :is(h2, h3, li)::after { content: ""; display: block; width: 4rem; height: 3px; }
  .entry-content a { position: relative; background: yellow; }
  .entry-content a::after {
    content: ""; position: absolute; bottom: 0; width: 0; height: 2px; background: red;
    transform: scaleX(0); transition: transform 0.3s;
  }
"""
"""Rules of a theme for the text of a post, as "classic" ones have them."""


@pytest.mark.parametrize("width", [375, 1200])
def test_a_themes_rules_for_its_texts_do_not_reach_cards(
    page: Page, site: Site, service: str, width: int
) -> None:
    answered = get(f"{service}/v1/related.html?id={quote(SAMPLE_ARTICLE, safe='')}")
    assert answered is not None
    picture = f"{service}/static/none.png"
    cards = re.sub(
        r'<span class="alsolike-image[^>]*>[^<]*</span>',
        f'<img class="alsolike-image" src="{picture}" alt="">',
        answered.body.decode(),
        count=2,
    )
    page.set_viewport_size({"width": width, "height": 900})
    sizes = []
    for theme in ("", THEME):
        site.pages["/"] = answer(
            f"<!doctype html><meta charset=utf-8><link rel=stylesheet href={service}/widget.css>"
            f"<style>body {{ font: 16px sans-serif }} {theme}</style>"
            f"<main class=entry-content>{cards}</main>",
            Content_Type="text/html; charset=utf-8",
        )
        page.goto(site.url)
        sizes.append(
            page.eval_on_selector_all(
                ".alsolike, .alsolike *",
                "all => all.map((one) => { const box = one.getBoundingClientRect();"
                " return [one.className, box.x, box.y, box.width, box.height].join(' ') })",
            )
        )
        corner = page.locator(".alsolike-card").first.evaluate(
            "(card) => { const box = card.getBoundingClientRect();"
            " return document.elementFromPoint(box.right - 9, box.bottom - 9).localName }"
        )
        assert corner == "a", "the whole card is the link's target"
    assert len(sizes[0]) > 20
    assert sizes[0] == sizes[1]


def test_long_words_of_large_text_do_not_widen_a_narrow_page(
    page: Page, site: Site, service: str
) -> None:
    word = "Donaudampfschifffahrtsgesellschaft"
    answered = get(f"{service}/v1/related.html?id={quote(SAMPLE_ARTICLE, safe='')}")
    assert answered is not None
    cards = re.sub(r"(<(?:h2|a|time|p|span)\b[^>]*>)[^<]+", rf"\1{word}", answered.body.decode())
    page.set_viewport_size({"width": 320, "height": 900})
    site.pages["/"] = answer(
        f"<!doctype html><meta charset=utf-8><link rel=stylesheet href={service}/widget.css>"
        f"<style>html {{ font: 200% sans-serif }}</style>{cards}",
        Content_Type="text/html; charset=utf-8",
    )
    page.goto(site.url)
    assert page.locator(".alsolike-card").count() > 1
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
