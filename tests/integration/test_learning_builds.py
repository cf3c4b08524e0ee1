"""Builds that learn from the site's own links: what is learned is told, carried, and can be off."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from index.build.build import Build
from index.root.root import Root

COUNT = 60


def linked_site() -> list[dict[str, Any]]:
    """Articles in fives on one topic each; every one links to the next of its topic."""
    records = []
    for number in range(COUNT):
        topic = number // 5
        after = 5 * topic + (number + 1) % 5
        words = " ".join(f"topic{topic}word{(number * 7 + step) % 11}" for step in range(8))
        records.append(
            {
                "id": f"a-{number}",
                "title": f"Number {number} of topic {topic}",
                "url": f"/a-{number}",
                "summary": f"{words}. Read the {after} sequel, too.",
                "links": [{"url": f"/a-{after}", "text": f"the {after} sequel", "section": 0}],
            }
        )
    return records


def test_a_first_build_learns_from_links_and_says_so(
    write_jsonl: Callable[..., Path], build_root: Callable[..., tuple[Root, Build]]
) -> None:
    _, build = build_root(write_jsonl(linked_site()))
    learning = build.learning
    assert learning["sources"]["links in texts"] == COUNT
    assert learning["seeds"] == COUNT
    assert learning["folds"] == 5
    assert learning["weights"] == build.manifest.weights
    assert any("default" in sentence for sentence in learning["sentences"])
    assert build.read_json("report.json")["learning"] == learning


def test_the_next_build_carries_what_was_learned_until_it_is_learned_again(
    write_jsonl: Callable[..., Path], build_root: Callable[..., tuple[Root, Build]]
) -> None:
    records = linked_site()
    root, build = build_root(write_jsonl(records))
    for record in records[:30]:
        record["links"] = []
    source = write_jsonl(records)
    _, carried = build_root(source, root.path)
    assert carried.learning == build.learning
    assert carried.manifest.weights == build.manifest.weights
    _, anew = build_root(source, root.path, relearn=True)
    assert anew.learning["seeds"] == COUNT - 30


def test_judgments_are_learned_from_beside_links_and_off_means_neither(
    write_jsonl: Callable[..., Path], build_root: Callable[..., tuple[Root, Build]]
) -> None:
    source = write_jsonl(linked_site())
    given = {("a-0", "a-2"): 1, ("a-0", "a-40"): 0, ("a-0", "unknown"): 1}
    root, build = build_root(source, judgments=lambda: given)
    assert build.learning["sources"]["judgments"] == 2
    _, off = build_root(source, root.path, relearn=True, learn=False)
    assert off.learning == {}


def test_clicks_are_a_further_source_and_unknown_articles_are_left_out(
    write_jsonl: Callable[..., Path], build_root: Callable[..., tuple[Root, Build]]
) -> None:
    counts = [
        (f"a-{number}", f"a-{5 * (number // 5) + (number + step) % 5}", place, 500, 300 // step)
        for number in range(COUNT)
        for step in (1, 2, 3)
        for place in {step, step % 3 + 1}
    ]
    counts += [("a-0", "unknown", 1, 900, 900), ("unknown", "a-1", 1, 900, 900)]
    _, build = build_root(write_jsonl(linked_site()), clicks=lambda: counts)
    learning = build.learning
    assert learning["sources"]["pairs by clicks"] == 3 * COUNT
    assert learning["clicks"]["lists"] == COUNT
    assert learning["clicks"]["own_links_kept"] >= 0.99
    assert any("Clicks" in sentence for sentence in learning["sentences"])
    page = (build.folder / "report.html").read_text()
    assert "180 pairs by clicks (75%)" in page
