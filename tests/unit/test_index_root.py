"""A root: one build is live, the way there is one step, and the way back is kept."""

from __future__ import annotations

import hashlib
import json
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from index.articles.article_store import ARTICLES
from index.build import build as build_module
from index.build.manifest import Manifest
from index.errors import BuildError
from index.root import journal
from index.root.journal import JOURNAL, append_journal, count_small_builds, read_journal
from index.root.lock import work_in_progress
from index.root.root import Root
from recommender.errors import NotFoundError
from tests.support.builds import live

# Publishing and going back


def test_in_an_empty_root_nothing_is_live_and_the_remedy_is_named(tmp_path: Path) -> None:
    root = Root(tmp_path / "root")
    assert root.current() is None
    assert root.names() == []
    with pytest.raises(NotFoundError, match="alsolike build SOURCE --root"):
        root.folder()


def test_publishing_makes_a_build_live_and_keeps_the_others(
    three_builds: tuple[Root, list[str]],
) -> None:
    root, names = three_builds
    assert root.names() == names
    assert live(root) == names[2]
    assert root.folder() == root.builds / names[2]
    assert root.manifest().count == 6
    with root.locked("test"):
        root.make_live(root.verify(names[0]), reason="the first was best")
    assert live(root) == names[0]
    entry = read_journal(root.path)[-1]
    assert (entry["event"], entry["build"]) == ("publish", names[0])
    assert entry["reason"] == "the first was best"
    assert {"at", "who"} <= set(entry)


def test_rollback_goes_back_step_by_step_to_the_first_build(
    three_builds: tuple[Root, list[str]],
) -> None:
    root, names = three_builds
    with root.locked("test"):
        assert root.rollback(reason="lists look odd") == names[1]
        assert live(root) == names[1]
        assert root.rollback() == names[0]
        assert root.verify().count == 4
        with pytest.raises(BuildError, match="no earlier build"):
            root.rollback()
    assert live(root) == names[0]
    undone = [entry for entry in read_journal(root.path) if entry["event"] == "rollback"]
    assert [entry["build"] for entry in undone] == [names[1], names[0]]
    assert undone[0]["reason"] == "lists look odd"


def test_a_build_published_twice_stands_once_on_the_way_back(
    three_builds: tuple[Root, list[str]],
) -> None:
    root, (first, second, third) = three_builds
    with root.locked("test"):
        root.make_live(root.verify(first))
        root.make_live(root.verify(third))
        root.make_live(root.verify(third))
        assert root.rollback() == first
        assert root.rollback() == second
        with pytest.raises(BuildError, match="no earlier build"):
            root.rollback()


def test_nothing_is_published_or_gone_back_to_that_does_not_verify(
    three_builds: tuple[Root, list[str]],
) -> None:
    root, names = three_builds
    (root.builds / names[1] / "cards.bin").write_bytes(b"")
    with root.locked("test"):
        with pytest.raises(BuildError, match=r"cards\.bin"):
            root.rollback()
        with pytest.raises(BuildError, match=r"cards\.bin"):
            root.make_live(root.verify(names[1]))
    assert live(root) == names[2]
    assert root.verify().count == 6


@pytest.mark.parametrize(
    "name", ["20260101T000000Z-abcdef", "nightly", "", "..", "../../etc", "/etc"]
)
def test_a_build_that_is_not_there_is_named_with_those_that_are(
    three_builds: tuple[Root, list[str]], name: str
) -> None:
    root, names = three_builds
    with pytest.raises(NotFoundError, match=names[2]) as caught:
        root.folder(name)
    assert repr(name) in str(caught.value)


def test_beside_a_damaged_or_missing_live_build_the_newest_complete_one_is_named(
    three_builds: tuple[Root, list[str]],
) -> None:
    root, names = three_builds
    path = root.folder() / "lexical_idf.npy"
    path.unlink()
    said = rf"^{path} can't be read: No such file or directory; make a new build; or publish one "
    for check in (root.verify, lambda: root.verify(contents=False)):
        with pytest.raises(BuildError, match=rf"{said}.*: alsolike publish {names[1]}$"):
            check()
    with pytest.raises(BuildError, match=r"make a new build$"):
        root.verify(names[2])
    (root.path / "CURRENT").unlink()
    with pytest.raises(NotFoundError, match=f"nothing is .*: alsolike publish {names[1]}$"):
        root.open()
    with pytest.raises(BuildError, match=f"^/.* no earlier .*: alsolike publish {names[1]}$"):
        root.rollback()


