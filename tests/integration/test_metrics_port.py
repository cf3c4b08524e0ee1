"""Metrics on a port of their own, summed over the files of all workers."""

from __future__ import annotations

from pathlib import Path

import pytest
from prometheus_client.mmap_dict import MmapedDict, mmap_key

from index.root.root import Root
from service.http.metrics import serve_metrics
from service.http.processes import METRICS_DIRECTORY
from tests.support.service_process import Answer, free_ports, get


def test_metrics_are_told_while_a_worker_begins_to_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(METRICS_DIRECTORY, str(tmp_path))
    counts = MmapedDict(str(tmp_path / "counter_1.db"))  # type: ignore[no-untyped-call]
    key = mmap_key("alsolike_swaps", "alsolike_swaps_total", [], [], "Swaps")
    counts.write_value(key, 3.0, 0.0)  # type: ignore[no-untyped-call]
    counts.close()  # type: ignore[no-untyped-call]
    # What the library leaves between creating a file and sizing it, and then before writing.
    (tmp_path / "counter_2.db").touch()
    (tmp_path / "histogram_2.db").write_bytes(bytes(1 << 16))
    port = free_ports()
    serve_metrics("127.0.0.1", port, Root(tmp_path))
    answer = get(f"http://127.0.0.1:{port}/metrics")
    assert isinstance(answer, Answer)
    assert (answer.status, "alsolike_swaps_total 3.0" in answer.body.decode()) == (200, True)
    assert capfd.readouterr().err == ""
