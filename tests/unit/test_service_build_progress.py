"""How far a build is, and how long it still takes."""

from __future__ import annotations

from pathlib import Path

import pytest

from index.root.root import Root
from service.cli.build_progress import BuildProgress, progress_bar


def test_a_first_build_tells_what_is_left_by_what_is_usual() -> None:
    now = [0.0]
    progress = BuildProgress({}, clock=lambda: now[0])
    progress.update("read", 900, None)
    assert str(progress) == "read 900 articles"
    assert progress.share == 0.0
    now[0] = 1.0
    progress.update("prepare", 0, 1_000)
    assert progress.left == pytest.approx(35.2)
    now[0] = 3.0
    progress.update("encode", 0, None)
    now[0] = 13.0
    progress.update("encode", 250, 1_000)
    assert progress.left == pytest.approx(33.7)  # three times as long again, and what follows
    assert str(progress) == "encode 250 of 1,000 articles, 28% of the build, about 34 s left"


def test_what_the_live_build_took_tells_what_stages_will_take() -> None:
    now = [0.0]
    progress = BuildProgress({"read": 60.0, "encode": 5_400.0}, clock=lambda: now[0])
    progress.update("read", 1, None)
    now[0] = 30.0
    assert progress.left == 30 + 5_400
    assert str(progress).endswith("1% of the build, about 2 h left")
    progress.update("encode", 0, None)
    progress.update("read", 0, None)  # another build
    assert progress.share == 0.0
    now[0] = 200.0
    assert progress.left == 5_400, "longer than before, so the rest is not known"


def test_without_a_terminal_a_line_is_told_now_and_then(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with progress_bar(Root(tmp_path / "root"), every=0.02) as progress:
        progress("read", 7, None)
        told = ""
        while not told:
            told = capsys.readouterr().err
    assert told.splitlines()[0] == "read 7 articles"
    with progress_bar(Root(tmp_path / "root")) as progress:
        progress("read", 7, None)
    assert capsys.readouterr().err == ""
