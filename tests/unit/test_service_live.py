"""What a serving process does when the build on disk changes under it."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace

import pytest

from index.errors import BuildError
from index.root.root import Root
from service.errors import NotReadyError
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
    assert serving.view()[0].build is serving.view(refresh=True)[0].build is opened
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


def test_builds_that_were_removed_under_a_running_service_are_told_until_they_are_back(
    tmp_path: Path, records: list[dict[str, str]]
) -> None:
    place = Root(tmp_path / "root")
    name = publish(place, tmp_path, records)
    serving = Live(place, Undecided())
    serving.refresh()
    place.builds.rename(tmp_path / "elsewhere")
    serving.refresh()
    assert f"there is no build '{name}'" in (serving.refused or "")
    assert "can't be opened" in serving.public_refused
    assert serving.build is not None
    (tmp_path / "elsewhere").rename(place.builds)
    serving.refresh()
    assert serving.refused is None


def test_a_service_that_has_nothing_to_answer_from_says_why(tmp_path: Path) -> None:
    serving = Live(Root(tmp_path / "root"), Undecided())
    assert serving.unready == serving.public_unready == "starting"
    with pytest.raises(NotReadyError, match="readyz says why"):
        serving.view(refresh=True)
    assert "nothing is published" in (serving.unready or "")


def test_a_build_that_is_refused_is_tried_again_after_a_while_or_when_the_pointer_changes(
    tmp_path: Path, records: list[dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    place = Root(tmp_path / "root")
    publish(place, tmp_path, records)
    serving = Live(Root(place.path), Undecided())
    tries: list[str] = []
    monkeypatch.setattr(serving.root, "open", lambda name, **_: tries.append(name) or refuse())
    for _ in range(3):
        serving.follow_builds()
    assert len(tries) == 1
    publish(place, tmp_path, records[:3])
    serving.follow_builds()
    assert len(tries) == 2
    serving._retry -= live.RETRY_SECONDS
    serving.follow_builds()
    assert len(tries) == 3


def refuse() -> None:
    raise BuildError("damaged")


def test_a_build_whose_files_are_written_to_is_let_go_and_opened_again_when_it_is_whole(
    tmp_path: Path, records: list[dict[str, str]]
) -> None:
    place = Root(tmp_path / "root")
    name = publish(place, tmp_path, records)
    serving, forgotten = Live(place, Undecided()), list[int]()
    serving.forgetful.append(lambda: forgotten.append(1))
    serving.refresh()
    written = place.folder(name) / "cards.bin"
    build = serving._build
    assert build is not None
    build.watch = SimpleNamespace(written_to=lambda: written)  # type: ignore[assignment]
    before = len(forgotten)
    serving.follow_builds()
    assert serving.at(serving.clock()) is None
    assert serving.unready == f"a process writes to the file {written} of the live build"
    assert serving.public_unready == "a process writes to a file of the live build"
    assert (serving.refusals, len(forgotten)) == (1, before + 1)
    serving.follow_builds()
    assert serving.build is not None
    assert serving.unready is None


def test_of_two_requests_after_an_epoch_one_begins_the_next(
    tmp_path: Path, records: list[dict[str, str]]
) -> None:
    place, clock = Root(tmp_path / "root"), [0]
    records[0]["visible_from"] = "1970-01-01T00:00:10Z"
    publish(place, tmp_path, records)
    serving = Live(place, Undecided(), clock=lambda: clock[0])
    serving.refresh()
    now = 10_000_000
    first = serving.at(now - 1)
    assert first is not None
    assert first.until == now
    other: list[object] = []

    class Meanwhile:
        """A lock for which this request waits while another one has it."""

        def __enter__(self) -> None:
            serving._swapping = nullcontext()  # type: ignore[assignment]
            other.append(serving.at(now))

        def __exit__(self, *_: object) -> None:
            pass

    serving._swapping = Meanwhile()  # type: ignore[assignment]
    second = serving.at(now)
    assert second is other[0]
    assert second is not first
