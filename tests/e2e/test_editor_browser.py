"""The editors' pages in a real browser: the story by mouse, by keyboard, without a script."""

from __future__ import annotations

import datetime as dt
import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, ConsoleMessage, Page, Route, StorageState, expect

from index.sources.jsonl_source import JsonlSource
from service.clicks.click_store import counts, open_clicks
from service.demo.site import SAMPLE_ARTICLE, SAMPLE_SOURCE
from service.settings import Settings
from tests.support.chromium import NEEDS_CHROMIUM
from tests.support.editor_forms import PASSWORD
from tests.support.service_process import alsolike, free_ports, get, until

pytestmark = [pytest.mark.slow_first, *NEEDS_CHROMIUM]

expect.set_options(timeout=30_000)  # a busy machine is no defect of a page

ARTICLE = f"/editor/article?id={SAMPLE_ARTICLE}"


@dataclass(frozen=True)
class Demo:
    """A running demo with two builds and two editors.

    Attributes:
        service: Its address.
        site: The demo site's.
        folder: Where it runs.
        signed_in: The cookies of who has signed in once, by name.
    """

    service: str
    site: str
    folder: Path
    signed_in: dict[str, StorageState] = field(default_factory=dict)

    def shown(self, article_id: str = SAMPLE_ARTICLE) -> list[str]:
        """What readers see, in order."""
        answer = get(f"{self.service}/v1/related?id={quote(article_id, safe='')}")
        assert answer is not None
        return [item["article_id"] for item in answer.json()["items"]]

    def on_the_site(self, page: Page) -> list[str]:
        """The titles of the cards on the site's own page, included on the server."""
        page.goto(f"{self.site}/{SAMPLE_ARTICLE}?include")
        return page.locator(".alsolike-title").all_inner_texts()


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    folder = tmp_path_factory.mktemp("editors")
    lines = SAMPLE_SOURCE.read_text().splitlines()
    (folder / "first.jsonl").write_text("\n".join(lines[:-4]) + "\n")
    _run(folder, "build", "first.jsonl", "--root", ".demo", "--model", "hashing:256")
    for name, role in (("mira", "admin"), ("noor", "editor")):
        arguments = ("editors", "add", name, "--role", role, "--root", ".demo")
        _run(folder, *arguments, given=PASSWORD)
    day = str(dt.datetime.now(dt.UTC).date())
    followed = {"": 0, "heat-car-park-trees": 90, "commuting-green-wave-for-bikes": 10}
    sums = {
        (day, "live", "a build", SAMPLE_ARTICLE, target, int(target != ""), "related"): [
            500,
            clicked,
        ]
        for target, clicked in followed.items()
    }
    with closing(open_clicks(Settings(root=folder / ".demo"))) as store:
        store.add({counts: sums})
    port = free_ports()
    with alsolike("demo", "--model", "hashing:256", "--port", str(port), folder=folder):
        service = f"http://127.0.0.1:{port}"
        until(lambda: (answer := get(f"{service}/readyz")) and answer.status == 200)
        yield Demo(service, f"http://127.0.0.1:{port + 1}", folder)


def _run(folder: Path, *arguments: str, given: str = "") -> None:
    with (folder / "given").open("w+") as standard_input:
        standard_input.write(f"{given}\n")
        standard_input.seek(0)
        done = subprocess.run(
            [sys.executable, "-m", "service.cli", *arguments],
            cwd=folder,
            stdin=standard_input,
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 0, done.stderr


@contextmanager
def visit(
    browser: Browser,
    demo: Demo,
    name: str | None = "mira",
    expected: str = "status of (409|422)",
    **options: Any,
) -> Iterator[Page]:
    """Someone's browser, signed in unless there is no name; nothing unexpected may go wrong."""
    options = {"viewport": {"width": 1280, "height": 900}, **options}
    known = demo.signed_in.get(name) if name else None
    context = browser.new_context(base_url=demo.service, storage_state=known, **options)
    context.set_default_timeout(60_000)
    page = context.new_page()
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda message: _note(wrong, message, expected))
    page.on("request", lambda asked: _outside(wrong, demo, asked.url))
    try:
        if name and not known:
            sign_in(page, name)
            demo.signed_in[name] = context.storage_state()
        yield page
    finally:
        context.close()
    assert wrong == []


def sign_in(page: Page, name: str) -> None:
    """By the form, as every visitor does once."""
    page.goto("/editor")
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("searchbox")).to_be_visible()
    page.wait_for_load_state()


def _note(wrong: list[str], message: ConsoleMessage, expected: str) -> None:
    known = re.search(expected, message.text) or "no-such" in message.location["url"]
    if message.type in ("error", "warning") and not known:
        wrong.append(message.text)


def _outside(wrong: list[str], demo: Demo, url: str) -> None:
    if not url.startswith((demo.service, demo.site, "data:")):
        wrong.append(f"asked for {url}")


@pytest.fixture
def clean(demo: Demo) -> Iterator[None]:
    """Every test leaves the lists as it found them."""
    before = demo.shown()
    yield
    assert demo.shown() == before


def said(page: Page, words: str) -> None:
    """Wait until the page tells of what was done."""
    expect(page.locator("#notice")).to_contain_text(words)
    expect(page.locator("#announce")).to_contain_text(words)


def row(page: Page, region: str, number: int) -> Any:
    """The row of one article of a list, once the page's scripts follow what is clicked."""
    page.wait_for_load_state()
    return page.locator(f"#{region} .row").nth(number)


