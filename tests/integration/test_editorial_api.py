"""What editors and their programs do over HTTP, on both kinds of database."""

from __future__ import annotations

import csv
import gzip
import io
import re
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx2
import pytest
from starlette.testclient import TestClient

from index.root.journal import read_journal
from service.app import create_app
from service.decisions.open_decisions import open_decisions
from service.decisions.snapshot import load_snapshot
from service.decisions.snapshot_file import SNAPSHOT
from service.roles import Role
from service.settings import Settings
from tests.support.editor_site import (
    PAGE,
    PASSWORD,
    SLASHED,
    TESTER,
    Desk,
    build_site,
    database_settings,
    open_desk,
)
from tests.support.real_servers import postgres
from tests.support.service_process import alsolike, free_ports, get, until


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_site(tmp_path_factory.mktemp("site"))


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def database(request: pytest.FixtureRequest) -> Iterator[tuple[str, str | None]]:
    with ExitStack() as stack:
        server = stack.enter_context(postgres(PASSWORD)) if request.param == "postgres" else None
        yield request.param, server


@pytest.fixture
def desk(site: Path, tmp_path: Path, database: tuple[str, str | None]) -> Iterator[Desk]:
    with open_desk(site, tmp_path, max_churn=1.0, **database_settings(*database)) as opened:
        yield opened


@pytest.fixture(scope="module")
def unchanged(
    site: Path, tmp_path_factory: pytest.TempPathFactory, database: tuple[str, str | None]
) -> Iterator[Desk]:
    """One for all tests in which everything is refused."""
    with open_desk(
        site, tmp_path_factory.mktemp("unchanged"), **database_settings(*database)
    ) as opened:
        yield opened


def take_down(desk: Desk, article_id: str, **more: Any) -> Any:
    change = {"visible": False, **more}
    return desk.ask("PUT", "/v1/visibility", params={"id": article_id}, json=change)


BODIES = [
    ("POST", "/v1/related/batch"),
    ("POST", "/v1/related"),
    ("PUT", f"/v1/overrides?article_id={PAGE}&target_id=sea-001"),
    ("PUT", f"/v1/visibility?id={PAGE}"),
    ("PUT", "/v1/articles?id=new"),
    ("POST", "/v1/articles/batch"),
    ("POST", "/v1/undo"),
]
"""The routes that take JSON, however they parse it."""


@pytest.mark.parametrize(("method", "path"), BODIES)
def test_a_body_that_cant_be_read_is_told_with_place_and_reason(
    unchanged: Desk, method: str, path: str
) -> None:
    def told(body: bytes, **headers: str) -> str:
        role = Role.PUBLISHER if path.startswith("/v1/articles") else Role.EDITOR
        headers |= {"Content-Type": "application/json", "If-Match": "*"}
        answer = unchanged.ask(method, path, role, headers=headers, content=body)
        assert answer.status_code in (400, 422)
        return str(answer.json()["detail"])

    assert re.search("line 2 column 7|character 15", told(b'{"ids":\n ["a",]}'))
    assert re.search("(byte|column) 10", told(b'{"ids":["\xff"]}'))
    assert re.search("nested|recursion", told(b"[" * 10_000))
    zipped = told(gzip.compress(b"{}"), **{"Content-Encoding": "gzip"})
    assert "Content-Encoding is 'gzip', but this service decodes none: send it as it" in zipped


@pytest.mark.parametrize(
    ("method", "path", "body", "said"),
    [
        ("POST", "/v1/related/batch", {"ids": []}, "ids is []: it must have 1 or more entries"),
        ("POST", "/v1/related/batch", {"ids": [PAGE], "limt": 2}, "there is no field limt"),
        ("POST", "/v1/related", {"title": 7}, "title is 7: it must be text"),
        ("PUT", f"/v1/visibility?id={PAGE}", {"visible": False, "until": "2026"}, "'2026': this"),
        ("PUT", f"/v1/visibility?id={PAGE}", [], "the body is []: it must be an object"),
        ("POST", "/v1/builds/abc/publish", {}, "it must be the name of a build, like 2026"),
        ("POST", "/v1/undo", {"seq": 2**60}, "it must be 9007199254740992 or less"),
    ],
)
def test_an_invalid_value_is_told_in_plain_words(
    unchanged: Desk, method: str, path: str, body: Any, said: str
) -> None:
    answer = unchanged.ask(method, path, Role.ADMIN, json=body, headers={"If-Match": "*"})
    assert answer.status_code == 422
    assert said in answer.json()["detail"]


