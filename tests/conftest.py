"""What tests share: a small corpus, a hand-checkable encoder, a built root."""

from __future__ import annotations

import gc
import json
import logging
import os
import re
import shutil
import signal
import tempfile
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from argon2 import PasswordHasher

from index.build.build import Build
from index.building.builder import BuildOptions, make_build
from index.root.root import Root
from index.sources.jsonl_source import JsonlSource
from recommender.encoder import HashingEncoder
from recommender.machine import usable_cores, usable_memory
from service.decisions import editor_accounts
from tests.support.articles import topical
from tests.support.builds import SAMPLE, plain_mapping, publish
from tests.support.decision_databases import urls
from tests.support.milvus_server import milvus_server
from tests.support.ray_cluster import RayCluster, ray_cluster
from tests.support.unsynced_disk import unsynced_disk

# A busy machine is no defect of the code.
hypothesis.settings.register_profile("alsolike", deadline=None)
hypothesis.settings.load_profile("alsolike")

# A shell has what it starts in the background ignore Ctrl+C, and so would the commands of tests.
signal.signal(signal.SIGINT, signal.default_int_handler)


_ROOM = 8 * 1024**3


def pytest_configure() -> None:
    """Files of tests are made in memory where there is room, which takes a sixth of the time off.

    ``TMPDIR`` says otherwise. Those of tests that passed are removed at once.
    """
    memory = Path("/dev/shm")
    if "TMPDIR" in os.environ or not memory.is_dir() or usable_memory() < 2 * _ROOM:
        return
    if shutil.disk_usage(memory).free > _ROOM:
        os.environ["TMPDIR"] = str(memory)
        tempfile.tempdir = None


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Two processes more than there are cores, since much of a test run is waiting.

    On two cores four processes took 526 and 546 s, five 566 s.
    """
    return usable_cores() + 2


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Where tests are run side by side, each file stays whole, to make once what its tests share.

    Files marked ``xdist_group("milvus")`` go together: their server can't run twice on a machine.
    So do those of the group ``ray``, which share a cluster, and of ``model``, whose libraries take
    seconds to import.
    The mark is read here, since xdist 3.8 passes it on in a way that pytest 9 does not know.
    """
    from xdist.scheduler import LoadScopeScheduling

    class ByFile(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            path = nodeid.partition("::")[0]
            text = (config.rootpath / path).read_text(encoding="utf-8")
            named = re.search(r'pytest\.mark\.xdist_group\("(\w+)"\)', text)
            return named[1] if named else path

    return ByFile(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes longest begins, or one process would still be at it when the others are done."""
    items.sort(key=lambda item: item.get_closest_marker("slow_first") is None)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, Any, Any]:
    """Imports make no garbage, and looking for it among all modules takes half of their time."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name.startswith("ALSOLIKE_"):
            monkeypatch.delenv(name)


@pytest.fixture
def write_jsonl(tmp_path: Path) -> Callable[[Iterable[Any]], Path]:
    """Writes records (or raw lines, where they are text or bytes) into a .jsonl file."""

    def write(records: Iterable[Any], name: str = "articles.jsonl") -> Path:
        path = tmp_path / name
        lines = [
            record
            if isinstance(record, bytes)
            else record.encode()
            if isinstance(record, str)
            else json.dumps(record, ensure_ascii=False).encode()
            for record in records
        ]
        path.write_bytes(b"\n".join(lines) + b"\n")
        return path

    return write


@pytest.fixture
def build_root(tmp_path: Path) -> Callable[..., tuple[Root, Build]]:
    """Builds a source with the hashing encoder and publishes it."""

    def build(source: Path, root: Path | None = None, **options: Any) -> tuple[Root, Build]:
        place = Root(root or tmp_path / "root")
        mapping = options.pop("mapping", plain_mapping())
        with place.locked("test"):
            manifest = make_build(
                place,
                [JsonlSource(str(source))],
                lambda: HashingEncoder(64),
                BuildOptions(mapping=mapping, **options),
            ).manifest
            place.make_live(place.verify(manifest.name))
        return place, place.open(manifest.name)

    return build


_servers = ExitStack()


@pytest.fixture(scope="session")
def milvus_uri(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real Milvus server, started once."""
    with _servers:
        yield _servers.enter_context(milvus_server(tmp_path_factory.mktemp("milvus")))


@pytest.fixture(scope="session")
def shared_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RayCluster]:
    """A real Ray cluster, started once."""
    with _servers:
        yield _servers.enter_context(ray_cluster(tmp_path_factory.mktemp("ray") / "log"))


@pytest.fixture
def cluster(shared_cluster: RayCluster) -> RayCluster:
    """The cluster with both of its nodes, whatever the tests before have done to it."""
    shared_cluster.replace_a_dead_node()
    return shared_cluster


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """Side by side, servers end with the last test of their group: idle, they take from others."""
    ours, others = (each and each.get_closest_marker("xdist_group") for each in (item, nextitem))
    if "PYTEST_XDIST_WORKER" in os.environ and ours and ours != others:
        _servers.close()


@pytest.fixture(scope="session")
def sample_build(tmp_path_factory: pytest.TempPathFactory) -> Build:
    """The sample corpus, built once with the hashing encoder."""
    place = Root(tmp_path_factory.mktemp("sample") / "root")
    with place.locked("test"):
        manifest = make_build(
            place,
            [JsonlSource(str(SAMPLE / "articles.jsonl"))],
            lambda: HashingEncoder(256),
            BuildOptions(mapping=plain_mapping()),
        ).manifest
        place.make_live(place.verify(manifest.name))
    return place.open(manifest.name)


@pytest.fixture(scope="session", autouse=True)
def _quick_hashes_and_disk() -> Iterator[None]:
    """Argon2 at its cheapest, and no waiting for the disk; processes of their own do both."""
    with pytest.MonkeyPatch.context() as patch, unsynced_disk():
        hasher = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
        patch.setattr(editor_accounts, "_hasher", hasher)
        yield


@pytest.fixture(autouse=True)
def logs_as_they_were() -> Iterator[None]:
    """A command that runs in this process sets up logs on the stderr of its test alone."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def new_url(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[], str]]:
    """Gives URLs of empty databases for decisions, of each kind in turn."""
    with urls(request.param, tmp_path_factory.mktemp("databases")) as make:
        yield make


@pytest.fixture(scope="module")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Root:
    folder = tmp_path_factory.mktemp("pristine")
    for count in (4, 5, 6):
        publish(Root(folder / "root"), folder, topical(count))
    return Root(folder / "root")


@pytest.fixture
def three_builds(pristine: Root, tmp_path: Path) -> tuple[Root, list[str]]:
    """A root of our own with three builds, published one after another, and their names."""
    shutil.copytree(pristine.path, tmp_path / "root")
    root = Root(tmp_path / "root")
    return root, root.names()