def frame_titles(page: Page) -> list[str]:
    """The titles of the cards in the preview, once it shows as many as the list."""
    frame = page.frame_locator("iframe.cards")
    expect(frame.locator(".alsolike-card")).to_have_count(page.locator("#shown .row").count())
    return frame.locator(".alsolike-title").all_inner_texts()


def listed(page: Page) -> list[str]:
    """The titles of what is shown, beside the preview, once the page is there."""
    titles = page.locator("#shown [data-primary]")
    titles.first.wait_for()
    return titles.all_inner_texts()


def test_an_editor_steers_a_list_and_the_site_follows(
    browser: Browser, demo: Demo, clean: None
) -> None:
    with visit(browser, demo) as page, visit(browser, demo, None) as reader:
        page.goto("/editor")
        page.get_by_role("searchbox").fill("one broad crwon")  # a letter is wrong
        expect(page.locator("#results-title")).to_have_text("1 article")
        assert "q=one+broad+crwon" in page.url
        page.locator(".hit a").first.click()
        expect(page.locator("h1")).to_have_text("One broad crown beats three slim ones")
        before = listed(page)
        assert frame_titles(page) == before == demo.on_the_site(reader)

        row(page, "shown", 2).get_by_role("button", name="Move up").click()
        said(page, f"You pinned “{before[2]}” at position 2")
        moved = [before[0], before[2], before[1], *before[3:]]
        assert listed(page) == moved
        expect(page.frame_locator("iframe.cards").locator(".alsolike-title").nth(1)).to_have_text(
            before[2]
        )
        assert demo.on_the_site(reader) == moved

        row(page, "shown", 0).get_by_role("button", name="Hide").click()
        said(page, f"You hid “{before[0]}”")
        page.locator("#notice").get_by_role("link", name="Reason, place, end").click()
        dialog = page.get_by_role("dialog")
        dialog.get_by_label("Reason").fill("Too far from the subject")
        dialog.get_by_label("Until").select_option("in a week")
        dialog.get_by_role("button", name="Hide").click()
        said(page, f"You changed the hide of “{before[0]}”")
        expect(page.locator("#decisions")).to_contain_text("Too far from the subject")
        expect(page.locator("#decisions")).to_contain_text("until")
        expect(page.locator("#passed-over")).to_contain_text("hidden here")
        now = listed(page)
        assert before[0] not in now
        assert frame_titles(page) == now == demo.on_the_site(reader)

        page.get_by_role("button", name="Undo").click()
        said(page, f"You restored the hide of “{before[0]}”")
        page.locator("#decisions").get_by_role("button", name="Remove").last.click()
        said(page, "You showed")
        assert listed(page) == moved
        page.locator("#decisions").get_by_role("button", name="Remove").click()
        said(page, "You unpinned")
        assert listed(page) == before == demo.on_the_site(reader)


def test_a_second_editor_sees_both_states_and_decides_anew(
    browser: Browser, demo: Demo, clean: None
) -> None:
    with visit(browser, demo, "mira") as first, visit(browser, demo, "noor") as second:
        first.goto(ARTICLE)
        second.goto(ARTICLE)
        before = listed(first)
        row(first, "shown", 1).get_by_role("button", name="Move up").click()
        said(first, "You pinned")
        row(second, "shown", 1).get_by_role("button", name="Move down").click()
        conflict = second.get_by_role("alert")
        expect(conflict).to_contain_text("mira changed the same thing while you had the page open")
        expect(conflict).to_contain_text(f"move “{before[1]}”")
        expect(conflict).to_be_focused()
        saw, now = conflict.locator(".sides > div").all()
        expect(saw).to_contain_text("neither pinned nor hidden")
        expect(now).to_contain_text(f"“{before[1]}”: pinned at position 1")
        assert listed(second) == [before[1], before[0], *before[2:]], "as it is now"
        conflict.get_by_role("button", name="Apply my change anyway").click()
        said(second, f"You pinned “{before[1]}” at position 3")
        second.get_by_role("button", name="Undo").click()
        said(second, f"You restored the pin of “{before[1]}” at position 1")
        first.reload()
        first.locator("#decisions").get_by_role("button", name="Remove").click()
        said(first, "You unpinned")


LOST = "ERR_INTERNET_DISCONNECTED|status of (401|403|503)"


@pytest.mark.parametrize("trouble", ["network", "server", "session"])
def test_nothing_that_was_typed_is_lost(
    browser: Browser, demo: Demo, clean: None, trouble: str
) -> None:
    with visit(browser, demo, expected=LOST) as page:
        page.goto(ARTICLE)
        before = listed(page)
        row(page, "shown", 1).get_by_role("button", name="Move up").click()
        said(page, "You pinned")
        page.locator("#decisions").get_by_role("link", name="Change").click()
        dialog = page.get_by_role("dialog")
        dialog.get_by_label("Position").fill("3")
        dialog.get_by_label("Reason").fill("Typed once")
        _fail(page, trouble)
        dialog.get_by_role("button", name="Pin").click()
        _recover(page, trouble)
        said(page, f"You pinned “{before[1]}” at position 3")
        expect(page.locator("#decisions")).to_contain_text("Typed once")
        _fail(page, trouble)
        page.locator("#decisions").get_by_role("button", name="Remove").click()
        _recover(page, trouble)
        said(page, "You unpinned")
        assert listed(page) == before
        page.goto("/editor/drafts")
        text = "Kelp at night\nDivers count fish in the kelp by torchlight."
        page.get_by_label("Text", exact=True).fill(text)
        _fail(page, trouble)
        page.get_by_role("button", name="Find related").click()
        _recover(page, trouble)
        expect(page.locator("#answer-title")).to_be_focused()
        expect(page.locator("textarea[name=text]")).to_have_value(text)


