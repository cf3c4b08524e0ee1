"""The builds of a variant, which are made beside the live ones from the same articles."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from index.root.comparison import read_comparison, write_comparison
from index.root.journal import read_journal
from service.watching import variant_builds
from tests.support.articles import topical
from tests.support.compared_site import ComparedSite

RECORDS = topical(24)
NEW = {**RECORDS[0], "id": "new", "url": "/new", "title": "Newcomer"}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> ComparedSite:
    """A site with a live build and the variant's beside it."""
    site = ComparedSite(tmp_path_factory.mktemp("made"), RECORDS)
    site.compare(weights={"meaning": 0.0, "words": 1.0}, depth=9)
    site.build(RECORDS)
    return site


@pytest.fixture
def site(made: ComparedSite, tmp_path: Path) -> ComparedSite:
    shutil.copytree(made.folder, tmp_path / "site")
    return ComparedSite(tmp_path / "site")


def test_a_full_build_is_made_for_both_from_the_same_articles(made: ComparedSite) -> None:
    live, varied = made.both()
    assert (varied.manifest.depth, live.manifest.depth) == (9, 50)
    assert (varied.manifest.weights["meaning"], live.manifest.weights["meaning"]) == (0.0, 0.55)
    assert varied.manifest.encoded == 0, "the embeddings are those of the live build"
    assert list(varied.ids) == list(live.ids)
    assert (varied.cards[3], varied.manifest.sources) == (live.cards[3], live.manifest.sources)
    assert made.own.verify(live.name) == varied.manifest


def test_a_small_build_is_made_for_both(site: ComparedSite) -> None:
    """On this machine, wherever full builds are made: no cluster is joined, as there is none."""
    cluster = {"engine": "ray", "ray_address": "127.0.0.1:9"}
    site.settings = site.settings.model_copy(update=cluster)
    site.change([NEW, {**RECORDS[1], "title": "Renamed"}], [RECORDS[2]["id"]])
    live, varied = site.both()
    assert (varied.manifest.small, live.manifest.small) == (True, True)
    assert list(varied.ids) == list(live.ids)
    assert varied.title(varied.row(RECORDS[1]["id"]) or 0) == "Renamed"
    assert varied.manifest.weights["meaning"] == 0.0
    assert varied.manifest.pushed == live.manifest.pushed


def test_another_model_encodes_by_itself_and_carries_over_its_own(tmp_path: Path) -> None:
    site = ComparedSite(tmp_path, RECORDS)
    site.compare(model="hashing:32")
    site.build(RECORDS)
    live, varied = site.both()
    assert (varied.manifest.encoder.dim, varied.manifest.encoded) == (32, live.count)
    site.change([{**RECORDS[1], "summary": RECORDS[5]["summary"]}])
    live, varied = site.both()
    assert (varied.manifest.small, varied.manifest.encoded) == (True, 1)


def test_a_failure_stops_no_live_build_and_is_told(
    site: ComparedSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("no memory")

    with monkeypatch.context() as patch:
        patch.setattr(variant_builds, "make_build", fail)
        run = site.change([NEW])
    assert run.refusal is None
    assert site.root.open().row("new") is not None
    assert site.own.names() < [run.made.manifest.name]
    last = read_journal(site.root.path)[-1]
    told = [line for line in read_journal(site.root.path) if line["event"] == "variant"]
    assert (told[-1]["variant"], told[-1]["build"]) == ("bold", run.made.manifest.name)
    assert "no memory" in told[-1]["reason"], last

    site.change([RECORDS[5] | {"title": "Later"}])
    _, varied = site.both()
    assert not varied.manifest.small, "nothing was there to be carried over"
    assert varied.row("new") is not None
    before = np.asarray(varied.related_rows)
    site.change([RECORDS[6] | {"title": "Later, too"}])
    _, varied = site.both()
    assert varied.manifest.small
    assert varied.related_rows.shape == before.shape


@pytest.mark.parametrize("file", ["manifest.json", "calibration.json"])
def test_of_an_older_format_or_damaged_it_is_made_without_it(site: ComparedSite, file: str) -> None:
    [name] = site.own.names()
    path = site.own.folder(name) / file
    path.write_bytes(b'{"format": 1}' if file == "manifest.json" else path.read_bytes()[::-1])
    run = site.build(RECORDS)
    assert run.made.manifest.name in site.own.names()


def test_what_failed_is_not_tried_with_every_small_build(site: ComparedSite) -> None:
    comparison = read_comparison(site.root.path)
    assert comparison is not None
    shutil.rmtree(site.own.path)
    changed = {"settings": {"model": "/no/such/model"}}
    write_comparison(site.root.path, comparison.model_copy(update=changed))
    for title in ("One", "Two"):
        assert site.change([RECORDS[5] | {"title": title}]).refusal is None
    assert [line["event"] for line in read_journal(site.own.path)] == ["fail"]
    site.build(RECORDS)
    assert [line["event"] for line in read_journal(site.own.path)] == ["fail", "fail"]


def test_a_gate_refuses_what_it_does_not_refuse_of_the_live_build(
    site: ComparedSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    comparison = read_comparison(site.root.path)
    assert comparison is not None
    boost = [{"field": "language", "factor": 0, "equals": "en"}]
    changed = {"settings": {"boost": boost}}
    write_comparison(site.root.path, comparison.model_copy(update=changed))
    run = site.build(RECORDS)
    assert run.refusal is None
    assert site.own.names() < [run.made.manifest.name]
    refused = read_journal(site.own.path)[-1]
    assert (refused["event"], "no related article" in refused["reason"]) == ("refuse", True)


def test_lists_as_weak_as_those_of_the_site_are_accepted_of_the_variant(
    site: ComparedSite,
) -> None:
    site.settings = site.settings.model_copy(update={"min_score": 1.0})
    run = site.build(RECORDS)
    assert run.refusal is None
    assert run.made.manifest.name in site.own.names()


def test_retention_keeps_both_and_nothing_after_the_end(site: ComparedSite) -> None:
    for _ in range(3):
        site.build(RECORDS)
    names = site.root.names()
    assert 2 <= len(names) <= 3
    assert set(site.own.names()) == set(names) & set(site.own.names())
    assert names[-2:] == site.own.names()[-2:]
    site.root.rollback()
    assert site.both()[1].name == names[-2]
    comparison = read_comparison(site.root.path)
    assert comparison is not None
    write_comparison(site.root.path, comparison.model_copy(update={"ended": 1}))
    site.root.release()
    site.build(RECORDS)
    assert not site.own.path.exists()


def test_a_damaged_comparison_stops_no_build(site: ComparedSite) -> None:
    (site.root.path / "comparison.json").write_text("{")
    assert site.build(RECORDS).refusal is None
