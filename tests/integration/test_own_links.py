"""Measuring a build by the links of its own pages, without the words of these links."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from index.build.build import Build
from index.query import RelatedQuery, SkipLinked
from index.root.root import Root
from recommender.errors import InputError
from recommender.visibility import NEVER, utc_now
from service.decisions.decision_state import DecisionState, Override, OverrideKind
from service.serving.drafts import DraftRelater
from service.serving.own_links import evaluate_own_links, linked_stories
from service.serving.serving_view import ServingView
from tests.support.articles import topical
from tests.support.builds import publish

RELATER = DraftRelater("hashing:64", "float32")
QUERY = RelatedQuery()


def linking(number: int, others: list[int], *, said: bool) -> dict[str, Any]:
    """An article that links to others of its topic, by their titles or by "here"."""
    records = topical(48)
    words = [records[other]["title"] if said else "here" for other in others]
    record = records[number]
    return {
        **record,
        "sections": [{"text": f"{record['summary']} Read {', '.join(words)}."}],
        "links": [
            {"url": records[other]["url"], "text": word, "section": 0}
            for other, word in zip(others, words, strict=True)
        ],
    }


def make(folder: Path, *, said: bool) -> Build:
    folder.mkdir()
    records = topical(48)
    for number in range(0, 24, 3):
        records[number] = linking(number, [(number + 20) % 48, (number + 32) % 48], said=said)
    root = Root(folder / "root")
    return root.open(publish(root, folder, records))


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> Build:
    return make(tmp_path_factory.mktemp("said") / "site", said=True)


def measure(build: Build, **options: Any) -> dict[str, Any]:
    return evaluate_own_links(build, RELATER, options.pop("query", QUERY), **options)


def test_links_that_repeat_titles_score_no_higher_once_their_words_are_taken_out(
    said: Build, tmp_path: Path
) -> None:
    found = measure(said)
    assert found["seeds"] == found["linking"] == 8
    assert found["as_written"]["ndcg10"] > found["masked"]["ndcg10"] + 0.1
    plain = measure(make(tmp_path / "site", said=False))
    assert found["masked"]["ndcg10"] <= plain["masked"]["ndcg10"] + 0.02


def test_an_article_is_not_ranked_by_the_copy_of_itself_that_the_build_holds(said: Build) -> None:
    row = said.row("sea-000")
    assert row is not None
    now, served = utc_now(), ServingView(said)
    related = RELATER.relate(served, said.article(row), now=now, query=QUERY, own=row)
    assert row not in [item.row for item in related.answer(served, now=now, query=QUERY).items]


def test_neither_decisions_nor_what_lists_make_of_links_change_the_figures(said: Build) -> None:
    plain = measure(said)
    pages = [said.article_id(row) for row in range(said.count)]
    pins = {
        page: (
            Override(article_id=page, target_id="rail-047", kind=OverrideKind.PIN, position=1),
            Override(article_id=page, target_id="sea-004", kind=OverrideKind.HIDE),
        )
        for page in pages
    }
    for skip_linked in SkipLinked:
        query = RelatedQuery(skip_linked=skip_linked, site_pins=skip_linked is SkipLinked.LAST)
        assert measure(said, query=query, state=DecisionState(overrides=pins)) == plain


def test_articles_with_too_few_links_or_hidden_targets_are_left_out(said: Build) -> None:
    now = utc_now()
    every = linked_stories(ServingView(said), now, 1)
    assert len(every) == 8
    target = min(min(stories) for stories in every.values())
    gone = said.article_id(int(said.members[target][0]))
    taken = ServingView(said, DecisionState(takedowns={gone: NEVER}))
    assert all(target not in stories for stories in linked_stories(taken, now, 1).values())
    assert len(linked_stories(taken, now, 2)) < 8
    with pytest.raises(InputError, match="links to 40 or more others"):
        measure(said, min_related=40)


def test_the_same_articles_are_drawn_each_time(said: Build) -> None:
    assert measure(said, seeds=3) == measure(said, seeds=3)
    assert measure(said, seeds=3)["seeds"] == 3