@pytest.mark.parametrize("trouble", ["network", "server", "session"])
def test_no_rule_selected_rows_or_refused_words_are_lost(
    browser: Browser, demo: Demo, clean: None, trouble: str
) -> None:
    with visit(browser, demo, expected=LOST) as page:
        page.goto("/editor/rules")
        page.get_by_role("radio", name="Hide").check()
        page.get_by_label("or hide all articles with the tag").fill("batteries")
        page.get_by_label("The lists of articles with the tag").fill("pollinators")
        page.get_by_label("Reason").fill("Typed once")
        _fail(page, trouble)
        page.get_by_role("button", name="Save the rule").click()
        _recover(page, trouble)
        rule = page.locator("#rules .row")
        expect(rule).to_contain_text("Typed once")
        _fail(page, trouble)
        rule.get_by_role("button", name="Remove").click()
        _recover(page, trouble)
        expect(rule).to_have_count(0)

        page.goto("/editor?q=kelp")
        boxes = page.locator("[data-select]")
        boxes.nth(0).check()
        boxes.nth(1).check()
        page.get_by_label("Reason, optional").fill("Both at once")
        _fail(page, trouble)
        page.get_by_role("button", name="Take down…").click()
        _recover(page, trouble)
        dialog = page.get_by_role("dialog")
        expect(dialog).to_contain_text("Take 2 articles down?")
        _fail(page, trouble)
        dialog.get_by_role("button", name="Take down").click()
        _recover(page, trouble)
        expect(page.locator("#notice")).to_contain_text("2 articles")
        _fail(page, trouble)
        page.get_by_role("button", name="Undo").click()
        _recover(page, trouble)
        expect(page.locator("#notice")).to_contain_text("You undid 2 changes")

        page.goto("/editor/links?id=choir-names-and-tunes")
        words = row(page, "inside", 0).get_by_role("button", name="Not these words")
        _fail(page, trouble)
        words.click()
        _recover(page, trouble)
        said(page, "refused")
        page.get_by_role("button", name="Undo").click()
        said(page, "again")
        page.goto("/editor/history")
        expect(page.locator("main")).to_contain_text("Both at once")


def _fail(page: Page, trouble: str) -> None:
    if trouble == "network":
        page.context.set_offline(True)
    elif trouble == "session":
        page.context.clear_cookies()
    else:
        page.route("**/editor/**", lambda route: route.fulfill(status=503, body="<p>Overloaded"))


def _recover(page: Page, trouble: str) -> None:
    if trouble == "session":
        _sign_in_within(page)
        page.get_by_role("dialog").get_by_role("button", name="Continue").click()
        return
    expect(page.get_by_role("alert")).to_be_in_viewport()
    page.context.set_offline(False)
    page.unroute_all()
    page.get_by_role("button", name="Try again").click()


def _sign_in_within(page: Page) -> None:
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Your session has ended")
    dialog.get_by_label("Name").fill("mira")
    dialog.get_by_label("Password").fill(PASSWORD)
    dialog.get_by_role("button", name="Sign in").click()
    expect(dialog).to_contain_text("Not saved yet")


def test_a_build_is_compared_rolled_back_and_published_and_decisions_stay(
    browser: Browser, demo: Demo, clean: None
) -> None:
    with visit(browser, demo) as page, visit(browser, demo, None) as reader:
        page.goto(ARTICLE)
        row(page, "shown", 3).get_by_role("link", name="Pin").click()
        page.get_by_role("dialog").get_by_label("Position").fill("1")
        page.get_by_role("dialog").get_by_role("button", name="Pin").click()
        said(page, "You pinned")
        pinned = listed(page)[0]
        page.get_by_role("link", name="Builds").click()
        live = page.locator(".row", has=page.get_by_text("live", exact=True)).locator(".id")
        name = live.inner_text()
        page.get_by_role("link", name=re.compile("What .* would change")).first.click()
        expect(page.locator("h1")).to_have_text("What changes for readers")
        expect(page.locator(".tiles")).to_contain_text("4 articles removed")
        page.get_by_role("link", name="all builds").click()
        page.get_by_label("Reason").fill("lists look odd")
        page.get_by_role("button", name="Roll back").click()  # not before it is meant
        expect(page.locator("#notice")).to_be_empty()
        page.get_by_label("Yes, roll back").check()
        page.get_by_role("button", name="Roll back").click()
        expect(page.locator("#notice")).to_contain_text("is live")
        expect(page.locator("main")).to_contain_text("lists look odd")
        assert (
            name not in page.locator(".row", has=page.get_by_text("live", exact=True)).inner_text()
        )
        assert demo.on_the_site(reader)[0] == pinned, "the pin is intact"
        page.goto(ARTICLE)
        assert listed(page)[0] == pinned
        expect(page.locator("#decisions")).to_contain_text("pinned at position 1")
        page.goto("/editor/builds")
        page.get_by_role("button", name="Resume publishing").click()
        expect(page.locator("#notice")).to_contain_text("resumed")
        page.get_by_role("link", name=f"Publish {name}").click()
        page.get_by_label("Reason").fill("it was the model")
        page.get_by_role("button", name="Publish").click()
        expect(page.locator("#notice")).to_contain_text("The build is now live")
        expect(live).to_have_text(name)
        assert demo.on_the_site(reader)[0] == pinned
        page.goto("/editor/history")
        page.get_by_role("button", name="Undo").first.click()
        said(page, "You undid the pin")


