"""What anybody is told about faults of the service, and what only its log says."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from service.app import create_app
from service.decisions.open_decisions import FILE
from service.decisions.snapshot_file import SNAPSHOT
from service.settings import Settings
from tests.support.editor_site import Desk, build_site, open_desk
from tests.support.service_process import until


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_site(tmp_path_factory.mktemp("site"))


@pytest.fixture
def desk(site: Path, tmp_path: Path) -> Iterator[Desk]:
    with open_desk(site, tmp_path) as opened:
        yield opened


def asked_by_anybody(client: TestClient) -> list[str]:
    """What somebody without a token reads."""
    form = {"name": "ed", "password": "x"}
    origin = {"Origin": "http://testserver", "Accept": "text/html"}
    return [
        client.get("/readyz").text,
        client.get("/v1/articles", headers={"Authorization": "Bearer wrong"}).text,
        client.post("/editor/sign-in", data=form, headers=origin).text,
    ]


def empty(path: Path) -> None:
    path.unlink()
    path.touch()


def folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def foreign(path: Path) -> None:
    path.write_bytes(b"not a database at all " * 1_000)


@pytest.mark.parametrize("spoil", [Path.unlink, folder, empty, foreign])
def test_a_fault_of_the_database_is_told_without_its_path_and_logged_once(
    desk: Desk, caplog: pytest.LogCaptureFixture, spoil: Callable[[Path], None]
) -> None:
    path = desk.root.path / FILE
    for log in (f"{path}-wal", f"{path}-shm"):
        Path(log).unlink(missing_ok=True)
    spoil(path)
    assert until(lambda: desk.client.get("/readyz").json()["database"])
    told = [text for _ in range(5) for text in asked_by_anybody(desk.client)]
    assert [text for text in told if str(desk.root.path) in text or "sqlite:" in text] == []
    assert desk.client.get("/readyz").json()["database"].startswith("the decision database ")
    assert "the decision database " in told[1]
    told_to_operators = [one.message for one in caplog.records if str(path) in one.message]
    assert 1 <= len(told_to_operators) <= 2, "by whoever noticed it first"


def test_a_server_s_name_stays_in_the_log(
    site: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    settings = Settings(root=site, database="postgresql://u@127.0.0.1:1/elsewhere")
    with TestClient(create_app(settings)) as client:
        told = asked_by_anybody(client)
        assert [text for text in told if "127.0.0.1" in text or "elsewhere" in text] == []
        assert "the decision database can't be used" in told[0]
    assert "127.0.0.1:1/elsewhere" in caplog.text


def test_a_build_that_cant_be_opened_is_told_without_its_path(
    site: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with open_desk(site, tmp_path) as desk:
        root = desk.root
        (cards,) = [path for path in root.builds.glob("*/cards.bin") if root.live in str(path)]
        cards.write_bytes(b"?")
    with TestClient(create_app(desk.settings)) as client:
        answer = client.get("/readyz")
        assert answer.status_code == 503
        assert "the published build can't be opened" in answer.json()["reason"]
        assert str(root.path) not in answer.text
    assert str(cards) in caplog.text


def test_a_snapshot_that_cant_be_written_is_told_without_its_path(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    snapshot = desk.root.path / SNAPSHOT
    folder(snapshot)
    assert until(lambda: desk.client.get("/readyz").json()["snapshot"])
    told = desk.client.get("/readyz").text
    assert str(desk.root.path) not in told
    assert SNAPSHOT in told
    assert f"{snapshot} can't be read (it is a folder: move it away)" in caplog.text
