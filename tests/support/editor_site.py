"""A service with editors for tests: a built site, a database of either kind, a token per role."""

from __future__ import annotations

import itertools
import logging
import os
import shutil
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from starlette.testclient import TestClient
from starlette.types import ASGIApp, Receive, Scope, Send

from index.root.root import Root
from service.app import create_app
from service.decisions.database import Database
from service.decisions.decision_store import Actor
from service.decisions.open_decisions import open_decisions, upgrade_decisions
from service.roles import Role
from service.settings import Settings
from tests.support.articles import topical
from tests.support.builds import publish

log = logging.getLogger("alsolike")

PAGE = "sea-000"
SLASHED = "10.1/a%2Foverrides%2Fb/ü?"
PASSWORD = "für/PostgreSQL?@"
TESTER = Actor(name="tester", how="cli")

_numbers = itertools.count(1)


def records() -> list[dict[str, Any]]:
    """Forty-nine articles on four topics; some are not visible, one has an id of all sorts."""
    records = topical(48)
    by_id = {record["id"]: record for record in records}
    by_id["sea-004"]["status"] = "draft"
    by_id["sea-008"]["visible_from"] = "2199-07-01T00:00Z"
    by_id["song-001"]["tags"] = ["choir"]
    by_id["sea-000"]["image"] = {"src": "https://example.org/a.svg?b&c", "alt": "A"}
    records.append({**by_id["rail-003"], "id": SLASHED, "summary": by_id["sea-016"]["summary"]})
    return records


@dataclass
class Desk:
    """A running app and who may ask it.

    Attributes:
        client: Asks it in this process.
        settings: What it runs with.
        tokens: One per role.
    """

    client: TestClient
    settings: Settings
    tokens: dict[Role, str] = field(default_factory=dict)

    @property
    def root(self) -> Root:
        return Root(self.settings.root)

    def database(self) -> closing[Database]:
        """The decisions, for as long as a ``with`` block lasts."""
        return closing(open_decisions(self.settings))

    def ask(self, method: str, path: str, role: Role | None = Role.EDITOR, **options: Any) -> Any:
        """One request with a role's token; ``id`` and its like go as parameters."""
        headers = dict(options.pop("headers", {}))
        if role is not None:
            headers["Authorization"] = f"Bearer {self.tokens[role]}"
        return self.client.request(method, path, headers=headers, **options)

    def shown(self, article_id: str = PAGE, **parameters: Any) -> list[str]:
        """What readers see."""
        answer = self.client.get("/v1/related", params={"id": article_id, **parameters})
        assert answer.status_code == 200, answer.text
        return [item["article_id"] for item in answer.json()["items"]]

    def decide(
        self, target_id: str, article_id: str = PAGE, *, if_match: str = "*", **change: Any
    ) -> Any:
        """Pin or hide."""
        return self.ask(
            "PUT",
            "/v1/overrides",
            params={"article_id": article_id, "target_id": target_id},
            json=change,
            headers={"If-Match": if_match},
        )


def build_site(folder: Path) -> Path:
    """A published root with two builds, to be copied."""
    root = Root(folder / "root")
    publish(root, folder, records()[:40])
    publish(root, folder, records())
    return root.path


def database_settings(kind: str, server: str | None) -> dict[str, Any]:
    """The settings of a fresh database."""
    if kind == "sqlite":
        return {}
    import psycopg

    assert server is not None
    name = f"desk_{os.getpid()}_{next(_numbers)}"
    with psycopg.connect(server, password=PASSWORD, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return {"database": server.rpartition("/")[0] + f"/{name}", "database_password": PASSWORD}


@contextmanager
def open_desk(site: Path, folder: Path, **settings: Any) -> Iterator[Desk]:
    """A service on a copy of a site."""
    root = folder / "root"
    if not root.exists():
        shutil.copytree(site, root)
    found = Settings(root=root, **settings)
    if found.database:
        upgrade_decisions(found)
    database = open_decisions(found)
    tokens = {
        role: database.tokens.add(TESTER, name=f"the {role} token", role=role)[0] for role in Role
    }
    database.close()
    with TestClient(_logged(create_app(found)), raise_server_exceptions=False) as client:
        yield Desk(client=client, settings=found, tokens=tokens)


def _logged(app: ASGIApp) -> ASGIApp:
    """The app, whose exceptions are logged as its server would: the client shows only a 500."""

    async def logged(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await app(scope, receive, send)
        except BaseException:  # a request that is cancelled is answered so, too
            log.exception("%s failed", scope.get("path"))
            raise

    return logged
