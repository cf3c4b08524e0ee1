"""A real Milvus server: builds switched under load, and a server that is away."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from index.build.vectors import open_index
from index.errors import UnavailableError
from index.publishing.retention import prune
from index.root.pointer import write_pointer
from index.root.root import Root
from index.scale_out.milvus.milvus_client import Milvus
from index.scale_out.milvus.milvus_settings import MilvusSettings
from service.roles import Role
from tests.support.editor_site import Desk, open_desk
from tests.support.milvus_server import Line
from tests.support.milvus_site import Site
from tests.support.service_process import until

pytestmark = [pytest.mark.xdist_group("milvus"), pytest.mark.slow_first]


@dataclass
class Load:
    """What searches saw that were repeated from several threads."""

    answers: int = 0
    failures: list[Exception] = field(default_factory=list)


@contextmanager
def load(search: Callable[[], object], threads: int = 3) -> Iterator[Load]:
    seen, done = Load(), threading.Event()

    def repeat() -> None:
        while not done.is_set():
            try:
                search()
                seen.answers += 1
            except Exception as error:  # noqa: BLE001 - all of them are counted
                seen.failures.append(error)

    workers = [threading.Thread(target=repeat) for _ in range(threads)]
    for worker in workers:
        worker.start()
    try:
        yield seen
    finally:
        done.set()
        for worker in workers:
            worker.join()


@pytest.fixture(scope="module")
def line(milvus_uri: str) -> Iterator[Line]:
    line = Line(milvus_uri)
    yield line
    line.close()


@pytest.fixture(scope="module")
def made(line: Line, tmp_path_factory: pytest.TempPathFactory) -> tuple[Site, list[str]]:
    """Two builds of one root, in collections of a real server; the first is live."""
    site = Site(
        tmp_path_factory.mktemp("server") / "root", MilvusSettings(uri=line.uri, alias="shop")
    )
    site.milvus = Milvus(line.uri)
    return site, [site.build(), site.build(publish=False)]


@pytest.fixture
def site(made: tuple[Site, list[str]], line: Line) -> Iterator[Site]:
    """With the first build live, and nothing held."""
    site, names = made
    with site.root.locked("test"):
        site.root.release()
        site.root.make_live(site.root.verify(names[0]))
    yield site
    line.mend()


@pytest.fixture
def names(made: tuple[Site, list[str]]) -> list[str]:
    return made[1]


def drafts_of(root: Root, name: str) -> Callable[[], object]:
    """A search as a draft asks for it: on the build that is served, for what readers may see."""
    build = root.open(name)
    index = open_index(build)
    queries = np.load(build.folder / "embeddings.npy")[:1]
    return lambda: index.shown_at(time.time_ns() // 1000).search(queries, 20)


def test_no_search_fails_while_builds_and_their_alias_are_switched(
    site: Site, names: list[str]
) -> None:
    query = np.load(site.root.folder(names[0]) / "embeddings.npy")[:1]
    by_alias = Milvus(site.milvus.uri)
    with (
        load(drafts_of(site.root, names[0])) as old,
        load(drafts_of(site.root, names[1])) as new,
        load(lambda: by_alias.search("shop", query, 20, params={})) as outside,
        site.root.locked("test"),
    ):
        named = []
        for _ in range(5):
            site.root.make_live(site.root.verify(names[1]))
            named.append(site.named_by("shop"))
            site.root.rollback()
            named.append(site.named_by("shop"))
            site.root.release()
    assert named == [site.collection(names[1]), site.collection(names[0])] * 5
    assert old.failures == new.failures == outside.failures == []
    assert min(old.answers, new.answers, outside.answers) > 20


def test_a_server_that_is_away_is_said_to_be_and_found_again_when_it_is_back(
    site: Site, names: list[str], line: Line
) -> None:
    draft = drafts_of(site.root, names[0])
    draft()
    line.cut()
    for _ in range(2):
        began = time.monotonic()
        with pytest.raises(UnavailableError, match="can't be used now"):
            draft()
        assert time.monotonic() - began < 10
    line.mend()
    draft()


def test_a_client_does_not_wait_because_others_found_the_server_away(line: Line) -> None:
    """Otherwise it is refused in one turn of ten: gRPC waits before it tries an address again."""
    clients = [Milvus(line.uri) for _ in range(4)]
    before, *_ = [client.collections() for client in clients]
    for turn in range(12):
        line.cut()
        time.sleep(0.05 * (turn % 3))
        for _ in range(3):
            with pytest.raises(UnavailableError):
                Milvus(line.uri).collections()
        line.mend()
        assert clients[0].collections() == before


def test_going_back_needs_no_server_and_the_alias_follows_when_it_is_back(
    site: Site, names: list[str], line: Line
) -> None:
    with site.root.locked("test"):
        site.root.make_live(site.root.verify(names[1]))
        line.cut()
        assert site.root.rollback() == names[0]
    pointer = site.root.current()
    assert pointer is not None
    assert pointer.build == names[0]
    with site.root.locked("test") as found:
        assert found == []  # still away
    line.mend()
    assert site.named_by("shop") == site.collection(names[1])
    with site.root.locked("test") as found:
        assert "now points to build" in found[0]
    assert site.named_by("shop") == site.collection(names[0])


def test_a_build_is_not_published_while_nobody_can_say_that_its_vectors_are_there(
    site: Site, names: list[str], line: Line
) -> None:
    line.cut()
    with site.root.locked("test"), pytest.raises(UnavailableError):
        site.root.make_live(site.root.verify(names[1]))
    pointer = site.root.current()
    assert pointer is not None
    assert pointer.build == names[0]


@pytest.fixture
def desk(site: Site, tmp_path: Path) -> Iterator[Desk]:
    path = site.root.path
    with open_desk(path, path.parent, model="hashing:32", draft_rate=10_000) as opened:
        yield opened


def send_draft(desk: Desk) -> Any:
    text = {"title": "How myelin heals", "summary": "Remyelination in mice and people."}
    return desk.ask("POST", "/v1/related", Role.EDITOR, json=text)


def test_no_draft_fails_while_the_service_changes_from_build_to_build(
    site: Site, names: list[str], desk: Desk
) -> None:
    answers: list[Any] = []
    with load(lambda: answers.append(send_draft(desk)), threads=2), site.root.locked("test"):
        for _ in range(2):
            site.root.make_live(site.root.verify(names[1]))
            until(lambda: answers and answers[-1].json().get("build") == names[1])
            site.root.rollback()
            until(lambda: answers[-1].json().get("build") == names[0])
            site.root.release()
    assert {answer.status_code for answer in answers} == {200}
    assert {answer.json()["build"] for answer in answers} == set(names)
    assert all(answer.json()["items"] for answer in answers)


def test_lists_are_served_while_drafts_are_told_that_a_part_is_away(
    site: Site, desk: Desk, line: Line
) -> None:
    article = site.root.open().article_id(0)
    before = desk.shown(article)
    assert send_draft(desk).status_code == 200
    line.cut()
    refused = send_draft(desk)
    assert refused.status_code == 503
    assert refused.headers["content-type"] == "application/problem+json"
    assert "unavailable" in refused.json()["detail"]
    assert "127.0.0.1" not in refused.text
    assert desk.shown(article) == before != []
    assert desk.client.get("/readyz").status_code == 200
    line.mend()
    assert send_draft(desk).status_code == 200


def test_a_build_whose_vectors_can_not_be_dropped_stays_until_they_can(
    site: Site, names: list[str], line: Line, caplog: pytest.LogCaptureFixture
) -> None:
    """The last test, for it removes the first build."""
    with site.root.locked("test"):
        site.root.make_live(site.root.verify(names[1]))
        pointer = site.root.current()
        assert pointer is not None
        write_pointer(site.root.path, pointer.model_copy(update={"before": []}))
        gone = site.collection(names[0])
        line.cut()
        assert prune(site.root, 1) == []
        assert f"{names[0]} is kept until" in caplog.text
        assert site.root.names() == names
        line.mend()
        assert gone in site.milvus.collections()
        assert prune(site.root, 1) == names[:1]
    assert gone not in site.milvus.collections()
