"""What a serving process does when the build on disk changes under it."""

from __future__ import annotations

from pathlib import Path

import pytest

from index.root.root import Root
from service.serving import live
from service.serving.live import Live
from tests.support.articles import prose
from tests.support.builds import publish
from tests.support.undecided import Undecided


@pytest.fixture
def records() -> list[dict[str, str]]:
    return [
        {"id": f"piece-{number}", "title": f"Piece {number}", "summary": prose(number)}
        for number in range(5)
    ]


def test_nothing_published_is_a_reason_and_no_crash(tmp_path: Path) -> None:
    serving = Live(Root(tmp_path / "root"), Undecided())
    serving.refresh()
    assert serving.build is None
    assert serving.refused is not None
    assert str(tmp_path) in serving.refused


def test_a_build_is_opened_once_for_each_publish(
    tmp_path: Path, records: list[dict[str, str]]
) -> None:
    place = Root(tmp_path / "root")
    name = publish(place, tmp_path, records)
    serving = Live(place, Undecided())
    serving.refresh()
    opened = serving.build
    assert opened is not None
    assert opened.name == name
    serving.refresh()
    assert serving.build is opened
    publish(place, tmp_path, records[:3])
    serving.refresh()
    assert serving.build is not opened
    assert serving.build is not None
    assert serving.build.count == 3
    assert opened.article_id(4) == "piece-4", "a request in flight finishes on what it began with"


def test_a_refused_build_is_tried_again_and_logged_once(
    tmp_path: Path,
    records: list[dict[str, str]],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(live, "RETRY_SECONDS", 0.0)
    place = Root(tmp_path / "root")
    cards = place.folder(publish(place, tmp_path, records)) / "cards.bin"
    whole = cards.read_bytes()
    cards.write_bytes(whole[:-1])
    serving = Live(place, Undecided())
    for _ in range(3):
        serving.refresh()
    assert serving.build is None
    assert "cards.bin" in (serving.refused or "")
    assert len(caplog.records) == 1
    cards.write_bytes(whole)
    serving.refresh()
    assert serving.build is not None
    assert serving.refused is None


def test_a_pointer_that_vanishes_or_breaks_leaves_the_old_build_serving(
    tmp_path: Path, records: list[dict[str, str]]
) -> None:
    place = Root(tmp_path / "root")
    name = publish(place, tmp_path, records)
    serving = Live(place, Undecided())
    serving.refresh()
    (place.path / "CURRENT").write_bytes(b"{}")
    serving.refresh()
    assert "CURRENT" in (serving.refused or "")
    (place.path / "CURRENT").unlink()
    serving.refresh()
    assert "nothing is published" in (serving.refused or "")
    assert serving.build is not None
    assert serving.build.name == name