def test_ten_bad_links_go_by_ten_clicks_or_keys_in_place(
    browser: Browser, demo: Demo, clean: None
) -> None:
    with visit(browser, demo) as page:
        page.goto(ARTICLE)
        place = row(page, "shown", 1).bounding_box()
        for by_key in (False, True):
            for _ in range(5):
                second = listed(page)[1]
                if by_key:
                    page.keyboard.press("h")
                else:
                    row(page, "shown", 1).get_by_role("button", name="Hide").click()
                said(page, f"You hid “{second}”")
                assert row(page, "shown", 1).bounding_box()["y"] == pytest.approx(place["y"], abs=1)
        page.keyboard.press("2")
        said(page, "You changed the hide")
        expect(page.locator("#decisions")).to_contain_text("Out of date")
        removes = page.locator("#decisions").get_by_role("button", name="Remove")
        for left in range(removes.count(), 0, -1):
            removes.first.click()
            expect(removes).to_have_count(left - 1)


def test_links_in_texts_are_copied_judged_and_undone_in_place(
    browser: Browser, demo: Demo, clean: None
) -> None:
    with visit(browser, demo) as page:
        page.goto("/editor/links?id=choir-names-and-tunes")
        first = row(page, "inside", 0)
        page.keyboard.press("j")
        page.keyboard.press("+")
        said(page, "as a good link")
        expect(first).to_contain_text("good link")
        page.keyboard.press("u")
        said(page, "You undid the rating")
        expect(page).to_have_url(re.compile("/editor/links"))
        expect(first.get_by_role("button", name="Use")).to_be_visible()
        _relate_draft(page)
        copy = page.locator("[data-copy]").first
        copy.click()
        expect(copy).to_have_text("Copied")


def test_a_link_is_explained_by_both_texts_where_it_stands(
    browser: Browser, demo: Demo, clean: None
) -> None:
    with visit(browser, demo) as page:
        page.goto(ARTICLE)
        first = row(page, "shown", 0)
        expect(first.locator(".score")).to_have_text(re.compile("very close|close|loose"))
        compare = first.get_by_role("link", name="Compare texts")
        compare.click()
        expect(first.locator("#why mark").first).to_be_visible()
        expect(compare).to_have_attribute("aria-expanded", "true")
        assert _violations(page) == []
        compare.click()
        expect(page.locator("#why")).to_have_count(0)


def test_what_is_taken_down_is_no_longer_offered_for_it(
    browser: Browser, demo: Demo, clean: None
) -> None:
    with visit(browser, demo) as page:
        _open_dialog(page)
        page.get_by_role("dialog").get_by_role("button", name="Take down").click()
        said(page, "You took")
        offer = page.get_by_role("link", name="take down everywhere")
        expect(offer).to_have_count(0)
        expect(page.locator("#head")).to_contain_text("not recommended anywhere")
        page.get_by_role("button", name="Undo").click()
        said(page, "You undid the takedown")
        expect(offer).to_have_count(1)


def test_an_article_is_dragged_to_its_place(browser: Browser, demo: Demo, clean: None) -> None:
    with visit(browser, demo) as page:
        page.goto(ARTICLE)
        before = listed(page)
        source, goal = (row(page, "shown", number).locator(".place") for number in (4, 1))
        source.drag_to(goal)
        said(page, f"You pinned “{before[4]}” at position 2")
        assert listed(page) == [before[0], before[4], *before[1:4], before[5]]
        page.get_by_role("button", name="30 days").click()
        end = dt.datetime.now(dt.UTC) + dt.timedelta(days=30)
        said(page, f"until {end:%-d %b %Y}")
        page.locator("#decisions").get_by_role("button", name="Remove").click()
        said(page, "You unpinned")


def test_what_is_pressed_before_an_answer_is_done_after_it(
    browser: Browser, demo: Demo, clean: None
) -> None:
    held: list[Route] = []
    with visit(browser, demo) as page:
        page.route("**/editor/decide", lambda route: held.append(route))
        page.goto(ARTICLE)
        before = listed(page)
        row(page, "shown", 4).locator(".place").drag_to(row(page, "shown", 1).locator(".place"))
        said(page, f"You pinned “{before[4]}” at position 2")
        page.get_by_role("button", name="30 days").click()
        page.locator("#decisions").get_by_role("button", name="Remove").click()
        page.wait_for_timeout(1_000)
        expect(page.locator("#notice")).not_to_contain_text("You unpinned", timeout=1)
        held[0].continue_()
        said(page, "You unpinned")
        assert listed(page) == before
        page.reload()
        assert listed(page) == before


