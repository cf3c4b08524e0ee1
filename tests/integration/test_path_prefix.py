"""All of the service below a path, behind a proxy that cuts the path off or leaves it."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

import pytest

from service.http.auth import COOKIE, SECURE_COOKIE
from service.roles import Role
from tests.support.editor_forms import PASSWORD, add_editor
from tests.support.editor_site import PAGE, SLASHED, Desk, build_site, open_desk

PREFIX = "/also"
ACTION = re.compile(r'\saction="([^"]*)"')
CARDS = "/editor/cards", ".html"
ADDRESS = re.compile(r'\s(?:href|src|action)="([^"]*)"')


class Proxy:
    """What a browser reaches through a proxy that serves the service below a path.

    Args:
        desk: The service.
        cuts: Whether the proxy passes paths on without the prefix.
    """

    def __init__(self, desk: Desk, *, cuts: bool) -> None:
        self._desk, self._cuts = desk, cuts

    def ask(self, path: str, method: str = "GET", **options: Any) -> Any:
        """Sends one request; follows no redirect."""
        assert path == PREFIX or path.startswith((f"{PREFIX}/", f"{PREFIX}?")), path
        inside = path.removeprefix(PREFIX) or "/" if self._cuts else path
        options.setdefault("headers", {"Accept": "text/html"})
        return self._desk.client.request(method, inside, follow_redirects=False, **options)

    def follow(self, path: str) -> tuple[str, Any]:
        """Opens a page, where a redirect leads to."""
        answer = self.ask(path)
        while answer.is_redirect:
            path = urljoin(path, answer.headers["location"])
            answer = self.ask(path)
        return path, answer


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = build_site(tmp_path_factory.mktemp("site"))
    add_editor(root, "mira", Role.ADMIN)
    return root


@pytest.fixture
def desk(site: Path, tmp_path: Path) -> Iterator[Desk]:
    with open_desk(site, tmp_path, path_prefix=PREFIX, clicks=True, model="hashing:64") as opened:
        yield opened


@pytest.fixture(params=[True, False], ids=["cut", "left"])
def proxy(desk: Desk, request: pytest.FixtureRequest) -> Proxy:
    return Proxy(desk, cuts=request.param)


def sign_in(proxy: Proxy) -> Any:
    form = {"name": "mira", "password": PASSWORD, "next": "/editor/builds"}
    return proxy.ask(f"{PREFIX}/editor/sign-in", "POST", data=form)


def addresses(page: str, at: str) -> set[str]:
    """Where a page's links, files and forms lead to on this host."""
    found = {urljoin(at, html.unescape(each)) for each in ADDRESS.findall(page)}
    return {each.partition("#")[0] for each in found if each.startswith("/")}


def test_every_address_of_every_page_is_below_the_prefix_and_answers(proxy: Proxy) -> None:
    entered = sign_in(proxy)
    assert entered.headers["location"] == f"{PREFIX}/editor/builds"
    missing = [f"{PREFIX}/{path}" for path in ("editor/article?id=gone", "no", "editor/no")]
    waiting = [PREFIX, f"{PREFIX}/docs", f"{PREFIX}/editor/sign-in?next=%2Feditor", *missing]
    done, kinds, forms = set(waiting), dict[str, int](), set[str]()
    while waiting:
        path, answer = proxy.follow(asked := waiting.pop())
        kind = urlsplit(path).path
        kinds[kind] = kinds.get(kind, 0) + 1
        expected = 404 if asked in missing else 200
        assert answer.status_code == expected or asked in forms, path
        assert asked in missing or "here is nothing at" not in answer.text, path
        if "text/html" not in answer.headers["content-type"] or kind.endswith(CARDS):
            continue  # the links of cards lead to the site
        forms |= {urljoin(path, each) for each in ACTION.findall(answer.text)}
        for each in addresses(answer.text, path) - done:
            assert each.startswith(f"{PREFIX}/"), f"{each} in {path}"
            if kinds.get(urlsplit(each).path, 0) < 3:
                done.add(each)
                waiting.append(each)
    seen = {kind.removeprefix(f"{PREFIX}/") for kind in kinds}
    pages = {"", "/article", "/cards", "/decide", "/links", "/why", "/history", "/history.csv"}
    pages |= {"/drafts", "/clicks", "/account", "/builds", "/builds/changes", "/builds/report"}
    assert seen >= {f"editor{page}" for page in pages} | {"docs", "openapi.json", "v1/related"}


