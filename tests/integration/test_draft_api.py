"""``POST /v1/related``: drafts over HTTP, through the whole app."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.responses import Response
from starlette.testclient import TestClient

from index.root.root import Root
from service.api.draft_routes import Drafts, drafts_router
from service.app import create_app
from service.decisions.open_decisions import open_decisions
from service.http.editorial_context import EditorialContext
from service.http.error_handlers import add_error_handlers
from service.http.problems import ProblemError
from service.roles import Role
from service.serving.live import Live
from service.settings import Settings
from tests.support.articles import topical
from tests.support.builds import publish
from tests.support.editor_site import TESTER, Desk, build_site, open_desk, records
from tests.support.service_process import until
from tests.support.undecided import Undecided

MODEL = "hashing:64"


def draft(**more: Any) -> dict[str, Any]:
    (record,) = topical(1, seed=7)
    return {"title": record["title"], "summary": record["summary"], **more}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_site(tmp_path_factory.mktemp("drafts"))


@pytest.fixture(scope="module")
def desk(site: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    folder = tmp_path_factory.mktemp("desk")
    with open_desk(site, folder, model=MODEL, draft_rate=10_000) as opened:
        yield opened


def send(desk: Desk, body: Any, role: Role | None = None, **options: Any) -> Any:
    return desk.ask("POST", "/v1/related", role, json=body, **options)


def shown(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [item["article_id"] for item in answer.json()["items"]]


def test_a_draft_is_answered_as_an_article_is_with_its_terms(desk: Desk) -> None:
    answer = send(desk, draft())
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-store"
    body = answer.json()
    assert list(body) == ["build", "terms", "same_story", "items"]
    assert body["build"] == desk.root.current().build
    assert len(body["items"]) == 6
    assert all(one.startswith("sea-") for one in shown(answer))
    by_id = desk.client.get("/v1/related", params={"id": "sea-000"}).json()
    assert list(body["items"][0]) == list(by_id["items"][0])
    assert body["terms"]


def test_what_is_asked_for_is_minded(desk: Desk) -> None:
    every = shown(send(desk, draft(limit=10, fallback="none")))
    assert len(every) > 3
    some = shown(send(desk, draft(limit=2, exclude=every[:1], fallback="none")))
    assert some == every[1:3]
    assert shown(send(desk, draft(min_score=1, fallback="none"))) == []
    newest = send(desk, draft(limit=10, sort="newest", fallback="none")).json()["items"]
    dates = [item["date"] for item in newest]
    assert dates == sorted(dates, reverse=True)
    assert shown(send(desk, draft(only_language="fi"))) == []


def test_sections_are_read_like_a_summary(desk: Desk) -> None:
    whole = draft()
    parts = {"title": whole["title"], "sections": [{"heading": "", "text": whole["summary"]}]}
    assert shown(send(desk, parts)) == shown(send(desk, whole))


def test_a_draft_equal_to_an_article_names_it_and_leaves_it_out(desk: Desk) -> None:
    by_id = {record["id"]: record for record in records()}
    copied = {name: by_id["sea-020"][name] for name in ("title", "summary")}
    answer = send(desk, copied)
    assert [card["article_id"] for card in answer.json()["same_story"]] == ["sea-020"]
    assert "sea-020" not in shown(answer)


@pytest.mark.parametrize("hidden", ["sea-004", "sea-008"])
def test_what_readers_may_not_see_is_never_in_an_answer(desk: Desk, hidden: str) -> None:
    by_id = {record["id"]: record for record in records()}
    copied = {name: by_id[hidden][name] for name in ("title", "summary")}
    answer = send(desk, {**copied, "limit": 50, "fallback": "newest"})
    assert hidden.encode() not in answer.content
    assert len(shown(answer)) > 6


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"summary": "kelp"}, "title"),
        ({"title": ""}, "title"),
        ({"title": "<p> </p>"}, "title"),
        ({"title": "x" * 501}, "title"),
        ({"title": 7}, "title"),
        ({"title": "Kelp", "text": "kelp"}, "text"),
        ({"title": "Kelp", "limit": 0}, "limit"),
        ({"title": "Kelp", "limit": 51}, "limit"),
        ({"title": "Kelp", "min_score": 1.5}, "min_score"),
        ({"title": "Kelp", "fallback": "random"}, "fallback"),
        ({"title": "Kelp", "sort": "oldest"}, "sort"),
        ({"title": "Kelp", "language": "no tag"}, "language"),
        ({"title": "Kelp", "only_language": ""}, "only_language"),
        ({"title": "Kelp", "only_language": "no tag"}, "only_language"),
        ({"title": "Kelp", "sections": [{"heading": "h"}]}, "sections.0.text"),
        ({"title": "Kelp", "sections": [{"text": ""}] * 201}, "sections"),
        ({"title": "Kelp", "summary": "x" * 200_001}, "summary"),
        ({"title": "Kelp", "tags": ["a"] * 51}, "tags"),
        ({"title": "Kelp", "exclude": ["a"] * 101}, "exclude"),
    ],
)
def test_a_wrong_field_is_refused_by_name(desk: Desk, body: Any, field: str) -> None:
    answer = send(desk, body)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["field"] == field


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b'"kelp"', b"\xff\xfe", b'{"title": "\\ud800"}']
)
def test_a_body_that_is_no_draft_is_refused(desk: Desk, body: bytes) -> None:
    answer = desk.client.post(
        "/v1/related", content=body, headers={"Content-Type": "application/json"}
    )
    assert answer.status_code == 422
    assert answer.json()["detail"]


@pytest.mark.parametrize("media_type", ["text/plain", "application/x-www-form-urlencoded", ""])
def test_what_a_page_of_another_site_could_send_is_refused(desk: Desk, media_type: str) -> None:
    answer = desk.client.post(
        "/v1/related", content=json.dumps(draft()), headers={"Content-Type": media_type}
    )
    assert answer.status_code == 415


def test_a_draft_that_is_too_large_is_refused_however_it_is_sent(desk: Desk) -> None:
    body = json.dumps(draft(tags=["x" * 100])).encode() + b" " * (256 * 1024)
    headers = {"Content-Type": "application/json"}
    told = desk.client.post("/v1/related", content=body, headers=headers)
    chunked = desk.client.post("/v1/related", content=iter([body]), headers=headers)
    for answer in (told, chunked):
        assert answer.status_code == 413
        assert "draft_kb" in answer.json()["detail"]


def test_a_service_for_others_wants_a_token_of_an_editor(site: Path, tmp_path: Path) -> None:
    with open_desk(site, tmp_path, model=MODEL, host="0.0.0.0") as desk:
        refused = send(desk, draft())
        assert refused.status_code == 401
        assert refused.headers["www-authenticate"].startswith("Bearer")
        assert send(desk, draft(), Role.READ).status_code == 403
        assert send(desk, draft(), Role.EDITOR).status_code == 200


@pytest.mark.parametrize("name", ["Forwarded", "X-Forwarded-For", "X-Real-IP", "Via"])
def test_behind_a_proxy_a_loopback_address_opens_nothing(desk: Desk, name: str) -> None:
    assert send(desk, draft(), headers={name: "192.0.2.7"}).status_code == 401
    assert send(desk, draft(), Role.EDITOR, headers={name: "192.0.2.7"}).status_code == 200


def test_drafts_can_be_switched_off(site: Path, tmp_path: Path) -> None:
    with open_desk(site, tmp_path, model=MODEL, drafts=False) as desk:
        answer = send(desk, draft(), Role.EDITOR)
        assert answer.status_code == 403
        assert "drafts" in answer.json()["detail"]
        assert desk.shown(), "reading goes on"


def test_one_address_may_send_so_many_a_minute(site: Path, tmp_path: Path) -> None:
    with open_desk(site, tmp_path, model=MODEL, draft_rate=2) as desk:
        answers = [send(desk, draft()) for _ in range(3)]
        assert [answer.status_code for answer in answers] == [200, 200, 429]
        assert int(answers[2].headers["retry-after"]) >= 1


def test_another_model_than_the_builds_is_refused_with_the_remedy(
    site: Path, tmp_path: Path
) -> None:
    for model in ("hashing:128", "all-MiniLM-L6-v2"):
        with open_desk(site, tmp_path, model=model) as desk:
            answer = send(desk, draft())
            assert answer.status_code == 503
            assert "hashing:64" in answer.json()["detail"]
            assert desk.shown()


def test_without_a_build_drafts_are_not_ready(tmp_path: Path) -> None:
    with TestClient(create_app(Settings(root=tmp_path, model=MODEL))) as client:
        answer = client.post("/v1/related", json=draft())
    assert answer.status_code == 503
    assert "/readyz" in answer.json()["detail"]


def test_a_build_that_is_damaged_for_drafts_goes_on_being_read(site: Path, tmp_path: Path) -> None:
    with open_desk(site, tmp_path, model=MODEL) as desk:
        damaged = desk.root.folder() / "lexical_data.npy"
        damaged.write_bytes(damaged.read_bytes()[:-4] + b"\0\0\0\1")
        answer = send(desk, draft())
        assert answer.status_code in (500, 503)
        assert str(tmp_path) not in answer.text, "the log names the file, not the answer"
        assert desk.shown()


def test_the_document_tells_of_drafts(desk: Desk) -> None:
    document = desk.client.get("/openapi.json").json()
    operations = document["paths"]["/v1/related"]
    assert set(operations) == {"get", "post"}
    post = operations["post"]
    assert set(post["responses"]) >= {"200", "401", "403", "413", "415", "422", "429", "503"}
    body = post["requestBody"]["content"]["application/json"]["schema"]
    assert body == {"$ref": "#/components/schemas/DraftRequest"}
    schema = document["components"]["schemas"]["DraftRequest"]
    assert schema["required"] == ["title"]
    assert schema["additionalProperties"] is False


def test_no_model_is_imported_before_the_first_draft(site: Path) -> None:
    program = f"""
