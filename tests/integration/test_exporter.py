"""A static export follows builds and decisions, and writes only what changed."""

from __future__ import annotations

import datetime as dt
import json
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from index.build.build import Build
from index.root.root import Root
from recommender.visibility import microseconds, utc_now
from service.decisions.decision_state import OverrideKind
from service.decisions.decision_store import Actor
from service.decisions.list_scope import EVERY
from service.decisions.open_decisions import open_decisions
from service.http.list_json import exported_json
from service.serving.static_export import LEDGER, file_name
from service.settings import Settings
from service.watching import exporter as exporting
from service.watching.exporter import Exporter
from tests.support.articles import topical
from tests.support.builds import change, publish

HOUR = 3_600_000_000


def files(out: Path) -> dict[str, tuple[int, bytes]]:
    """When each list was written, and its bytes."""
    return {path.name: (path.stat().st_mtime_ns, path.read_bytes()) for path in out.glob("*.json")}


def _ids(content: bytes) -> list[str]:
    return [item["article_id"] for item in json.loads(content)["items"]]


def test_only_what_changed_is_written_and_all_is_as_a_whole_export_has_it(tmp_path: Path) -> None:
    root, records = Root(tmp_path / "root"), topical(48)
    publish(root, tmp_path, records)
    settings = Settings(root=root.path)
    exporter = Exporter(settings, tmp_path / "out")
    exporter.follow(root.open())
    first = files(tmp_path / "out")
    assert len(first) == 48
    exporter.follow(root.open())
    assert files(tmp_path / "out") == first

    key = records[0]["id"]
    change(root, [{**records[0], "image": {"src": "/new.png", "alt": ""}}], [records[5]["id"]])
    exporter.follow(root.open())
    second = files(tmp_path / "out")
    assert file_name(records[5]["id"]) not in second
    same = [name for name in second if second[name] == first[name]]
    assert len(same) > 10
    assert all(second[name][1] != first[name][1] for name in second if name not in same)
    with closing(open_decisions(settings)) as database:
        database.takedowns.put(Actor(name="mira", how="cli"), article_id=key)
    exporter.follow(root.open())
    third = files(tmp_path / "out")
    assert file_name(key) not in third
    assert not any(key in _ids(content) for _, content in third.values())

    Exporter(settings, tmp_path / "whole").follow(root.open())
    whole = {path.name: path.read_bytes() for path in (tmp_path / "whole").glob("*.json")}
    assert whole == {path.name: path.read_bytes() for path in (tmp_path / "out").glob("*.json")}


def test_a_decision_about_one_list_renders_that_list_alone_also_when_it_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root, out, records = Root(tmp_path / "root"), tmp_path / "out", topical(48)
    publish(root, tmp_path, [*records[:-1], {**records[-1], "visible_until": "2030-01-01T00:00Z"}])
    settings, build = Settings(root=root.path), root.open()
    exporter, clock, rendered = Exporter(settings, out), [utc_now()], list[str]()

    def render(build: Build, row: int, *more: Any) -> bytes:
        rendered.append(build.article_id(row))
        return exported_json(build, row, *more)

    monkeypatch.setattr(exporting, "utc_now", lambda: clock[0])
    monkeypatch.setattr(exporting, "exported_json", render)

    def follow(build: Build = build) -> list[str]:
        rendered.clear()
        exporter.follow(build)
        return [*rendered]

    mira, (page, target, other) = Actor(name="mira", how="cli"), [one["id"] for one in records[:3]]
    pins = {"article_id": page, "target_id": target, "kind": OverrideKind.PIN, "position": 1}
    assert len(follow()) == 48
    ledger = (out / LEDGER).stat().st_mtime_ns
    with closing(open_decisions(settings)) as database:
        database.overrides.put(mira, **pins, until=clock[0] + HOUR)
        assert (follow(), follow()) == ([page], [])
        clock[0] += HOUR
        assert (follow(), follow()) == ([page], [])
        database.overrides.put(mira, **{**pins, "article_id": other})
        change(root, [{**records[21], "image": {"src": "/new.png", "alt": ""}}], [])
        assert other in follow(root.open())
        assert len(rendered) < 48
        assert (out / LEDGER).stat().st_mtime_ns == ledger, "no name changed"
        database.overrides.put(mira, **{**pins, "article_id": EVERY})
        assert len(follow(root.open())) == 48
        database.takedowns.put(mira, article_id=page)
        assert len(follow(root.open())) == 47
        clock[0] = microseconds(dt.datetime(2030, 1, 1, tzinfo=dt.UTC))
        assert len(follow(root.open())) == 46
    assert (out / LEDGER).stat().st_mtime_ns > ledger
    assert len((out / LEDGER).read_text().split()) == 46
