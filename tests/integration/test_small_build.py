"""A small build: what changed of the live build, and everything else as it was."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from index.articles.record import Record
from index.build.build import Build
from index.build.carried_rows import CarriedRows
from index.build.explanations import explain_lists
from index.build.sentences import write_sentences
from index.building import read_stage, relate_stage
from index.building.builder import make_build
from index.building.changes import Changes
from index.building.context import BuildOptions
from index.errors import BuildError, BusyError, SourceError
from index.files import Blob
from index.publishing.publish import publish_build
from index.root.root import Root
from recommender.carried import CarriedRelating
from recommender.encoder import Encoder, HashingEncoder
from recommender.errors import NotFoundError
from tests.support.articles import topical
from tests.support.builds import plain_mapping


@pytest.fixture(autouse=True)
def _always_carried(monkeypatch: pytest.MonkeyPatch) -> None:
    """However few the articles are, lists are carried over."""
    monkeypatch.setattr(relate_stage, "RELATED_AT_ONCE", 0)


BuildRoot = Callable[..., tuple[Root, Build]]
Write = Callable[[Iterable[Any]], Path]


def change(
    root: Root,
    put: Iterable[dict[str, Any]] = (),
    remove: Iterable[str] = (),
    encoder: Encoder | None = None,
    **options: Any,
) -> Build:
    """Makes a small build of the live one, and makes it live."""
    records = [Record(location=f"change {record['id']}", values=record) for record in put]
    changes = Changes(put={"pushed": records}, remove=frozenset(remove))
    with root.locked("test"):
        manifest = make_build(
            root,
            [],
            lambda: encoder or HashingEncoder(64),
            BuildOptions(mapping=plain_mapping(), changes=changes, **options),
        ).manifest
        root.make_live(root.verify(manifest.name))
    return root.open(manifest.name)


def titles(build: Build) -> dict[str, str]:
    return {article.id: article.title for article in build.articles}


def test_what_is_put_and_removed_changes_and_all_else_stays(
    build_root: BuildRoot, write_jsonl: Write
) -> None:
    records = topical(12)
    root, full = build_root(write_jsonl(records))
    new = {**topical(13)[12], "id": "a new one"}
    renamed = {**records[3], "title": "Renamed, part 4"}
    before = titles(full)
    small = change(root, [new, renamed], [records[5]["id"], "unknown"], pushed=7)
    del before[records[5]["id"]]
    assert titles(small) == {
        **before,
        "a new one": new["title"],
        records[3]["id"]: "Renamed, part 4",
    }
    assert small.manifest.small
    assert small.manifest.full == full.name == full.manifest.full
    assert small.manifest.pushed == 7
    assert small.manifest.sources == [*full.manifest.sources, "pushed"]
    page = (small.folder / "report.html").read_text()
    assert "This is a small build" in page
    assert small.report()["boilerplate"] == full.report()["boilerplate"]
    later = change(root, remove=["a new one"])
    assert later.row("a new one") is None
    assert (later.manifest.full, later.manifest.pushed) == (full.name, 7)


RELATED = re.compile(
    r"related_|rejected_|nearest|candidate|adopted|close_pairs|postings_|members_|stor|list"
)
"""What relating makes, which has tests of its own."""

SHOWN = re.compile(r"shared|sentences|report\.|manifest\.|counted\.json|.*sqlite|article_numbers")
"""What depends on that, and what holds names, times or the numbers of articles."""


def site_records(count: int) -> list[dict[str, Any]]:
    """Articles with all that stages look at: links, labels, languages, versions, dates."""
    names, every = ("sea", "night", "bread"), topical(count)
    return [
        {
            **record,
            "tags": [names[number % 3], f"t{number % 7}"],
            "authors": [f"Author {number % 5}"],
            "language": ("en", "de")[number % 4 == 0],
            "date": f"2026-03-{number % 28 + 1:02}",
            "supersedes": f"{record['id']}-older" if number % 9 == 0 else None,
            "sections": [
                {
                    "text": f"{record['summary']} In part {number} see "
                    f"<a href='{each['url']}'>{each['title']}</a>, word{number % 11} so "
                    f"<a href='{other['url']}'>it</a> is word{number % 13}."
                }
                for each, other in ((every[number * 7 % count], every[number // 4]),)
            ],
        }
        for number, record in enumerate(every)
    ]


def everything_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets small builds take over nothing by rows, but still all that is frozen."""
    changed = read_stage.change_articles

    def none_carried(*arguments: Any) -> CarriedRows:
        found = changed(*arguments)
        return replace(found, rows=np.full_like(found.rows, -1))

    monkeypatch.setattr(read_stage, "change_articles", none_carried)