def test_of_contents_that_are_not_compared_the_sizes_are(
    three_builds: tuple[Root, list[str]],
) -> None:
    root, _ = three_builds
    path = root.folder() / ARTICLES
    path.write_bytes(bytes(path.stat().st_size))
    root.verify(contents=False)
    path.write_bytes(b"")
    with pytest.raises(BuildError, match=f"{ARTICLES} has 0 bytes"):
        root.verify(contents=False)


# The pointer


def test_a_pointer_with_any_byte_changed_is_refused(three_builds: tuple[Root, list[str]]) -> None:
    root, _ = three_builds
    path = root.path / "CURRENT"
    content = path.read_bytes()
    for position in range(len(content)):
        changed = bytearray(content)
        changed[position] ^= 0x01
        path.write_bytes(changed)
        with pytest.raises(BuildError, match="CURRENT"):
            root.current()
    path.write_bytes(content)
    assert root.current() is not None


@pytest.mark.parametrize("content", [b"", b"\n", b"20260101T000000Z-abcdef\n", b"\xff" * 80])
def test_a_damaged_pointer_is_refused_with_its_repair_and_publishing_repairs_it(
    three_builds: tuple[Root, list[str]], content: bytes
) -> None:
    root, names = three_builds
    last = names[2]
    if content == b"":
        last = root.rollback()  # not the bad build, which is the newest
    elif content == b"\n":
        (root.path / JOURNAL).unlink()
    (root.path / "CURRENT").write_bytes(content)
    with pytest.raises(BuildError, match=rf"damaged.*: alsolike publish {last} --force"):
        root.folder()
    with pytest.raises(BuildError, match="damaged"):
        root.verify()
    with root.locked("test"):
        with pytest.raises(BuildError, match="damaged"):
            root.rollback()
        root.make_live(root.verify(names[1]))
    assert live(root) == names[1]
    assert root.verify().name == names[1]


def test_without_builds_no_build_repairs_a_damaged_pointer(tmp_path: Path) -> None:
    (tmp_path / "CURRENT").write_bytes(b"")
    with pytest.raises(BuildError, match="remove it, and make a new build"):
        Root(tmp_path).current()


def test_a_pointer_never_leads_out_of_the_folder_of_builds(
    three_builds: tuple[Root, list[str]],
) -> None:
    root, _ = three_builds
    body = json.dumps({"build": "../../etc", "manifest_sha256": "0" * 64}).encode()
    digest = hashlib.sha256(body).hexdigest().encode()
    (root.path / "CURRENT").write_bytes(body + b"\n" + digest + b"\n")
    with pytest.raises(BuildError, match="not a valid name of a build"):
        root.folder()


def test_a_pointer_to_a_build_that_is_gone_is_refused(
    three_builds: tuple[Root, list[str]], tmp_path: Path
) -> None:
    root, names = three_builds
    (root.builds / names[2]).rename(tmp_path / "elsewhere")
    with pytest.raises(NotFoundError, match=names[2]):
        root.folder()
    with root.locked("test"):
        assert root.rollback() == names[1]


# The lock


def test_the_lock_is_given_back_after_an_error(tmp_path: Path) -> None:
    root = Root(tmp_path / "root")
    assert work_in_progress(root.path) == ""
    with pytest.raises(KeyError), root.locked("test"):
        raise KeyError
    assert work_in_progress(root.path) == ""
    with root.locked("another"):
        assert root.builds.is_dir()
        assert work_in_progress(root.path) == "another"


# Cleaning up


