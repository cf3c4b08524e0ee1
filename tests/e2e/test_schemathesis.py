"""The service against its own OpenAPI document: whatever it is sent, it answers as documented."""

from __future__ import annotations

import itertools
import json
import random
import zlib
from collections import Counter
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import Case, GenerationMode

from service.decisions.open_decisions import open_decisions
from service.roles import Role
from service.settings import Settings
from tests.support.editor_site import PAGE, SLASHED, TESTER, build_site
from tests.support.service_process import alsolike, free_ports, get, until

FEW, MANY = 2, 105
"""Requests per route, each asked rightly and wrongly and by every caller."""
ALL = 20_000
DRAFTS = 10
"""Each takes the encoder's time, long ones half a second."""

PATIENCE = 120
"""Seconds: the first draft loads the encoder, and a machine may be busy."""

CALLERS = [*Role, "a guesser", "nobody"]

KNOWN = [PAGE, "bread-002", "song-001", SLASHED, "sea-004"]

# What a schema can't say: a moment that lies ahead, an article that the live build has, a pin with
# a position, one id or the other, the version that a list has now.
_RULES = ["2xx", "401", "403", "404", "409", "412", "422", "428"]
_BEYOND_THE_SCHEMA = [
    *("GET /v1/overrides", "PUT /v1/overrides", "DELETE /v1/overrides", "POST /v1/undo"),
    *("PUT /v1/visibility", "PUT /v1/judgments", "DELETE /v1/judgments", "POST /v1/related"),
    *("PUT /v1/links", "POST /v1/links"),
    *("POST /v1/related/batch", "PUT /v1/articles", "POST /v1/articles/batch"),
    *("GET /v1/articles/status", "POST /v1/webhooks/ghost"),
]
_TOO_MUCH = ["400", "401", "403", "404", "405", "409", "413", "414", "415", "422", "428"]
CONFIG = {
    "checks": {"negative_data_rejection": {"expected-statuses": _TOO_MUCH}},
    "operations": [
        {
            "include-name": name,
            "checks": {"positive_data_acceptance": {"expected-statuses": _RULES}},
        }
        for name in _BEYOND_THE_SCHEMA
    ],
}


class Service:
    """A running service, its document and a token for each role.

    Attributes:
        seen: How often each answer came, by route, kind of request and status.
    """

    def __init__(self, url: str, tokens: dict[Role, str]) -> None:
        self.url = url
        self.tokens = {**tokens, "a guesser": "als_00000000_" + "A" * 43}
        self.seen: Counter[tuple[str, str, int]] = Counter()
        self._addresses = itertools.count(2**24)
        self.schema = schemathesis.openapi.from_url(
            f"{url}/openapi.json", config=schemathesis.Config.from_dict(CONFIG)
        )

    def headers(self, caller: str) -> dict[str, str]:
        """Of one request: from an address of its own, so that no limit comes before a check."""
        number = next(self._addresses)
        address = ".".join(str(number >> shift & 255) for shift in (24, 16, 8, 0))
        token = self.tokens.get(caller)
        bearer = {} if token is None else {"Authorization": f"Bearer {token}"}
        return {"X-Forwarded-For": address, **bearer}


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("document")
    root = build_site(folder)
    database = open_decisions(Settings(root=root))
    tokens = {role: database.tokens.add(TESTER, name=role, role=role)[0] for role in Role}
    database.close()
    port = free_ports()
    environment = {
        "ALSOLIKE_MODEL": "hashing:64",
        "ALSOLIKE_TRUSTED_PROXIES": '["127.0.0.1"]',
        "ALSOLIKE_DRAFT_RATE": "100000",
        "ALSOLIKE_DRAFT_QUEUE": "1000",
        "ALSOLIKE_MAX_CHURN": "1.0",
        "ALSOLIKE_CLICKS": "true",
    }
    arguments = ("serve", "--root", str(root), "--port", str(port))
    with alsolike(*arguments, folder=folder, environment=environment):
        url = f"http://127.0.0.1:{port}"
        until(lambda: (answer := get(f"{url}/readyz")) and answer.status == 200)
        yield Service(url, tokens)
        assert b"Traceback" not in (folder / "stderr").read_bytes()


def send_all(service: Service, examples: int) -> None:
    """Send every route so many requests of each kind, and hold each answer to all checks."""
    failures: list[BaseException] = []
    for found in service.schema.get_all_operations():
        operation = found.ok()
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
            drafts = operation.label in ("POST /v1/related", "POST /v1/links")
            try:
                _send(service, operation, mode, min(examples, DRAFTS) if drafts else examples)
            except BaseExceptionGroup as failure:  # told with those of the other routes
                failures.append(failure)
    if failures:
        raise BaseExceptionGroup("answers that are not as documented", failures)


