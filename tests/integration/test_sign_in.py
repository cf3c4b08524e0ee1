"""Who may do what: tokens, sessions, proxies, and pages of other sites that try."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from service.app import create_app
from service.decisions import editor_accounts as editors
from service.decisions.open_decisions import open_decisions
from service.decisions.snapshot_file import SNAPSHOT
from service.http.auth import COOKIE, CSRF_HEADER, KNOWN_SECONDS, SECURE_COOKIE
from service.roles import Role
from tests.support.editor_site import PAGE, TESTER, Desk, build_site, open_desk

HIDE = {
    "params": {"article_id": PAGE, "target_id": "bread-002"},
    "json": {"kind": "hide"},
}
HERE = "http://testserver"
BASIC = "Basic dXNlcjpwYXNz"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_site(tmp_path_factory.mktemp("site"))


@pytest.fixture
def desk(site: Path, tmp_path: Path) -> Iterator[Desk]:
    with open_desk(site, tmp_path) as opened:
        yield opened


@pytest.fixture(scope="module")
def unchanged(site: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """One for all tests in which everything is refused."""
    with open_desk(site, tmp_path_factory.mktemp("unchanged")) as opened:
        yield opened


def session(desk: Desk, name: str = "mira", role: Role = Role.EDITOR) -> tuple[str, str]:
    """A session's secret and its CSRF token."""
    database = open_decisions(desk.settings)
    editor = database.editors.get(name) or database.editors.add(
        TESTER, name=name, role=role, password="correct horse battery"
    )
    secret, opened = database.sessions.open(editor)
    database.close()
    return secret, opened.csrf


def hide(desk: Desk, **headers: Any) -> Any:
    return desk.client.put("/v1/overrides", headers={"If-Match": "*", **headers}, **HIDE)


def by_session(desk: Desk, **headers: Any) -> Any:
    secret, csrf = session(desk)
    given = {"Cookie": f"{COOKIE}={secret}", CSRF_HEADER: csrf, "Origin": HERE, **headers}
    return hide(desk, **{name: value for name, value in given.items() if value})


# Tokens


@pytest.mark.parametrize(
    "wrong",
    [
        "Bearer als_00000000_" + "A" * 43,
        "Bearer ",
        "Bearer",
        BASIC,
        "Bearer \xff\xfe",
        "Bearer " + "x" * 5000,
        "",
    ],
)
def test_what_is_no_token_opens_nothing(unchanged: Desk, wrong: str) -> None:
    answer = unchanged.client.get("/v1/audit", headers={"Authorization": wrong.encode("latin-1")})
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == 'Bearer realm="alsolike"'


def test_a_revoked_token_opens_nothing_from_then_on(desk: Desk) -> None:
    assert desk.ask("GET", "/v1/audit").status_code == 200
    database = open_decisions(desk.settings)
    database.tokens.revoke(TESTER, desk.tokens[Role.EDITOR].split("_")[1])
    database.close()
    assert desk.ask("GET", "/v1/audit").status_code == 401


def test_a_wrong_token_is_not_forgiven_for_a_right_cookie(desk: Desk) -> None:
    assert by_session(desk, Authorization="Bearer als_guess").status_code == 401


def test_guessing_tokens_slows_down_the_guesser_and_nobody_with_a_token(desk: Desk) -> None:
    guess = {"Authorization": "Bearer als_00000000_" + "A" * 43}
    answers = [desk.client.get("/v1/audit", headers=guess) for _ in range(40)]
    assert [answer.status_code for answer in answers[:30]] == [401] * 30
    assert answers[-1].status_code == 429
    assert int(answers[-1].headers["retry-after"]) >= 1
    assert desk.ask("GET", "/v1/audit").status_code == 200


def test_a_token_in_the_address_counts_for_nothing(desk: Desk) -> None:
    for name in ("token", "access_token", "authorization"):
        answer = desk.client.get("/v1/audit", params={name: desk.tokens[Role.ADMIN]})
        assert answer.status_code == 401


# Sessions


def test_a_session_decides_from_a_page_of_this_origin_with_its_token(desk: Desk) -> None:
    assert by_session(desk).status_code == 200
    entry = desk.ask("GET", "/v1/audit").json()["items"][0]
    assert (entry["who"], entry["how"]) == ("mira", "session")
    assert by_session(desk, **{"Origin": "", "Sec-Fetch-Site": "same-origin"}).status_code == 200
    assert by_session(desk, Authorization=BASIC).status_code == 200, "a password of the host's"
    assert by_session(desk, Origin="").status_code == 200, "a program with the cookie's token"


