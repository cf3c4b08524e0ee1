"""A browser's half of the editors' pages, without a browser: forms as they stand in a page."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from starlette.testclient import TestClient

from service.decisions.open_decisions import open_decisions
from service.http.auth import COOKIE
from service.roles import Role
from service.settings import Settings
from tests.support.editor_site import TESTER, Desk

PASSWORD = "correct horse battery"


def add_editor(root: Path, name: str, role: Role) -> None:
    """Let someone in."""
    database = open_decisions(Settings(root=root))
    database.editors.add(TESTER, name=name, role=role, password=PASSWORD)
    database.close()


class Editor:
    """Someone at the pages: follows links and sends forms, as they stand in the last page.

    Args:
        client: A client of its own, as a browser has cookies of its own.
    """

    def __init__(self, client: TestClient) -> None:
        self.client = client
        self.page = ""

    def get(self, path: str, **parameters: Any) -> Any:
        """Open a page."""
        answer = self.client.get(path, params=parameters or None)
        self.page = answer.text
        return answer

    def look(self, article_id: str) -> Any:
        """Open an article's page."""
        return self.get("/editor/article", id=article_id)

    @property
    def hidden(self) -> dict[str, str]:
        """The fields of the page that nobody types; the last of a name counts."""
        found = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', self.page)
        return {name: html.unescape(value) for name, value in found}

    def send(self, path: str, **fields: Any) -> Any:
        """Send a form of the last page, with the fields that someone fills in."""
        sent = {
            name: value
            for name, value in self.hidden.items()
            if name in ("csrf", "version", "seen", "article_id")
        }
        answer = self.client.post(path, data=sent | fields)
        self.page = answer.text
        return answer

    def press(self, act: str) -> Any:
        """Press one of the buttons of an article's page."""
        return self.send("/editor/steer", act=act)

    def decide(self, target_id: str, do: str, **fields: Any) -> Any:
        """Send the form of one decision in the list that is looked at."""
        return self.send("/editor/decide", target_id=target_id, do=do, **fields)

    def sign_in(self, name: str = "mira", password: str = PASSWORD, **fields: Any) -> Any:
        """Send the form of the sign-in."""
        return self.send("/editor/sign-in", name=name, password=password, **fields)

    @property
    def said(self) -> str:
        """What the page tells of what was done or went wrong."""
        found = re.search(
            r'data-announce="([^"]*)"|<p class="panel bad"[^>]*>(.*?)</p>', self.page, re.DOTALL
        )
        return "" if found is None else html.unescape(found[1] or found[2]).strip()

    def titles(self, region: str) -> list[str]:
        """The ids of the articles of one part of the page, in order."""
        start = self.page.index(f'id="{region}"')
        part = self.page[start : self.page.index("data-region", start + 60)]
        return [html.unescape(key) for key in re.findall(r'data-key="open ([^"]*)"', part)]


@contextmanager
def editor(desk: Desk, name: str | None = "mira") -> Iterator[Editor]:
    """Someone with a browser and, unless there is no name, with a session."""
    found = Editor(TestClient(desk.client.app, raise_server_exceptions=False))
    if name is not None:
        database = open_decisions(desk.settings)
        known = database.editors.get(name)
        assert known is not None
        found.client.cookies.set(COOKIE, database.sessions.open(known)[0])
        database.close()
    yield found