# Takedowns


def test_a_takedown_holds_at_once_in_every_list_of_every_build_and_after_a_restart(
    desk: Desk,
) -> None:
    target = desk.shown()[0]
    answer = take_down(desk, target, reason="withdrawn")
    assert answer.status_code == 200
    assert answer.json()["standing"] == "taken-down"
    assert answer.json()["takedown"]["reason"] == "withdrawn"
    assert target not in desk.shown(limit=50)
    assert desk.client.get("/v1/related", params={"id": target}).status_code == 404
    assert desk.ask("POST", "/v1/rollback", Role.ADMIN, json={}).status_code == 200
    assert target not in desk.shown(limit=50)
    with TestClient(create_app(desk.settings)) as restarted:
        answer = restarted.get("/v1/related", params={"id": PAGE, "limit": 50})
        assert target not in [item["article_id"] for item in answer.json()["items"]]


def test_a_takedown_reaches_another_worker_by_itself(desk: Desk) -> None:
    target = desk.shown()[0]
    with TestClient(create_app(desk.settings)) as other:
        assert target in other.get("/v1/related", params={"id": PAGE}).text
        assert take_down(desk, target).status_code == 200
        until(lambda: target not in other.get("/v1/related", params={"id": PAGE}).text)


def test_every_worker_of_a_real_service_honors_a_takedown(site: Path, tmp_path: Path) -> None:
    root = shutil.copytree(site, tmp_path / "root")
    database = open_decisions(Settings(root=root))
    token, _ = database.tokens.add(TESTER, name="cms", role=Role.EDITOR)
    database.close()
    port = free_ports()
    arguments = ("serve", "--root", str(root), "--port", str(port), "--workers", "2")
    with alsolike(*arguments, folder=tmp_path):
        url = f"http://127.0.0.1:{port}/v1"
        until(lambda: (answer := get(f"{url}/related?id={PAGE}")) and answer.status == 200)
        asked = httpx2.put(
            f"{url}/visibility?id={PAGE}",
            json={"visible": False},
            headers={"Authorization": f"Bearer {token}"},
        )
        assert asked.status_code == 200
        until(
            lambda: all(
                (answer := get(f"{url}/related?id={PAGE}")) and answer.status == 404
                for _ in range(40)
            )
        )


def test_lifting_a_takedown_brings_the_article_back_and_lifting_none_does_nothing(
    desk: Desk,
) -> None:
    before = desk.shown()
    take_down(desk, before[0])
    for _ in range(2):
        lifted = desk.ask("PUT", "/v1/visibility", params={"id": before[0]}, json={"visible": True})
        assert lifted.json()["takedown"] is None
        assert desk.shown() == before
    assert desk.ask("GET", "/v1/takedowns").json() == {"items": [], "next": None}


