"""The life of a build's collection: filled, named, gone back to, dropped."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from index.build.vectors import open_index
from index.errors import BuildError, UnavailableError
from index.publishing.retention import prune
from index.root.journal import read_journal
from index.scale_out.milvus.milvus_settings import MilvusSettings
from recommender.errors import SettingError
from service.settings import load_settings
from tests.support.builds import SAMPLE
from tests.support.milvus_site import Site


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path / "root")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """Three builds of which none was published."""
    site = Site(tmp_path_factory.mktemp("made") / "root")
    for _ in range(3):
        site.build(publish=False)
    return site


@pytest.fixture
def copy(made: Site, tmp_path: Path) -> tuple[Site, list[str]]:
    """A copy of these builds, vectors and all, and their names."""
    shutil.copytree(made.root.path, tmp_path / "root")
    return Site(tmp_path / "root"), made.root.names()


def test_lists_are_those_of_a_local_build_with_learned_weights(made: Site, tmp_path: Path) -> None:
    here = made.root.open(made.root.names()[0])
    there = Site(tmp_path / "local")
    there.wanted = None
    local = there.root.open(there.build())
    assert here.learning["adopted"]
    assert here.learning == local.learning
    assert np.array_equal(here.related_rows, local.related_rows)
    assert np.allclose(here.related_scores, local.related_scores, atol=1e-6)
    assert not (here.folder / "index.faiss").exists()


def test_the_manifest_says_where_the_vectors_lie(made: Site) -> None:
    entry = made.root.manifest(made.root.names()[0]).index
    assert (entry.kind, entry.recall, entry.uri) == ("milvus:FLAT", 1.0, "milvus.db")
    assert entry.collection in made.milvus.collections()
    assert made.live is None


def test_the_alias_follows_publishing_and_going_back(copy: tuple[Site, list[str]]) -> None:
    site, names = copy
    with site.root.locked("test"):
        for name in names[:2]:
            site.root.make_live(site.root.verify(name))
            assert site.live == site.collection(name)
        assert site.root.rollback() == names[0]
    assert site.live == site.collection(names[0])


def test_pruning_drops_the_collections_of_what_it_removes(copy: tuple[Site, list[str]]) -> None:
    site, names = copy
    with site.root.locked("test"):
        for name in names:
            site.root.make_live(site.root.verify(name))
        assert prune(site.root, 1) == names[:1]
    assert site.milvus.collections() == sorted(site.collection(name) for name in names[1:])
    assert site.live == site.collection(names[2])


def test_without_the_package_old_builds_are_kept_and_all_else_goes_on(
    copy: tuple[Site, list[str]], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    site, names = copy
    site.wanted = None
    last = site.build()
    (site.root.builds / names[0]).rename(site.root.builds / f".unfinished-{names[0]}")
    monkeypatch.setitem(sys.modules, "index.scale_out.milvus.milvus_client", None)
    with site.root.locked("test"):
        assert prune(site.root, 1) == []
    assert site.root.names() == [*names[1:], last]
    assert f"build {names[1]} is kept until its vectors in Milvus can be deleted" in caplog.text
    assert "pip install 'alsolike[milvus]'" in caplog.text
    assert f".unfinished-{names[0]} is kept" in str(read_journal(site.root.path))


def test_a_build_that_fails_leaves_no_collection(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise BuildError("no more")

    monkeypatch.setattr("index.building.builder.measure_recall", fail)
    with pytest.raises(BuildError, match="no more"):
        site.build()
    assert site.milvus.collections() == []
    assert list(site.root.builds.iterdir()) == []


def test_a_server_that_never_answered_is_told_before_any_work_and_leaves_nothing(
    tmp_path: Path,
) -> None:
    lost = Site(tmp_path / "root", MilvusSettings(uri="http://127.0.0.1:9"))
    with pytest.raises(UnavailableError, match=r"http://127\.0\.0\.1:9 can't be used now"):
        lost.build()
    assert list(lost.root.builds.iterdir()) == []
    journal = read_journal(lost.root.path)
    assert [line["event"] for line in journal] == ["fail"]


def test_a_build_that_was_killed_leaves_no_collection_to_the_next(site: Site) -> None:
    script = (
        "import os, sys; import index.building.builder as b; "
        "from tests.support.milvus_site import Site; from pathlib import Path; "
        "b.measure_recall = lambda *a, **k: os._exit(9); Site(Path(sys.argv[1])).build()"
    )
    command = [sys.executable, "-c", script, str(site.root.path)]
    assert subprocess.run(command, cwd=SAMPLE.parent.parent, check=False).returncode == 9
    assert len(site.milvus.collections()) == 1
    with site.root.locked("test") as found:
        assert "was left unfinished" in found[0]
    assert site.milvus.collections() == []


def test_a_build_whose_rows_are_not_all_there_is_not_published(
    copy: tuple[Site, list[str]],
) -> None:
    site, names = copy
    site.milvus.drop(site.collection(names[0]), "alsolike")
    with site.root.locked("test"), pytest.raises(BuildError, match="is gone"):
        site.root.make_live(site.root.verify(names[0]))
    assert site.root.current() is None


def test_a_root_can_be_moved_with_its_folder(copy: tuple[Site, list[str]]) -> None:
    site, names = copy  # it was made elsewhere
    build = site.root.open(names[0])
    embeddings = np.load(build.folder / "embeddings.npy")
    assert open_index(build).search(embeddings[:3], 1).rows[:, 0].tolist() == [0, 1, 2]


def test_a_process_waits_for_its_turn_at_a_folder(made: Site) -> None:
    build = made.root.open(made.root.names()[0])
    embeddings = np.load(build.folder / "embeddings.npy")
    holder = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import sys, time; from milvus_lite.db import MilvusLite; "
            "d = MilvusLite(sys.argv[1]); print('held', flush=True); time.sleep(0.5); d.close()",
            made.milvus.uri,
        ],
        stdout=subprocess.PIPE,
    )
    with holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        found = open_index(build).search(embeddings[:1], 1)
        assert found.rows.tolist() == [[0]]


@pytest.mark.parametrize(
    "uri", ["http://user:secret@host:19530", "https://secret@host", "ftp://host", "folder"]
)
def test_a_place_with_a_secret_or_of_no_known_kind_is_refused(uri: str) -> None:
    with pytest.raises(SettingError, match="milvus_uri") as caught:
        load_settings(index="milvus", milvus_uri=uri)
    assert "secret" not in str(caught.value)


def test_the_token_stays_in_the_environment(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALSOLIKE_MILVUS_TOKEN", "user:9dQx7")
    load_settings()
    name = site.build()
    written = [path.read_bytes() for path in site.root.folder(name).iterdir()]
    assert not any(b"9dQx7" in content for content in written)
    assert "9dQx7" not in json.dumps(site.root.manifest(name).model_dump())
