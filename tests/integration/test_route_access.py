"""Who gets what does not depend on how an address is spelled: every route, every role."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urljoin, urlsplit

import pytest
import uvicorn
from fastapi.routing import APIRoute
from starlette.testclient import TestClient

from index.root.root import Root
from recommender.visibility import utc_now
from service.app import create_app
from service.decisions.open_decisions import open_decisions
from service.http.auth import COOKIE
from service.roles import Role
from service.server import http_protocol
from service.settings import Settings
from tests.support.articles import prose
from tests.support.builds import publish
from tests.support.editor_site import TESTER, open_desk
from tests.support.service_process import until

MARK = b"Zebrafish"
"""In every article's title, and nowhere else."""

HOSTILE = "evil.example"
BODIES = {
    "/v1/related/batch": {"ids": ["p-1"]},
    "/v1/related": {"title": "Swimming", "summary": prose(3)},
}
"""What gets an answer; other routes get an empty object, which is refused behind the door."""

SHUT = {303, 401, 403, 404, 405}
"""How a route answers who does not get in, or a page that is not there."""


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes


@dataclass
class Door:
    """A running service, asked with addresses as they are.

    Attributes:
        line: To it; opened anew whenever it was closed.
        tokens: By role; ``None`` is nobody.
        routes: Method and path of every route.
    """

    line: http.client.HTTPConnection
    tokens: dict[Role | None, str | None]
    routes: list[tuple[str, str]]

    def ask(
        self, method: str, address: str, role: Role | None, body: Any = None, **headers: str
    ) -> Answer:
        line = self.line
        line.putrequest(method, address, skip_host=True, skip_accept_encoding=True)
        line.putheader("Host", HOSTILE)
        line.putheader("X-Forwarded-Host", HOSTILE)
        line.putheader("X-Forwarded-Proto", "https")
        if self.tokens[role] is not None:
            line.putheader("Authorization", f"Bearer {self.tokens[role]}")
        for name, value in headers.items():
            line.putheader(name.replace("_", "-"), value)
        content = b"" if body is None else json.dumps(body).encode()
        if content:
            line.putheader("Content-Type", "application/json")
            line.putheader("Content-Length", str(len(content)))
        line.endheaders(content)
        answer = line.getresponse()
        return Answer(answer.status, dict(answer.getheaders()), answer.read())


def filled(path: str) -> str:
    """A route's path with an article's id, or a file's name, for what it leaves open."""
    return path.replace("{article_id}", "p-1").replace("{name}", "editor.css")


def spellings(path: str) -> list[str]:
    """Other ways to write a path, of which some lead to the same route and some nowhere."""
    head, slash, last = path.rpartition("/")
    first = path.split("/")[1]
    letter = path[1:2] or "/"
    return [
        f"/%{ord(letter):02x}{path[2:]}",
        f"{path[:-1]}%{ord(path[-1]):02X}",
        "/" + "".join(c if c == "/" else f"%{ord(c):02x}" for c in path[1:]),
        f"/%25{ord(letter):02x}{path[2:]}",
        f"{head}%2F{last}",
        f"{head}%2f{last}",
        f"{head}%252F{last}",
        f"{head}%5C{last}",
        f"{head}//{last}",
        f"/{path}",
        f"///{path[1:]}",
        f"{path}/",
        f"{path}//",
        f"{path}%2F",
        f"{head}/.{slash}{last}",
        f"{path}/.",
        f"/x/..{path}",
        f"{head}/x/../{last}",
        f"/x/%2e%2e{path}",
        f"/%2E{path}",
        path.upper(),
        path.swapcase(),
        f"/{first.capitalize()}{path[1 + len(first) :]}",
        f"{path};x=1",
        f"/{first};x{path[1 + len(first) :]}",
        f"{path}%3Fid=p-1",
        f"{path}%00",
        f"{path}%20",
        f"{path}%09",
        f"{path}.",
        f"{path}.html",
        f"{path}.json",
        f"http://{HOSTILE}{path}",
        f"{path}#part",
    ]


