"""Pushes and nightly builds: what is pushed goes live, is settled, and is never lost."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from index.root.root import Root
from recommender.visibility import NEVER
from service.decisions.database import Database
from service.decisions.decision_store import Actor
from service.decisions.open_decisions import open_decisions
from service.decisions.pushed_statements import NewStatement
from service.settings import Settings
from tests.support.articles import topical
from tests.support.commands import Run, runner

CMS = Actor(name="cms", how="token")
Push = Callable[[str, Any], int]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    monkeypatch.chdir(tmp_path)
    for setting in ("MODEL=hashing:64", "MAX_LOSS=1", "MAX_CHURN=1", "MAX_WEAK=1", "KEEP=20"):
        name, _, value = setting.partition("=")
        monkeypatch.setenv(f"ALSOLIKE_{name}", value)
    return runner(monkeypatch, capsys)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with closing(open_decisions(Settings(root=tmp_path / "alsolike-root"))) as found:
        yield found


@pytest.fixture
def push(database: Database) -> Push:
    def make(article_id: str, record: Any) -> int:
        hidden = NEVER if record is None else 0
        new = NewStatement(article_id=article_id, record=record, hidden_until=hidden)
        return database.pushed.put(CMS, [new])[0].number

    return make


def titles(folder: Path) -> dict[str, str]:
    build = Root(folder / "alsolike-root").open()
    return {article.id: article.title for article in build.articles}


def write(folder: Path, records: list[dict[str, Any]]) -> None:
    (folder / "export.jsonl").write_text("\n".join(map(json.dumps, records)))


def record(number: int) -> dict[str, Any]:
    return topical(number + 1)[-1]


def test_pushes_outlive_nights_of_a_source_that_lags_until_it_has_caught_up(
    tmp_path: Path, run: Run, database: Database, push: Push
) -> None:
    old = topical(8)
    write(tmp_path, old)
    assert run("build", "export.jsonl")[0] == 0
    edited = {**old[0], "title": "Edited"}
    numbers = [push("edited-new", record(9)), push(old[0]["id"], edited), push(old[1]["id"], None)]
    for more in ((), ("--relearn",), ("--from-scratch",), ("--keep-missing",)):
        assert run("build", "export.jsonl", *more)[0] == 0
        found = titles(tmp_path)
        assert found[old[0]["id"]] == "Edited"
        assert "edited-new" in found
        assert old[1]["id"] not in found
        assert Root(tmp_path / "alsolike-root").manifest().pushed == numbers[-1]
    write(tmp_path, [edited, *old[2:], {**record(9), "id": "edited-new"}])
    for number in range(2):
        code, _, err = run("build", "export.jsonl", "--json" if number else "--relearn")
        assert code == 0, err
        assert titles(tmp_path).keys() == {old[0]["id"], *(o["id"] for o in old[2:]), "edited-new"}
    assert len(database.pushed.above(0)) == 3, "a rollback could return to builds without them"
    assert run("prune", "--keep", "1")[0] == 0
    assert run("build", "export.jsonl")[0] == 0
    assert database.pushed.above(0) == []
    assert database.takedowns.all() == []
    write(tmp_path, old)
    assert run("build", "export.jsonl")[0] == 0
    assert len(titles(tmp_path)) == 8


def test_nothing_that_is_kept_makes_way_for_what_is_pushed(
    tmp_path: Path, run: Run, push: Push
) -> None:
    old = topical(8)
    write(tmp_path, old)
    assert run("build", "export.jsonl")[0] == 0
    for number in range(3):
        push(f"p-{number}", record(9 + number))
    every = {*(one["id"] for one in old), "p-0", "p-1", "p-2"}
    write(tmp_path, old[-2:])  # as a feed
    for more in ((), ("--relearn",), ("--from-scratch",)):
        code, _, err = run("build", "export.jsonl", "--keep-missing", *more)
        assert code == 0, err
        assert titles(tmp_path).keys() == every
    code, _, err = run("build", "export.jsonl", "--from-scratch", "--only", old[-1]["id"])
    assert code == 2
    assert "leave one of the two out" in err


def test_what_a_source_shows_again_is_not_gone_in_every_second_build(
    tmp_path: Path, run: Run, push: Push
) -> None:
    old = topical(30)
    write(tmp_path, old)
    run("build", "export.jsonl")
    push(old[0]["id"], None)
    run("build", "export.jsonl")
    assert old[0]["id"] not in titles(tmp_path)
    write(tmp_path, old[1:])
    run("build", "export.jsonl")
    write(tmp_path, old)
    for more in ((), ("--small",), ("--small",)):
        assert run("build", "export.jsonl", *more)[0] == 0
        assert old[0]["id"] in titles(tmp_path)


def test_a_site_can_live_by_pushes_alone(tmp_path: Path, run: Run, push: Push) -> None:
    for number, each in enumerate(topical(6)):
        push(f"p-{number}", each)
    code, out, err = run("build")
    assert code == 0, err
    assert "6 articles" in out
    assert Root(tmp_path / "alsolike-root").manifest().sources == ["pushed"]
    push("p-0", None)
    push("p-1", {**record(1), "title": "Anew"})
    assert run("build")[0] == 0
    found = titles(tmp_path)
    assert len(found) == 5
    assert found["p-1"] == "Anew"


def test_without_sources_and_pushes_the_command_says_what_to_do(run: Run) -> None:
    code, _, err = run("build")
    assert code == 2
    assert "push articles" in err


def test_the_source_alone_counts_where_only_one_article_is_read_again(
    tmp_path: Path, run: Run, push: Push
) -> None:
    old = topical(8)
    write(tmp_path, old)
    run("build", "export.jsonl")
    number = push(old[0]["id"], {**old[0], "title": "Pushed"})
    run("build", "export.jsonl")
    assert run("build", "export.jsonl", "--only", old[0]["id"])[0] == 0
    assert titles(tmp_path)[old[0]["id"]] == old[0]["title"]
    assert Root(tmp_path / "alsolike-root").manifest().pushed == number
    run("build", "export.jsonl")
    assert titles(tmp_path)[old[0]["id"]] == "Pushed"


def test_a_push_stands_against_what_one_article_was_read_again_from_before(
    tmp_path: Path, run: Run, push: Push
) -> None:
    old = topical(8)
    write(tmp_path, old)
    push(old[1]["id"], old[1])
    run("build", "export.jsonl")
    write(tmp_path, [{**one, "title": "Edited"} for one in old])
    run("build", "export.jsonl", "--only", old[0]["id"])
    assert titles(tmp_path)[old[0]["id"]] == "Edited"
    push(old[0]["id"], {**old[0], "title": "Pushed"})
    run("build", "export.jsonl")
    assert titles(tmp_path)[old[0]["id"]] == "Pushed"
    assert titles(tmp_path)[old[2]["id"]] == "Edited"


def test_what_was_refused_stays_as_it_was(
    tmp_path: Path, run: Run, database: Database, push: Push
) -> None:
    old = topical(8)
    write(tmp_path, old)
    push("p", record(9))
    push("q", record(10))
    run("build", "export.jsonl")
    for pushed, title in (({**record(9), "title": "Bad"}, record(9)["title"]), (None, None)):
        database.pushed.refuse("p", push("p", pushed), "max_loss")
        assert run("build", "export.jsonl")[0] == 0
        assert titles(tmp_path).get("p") == title, "what no source has is gone with a full build"
        assert "q" in titles(tmp_path)


def test_no_build_is_made_without_the_pushes_that_are_live(
    tmp_path: Path, run: Run, database: Database, push: Push
) -> None:
    write(tmp_path, topical(8))
    push("p", record(9))
    assert run("build", "export.jsonl")[0] == 0
    database.close()
    file = tmp_path / "alsolike-root" / "alsolike.sqlite"
    file.rename(file.with_suffix(".away"))
    code, _, err = run("build", "export.jsonl")
    assert code != 0
    assert "restore it from a backup" in err
    file.with_suffix(".away").rename(file)
    assert run("build", "export.jsonl")[0] == 0
    assert "p" in titles(tmp_path)