@pytest.mark.parametrize(
    "headers",
    [
        {CSRF_HEADER: ""},
        {CSRF_HEADER: "guessed"},
        {CSRF_HEADER: b"\xfc"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://[bad"},
        {"Origin": f"{HERE}:81"},
        {"Origin": f"{HERE}.evil.example"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
    ],
)
def test_another_site_s_page_can_t_decide_with_an_editor_s_cookie(
    unchanged: Desk, headers: dict[str, Any]
) -> None:
    answer = by_session(unchanged, **headers)
    assert answer.status_code == 403
    assert unchanged.ask("GET", "/v1/overrides").json()["items"] == []


def test_one_session_s_token_is_worth_nothing_in_another(desk: Desk) -> None:
    _, foreign = session(desk, "noor")
    assert by_session(desk, **{CSRF_HEADER: foreign}).status_code == 403


def test_reading_with_a_cookie_needs_no_token_and_ends_with_the_session(desk: Desk) -> None:
    secret, _ = session(desk)
    cookie = {"Cookie": f"theme=dark; {COOKIE}={secret}; other=1"}
    assert desk.client.get("/v1/audit", headers=cookie).status_code == 200
    database = open_decisions(desk.settings)
    database.editors.sign_out(TESTER, "mira")
    database.close()
    assert desk.client.get("/v1/audit", headers=cookie).status_code == 401


@pytest.mark.parametrize("cookie", [f"{COOKIE}=guess", f"{COOKIE}=", f"{COOKIE}", "=;;=\x01", ""])
def test_a_cookie_that_is_no_session_is_nobody(unchanged: Desk, cookie: str) -> None:
    assert unchanged.client.get("/v1/audit", headers={"Cookie": cookie}).status_code == 401


def test_behind_tls_only_the_cookie_counts_that_no_plain_page_can_set(
    site: Path, tmp_path: Path
) -> None:
    with open_desk(site, tmp_path, trusted_proxies=["127.0.0.1"]) as desk:
        secret, _ = session(desk)
        client = TestClient(create_app(desk.settings), client=("127.0.0.1", 1))
        for name, status in ((COOKIE, 401), (SECURE_COOKIE, 200)):
            headers = {"X-Forwarded-Proto": "https", "Cookie": f"{name}={secret}"}
            with client:
                assert client.get("/v1/audit", headers=headers).status_code == status


# Proxies that name people


@pytest.fixture
def behind(site: Path, tmp_path: Path) -> Iterator[Desk]:
    settings = {"trusted_proxies": ["127.0.0.0/8"], "identity_header": "X-Remote-User"}
    with open_desk(site, tmp_path, **settings) as desk:
        session(desk, "mira")
        session(desk, "ada", Role.ADMIN)
        with TestClient(create_app(desk.settings), client=("127.0.0.1", 1)) as proxied:
            yield Desk(client=proxied, settings=desk.settings, tokens=desk.tokens)


def test_a_trusted_proxy_names_an_editor_and_nobody_else_does(behind: Desk) -> None:
    session(behind, spaced := "山田\u3000花子")
    assert behind.client.get("/v1/audit", headers={"X-Remote-User": spaced.encode()}).is_success
    named = {"X-Remote-User": "mira"}
    assert behind.client.get("/v1/audit", headers=named).status_code == 200
    with TestClient(create_app(behind.settings), client=("203.0.113.9", 1)) as stranger:
        assert stranger.get("/v1/audit", headers=named).status_code == 401
    for name in ("nobody", "", "mira\x07", "\xff", "m" * 5000):
        headers = {"X-Remote-User": name.encode("latin-1")}
        assert behind.client.get("/v1/audit", headers=headers).status_code == 401
    twice = [("X-Remote-User", "mira"), ("X-Remote-User", "ada")]
    assert behind.client.get("/v1/audit", headers=twice).status_code == 401


def test_a_named_editor_writes_from_this_origin_only_and_has_their_own_role(
    behind: Desk,
) -> None:
    named = {"X-Remote-User": "mira"}
    assert hide(behind, **named).status_code == 403, "nothing says where the page was from"
    assert hide(behind, **named, Origin="https://evil.example").status_code == 403
    assert hide(behind, **named, Origin=HERE).status_code == 200
    assert hide(behind, **named, Origin=HERE, Authorization=BASIC).status_code == 200
    here = {"Origin": HERE}
    assert behind.client.post("/v1/release", json={}, headers=named | here).status_code == 403
    ada = {"X-Remote-User": "ada"} | here
    assert behind.client.post("/v1/release", json={}, headers=ada).status_code == 200


def test_a_disabled_editor_is_let_in_by_no_proxy(behind: Desk) -> None:
    database = open_decisions(behind.settings)
    database.editors.disable(TESTER, "mira")
    database.close()
    named = {"X-Remote-User": "mira"}
    assert behind.client.get("/v1/audit", headers=named).status_code == 401


def test_people_of_the_proxy_s_own_get_the_role_that_the_setting_gives(
    site: Path, tmp_path: Path
) -> None:
    settings = {
        "trusted_proxies": ["127.0.0.1"],
        "identity_header": "Remote-User",
        "identity_role": Role.EDITOR,
    }
    with (
        open_desk(site, tmp_path, **settings) as desk,
        TestClient(create_app(desk.settings), client=("127.0.0.1", 1)) as proxied,
    ):
        headers = {"Remote-User": "Zoë".encode(), "Origin": HERE.encode()}
        assert proxied.get("/v1/audit", headers=headers).status_code == 200
        answer = proxied.put("/v1/overrides", headers={**headers, "If-Match": b"*"}, **HIDE)
        assert answer.json()["items"][0]["author"] == "Zoë"
        assert proxied.post("/v1/release", json={}, headers=headers).status_code == 403


# Reading with a token


@pytest.fixture
def private(site: Path, tmp_path: Path) -> Iterator[Desk]:
    with open_desk(site, tmp_path, read_token=True) as opened:
        yield opened


@pytest.mark.parametrize("path", ["/v1/related?id=sea-000", "/v1/articles/sea-000/related.html"])
def test_where_reading_needs_a_token_no_list_and_no_shared_cache_goes_without(
    private: Desk, path: str
) -> None:
    for headers in ({}, {"Authorization": "Bearer als_guess"}):
        refused = private.client.get(path, headers=headers)
        assert refused.status_code == 401
        assert refused.headers["cache-control"] == "no-store"
        assert b"sea-" not in refused.content
    for role in Role:
        answer = private.ask("GET", path, role)
        assert answer.status_code == 200
        assert answer.headers["cache-control"].startswith("private, ")
        assert "Authorization" in answer.headers["vary"]
    cookie = {"Cookie": f"{COOKIE}={session(private)[0]}"}
    for headers, status in ((cookie, 200), ({}, 401)):  # what many share opens nothing by itself
        headers |= {"Authorization": BASIC}
        assert private.client.get(path, headers=headers).status_code == status
    assert private.client.get("/livez").status_code == 200
    assert private.client.options(path).status_code in (200, 204)


def test_a_revoked_token_stops_reading(private: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    path = "/v1/related?id=sea-000"
    assert private.ask("GET", path, Role.READ).status_code == 200
    database = open_decisions(private.settings)
    database.tokens.revoke(TESTER, private.tokens[Role.READ].split("_")[1])
    database.close()
    time.sleep(KNOWN_SECONDS + 0.05)
    assert private.ask("GET", path, Role.READ).status_code == 401


def test_without_the_database_nobody_is_known_and_nothing_is_written(
    desk: Desk, private: Desk
) -> None:
    for each, path in ((desk, "/v1/audit"), (private, "/v1/related?id=sea-000")):
        database = each.settings.root / "alsolike.sqlite"
        assert (each.settings.root / SNAPSHOT).exists()
        for left in database.parent.glob("alsolike.sqlite*"):
            left.unlink()
        answer = each.ask("GET", path)
        assert answer.status_code == 503
        assert answer.headers["retry-after"] == "5"
    assert desk.shown(), "reading goes on where it takes nobody"


def test_no_more_than_two_passwords_are_hashed_at_once(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_once, most = [0], [0]
    hasher = editors._hasher

    class Counting:
        def hash(self, password: str) -> str:
            return hasher.hash(password)

        def verify(self, hashed: str, password: bytes) -> bool:
            at_once[0] += 1
            most[0] = max(most[0], at_once[0])
            try:
                time.sleep(0.005)  # hashing in earnest takes longer
                return hasher.verify(hashed, password)
            finally:
                at_once[0] -= 1

    monkeypatch.setattr(editors, "_hasher", Counting())
    session(desk)
    database = open_decisions(desk.settings)
    with ThreadPoolExecutor(12) as pool:
        found = list(pool.map(lambda _: database.editors.verify("mira", "wrong one"), range(24)))
    database.close()
    assert found == [None] * 24
    assert most[0] == 2


def test_signing_in_makes_a_session_that_nobody_could_have_planted(desk: Desk) -> None:
    planted, _ = session(desk)
    database = open_decisions(desk.settings)
    database.editors.sign_out(TESTER, "mira")
    database.close()
    answer = desk.client.post(
        "/editor/sign-in",
        data={"name": "mira", "password": "correct horse battery"},
        headers={"Cookie": f"{COOKIE}={planted}", "Origin": HERE},
        follow_redirects=False,
    )
    assert answer.status_code == 303
    cookie = answer.headers["set-cookie"]
    assert planted not in cookie
    assert {"HttpOnly", "Path=/", "SameSite=strict"} <= set(cookie.split("; "))
    assert "Secure" not in cookie, "not on plain HTTP, where it would be thrown away"
    old = desk.client.get("/v1/audit", headers={"Cookie": f"{COOKIE}={planted}"})
    assert old.status_code == 401
    new = desk.client.get("/v1/audit", headers={"Cookie": cookie.partition(";")[0]})
    assert new.status_code == 200


def test_another_site_can_t_sign_a_browser_in_as_someone_else(desk: Desk) -> None:
    session(desk)
    answer = desk.client.post(
        "/editor/sign-in",
        data={"name": "mira", "password": "correct horse battery"},
        headers={"Origin": "https://evil.example"},
        follow_redirects=False,
    )
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers
