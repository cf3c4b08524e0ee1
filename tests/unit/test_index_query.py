"""The query is described once: each of its fields is known wherever a query is given or kept."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from starlette.testclient import TestClient

from index.query import (
    ID_PATTERN,
    RelatedQuery,
    query_options,
    shown_score,
    shown_scores,
)
from index.root.root import Root
from recommender.article import check_id
from recommender.errors import ArticleError
from service.api.batch_routes import BatchQuestion
from service.api.draft_models import DraftRequest
from service.api.query_body import QueryBody
from service.app import create_app
from service.http.query_params import read_related_query
from service.http.static_files import STATIC
from service.settings import Settings, load_settings
from tests.support.articles import prose
from tests.support.builds import publish

NAMES = [field.name for field in fields(RelatedQuery)]
VALUES: dict[str, Any] = {
    "limit": 3,
    "exclude": frozenset({"piece-4"}),
    "min_score": 0.25,
    "fallback": "newest",
    "sort": "newest",
    "language": "de",
    "skip_linked": "drop",
    "site_pins": False,
    "tag": "kelp",
    "source": "blog",
    "newer_than": "2026-01-31",
}
"""For each field a value that is not its default."""
DEFAULTS = RelatedQuery()


def as_json(name: str) -> Any:
    value = VALUES[name]
    return sorted(value) if isinstance(value, frozenset) else value


def text_of(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    folder = tmp_path_factory.mktemp("query")
    root = Root(folder / "root")
    records = [
        {
            "id": f"piece-{number}",
            "title": f"Title {number}",
            "summary": prose(number),
            "language": "de" if number % 3 else "en",
            "date": f"2026-01-{number + 1:02}",
        }
        for number in range(20)
    ]
    publish(root, folder, records)
    with TestClient(create_app(Settings(root=root.path))) as opened:
        yield opened


def test_every_field_of_the_query_is_tested_here() -> None:
    assert list(VALUES) == NAMES
    assert all(VALUES[name] != getattr(DEFAULTS, name) for name in NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_page_view_can_give_each_field(name: str) -> None:
    value = as_json(name)
    texts = [text_of(one) for one in (value if isinstance(value, list) else [value])]
    query = read_related_query({"id": ["a"], name: texts}, DEFAULTS)
    assert query == replace(DEFAULTS, **{name: VALUES[name]})
    assert type(getattr(query, name)) is type(getattr(replace(query), name))


@pytest.mark.parametrize("name", NAMES)
def test_a_batch_can_give_each_field(name: str) -> None:
    question = BatchQuestion.model_validate({"ids": ["a"], name: as_json(name)})
    assert question.query(DEFAULTS) == replace(DEFAULTS, **{name: VALUES[name]})


@pytest.mark.parametrize("name", NAMES)
def test_a_draft_can_give_each_field(name: str) -> None:
    parameter = DraftRequest.language_field if name == "language" else name
    draft = DraftRequest.model_validate({"title": "t", parameter: as_json(name)})
    assert draft.query(DEFAULTS) == replace(DEFAULTS, **{name: VALUES[name]})
    assert parameter in DraftRequest.model_json_schema()["properties"]


@pytest.mark.parametrize("body", [BatchQuestion(ids=["a"]), DraftRequest(title="t")])
def test_a_body_that_names_no_field_takes_the_defaults(body: QueryBody) -> None:
    defaults = RelatedQuery(**VALUES)
    assert body.query(defaults) == replace(defaults, exclude=frozenset())


@pytest.mark.parametrize("name", NAMES)
def test_the_api_document_describes_each_field(client: TestClient, name: str) -> None:
    document = client.get("/openapi.json").json()
    option = query_options()[name]
    for path in ("/v1/related", "/v1/related.html", "/v1/articles/{article_id}/related"):
        parameters = {
            parameter["name"]: parameter
            for parameter in document["paths"][path]["get"]["parameters"]
        }
        assert parameters[name]["description"] == option.description
        assert option.schema.items() <= parameters[name]["schema"].items()
    batch = document["components"]["schemas"]["BatchQuestion"]["properties"]
    assert batch[name]["description"]


@pytest.mark.parametrize("name", NAMES)
def test_each_field_makes_a_response_of_its_own(client: TestClient, name: str) -> None:
    plain = client.get("/v1/related", params={"id": "piece-1"})
    other = client.get("/v1/related", params={"id": "piece-1", name: as_json(name)})
    again = client.get("/v1/related", params={"id": "piece-1"})
    assert plain.status_code == other.status_code == 200
    assert plain.headers["etag"] == again.headers["etag"] != other.headers["etag"]


def test_the_tag_for_pages_can_give_each_filter() -> None:
    script = (STATIC / "widget.js").read_text()
    given = [name for name in NAMES if not replace(DEFAULTS, **{name: VALUES[name]}).is_filtered]
    filters = [name.replace("_", "-") for name in NAMES if name not in given]
    assert f"const FILTERS = {json.dumps(filters)};" in script


SET = [name for name in NAMES if name in Settings.model_fields and name != "source"]
"""The setting ``source`` is about something else."""


@pytest.mark.parametrize("name", SET)
def test_a_field_that_can_be_set_takes_its_default_from_the_setting(
    name: str, tmp_path: Path
) -> None:
    settings = load_settings(root=tmp_path, **{name: VALUES[name]})
    assert getattr(settings.query, name) == VALUES[name]
    assert settings.query == replace(load_settings(root=tmp_path).query, **{name: VALUES[name]})


@pytest.mark.parametrize(
    ("name", "text", "allowed"),
    [
        ("limit", "0", "a whole number from 1 to 50"),
        ("limit", "2.0", "a whole number from 1 to 50"),
        ("limit", "٣", "a whole number from 1 to 50"),
        ("min_score", "nan", "a number from 0 to 1"),
        ("min_score", "1.01", "a number from 0 to 1"),
        ("fallback", "Tag", "one of none, tag, newest"),
        ("sort", "", "one of relevance, newest"),
        ("language", "K\u212a", "a language tag like en or pt-BR"),
        ("exclude", "&exclude=a" * 100, "at most 100 ids or addresses"),
        ("skip_linked", "first", "one of last, drop, off"),
        ("site_pins", "yes", "true or false"),
        ("tag", "", "a text of 1 to 2048 characters"),
        ("source", "", "a text of 1 to 2048 characters"),
        ("newer_than", "2026-02-30", "a day like 2026-01-31, or a number of days like 30d"),
        ("newer_than", "-3d", "a day like 2026-01-31, or a number of days like 30d"),
        ("newer_than", "yesterday", "a day like 2026-01-31, or a number of days like 30d"),
        ("newer_than", "2026-01-31T00:00", "a day like 2026-01-31, or a number of days like 30d"),
    ],
)
def test_a_value_that_is_not_allowed_is_refused_with_what_is(
    client: TestClient, name: str, text: str, allowed: str
) -> None:
    answer = client.get(f"/v1/related?id=piece-1&{name}={text}")
    assert (answer.status_code, answer.json()["field"]) == (422, name)
    assert answer.json()["detail"].endswith(f"; it must be {allowed}")


def test_options_are_described_without_what_would_be_wrong_of_a_repeated_parameter() -> None:
    for option in query_options().values():
        assert not {"$ref", "description", "title", "uniqueItems"} & option.schema.keys()
        assert option.description


def test_the_pattern_of_ids_in_the_api_document_is_the_rule_of_ids() -> None:
    for good in ("a", "a/b", "10.1/ü", "...", "a b", "\U0001f30a"):
        assert re.search(ID_PATTERN, check_id(good))
    for bad in (".", "..", " a", "a ", "a\nb", "\x7f", ""):
        assert not re.search(ID_PATTERN, bad)
        with pytest.raises(ArticleError):
            check_id(bad)


def test_scores_are_rounded_to_four_digits() -> None:
    scores = [0.0, 0.00004, 0.00006, 0.12344, 0.12346, 0.5, 1.0]
    assert [shown_score(score) for score in scores] == [0.0, 0.0, 0.0001, 0.1234, 0.1235, 0.5, 1.0]
    assert shown_scores(np.array(scores)).tolist() == [shown_score(score) for score in scores]


def test_lengths_are_allowed_up_to_their_bounds() -> None:
    options = query_options()
    assert options["exclude"].type.validate_python(["x"]) == {"x"}
    language = "en-" + "x" * 32
    assert options["language"].type.validate_python(language) == language
    for name in ("tag", "source"):
        for text in ("x", "x" * 2_048):
            assert options[name].type.validate_python(text) == text
    for name, value in (("language", f"{language}x"), ("newer_than", "2026-02-29")):
        with pytest.raises(ValueError, match="validation error"):
            options[name].type.validate_python(value)
