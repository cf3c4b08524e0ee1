"""A comparison in a real browser: readers' clicks, what they say, and the variant's publication."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from index.root.comparison import read_comparison
from index.root.journal import read_journal
from index.root.root import Root
from service.demo.site import SAMPLE_ARTICLE
from service.roles import Role
from tests.support.chromium import NEEDS_CHROMIUM
from tests.support.demo_service import demo
from tests.support.editor_forms import PASSWORD, add_editor
from tests.support.service_process import until

pytestmark = NEEDS_CHROMIUM


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("compared")
    (folder / "alsolike.toml").write_text(
        'root = ".demo"\nmodel = "hashing:256"\nclicks = true\nmax_churn = 1.0\n'
        "[variant.words]\nweights = { meaning = 0.0, words = 1.0 }\n"
    )
    return folder


@pytest.fixture(scope="module")
def addresses(folder: Path) -> Iterator[tuple[str, str]]:
    with demo(folder) as (service, site, _):
        add_editor(folder / ".demo", "mira", Role.ADMIN)
        yield service, site


def start(folder: Path) -> None:
    command = [sys.executable, "-m", "service.cli", "compare", "start", "words", "--block", "1m"]
    subprocess.run(command, cwd=folder, check=True)


def open_builds(page: Page, service: str) -> None:
    page.goto(f"{service}/editor/builds")
    if "sign-in" in page.url:
        page.get_by_label("Name").fill("mira")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url("**/editor/builds")


def follow(page: Page, site: str) -> None:
    page.goto(f"{site}/{SAMPLE_ARTICLE}")
    page.wait_for_selector(".alsolike-card")
    card = page.locator(".alsolike-card").first
    card.scroll_into_view_if_needed()
    title = card.locator(".alsolike-title").inner_text()
    page.wait_for_timeout(1_200)
    card.locator("a").first.click()
    expect(page.locator("h1")).to_have_text(title)


def decide(page: Page, reason: str, button: str) -> None:
    page.locator("section.panel").get_by_label("Reason").fill(reason)
    page.get_by_label("Yes, end the comparison").check()
    page.get_by_role("button", name=button).click()


def test_what_readers_follow_is_compared_shown_and_published(
    page: Page, addresses: tuple[str, str], folder: Path
) -> None:
    service, site = addresses
    root = Root(folder / ".demo")
    before = root.manifest()
    start(folder)
    comparison = page.locator("section.panel")
    open_builds(page, service)
    expect(comparison).to_contain_text("The variant words has been compared with the live lists")

    def counted() -> object:  # no list is until the service has opened the variant's build
        follow(page, site)
        open_builds(page, service)
        return re.search(r"[1-9] lists? (was|were) seen in that time", comparison.inner_text())

    until(counted)
    expect(comparison.locator("pre")).to_have_text("weights = { meaning = 0.0, words = 1.0 }")
    decide(page, "followed more often", "Publish the lists of words")
    expect(page.locator("#notice")).to_contain_text("The variant's build is being made")
    until(lambda: root.manifest().name != before.name)
    until(lambda: read_journal(root.path)[-1]["event"] == "compared")
    assert read_comparison(root.path) is None
    assert (root.manifest().weights["meaning"], root.manifest().weights["words"]) == (0.0, 1.0)
    assert read_journal(root.path)[-1]["who"] == "mira (session)"
    page.reload()
    expect(comparison).to_have_count(0)
    expect(page.locator("main")).to_contain_text("ended the comparison of the variant words")

    variant = root.open()
    row = variant.row(SAMPLE_ARTICLE)
    assert row is not None
    best = variant.title(int(variant.related_rows[row][0]))

    def first() -> str:  # the service looks for a new build every quarter of a second
        page.goto(f"{site}/{SAMPLE_ARTICLE}?include")
        return page.locator(".alsolike-title").first.inner_text()

    until(lambda: first() == best)


def test_it_is_ended_and_what_fails_is_told(
    page: Page, addresses: tuple[str, str], folder: Path
) -> None:
    service, _ = addresses
    root = Root(folder / ".demo")
    settings = (folder / "alsolike.toml").read_text()
    (folder / "alsolike.toml").write_text(settings + "depth = 30\n[variant.same]\ndepth = 9\n")
    start(folder)
    live = root.manifest().name
    (folder / "alsolike.toml").write_text("model = ")  # which the new process can't read
    open_builds(page, service)
    decide(page, "try it\0", "Publish the lists of words")
    until(lambda: read_journal(root.path)[-1]["event"] == "fail")
    page.reload()
    expect(page.locator("main")).to_contain_text("mira (session) could not make the build")
    expect(page.locator("main")).to_contain_text("alsolike.toml")
    (folder / "alsolike.toml").write_text(settings)
    decide(page, "no difference", "Keep the live lists")
    expect(page.locator("#notice")).to_contain_text("All readers get the live lists")
    assert (read_comparison(root.path), root.manifest().name) == (None, live)
    assert read_journal(root.path)[-1]["reason"] == "no difference"
