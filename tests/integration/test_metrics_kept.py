"""Metrics that can't be written for a while are told, and written later."""

from __future__ import annotations

from pathlib import Path

import pytest

from service.http.metrics import Metrics
from tests.support.editor_site import build_site, open_desk
from tests.support.service_process import until


def test_metrics_go_on_after_no_file_could_be_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    failures = [OSError(24, "Too many open files") for _ in range(2)]
    write = Metrics._flush_gauges

    def fail_at_first(metrics: Metrics) -> None:
        if failures:
            raise failures.pop()
        write(metrics)

    monkeypatch.setattr(Metrics, "_flush_gauges", fail_at_first)
    with open_desk(build_site(tmp_path), tmp_path / "desk") as desk:
        until(lambda: not failures)
        until(lambda: "alsolike_ready 1.0" in desk.client.get("/metrics").text)
    assert "metrics can't be written now: [Errno 24] Too many open files" in caplog.text
