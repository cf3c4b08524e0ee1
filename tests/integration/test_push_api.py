"""What a site's programs push over HTTP: stored when answered, in force at once, followed later."""

from __future__ import annotations

import hashlib
import hmac
import json
import shutil
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, closing, nullcontext
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from index.articles.article_store import ARTICLES
from index.build.build import Build
from index.build.manifest import MANIFEST
from index.building.builder import make_build
from index.building.context import BuildOptions
from index.errors import DatabaseError
from index.root.pointer import CURRENT, Pointer, write_pointer
from index.root.root import Root
from index.sources.jsonl_source import JsonlSource
from recommender.encoder import HashingEncoder
from service.curation import pushed_articles
from service.curation.preview import stored_lists
from service.curation.settled_pushes import _reached, settle_statements, statement_options
from service.decisions.open_decisions import FILE, open_decisions
from service.roles import Role
from service.settings import Settings
from tests.support.articles import prose
from tests.support.builds import plain_mapping
from tests.support.editor_site import (
    PAGE,
    PASSWORD,
    SLASHED,
    Desk,
    build_site,
    database_settings,
    open_desk,
    records,
)
from tests.support.real_servers import postgres
from tests.support.service_process import until

SECRET = "söhnchen"
RECORD = {"title": "Kelp", "url": "/kelp", "summary": prose(3)}


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
    with _open(site, tmp_path, database) as opened:
        yield opened


@pytest.fixture(scope="module")
def unchanged(
    site: Path, tmp_path_factory: pytest.TempPathFactory, database: tuple[str, str | None]
) -> Iterator[Desk]:
    """One for all tests in which everything is refused."""
    with _open(site, tmp_path_factory.mktemp("unchanged"), database) as opened:
        yield opened


def _open(
    site: Path, folder: Path, database: tuple[str, str | None]
) -> AbstractContextManager[Desk]:
    more = {"ghost_secret": SECRET, "push_rate": 10_000, "max_churn": 1.0, "timezone": "Asia/Tokyo"}
    return open_desk(site, folder, **more, **database_settings(*database))


def push(desk: Desk, article_id: str, record: Any, role: Role = Role.PUBLISHER) -> Any:
    parameters = {"id": article_id}
    return desk.ask("PUT", "/v1/articles", role, params=parameters, json=record)


def delete(desk: Desk, article_id: str) -> Any:
    return desk.ask("DELETE", "/v1/articles", Role.PUBLISHER, params={"id": article_id})


def status(desk: Desk, article_id: str) -> Any:
    return desk.ask("GET", "/v1/articles/status", Role.PUBLISHER, params={"id": article_id})


# Who may, and what is answered


@pytest.mark.parametrize("role", [None, *Role])
def test_only_publishers_and_admins_push(desk: Desk, role: Role | None) -> None:
    allowed = role in (Role.PUBLISHER, Role.ADMIN)
    expected = 202 if allowed else 401 if role is None else 403
    assert push(desk, "kelp", RECORD, role).status_code == expected  # type: ignore[arg-type]
    read = desk.ask("GET", "/v1/articles/pushed", role)
    assert read.status_code == (200 if allowed else expected)
    if role is Role.PUBLISHER:
        answer = desk.ask("GET", "/v1/overrides", role)
        assert answer.status_code == 403, "a publisher is no editor"


@pytest.mark.parametrize("article_id", ["kelp", SLASHED])
def test_a_push_is_answered_with_where_to_follow_it(desk: Desk, article_id: str) -> None:
    answer = push(desk, article_id, {**RECORD, "date": "soon"})
    assert answer.status_code == 202
    found = answer.json()
    assert answer.headers["location"] == f"/v1/articles/status?id={quote(article_id, safe='')}"
    assert (found["id"], found["state"], found["gone"]) == (article_id, "received", False)
    assert found["by"] == "the publisher token"
    assert [note["field"] for note in found["notes"]] == ["date"]
    followed = desk.ask("GET", answer.headers["location"], Role.PUBLISHER).json()
    assert found == {**followed, "notes": found["notes"]}
    assert "notes" not in followed, "which would say that nothing was repaired"
    assert status(desk, "never").status_code == 404


def test_the_lists_that_show_an_article_are_named_with_what_is_pushed_about_it(desk: Desk) -> None:
    shown = desk.shown()[0]
    found = delete(desk, shown).json()["lists"]
    assert found[0] == shown
    assert PAGE in found
    assert push(desk, "kelp", RECORD).json()["lists"] == ["kelp"]