def test_a_snapshot_that_cant_be_written_is_told_everywhere_until_it_is(desk: Desk) -> None:
    first, second = desk.shown()[:2]
    take_down(desk, first)
    lift = {"params": {"id": first}, "json": {"visible": True}}
    assert desk.ask("PUT", "/v1/visibility", **lift).status_code == 200
    seq = desk.ask("GET", "/v1/audit").json()["items"][0]["seq"]
    ways = [desk.root.path / f"{SNAPSHOT}-journal", desk.root.path / ".decisions-snapshot.new"]
    for way in ways:
        way.mkdir()
    for answer in (
        take_down(desk, second),
        desk.ask("POST", "/v1/undo", json={"seq": seq}),  # of a lift: it is taken down again
    ):
        assert answer.status_code == 503
        assert "snapshot" in answer.json()["detail"]
    assert until(lambda: not {first, second} & set(desk.shown())), "they hold all the same"
    assert "can't be" in desk.client.get("/readyz").json()["snapshot"]
    assert "alsolike_snapshot_behind 1.0" in desk.client.get("/metrics").text
    page = desk.ask("GET", "/editor").text
    assert "backup copy could not be saved" in page
    for way in ways:
        way.rmdir()
    assert until(lambda: desk.client.get("/readyz").json()["snapshot"] is None)
    assert "backup copy could not be saved" not in desk.ask("GET", "/editor").text
    saved = load_snapshot(desk.root.path)
    assert saved is not None
    assert set(saved.takedowns) == {first, second}