def test_what_is_done_far_down_on_a_phone_is_told_and_undone_there(
    browser: Browser, demo: Demo, clean: None
) -> None:
    with visit(browser, demo, viewport={"width": 390, "height": 844}) as page:
        page.goto(ARTICLE)
        page.locator("#more-candidates summary").click()
        hide = row(page, "passed-over", 9).get_by_role("button", name="Hide")
        hide.scroll_into_view_if_needed()
        place = row(page, "passed-over", 9).bounding_box()
        hide.click()
        said(page, "You hid")
        assert page.evaluate("scrollY") > 1_000
        assert row(page, "passed-over", 9).bounding_box()["y"] == pytest.approx(place["y"], abs=2)
        expect(page.locator("#notice .notice")).to_be_in_viewport(ratio=1)
        page.get_by_role("button", name="Undo").click()
        said(page, "You undid the hide")
        row(page, "shown", 2).get_by_role("button", name="Move up").click()
        said(page, "You pinned")
        told = page.locator("#notice p").first
        assert told.evaluate("told => told.scrollHeight <= told.clientHeight"), "and all of it"
        page.get_by_role("button", name="Undo").click()
        said(page, "You undid the pin")
        page.evaluate("document.documentElement.style.fontSize = '200%'")
        row(page, "passed-over", 9).scroll_into_view_if_needed()
        assert page.evaluate("document.documentElement.scrollWidth") == 390


class Hands:
    """Someone without a mouse.

    Args:
        page: What is looked at; nothing in it is clicked.
    """

    def __init__(self, page: Page) -> None:
        self.page = page

    def press(self, *keys: str) -> None:
        self.page.wait_for_load_state()  # else a key comes before the scripts
        for key in keys:
            self.page.keyboard.press(key)

    def type(self, text: str) -> None:
        expect(self.page.locator(":is(input, textarea):focus")).to_have_count(1)
        self.page.keyboard.type(text)

    @property
    def at(self) -> str:
        """What has the focus, as a screen reader names it; empty for nothing."""
        found: str = self.page.evaluate(
            """() => { const at = document.activeElement;
              if (!at || at === document.body) return "";
              return at.getAttribute("aria-label") || at.labels?.[0]?.innerText
                || at.innerText || at.tagName; }"""
        )
        return found.strip()

    def tab_to(self, name: str) -> None:
        """Press Tab until something of this name has the focus."""
        seen = []
        for _ in range(120):
            self.press("Tab")
            seen.append(self.at)
            if name in seen[-1]:
                return
        raise AssertionError(f"Tab never reached {name!r}: {seen}")


def test_what_is_typed_before_the_script_is_loaded_is_searched_too(
    browser: Browser, demo: Demo, clean: None
) -> None:
    with visit(browser, demo) as page:
        held: list[Route] = []
        page.route("**/find.js*", lambda route: held.append(route))
        with page.expect_request("**/find.js*"):
            page.goto("/editor", wait_until="commit")
        page.get_by_role("searchbox").fill("one broad crown")
        held[0].continue_()
        expect(page.locator("#results-title")).to_have_text("1 article")


def test_the_whole_story_goes_by_keyboard_alone(browser: Browser, demo: Demo, clean: None) -> None:
    with visit(browser, demo, None) as page:
        hands = Hands(page)
        page.goto("/editor")
        hands.type("mira")
        hands.press("Tab")
        hands.type(PASSWORD)
        hands.press("Enter")
        expect(page.get_by_role("searchbox")).to_be_focused()
        hands.type("one broad crown")
        expect(page.locator("#results-title")).to_have_text("1 article")
        hands.tab_to("Select One broad crown")
        hands.press("Tab", "Enter")
        expect(page.locator("h1")).to_have_text("One broad crown beats three slim ones")
        before = listed(page)

        hands.press("j", "j")
        assert hands.at == before[1]
        hands.press("K")
        said(page, f"You pinned “{before[1]}” at position 1")
        assert before[1] in hands.at, "the focus went along"
        assert listed(page)[:2] == [before[1], before[0]]

        hands.press("j", "h")
        said(page, f"You hid “{before[0]}”")
        assert before[2] in hands.at, "the next takes its place"
        hands.press("5")
        expect(page.get_by_role("dialog")).to_be_visible()
        hands.press("ArrowDown")
        hands.tab_to("Reason")
        hands.type("not about trees")
        hands.tab_to("Until")
        hands.press("ArrowDown")
        hands.tab_to("Hide")
        hands.press("Enter")
        said(page, f"You changed the hide of “{before[0]}”: not related")
        expect(page.get_by_role("dialog")).to_have_count(0)
        assert before[2] in hands.at

        hands.tab_to(f"Remove the decision about {before[0]}")
        hands.press("Enter")
        said(page, "You showed")
        for _ in range(7):  # up to the first of the list
            hands.press("k")
        hands.press("+")
        said(page, "a good link")
        hands.press("u")
        said(page, "You undid the rating")
        expect(page.locator("#shown").get_by_text("pinned", exact=True)).to_have_count(1)

        hands.press("k", "p")
        expect(page.get_by_role("dialog")).to_be_visible()
        hands.press("Escape")
        expect(page.get_by_role("dialog")).to_have_count(0)
        assert before[1] in hands.at
        hands.press("r")
        said(page, "You unpinned")
        assert listed(page) == before

        hands.press("?")
        expect(page.get_by_role("dialog", name="Keyboard shortcuts")).to_be_visible()
        hands.press("Escape")
        hands.press("/")
        expect(page.get_by_role("searchbox")).to_be_focused()
        hands.tab_to("mira")
        hands.press("Enter")
        expect(page.locator("h1")).to_have_text("mira")
        hands.tab_to("Sign out here")
        hands.press("Enter")
        expect(page.locator("h1")).to_have_text("Sign in")