import json, sys
from starlette.testclient import TestClient
from service.settings import Settings
from service.app import create_app
heavy = ("torch", "sentence_transformers", "transformers")
with TestClient(create_app(Settings(root={str(site)!r}, model={MODEL!r}))) as client:
    client.get("/v1/related", params={{"id": "sea-000"}})
    before = [name for name in heavy if name in sys.modules]
    answer = client.post("/v1/related", json={draft()!r})
    after = [name for name in heavy if name in sys.modules]
print(json.dumps([before, answer.status_code, after]))
"""
    found = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    before, status, after = json.loads(found.stdout)
    assert status == 200
    assert before == after == [], "nor after it, where the encoder is none of theirs"


@contextmanager
def held_up(site: Path, **settings: Any) -> Iterator[tuple[TestClient, Live, Drafts, Any]]:
    """A service whose only thread for drafts is busy until it is let go."""
    found = Settings(root=site, model=MODEL, **settings)
    live = Live(Root(site), Undecided())
    live.refresh()
    drafts = Drafts(EditorialContext(live, found), lambda _: None)
    app = FastAPI()
    add_error_handlers(app, lambda problem: Response(status_code=problem.status))
    app.include_router(drafts_router(drafts))
    release = threading.Event()

    async def hold() -> None:
        with suppress(ProblemError):  # it may be given up before it is let go
            await drafts.queue.run(release.wait, asyncio.Event().wait)

    with ThreadPoolExecutor(1) as busy, TestClient(app) as client:
        holding = busy.submit(asyncio.run, hold())
        until(lambda: drafts.queue.waiting == 1)
        try:
            yield client, live, drafts, release
        finally:
            release.set()
            holding.result()


def in_line(client: TestClient, drafts: Drafts, pool: ThreadPoolExecutor) -> Any:
    """A draft that waits behind what holds the line up."""
    waiting = drafts.queue.waiting
    answer = pool.submit(client.post, "/v1/related", json=draft(limit=50, fallback="newest"))
    until(lambda: drafts.queue.waiting == waiting + 1)
    return answer


def test_a_full_line_asks_to_come_again(site: Path) -> None:
    with (
        held_up(site, draft_queue=2) as (client, _, drafts, release),
        ThreadPoolExecutor(1) as pool,
    ):
        first = in_line(client, drafts, pool)
        refused = client.post("/v1/related", json=draft())
        assert refused.status_code == 429
        assert int(refused.headers["retry-after"]) >= 1
        release.set()
        assert first.result().status_code == 200


def test_a_draft_that_waits_too_long_is_told_so(site: Path) -> None:
    with held_up(site, draft_seconds=0.1) as (client, _, _, _):
        answer = client.post("/v1/related", json=draft())
        assert answer.status_code == 503
        assert "0.1 s" in answer.json()["detail"]


def test_a_draft_in_line_is_answered_by_the_build_it_began_with(
    site: Path, tmp_path: Path, write_copy: Callable[[Path], Path]
) -> None:
    root = write_copy(site)
    with held_up(root) as (client, live, drafts, release), ThreadPoolExecutor(1) as pool:
        before = live.build
        assert before is not None
        waiting = in_line(client, drafts, pool)
        publish(Root(root), tmp_path, records()[:30])
        live.refresh()
        assert live.build is not None
        assert live.build.name != before.name
        release.set()
        assert waiting.result().json()["build"] == before.name
        drafts._context.link_finder(before)
        assert drafts._context._finder is None, "the replaced build is not kept open"
        assert drafts._relater is not None
        assert drafts._relater._index is None
        after = client.post("/v1/related", json=draft())
        assert after.json()["build"] == live.build.name


def test_what_is_taken_down_while_a_draft_waits_is_not_in_its_answer(
    site: Path, write_copy: Callable[[Path], Path]
) -> None:
    root = write_copy(site)
    settings = Settings(root=root, model=MODEL)
    with TestClient(create_app(settings)) as client:
        first = client.post("/v1/related", json=draft()).json()["items"][0]["article_id"]
        database = open_decisions(settings)
        database.takedowns.put(TESTER, article_id=first)
        database.close()
        until(
            lambda: (
                first
                not in client.post("/v1/related", json=draft(limit=50, fallback="newest")).text
            )
        )


@pytest.fixture
def write_copy(tmp_path: Path) -> Callable[[Path], Path]:
    def copy(site: Path) -> Path:
        return Path(shutil.copytree(site, tmp_path / "copy"))

    return copy
