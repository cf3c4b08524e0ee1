"""Every visible article's list as a static file."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.build.build import Build
from index.root.root import Root
from recommender.article import check_id
from recommender.errors import ArticleError, InputError
from service.serving.serving_view import ServingView
from service.serving.static_export import LEDGER, export_lists, file_name

NOW = 1_800_000_000_000_000
WRITE = Callable[[Iterable[Any]], Path]
BUILD = Callable[..., tuple[Root, Build]]


def records(count: int = 8) -> list[dict[str, Any]]:
    return [
        {"id": f"a/{number}", "title": f"Title {number}", "summary": f"Words of number {number}."}
        for number in range(count)
    ]


def export(build: Build, out: Path, said: str = "", now: int = NOW) -> dict[str, int]:
    served = ServingView(build)
    return export_lists(
        served, out, lambda row: f"{build.article_id(row)} {said}".encode(), now=now
    )


def files(out: Path) -> set[str]:
    return {path.name for path in out.iterdir()} - {LEDGER}


def test_every_visible_article_has_a_file(
    tmp_path: Path, write_jsonl: WRITE, build_root: BUILD
) -> None:
    _, build = build_root(
        write_jsonl([*records(), {"id": "draft", "title": "Draft", "status": "draft"}])
    )
    done = export(build, tmp_path / "out")
    assert done == {"written": 8, "unchanged": 0, "removed": 0}
    assert files(tmp_path / "out") == {f"a~2F{number}.json" for number in range(8)}
    assert (tmp_path / "out" / "a~2F3.json").read_bytes() == b"a/3 "


def test_a_second_export_touches_nothing(
    tmp_path: Path, write_jsonl: WRITE, build_root: BUILD
) -> None:
    _, build = build_root(write_jsonl(records()))
    out = tmp_path / "out"
    export(build, out)
    before = {name: (out / name).stat().st_mtime_ns for name in files(out)}
    assert export(build, out) == {"written": 0, "unchanged": 8, "removed": 0}
    assert before == {name: (out / name).stat().st_mtime_ns for name in files(out)}
    assert export(build, out, "changed")["written"] == 8


def test_what_may_no_longer_be_shown_is_removed_and_nothing_else(
    tmp_path: Path, write_jsonl: WRITE, build_root: BUILD
) -> None:
    given = records()
    given[2]["visible_until"] = "2027-01-01T00:00:00Z"
    _, build = build_root(write_jsonl(given))
    out = tmp_path / "out"
    export(build, out, now=NOW - 10**14)
    (out / "robots.txt").write_text("mine")
    assert export(build, out)["removed"] == 1
    assert not (out / "a~2F2.json").exists()
    assert (out / "robots.txt").read_text() == "mine"


def test_what_is_to_be_removed_goes_before_anything_is_written(
    tmp_path: Path, write_jsonl: WRITE, build_root: BUILD
) -> None:
    _, before = build_root(write_jsonl(records()))
    _, after = build_root(write_jsonl(records()[:-1]))
    out = tmp_path / "out"
    export(before, out)

    def die(row: int) -> bytes:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        export_lists(ServingView(after), out, die, now=NOW)
    assert files(out) == {f"a~2F{number}.json" for number in range(7)}


def test_an_export_cut_short_is_finished_by_the_next(
    tmp_path: Path, write_jsonl: WRITE, build_root: BUILD
) -> None:
    _, build = build_root(write_jsonl(records()))
    out = tmp_path / "out"

    def die_late(row: int) -> bytes:
        if row == 5:
            raise KeyboardInterrupt
        return b"half"

    with pytest.raises(KeyboardInterrupt):
        export_lists(ServingView(build), out, die_late, now=NOW)
    (out / f"{LEDGER}.1.tmp").write_bytes(b"left by a process that died")
    assert export(build, out)["written"] == 8
    _, fewer = build_root(write_jsonl(records()[:3]))
    assert export(fewer, out)["removed"] == 5
    assert files(out) == {f"a~2F{number}.json" for number in range(3)}


def test_a_folder_that_holds_something_else_is_refused(
    tmp_path: Path, write_jsonl: WRITE, build_root: BUILD
) -> None:
    _, build = build_root(write_jsonl(records()))
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "index.html").write_text("a site")
    with pytest.raises(InputError, match=r"index\.html"):
        export(build, tmp_path / "out")
    assert files(tmp_path / "out") == {"index.html"}


def _possible(article_id: str) -> bool:
    try:
        return check_id(article_id) == article_id
    except ArticleError:
        return False


IDS = st.text(min_size=1, max_size=200).filter(_possible)


@given(st.sets(IDS, min_size=2, max_size=6))
def test_no_two_ids_meet_in_one_file(ids: set[str]) -> None:
    assert len({file_name(article_id) for article_id in ids}) == len(ids)


@given(IDS)
def test_any_id_gives_a_plain_short_file_name(article_id: str) -> None:
    name = file_name(article_id)
    assert re.fullmatch(r"[A-Za-z0-9_~-][A-Za-z0-9_.~-]*\.json", name)
    assert len(name) <= 205


@given(st.text("abz09-_./ é~%(!", min_size=1, max_size=30).filter(_possible))
def test_a_short_name_is_the_percent_encoded_id_with_tildes(article_id: str) -> None:
    encoded = quote(article_id, safe="").replace("~", "%7E").replace("%", "~")
    if encoded.startswith("."):
        encoded = f"~2E{encoded[1:]}"
    assert file_name(article_id) == f"{encoded}.json"


def test_the_ledger_names_exactly_the_files(
    tmp_path: Path, write_jsonl: WRITE, build_root: BUILD
) -> None:
    _, build = build_root(write_jsonl(records()))
    export(build, tmp_path / "out")
    assert set((tmp_path / "out" / LEDGER).read_text().split()) == files(tmp_path / "out")
