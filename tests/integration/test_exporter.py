"""A static export follows builds and decisions, and writes only what changed."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path

from index.root.root import Root
from service.decisions.decision_store import Actor
from service.decisions.open_decisions import open_decisions
from service.serving.static_export import file_name
from service.settings import Settings
from service.watching.exporter import Exporter
from tests.support.articles import topical
from tests.support.builds import change, publish


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
