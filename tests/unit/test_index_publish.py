"""The decision to publish."""

from collections.abc import Callable
from pathlib import Path

import pytest

from index.build.build import Build
from index.building.builder import make_build
from index.building.context import BuildOptions
from index.publishing.gates import Gate, Limits, Verdict
from index.publishing.publish import publish_build
from index.query import RelatedQuery
from index.root.root import Root
from index.sources.jsonl_source import JsonlSource
from recommender.encoder import HashingEncoder
from tests.support.builds import plain_mapping

NEVER_GOOD = Limits(query=RelatedQuery(min_score=1.0))


@pytest.fixture
def built(tmp_path: Path, write_jsonl: Callable[..., Path]) -> Callable[[], tuple[Root, str]]:
    words = ["kelp", "bread", "tram", "choir", "soil", "wind", "ice", "glass", "salt", "wool"]
    records = [
        {"id": f"{a}-{b}", "title": f"{a} {b}{a}", "summary": a} for a in words for b in words[:3]
    ]
    source = JsonlSource(str(write_jsonl(records)))
    root = Root(tmp_path / "root")

    def build() -> tuple[Root, str]:
        with root.locked("test"):
            options = BuildOptions(mapping=plain_mapping())
            manifest = make_build(root, [source], lambda: HashingEncoder(64), options).manifest
        return root, manifest.name

    return build


def test_a_first_build_is_published_however_weak_its_lists(built):
    """There is nothing live to protect, and labelled fallbacks are better than no list."""
    root, name = built()
    with root.locked("test"):
        found = publish_build(root, name, NEVER_GOOD)
    assert [verdict.gate for verdict in found if not verdict.passed] == [Gate.WEAK]
    assert root.current().build == name


def test_the_next_one_whose_lists_are_no_weaker_is_published_too(built):
    root, first = built()
    with root.locked("test"):
        publish_build(root, first, NEVER_GOOD)
    root, second = built()
    with root.locked("test"):
        found = publish_build(root, second, NEVER_GOOD)
    assert all(verdict.passed for verdict in found)
    assert root.current().build == second


def test_what_the_builder_judged_is_not_judged_again_by_the_command_that_publishes(
    tmp_path: Path, write_jsonl: Callable[..., Path]
) -> None:
    source = JsonlSource(
        str(write_jsonl([{"id": f"a{n}", "title": f"kelp {n}"} for n in range(9)]))
    )
    root = Root(tmp_path / "root")
    judged: list[str] = []

    def golden(build: Build) -> Verdict:
        judged.append(build.name)
        return Verdict(gate=Gate.GOLDEN, value=1.0, limit=0.0, passed=True, message="")

    limits = Limits(golden=golden)
    options = BuildOptions(mapping=plain_mapping(), limits=limits)
    with root.locked("test"):
        first = make_build(root, [source], lambda: HashingEncoder(64), options)
        name, assessment = first.manifest.name, first.assessment
        found = publish_build(root, name, limits, assessment=assessment)
        assert found == assessment.verdicts
        assert judged == [name]
        # Another live build, other limits, no golden gate: each is judged anew.
        second = make_build(root, [source], lambda: HashingEncoder(64), options)
        assert second.assessment.live == name
        third = make_build(root, [source], lambda: HashingEncoder(64), options)
        judged.clear()
        publish_build(
            root,
            second.manifest.name,
            Limits(max_churn=0.9, golden=golden),
            assessment=second.assessment,
        )
        assert judged == [second.manifest.name]
        publish_build(root, third.manifest.name, limits, assessment=third.assessment)
        assert judged == [second.manifest.name, third.manifest.name]
        found = publish_build(root, name, Limits(), assessment=assessment)
        assert Gate.GOLDEN not in {verdict.gate for verdict in found}


def test_a_live_build_with_a_damaged_byte_is_replaced_without_force(built):
    root, first = built()
    with root.locked("test"):
        publish_build(root, first, Limits())
    root, second = built()
    cards = root.folder(first) / "cards.bin"
    content = cards.read_bytes()
    cards.write_bytes(content.replace(b"kelp", b"kolp", 1))
    with root.locked("test"):
        publish_build(root, second, Limits())
    assert root.current().build == second
