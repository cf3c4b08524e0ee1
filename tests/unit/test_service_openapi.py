"""The API's document and its page: what they promise is what the service does."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from index.root.root import Root
from service.api.api_models import Problem, RelatedAnswer
from service.api.operation_routes import PLAIN_ROUTES
from service.app import create_app
from service.http.related_routes import find_target
from service.settings import Settings
from tests.support.articles import prose
from tests.support.builds import publish

ROUTES = {
    "/v1/related",
    "/v1/related.html",
    "/v1/articles/{article_id}/related",
    "/v1/articles/{article_id}/related.html",
    "/widget.js",
    "/clicks.js",
    "/widget.css",
    "/livez",
    "/readyz",
    "/metrics",
}
"""Those that ask for nobody."""


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    folder = tmp_path_factory.mktemp("openapi")
    place = Root(folder / "root")
    # The first id is a draft's, the next needs every kind of escaping; examples work all the same.
    ids = ["a draft", "b/ü & <b>?#%2F", *(f"piece-{number}" for number in range(10))]
    publish(
        place,
        folder,
        [
            {
                "id": article_id,
                "title": f"Title of {article_id}",
                "summary": prose(number),
                "status": "draft" if number == 0 else "published",
            }
            for number, article_id in enumerate(ids)
        ],
    )
    with TestClient(create_app(Settings(root=place.path))) as opened:
        yield opened


@pytest.fixture(scope="module")
def document(client: TestClient) -> dict[str, Any]:
    answer = client.get("/openapi.json")
    assert answer.headers["content-type"] == "application/json"
    found: dict[str, Any] = answer.json()
    return found


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


def public(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, method, operation in operations(document):
        if method == "get" and "security" not in operation:
            yield path, operation


def example_url(path: str, operation: dict[str, Any], **changes: Any) -> str:
    """The route with its documented examples, and some parameters changed."""
    query = dict(changes)
    for parameter in operation.get("parameters", []):
        if "example" in parameter and parameter["in"] == "path":
            path = path.replace(f"{{{parameter['name']}}}", quote(parameter["example"], safe=""))
        elif "example" in parameter:
            query[parameter["name"]] = parameter["example"]
    return f"{path}?{urlencode(query)}" if query else path


def test_the_document_lists_every_route(document: dict[str, Any]) -> None:
    assert {path for path, _ in public(document)} == ROUTES
    assert document["openapi"].startswith("3.")
    names = [operation["operationId"] for _, _, operation in operations(document)]
    assert len(set(names)) == len(names)


EDITORS = {"editors"}
"""Tags of operations whose parts still lack words."""


def every_path(router: Any) -> Iterator[str]:
    """Of the framework's app, documented or not."""
    for route in router.routes:
        if hasattr(route, "original_router"):
            yield from every_path(route.original_router)
        else:
            yield route.path


def schemas_in(part: Any) -> set[str]:
    return set(re.findall(r"'\$ref': '#/components/schemas/(\w+)'", str(part)))


def schemas_below(part: Any, shared: dict[str, Any]) -> set[str]:
    """Names of the shared schemas that a part of the document leads to."""
    found: set[str] = set()
    ahead = schemas_in(part)
    while ahead:
        found |= ahead
        ahead = {name for known in ahead for name in schemas_in(shared[known])} - found
    return found


def test_the_document_has_every_route_that_the_service_answers(
    client: TestClient, document: dict[str, Any]
) -> None:
    app: Any = client.app
    while not isinstance(app, FastAPI):
        app = app._app if hasattr(app, "_app") else app.default
    pages = {path for path in every_path(app) if not path.startswith("/editor")}
    views = ("/v1/related", "/v1/related.html")
    views += tuple(f"/v1/articles/{{article_id}}/{end}" for end in ("related", "related.html"))
    for view in views:
        assert find_target(view.replace("{article_id}", "a").encode()) is not None
        assert "get" in document["paths"][view]
    pages = pages - {"/", "/docs", "/openapi.json"} | {*views, *PLAIN_ROUTES}
    assert set(document["paths"]) == pages


def test_every_operation_says_what_it_does_and_what_it_answers(document: dict[str, Any]) -> None:
    for path, method, operation in operations(document):
        where = f"{method} {path}"
        assert operation["summary"][0].isupper(), where
        assert not operation["summary"].endswith("."), where
        assert operation["operationId"], where
        if not EDITORS & set(operation["tags"]) and not path.startswith("/v1/builds"):
            assert operation.get("description") or path in ("/v1/rollback", "/v1/release"), where
        for status, response in operation["responses"].items():
            assert response["description"], (where, status)
            contents = response.get("content", {})
            assert contents or status in ("204", "303", "304"), (where, status)
            assert all(content["schema"] for content in contents.values()), (where, status)


def test_every_parameter_and_property_of_the_public_routes_is_described(
    document: dict[str, Any],
) -> None:
    shared = document["components"]["schemas"]
    for path, method, operation in operations(document):
        if not set(operation["tags"]) & {"site", "editing"} and path not in PLAIN_ROUTES:
            continue
        for parameter in operation.get("parameters", []):
            assert parameter["description"], (method, path, parameter["name"])
        for name in schemas_below(operation, shared):
            assert shared[name]["description"], name
            for field, schema in shared[name].get("properties", {}).items():
                assert schema.get("description") or "$ref" in schema, (name, field)