def test_what_another_worker_decided_is_told_without_contradiction(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.serving.live.WATCH_SECONDS", 60.0)  # it looks when it is asked
    with TestClient(create_app(desk.settings)) as client:
        other = replace(desk, client=client)
        assert PAGE in other.ask("GET", "/v1/preview", params={"id": PAGE}).text
        first, second = desk.shown()[:2]
        take_down(desk, first)
        asked = {"params": {"id": first}}
        answer = other.ask("GET", "/v1/visibility", **asked).json()
        assert (answer["standing"], answer["takedown"]["standing"]) == ("taken-down",) * 2
        assert desk.decide(second, kind="hide").status_code == 200
        items = other.ask("GET", "/v1/preview", params={"id": PAGE}).json()["items"]
        assert not {first, second} & {item["article_id"] for item in items}
        take_down(desk, second)
        (item,) = other.ask("GET", "/v1/overrides", params={"article_id": PAGE}).json()["items"]
        assert item["target"] == "taken-down"
        take_down(desk, PAGE)
        found = other.ask("GET", "/v1/takedowns").json()["items"]
        assert {item["standing"] for item in found} == {"taken-down"}


def test_takedowns_are_listed_a_page_at_a_time(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service.api.takedown_routes.PAGE", 2)
    for name in "abcde":
        take_down(desk, name, ahead=True)
    found, offset = [], 0
    while offset is not None:
        page = desk.ask("GET", "/v1/takedowns", params={"offset": offset}).json()
        found += [item["article_id"] for item in page["items"]]
        offset = page["next"]
    assert found == list("edcba")


def test_an_article_is_taken_down_before_any_build_has_it_only_if_that_is_meant(
    desk: Desk,
) -> None:
    unknown = "not/yet there ü"
    refused = take_down(desk, unknown)
    assert (refused.status_code, refused.json()["field"]) == (404, "id")
    assert unknown in refused.json()["detail"]
    lift = {"params": {"id": unknown}, "json": {"visible": True}}
    assert desk.ask("PUT", "/v1/visibility", **lift).status_code == 404
    answer = take_down(desk, unknown, ahead=True)
    assert answer.status_code == 200
    assert answer.json()["standing"] is None
    assert take_down(desk, unknown).status_code == 200, "it is taken down already"
    listed = desk.ask("GET", "/v1/takedowns").json()["items"]
    assert [(item["article_id"], item["who"]) for item in listed] == [
        ("not/yet there ü", "the editor token")
    ]


@pytest.mark.parametrize(
    ("until", "said"),
    [
        ("2199-01-01T00:00:00", "no time zone"),
        ("2001-01-01T00:00:00Z", "past"),
        ("soon", "2026-12-31"),
        ("9999-12-31T23:59:59-12:00", "9998"),
        (4102444800, "string"),
    ],
)
def test_an_end_that_is_no_moment_ahead_is_refused(unchanged: Desk, until: Any, said: str) -> None:
    answer = take_down(unchanged, PAGE, until=until)
    assert answer.status_code == 422
    assert answer.json()["field"] == "until"
    assert said in answer.json()["detail"]
    assert unchanged.shown()


# Pins and hides


def test_a_pin_shows_at_once_where_it_was_put(desk: Desk) -> None:
    answer = desk.decide("bread-002", kind="pin", position=2, reason="our best")
    assert answer.status_code == 200
    assert answer.json()["items"][0]["warning"] is None
    assert desk.shown()[1] == "bread-002"
    got = desk.ask("GET", "/v1/overrides", params={"article_id": PAGE})
    assert got.json() == answer.json()
    assert got.headers["etag"] == answer.headers["etag"] == f'"{got.json()["version"]}"'


def test_a_hide_with_an_end_and_an_id_of_all_sorts_comes_back_as_it_was_given(desk: Desk) -> None:
    assert desk.decide(
        SLASHED, kind="hide", not_related=True, until="2199-01-01T01:00:00+01:00", reason="a\nb"
    ).is_success
    [item] = desk.ask("GET", "/v1/overrides", params={"target_id": SLASHED}).json()["items"]
    assert (item["article_id"], item["target_id"], item["reason"]) == (PAGE, SLASHED, "a\nb")
    assert (item["until"], item["ended"]) == ("2199-01-01T00:00:00Z", False)
    assert SLASHED not in desk.shown(limit=50)
    [judgment] = desk.ask("GET", "/v1/judgments").json()["items"]
    assert judgment["verdict"] == -1


def test_a_write_must_say_which_list_it_is_based_on(desk: Desk) -> None:
    ids = {"article_id": PAGE, "target_id": "bread-002"}
    for method, body in (("PUT", {"json": {"kind": "hide"}}), ("DELETE", {})):
        answer = desk.ask(method, "/v1/overrides", params=ids, **body)
        assert answer.status_code == 428
        assert "If-Match" in answer.json()["detail"]
    assert desk.decide("bread-002", if_match="yesterday's", kind="hide").status_code == 422
    assert desk.ask("GET", "/v1/audit").json()["items"][0]["action"] == "token.add"


def test_the_second_of_two_editors_is_told_and_overwrites_nothing(desk: Desk) -> None:
    seen = desk.ask("GET", "/v1/overrides", params={"article_id": PAGE}).headers["etag"]
    assert seen == '"0"'
    first = desk.decide("bread-002", if_match=seen, kind="pin", position=1)
    second = desk.decide("bread-006", if_match=seen, kind="pin", position=1)
    assert second.status_code == 412
    assert second.headers["etag"] == first.headers["etag"]
    assert second.json()["current"] == first.json()
    again = desk.decide("bread-006", if_match=second.headers["etag"], kind="pin", position=1)
    assert again.is_success
    assert desk.shown()[:2] == ["bread-002", "bread-006"] or desk.shown()[0] == "bread-006"
    gone = desk.ask(
        "DELETE",
        "/v1/overrides",
        params={"article_id": PAGE, "target_id": "bread-002"},
        headers={"If-Match": first.headers["etag"]},
    )
    assert gone.status_code == 412
    assert len(gone.json()["current"]["items"]) == 2


def test_taking_a_decision_back_leaves_the_list_as_it_was(desk: Desk) -> None:
    before = desk.shown()
    tag = desk.decide(before[0], kind="hide").headers["etag"]
    gone = {"params": {"article_id": PAGE, "target_id": before[0]}, "headers": {"If-Match": tag}}
    answer = desk.ask("DELETE", "/v1/overrides", **gone)
    assert answer.is_success
    assert answer.json()["items"] == []
    assert desk.shown() == before
    gone["headers"] = {"If-Match": "*"}
    assert desk.ask("DELETE", "/v1/overrides", **gone).status_code == 404


def test_a_pin_of_what_readers_can_t_see_is_taken_with_a_warning(desk: Desk) -> None:
    answer = desk.decide("sea-004", kind="pin", position=1)
    assert answer.is_success
    assert "unpublished" in answer.json()["items"][0]["warning"]
    assert "sea-004" not in desk.shown(limit=50)
    take_down(desk, "bread-002")
    later = desk.decide("bread-002", kind="pin", position=2)
    assert "taken-down" in later.json()["items"][1]["warning"]


def test_what_is_in_no_build_can_t_be_pinned(desk: Desk) -> None:
    unknown = desk.decide("no-such", kind="pin", position=1)
    assert (unknown.status_code, unknown.json()["field"]) == (422, "target_id")
    nowhere = desk.decide(PAGE, "no-such", kind="hide")
    assert (nowhere.status_code, nowhere.json()["field"]) == (404, "article_id")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({}, "kind"),
        ({"kind": "pin"}, "position"),
        ({"kind": "pin", "position": 0}, "position"),
        ({"kind": "pin", "position": 51}, "position"),
        ({"kind": "pin", "position": "1"}, "position"),
        ({"kind": "hide", "position": 1}, "position"),
        ({"kind": "promote"}, "kind"),
        ({"kind": "pin", "position": 1, "not_related": True}, "not_related"),
        ({"kind": "hide", "reason": "x" * 1001}, "reason"),
        ({"kind": "hide", "reason": "a\x00b"}, "reason"),
        ({"kind": "hide", "why": "x"}, "why"),
    ],
)
def test_a_decision_that_is_none_is_refused_by_its_field(
    unchanged: Desk, change: dict[str, Any], field: str
) -> None:
    answer = unchanged.decide("bread-002", **change)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["field"] == field
    assert unchanged.ask("GET", "/v1/overrides").json()["items"] == []


