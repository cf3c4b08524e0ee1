"""A nightly rebuild: cheap where little changed, the same bytes from the same input."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from index.build.build import CENTERING, Build
from index.building.builder import make_build
from index.building.context import BuildOptions
from index.errors import BuildError
from index.files import load_array
from index.root.root import Root
from index.sources.jsonl_source import JsonlSource
from recommender.encoder import Embeddings, Fingerprint, HashingEncoder
from recommender.errors import InputError, NotFoundError
from tests.support.articles import topical
from tests.support.builds import SAMPLE, plain_mapping

SHARED = "Readers who gave a little last year have made every one of these pages possible"

WRITE = Callable[[Iterable[Any]], Path]


class CountingEncoder:
    """The hashing encoder, remembering what it was given: whole texts, then their titles."""

    def __init__(self, dim: int = 64) -> None:
        self._inner = HashingEncoder(dim)
        self.calls: list[list[str]] = []

    @property
    def fingerprint(self) -> Fingerprint:
        return self._inner.fingerprint

    @property
    def texts(self) -> list[str]:
        return [text for call in self.calls[::2] for text in call]

    def encode(self, texts: Any, *, progress: Any = None) -> Embeddings:
        self.calls.append(list(texts))
        return self._inner.encode(texts, progress=progress)


def sample_records() -> list[dict[str, Any]]:
    return [json.loads(line) for line in (SAMPLE / "articles.jsonl").read_text().splitlines()]


def rebuild(
    root: Path, source: Path, *, publish: bool = True, dim: int = 64, **options: Any
) -> tuple[Build, CountingEncoder]:
    place, encoder = Root(root), CountingEncoder(dim)
    with place.locked("test"):
        manifest = make_build(
            place,
            [JsonlSource(str(source))],
            lambda: encoder,
            BuildOptions(mapping=plain_mapping(), **options),
        ).manifest
        if publish:
            place.make_live(place.verify(manifest.name))
    assert manifest.encoded == len(encoder.texts) == sum(map(len, encoder.calls[1::2]))
    return place.open(manifest.name), encoder


def embedding(build: Build, article_id: str) -> np.ndarray:
    row = build.row(article_id)
    assert row is not None
    return load_array(build.checked("embeddings.npy"))[row]


def test_only_changed_and_new_texts_are_encoded(tmp_path: Path, write_jsonl: WRITE) -> None:
    records = sample_records()
    rebuild(tmp_path / "root", write_jsonl(records))
    records[3]["sections"][0]["text"] += " One more sentence."
    records.append({"id": "new", "title": "A heron in the harbor", "summary": "It stood still."})
    later, encoder = rebuild(tmp_path / "root", write_jsonl(records))
    assert len(encoder.texts) == 2
    assert any("One more sentence" in text for text in encoder.texts)
    assert later.row("new") is not None


def test_nothing_is_encoded_when_only_facts_beside_the_text_change(
    tmp_path: Path, write_jsonl: WRITE
) -> None:
    records = sample_records()
    rebuild(tmp_path / "root", write_jsonl(records))
    for record in records:
        record["tags"] = ["other"]
        record["date"] = "2020-02-02"
        record["url"] = f"/elsewhere/{record['id']}"
    later, encoder = rebuild(tmp_path / "root", write_jsonl(reversed(records)))
    assert encoder.texts == []
    assert later.tag_names == ["other"]


def test_an_article_renamed_keeps_the_embedding_of_its_text(
    tmp_path: Path, write_jsonl: WRITE
) -> None:
    records = sample_records()
    before, _ = rebuild(tmp_path / "root", write_jsonl(records))
    old = records[5]["id"]
    records[5]["id"] = "zz-renamed"
    after, encoder = rebuild(tmp_path / "root", write_jsonl(records))
    assert encoder.texts == []
    assert np.array_equal(embedding(before, old), embedding(after, "zz-renamed"))
    assert after.row(old) is None


def test_articles_that_the_source_no_longer_holds_are_gone(
    tmp_path: Path, write_jsonl: WRITE
) -> None:
    records = sample_records()
    rebuild(tmp_path / "root", write_jsonl(records))
    later, _ = rebuild(tmp_path / "root", write_jsonl(records[10:]))
    assert later.count == len(records) - 10
    assert all(later.row(record["id"]) is None for record in records[:10])
    gone = {record["title"] for record in records[:10]}
    shown = b"".join(later.cards).decode()
    assert not any(json.dumps(title, ensure_ascii=False) in shown for title in gone)


def test_a_partial_feed_keeps_what_it_does_not_hold_if_asked(
    tmp_path: Path, write_jsonl: WRITE
) -> None:
    records = sample_records()
    rebuild(tmp_path / "root", write_jsonl(records))
    records[0]["title"] = "Renamed in the partial feed"
    later, encoder = rebuild(tmp_path / "root", write_jsonl(records[:10]), keep_missing=True)
    assert later.count == len(records)
    assert len(encoder.texts) == 1
    row = later.row(records[0]["id"])
    assert row is not None
    assert later.article(row).title == "Renamed in the partial feed"


def test_keeping_what_is_missing_needs_a_live_build(tmp_path: Path, write_jsonl: WRITE) -> None:
    with pytest.raises(NotFoundError, match="--keep-missing"):
        rebuild(tmp_path / "root", write_jsonl(sample_records()), keep_missing=True)


def test_the_same_input_gives_the_same_bytes_in_any_process(
    tmp_path: Path, write_jsonl: WRITE
) -> None:
    records = sample_records()
    rebuild(tmp_path / "root", write_jsonl(records[:-7]))
    source = write_jsonl(records)
    root = Root(tmp_path / "root")
    for seed in ("1", "2"):  # the order of sets differs from process to process
        subprocess.run(
            [
                *(sys.executable, "-m", "service.cli", "build", str(source), "--no-publish"),
                *("--root", str(root.path), "--model", "hashing:64"),
            ],
            check=True,
            capture_output=True,
            env={**os.environ, "PYTHONHASHSEED": seed},
        )
    _, first, second = (root.folder(name) for name in root.names())
    files = {path.name for path in first.iterdir()}
    assert files == {path.name for path in second.iterdir()}
    differ = {name for name in files if (first / name).read_bytes() != (second / name).read_bytes()}
    dated = {"report.html", "listed_in.npy"}  # times and the name
    assert differ == {"manifest.json", "manifest.sha256", *dated}
    one, other = (root.manifest(path.name).model_dump() for path in (first, second))
    for manifest in (one, other):
        for timed in ("name", "full", "created", "seconds"):
            del manifest[timed]
        for name in dated:
            del manifest["files"][name]
    assert one == other


def test_the_order_of_the_source_changes_no_list(tmp_path: Path, write_jsonl: WRITE) -> None:
    records = sample_records()
    first, _ = rebuild(tmp_path / "one", write_jsonl(records))
    second, _ = rebuild(tmp_path / "other", write_jsonl(reversed(records)))
    for name in ("related_rows.npy", "related_scores.npy", "ids.bin", "cards.bin"):
        assert first.checked(name).read_bytes() == second.checked(name).read_bytes()


def test_a_rebuild_gives_the_lists_that_a_build_from_scratch_gives(
    tmp_path: Path, write_jsonl: WRITE
) -> None:
    records = sample_records()
    rebuild(tmp_path / "root", write_jsonl(records[:-2]))
    carried, encoder = rebuild(tmp_path / "root", write_jsonl(records), publish=False)
    fresh, every = rebuild(
        tmp_path / "root", write_jsonl(records), publish=False, from_scratch=True
    )
    assert (len(encoder.texts), len(every.texts)) == (2, len(records))
    mine, theirs = (load_array(build.checked("embeddings.npy")) for build in (carried, fresh))
    cosines = np.einsum("ij,ij->i", mine, theirs)
    assert cosines.min() >= 0.9999
    overlap = [
        len(np.intersect1d(a[:10], b[:10])) / 10
        for a, b in zip(carried.related_rows, fresh.related_rows, strict=True)
    ]
    # What chance looks like is carried over too; measured anew it is a little different here,
    # where a hundred articles are a small sample. Among thousands: python -m benchmarks.rebuild.
    assert np.mean(overlap) >= 0.99


def test_a_second_language_is_centered_with_scores_measured_anew(
    tmp_path: Path, write_jsonl: WRITE
) -> None:
    records = topical(80, words=20)
    for number, record in enumerate(records):
        record["language"] = "de" if number % 2 else "en"
    before, _ = rebuild(tmp_path / "root", write_jsonl(records[::2]))
    later, encoder = rebuild(tmp_path / "root", write_jsonl(records))
    scratch, _ = rebuild(tmp_path / "other", write_jsonl(records))
    assert len(encoder.texts) == 40, "what was encoded before was not changed yet"
    assert len(load_array(before.checked(CENTERING))) == 0
    for name in (CENTERING, "embeddings.npy", "related_scores.npy"):
        assert np.array_equal(load_array(later.checked(name)), load_array(scratch.checked(name)))
    again, _ = rebuild(tmp_path / "root", write_jsonl(records[:60]))
    assert again.read_json("calibration.json") == later.read_json("calibration.json")


def test_another_model_carries_nothing_over(tmp_path: Path, write_jsonl: WRITE) -> None:
    source = write_jsonl(sample_records())
    rebuild(tmp_path / "root", source)
    _, encoder = rebuild(tmp_path / "root", source, dim=32)
    assert len(encoder.texts) == len(sample_records())


def test_what_pages_share_is_frozen_until_it_is_relearned(
    tmp_path: Path, write_jsonl: WRITE
) -> None:
    records = sample_records()
    first, _ = rebuild(tmp_path / "root", write_jsonl(records))
    for record in records:
        record["sections"].insert(1, {"heading": "", "text": f"{SHARED}."})
    frozen, encoder = rebuild(tmp_path / "root", write_jsonl(records))
    assert len(encoder.texts) == len(records)
    name = "boilerplate.json"
    assert frozen.checked(name).read_bytes() == first.checked(name).read_bytes()
    drift = frozen.report()["boilerplate"]["drift"]
    assert drift["share"] > 0
    assert SHARED.casefold() in drift["new"]
    learned, _ = rebuild(tmp_path / "root", write_jsonl(records), relearn=True)
    assert SHARED.casefold() in learned.checked(name).read_text()
    assert learned.report()["boilerplate"]["drift"]["share"] == 0


def test_a_damaged_live_build_is_named_with_two_ways_out(
    tmp_path: Path, write_jsonl: WRITE
) -> None:
    source = write_jsonl(sample_records())
    live, _ = rebuild(tmp_path / "root", source)
    with (live.folder / "ids.bin").open("r+b") as file:
        file.write(b"\0")
    with pytest.raises(BuildError, match=r"ids\.bin is damaged.*rollback.*--from-scratch"):
        rebuild(tmp_path / "root", source)
    fresh, encoder = rebuild(tmp_path / "root", source, from_scratch=True)
    assert len(encoder.texts) == fresh.count


def test_names_of_builds_sort_by_age(tmp_path: Path, write_jsonl: WRITE) -> None:
    source = write_jsonl(sample_records()[:30])
    made = [rebuild(tmp_path / "root", source)[0].name for _ in range(4)]
    assert Root(tmp_path / "root").names() == made


def test_a_build_that_fails_leaves_only_a_line_in_the_journal(
    tmp_path: Path, write_jsonl: WRITE
) -> None:
    root = tmp_path / "root"
    rebuild(root, write_jsonl(sample_records()))
    live = Root(root).current()
    with pytest.raises(InputError):
        rebuild(root, write_jsonl(["nonsense"]))
    assert [path.name for path in (root / "builds").iterdir()] == Root(root).names()
    assert Root(root).current() == live
    last = json.loads((root / "journal.jsonl").read_text().splitlines()[-1])
    assert last["event"] == "fail"
    assert "none of the 1 records" in last["reason"]