def contents(build: Build) -> dict[str, bytes]:
    return {
        path.name: path.read_bytes()
        for path in build.folder.iterdir()
        if not SHOWN.match(path.name) and not RELATED.match(path.name)
    }


CHANGES: list[tuple[list[int], list[int], dict[str, Any]]] = [
    ([3], [], {"title": "Renamed, part 4"}),
    ([70, 71], [5, 6], {}),
    ([5], [0, 59], {"tags": ["brand new"], "authors": ["Nobody Yet"], "language": "fr"}),
    ([8], [], {"visible_from": "2099-01-01T00:00:00Z"}),
    ([], [1], {}),
    ([1, 2], [], {"summary": "A brandnewword in the bread of the sea.", "sections": None}),
    ([2], [], {"status": "draft"}),
]


def related_anew(patch: pytest.MonkeyPatch) -> None:
    """Lets a small build relate all articles again."""
    patch.setattr(relate_stage, "CarriedRelating", partial(CarriedRelating, anew=True))


def in_two_ways(
    build_root: BuildRoot,
    write_jsonl: Write,
    tmp_path: Path,
    otherwise: Callable[[pytest.MonkeyPatch], None],
) -> Iterator[tuple[Build, Build]]:
    """Makes each of the changes, one after another: as always, and once more otherwise."""
    records = site_records(80)
    root, _ = build_root(write_jsonl(records[:60]))
    for number, (put, remove, facts) in enumerate(CHANGES):
        other = Root(tmp_path / f"copy-{number}")
        shutil.copytree(root.path, other.path)
        changed = [{**records[each], **facts} for each in put]
        gone = [records[each]["id"] for each in remove]
        small = change(root, changed, gone)
        with pytest.MonkeyPatch.context() as patch:
            otherwise(patch)
            anew = change(other, changed, gone)
        yield small, anew


def test_every_stage_gives_what_it_gives_when_all_articles_are_prepared_anew(
    build_root: BuildRoot, write_jsonl: Write, tmp_path: Path
) -> None:
    for small, anew in in_two_ways(build_root, write_jsonl, tmp_path, everything_anew):
        assert titles(small) == titles(anew)
        differ = {
            name for name, content in contents(anew).items() if content != contents(small)[name]
        }
        assert not differ
        for word in ("brandnewword", "renamed", "bread", "sea 1"):
            assert small.full_text.search(word, 99) == anew.full_text.search(word, 99)


def test_lists_are_those_that_relating_anew_gives(
    build_root: BuildRoot, write_jsonl: Write, tmp_path: Path
) -> None:
    for small, anew in in_two_ways(build_root, write_jsonl, tmp_path, related_anew):
        names = {path.name for path in anew.folder.glob("*.npy") if RELATED.match(path.name)}
        for name in names - {"close_pairs.npy", "listed_in.npy"}:
            assert (small.folder / name).read_bytes() == (anew.folder / name).read_bytes(), name


def test_what_is_said_of_lists_is_what_would_be_said_anew(
    build_root: BuildRoot, write_jsonl: Write
) -> None:
    records = site_records(80)
    root, full = build_root(write_jsonl(records[:60]))
    sentences = b"".join(Blob(full.folder / "sentences.bin"))
    assert all(said in sentences for said in (b"both are linked from", b"links to it", b"tagged"))
    for put, remove, facts in CHANGES:
        small = change(
            root,
            [{**records[each], **facts} for each in put],
            [records[each]["id"] for each in remove],
        )
        told = [(small.folder / name).read_bytes() for name in ("shared.bin", "sentences.bin")]
        explain_lists(small.folder)
        write_sentences(small.folder)
        anew = [(small.folder / name).read_bytes() for name in ("shared.bin", "sentences.bin")]
        assert told == anew


