"""Files are wholly there or not there at all."""

from __future__ import annotations

import gc
import hashlib
import os
import stat
import sys
import time
import tracemalloc
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.errors import BuildError
from index.files import (
    Blob,
    BlobWriter,
    ends_path,
    file_sha256,
    known_sha256,
    load_array,
    read_json,
    read_regular,
    replace_file,
    save_array,
)


def write_blob(path: Path, contents: list[bytes]) -> Blob:
    writer = BlobWriter(path)
    for content in contents:
        writer.append(content)
    writer.close()
    return Blob(path)


def test_a_replaced_file_has_the_new_bytes_and_leaves_nothing_beside(tmp_path: Path) -> None:
    path = tmp_path / "CURRENT"
    replace_file(path, b"old")
    replace_file(path, b"new")
    assert path.read_bytes() == b"new"
    assert [found.name for found in tmp_path.iterdir()] == ["CURRENT"]


def test_a_reader_that_has_the_file_open_keeps_the_old_bytes(tmp_path: Path) -> None:
    path = tmp_path / "CURRENT"
    replace_file(path, b"old bytes")
    with path.open("rb") as reader:
        replace_file(path, b"new")
        assert reader.read() == b"old bytes"


def _open_files() -> Iterator[str]:
    """The files that this process holds open; others of its tests may close some meanwhile."""
    for descriptor in Path("/proc/self/fd").iterdir():
        with suppress(FileNotFoundError):
            yield str(descriptor.readlink())


def test_only_a_regular_file_is_read_as_a_whole(tmp_path: Path) -> None:
    made = {name: tmp_path / name for name in ("pipe", "zeros", "folder", "gone")}
    os.mkfifo(made["pipe"])
    made["zeros"].symlink_to("/dev/zero")
    made["folder"].mkdir()
    for path in made.values():
        with pytest.raises(OSError, match=path.name):
            read_regular(path)
    with pytest.raises(BuildError, match="not a regular file"):
        read_json(made["pipe"])
    made["gone"].write_bytes(b"whole")
    assert read_regular(made["gone"]) == b"whole"
    assert not [path for path in _open_files() if path.startswith((str(tmp_path), "/dev/zero"))]


def test_a_small_file_takes_little_memory_and_one_too_large_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "CURRENT"
    path.write_bytes(b"whole")
    tracemalloc.start()
    try:
        assert read_regular(path) == b"whole"
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()
    os.truncate(path, 2**30 + 1)
    with pytest.raises(OSError, match="larger than 1 GB"):
        read_regular(path)