@pytest.mark.parametrize("secure", [True, False], ids=["https", "http"])
def test_two_services_on_one_host_have_a_session_each(
    site: Path, tmp_path: Path, secure: bool
) -> None:
    settings = {"path_prefix": "/also/test", "trusted_proxies": ["0.0.0.0/0", "::/0"]}
    with open_desk(site, tmp_path, **settings) as desk:
        headers = {"X-Forwarded-Proto": "https" if secure else "http"}
        form = {"name": "mira", "password": PASSWORD}
        entered = desk.client.post(
            "/also/test/editor/sign-in", data=form, headers=headers, follow_redirects=False
        )
    name = f"{SECURE_COOKIE if secure else COOKIE}-also-test"
    assert entered.headers["set-cookie"].startswith(f"{name}=")
    assert "Path=/;" in entered.headers["set-cookie"]  # as browsers demand of __Host-


def test_who_signs_in_below_the_prefix_comes_back_and_leaves(proxy: Proxy) -> None:
    led, _ = proxy.follow(f"{PREFIX}/editor/history?article={PAGE}")
    assert led == f"{PREFIX}/editor/sign-in?next=%2Feditor%2Fhistory%3Farticle%3D{PAGE}"
    sign_in(proxy)
    page = proxy.ask(f"{PREFIX}/editor/account").text
    assert f'action="{PREFIX}/editor/sign-out"' in page
    sent = {"csrf": re.findall(r'name="csrf" value="([^"]+)"', page)[0]}
    left = proxy.ask(f"{PREFIX}/editor/sign-out", "POST", data=sent)
    assert left.headers["location"] == f"{PREFIX}/editor/sign-in"
    assert proxy.ask(f"{PREFIX}/editor").headers["location"].startswith(f"{PREFIX}/editor/sign-in")


def test_texts_that_look_like_addresses_stay_as_they_are(proxy: Proxy) -> None:
    sign_in(proxy)
    typed = ' href="/editor/x" src=/editor'
    page = proxy.ask(f"{PREFIX}/editor", params={"q": typed}).text
    assert f'value="{html.escape(typed).replace("&quot;", "&#34;")}"' in page


def test_errors_name_addresses_that_exist(proxy: Proxy) -> None:
    detail = proxy.ask(f"{PREFIX}/v1/nothing", headers={}).json()["detail"]
    assert detail == "there is nothing at /also/v1/nothing; /also/docs lists all addresses"
    document = proxy.ask(f"{PREFIX}/openapi.json").json()
    assert document["servers"] == [{"url": PREFIX}]
    assert "/v1/related" in document["paths"]


@pytest.mark.parametrize(
    "path", ["/alsolike/v1/related", "/also/also/v1/related", "/alsov1/related"]
)
def test_the_prefix_counts_once_and_as_a_whole(desk: Desk, path: str) -> None:
    assert desk.client.get(f"{path}/related", params={"id": PAGE}).status_code == 404


@pytest.mark.parametrize("article_id", [PAGE, SLASHED])
def test_page_views_answer_alike_with_and_without_the_prefix(desk: Desk, article_id: str) -> None:
    answers = [
        desk.client.get(f"{prefix}/v1/related.html", params={"id": article_id})
        for prefix in (PREFIX, "")
    ]
    assert answers[0].status_code == 200
    assert answers[0].text == answers[1].text
