"""A build is what was written, byte for byte, or it is refused."""

from __future__ import annotations

import datetime as dt
import random
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from index.articles.article_store import ARTICLES
from index.articles.record import Record
from index.build.build import SERVED, Build
from index.build.manifest import FORMAT_VERSION, MANIFEST, SEAL, describe_files, read_manifest
from index.building.builder import make_build
from index.building.context import BuildOptions
from index.errors import BuildError, FormatError
from index.root.pointer import write_pointer
from index.root.root import Root
from recommender.encoder import HashingEncoder
from tests.support.articles import topical
from tests.support.builds import plain_mapping

IDS = [
    "plain",
    "10.1000/j.reef.2026",
    "2026/05/kelp at dawn.html",
    "über-die-Brücke",
    "記事/一",
    "\U0001f30a",
    "a",
    "aa",
    "a/b",
]


class Listed:
    """Records from memory."""

    name = "list"

    def __init__(self, values: list[dict[str, Any]]) -> None:
        self._values = values

    def records(self) -> Iterator[Record]:
        for number, value in enumerate(self._values, 1):
            yield Record(location=f"list line {number}", values=value)


def make(place: Root, values: list[dict[str, Any]]) -> Build:
    with place.locked("test"):
        manifest = make_build(
            place,
            [Listed(values)],
            lambda: HashingEncoder(64),
            BuildOptions(mapping=plain_mapping(), depth=10),
        ).manifest
        place.make_live(place.verify(manifest.name))
    return place.open(manifest.name)


@pytest.fixture(scope="module")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Root:
    place = Root(tmp_path_factory.mktemp("pristine") / "root")
    records = topical(24)
    for record, article_id in zip(records, IDS, strict=False):
        record["id"] = article_id
    records[0]["tags"], records[0]["language"] = ["sea"], "en"
    make(place, records)
    return place


@pytest.fixture
def root(pristine: Root, tmp_path: Path) -> Root:
    """A copy that may be damaged."""
    shutil.copytree(pristine.path, tmp_path / "root")
    return Root(tmp_path / "root")


# Verifying


def flips(root: Root, count: int) -> Iterator[tuple[Path, int, int]]:
    """Positions and bits: the first and last byte of every file, then anywhere."""
    files = [path for path in sorted(root.folder().iterdir()) if path.stat().st_size]
    draw = random.Random(2)
    for path in files:
        yield path, 0, 1 << draw.randrange(8)
        yield path, path.stat().st_size - 1, 1 << draw.randrange(8)
    for _ in range(count - 2 * len(files)):
        path = draw.choice(files)
        yield path, draw.randrange(path.stat().st_size), 1 << draw.randrange(8)


def check_every_flip_is_found(root: Root, count: int) -> None:
    tried = 0
    for path, position, bit in flips(root, count):
        with path.open("r+b") as file:
            file.seek(position)
            (byte,) = file.read(1)
            file.seek(position)
            file.write(bytes([byte ^ bit]))
            file.flush()
            with pytest.raises(BuildError, match=path.name.replace(".", r"\.")):
                root.verify()
            file.seek(position)
            file.write(bytes([byte]))
        tried += 1
    assert tried >= count
    root.verify()


def test_a_flipped_bit_anywhere_is_found_and_its_file_named(root: Root) -> None:
    check_every_flip_is_found(root, 120)


@pytest.mark.full
def test_hundreds_of_flipped_bits_are_each_found(root: Root) -> None:
    check_every_flip_is_found(root, 1_000)


def test_a_missing_file_is_found_and_named(root: Root) -> None:
    for path in sorted(root.folder().iterdir()):
        content = path.read_bytes()
        path.unlink()
        with pytest.raises(BuildError, match=path.name.replace(".", r"\.")):
            root.verify()
        path.write_bytes(content)
    root.verify()


