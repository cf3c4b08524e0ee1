"""Files of the live build that someone writes into, and no files left to be opened."""

from __future__ import annotations

import fcntl
import gc
import json
import mmap
import os
import resource
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import ExitStack
from pathlib import Path

import pytest

from index.build import file_watch
from index.build.file_watch import FileWatch
from index.errors import BuildError
from index.root.root import Root
from tests.support.articles import prose
from tests.support.builds import publish
from tests.support.service_process import alsolike, free_ports, get, until


def cut_short(path: Path) -> subprocess.Popen[bytes]:
    """Another process that truncates a file in place."""
    program = "import os, sys; os.truncate(sys.argv[1], 1)"
    return subprocess.Popen([sys.executable, "-c", program, str(path)])


@pytest.fixture
def path(tmp_path: Path) -> Path:
    found = tmp_path / "file"
    found.write_bytes(b"x" * 100_000)
    return found


def test_who_cuts_a_watched_file_short_waits_until_it_is_let_go_of(path: Path) -> None:
    watch = FileWatch()
    watch.add(path)
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        assert path.read_bytes() == mapped[:]
        assert watch.written_to() is None
        with cut_short(path) as writer:
            assert until(watch.written_to) == path
            assert mapped[-1:] == b"x"
            assert writer.poll() is None
            del watch
            gc.collect()
            assert writer.wait(20) == 0
    assert path.stat().st_size == 1


def test_a_file_that_is_being_written_is_not_watched(path: Path) -> None:
    with path.open("ab"), pytest.raises(BuildError, match="file is open for writing"):
        FileWatch().add(path)
    with pytest.raises(BuildError, match="gone can't be read"):
        FileWatch().add(path.with_name("gone"))
    FileWatch().add(path)


@pytest.mark.parametrize("system", ["nfs4", "cifs", "smb3", "ext4"])
def test_a_refused_lease_on_another_machine_s_file_is_not_taken_for_writing(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, system: str
) -> None:
    device = path.stat().st_dev
    mounts = tmp_path / "mounts"
    mounts.write_text(
        "36 35 0:9999 / / rw - ext4 /dev/root rw\n"
        f"37 36 {os.major(device)}:{os.minor(device)} / /x rw shared:1 - {system} host:/x rw\n"
    )
    monkeypatch.setattr(file_watch, "_MOUNTS", mounts)
    watching = FileWatch()
    with path.open("ab") as file:  # with which a lease is refused on any system
        if system == "ext4":
            with pytest.raises(BuildError, match="open for writing"):
                watching.add(path)
            return
        watching.add(path)
        assert watching.written_to() is None
        file.write(b"x")
    assert watching.written_to() == path


def test_where_there_are_no_leases_a_change_is_noticed_after_the_fact(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(fcntl, "F_SETSIG")
    watching = FileWatch()
    watching.add(path)
    watching.add(path)
    assert watching.written_to() is None
    os.truncate(path, 9)
    assert watching.written_to() == path


def site(folder: Path, count: int = 24) -> Root:
    root = Root(folder / "root")
    publish(
        root,
        folder,
        [
            {"id": f"p-{number}", "title": f"Piece {number}", "summary": prose(number)}
            for number in range(count)
        ],
    )
    return root


def settled(pid: int) -> int:
    """The highest number of an open file, once it has been the same for a while; else 0."""

    def highest() -> int:
        return max(int(path.name) for path in Path(f"/proc/{pid}/fd").iterdir())

    before = highest()
    time.sleep(0.5)
    return before if highest() == before else 0


def draft(base: str) -> int:
    request = urllib.request.Request(
        f"{base}/v1/related", b'{"title": "Kelp"}', {"Content-Type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


MODEL = {"ALSOLIKE_MODEL": "hashing:64"}


@pytest.mark.parametrize("name", ["cards.bin", "postings_indices.npy"])
def test_a_live_build_cut_short_in_place_ends_no_process(tmp_path: Path, name: str) -> None:
    sound = site(tmp_path, 23).folder().name
    root = site(tmp_path)
    base = f"http://127.0.0.1:{(port := free_ports())}"
    serve = ("serve", "--root", str(root.path), "--port", str(port))
    with alsolike(*serve, folder=tmp_path, environment=MODEL) as process:
        until(lambda: (answer := get(f"{base}/readyz")) and answer.status == 200)
        assert draft(base) == 200
        seen: set[int] = set()
        with cut_short(root.folder() / name) as writer:
            for number in range(200):
                answer = get(f"{base}/v1/related?id=p-1&limit={1 + number % 50}&exclude=p-{number}")
                assert answer is not None
                seen.add(answer.status)
            # The system would let it write after 45 seconds, whatever was still open here.
            assert writer.wait(30) == 0
        seen.add(draft(base))
        assert seen <= {200, 503}
        assert 503 in seen
        with root.locked("test"):
            root.make_live(root.verify(sound))
        until(lambda: (answer := get(f"{base}/v1/related?id=p-1")) and answer.status == 200)
        assert until(lambda: draft(base) == 200)
        assert process.poll() is None
    assert name in (tmp_path / "stderr").read_text()


def test_a_process_that_can_open_no_more_files_says_so_and_recovers(tmp_path: Path) -> None:
    root = site(tmp_path)
    port = free_ports()
    base = f"http://127.0.0.1:{port}"
    serve = ("serve", "--root", str(root.path), "--port", str(port))
    with alsolike(*serve, folder=tmp_path, environment=MODEL) as process, ExitStack() as held:
        until(lambda: (answer := get(f"{base}/readyz")) and answer.status == 200)
        soft, hard = resource.prlimit(process.pid, resource.RLIMIT_NOFILE)
        assert soft == hard
        until(lambda: (answer := get(f"{base}/editor/sign-in")) and answer.status == 200)
        used = until(lambda: settled(process.pid))  # what editors need is still being opened
        resource.prlimit(process.pid, resource.RLIMIT_NOFILE, (used + 4, hard))
        assert draft(base) == 503
        for _ in range(50):
            line = held.enter_context(socket.create_connection(("127.0.0.1", port)))
            line.sendall(b"GET /livez HTTP/1.1\r\nHost: here\r\n\r\n")
        get(f"{base}/livez")  # answered or turned away
        held.close()
        until(lambda: (answer := get(f"{base}/v1/related?id=p-1")) and answer.status == 200)
        resource.prlimit(process.pid, resource.RLIMIT_NOFILE, (hard, hard))
        assert draft(base) == 200
        assert json.loads(get(f"{base}/readyz").body)["refused"] is None  # type: ignore[union-attr]
        assert process.poll() is None