def test_only_what_was_left_unfinished_is_removed(three_builds: tuple[Root, list[str]]) -> None:
    root, names = three_builds
    unfinished = root.start_build("20260101T000000Z-abcdef")
    (unfinished / "articles.sqlite").write_bytes(b"half")
    (root.path / ".CURRENT.4711.tmp").write_bytes(b"half")
    (root.builds / "notes").mkdir()
    (root.path / "README").write_text("ours")
    before = _content(root.path)
    with root.locked("test"):
        root.clean_up()
    after = _content(root.path)
    gone = {path for path in before if path not in after}
    assert gone == {
        f"builds/{unfinished.name}",
        f"builds/{unfinished.name}/articles.sqlite",
        ".CURRENT.4711.tmp",
    }
    assert set(after) <= set(before)
    changed = {path for path, content in after.items() if content != before[path]}
    assert changed <= {"journal.jsonl", ".lock"}
    assert root.names() == names
    assert (root.builds / "notes").is_dir()


def test_an_unfinished_build_is_none(three_builds: tuple[Root, list[str]]) -> None:
    root, names = three_builds
    name = "29990101T000000Z-abcdef"
    root.start_build(name)
    assert root.names() == names
    with pytest.raises(NotFoundError):
        root.folder(name)


def _content(folder: Path) -> dict[str, Any]:
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None
        for path in folder.rglob("*")
    }


def test_who_wants_a_small_file_does_not_wait_for_a_large_one(
    three_builds: tuple[Root, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    build = three_builds[0].open()
    begun, ready = threading.Event(), threading.Event()
    real = build_module.check_files

    def check(folder: Path, manifest: Manifest, names: set[str]) -> None:
        if ARTICLES in names:
            begun.set()
            assert ready.wait(60)
        real(folder, manifest, names)

    monkeypatch.setattr(build_module, "check_files", check)
    with ThreadPoolExecutor(2) as threads:
        large = threads.submit(lambda: build.articles)
        assert begun.wait(60)
        try:
            assert threads.submit(build.report).result(60)
        finally:
            ready.set()
        assert large.result(60)


def test_many_small_builds_push_nothing_else_out_of_the_journal_and_are_counted_by_day(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal, "_STEP", 4_000)
    monkeypatch.setattr(journal, "_MOST_BYTES", 16_000)
    append_journal(tmp_path, "refuse", build="full", reason="too short lists")

    def small(number: int) -> None:
        append_journal(tmp_path, "build", build=f"small-{number}", small=True)
        event = "refuse" if number % 10 == 0 else "publish"
        append_journal(tmp_path, event, build=f"small-{number}", small=True)

    for day in ("2026-11-29", "2026-11-30"):
        monkeypatch.setattr(journal, "utc_timestamp", lambda day=day: f"{day}T10:00:00+00:00")
        with ThreadPoolExecutor(4) as threads:
            list(threads.map(small, range(100)))
        append_journal(tmp_path, "rollback", build="full", reason=day)
    found = read_journal(tmp_path)
    assert (tmp_path / JOURNAL).stat().st_size < 12_000
    assert [line["reason"] for line in found if "small" not in line and "days" not in line] == [
        "too short lists",
        "2026-11-29",
        "2026-11-30",
    ]
    assert sum("small" in line for line in found) > 20, "the newest are still told one by one"
    assert [
        (day["day"], day["published"], day["refused"]) for day in count_small_builds(found)
    ] == [
        ("2026-11-29", 90, 10),
        ("2026-11-30", 90, 10),
    ]


def test_the_journal_keeps_which_build_was_made_live_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal, "_STEP", 2_000)
    for number in range(100):
        event = "publish" if number in (1, 3) else "refuse"
        append_journal(tmp_path, event, build=f"small-{number}", small=True)
    found = read_journal(tmp_path)
    assert [line["build"] for line in found if line["event"] == "publish"] == ["small-3"]
    day = {"published": 2, "refused": 98}.items()
    assert [counted.items() >= day for counted in count_small_builds(found)] == [True]


def test_a_pipe_in_place_of_the_journal_is_told_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / JOURNAL)
    with pytest.raises(BuildError, match=r"journal\.jsonl can't be read"):
        read_journal(tmp_path)
    with pytest.raises(BuildError, match=r"journal\.jsonl can't be written"):
        append_journal(tmp_path, "build")