@pytest.mark.parametrize("change", [b"", b"x", None])
def test_a_file_that_grew_or_shrank_is_found_and_named(root: Root, change: bytes | None) -> None:
    path = root.folder() / ARTICLES
    content = path.read_bytes()
    path.write_bytes(content[:-1] if change is None else content + change)
    if change == b"":
        root.verify()
        return
    with pytest.raises(BuildError, match=rf"{ARTICLES} has {len(content)} bytes|bytes, the man"):
        root.verify()


@pytest.mark.parametrize("foreign", ["notes.txt", ".hidden", "folder"])
def test_a_foreign_file_is_found_and_named(root: Root, foreign: str) -> None:
    path = root.folder() / foreign
    if foreign == "folder":
        path.mkdir()
    else:
        path.write_bytes(b"")
    with pytest.raises(BuildError, match=f"{foreign} does not belong"):
        root.verify()


def test_a_build_under_another_name_is_refused(root: Root) -> None:
    folder = root.folder()
    moved = folder.rename(folder.with_name("29990101T000000Z-abcdef"))
    with pytest.raises(BuildError, match=rf"belongs to build '{folder.name}'"):
        root.open(moved.name)


def test_a_manifest_of_another_format_is_refused_with_the_remedy(root: Root) -> None:
    path = root.folder() / MANIFEST
    content = path.read_text()
    remedies = {1: "make .* --from-scratch --force", 99: "a newer AlsoLike made it.*rollback"}
    for found, remedy in remedies.items():
        path.write_text(content.replace(f'"format": {FORMAT_VERSION}', f'"format": {found}'))
        said = rf"has format {found}, .* reads {FORMAT_VERSION}; {remedy}"
        with pytest.raises(FormatError, match=said) as error:
            read_manifest(root.folder())
        assert error.value.newer is (found == 99)
    path.write_text(content.replace('"format":', '"format":"x"+'))
    with pytest.raises(
        BuildError, match=rf"not a manifest of format {FORMAT_VERSION}: .*make a new build"
    ):
        read_manifest(root.folder())


# Opening


def damage(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0x10
    path.write_bytes(content)


def test_a_damaged_file_that_serving_reads_is_refused_at_opening(root: Root) -> None:
    checked = 0
    for name in sorted(SERVED):
        path = root.folder() / name
        content = path.read_bytes()
        if not content:
            continue
        damage(path)
        with pytest.raises(BuildError, match=name.replace(".", r"\.")):
            root.open()
        path.write_bytes(content)
        checked += 1
    assert checked > 15
    root.open()


def test_any_other_damaged_file_is_refused_before_its_first_use(root: Root) -> None:
    others = {path.name for path in root.folder().iterdir()} - SERVED - {MANIFEST, SEAL}
    assert {ARTICLES, "embeddings.npy", "index.faiss"} <= others
    for name in others:
        damage(root.folder() / name)
    build = root.open()
    for name in others:
        with pytest.raises(BuildError, match=name.replace(".", r"\.")):
            build.checked(name)
    with pytest.raises(BuildError, match=rf"article_numbers\.npy|{ARTICLES}"):
        build.article(0)
    with pytest.raises(BuildError, match=r"report\.json"):
        build.report()


def test_a_file_is_hashed_once(root: Root) -> None:
    build = root.open()
    path = build.checked("embeddings.npy")
    damage(path)
    assert build.checked("embeddings.npy") == path
    with pytest.raises(BuildError):
        root.open().checked("embeddings.npy")


def test_a_file_the_manifest_does_not_list_is_never_used(root: Root) -> None:
    (root.folder() / "notes.txt").write_text("x")
    with pytest.raises(BuildError, match=r"lists no file notes\.txt"):
        root.open().checked("notes.txt")


def test_a_published_build_with_another_manifest_is_refused(root: Root) -> None:
    root.open()
    pointer = root.current()
    assert pointer is not None
    write_pointer(root.path, pointer.model_copy(update={"manifest_sha256": "0" * 64}))
    for name in (None, pointer.build):
        with pytest.raises(BuildError, match="was changed"):
            root.open(name)


# Rows


def test_every_article_is_found_by_its_id_with_slashes_spaces_and_any_script(
    pristine: Root,
) -> None:
    build = pristine.open()
    for article_id in IDS:
        row = build.row(article_id)
        assert row is not None
        assert build.article_id(row) == article_id
        assert build.article(row).id == article_id


def test_what_is_no_id_of_the_build_has_no_row(pristine: Root) -> None:
    build = pristine.open()
    for unknown in ("", "plai", "plain ", "plainx", "PLAIN", "\0", "\ud800", "\U0010ffff"):
        assert build.row(unknown) is None


def test_a_lone_surrogate_is_not_taken_for_a_question_mark(tmp_path: Path) -> None:
    build = make(Root(tmp_path / "root"), [{"id": "a?b", "title": "Kelp"}])
    assert build.row("a?b") == 0
    assert build.row("a\ud800b") is None


ids = st.lists(
    st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), min_size=1, max_size=6)
    .map(str.strip)
    .filter(lambda text: text not in ("", ".", "..")),
    unique=True,
    min_size=1,
    max_size=12,
)


