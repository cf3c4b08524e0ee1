"""A site in several languages: each list in its own, no list beside a page's own translations."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from index.build.build import Build
from index.build.shown_lists import related_lists
from index.query import Fallback, RelatedQuery
from index.root.root import Root
from recommender.article import Article
from recommender.encoder import HashingEncoder
from recommender.recommender import Recommender
from recommender.translations import key_number
from recommender.visibility import NEVER, utc_now
from service.curation.preview import make_preview
from service.decisions.decision_state import DecisionState
from service.roles import Role
from service.serving.drafts import DraftIndex, read_draft
from service.serving.selection import select
from service.serving.serving_view import ServingView
from tests.support.articles import topical
from tests.support.builds import publish
from tests.support.editor_forms import add_editor, editor
from tests.support.editor_site import Desk, open_desk

COUNT = 16
MISSING = ("de/3", "es/5", "en/6", "de/7", "es/7", "de/12")
ENCODER = HashingEncoder(64)


def records() -> list[dict[str, Any]]:
    """Sixteen pages in English, German and Spanish, not all in each; half of the words agree."""
    found = []
    for number, record in enumerate(topical(COUNT)):
        for language in ("en", "de", "es"):
            if f"{language}/{number}" in MISSING:
                continue
            words = record["summary"].split()
            if language != "en":
                words = [word + language if at % 2 else word for at, word in enumerate(words)]
            found.append(
                {
                    **record,
                    "id": f"{language}/{number}",
                    "url": f"/{language}/{number}",
                    "title": f"{record['title']} {language}",
                    "summary": " ".join(words),
                    "language": language,
                    "translation_key": f"page {number}",
                }
            )
    return found


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Root:
    folder = tmp_path_factory.mktemp("translated")
    root = Root(folder / "root")
    publish(root, folder, records())
    return root


@pytest.fixture(scope="module")
def build(site: Root) -> Build:
    pointer = site.current()
    assert pointer is not None
    return site.open(pointer.build)


@pytest.fixture
def desk(site: Root, tmp_path: Path) -> Iterator[Desk]:
    with open_desk(site.path, tmp_path, model="hashing:64", draft_rate=10_000) as opened:
        yield opened


def shown(build: Build, page: str, *taken_down: str, **query: Any) -> list[str]:
    served = ServingView(build, DecisionState(takedowns=dict.fromkeys(taken_down, NEVER)))
    row = build.row(page)
    assert row is not None
    wanted = RelatedQuery(**{"limit": COUNT, "fallback": Fallback.NONE, **query})
    items = select(served, row, now=utc_now(), query=wanted)
    return [build.article_id(item.row) for item in items]


def languages(ids: list[str]) -> list[str]:
    return [article_id[:2] for article_id in ids]


@pytest.mark.parametrize("page", ["en/0", "de/0", "es/0", "de/6", "en/7"])
def test_a_list_is_in_its_own_language_first_and_shows_each_story_once(
    build: Build, page: str
) -> None:
    own = page[:2]
    found = shown(build, page)
    pages = [article_id[3:] for article_id in found]
    assert len(found) > 2
    assert page != "de/0" or {"en/12", "es/12"} & set(found)
    assert len(set(pages)) == len(pages)
    assert page[3:] not in pages
    others = [article_id for article_id in found if article_id[:2] != own]
    assert found[len(found) - len(others) :] == others
    exists = {record["id"] for record in records()}
    assert not [other for other in others if f"{own}/{other[3:]}" in exists]


def test_what_is_asked_in_a_language_is_in_that_language(build: Build) -> None:
    found = shown(build, "en/0", language="de")
    assert set(languages(found)) == {"de"}
    assert "de/0" not in found
    assert shown(build, "en/0", language="fr") == []


def test_taking_one_translation_down_leaves_the_others(build: Build) -> None:
    first = shown(build, "de/0")[0]
    english = f"en{first[2:]}"
    found = shown(build, "de/0", first)
    assert first not in found
    assert {english, f"es{first[2:]}"} & set(found)  # in the language of no list: any may stand
    before = shown(build, "en/0")
    assert shown(build, "en/0", first) == before
    assert english in before
    assert not {english, f"es{first[2:]}"} & set(shown(build, "de/0", first, language="de"))


@pytest.mark.parametrize(
    "change", [{"status": "hidden"}, {"status": "draft"}, {"visible_until": "2020-01-01T00:00Z"}]
)
def test_hiding_or_ending_one_translation_leaves_the_others(
    change: dict[str, str], build: Build, tmp_path: Path
) -> None:
    gone = shown(build, "de/0")[0]
    changed = [{**one, **change} if one["id"] == gone else one for one in records()]
    root = Root(tmp_path / "root")
    other = root.open(publish(root, tmp_path, changed))
    assert gone not in shown(other, "de/0")
    assert f"en{gone[2:]}" in shown(other, "en/0")


def test_articles_of_unknown_language_stand_with_the_others_by_score(tmp_path: Path) -> None:
    changed = [
        {**one, "language": None} if one["language"] == "es" else one
        for one in records()
        if one["id"] not in ("en/1", "en/2")
    ]
    for one in changed:
        del one["translation_key"]
    root = Root(tmp_path / "root")
    build = root.open(publish(root, tmp_path, changed))
    row = build.row("de/0")
    rows = [other for other in build.related_rows[row].tolist() if other >= 0]
    scores = build.related_scores[row][: len(rows)].tolist()
    own = [build.article_id(other)[:2] == "de" for other in rows]
    assert own == sorted(own, reverse=True)
    rest = [score for score, mine in zip(scores, own, strict=True) if not mine]
    assert rest[12:] == sorted(rest[12:], reverse=True)  # the head is made diverse
    kinds = [build.article_id(other)[:2] for other in rows if build.article_id(other)[:2] != "de"]
    assert kinds != sorted(kinds, reverse=True)  # neither kind stands before the other


def test_lists_of_reports_and_of_the_library_are_those_that_readers_get(build: Build) -> None:
    query = RelatedQuery(limit=COUNT, fallback=Fallback.NONE)
    lists = related_lists(build, utc_now(), query)
    library = Recommender(encoder=ENCODER).fit(list(build.articles))
    for row in range(build.count):
        page = build.article_id(row)
        found = shown(build, page)
        assert [build.article_id(other) for other in lists[row] if other >= 0] == found
        assert [one.article.id for one in library.related(page, limit=COUNT)] == found


def test_a_draft_gets_a_list_in_its_language(build: Build) -> None:
    (record,) = [one for one in records() if one["id"] == "es/4"]
    served, index = ServingView(build), DraftIndex(build)
    fields = {name: record[name] for name in ("title", "summary", "language")}
    for extra in ({}, {"language": "de"}):
        wanted = RelatedQuery(limit=COUNT, fallback=Fallback.NONE, **extra)
        draft = index.relate(
            read_draft(fields), ENCODER, served=served, now=utc_now(), query=wanted
        )
        answer = draft.answer(served, now=utc_now(), query=wanted)
        found = [build.article_id(item.row) for item in answer.items]
        if extra:
            assert set(languages(found)) == {"de"}
        else:
            article = shown(build, "es/4")
            assert set(languages(found)[:3]) == {"es"}
            assert found[:3] == article[:3]
            assert [build.article_id(row)[2:] for row in answer.same_story] == ["/4"] * len(
                answer.same_story
            )
        assert "/4" not in {article_id[2:] for article_id in found}


def test_an_editor_sees_the_language_of_what_is_in_another_one(desk: Desk) -> None:
    add_editor(desk.settings.root, "mira", Role.EDITOR)
    with editor(desk) as mira:
        mira.look("de/0")
        rows = re.findall(r'data-target="([^"]*)".*?<p class="meta">(.*?)<a', mira.page, re.DOTALL)
    told = {page: set(re.split(r"<[^>]*>| · ", row)) & {"de", "en", "es"} for page, row in rows}
    assert "en/12" in told or "es/12" in told
    assert all(found == {page[:2]} - {"de"} for page, found in told.items())


def test_every_way_to_ask_gives_the_same_list(desk: Desk, build: Build) -> None:
    expected = shown(build, "de/0", limit=6, min_score=0.05, fallback=Fallback.TAG)
    assert desk.shown("de/0") == expected
    batch = desk.ask("POST", "/v1/related/batch", json={"ids": ["de/0"]}).json()
    (one,) = batch["results"]
    assert [item["article_id"] for item in one["answer"]["items"]] == expected
    page = desk.ask("GET", "/v1/related.html?id=de/0").text
    links = dict.fromkeys(re.findall(r'href="/([a-z]{2}/\d+)"', page))
    urls = {record["url"][1:]: record["id"] for record in records()}
    assert [urls[link] for link in links] == expected
    served = ServingView(build)
    row = build.row("de/0")
    assert row is not None
    query = RelatedQuery(limit=6, min_score=0.05)
    preview = make_preview(served, row, now=utc_now(), query=query)
    assert [build.article_id(item.row) for item in preview.chosen] == expected
    own = [one for one in preview.candidates if one.left_out == "own-story"]
    assert {build.article_id(one.row) for one in own} <= {"en/0", "es/0"}


def test_a_pin_shows_the_very_article_that_it_names_and_a_hide_keeps_its_story_out(
    desk: Desk,
) -> None:
    first, second = desk.shown("de/0")[:2]
    english = f"en{second[2:]}"
    assert desk.decide(english, "de/0", kind="pin", position=1).status_code < 300
    assert desk.decide(f"en{first[2:]}", "de/0", kind="hide").status_code < 300
    found = desk.shown("de/0", limit=COUNT, fallback="none")
    assert found[0] == english
    assert second not in found
    assert first[2:] not in {article_id[2:] for article_id in found}


@pytest.mark.parametrize(
    ("german", "english", "other"),
    [
        ("/de/c%23", "/en/c%23#top", "/en/c"),
        ("/#/de/tides", "/#/tides", "/#/kelp"),
        ("/de#/tides", "/en#/tides", "/en"),
    ],
)
def test_the_addresses_of_translations_differ_only_in_the_language(
    german: str, english: str, other: str
) -> None:
    first, second, third = (
        key_number(Article(id="a", title="A", url=url, language=language))
        for url, language in ((german, "de"), (english, "en"), (other, "en"))
    )
    assert first == second != third


def test_the_language_in_an_address_may_be_a_country() -> None:
    japanese, english = (
        key_number(Article(id="a", title="A", url=f"https://x.example/{code}/tides", language=tag))
        for code, tag in (("jp", "ja"), ("en", "en"))
    )
    assert japanese == english


def test_addresses_that_differ_only_in_the_language_are_translations(tmp_path: Path) -> None:
    changed = records()
    for one in changed:
        del one["translation_key"]
        language, _, number = one["id"].partition("/")
        one["url"] = f"https://x.example/{number}" if language == "en" else f"/sea/{one['id']}"
        if language == "de":
            one["url"] = f"https://x.example/de-AT/{number}/#top"
    root = Root(tmp_path / "root")
    build = root.open(publish(root, tmp_path, changed))
    stories = {build.article_id(row): int(build.stories[row]) for row in range(build.count)}
    for number in range(COUNT):
        if {f"en/{number}", f"de/{number}"} <= stories.keys():
            assert stories[f"en/{number}"] == stories[f"de/{number}"]
    assert stories["es/1"] != stories["en/1"]
    assert "en/0" not in shown(build, "de/0")
    assert not [key for key in build.report()["reading"]["notes"] if "translation" in key]