def test_a_build_of_whole_sources_is_small_if_little_changed(
    build_root: BuildRoot, write_jsonl: Write, tmp_path: Path
) -> None:
    records = topical(60)
    root, full = build_root(write_jsonl(records))
    shutil.copytree(root.path, tmp_path / "other")
    changed = [*records[1:4], records[4] | {"title": "Renamed, part 5"}, *records[5:]]
    small = change(Root(tmp_path / "other"), [changed[3]], [records[0]["id"]])
    _, whole = build_root(write_jsonl(changed), root.path, max_drift=0.5)
    assert whole.manifest.small
    assert whole.manifest.full == full.name
    assert 0 < whole.manifest.drift == small.manifest.drift < 1
    assert titles(whole) == titles(small)
    assert np.array_equal(whole.related_rows, small.related_rows)
    _, drifted = build_root(write_jsonl(records), root.path, max_drift=whole.manifest.drift)
    assert not drifted.manifest.small
    _, much = build_root(write_jsonl(topical(60, seed=1)), root.path, max_drift=0.5)
    assert (much.manifest.small, much.manifest.full, much.manifest.drift) == (False, much.name, 0)


def test_a_full_text_index_of_an_earlier_version_is_filled_anew(
    build_root: BuildRoot, write_jsonl: Write
) -> None:
    records = topical(3)
    text = "ライ麦パンを天然酵母で焼く。" * 40
    with pytest.MonkeyPatch.context() as patch:  # it held runs of such characters as one word
        patch.setattr("index.build.search_index._TOKENS", 0)
        patch.setattr("index.build.search_index._space", str)
        root, before = build_root(
            write_jsonl([*records, records[0] | {"id": "x", "summary": text}])
        )
        assert not len(before.full_text.search("酵母", 9))
    small = change(root, [records[0] | {"title": "New"}])
    assert len(small.full_text.search("酵母", 9)) == 1
    assert len(small.full_text.search("new", 9)) == 1


def test_another_encoder_is_refused_with_the_remedy(
    build_root: BuildRoot, write_jsonl: Write
) -> None:
    records = topical(3)
    root, full = build_root(write_jsonl(records))
    with pytest.raises(BuildError, match=r"another encoder.*build the whole source"):
        change(root, [records[0] | {"title": "New"}], encoder=HashingEncoder(32))
    with pytest.raises(SourceError, match="without articles"):
        change(root, remove=[record["id"] for record in records])
    assert root.verify().name == full.name


def test_a_damaged_live_build_is_refused_with_the_remedy(
    build_root: BuildRoot, write_jsonl: Write
) -> None:
    records = topical(12)
    root, full = build_root(write_jsonl(records))
    for name in ("articles.sqlite", "search.sqlite", "facts.npy", "lexical_data.npy"):
        content = (full.folder / name).read_bytes()
        (full.folder / name).write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
        with pytest.raises(BuildError, match=rf"{name} is damaged"):
            change(root, [records[0] | {"title": "New"}])
        assert root.names() == [full.name]
        (full.folder / name).write_bytes(content)
    change(root, [records[0] | {"title": "New"}])


def test_a_small_build_needs_a_live_build(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="first build the whole source with: alsolike build"):
        change(Root(tmp_path / "root"), topical(1))


def test_a_small_build_is_not_published_over_another_than_it_was_made_from(
    build_root: BuildRoot, write_jsonl: Write
) -> None:
    records = topical(12)
    root, full = build_root(write_jsonl(records))
    change(root, [{**records[3], "title": "The wrong title"}])
    changes = Changes(put={}, remove=frozenset([records[5]["id"]]))
    with root.locked("test"):
        options = BuildOptions(mapping=plain_mapping(), changes=changes)
        made = make_build(root, [], lambda: HashingEncoder(64), options)
        root.rollback(reason="wrong")
        root.release()
        with pytest.raises(BusyError, match="have to be made again"):
            publish_build(
                root, made.manifest.name, options.limits, force=True, assessment=made.assessment
            )
    assert root.live == full.name