def check_rows(folder: Path, known: list[str], others: list[str]) -> None:
    build = make(Root(folder / "root"), [{"id": one, "title": "Kelp"} for one in known])
    ordered = sorted(known, key=str.encode)
    assert [build.article_id(row) for row in range(build.count)] == ordered
    assert [build.row(one) for one in ordered] == list(range(len(known)))
    assert all(build.row(one) is None for one in others if one not in known)


@given(ids, st.lists(st.text(st.characters(codec=None), max_size=6)))
@settings(max_examples=15)
def test_rows_are_the_ids_in_the_order_of_their_bytes(
    tmp_path_factory: pytest.TempPathFactory, known: list[str], others: list[str]
) -> None:
    check_rows(tmp_path_factory.mktemp("rows"), known, others)


@pytest.mark.full
@given(ids, st.lists(st.text(st.characters(codec=None), max_size=6)))
@settings(max_examples=300)
def test_rows_are_the_ids_in_the_order_of_their_bytes_in_the_long_run(
    tmp_path_factory: pytest.TempPathFactory, known: list[str], others: list[str]
) -> None:
    check_rows(tmp_path_factory.mktemp("rows"), known, others)


# Time


def test_a_build_made_by_a_clock_that_was_ahead_grows_old_all_the_same(pristine: Root) -> None:
    build = pristine.open()
    assert 0 < build.age() < 3_600
    ahead = dt.datetime.now(dt.UTC) + dt.timedelta(days=365)
    build.manifest = build.manifest.model_copy(update={"created": ahead.isoformat()})
    before = build.age()
    assert 0 < before < build.age() < 3_600


def test_epochs_follow_the_instants_of_the_build(tmp_path: Path) -> None:
    records = topical(3)
    records[0]["visible_from"] = "1970-01-01T00:00:10Z"
    records[1]["visible_until"] = "1970-01-01T00:00:20Z"
    build = make(Root(tmp_path / "root"), records)
    second = 1_000_000
    assert [build.epoch(at * second) for at in (0, 10, 15, 20, 99)] == [0, 1, 1, 2, 2]
    assert build.epochs.tolist() == [10 * second, 20 * second]
    shown = [
        [build.article_id(row) for row in range(3) if build.is_visible(row, at * second)]
        for at in (9, 10, 20)
    ]
    assert [len(ids) for ids in shown] == [2, 3, 2]


def test_arrays_of_a_build_have_a_row_for_every_article(pristine: Root) -> None:
    build = pristine.open()
    assert len(build.cards) == len(build.visibility) == len(build.related_rows) == build.count
    assert build.count == build.manifest.count == 24
    embeddings = np.load(build.checked("embeddings.npy"), allow_pickle=False)
    assert embeddings.shape == (build.count, build.manifest.encoder.dim)
    assert np.allclose(np.linalg.norm(embeddings, axis=1), 1, atol=1e-5)


def test_a_manifest_lists_all_files_but_itself_and_its_seal(root: Root) -> None:
    assert describe_files(root.folder()) == read_manifest(root.folder()).files