def test_single_keys_can_be_turned_off(browser: Browser, demo: Demo, clean: None) -> None:
    with visit(browser, demo) as page:
        page.goto("/editor/account")
        page.get_by_label("Use single-key shortcuts").uncheck()
        page.goto(ARTICLE)
        for key in ("j", "h", "?"):
            page.keyboard.press(key)
        assert Hands(page).at == ""
        expect(page.get_by_role("dialog")).to_have_count(0)


def test_everything_works_without_a_script(browser: Browser, demo: Demo, clean: None) -> None:
    with visit(browser, demo, None, java_script_enabled=False) as page:
        sign_in(page, "mira")
        page.get_by_role("searchbox").fill("broad crown beats")
        page.get_by_role("button", name="Search").click()
        page.locator(".hit a").first.click()
        titles = page.locator("#shown [data-primary]")
        before = listed(page)
        row(page, "shown", 1).get_by_role("button", name="Move up").click()
        expect(titles.first).to_have_text(before[1])
        page.get_by_role("button", name="Undo").click()
        expect(titles.first).to_have_text(before[0])
        row(page, "shown", 0).get_by_role("button", name="Hide").click()
        expect(titles.first).to_have_text(before[1])
        page.get_by_role("link", name="Reason, place, end").click()
        page.get_by_label("Until").select_option("a date…")
        page.get_by_role("button", name="Hide").click()
        expect(page.get_by_role("alert")).to_contain_text("choose a date", ignore_case=True)
        page.locator("[name=until]").fill("2199-01-01T08:00")
        page.get_by_label("Reason").fill("no script needed")
        page.get_by_role("button", name="Hide").click()
        expect(titles.first).to_have_text(before[1])
        expect(page.locator("#decisions")).to_contain_text("1 Jan 2199")
        page.locator("#decisions").get_by_role("button", name="Remove").click()
        expect(titles.first).to_have_text(before[0])


PAGES: dict[str, Callable[[Page], Any]] = {
    "find": lambda page: page.goto("/editor"),
    "selected": lambda page: _select_rows(page),
    "nothing found": lambda page: page.goto("/editor?q=xyzzyx&standing=expired"),
    "article": lambda page: page.goto(ARTICLE),
    "what two articles share": lambda page: page.goto(
        f"/editor/why?id={SAMPLE_ARTICLE}&target=heat-car-park-trees"
    ),
    "links in the text": lambda page: page.goto(f"/editor/links?id={SAMPLE_ARTICLE}"),
    "its cards": lambda page: _open_cards(page),
    "a draft": lambda page: page.goto("/editor/article?id=listening-to-living-soil"),
    "pin another": lambda page: page.goto(f"/editor?pin={SAMPLE_ARTICLE}"),
    "pin": lambda page: page.goto(
        f"/editor/decide?do=pin&id={SAMPLE_ARTICLE}&target=listening-to-living-soil"
    ),
    "hide": lambda page: page.goto(
        f"/editor/decide?do=hide&id={SAMPLE_ARTICLE}&target=heat-car-park-trees"
    ),
    "dialog": lambda page: _open_dialog(page),
    "keys": lambda page: _open_help(page),
    "history": lambda page: page.goto("/editor/history"),
    "drafts": lambda page: page.goto("/editor/drafts"),
    "related to a draft": lambda page: _relate_draft(page),
    "rules": lambda page: page.goto("/editor/rules"),
    "a rule": lambda page: page.goto(f"/editor/rules?target={SAMPLE_ARTICLE}"),
    "builds": lambda page: page.goto("/editor/builds"),
    "report": lambda page: page.goto(f"/editor/builds/report?build={_other_build(page)}"),
    "changes": lambda page: page.goto(f"/editor/builds/changes?new={_other_build(page)}"),
    "publish": lambda page: page.goto(f"/editor/builds/publish?build={_other_build(page)}"),
    "clicks": lambda page: page.goto("/editor/clicks"),
    "account": lambda page: page.goto("/editor/account"),
    "nothing there": lambda page: page.goto("/editor/article?id=no-such"),
    "docs": lambda page: page.goto("/docs"),
    "session ended": lambda page: _end_session(page),
    "not saved yet": _sign_in_within,
}


def _select_rows(page: Page) -> None:
    page.goto("/editor?q=kelp")
    page.locator("[data-select]").first.check()
    expect(page.get_by_role("button", name="Take down…")).to_be_visible()


def _open_dialog(page: Page) -> None:
    page.goto(ARTICLE)
    page.get_by_role("link", name="take down everywhere").click()
    expect(page.get_by_role("dialog")).to_be_visible()


def _end_session(page: Page) -> None:
    _open_dialog(page)
    _fail(page, "session")
    page.get_by_role("dialog").get_by_role("button", name="Take down").click()
    expect(page.get_by_role("dialog")).to_contain_text("Your session has ended")


def _open_cards(page: Page) -> None:
    """The frame's document, out of its sandbox: axe could not run in it."""
    page.goto("about:blank")
    cards = page.request.get(f"/editor/cards?id={SAMPLE_ARTICLE}").text()
    page.set_content(re.sub(r' src="[^"]*"', "", cards))  # no page may fetch them from nowhere
    expect(page.locator(".alsolike-card")).to_have_count(6)