# Undo, judgments, audit


def test_undo_restores_what_stood_there_unless_something_newer_does(desk: Desk) -> None:
    before = desk.shown()
    desk.decide(before[0], kind="hide")
    [hidden, *_] = desk.ask("GET", "/v1/audit").json()["items"]
    desk.decide(before[0], kind="pin", position=6)
    [pinned, *_] = desk.ask("GET", "/v1/audit").json()["items"]
    refused = desk.ask("POST", "/v1/undo", json={"seq": hidden["seq"]})
    assert refused.status_code == 409
    assert desk.ask("POST", "/v1/undo", json={"seq": pinned["seq"]}).is_success
    assert before[0] not in desk.shown(limit=50)
    assert desk.ask("POST", "/v1/undo", json={"seq": 10**9}).status_code == 404
    assert desk.ask("POST", "/v1/undo", json={"seq": 1}).status_code == 422


def test_a_judgment_is_each_one_s_own(desk: Desk) -> None:
    ids = {"article_id": PAGE, "target_id": "bread-002"}
    for role, verdict in ((Role.EDITOR, -1), (Role.ADMIN, 1), (Role.EDITOR, 1)):
        answer = desk.ask("PUT", "/v1/judgments", role, params=ids, json={"verdict": verdict})
        assert answer.is_success
    assert [(item["author"], item["verdict"]) for item in answer.json()["items"]] == [
        ("the admin token", 1),
        ("the editor token", 1),
    ]
    left = desk.ask("DELETE", "/v1/judgments", params=ids).json()["items"]
    assert [item["author"] for item in left] == ["the admin token"]
    assert desk.ask("DELETE", "/v1/judgments", params=ids).status_code == 404
    for wrong in (0, 2, True, "1"):
        answer = desk.ask("PUT", "/v1/judgments", params=ids, json={"verdict": wrong})
        assert answer.status_code == 422, wrong
    for field, status in (("article_id", 404), ("target_id", 422)):
        slip = {**ids, field: "breed"}
        answer = desk.ask("PUT", "/v1/judgments", params=slip, json={"verdict": 1})
        assert (answer.status_code, answer.json()["field"]) == (status, field)


