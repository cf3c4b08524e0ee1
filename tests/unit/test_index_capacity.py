"""What numbers of articles take, and when a root is told to take the next step."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.capacity_formulas import (
    MEASURED,
    Machines,
    build_seconds,
    disk_bytes,
    milvus_bytes,
)
from index.build.build import Build
from index.capacity import mapped_bytes, near_limits

SIZES = st.integers(1, 200_000_000)


@given(articles=SIZES, nodes=st.integers(1, 64), cores=st.integers(1, 128))
def test_more_machines_never_take_longer_and_the_driver_s_part_stays(
    articles: int, nodes: int, cores: int
) -> None:
    some = build_seconds(articles, Machines(nodes=nodes, cores=cores))
    more = build_seconds(articles, Machines(nodes=nodes + 1, cores=cores))
    assert all(more[stage] <= some[stage] for stage in some if stage != "search")
    assert sum(more.values()) <= sum(some.values()) * (1 + 1e-9)
    assert sum(more.values()) >= articles * sum(MEASURED.alone.values())


@given(articles=SIZES, changed=st.floats(0, 1))
def test_what_did_not_change_is_not_encoded(articles: int, changed: float) -> None:
    first = build_seconds(articles, Machines())
    again = build_seconds(articles, Machines(), changed=changed)
    assert again["encode"] == pytest.approx(changed * first["encode"])
    others = {"encode": 0.0, "search": 0.0}
    assert {**again, **others} == {**first, **others}


def test_the_full_text_index_is_waited_for_only_where_all_else_is_quicker() -> None:
    assert build_seconds(1_000_000, Machines(cores=2))["search"] == 0
    slow = replace(MEASURED, search=0.001)
    encoded_before = build_seconds(10_000, Machines(nodes=64, cores=64), slow, changed=0.0)
    others = sum(encoded_before[stage] for stage in ("prepare", "words", "relate", "write"))
    assert encoded_before["search"] == pytest.approx(10_000 * slow.search - others)
    assert encoded_before["search"] > 0


def test_encoders_on_gpus_count_by_their_own_rate() -> None:
    machines = Machines(nodes=4, cores=16, gpus=2, gpu_rate=500.0)
    assert build_seconds(1_000_000, machines)["encode"] == 1_000.0


@given(articles=SIZES)
def test_bytes_grow_with_the_articles_and_with_what_is_kept(articles: int) -> None:
    assert disk_bytes(articles, 5, cluster=True) > disk_bytes(articles, 5)
    assert disk_bytes(articles, 5) > disk_bytes(articles, 1) > MEASURED.disk * articles
    assert milvus_bytes(articles) > 4 * MEASURED.dim * articles
    assert mapped_bytes(articles, MEASURED.dim) > 4 * MEASURED.dim * articles


def test_the_rate_of_disk_is_about_that_of_a_real_build(sample_build: Build) -> None:
    size = sum(entry.bytes for entry in sample_build.manifest.files.values())
    assert size / sample_build.count < 3 * MEASURED.disk


def test_a_small_root_is_told_nothing(sample_build: Build) -> None:
    assert near_limits(sample_build.manifest, 5, sample_build.folder) == []


def test_each_limit_names_its_next_step(sample_build: Build) -> None:
    small = sample_build.manifest
    model = replace(small.encoder, model="all-MiniLM-L6-v2", dim=384)
    slow = small.model_copy(
        update={
            "encoder": model,
            "count": 1_000_000,
            "encoded": 10_000,
            "seconds": {"encode": 300.0, "relate": 900.0},
        }
    )
    (found,) = near_limits(slow, 5, sample_build.folder)
    assert "about 8.6 hours" in found
    assert "--engine ray" in found

    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    many = small.model_copy(update={"count": memory // 256})
    found = near_limits(many, 5, sample_build.folder)[-1]
    assert "--index milvus" in found
    elsewhere = small.index.model_copy(update={"uri": "http://milvus:19530"})
    assert "--index milvus" not in " ".join(
        near_limits(many.model_copy(update={"index": elsewhere}), 5, sample_build.folder)
    )

    total = shutil.disk_usage(sample_build.folder).total
    entry = next(iter(small.files.values())).model_copy(update={"bytes": total // 8})
    full = small.model_copy(update={"files": {"embeddings.npy": entry}})
    (found,) = near_limits(full, 5, sample_build.folder)
    assert "keep" in found