def test_every_reference_in_the_document_leads_somewhere(document: dict[str, Any]) -> None:
    references = set(re.findall(r"'\$ref': '#/components/schemas/(\w+)'", str(document)))
    assert {"RelatedAnswer", "Problem"} <= references
    assert references <= set(document["components"]["schemas"])


def test_every_documented_default_is_a_value_that_the_schema_allows(
    document: dict[str, Any],
) -> None:
    types = {"string": str, "null": type(None), "boolean": bool, "integer": int, "number": float}
    checked = 0
    for name, schema in document["components"]["schemas"].items():
        for field, found in schema.get("properties", {}).items():
            allowed = {each.get("type") for each in found.get("anyOf", [found])}
            if "default" in found and allowed <= set(types):
                kinds = tuple(types[kind] for kind in allowed)
                assert isinstance(found["default"], kinds), f"{name}.{field}"
                checked += 1
    assert checked > 20


def test_every_documented_example_works(client: TestClient, document: dict[str, Any]) -> None:
    for path, operation in public(document):
        answer = client.get(example_url(path, operation))
        assert answer.status_code == 200, path
        media, _, _ = answer.headers["content-type"].partition(";")
        assert media in operation["responses"]["200"]["content"], path


def test_the_example_shown_is_the_answer_given(
    client: TestClient, document: dict[str, Any]
) -> None:
    for path in ("/v1/related", "/v1/articles/{article_id}/related"):
        operation = document["paths"][path]["get"]
        shown = operation["responses"]["200"]["content"]["application/json"]["example"]
        assert client.get(example_url(path, operation)).json() == shown
        checked = RelatedAnswer.model_validate(shown)
        assert len(checked.items) == 6


def test_documented_limits_and_choices_are_the_ones_kept(
    client: TestClient, document: dict[str, Any]
) -> None:
    operation = document["paths"]["/v1/related"]["get"]
    for parameter in operation["parameters"]:
        name, schema = parameter["name"], parameter["schema"]
        good = [
            *schema.get("enum", []),
            *(schema[key] for key in ("minimum", "maximum", "default") if key in schema),
        ]
        for value in (str(one).lower() if isinstance(one, bool) else one for one in good):
            assert (
                client.get(example_url("/v1/related", operation, **{name: value})).status_code
                == 200
            )
        if "maximum" in schema:
            beyond = client.get(
                example_url("/v1/related", operation, **{name: schema["maximum"] + 1})
            )
            assert (beyond.status_code, beyond.json()["field"]) == (422, name)


def test_every_documented_failure_has_the_documented_shape(
    client: TestClient, document: dict[str, Any]
) -> None:
    responses = document["paths"]["/v1/related"]["get"]["responses"]
    assert set(responses) == {"200", "404", "414", "422", "503"}
    for url, status in (("/v1/related?id=unknown", 404), ("/v1/related", 422)):
        answer = client.get(url)
        assert answer.status_code == status
        assert answer.headers["content-type"] in responses[str(status)]["content"]
        assert Problem.model_validate(answer.json()).status == status


class Links(HTMLParser):
    """Everything that a page loads or leads to."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.loaded: list[str] = []
        self.leads: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        for name, value in attrs:
            if name in ("src", "srcset", "data", "action", "poster") or (
                name == "href" and tag != "a"
            ):
                self.loaded.append(value or "")
            elif name == "href":
                self.leads.append(value or "")


def test_the_page_loads_nothing_and_all_it_links_answers(client: TestClient) -> None:
    html = client.get("/docs").text
    links = Links(html)
    assert [url for url in links.loaded if not url.startswith("data:")] == []
    assert "script" not in links.tags
    assert "@import" not in html
    assert "url(" not in html
    assert "http://" not in html
    assert "https://" not in html
    contents = [url for url in links.leads if url.startswith("#")]
    leads = [url for url in links.leads if url not in contents]
    assert all(f'id="{url[1:]}"' in html for url in contents)
    assert len(set(contents)) == html.count('class="route"')
    assert len(leads) == len(ROUTES) + 3  # the document, and those of the header
    for url in leads:
        assert client.get(f"/{url.lstrip('/')}").status_code == 200, url


def test_the_page_tells_every_route_and_parameter(
    client: TestClient, document: dict[str, Any]
) -> None:
    html = client.get("/docs").text
    for path, _, operation in operations(document):
        assert f"<code>{path}</code>" in html
        for parameter in operation.get("parameters", []):
            assert f"<code>{parameter['name']}</code>" in html
    assert "<b>?#" not in html, "an id is shown as text"


def test_without_a_build_the_document_has_no_examples(tmp_path: Path) -> None:
    with TestClient(create_app(Settings(root=tmp_path))) as client:
        document = client.get("/openapi.json").json()
        assert {path for path, _ in public(document)} == ROUTES
        assert "'example'" not in str(document)
        assert client.get("/docs").status_code == 200