def _open_help(page: Page) -> None:
    page.goto("/editor/history")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_be_visible()


def _relate_draft(page: Page) -> None:
    page.goto("/editor/drafts")
    page.get_by_label("Text", exact=True).fill(
        "Kelp at night\nNight dives reveal who sleeps in the kelp. Divers count fish by torchlight."
    )
    page.get_by_role("button", name="Find related").click()
    expect(page.locator("#answer-title")).to_be_visible()


def _other_build(page: Page) -> str:
    page.goto("/editor/builds")
    link = page.get_by_role("link", name=re.compile("^Publish ")).last
    return (link.get_attribute("aria-label") or "").removeprefix("Publish ")


@pytest.mark.long
def test_no_page_has_a_barrier_that_axe_knows_or_scrolls_sideways(
    browser: Browser, demo: Demo, clean: None
) -> None:
    found: dict[str, list[str]] = {}
    known: set[str] = set()
    with visit(browser, demo, expected=LOST) as page, visit(browser, demo, "noor") as other:
        for name, reach in PAGES.items():
            reach(page)
            page.wait_for_load_state()
            found[name] = _violations(page, known) + _too_wide(page)
        _leave_a_trace(page)
        found["decided"] = _violations(page, known)
        row(page, "shown", 4).get_by_role("button", name="A bad link").click()
        expect(page.get_by_role("button", name="Hide it here too")).to_be_visible()
        found["a bad link"] = _violations(page, known)
        page.keyboard.press("u")
        said(page, "You undid the rating")
        other.goto(ARTICLE)
        row(page, "shown", 3).get_by_role("button", name="Move up").click()
        said(page, "You pinned")
        row(other, "shown", 3).get_by_role("button", name="Move down").click()
        expect(other.get_by_role("alert")).to_be_visible()
        found["conflict"] = _violations(other, known)
        page.goto("/editor/history")
        found["full history"] = _violations(page, known)
        page.goto(ARTICLE)
        removes = page.locator("#decisions").get_by_role("button", name="Remove")
        for left in range(removes.count(), 0, -1):
            removes.first.click()
            expect(removes).to_have_count(left - 1)
    with visit(browser, demo, None) as page:
        page.goto("/editor")
        found["sign-in"] = _violations(page, known)
    assert {name: some for name, some in found.items() if some} == {}


def _leave_a_trace(page: Page) -> None:
    """A pin, a hide with all that belongs to it, and a pin that does nothing."""
    page.goto(f"/editor/decide?do=pin&id={SAMPLE_ARTICLE}&target=listening-to-living-soil")
    page.get_by_role("button", name="Pin").click()
    expect(page.locator("#alerts")).to_contain_text("is unpublished")
    row(page, "shown", 2).get_by_role("button", name="Hide").click()
    page.locator("#notice").get_by_role("link", name="Reason, place, end").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Not related").check()
    dialog.get_by_label("Reason").fill("no")
    dialog.get_by_label("Until").select_option("tomorrow")
    dialog.get_by_role("button", name="Hide").click()
    said(page, "You changed the hide")
    row(page, "shown", 1).get_by_role("button", name="Move up").click()
    said(page, "You pinned")


STYLED = """[...document.querySelectorAll("*")].flatMap(
    each => [each.tagName, `role ${each.getAttribute("role")}`, ...each.classList]
)"""


def _violations(page: Page, known: set[str] | None = None) -> list[str]:
    """What axe finds: in the light all it knows, in the dark what colors decide.

    In the dark a page is looked at only if it has elements, roles or classes, by which the style
    sheet chooses colors, that are not ``known`` yet; they are added.
    """
    known = set() if known is None else known
    found = []
    part = ".alsolike" if page.url == "about:blank" else "html"
    styled = set(page.evaluate(STYLED)) - known
    known |= styled
    page.evaluate(Axe().axe_script)
    for scheme, options in ({"light": {}, "dark": {"runOnly": ["color-contrast"]}}).items():
        if scheme == "dark" and not styled:
            continue
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # nothing half-way
        options["resultTypes"] = ["violations"]  # what is right is not described at length
        violations = page.evaluate(
            "([part, options]) => axe.run(part, options).then(found => found.violations)",
            [part, options],
        )
        found += [
            f"{scheme}, {each['id']}: {node['html'][:160]} {node['failureSummary']}"
            for each in violations
            for node in each["nodes"][:1]
        ]
    page.emulate_media(color_scheme="light")
    return found


def _too_wide(page: Page) -> list[str]:
    """The widths of a window in which a page scrolls sideways.

    With doubled text only tables may make it do so.
    """
    wide = """size => {
        const root = document.documentElement;
        root.style.fontSize = size;
        const found = root.scrollWidth > root.clientWidth;
        root.style.fontSize = "";
        return found;
    }"""
    found = []
    doubled = [] if page.locator("table").count() else [(320, "200%"), (390, "200%")]
    for width, size in [*doubled, (320, ""), (768, ""), (1280, "")]:
        page.set_viewport_size({"width": width, "height": 900})
        found += [f"too wide for {width} {size}"] * page.evaluate(wide, size)
    return found