def test_the_audit_trail_tells_who_when_what_and_why_page_by_page(desk: Desk) -> None:
    take_down(desk, PAGE, reason='=1+1, a "quoted" reason;=2+2\n@in two lines')
    desk.decide("bread-002", "song-001", kind="hide", reason="off topic")
    pages, before = [], None
    while True:
        parameters = {"limit": 2} | ({} if before is None else {"before": before})
        page = desk.ask("GET", "/v1/audit", params=parameters).json()
        pages += page["items"]
        if page["next"] is None:
            break
        before = page["next"]
    whole = desk.ask("GET", "/v1/audit").json()["items"]
    assert pages == whole
    assert [item["seq"] for item in whole] == list(range(len(whole), 0, -1))
    assert (whole[0]["who"], whole[0]["how"]) == ("the editor token", "token")
    assert (whole[0]["action"], whole[0]["reason"]) == ("override.put", "off topic")
    assert len(desk.ask("GET", "/v1/audit", params={"article_id": PAGE}).json()["items"]) == 1
    assert desk.ask("GET", "/v1/audit", params={"who": "nobody"}).json()["items"] == []
    sheet = desk.ask("GET", "/v1/audit.csv")
    assert sheet.headers["content-type"] == "text/csv; charset=utf-8"
    rows = list(csv.DictReader(io.StringIO(sheet.text)))
    assert [int(row["seq"]) for row in rows] == list(range(1, len(whole) + 1))
    reason = "'=1+1, a \"quoted\" reason;'=2+2\n'@in two lines"
    assert rows[-2]["reason"] == reason, "a spreadsheet must not compute it, whatever parts cells"


# Search and preview


def test_a_preview_shows_the_very_cards_that_the_site_gets(desk: Desk) -> None:
    desk.decide("bread-002", kind="pin", position=1)
    take_down(desk, desk.shown()[2])
    for article_id in (PAGE, SLASHED, "song-001"):
        preview = desk.ask("GET", "/v1/preview", params={"id": article_id}).json()
        site = desk.client.get("/v1/related", params={"id": article_id}).json()
        assert preview["items"] == site["items"]
        assert preview["build"] == site["build"]
    preview = desk.ask("GET", "/v1/preview", params={"id": PAGE}).json()
    assert preview["overrides"][0]["target_id"] == "bread-002"
    assert {each["left_out"] for each in preview["candidates"]} >= {
        None, "scheduled", "taken-down", "unpublished",
    }  # fmt: skip


def test_articles_are_found_by_words_and_by_what_is_wrong(desk: Desk) -> None:
    found = desk.ask("GET", "/v1/articles", params={"q": SLASHED}).json()
    assert [item["article_id"] for item in found["items"]][:1] == [SLASHED]
    drafts = desk.ask("GET", "/v1/articles", params={"standing": "unpublished"}).json()
    assert [item["article_id"] for item in drafts["items"]] == ["sea-004"]
    assert drafts["counts"]["standing"]["unpublished"] == 1
    changed = desk.ask("GET", "/v1/articles", params={"changed": True}).json()
    assert changed["total"] == changed["counts"]["changed"] >= 9
    desk.decide("bread-002", kind="hide")
    overridden = desk.ask("GET", "/v1/articles", params={"overridden": True}).json()
    assert [item["article_id"] for item in overridden["items"]] == [PAGE]
    assert desk.ask("GET", "/v1/preview", params={"id": "no-such"}).status_code == 404


# Builds


def test_an_admin_rolls_back_releases_and_publishes_and_the_journal_says_who(desk: Desk) -> None:
    found = desk.ask("GET", "/v1/builds").json()
    old, new = (item["build"] for item in found["items"])
    assert (found["live"], found["held"]) == (new, None)
    assert [item["state"] for item in found["items"]] == ["rollback", "live"]
    report = desk.ask("GET", f"/v1/builds/{old}/report").json()
    assert "quality" in report
    changes = desk.ask("GET", f"/v1/builds/{old}/changes").json()
    assert changes["removed"]["count"] == 9

    back = desk.ask("POST", "/v1/rollback", Role.ADMIN, json={"reason": "too many of one kind"})
    assert back.json() == {"build": old, "shown_again": []}
    assert desk.client.get("/readyz").json()["build"] == old
    held = desk.ask("POST", f"/v1/builds/{new}/publish", Role.ADMIN, json={})
    assert held.status_code == 409
    assert "on hold" in held.json()["detail"]
    assert desk.ask("GET", "/v1/builds").json()["held"]["reason"] == "too many of one kind"
    assert desk.ask("POST", "/v1/release", Role.ADMIN, json={}).json() == {"released": True}
    done = desk.ask("POST", f"/v1/builds/{new}/publish", Role.ADMIN, json={})
    assert done.is_success, done.text
    assert done.json()["build"] == new
    assert {verdict["gate"] for verdict in done.json()["verdicts"]} >= {"articles", "recall"}
    assert desk.client.get("/readyz").json()["build"] == new
    assert [line["who"] for line in read_journal(desk.root.path)][-3:] == [
        "the admin token (token)"
    ] * 3