def test_another_user_may_read_what_was_written(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        replace_file(tmp_path / "CURRENT", b"x")
        save_array(tmp_path / "rows.npy", np.arange(3))
    finally:
        os.umask(before)
    for name in ("CURRENT", "rows.npy"):
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o644


def test_an_array_comes_back_mapped_and_cannot_be_changed(tmp_path: Path) -> None:
    array = np.arange(12, dtype=np.int32).reshape(3, 4)
    save_array(tmp_path / "rows.npy", array)
    found = load_array(tmp_path / "rows.npy")
    assert np.array_equal(found, array)
    assert found.dtype == np.int32
    with pytest.raises(ValueError, match="read-only"):
        found[0, 0] = 7  # type: ignore[index]  # any array


OPEN = b"{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4".ljust(117) + b"\n"


@pytest.mark.parametrize(
    "content",
    [None, b"", b"no array", b"\x93NUMPY\x01\x00", b"\x93NUMPY\x01\x00v\x00" + OPEN + bytes(48)],
)
def test_a_file_that_is_no_array_is_refused_with_its_path(
    tmp_path: Path, content: bytes | None
) -> None:
    path = tmp_path / "rows.npy"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(BuildError, match=r"rows\.npy can't be read as an array"):
        load_array(path)


def test_pickled_objects_are_neither_written_nor_read(tmp_path: Path) -> None:
    path = tmp_path / "rows.npy"
    with pytest.raises(ValueError, match="allow_pickle"):
        save_array(path, np.array([{"a": 1}], dtype=object))
    np.save(path, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(BuildError, match="can't be read as an array"):
        load_array(path)


def test_a_digest_is_that_of_the_bytes(tmp_path: Path) -> None:
    (tmp_path / "empty").write_bytes(b"")
    assert file_sha256(tmp_path / "empty") == (
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    )


@given(st.lists(st.binary(max_size=30), max_size=40))
def test_strings_come_back_one_by_one_and_in_order(
    tmp_path_factory: pytest.TempPathFactory, contents: list[bytes]
) -> None:
    blob = write_blob(tmp_path_factory.mktemp("blob") / "cards.bin", contents)
    assert len(blob) == len(contents)
    assert list(blob) == contents
    assert [blob[row] for row in range(len(contents))] == contents


def test_more_strings_than_fit_one_chunk_come_back(tmp_path: Path) -> None:
    count = 65_536 + 7
    blob = write_blob(tmp_path / "ids.bin", [b"%d" % row for row in range(count)])
    assert len(blob) == count
    assert [blob[row] for row in (0, 65_535, 65_536, count - 1)] == [
        b"0",
        b"65535",
        b"65536",
        b"65542",
    ]
    assert sum(1 for _ in blob) == count


@pytest.mark.parametrize("row", [-1, 2, 100])
def test_a_row_outside_is_an_error_never_the_last_one(tmp_path: Path, row: int) -> None:
    blob = write_blob(tmp_path / "ids.bin", [b"one", b"two"])
    with pytest.raises(IndexError):
        blob[row]


def test_a_data_file_of_another_length_than_its_ends_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "ids.bin"
    write_blob(path, [b"one", b"two"])
    path.write_bytes(b"onetwothree")
    with pytest.raises(BuildError, match="has 11 bytes, expected 6"):
        Blob(path)


def test_a_missing_half_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "ids.bin"
    write_blob(path, [b"one"])
    ends = ends_path(path).read_bytes()
    ends_path(path).unlink()
    with pytest.raises(BuildError, match="ids_ends"):
        Blob(path)
    ends_path(path).write_bytes(ends)
    path.unlink()
    with pytest.raises(BuildError, match=r"ids\.bin can't be read"):
        Blob(path)


def test_a_writer_left_midway_leaves_no_file_open(tmp_path: Path) -> None:
    writer = BlobWriter(tmp_path / "texts.bin")
    for length in (3_000_000, 5):
        writer.append(bytes(length))
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        del writer
        gc.collect()
    assert [str(each.message) for each in told] == []
    assert (tmp_path / "texts.bin").stat().st_size == 3_000_000, "what is large is written at once"


def test_a_file_that_changed_has_another_hash_however_soon(tmp_path: Path) -> None:
    path = tmp_path / "file"
    for number in range(40):
        content = b"%02d" % number
        path.write_bytes(content)
        assert known_sha256(path) == hashlib.sha256(content).hexdigest()
        time.sleep(0.001 * (number % 3) * (number % 30))
        assert known_sha256(path) == hashlib.sha256(content).hexdigest()
        path.write_bytes(content[::-1])
        assert known_sha256(path) == hashlib.sha256(content[::-1]).hexdigest()
    times = path.stat().st_mtime_ns
    time.sleep(0.05)
    assert known_sha256(path) == known_sha256(path)
    path.write_bytes(b"xx")
    os.utime(path, ns=(times, times))
    assert known_sha256(path) == hashlib.sha256(b"xx").hexdigest()


class _Circle:
    """Garbage whose end takes a while, so that another thread's turn comes amid a parse."""

    def __init__(self) -> None:
        self.itself = self

    def __del__(self) -> None:
        sum(range(200))


@pytest.fixture
def restless() -> Iterator[None]:
    """Garbage is looked for, and threads change, all the time."""
    before = gc.get_threshold(), sys.getswitchinterval()
    gc.set_threshold(1, 1, 1)
    sys.setswitchinterval(1e-6)
    yield
    gc.set_threshold(*before[0])
    sys.setswitchinterval(before[1])


@pytest.mark.full
@pytest.mark.usefixtures("restless")
def test_arrays_are_opened_by_many_threads_at_once(tmp_path: Path) -> None:
    path = tmp_path / "rows.npy"
    save_array(path, np.arange(48, dtype=np.int32))

    def load(_: int) -> int:
        for _ in range(4_000):
            _Circle()
            found = load_array(path)
        return len(found)

    with ThreadPoolExecutor(8) as threads:
        assert set(threads.map(load, range(8))) == {48}