def test_a_notice_is_whole_and_is_not_said_again_by_a_page_loaded_anew(
    browser: Browser, demo: Demo, clean: None
) -> None:
    with visit(browser, demo) as page:
        page.goto(f"/editor/decide?do=pin&id={SAMPLE_ARTICLE}&target=heat-car-park-trees")
        page.get_by_role("button", name="Pin").click()
        said(page, "You pinned")
        wide = """told => {
            told.textContent = "Rindfleisch".repeat(40);
            const [end, edge] = [told, told.parentElement].map(
                each => each.getBoundingClientRect().right);
            return end - edge;
        }"""
        assert page.locator("#notice p").first.evaluate(wide) < 0
        page.get_by_role("button", name="Undo").click()
        said(page, "You undid the pin")
        page.reload()
        expect(page.locator("#notice")).to_be_empty()
        assert page.url.endswith(ARTICLE)


def test_the_article_of_a_rule_is_suggested_by_words_of_its_title(
    browser: Browser, demo: Demo, clean: None
) -> None:
    with visit(browser, demo) as page:
        page.goto("/editor/rules")
        page.locator("[name=target_id]").press_sequentially("parking bays")
        found = page.locator("#articles option").first
        expect(found).to_have_attribute("value", "heat-car-park-trees")
        expect(found).to_have_text("Trees between the parking bays")


def test_where_a_rule_is_refused_the_focus_goes_to_the_reason(
    browser: Browser, demo: Demo, clean: None
) -> None:
    with visit(browser, demo, viewport={"width": 390, "height": 844}) as page:
        page.goto("/editor/rules")
        page.get_by_label("Reason").fill("Typed once")
        page.get_by_role("button", name="Save the rule").click()
        refused = page.get_by_role("alert")
        expect(refused).to_contain_text("Choose what to pin or hide")
        expect(refused).to_be_in_viewport()
        expect(refused).to_be_focused()
        expect(page.get_by_label("Reason")).to_have_value("Typed once")


def test_a_letter_stands_for_a_picture_of_find_that_is_gone(
    browser: Browser, demo: Demo, clean: None
) -> None:
    with visit(browser, demo, expected="ERR_FAILED") as page:
        page.route("**/images/**", lambda route: route.abort())
        page.goto("/editor")
        page.wait_for_load_state("networkidle")
        image = page.locator(".thumb").first
        before = image.screenshot()
        image.evaluate("image => image.removeAttribute('data-initial')")
        assert before != image.screenshot()


def test_long_names_of_tags_make_a_report_no_wider(
    browser: Browser, demo: Demo, clean: None
) -> None:
    with visit(browser, demo) as page:
        PAGES["report"](page)
        rename = "cells => cells.forEach(cell => cell.textContent = 'communication tools')"
        page.locator("td.name").evaluate_all(rename)
        assert _too_wide(page) == []


def test_a_row_says_all_that_two_articles_share_at_any_width(
    browser: Browser, demo: Demo, clean: None
) -> None:
    cut = "lines => lines.filter(line => line.scrollWidth > line.clientWidth).length"
    squeezed = "titles => titles.filter(title => title.clientWidth < 190).length"
    with visit(browser, demo) as page:
        page.goto(ARTICLE)
        for width in (320, 390, 768, 1000, 1280):
            page.set_viewport_size({"width": width, "height": 800})
            assert page.locator(".rows .meta").count() >= 6
            assert page.locator(".rows .meta").evaluate_all(cut) == 0, width
            assert page.locator("#shown .row-main").evaluate_all(squeezed) == 0, width


def test_the_frame_is_as_tall_as_its_cards(browser: Browser, demo: Demo, clean: None) -> None:
    with visit(browser, demo) as page:
        page.goto(ARTICLE)
        frame_titles(page)
        tall = "frame => frame.contentDocument.body.scrollHeight"
        frame = page.locator("iframe.cards")
        until(
            lambda: 0 <= frame.evaluate("frame => frame.clientHeight") - frame.evaluate(tall) <= 4
        )
        images = page.frame_locator("iframe.cards").locator("img")
        source = images.first.evaluate("image => image.currentSrc || image.src")
        assert source.startswith(demo.site), "pictures are the site's"


def test_what_is_related_to_every_article_of_the_sample_has_a_page(
    browser: Browser, demo: Demo, clean: None
) -> None:
    with visit(browser, demo) as page:
        for record in JsonlSource(str(SAMPLE_SOURCE)).records():
            article_id = getattr(record, "values")["id"]  # noqa: B009 - a problem has none
            answer = page.request.get(f"/editor/article?id={quote(article_id, safe='')}")
            assert answer.status == 200, article_id


def test_the_demo_prints_a_link_that_lets_its_first_visitor_in(
    browser: Browser, tmp_path: Path
) -> None:
    port = free_ports()
    with alsolike("demo", "--model", "hashing:64", "--port", str(port), folder=tmp_path):
        service = f"http://127.0.0.1:{port}"
        until(lambda: (answer := get(f"{service}/readyz")) and answer.status == 200)
        printed = (tmp_path / "stdout").read_text()
        [link] = re.findall(r"(http://\S+/editor/enter\?key=\S+)", printed)
        context = browser.new_context()
        page = context.new_page()
        page.goto(link)
        assert page.url == f"{service}/editor"
        expect(page.get_by_role("link", name="guest")).to_be_visible()
        page.goto(link)
        expect(page.get_by_role("alert")).to_contain_text("works only once")
        context.close()
        entries = json.loads((get(f"{service}/readyz") or pytest.fail("away")).body)
        assert entries["status"] == "ready"
