"""Per article the newest statement wins: what was pushed, or what the sources say."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import InitVar, dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from index.articles.article_store import ARTICLES, ArticleStore, read_settled
from index.articles.read_report import ReadReport
from index.articles.record import Record, RecordProblem, SourceItem
from index.building.context import BuildContext, BuildOptions
from index.building.read_stage import read_sources
from index.errors import SourceError
from index.sources.configured_source import ConfiguredSource
from index.sources.pushed_source import PUSHED, Statement
from recommender.errors import NotFoundError
from recommender.visibility import utc_now
from tests.support.builds import plain_mapping

FAILS = "unreachable"
MINUTE = 60_000_000


@dataclass
class Listed:
    """A source in which the site's other articles stand too."""

    given: InitVar[list[dict[str, Any]]]
    path: str = ""
    drop: str = ""
    name = "export"

    def __post_init__(self, given: list[dict[str, Any]]) -> None:
        self._records = given

    def records(self) -> Iterator[SourceItem]:
        for number, values in enumerate(self._records, 1):
            location = f"export {number}"
            if values.get("title") == FAILS:
                yield RecordProblem(location=location, reason=FAILS, message="answered 503")
            else:
                yield Record(location=location, values=values)


class Site:
    """Statements, and builds one after another."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._builds = 0
        self._store: Path | None = None
        self._number = 0
        self.statements: dict[str, Statement] = {}
        self.mapping = plain_mapping()
        self.options: dict[str, str] = {}
        self.context: BuildContext

    def push(self, article_id: str, title: str | None) -> int:
        """Push a record, or with ``None`` that the article is gone."""
        self._number += 1
        self.statements[article_id] = Statement(
            article_id=article_id,
            number=self._number,
            stated=utc_now(),
            received=utc_now(),
            who="cms",
            record=None if title is None else json.dumps({"title": title, "summary": "S"}),
        )
        return self._number

    def build(self, *, pushable: bool = True, keep: bool = False, **source: Any) -> dict[str, str]:
        """Make a build of a source that holds titles by id; returns the titles in the build."""
        records = [
            {"id": name, "summary": "S", **({"title": said} if isinstance(said, str) else said)}
            for name, said in {"other": "Other", **source}.items()
        ]
        folder = self._folder / str(self._builds)
        folder.mkdir()
        self._builds += 1
        self.context = BuildContext(
            folder=folder,
            options=BuildOptions(
                mapping=self.mapping,
                statements=(lambda: iter(list(self.statements.values()))) if pushable else None,
                keep_missing=keep,
            ),
            previous=None,
            progress=lambda _stage, _done, _total: None,
            seen=self._store,
        )
        listed = Listed(records, **self.options)
        count = read_sources(self.context, [ConfiguredSource(source=listed, called="export")])
        self._store = folder / ARTICLES
        with closing(ArticleStore(self._store)) as store:
            found = {article.id: article.title for article in store}
        assert count == len(found) == self.context.report.kept
        assert self.context.report.read == count + self.context.report.skipped.total()
        assert found.pop("other") == "Other"
        return found

    @property
    def settled(self) -> dict[str, int]:
        assert self._store is not None
        return read_settled(self._store)


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


def test_a_push_stands_against_a_source_that_lags_however_often_it_is_read(site: Site) -> None:
    assert site.build(a="old") == {"a": "old"}
    site.push("a", "new")
    for _ in range(3):
        assert site.build(a="old") == {"a": "new"}
    assert site.settled == {}


def test_a_push_is_settled_once_a_source_holds_the_same(site: Site) -> None:
    site.build(a="old")
    number = site.push("a", "new")
    assert site.build(a="new") == {"a": "new"}
    assert site.settled == {"a": number}
    assert site.build(a="newer") == {"a": "newer"}


def test_what_a_source_says_later_wins_for_good(site: Site) -> None:
    site.build(a="old")
    number = site.push("a", "new")
    site.build(a="old")
    assert site.build(a="newest") == {"a": "newest"}
    assert site.settled == {"a": number}
    assert site.build(a="old") == {"a": "old"}, "as an editor may go back to it"
    assert site.push("a", "pushed again") > number
    assert site.build(a="old") == {"a": "pushed again"}


def test_a_push_stands_when_its_source_is_read_in_another_way(site: Site) -> None:
    site.build(a="old")
    site.push("a", "new")
    site.build(a="old")
    site.mapping = replace(site.mapping, url_template="/moved/{id}")
    for _ in range(2):
        assert site.build(a="old") == {"a": "new"}
    site.options = {"drop": ".ads", "path": "a.html"}
    assert site.build(a="old without ads") == {"a": "new"}
    site.options |= {"path": "b.html"}
    assert site.build(a="edited") == {"a": "edited"}


def test_a_page_that_a_source_drops_is_gone_until_it_is_pushed_again(site: Site) -> None:
    site.build(a="old")
    number = site.push("a", "new")
    site.build(a="old")
    for _ in range(2):
        assert site.build() == {}
        assert site.settled == {"a": number}
    site.push("a", "new")
    assert site.build() == {"a": "new"}


def test_what_no_source_ever_had_stays_by_pushes_alone(site: Site) -> None:
    site.push("a", "pushed")
    for _ in range(2):
        assert site.build() == {"a": "pushed"}
    number = site.push("a", None)
    assert site.build() == {}
    assert site.settled == {"a": number}


def test_a_deletion_stands_until_no_source_has_the_page(site: Site) -> None:
    site.build(a="old")
    number = site.push("a", None)
    assert site.build(a="old") == {}
    assert site.build(a="edited") == {}
    assert site.settled == {}
    assert site.build() == {}
    assert site.settled == {"a": number}
    assert site.build(a="back") == {"a": "back"}
    assert site.build(a="back") == {"a": "back"}


@pytest.mark.parametrize("before", [{}, {"a": "old"}])
def test_a_page_whose_server_fails_is_not_gone(site: Site, before: dict[str, Any]) -> None:
    settled = {"c": site.push("c", "new")}
    site.build(**before, b="old", c="new", d="same")
    number = site.push("a", None)
    site.push("b", "new")
    same = site.push("d", "same")
    for _ in range(2):
        assert site.build(a=FAILS, b=FAILS, c=FAILS, d=FAILS) == {"b": "new", "d": "same"}
        assert site.settled == settled
    shown = {"b": "new", "c": "new", "d": "same"}
    assert site.build(**before, b="old", c="new", d="same") == shown
    assert site.settled == settled | {"d": same} | ({} if before else {"a": number})
    assert site.build(b=FAILS, c="new", d="same") == shown


def test_a_push_after_a_deletion_brings_the_page_back(site: Site) -> None:
    site.build(a="old")
    site.push("a", None)
    site.build(a="old")
    site.push("a", "again")
    assert site.build(a="old") == {"a": "again"}


def test_a_deletion_after_a_push_wins_over_both(site: Site) -> None:
    site.build(a="old")
    site.push("a", "new")
    site.build(a="old")
    site.push("a", None)
    assert site.build(a="old") == {}


def test_what_is_settled_is_forgotten_with_its_statement(site: Site) -> None:
    site.push("a", "same")
    site.build(a="same")
    site.statements.clear()
    assert site.build(a="same") == {"a": "same"}
    assert site.settled == {}


@pytest.mark.parametrize(
    ("source_age", "push_age", "holds"), [(10, 5, "new"), (5, 10, "old"), (10, 10, "old")]
)
def test_times_that_records_state_are_compared_whatever_was_seen_when(
    site: Site, source_age: int, push_age: int, holds: str
) -> None:
    now = utc_now() // 1000 * 1000
    old = {"title": "old", "updated": (now - source_age * MINUTE) // 1000}
    for _ in range(2):
        site.push("a", "new")
        site.statements["a"] = replace(site.statements["a"], stated=now - push_age * MINUTE)
        assert site.build(a=old) == {"a": holds}


def test_a_time_that_lies_ahead_is_not_believed(site: Site) -> None:
    old = {"title": "old", "updated": (utc_now() + MINUTE) // 1000}
    site.build(a=old)
    site.push("a", "new")
    assert site.build(a=old) == {"a": "new"}


def test_a_push_of_a_clock_that_was_ahead_is_not_the_newest_word(site: Site) -> None:
    site.build(a={"title": "old", "updated": (utc_now() - 2 * MINUTE) // 1000})
    site.push("a", "new")
    site.statements["a"] = replace(site.statements["a"], stated=utc_now() + MINUTE)
    edited = {"title": "edited", "updated": (utc_now() - MINUTE) // 1000}
    assert site.build(a=edited) == {"a": "edited"}


def test_a_day_without_a_time_is_no_moment_to_compare_with(site: Site) -> None:
    old = {"title": "old", "updated": "2199-01-01", "modified": ""}
    site.build(a=old)
    site.push("a", "new")
    assert site.build(a=old) == {"a": "new"}


def test_where_missing_articles_are_kept_only_deletions_take_them_away(site: Site) -> None:
    with pytest.raises(NotFoundError, match="there is no live build"):
        site.build(keep=True)
    site.build(a="old", b="old")
    site.push("a", "new")
    site.push("b", None)
    assert site.build(a="old", b="old") == {"a": "new"}


def test_a_refused_statement_leaves_the_source_as_it_is(site: Site) -> None:
    for pushed in ("new", None):
        site.push("a", pushed)
        site.statements["a"] = replace(site.statements["a"], refused="max_loss")
        assert site.build(a="old") == {"a": "old"}
    assert site.settled == {}


def test_a_record_that_can_no_longer_be_read_is_told_and_passed_over(site: Site) -> None:
    number = site.push("a", " ")
    assert site.build(a="old") == {"a": "old"}
    ((article_id, refused, reason),) = site.context.refused
    assert (article_id, refused) == ("a", number)
    assert "title" in reason


def test_pushed_articles_name_their_source(site: Site) -> None:
    site.push("a", "pushed")
    site.build()
    assert site.context.report.skipped.total() == 0
    with closing(ArticleStore(site.context.folder / ARTICLES)) as store:
        assert {article.source for article in store} == {PUSHED, "export"}


def test_without_any_source_pushes_are_the_site(tmp_path: Path, site: Site) -> None:
    site.push("a", "pushed")
    site.build()
    context = replace(site.context, folder=tmp_path, report=ReadReport())
    assert read_sources(context, []) == 1
    (tmp_path / ARTICLES).unlink()
    for pushed, said in ((None, "pushed holds no records"), (" ", "none of the 1 records")):
        site.push("a", pushed)
        with pytest.raises(SourceError, match=said):
            read_sources(replace(context, report=ReadReport()), [])
        (tmp_path / ARTICLES).unlink()


def test_a_source_of_which_all_is_gone_makes_no_build(site: Site) -> None:
    site.push("other", None)
    with pytest.raises(SourceError, match="all of export is gone, as was pushed"):
        site.build()


def test_builds_before_pushing_was_possible_know_nothing_of_sources(site: Site) -> None:
    site.build(a="old", pushable=False)
    site.push("a", "new")
    assert site.build(a="old") == {"a": "old"}, "first seen after the push"
    site.push("a", "new")
    assert site.build(a="old") == {"a": "new"}