def test_a_gate_is_answered_for_what_it_is(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    old, _ = (item["build"] for item in desk.ask("GET", "/v1/builds").json()["items"])
    refused = desk.ask("POST", f"/v1/builds/{old}/publish", Role.ADMIN, json={})
    assert refused.status_code == 409
    assert "articles" in refused.json()["detail"]
    forced = desk.ask("POST", f"/v1/builds/{old}/publish", Role.ADMIN, json={"force": True})
    assert forced.is_success
    assert forced.json()["shown_again"] == []
    nothing = "20200101T000000Z-000000"
    for method, what in (("POST", "publish"), ("GET", "report"), ("GET", "changes")):
        body = {"json": {}} if method == "POST" else {}
        answer = desk.ask(method, f"/v1/builds/{nothing}/{what}", Role.ADMIN, **body)
        assert answer.status_code == 404
    monkeypatch.setattr("index.root.root._SWITCH_SECONDS", 0.1)
    with desk.root.locked("a build"), desk.root.switching("another job"):
        busy = desk.ask("POST", "/v1/rollback", Role.ADMIN, json={})
    assert busy.status_code == 409
    assert "another job" in busy.json()["detail"]


# Who may


DRAFTS = {("post", "/v1/related"), ("post", "/v1/links")}
"""Routes that take drafts, from this machine without a token."""


def operations(desk: Desk) -> list[tuple[str, str, bool]]:
    """Every route that asks for someone: method, path, whether it takes an admin."""
    document = desk.client.get("/openapi.json").json()
    return [
        (method.upper(), path.replace("{name}", "20200101T000000Z-000000"), "admin" in str(each))
        for path, each_method in document["paths"].items()
        for method, each in each_method.items()
        if "401" in each["responses"] and (method, path) not in DRAFTS
    ]


def test_nobody_decides_without_a_token_nor_with_one_that_only_reads(desk: Desk) -> None:
    found = operations(desk)
    assert len(found) >= 18
    for method, path, _ in found:
        if path.startswith(("/editor", "/v1/webhooks")):
            continue
        body = {"json": {}} if method in ("PUT", "POST") else {}
        nobody = desk.ask(method, path, None, **body)
        assert nobody.status_code == 401, (method, path)
        assert nobody.headers["www-authenticate"].startswith("Bearer")
        reader = desk.ask(method, path, Role.READ, **body)
        assert reader.status_code == 403, (method, path)
    for path in ("/v1/rollback", "/v1/release", "/v1/builds/20200101T000000Z-000000/publish"):
        assert desk.ask("POST", path, Role.EDITOR, json={}).status_code == 403
    journal = [line["event"] for line in read_journal(desk.root.path)]
    assert "rollback" not in journal


def test_answers_to_editors_are_kept_by_no_cache(desk: Desk) -> None:
    for path in ("/v1/articles", "/v1/audit", "/v1/audit.csv", "/v1/builds", "/v1/overrides"):
        assert desk.ask("GET", path).headers["cache-control"] == "no-store"
        assert desk.ask("GET", path, None).headers["cache-control"] == "no-store"
        assert (
            "access-control-allow-origin"
            not in desk.ask("GET", path, headers={"Origin": "https://evil.example"}).headers
        )
