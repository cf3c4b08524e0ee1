"""The decision to publish."""

from collections.abc import Callable
from pathlib import Path

import pytest

from index.building.builder import make_build
from index.building.context import BuildOptions
from index.errors import GateError
from index.publishing.gates import Gate, Limits
from index.publishing.publish import publish_build
from index.root.root import Root
from index.sources.jsonl_source import JsonlSource
from recommender.encoder import HashingEncoder
from tests.support.builds import plain_mapping

NEVER_GOOD = Limits(good_score=1.0)


@pytest.fixture
def built(tmp_path: Path, write_jsonl: Callable[..., Path]) -> Callable[[], tuple[Root, str]]:
    words = ["kelp", "bread", "tram", "choir", "soil", "wind", "ice", "glass", "salt", "wool"]
    records = [{"id": f"{a}-{b}", "title": f"{a} {b}{a}"} for a in words for b in words[:3]]
    source = JsonlSource(str(write_jsonl(records)))
    root = Root(tmp_path / "root")

    def build() -> tuple[Root, str]:
        with root.locked("test"):
            options = BuildOptions(mapping=plain_mapping())
            manifest, _ = make_build(root, [source], lambda: HashingEncoder(64), options)
        return root, manifest.name

    return build


def test_a_first_build_is_published_however_weak_its_lists(built):
    """There is nothing live to protect, and labelled fallbacks are better than no list."""
    root, name = built()
    with root.locked("test"):
        found = publish_build(root, name, NEVER_GOOD)
    assert [verdict.gate for verdict in found if not verdict.passed] == [Gate.WEAK]
    assert root.current().build == name


def test_the_next_one_is_held_back_for_the_same_reason(built):
    root, first = built()
    with root.locked("test"):
        publish_build(root, first, Limits())
    root, second = built()
    with root.locked("test"), pytest.raises(GateError, match="no related article"):
        publish_build(root, second, NEVER_GOOD)
    assert root.current().build == first