def test_the_same_record_keeps_its_number_and_another_gets_a_higher_one(desk: Desk) -> None:
    first = push(desk, "kelp", RECORD).json()
    assert push(desk, "kelp", {**RECORD, "id": "kelp"}).json() == {**first, "lists": ["kelp"]}
    assert push(desk, "kelp", {**RECORD, "title": "Kelp!"}).json()["number"] > first["number"]


@pytest.mark.parametrize(
    ("body", "field", "said"),
    [
        (b"{}", "title", "has no title"),
        (b'{"title": " "}', "title", "has no title"),
        (b'{"title": [5, 6]}', "title", "has no title"),
        (b'{"title": "T", "id": "other"}', "id", "'other' is not 'kelp'"),
        (b'{"title": "T", "id": true}', "id", "neither text nor a whole number"),
        (b"[1]", None, "expected a JSON object"),
        (b"", None, "not a JSON object"),
        (b'{"title": "\xff"}', None, "not valid UTF-8"),
        (b'{"title": ' + b"[" * 100 + b"]" * 100 + b"}", None, "nested"),
        (b'{"title": "T", "tags": ' + b"1" * 5_000 + b"}", None, "not a JSON object"),
        (b'{"title": "T", "x": [' + b"1," * 250_000 + b"1]}", None, "more than"),
    ],
)
def test_a_bad_record_is_refused_with_its_field_and_remedy_and_nothing_is_stored(
    unchanged: Desk, body: bytes, field: str | None, said: str
) -> None:
    parameters = {"id": "kelp"}
    answer = unchanged.ask("PUT", "/v1/articles", Role.PUBLISHER, params=parameters, content=body)
    assert answer.status_code == 422
    assert said in answer.json()["detail"]
    assert "--map" not in answer.json()["detail"]
    assert answer.json().get("field") == field
    assert unchanged.ask("GET", "/v1/articles/pushed", Role.PUBLISHER).json()["items"] == []


def test_a_record_that_is_too_large_is_refused(unchanged: Desk) -> None:
    assert push(unchanged, "kelp", {**RECORD, "summary": "x" * 1_100_000}).status_code == 413


def test_more_pushes_than_the_limit_have_to_wait(site: Path, tmp_path: Path) -> None:
    with open_desk(site, tmp_path, push_rate=3) as desk:
        answers = [push(desk, f"kelp-{number}", RECORD) for number in range(5)]
        assert [answer.status_code for answer in answers[:3]] == [202] * 3
        assert answers[-1].status_code == 429
        assert int(answers[-1].headers["retry-after"]) >= 1
        assert push(desk, "kelp", RECORD, Role.READ).status_code == 403, "not told that to others"


def test_what_nobody_signed_uses_no_limit_up(site: Path, tmp_path: Path) -> None:
    for secret, refused in (("", 403), (SECRET, 401)):
        with open_desk(site, tmp_path, push_rate=3, ghost_secret=secret) as desk:
            for _ in range(4):
                assert hook(desk, {}, secret="wrong").status_code == refused
            assert push(desk, "kelp", RECORD).status_code == 202


# What is in force at once


HIDDEN = [
    {"status": "draft"},
    {"published": False},
    {"robots": "noindex"},
    {"status": "who knows"},
    {"visible_from": "2199-01-01T00:00Z"},
    {"visible_until": "2020-01-01T00:00Z"},
    {"visible_from": "some day"},
    None,
]


@pytest.mark.parametrize("hidden", HIDDEN)
def test_what_is_no_longer_published_is_gone_at_once_and_back_with_the_next_push(
    desk: Desk, hidden: dict[str, Any] | None
) -> None:
    target = desk.shown()[0]
    answer = delete(desk, target) if hidden is None else push(desk, target, {**RECORD, **hidden})
    assert answer.status_code == 202
    assert target not in desk.shown(limit=50)
    assert desk.client.get("/v1/related", params={"id": target}).status_code == 404
    told = desk.ask("GET", "/v1/takedowns").json()["items"]
    assert [(one["article_id"], one["who"], one["pushed"]) for one in told] == [
        (target, "the publisher token", True)
    ]
    assert push(desk, target, RECORD).status_code == 202
    assert target in desk.shown(limit=50)
    entries = desk.ask("GET", "/v1/audit").json()["items"]
    found = [(one["action"], one["who"], one["how"]) for one in entries if one["article_id"]]
    assert found == [
        ("takedown.lift", "the publisher token", "token"),
        ("takedown.put", "the publisher token", "token"),
    ]


