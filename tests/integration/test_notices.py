"""Whoever the setting notify names is told; a failure to tell ends nothing."""

from __future__ import annotations

import json
import threading
from contextlib import closing
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from index.root.root import Root
from recommender.visibility import NEVER, utc_now
from service.decisions.decision_state import OverrideKind
from service.decisions.open_decisions import open_decisions
from service.settings import Settings
from service.watching import notices
from service.watching.notices import notify, tell_ended_pins
from tests.support.articles import topical
from tests.support.builds import change, publish
from tests.support.decision_databases import MIRA
from tests.support.service_process import until


def test_a_command_gets_what_happened_on_its_standard_input(tmp_path: Path) -> None:
    settings = Settings(root=tmp_path, notify=f"tee {tmp_path / 'told'}")
    notify(settings, "refused", "too many\nare gone", build="b")
    told = json.loads((tmp_path / "told").read_text())
    assert told == {
        "event": "refused",
        "message": "too many are gone",
        "build": "b",
        "root": str(tmp_path),
        "at": told["at"],
    }


class _Listener(BaseHTTPRequestHandler):
    got: tuple[str, bytes] | None = None
    status = 204

    def do_POST(self) -> None:
        size = int(self.headers["content-length"])
        type(self).got = self.path, self.rfile.read(size)
        self.send_response(self.status)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def address() -> object:
    server = HTTPServer(("127.0.0.1", 0), _Listener)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/told?key=1"
    server.shutdown()
    server.server_close()


def test_an_address_gets_it_in_a_post(tmp_path: Path, address: str) -> None:
    notify(Settings(root=tmp_path, notify=address), "failed", "no build")
    assert _Listener.got is not None
    path, body = _Listener.got
    assert path == "/told?key=1"
    assert json.loads(body)["event"] == "failed"


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        ("no-such-command hunter2", "No such file"),
        ("sh -c 'exit 3' hunter2", "sh *** failed (it ended with 3)"),
        ("sh -c 'sleep 9' hunter2", "sh *** failed (it took over 0.2 s)"),
        ("http://127.0.0.1:9/hunter2", "http://127.0.0.1/*** failed"),
    ],
)
def test_a_failure_to_tell_is_logged_without_secrets(
    tmp_path: Path,
    target: str,
    reason: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(notices, "LIMIT", 0.2)
    notify(Settings(root=tmp_path, notify=target), "failed", "no build")
    assert "no build" in caplog.text
    assert reason in caplog.text
    assert "hunter2" not in caplog.text


def test_an_answer_that_is_no_success_is_logged(
    tmp_path: Path, address: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(_Listener, "status", 500)
    notify(Settings(root=tmp_path, notify=address), "failed", "no build")
    assert "answered with HTTP status 500" in caplog.text
    assert "key=1" not in caplog.text


def test_pins_that_ended_or_lost_their_effect_are_told_once(tmp_path: Path) -> None:
    root = Root(tmp_path / "root")
    records = topical(12)
    publish(root, tmp_path, records)
    page, gone, ended, kept = (records[at]["id"] for at in (0, -1, 1, 2))
    settings = Settings(root=root.path, notify=f"tee -a {tmp_path / 'told'}")
    soon = utc_now() + 2_000_000
    with closing(open_decisions(settings)) as database:
        for target, end in {ended: soon, gone: NEVER, kept: NEVER, "unknown": NEVER}.items():
            database.overrides.put(
                MIRA,
                article_id=page,
                target_id=target,
                kind=OverrideKind.PIN,
                position=1,
                until=end,
            )
    until(lambda: utc_now() > soon)
    small = change(root, remove=[gone])  # told with the next full build, as all since the last one
    tell_ended_pins(root, settings, small, publish(root, tmp_path, records[:-1]))
    message = json.loads((tmp_path / "told").read_text())["message"]
    assert f"the pinned {gone} is not in the live build" in message
    assert f"the pin of {ended} has ended" in message
    assert kept not in message
    assert "unknown" not in message, "it had no effect before"
