"""After a day of reports nothing is anywhere that could be traced to a reader."""

from __future__ import annotations

import ipaddress
import json
import logging
import re
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from index.root.root import Root
from service.app import create_app
from service.clicks import click_counter
from service.http.logs import ConsoleFormatter
from service.settings import Settings
from tests.support.articles import topical
from tests.support.builds import publish
from tests.support.click_reports import event

TABLES = {
    "counts": "day variant build article target position origin seen clicked",
    "blocks": "comparison block article variant seen clicked",
    "rejected": "day reason events",
}
"""Every column of every table."""

ADDRESSES = ("198.51.100.23", "203.0.113.77", "2001:db8:aa:bb::17")
MARKS = {
    "User-Agent": "Mozilla/5.0 (Quaxophone 9) Firefox/140.0",
    "Referer": "https://elsewhere.example/zanzibar?q=kumquat",
    "Cookie": "visitor=wombat; alsolike-session=numbat",
    "Accept-Language": "x-pangolin",
    "From": "reader@marmot.example",
    "Authorization": "Bearer als_0badcafe_okapi",
    "Sec-CH-UA-Model": '"Ocelot"',
    "Origin": "https://axolotl.example",
}
"""What a request can say of a reader, each with a word that occurs nowhere else."""

WORDS = re.compile(
    "quaxophone|firefox|zanzibar|kumquat|wombat|numbat|pangolin|marmot|okapi|ocelot|axolotl|gibbon"
)


def requests(client: TestClient, tokens: list[str]) -> Iterator[int]:
    """A day of readers, robots and forgers; gives the statuses of the answers."""
    for number, address in enumerate(ADDRESSES * 8):
        headers = {**MARKS, "X-Forwarded-For": address}
        if number % 3 == 1:
            headers["DNT"] = "1"
        if number % 5 == 1:
            headers["User-Agent"] += " gibbonbot"
        token = tokens[number % len(tokens)]
        for body in (
            json.dumps({"events": [event(token, [1, 2], [1]), event("gibbon", [1])]}),
            json.dumps({"events": [event(token, [3], [9], again=True)], "visitor": "gibbon"}),
            "gibbon" + address,
        ):
            yield client.post("/v1/events", content=body, headers=headers).status_code
        yield client.get("/v1/events?gibbon", headers=headers).status_code
        yield client.get("/v1/related?id=gibbon", headers=headers).status_code


def traced(text: str) -> list[str]:
    """Whatever in a text says something of a reader."""
    hashed = [each for each in ADDRESSES if str(int(ipaddress.ip_address(each))) in text]
    return WORDS.findall(text.casefold()) + [each for each in ADDRESSES if each in text] + hashed


def test_no_table_file_log_or_metric_knows_a_reader(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(click_counter, "FLUSH_SECONDS", 0.05)
    caplog.set_level(logging.DEBUG)
    root, records = Root(tmp_path / "root"), topical(24)
    publish(root, tmp_path, records)
    settings = Settings(
        root=root.path,
        clicks=True,
        access_log=True,
        trusted_proxies=["192.0.2.1"],
        cors_origins=["https://axolotl.example"],
    )
    with TestClient(create_app(settings), client=("192.0.2.1", 50_000)) as client:
        asked = [f"/v1/related?id={record['id']}" for record in records[:4]]
        tokens = [client.get(each).json()["placement"] for each in asked]
        statuses = set(requests(client, tokens))
        time.sleep(0.2)
        metrics, ready = client.get("/metrics").text, client.get("/readyz").text
    assert statuses == {204, 404, 405, 422}
    ours = (one for one in caplog.records if not one.name.startswith("http"))  # the test's client
    logged = "\n".join(ConsoleFormatter().format(record) for record in ours)
    assert "POST /v1/events 204" in logged
    assert 'alsolike_click_events_total{outcome="counted"}' in metrics
    with closing(sqlite3.connect(root.path / "clicks.sqlite")) as database:
        found = database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        tables = {
            name: " ".join(column[1] for column in database.execute(f"PRAGMA table_info({name})"))
            for (name,) in found.fetchall()
        }
        everything = "\n".join(database.iterdump())
    assert tables == TABLES, "a new column must be one of sums, not of readers"
    files = (path.read_bytes() for path in root.path.rglob("*") if path.is_file())
    stored = "\n".join(content.decode("latin-1") for content in files)
    for text in (everything, logged, metrics, ready, stored):
        assert traced(text) == []
    assert re.findall(r"\d\d:\d\d:\d\d", everything) == [], "no time of day"
    reasons = {"robot", "opted-out", "forged", "too-many"}
    assert reasons >= set(re.findall(r"'([a-z-]+)',\d+\)", everything)) >= {"robot", "opted-out"}


def test_the_search_above_would_notice_each_of_them() -> None:
    as_number = str(int(ipaddress.ip_address(ADDRESSES[0])))
    for value in (*MARKS.values(), *ADDRESSES, "gibbon", as_number):
        assert traced(f"something {value} else"), value