def test_a_damaged_live_build_keeps_no_push_out(desk: Desk) -> None:
    shown, other = desk.shown()[:2]
    store = desk.root.folder(str(desk.root.live)) / ARTICLES
    store.unlink()
    store.write_bytes(bytes(8192))
    assert delete(desk, shown).status_code == 202
    (desk.root.path / CURRENT).write_text("damaged")
    assert delete(desk, other).status_code == 202
    assert not {shown, other} & {*desk.shown(limit=50)}


def test_an_editors_takedown_outlasts_every_push(desk: Desk) -> None:
    target = desk.shown()[0]
    change = {"visible": False}
    desk.ask("PUT", "/v1/visibility", params={"id": target}, json=change)
    delete(desk, target)
    push(desk, target, RECORD)
    assert target not in desk.shown(limit=50)


# Several at once, and in turn


def test_a_batch_has_an_outcome_for_each_statement_in_order(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = desk.shown()[0]
    kept_at: list[int] = []

    def find(build: Build, rows: Sequence[int]) -> list[list[int]]:
        with desk.database() as database:
            kept_at.append(len(database.pushed.above(0)))
        return stored_lists(build, rows)

    monkeypatch.setattr(pushed_articles, "stored_lists", find)
    statements = [
        {"id": "a", "record": RECORD},
        {"id": " b", "record": RECORD},
        {"id": "c", "record": {}},
        {"id": target, "record": None},
        {"id": "a", "record": {**RECORD, "title": "Anew"}},
    ]
    body = {"statements": statements}
    answer = desk.ask("POST", "/v1/articles/batch", Role.PUBLISHER, json=body)
    assert answer.status_code == 202
    results = answer.json()["results"]
    assert [one["id"] for one in results] == [one["id"] for one in statements]
    assert [one["status"] for one in results] == [202, 422, 422, 202, 202]
    assert results[2]["problem"]["field"] == "title"
    assert target not in desk.shown(limit=50)
    kept = desk.ask("GET", "/v1/articles/pushed", Role.PUBLISHER).json()
    assert [one["id"] for one in kept["items"]] == [target, "a"]
    assert kept["next"] is None
    assert kept["items"][1]["number"] == results[4]["answer"]["number"]
    assert PAGE in results[3]["answer"]["lists"]
    assert kept_at == [2], "all lists are searched once, when the statements are stored"


def test_a_batch_with_an_id_that_is_no_unicode_is_answered(desk: Desk) -> None:
    statements = [{"id": "a\ud800", "record": RECORD}, {"id": "b", "record": RECORD}]
    text = json.dumps({"statements": statements})
    headers = {"Content-Type": "application/json"}
    answer = desk.ask("POST", "/v1/articles/batch", Role.PUBLISHER, content=text, headers=headers)
    assert [one["status"] for one in answer.json()["results"]] == [422, 202]
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = desk.ask("POST", "/v1/articles/batch", Role.PUBLISHER, content=text, headers=headers)
    assert answer.status_code == 422
    assert "Content-Type: application/json" in answer.json()["detail"]


@pytest.mark.parametrize(
    "body",
    [
        {"statements": []},
        {"statements": [{"id": "a", "record": RECORD}] * 101},
        {"statements": [{"id": "a"}]},
        {"statements": [{"id": "a", "record": []}]},
        {"statements": [{"id": "a", "record": {}, "more": 1}]},
        [],
    ],
)
def test_a_batch_of_another_form_is_refused_as_a_whole(unchanged: Desk, body: Any) -> None:
    answer = unchanged.ask("POST", "/v1/articles/batch", Role.PUBLISHER, json=body)
    assert answer.status_code == 422
    assert unchanged.ask("GET", "/v1/articles/pushed", Role.PUBLISHER).json()["items"] == []


def test_pushes_at_once_are_all_kept_and_numbered_in_the_order_of_their_answers(
    desk: Desk,
) -> None:
    answered: dict[str, int] = {}

    def many(name: str) -> None:
        for number in range(10):
            record = {**RECORD, "title": f"{name} {number}"}
            answered[f"{name} {number}"] = push(desk, "same", record).json()["number"]

    threads = [threading.Thread(target=many, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(answered.values())) == 40
    for name in "abcd":
        own = [answered[f"{name} {number}"] for number in range(10)]
        assert own == sorted(own)
    assert status(desk, "same").json()["number"] == max(answered.values())


# Where it stands


def test_a_push_is_built_then_live_and_a_rollback_takes_that_back(
    desk: Desk, tmp_path: Path
) -> None:
    number = push(desk, "kelp", RECORD).json()["number"]
    source = tmp_path / "articles.jsonl"
    source.write_text("\n".join(map(json.dumps, [*records(), {"id": "kelp", **RECORD}])))
    options = BuildOptions(mapping=plain_mapping(), pushed=number)
    with desk.root.locked("test"):
        built = make_build(
            desk.root, [JsonlSource(str(source))], lambda: HashingEncoder(64), options
        ).manifest
        found = status(desk, "kelp").json()
        assert (found["state"], found["build"]) == ("built", built.name)
        assert found["since"] == built.created
        desk.root.make_live(desk.root.verify(built.name))
    assert until(lambda: status(desk, "kelp").json()["state"] == "live")
    assert status(desk, "kelp").json()["lists"][0] == "kelp"
    desk.root.rollback()
    assert until(lambda: status(desk, "kelp").json()["state"] == "built")


def test_a_trial_in_another_root_settles_nothing_and_the_site_s_own_does(
    desk: Desk, tmp_path: Path
) -> None:
    folder = Path(desk.settings.root)
    shared = desk.settings.database or f"sqlite:///{folder / FILE}"
    ours = desk.settings.model_copy(update={"database": shared})
    shown = desk.shown()[0]
    assert delete(desk, shown).status_code == 202

    def build_without_it(root: Path) -> None:
        settings = ours.model_copy(update={"root": root})
        with closing(open_decisions(settings)) as database:
            said, last = [*database.pushed.all()], database.pushed.last()
        options = BuildOptions(mapping=plain_mapping(), pushed=last, statements=lambda: said)
        source = tmp_path / "trial.jsonl"
        kept = [record for record in records() if record["id"] != shown]
        source.write_text("\n".join(map(json.dumps, kept)))
        found, sources = Root(root), [JsonlSource(str(source))]
        with found.locked("test"):
            made = make_build(found, sources, lambda: HashingEncoder(64), options).manifest
            found.make_live(found.verify(made.name))
            for name in {*found.names()} - {made.name}:
                found.remove(name)
        settle_statements(settings)

    build_without_it(tmp_path / "trial")
    assert status(desk, shown).json()["gone"]
    assert shown not in desk.shown()
    build_without_it(Path(shutil.copytree(folder, tmp_path / "moved")))
    assert status(desk, shown).status_code == 404, "settled"


def _keep(root: Path, name: str, manifest: str) -> None:
    (root / "builds" / name).mkdir(parents=True)
    (root / "builds" / name / MANIFEST).write_text(manifest)


@pytest.mark.parametrize(
    ("manifest", "away", "lost"),
    [
        ('{"format": 1, "pushed": 5}', True, True),
        ('{"format": 1, "pushed": 5}', False, True),
        ('{"format": 1}', True, False),
        ("damaged", True, True),
        ("damaged", False, False),
    ],
)
def test_a_full_build_without_the_database_loses_no_pushes_of_a_live_build_it_cant_read(
    manifest: str, away: bool, lost: bool, tmp_path: Path
) -> None:
    name = "20260101T000000Z-000000"
    _keep(tmp_path, name, manifest)
    digest = hashlib.sha256(manifest.encode()).hexdigest()
    write_pointer(tmp_path, Pointer(build=name, manifest_sha256=digest, before=[]))
    unused = "postgresql://reader@127.0.0.1:1/x" if away else ""
    settings = Settings(root=tmp_path, database=unused)
    with pytest.raises(DatabaseError) if lost else nullcontext():
        assert statement_options(settings) == {"statements": tuple}


def test_kept_builds_of_another_format_hold_up_what_is_settled_and_damaged_ones_dont(
    tmp_path: Path,
) -> None:
    said = ('{"format": 99, "pushed": 7}', '{"format": 1, "pushed": 5}', "damaged")
    for number, manifest in enumerate(said):
        _keep(tmp_path, f"20260101T000000Z-00000{number}", manifest)
    assert _reached(Root(tmp_path)) == 5
    _keep(tmp_path, "20260101T000000Z-000009", '{"format": 1}')
    assert _reached(Root(tmp_path)) == 0


# Webhooks of Ghost


def post(**fields: Any) -> dict[str, Any]:
    return {
        "id": "65f1",
        "title": "Kelp & waves",
        "slug": "kelp",
        "html": f"<p>{prose(3)}</p>",
        "status": "published",
        "visibility": "public",
        "url": "https://s.example/2026/kelp/",
        "published_at": "2026-03-01T23:00:00.000Z",
        "updated_at": "2026-03-02T10:00:00.000Z",
        "tags": [{"name": "Sea", "slug": "sea"}, {"name": "#x", "visibility": "internal"}],
        "authors": [{"name": "Ida Okafor", "slug": "ida"}],
        **fields,
    }


def hook(desk: Desk, payload: Any, *, age: float = 0, secret: str = SECRET, **more: str) -> Any:
    body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    sent = str(int((time.time() - age) * 1000))
    digest = hmac.new(secret.encode(), body + sent.encode(), hashlib.sha256).hexdigest()
    headers = {"X-Ghost-Signature": f"sha256={digest}, t={sent}", **more}
    return desk.ask("POST", "/v1/webhooks/ghost", None, content=body, headers=headers)


def test_a_signed_webhook_pushes_a_post_as_the_export_would_hold_it(desk: Desk) -> None:
    answer = hook(desk, {"post": {"current": post(), "previous": {}}})
    assert answer.status_code == 202, answer.text
    assert (answer.json()["id"], answer.json()["by"]) == ("65f1", "ghost")
    with desk.database() as database:
        found = database.pushed.get("65f1")
    assert found is not None
    assert found.record is not None
    record = json.loads(found.record)
    assert (record["url"], record["tags"]) == ("https://s.example/2026/kelp/", ["Sea"])
    assert (record["authors"], record["date"]) == (["Ida Okafor"], "2026-03-02")
    assert found.stated == 1_772_445_600_000_000


@pytest.mark.parametrize(
    "payload",
    [
        {"post": {"current": post(id=PAGE, status="draft"), "previous": {"status": "published"}}},
        {"post": {"current": {}, "previous": post(id=PAGE)}},
        {"post": {"current": post(id=PAGE, status="sent", html="", lexical="{}"), "previous": {}}},
        {"page": {"current": post(id=PAGE, status="draft"), "previous": {}}},
    ],
)
def test_a_webhook_of_what_is_unpublished_or_deleted_takes_it_down_at_once(
    desk: Desk, payload: Any
) -> None:
    assert desk.client.get("/v1/related", params={"id": PAGE}).status_code == 200
    assert hook(desk, payload).status_code == 202
    assert desk.client.get("/v1/related", params={"id": PAGE}).status_code == 404


def test_a_webhook_that_comes_late_or_again_changes_nothing(desk: Desk) -> None:
    first, second = "2026-03-02T10:00:00.000Z", "2026-03-02T10:00:01.000Z"
    newer = {"post": {"current": post(status="draft", updated_at=second), "previous": {}}}
    older = {"post": {"current": post(updated_at=first), "previous": {}}}
    number = hook(desk, newer).json()["number"]
    assert hook(desk, older).json()["number"] == number
    assert hook(desk, newer).json()["number"] == number
    assert hook(desk, {"post": {"current": {}, "previous": post()}}).json()["number"] > number
    assert hook(desk, older).json()["gone"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"secret": "other"}, "missing or wrong"),
        ({"X-Ghost-Signature": "sha256=, t="}, "missing or wrong"),
        ({"X-Ghost-Signature": ""}, "missing or wrong"),
        ({"X-Ghost-Signature": f"sha256={'0' * 64}, t=1"}, "missing or wrong"),
        ({"age": 301}, "over five minutes ago"),
        ({"age": -70}, "a clock is wrong"),
    ],
)
def test_a_webhook_without_a_fresh_signature_is_refused(
    unchanged: Desk, options: dict[str, Any], said: str
) -> None:
    answer = hook(unchanged, {"post": {"current": {}, "previous": post(id=PAGE)}}, **options)
    assert answer.status_code == 401
    assert said in answer.json()["detail"]
    assert unchanged.client.get("/v1/related", params={"id": PAGE}).status_code == 200


@pytest.mark.parametrize(
    "payload", [{}, {"tag": {"current": {"id": "1"}}}, {"post": []}, b"[", b"[]"]
)
def test_a_webhook_that_tells_of_no_post_is_refused(unchanged: Desk, payload: Any) -> None:
    assert hook(unchanged, payload).status_code == 422


def test_without_a_secret_no_webhook_is_taken(site: Path, tmp_path: Path) -> None:
    with open_desk(site, tmp_path) as desk:
        payload = {"post": {"current": {}, "previous": post(id=PAGE)}}
        assert hook(desk, payload, secret="").status_code == 403
