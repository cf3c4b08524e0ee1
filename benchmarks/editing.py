"""How long does it take an editor to hide ten bad links?

``python -m benchmarks.editing``: the demo, in Debian's chromium. In the list of an article ten
links in drawn rows are hidden, by mouse and by keys, without and with a reason picked from those
that the notice offers; each act is done in the browser and waited for, and each run ends with
exactly ten new decisions. A person's seconds are those of the keystroke-level model (Card, Moran
and Newell, 1980): a key 0.28 s, a pointing 1.1 s unless the pointer is there already, a button
pressed and let go 0.2 s, a thought 1.35 s for each link and each reason.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
import time
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote

from playwright.sync_api import Locator, Page, sync_playwright

from benchmarks.corpora import say
from benchmarks.support.servers import find_program, free_port, running
from service.decisions.decision_store import Actor
from service.decisions.open_decisions import open_decisions
from service.roles import Role
from service.settings import Settings

RUNS = {
    ("mouse", False): "choir-names-and-tunes",
    ("mouse", True): "bacteria-concrete-quay-wall",
    ("keys", False): "commuting-cargo-bike-school-run",
    ("keys", True): "compost-and-soil-fungi-in-beds",
}
"""What acts, whether a reason is given, and the article in whose list."""

SECONDS = {"key": 0.28, "pointing": 1.1, "click": 0.2, "thought": 1.35}
LINKS = 10
_PASSWORD = "correct horse battery"
_SEED = 21


class Editor:
    """Someone at an article's page, whose acts are counted."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.acts: Counter[str] = Counter()
        self._pointer: tuple[float, float] | None = None

    def think(self) -> None:
        """Judge a link, or choose a reason."""
        self.acts["thought"] += 1

    def click(self, button: Locator) -> None:
        """Press a button where it stands now."""
        box = button.bounding_box()
        assert box is not None
        x, y = self._pointer or (-1.0, -1.0)
        if not (box["x"] < x < box["x"] + box["width"] and box["y"] < y < box["y"] + box["height"]):
            self._pointer = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
            self.page.mouse.move(*self._pointer)
            self.acts["pointing"] += 1
        assert self._pointer is not None
        self.page.mouse.click(*self._pointer)
        self.acts["click"] += 1

    def press(self, key: str) -> None:
        """Press a key."""
        self.page.keyboard.press(key)
        self.acts["key"] += 1

    def hide(self, row: int, *, keys: bool) -> None:
        """Hide the link in a row of the list."""
        rows = self.page.locator("#shown .row")
        title = rows.nth(row).locator("[data-primary]").inner_text()
        self.think()
        if keys:
            while (at := self._row()) != row:
                self.press("j" if at < row else "k")
            self.press("h")
        else:
            self.click(rows.nth(row).get_by_role("button", name="Hide"))
        self._said(f"You hid “{title}”")

    def give_reason(self, number: int, *, keys: bool) -> None:
        """Pick one of the reasons that the notice offers."""
        self.think()
        if keys:
            self.press(str(number))
        else:
            self.click(self.page.locator("#notice .more > button").nth(number - 1))
        self._said("You changed the hide")

    def _row(self) -> int:
        return int(
            self.page.evaluate(
                "() => [...document.querySelectorAll('#shown .row')].indexOf("
                "document.activeElement.closest('.row'))"
            )
        )

    def _said(self, words: str) -> None:
        self.page.locator("#notice", has_text=words).wait_for()


def measure(chromium: str, address: str, folder: Path) -> dict[str, Any]:
    """All runs."""
    with (
        closing(open_decisions(Settings(root=folder / ".demo"))) as database,
        sync_playwright() as p,
    ):
        actor = Actor(name="benchmark", how="cli")
        database.editors.add(actor, name="mira", role=Role.EDITOR, password=_PASSWORD)
        browser = p.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.goto(f"{address}/editor")
        page.get_by_label("Name").fill("mira")
        page.get_by_label("Password").fill(_PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        page.get_by_role("searchbox").wait_for()
        found = {}
        for (hand, reasons), article in RUNS.items():
            page.goto(f"{address}/editor/article?id={quote(article)}", wait_until="networkidle")
            editor, draw = Editor(page), random.Random(_SEED)
            start = time.perf_counter()
            for _ in range(LINKS):
                editor.hide(draw.randrange(6), keys=hand == "keys")
                if reasons:
                    editor.give_reason(draw.randint(1, 4), keys=hand == "keys")
            waited = time.perf_counter() - start
            hidden = [one for one in database.overrides.all() if one.article_id == article]
            why = sum(one.reason != "" or one.not_related for one in hidden)
            assert (len(hidden), why) == (LINKS, LINKS * reasons), f"{hand}: {hidden}"
            person = sum(SECONDS[act] * count for act, count in editor.acts.items())
            found[f"{hand}{'_with_reasons' * reasons}"] = {
                **editor.acts, "person_s": round(person, 1), "pages_s": round(waited, 1)
            }  # fmt: skip
            say(f"{hand}: {person:.1f} s")
        browser.close()
        return found


def main() -> None:
    """Run it."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    chromium = find_program("chromium")
    with tempfile.TemporaryDirectory() as name:
        folder, port = Path(name), free_port()
        command = [sys.executable, "-m", "service.cli", "demo", "--model", "hashing:256"]
        with running([*command, "--port", str(port)], folder / "log", port, cwd=folder):
            print(json.dumps(measure(chromium, f"http://127.0.0.1:{port}", folder)))


if __name__ == "__main__":
    main()
