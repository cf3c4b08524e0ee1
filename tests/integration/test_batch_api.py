"""Many lists by one request."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from starlette.testclient import TestClient

from index.root.root import Root
from service.api.batch_routes import BatchAnswer
from service.app import create_app
from service.settings import Settings
from tests.support.articles import prose
from tests.support.builds import publish


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    folder = tmp_path_factory.mktemp("batch")
    place = Root(folder / "root")
    records = [
        {"id": f"p-{number}", "title": f"Piece {number}", "summary": prose(number)}
        for number in range(12)
    ]
    records[5]["status"] = "draft"
    publish(place, folder, records)
    with TestClient(create_app(Settings(root=place.path))) as opened:
        yield opened


def ask(client: TestClient, **question: Any) -> Any:
    return client.post("/v1/related/batch", json=question)


def test_each_id_gets_what_it_would_get_alone(client: TestClient) -> None:
    answer = ask(client, ids=["p-3", "nobody", "p-5", " x", "p-3"], limit=4)
    assert answer.status_code == 200
    found = BatchAnswer.model_validate(answer.json())
    assert [result.status for result in found.results] == [200, 404, 404, 422, 200]
    alone = client.get("/v1/related?id=p-3&limit=4").json()
    assert answer.json()["results"][0]["answer"] == alone
    assert found.build == alone["build"]
    assert answer.json()["results"][1]["problem"] == client.get("/v1/related?id=p-5").json()
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["access-control-allow-origin"] == "*"


def test_the_parameters_mean_what_they_mean_for_one_list(client: TestClient) -> None:
    for query in (
        {"min_score": 1, "fallback": "none"},
        {"sort": "newest", "limit": 7},
        {"exclude": ["p-1", "p-2"]},
        {"language": "de"},
    ):
        many = ask(client, ids=["p-0"], **query).json()["results"][0]["answer"]
        assert many == client.get("/v1/related", params={"id": "p-0", **query}).json()


def test_lists_can_be_asked_for_without_repeats(client: TestClient) -> None:
    ids = ["p-0", "p-1", "nobody", "p-2"]
    plain, distinct = (
        [
            [item["article_id"] for item in result["answer"]["items"]]
            for result in ask(client, ids=ids, limit=3, distinct=wanted).json()["results"]
            if result["status"] == 200
        ]
        for wanted in (False, True)
    )
    assert distinct[0] == plain[0]
    assert [len(some) for some in distinct] == [3, 3, 3]
    every = [name for some in distinct for name in some]
    assert len(set(every)) == len(every)
    assert len({name for some in plain for name in some}) < len(every)


@pytest.mark.parametrize(
    ("question", "field"),
    [
        ({}, "ids"),
        ({"ids": []}, "ids"),
        ({"ids": "p-1"}, "ids"),
        ({"ids": ["x"] * 101}, "ids"),
        ({"ids": ["p-1"], "distinct": "yes"}, "distinct"),
        ({"ids": ["p-1"], "site_pins": "yes"}, "site_pins"),
        ({"ids": ["p-1"], "exclude": ["\n"]}, "exclude"),
        ({"ids": [1]}, "ids.0"),
        ({"ids": ["p-1"], "limit": 0}, "limit"),
        ({"ids": ["p-1"], "limit": "6"}, "limit"),
        ({"ids": ["p-1"], "limit": True}, "limit"),
        ({"ids": ["p-1"], "min_score": 1.1}, "min_score"),
        ({"ids": ["p-1"], "fallback": "random"}, "fallback"),
        ({"ids": ["p-1"], "sort": "oldest"}, "sort"),
        ({"ids": ["p-1"], "language": "x y"}, "language"),
        ({"ids": ["p-1"], "exclude": [".."]}, "exclude"),
        ({"ids": ["p-1"], "exclude": ["x"] * 101}, "exclude"),
        ({"ids": ["p-1"], "colour": "red"}, "colour"),
    ],
)
def test_a_wrong_question_is_a_problem_that_names_it(
    client: TestClient, question: dict[str, Any], field: str
) -> None:
    answer = ask(client, **question)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["field"] == field


def test_what_is_no_json_is_a_problem(client: TestClient) -> None:
    for body in (b"", b"{", b"[]", b"\xff", b"null"):
        answer = client.post(
            "/v1/related/batch", content=body, headers={"content-type": "application/json"}
        )
        assert answer.status_code == (400 if body == b"\xff" else 422), body
        assert answer.headers["content-type"] == "application/problem+json"
