"""A followed source is read when it may have changed, and only what is new in it is parsed."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from index.errors import SourceError
from index.sources.registry import open_source
from service.watching import followed_source
from service.watching.followed_source import FollowedSource, SourceRead
from tests.support.articles import topical
from tests.support.builds import plain_mapping
from tests.support.http_site import page, serving

RSS = "<rss version='2.0'><channel><title>Site</title>{}</channel></rss>"
ITEM = "<item><guid>{0}</guid><title>Title {0}</title><link>https://e.org/{0}</link></item>"


def followed(**table: Any) -> FollowedSource:
    return FollowedSource(source=open_source(table), mapping=plain_mapping(), every=60)


def look(source: FollowedSource) -> SourceRead:
    read = source.look()
    assert read is not None
    return read


def test_a_file_is_read_again_once_it_changed(tmp_path: Path) -> None:
    path, records = tmp_path / "a.jsonl", topical(6)

    def write(*given: dict[str, Any]) -> None:
        path.write_text("".join(f"{json.dumps(record)}\n" for record in given))

    write(*records[:4])
    source = followed(kind="jsonl", path=str(path))
    first = look(source)
    assert first.first
    assert set(first.fresh) == first.ids == {record["id"] for record in records[:4]}
    assert source.look() is None
    write(records[5], records[0], {**records[1], "title": "Another"}, records[3])
    second = look(source)
    assert not second.first
    assert set(second.fresh) == {records[5]["id"], records[1]["id"]}, "line numbers don't count"
    assert first.ids - second.ids == {records[2]["id"]}


def test_of_two_records_with_one_id_the_second_is_fresh_once_the_first_is_gone(
    tmp_path: Path,
) -> None:
    path, (one, other) = tmp_path / "a.jsonl", topical(2)
    second = {**one, "title": "Second"}
    source = followed(kind="jsonl", path=str(path))
    for records, fresh in (
        ([one, second], [one]),
        ([one, second, other], [other]),
        ([second, other], [second]),
        ([other, second], []),
        ([one, other, second], [one]),
    ):
        path.write_text("".join(f"{json.dumps(record)}\n" for record in records))
        read = look(source)
        assert {key: article.title for key, (article, _) in read.fresh.items()} == {
            record["id"]: record["title"] for record in fresh
        }
        assert not read.left


def test_records_that_are_skipped_or_corrected_are_logged_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path, (good, undated) = tmp_path / "a.jsonl", topical(2)
    path.write_text(json.dumps(good) + "\n" + json.dumps({**undated, "date": "31.31.2026"}) + "\n")
    source = followed(kind="jsonl", path=str(path))
    assert len(look(source).ids) == 2
    assert [line for line in caplog.messages if "line 2: date '31.31.2026'" in line], caplog.text
    caplog.clear()
    path.write_text(path.read_text().replace('"}', '"', 1) + "{}\n" * 12)
    assert look(source).left == {good["id"]}
    assert "line 1: not a JSON object" in caplog.messages[0]
    assert "31.31.2026" not in caplog.text, "it was told before"
    assert "and 3 more problems of" in caplog.messages[-1]


def test_what_can_not_be_read_is_read_again_the_next_time(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text("[1, 2")
    source = followed(kind="json", path=str(path))
    for _ in range(2):
        with pytest.raises(SourceError):
            source.look()
    path.write_text(json.dumps(topical(2)))
    assert len(look(source).ids) == 2


def test_a_folder_is_followed_by_its_files(tmp_path: Path) -> None:
    folder = tmp_path / "pages"
    folder.mkdir()
    for name in ("one", "two"):
        (folder / f"{name}.md").write_text(f"# Page {name}\n\nSome words of {name}.\n")
    source = followed(kind="markdown", path=str(folder))
    assert look(source).ids == {"one", "two"}
    assert source.look() is None
    (folder / "two.md").write_text("# Page two\n\nOther words.\n")
    (folder / "three.md").write_text("# Page three\n\nNew words.\n")
    assert set(look(source).fresh) == {"two", "three"}
    (folder / "one.md").unlink()
    assert look(source).ids == {"two", "three"}


def test_all_pages_are_read_anew_once_the_configuration_of_their_site_changes(
    tmp_path: Path,
) -> None:
    book, summary = tmp_path / "book.toml", tmp_path / "src" / "SUMMARY.md"
    summary.parent.mkdir()
    book.write_text("[book]\n")
    for name in ("one", "two"):
        (summary.parent / f"{name}.md").write_text(f"# Page {name}\n\nSome words of {name}.\n")
    summary.write_text("- [One](one.md)\n- [Two](two.md)\n")
    source = followed(kind="markdown", path=str(summary.parent))
    assert look(source).ids == {"one", "two"}
    assert source.look() is None
    summary.write_text("- [One](one.md)\n")
    second = look(source)
    assert second.ids == {"one"}
    assert "two" in second.left
    book.write_text("[book]\n[output.html]\nsite-url = '/guide/'\n")
    assert look(source).fresh["one"][0].url == "/guide/one.html"
    assert source.look() is None


def test_a_file_of_the_same_size_and_time_is_read_again(tmp_path: Path) -> None:
    """As of a program that copies files with their times, or that sets them all to one."""
    path = tmp_path / "one.md"
    path.write_text("# Page one\n\nSome words.\n")
    source = followed(kind="markdown", path=str(tmp_path))
    look(source)
    before = path.stat()
    path.write_text("# Page two\n\nSome words.\n")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    (found,) = look(source).fresh.values()
    assert found[0].title == "Page two"


def test_a_link_to_a_folder_is_not_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, entered = tmp_path / "pages", list[str]()
    folder.mkdir()
    (folder / "one.md").write_text("# Page one\n\nSome words.\n")
    (folder / "loop").symlink_to(folder)
    linked = tmp_path / "linked"
    linked.symlink_to(folder)
    scan = os.scandir
    monkeypatch.setattr(
        followed_source.os, "scandir", lambda place: entered.append(place) or scan(place)
    )
    followed_source._stamp(linked)
    assert entered == [str(linked)]


def test_a_folder_in_which_something_always_changes_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "one.md").write_text("# Page one\n\nSome words.\n")
    stamps = iter(range(1_000))
    monkeypatch.setattr(followed_source, "SETTLE", 0.0)
    monkeypatch.setattr(followed_source, "_stamp", lambda _: next(stamps))
    assert look(followed(kind="markdown", path=str(tmp_path))).ids == {"one"}


def test_a_page_whose_server_fails_is_not_gone() -> None:
    with serving() as site:
        for name in "abc":
            body = f"<title>{name}</title><article><h1>{name}</h1><p>Kelp calms waves.</article>"
            site.pages[f"/{name}"] = page(body, Content_Type="text/html")
        site.pages["/map.txt"] = page(f"{site.url}/a\n{site.url}/b")
        source = followed(
            kind="sitemap", url=f"{site.url}/map.txt", private=["127.0.0.1"], delay=0, attempts=1
        )
        assert look(source).complete
        there, site.pages["/b"] = site.pages["/b"], page(status=503)
        failed = look(source)
        assert (*sorted(failed.ids), *failed.left, failed.complete) == ("a", "b", True)
        site.pages["/b"] = there
        assert look(source).ids == {"a", "b"}
        site.pages["/b"] = page(status=404)
        gone = look(source)
        assert (*gone.ids, *gone.left, gone.complete) == ("a", "b", True)
        site.pages["/map.txt"] = page(f"{site.url}/a\n{site.url}/broken")
        site.pages["/broken"] = page(status=500)
        for names, left in ((("a",), ""), (("a", "c"), ""), (("c",), ""), (("c",), "a")):
            lines = [f"{site.url}/{name}" for name in (*names, "broken")]
            site.pages["/map.txt"] = page("\n".join(lines))
            assert [*look(source).left] == [*left], "though one always fails"
        assert source.ids == {"c"}
        source.forget()
        assert not look(source).complete, "what was there before is not known"
        assert look(source).complete


def test_a_feed_is_asked_for_only_if_it_changed() -> None:
    with serving() as site:

        def answer(handler: Any) -> None:
            unchanged = handler.headers.get("if-none-match") == '"1"'
            body = RSS.format("".join(map(ITEM.format, "ab")))
            page("" if unchanged else body, 304 if unchanged else 200, ETag='"1"')(handler)

        site.pages["/feed"] = answer
        source = followed(kind="feed", url=f"{site.url}/feed", private=["127.0.0.1"])
        assert len(look(source).ids) == 2
        asked = len(site.requests)
        assert source.look() is None
        assert len(site.requests) == asked + 1
        site.pages["/feed"] = page(RSS.format("".join(map(ITEM.format, "abc"))))
        assert len(look(source).fresh) == 1
        assert source.look() is None, "the same bytes, though the server does not say so"


def test_what_takes_long_is_read_less_often(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.json"
    path.write_text(json.dumps(topical(2)))
    source = followed(kind="json", path=str(path))
    clock = iter([0.0, 100.0, 100.0])
    monkeypatch.setattr(followed_source.time, "monotonic", lambda: next(clock))
    source.look()
    assert source.due == 100.0 + 20 * 100.0