def every_route(router: Any) -> Iterator[tuple[str, str]]:
    """Of the framework's app, documented or not."""
    for route in router.routes:
        if isinstance(route, APIRoute):
            yield from ((method, route.path) for method in route.methods)
        elif hasattr(route, "original_router"):
            yield from every_route(route.original_router)


@contextmanager
def running(folder: Path, *, read_token: bool) -> Iterator[Door]:
    root = Root(folder / "root")
    publish(
        root,
        folder,
        [
            {"id": f"p-{number}", "title": f"{MARK.decode()} {number}", "summary": prose(number)}
            for number in range(8)
        ],
    )
    settings = Settings(
        root=root.path, model="hashing:64", read_token=read_token, draft_rate=100_000
    )
    database = open_decisions(settings)
    tokens = {role: database.tokens.add(TESTER, name=role, role=role)[0] for role in Role}
    database.close()
    app: Any = create_app(settings)
    server = uvicorn.Server(
        uvicorn.Config(
            app, port=0, http=http_protocol(), log_config=None, ws="none", proxy_headers=False
        )
    )
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        until(lambda: server.started)
        port = server.servers[0].sockets[0].getsockname()[1]
        door = Door(http.client.HTTPConnection("127.0.0.1", port, 30), {None: None, **tokens}, [])
        document = json.loads(door.ask("GET", "/openapi.json", None).body)
        found = {
            (method.upper(), path)
            for path, operations in document["paths"].items()
            for method in operations
        }
        while not hasattr(app, "_compose_once"):
            app = app._app if hasattr(app, "_app") else app.default
        found |= set(every_route(app._app))
        found |= {("HEAD", path) for method, path in found if method == "GET"}
        found |= {("OPTIONS", path) for _, path in found}
        door.routes = sorted(found)
        yield door
        door.line.close()
    finally:
        server.should_exit = True
        thread.join(30)
        assert not thread.is_alive()


@pytest.fixture(scope="module", params=[False, True], ids=["public", "read-token"])
def door(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Door]:
    with running(tmp_path_factory.mktemp("door"), read_token=request.param) as opened:
        yield opened


SAFE = {"GET", "HEAD", "OPTIONS"}
QUERY = "id=p-1&article_id=p-1&target_id=p-2&q=zebra"


def is_inside(location: str) -> bool:
    """Whether a browser that is led there stays with the service, and with its own scheme."""
    there = urlsplit(urljoin("https://site.example/editor", location.replace("\\", "/")))
    return location.startswith("/") and (there.scheme, there.netloc) == ("https", "site.example")


def look_at(answer: Answer, what: str) -> None:
    """What holds for every answer, whoever asks for whatever."""
    assert answer.status < 500, what
    location = answer.headers.get("location")
    leads = 300 <= answer.status < 400 and answer.status != 304
    assert (location is not None) == (leads or (answer.status == 202 and "/batch" not in what)), (
        what
    )
    if location is not None:
        assert is_inside(location), (what, location)
    told = {name: value for name, value in answer.headers.items() if name != "location"}
    assert HOSTILE not in str(told), what


def test_the_walk_finds_what_there_is(door: Door) -> None:
    assert {
        ("GET", "/v1/related"), ("HEAD", "/v1/related.html"), ("POST", "/v1/related"),
        ("GET", "/v1/articles/{article_id}/related"), ("POST", "/v1/related/batch"),
        ("GET", "/editor/article"), ("POST", "/editor/drafts"), ("PUT", "/v1/overrides"),
        ("OPTIONS", "/v1/related"), ("GET", "/openapi.json"), ("GET", "/livez"),
    } <= set(door.routes)  # fmt: skip
    assert len(door.routes) > 100
    assert all(len(set(spellings(filled(path)))) >= 12 for _, path in door.routes)


def bodies(method: str, path: str) -> Any:
    return BODIES.get(path, {}) if method in ("POST", "PUT", "PATCH", "DELETE") else None


LISTS = ("/v1/related", "/v1/articles", "/docs", "/openapi")


