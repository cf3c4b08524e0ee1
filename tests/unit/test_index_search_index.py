"""The full-text index of a build: found by beginnings of words, made beside the other stages."""

from __future__ import annotations

import sqlite3
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.articles.article_store import NUMBERS
from index.articles.record import Record, RecordProblem
from index.build.search_index import FULL_TEXT, RANKED, FullText, filled_beside
from index.building.builder import make_build
from index.building.context import BuildOptions
from index.errors import BuildError
from index.files import save_array
from index.root.journal import read_journal
from index.root.root import Root
from index.sources.jsonl_source import JsonlSource
from recommender.article import Article
from recommender.encoder import HashingEncoder
from tests.support.builds import plain_mapping
from tests.support.full_text_articles import article, many, stage

WRITE = Callable[[Iterable[dict[str, str]]], Path]


def index_of(folder: Path, articles: Iterable[Article]) -> FullText:
    stage(folder, articles)
    with filled_beside(folder) as done:
        done.result()
    return FullText(folder / FULL_TEXT)


def test_changes_leave_few_trees_to_search(tmp_path: Path) -> None:
    index_of(tmp_path, many(3)).close()
    with closing(sqlite3.connect(tmp_path / FULL_TEXT)) as database:
        trees = "SELECT count(DISTINCT segid) FROM words_idx"
        assert database.execute(trees).fetchone() == (1,)
        for number in range(100, 140):  # each change of a build writes a tree of its own
            with database:
                database.execute("INSERT INTO words (rowid, id) VALUES (?, 'kelp')", (number,))
        assert database.execute(trees).fetchone()[0] < 20


def test_ids_titles_headings_and_texts_are_found_by_the_beginnings_of_words(tmp_path: Path) -> None:
    ids = ["choir-2", "kelp-1"]
    with closing(
        index_of(
            tmp_path,
            [
                article("kelp-1", "Über Wellen", "The tall forest.", 'It is "wet" \\ green.'),
                article("choir-2", "A second verse", "Kelp is not sung of.\nNew line."),
            ],
        )
    ) as index:
        assert {ids[row] for row in index.search("kelp", 9)} == {"kelp-1", "choir-2"}
        for words, found in {
            "UBER well": "kelp-1",
            "forest wet green head": "kelp-1",
            "vers sung": "choir-2",
            "new lin": "choir-2",
            "tall & - forest ...": "kelp-1",
        }.items():
            assert [ids[row] for row in index.search(words, 9)] == [found]
        assert index.search("kelp verse forest", 9) == []
        assert index.search("id title sections text", 9) == []
        assert index.search("  ", 9) == []
        assert index.search("&", 9) == []
        assert len(index.search("kelp", 1)) == 1
        assert index.first_word("t") == "tall"


def test_words_between_others_are_found_where_no_spaces_are_written(tmp_path: Path) -> None:
    pages = [
        article("a-pan", "天然酵母のパン", "ライ麦粉と水で二十六度のもとに五日間育てます。"),
        article("b-neko", "猫のワクチン", "獣医は猫にパルボのワクチンを接種します。"),
        article("c-maeo", "แมวกับวัคซีน", "สัตวแพทย์ฉีดวัคซีนให้แมวทุกปี"),
    ]
    with closing(index_of(tmp_path, pages)) as found:
        for words, row in (("酵母", 0), ("ワクチン 接種", 1), ("ワク", 1), ("猫", 1), ("วัคซีน", 2)):
            assert found.search(words, 9) == [row], words
        assert found.search("母酵", 9) == []


def test_of_very_many_hits_those_with_the_words_in_the_title_come_first(tmp_path: Path) -> None:
    texts = [article(f"{number:06}", "A title", "kelp") for number in range(RANKED)]
    titles = [article("b", "Much else and kelp at last"), article("c", "Kelp"), article("d", "Sea")]
    with closing(index_of(tmp_path, [*texts, *titles])) as index:
        rows = index.search("kelp", RANKED + 9)
        assert rows[:2] == [RANKED + 1, RANKED]
        assert rows[2:] == list(range(RANKED))
        assert index.search("titl", RANKED + 9) == rows[2:]


@given(st.text(st.characters(codec=None), max_size=20))
def test_a_search_takes_anything_a_person_can_type(
    tmp_path_factory: pytest.TempPathFactory, words: str
) -> None:
    with closing(index_of(tmp_path_factory.mktemp("one"), [article("a", "A kelp forest")])) as one:
        assert one.search(words, 3) in ([], [0])
        assert one.search(f"{words}" + ' " kelp*', 3) in ([], [0])


@pytest.mark.parametrize("content", [b"", b"no database at all, though long enough to be one" * 9])
def test_a_file_that_is_no_index_is_refused_with_its_path(tmp_path: Path, content: bytes) -> None:
    (tmp_path / FULL_TEXT).write_bytes(content)
    save_array(tmp_path / NUMBERS, np.zeros(1, dtype=np.int32))
    with (
        closing(FullText(tmp_path / FULL_TEXT)) as index,
        pytest.raises(BuildError, match=rf"{FULL_TEXT} can't be read"),
    ):
        index.search("kelp", 3)


def test_a_missing_file_is_refused_with_its_path(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match=rf"{FULL_TEXT} can't be opened"):
        FullText(tmp_path / FULL_TEXT)


def test_whoever_leaves_before_it_is_done_ends_it(tmp_path: Path) -> None:
    stage(tmp_path, many(4_000))
    with filled_beside(tmp_path) as done:
        time.sleep(0.05)  # in the midst of it
        assert not done.done()
    with pytest.raises(sqlite3.OperationalError, match="interrupted"):
        done.result()


class Spoiling:
    """Gives articles, and then leaves something where the full-text index is to be made."""

    name = "a source"

    def __init__(self, root: Root) -> None:
        self._root = root

    def records(self) -> Iterator[Record | RecordProblem]:
        for number in range(30):
            yield Record(location=f"item {number}", values={"id": f"a{number}", "title": "A title"})
        (folder,) = (path for path in self._root.builds.iterdir() if path.name.startswith("."))
        with closing(sqlite3.connect(folder / FULL_TEXT)) as database:
            database.execute("CREATE TABLE words (word)")


def encoder_once_it_rests(name: str) -> HashingEncoder:
    """An encoder, as soon as a thread of a pool has nothing more to do, or is gone."""
    for thread in threading.enumerate():
        while thread.name == name and thread.is_alive():
            frame = sys._current_frames().get(thread.ident or 0)
            if frame is not None and frame.f_code.co_name == "_worker":
                break
            time.sleep(0.01)
    return HashingEncoder(16)


def test_a_build_fails_with_it_at_once_and_leaves_nothing(
    tmp_path: Path, write_jsonl: WRITE
) -> None:
    root = Root(tmp_path / "root")
    options = BuildOptions(mapping=plain_mapping())
    good = JsonlSource(str(write_jsonl([{"id": "kelp", "title": "Kelp"}])))
    with root.locked("test"):
        live = make_build(root, [good], lambda: HashingEncoder(16), options).manifest
        root.make_live(root.verify(live.name))
        stages: set[str] = set()
        with pytest.raises(BuildError, match=r"could not be written .*words already exists"):
            make_build(
                root,
                [Spoiling(root)],
                lambda: encoder_once_it_rests("full-text_0"),
                options,
                lambda stage, _done, _total: stages.add(stage),
            )
    assert stages <= {"read", "prepare"}, "what would be made for nothing is not begun"
    assert [path.name for path in root.builds.iterdir()] == [live.name]
    assert read_journal(root.path)[-1]["event"] == "fail"
    root.verify()
