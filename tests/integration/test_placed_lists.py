"""Lists with placements: the same in every form of an answer, lasting as long as the list."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from index.root.comparison import Variant
from index.root.root import Root
from service.app import create_app
from service.clicks.placement import KEY_FILE, Placement, Placements, open_placements
from service.settings import Settings
from service.watching.exporter import Exporter
from tests.support.articles import topical
from tests.support.builds import change, publish
from tests.support.page_views import Service

RECORDS = topical(48)


@pytest.fixture
def site(tmp_path: Path) -> tuple[Root, Settings]:
    root = Root(tmp_path / "root")
    publish(root, tmp_path, RECORDS)
    return root, Settings(root=root.path, clicks=True)


@pytest.fixture
def placements(site: tuple[Root, Settings]) -> Placements:
    opened = open_placements(site[1])
    assert opened is not None
    return opened


@pytest.fixture
def client(site: tuple[Root, Settings]) -> Iterator[TestClient]:
    with TestClient(create_app(site[1])) as opened:
        yield opened


def shown(root: Root, placement: Placement | None) -> tuple[str, list[str | None]]:
    assert placement is not None
    build = root.open()
    rows = [build.row_of_digest(digest) for digest, _ in placement.items]
    row = build.row_of_digest(placement.article)
    assert row is not None
    return build.article_id(row), [each and build.article_id(each) for each in rows]


def test_every_form_of_a_list_has_its_placement(
    site: tuple[Root, Settings], placements: Placements, client: TestClient, tmp_path: Path
) -> None:
    key = RECORDS[3]["id"]
    answer = client.get("/v1/related", params={"id": key}).json()
    ids = [item["article_id"] for item in answer["items"]]
    by_path = client.get(f"/v1/articles/{key}/related").json()
    (batched,) = client.post("/v1/related/batch", json={"ids": [key]}).json()["results"]
    html = client.get("/v1/related.html", params={"id": key}).text
    (marked,) = re.findall(r'<section[^>]* data-placement="([^"]+)"', html)
    assert {answer["placement"], by_path["placement"], batched["answer"]["placement"], marked} == {
        answer["placement"]
    }
    assert shown(site[0], placements.read(answer["placement"])) == (key, ids)
    Exporter(site[1], tmp_path / "out").follow(site[0].open())
    exported = placements.read(
        json.loads((tmp_path / "out" / f"{key}.json").read_text())["placement"]
    )
    assert exported is not None
    assert exported.variant is Variant.EXPORTED
    assert shown(site[0], exported) == (key, ids)


def test_an_answer_with_its_placement_is_kept(site: tuple[Root, Settings]) -> None:
    service = Service(site[0], clicks=True)
    for _ in range(3):
        for record in RECORDS[:3]:
            service.client.get(f"/v1/related?id={record['id']}")
    assert (service.tally.misses, service.tally.hits) == (3, 6)


def test_a_placement_outlives_small_builds_and_ends_with_the_full_one(
    site: tuple[Root, Settings], placements: Placements, tmp_path: Path
) -> None:
    root, settings = site
    service, exporter = Service(root, clicks=True), Exporter(settings, tmp_path / "out")
    asked = [f"/v1/related?id={record['id']}&fallback=none" for record in RECORDS]

    def told() -> list[str]:
        service.live.refresh()
        exporter.follow(root.open())
        exported = (path.read_bytes() for path in sorted((tmp_path / "out").glob("*.json")))
        tokens = [json.loads(one)["placement"] for one in exported]
        tokens += [service.client.get(one).json()["placement"] for one in asked]
        found = {placements.read(token) for token in tokens}
        assert {each and each.full_build_name for each in found} == {root.open().full_name}
        return tokens

    first = told()
    change(root, [{**RECORDS[0], "image": {"src": "/new.png", "alt": ""}}])
    assert told() == first
    publish(root, tmp_path, RECORDS)
    assert not set(told()) & set(first)


def test_while_clicks_are_off_no_list_says_where_it_was_placed(
    site: tuple[Root, Settings], tmp_path: Path
) -> None:
    root = site[0]
    with TestClient(create_app(Settings(root=root.path))) as client:
        assert "placement" not in client.get(f"/v1/related?id={RECORDS[3]['id']}").text
        assert "placement" not in client.get(f"/v1/related.html?id={RECORDS[3]['id']}").text
    Exporter(Settings(root=root.path), tmp_path / "out").follow(root.open())
    assert not any("placement" in path.read_text() for path in (tmp_path / "out").glob("*.json"))
    assert not (root.path / KEY_FILE).exists()