def try_spellings(door: Door, role: Role | None, methods: set[str], *, every: int = 1) -> None:
    """All routes; of the spellings all, or for what shows no lists one of ``every``."""
    private = door.ask("GET", f"/v1/related?{QUERY}", None).status == 401
    shut = 0
    for number, (method, path) in enumerate(door.routes):
        if method not in methods or (role is Role.ADMIN and method not in SAFE):
            continue  # there is nothing that an admin may not
        plain, body = filled(path), bodies(method, path)
        answer = door.ask(method, f"{plain}?{QUERY}", role, body)
        look_at(answer, f"{method} {path} by {role}")
        is_shut = answer.status in SHUT
        shut += is_shut
        hidden = private and role is None
        assert not (hidden and MARK in answer.body), f"{method} {path} shows a list"
        if not (is_shut or hidden):
            continue
        ways = spellings(plain)
        if not path.startswith(LISTS):
            ways = ways[number % every :: every]
        asked = [(f"{each}?{QUERY}", body) for each in ways]
        for address, sent in [*asked, (f"{plain}?{QUERY}&id=p-2", body), (plain, body)]:
            what = f"{method} {address} by {role}"
            other = door.ask(method, address, role, sent)
            look_at(other, what)
            assert not is_shut or other.status in SHUT | {400, 422, 429}, what
            assert MARK not in other.body, what
    assert shut > (0 if role is Role.ADMIN else 10)


def test_no_spelling_of_an_address_gives_more_than_the_plain_one(door: Door) -> None:
    try_spellings(door, None, {"GET", "POST", "PUT"}, every=6)


@pytest.mark.full
@pytest.mark.parametrize("read_token", [False, True])
@pytest.mark.parametrize("role", [None, *Role])
def test_no_spelling_gives_any_role_more(
    tmp_path: Path, role: Role | None, read_token: bool
) -> None:
    with running(tmp_path, read_token=read_token) as own:  # what an editor may do changes lists
        try_spellings(own, role, {method for method, _ in own.routes})


def test_lists_are_seen_where_reading_is_free_or_their_absence_would_prove_nothing(
    door: Door,
) -> None:
    for role in (None, Role.READ):
        seen = {
            path
            for method, path in door.routes
            if MARK in door.ask(method, f"{filled(path)}?{QUERY}", role, bodies(method, path)).body
        }
        private = door.ask("GET", f"/v1/related?{QUERY}", role).status == 401
        assert private == (not seen)
        if not private:
            assert {"/v1/related", "/v1/related.html", "/v1/related/batch"} <= seen


def test_what_took_a_token_stays_out_of_shared_caches(door: Door) -> None:
    private = door.ask("GET", f"/v1/related?{QUERY}", None).status == 401
    for method, path in [
        ("GET", "/v1/related"),
        ("HEAD", "/v1/related.html"),
        ("GET", "/v1/articles/p-1/related"),
        ("GET", "/v1/articles/p-1/related.html"),
        ("POST", "/v1/related/batch"),
        ("POST", "/v1/related"),
    ]:
        for role in (None, Role.READ):
            answer = door.ask(
                method, f"{path}?{QUERY}", role, BODIES[path] if method == "POST" else None
            )
            assert answer.status == (200 if role or not private else 401), (method, path, role)
            kept = answer.headers["cache-control"]
            if private:
                assert "public" not in kept
                assert kept.startswith(("private, ", "no-store"))
            if private and answer.status == 200:
                assert {"Authorization", "Cookie"} <= set(answer.headers["vary"].split(", "))


PAGES = [
    "/editor",
    "/editor/",
    "/editor/article?id=p-1",
    "/editor/history/",
    "/editor/sign-in",
    "/editor/sign-in/",
    "/editor/sign-in?next=//evil.example",
    "/editor/sign-in?next=https://evil.example",
    "/editor/sign-in?next=/%5Cevil.example",
    "/editor/sign-in?next=/editor/..//evil.example",
    "/editor/sign-in?next=/editor%0d%0aX: y",
    "/editor/sign-in?next=/editor?a=b",
    "/v1/related/?id=p-1",
    "/v1/related/batch/",
    "/docs/",
]
ENTERED = {"name": "mira", "password": "correct horse battery"}
FORMS = [
    ("/editor/sign-in", {**ENTERED, "next": "https://evil.example/"}),
    ("/editor/sign-in/", ENTERED),
    ("/editor/undo", {"seq": "1"}),
    ("/editor/sign-out", {}),
]