def _send(service: Service, operation: Any, mode: GenerationMode, examples: int) -> None:
    turn = itertools.count()

    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate],
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def send(case: Case) -> None:
        if mode is GenerationMode.POSITIVE:
            _aim(case, next(turn) % 2 == 0)
        assume(not any(_looks_right(value) for value in (case.query or {}).values()))
        for caller in CALLERS:
            answer = case.call_and_validate(headers=service.headers(caller), timeout=PATIENCE)
            service.seen[operation.label, mode.name, answer.status_code] += 1

    try:
        send()
    except Unsatisfiable:
        # A route without parameters can't be asked wrongly.
        assert mode is GenerationMode.NEGATIVE
        definition = operation.definition.raw
        assert not definition.get("parameters")
        assert not definition.get("requestBody")


def _looks_right(value: Any) -> bool:
    """Whether what is wrong by the schema is gone once it stands in an address."""
    return value is None or (isinstance(value, list | dict) and len(value) < 2)


def _aim(case: Case, at_articles: bool) -> None:
    """Name articles that there are, so that more is seen than refusals."""
    for container in (case.query, case.path_parameters):
        for name, value in (container or {}).items():
            if name in ("id", "article_id", "target_id") and at_articles:
                number = zlib.crc32(f"{name}{value}".encode(errors="replace"))
                known = KNOWN[number % len(KNOWN)]
                container[name] = known if container is case.query else quote(known, safe="")
            elif isinstance(value, str) and len(value.encode(errors="replace")) > 512:
                container[name] = value[:100]  # a schema counts characters, an id has bytes


@pytest.mark.long
def test_every_route_answers_as_documented(service: Service) -> None:
    send_all(service, FEW)
    assert all(status < 500 for _, _, status in service.seen)
    routes = {label for label, _, _ in service.seen}
    assert len(routes) >= 24
    accepted = {label for label, mode, status in service.seen if status < 300}
    assert {"GET /v1/related", "PUT /v1/visibility", "GET /v1/articles"} <= accepted


@pytest.mark.full
@pytest.mark.timeout(1_800)
def test_twenty_thousand_requests_are_answered_as_documented(service: Service) -> None:
    service.seen.clear()
    send_all(service, MANY)
    assert service.seen.total() >= ALL, service.seen
    assert all(status < 500 for _, _, status in service.seen)


NOISE = ["\x00", "'", '"', "<", "%", "é", "\u202e", "💥", "..", "/", "\\", ";", "=", "&", "{", "\n"]


@pytest.mark.parametrize(
    "count", [80, pytest.param(5_000, marks=[pytest.mark.full, pytest.mark.timeout(1_200)])]
)
def test_any_headers_paths_and_bodies_are_answered_in_the_one_shape(
    service: Service, count: int
) -> None:
    """What no document describes: answered below 500, and errors as problems."""
    import http.client

    draw = random.Random(count)
    host = service.url.removeprefix("http://")
    document = json.loads(get(f"{service.url}/openapi.json").body)  # type: ignore[union-attr]
    paths = [*document["paths"], "/editor", "/docs", "/v1/related/batch", "/v1/overrides/x"]
    for _ in range(count):
        path = draw.choice(paths).replace("{name}", "x").replace("{article_id}", PAGE)
        noise = "".join(draw.choices([*NOISE, "a", "1", "id"], k=draw.randint(0, 12)))
        target = path + draw.choice(["", "?", "/", "?id=", "%"]) + noise
        raw = "".join(
            character if "!" <= character <= "~" else f"%{ord(character) & 255:02X}"
            for character in target
        )
        method = draw.choice(["GET", "HEAD", "PUT", "POST", "DELETE", "PATCH", "OPTIONS", "TRACE"])
        headers = {
            draw.choice(
                ["Accept", "If-Match", "If-None-Match", "Range", "Origin", "Cookie", "Expect-CT",
                 "Content-Type", "Accept-Encoding", "X-Request-ID", "Authorization", "Via"]
            ): noise.encode("latin-1", "replace").replace(b"\n", b" ").replace(b"\x00", b" ")
            for _ in range(draw.randint(0, 4))
        }  # fmt: skip
        headers |= service.headers(draw.choice(CALLERS)) | {"Connection": "close"}
        body = draw.choice([None, b"", b"{}", b"[1]", b"\xff", noise.encode()])
        line = http.client.HTTPConnection(host, timeout=20)
        line.request(method, raw, body=body, headers=headers)
        answer = line.getresponse()
        content = answer.read()
        line.close()
        assert answer.status < 500, (method, raw, headers, body, content)
        kind = answer.headers.get("content-type", "")
        if answer.status >= 400 and method != "HEAD" and not kind.startswith("text/html"):
            assert kind == "application/problem+json", (method, raw, headers, content)
            assert json.loads(content)["status"] == answer.status