def signed_in(settings: Settings) -> dict[str, str]:
    database = open_decisions(settings)
    editor = database.editors.add(TESTER, role=Role.ADMIN, **ENTERED)
    secret, _ = database.sessions.open(editor)
    database.close()
    return {"Cookie": f"{COOKIE}={secret}"}


HOSTS = [HOSTILE, f"{HOSTILE}/x?", f"{HOSTILE}:1", f"user@{HOSTILE}", "[::1]", "", "a b"]


@pytest.mark.parametrize("hosts", [HOSTS[:2], pytest.param(HOSTS, marks=pytest.mark.full)])
def test_no_redirect_is_made_from_what_a_request_says_of_its_host(
    tmp_path: Path, hosts: list[str]
) -> None:
    site = Root(tmp_path / "site")
    publish(site, tmp_path, [{"id": f"p-{n}", "title": "T", "summary": prose(n)} for n in range(4)])
    with (
        open_desk(site.path, tmp_path, trusted_proxies=["127.0.0.1"]) as desk,
        TestClient(create_app(desk.settings), client=("127.0.0.1", 1)) as client,
    ):
        cookie = signed_in(desk.settings)
        seen = []
        for number, host in enumerate(hosts):
            forwarded = {
                "Host": host,
                "X-Forwarded-For": f"203.0.113.{number}",
                "X-Forwarded-Host": HOSTILE,
                "Forwarded": f"host={HOSTILE}",
                "X-Forwarded-Proto": "https" if number % 2 else "http",
            }
            for headers in (forwarded, {**forwarded, **cookie}):
                for address in PAGES:
                    seen.append(client.get(address, headers=headers, follow_redirects=False))
                for address, form in FORMS:
                    seen.append(
                        client.post(address, data=form, headers=headers, follow_redirects=False)
                    )
        assert sum(answer.status_code == 303 for answer in seen) >= 8 * len(hosts)
        for answer in seen:
            assert answer.status_code not in (301, 302, 307, 308), answer.url
            where = answer.headers.get("location", "/")
            assert is_inside(where), (answer.url, where)


def test_no_route_knows_who_has_no_access_any_more_or_takes_the_form_of_another_session(
    tmp_path: Path,
) -> None:
    with (
        running(tmp_path, read_token=False) as door,
        closing(open_decisions(Settings(root=tmp_path / "root"))) as database,
    ):
        revoked, token = database.tokens.add(TESTER, name="revoked", role=Role.ADMIN)
        database.tokens.revoke(TESTER, token.id)
        soon = utc_now() + 100_000
        expired, _ = database.tokens.add(TESTER, name="expired", role=Role.ADMIN, expires=soon)
        cookies, forms = [], []
        for name in ("disabled", "signed out", "mira", "tom"):
            editor = database.editors.add(TESTER, name=name, role=Role.ADMIN, password="x" * 20)
            secret, session = database.sessions.open(editor)
            cookies.append(f"{COOKIE}={secret}")
            forms.append(session.csrf)
        database.editors.disable(TESTER, "disabled")
        database.sessions.close(cookies[1].partition("=")[2])
        until(lambda: utc_now() > soon)
        gone = [{"Cookie": cookie} for cookie in cookies[:2]]
        gone += [{"Authorization": f"Bearer {secret}"} for secret in (revoked, expired)]
        inside = 0
        for method, path in door.routes:
            address, body = f"{filled(path)}?{QUERY}", bodies(method, path)
            nobody = door.ask(method, address, None, body).status
            for headers in gone:
                status = door.ask(method, address, None, body, **headers).status
                assert status in {nobody, 401, 429}, (method, path, headers)
            if nobody not in (303, 401):
                continue
            mira = door.ask(method, address, None, body, Cookie=cookies[2]).status
            inside += mira not in SHUT
            for form in ("", forms[3]) if method not in SAFE else ():
                headers = {"Cookie": cookies[2], "X_CSRF_Token": form}
                status = door.ask(method, address, None, body, **headers).status
                assert status == 403, (method, path, form)
        assert inside > 10, "her own session opens pages, or the rest would prove nothing"
