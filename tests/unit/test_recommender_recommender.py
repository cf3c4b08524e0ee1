"""The recommender as one object: what a notebook relies on."""

from __future__ import annotations

import pytest

import recommender
from index.query import Fallback, RelatedQuery
from recommender import Recommender
from recommender.article import Article, Section
from recommender.encoder import HashingEncoder
from recommender.errors import ArticleError, InputError, NotFoundError
from recommender.visibility import microseconds
from service.serving.selection import select
from service.serving.serving_view import ServingView

RECORDS = [
    {"id": "waves", "title": "Kelp and waves", "text": "Kelp forests calm the waves at the coast."},
    {"id": "fish", "title": "Fish in kelp", "text": "Young fish hide in kelp forests by night."},
    {"id": "loaf", "title": "A slow loaf", "text": "Sourdough bread rises slowly in the kitchen."},
    {"id": "oven", "title": "The oven", "text": "A village oven bakes sourdough bread on Friday."},
    {"id": "owls", "title": "Quiet owls", "text": "Owls fly without noise over the fields."},
]


def ids(found):
    return [item.article.id for item in found]


def fit(records=RECORDS, **more):
    return Recommender(encoder=HashingEncoder(256), **more).fit(records)


def test_what_speaks_of_the_same_is_first():
    site = fit()
    assert ids(site.related("waves"))[0] == "fish"
    assert ids(site.related("loaf"))[0] == "oven"
    assert "kelp" in map(str.casefold, site.related("waves")[0].shared_terms)


def test_a_list_is_ranked_never_holds_the_article_and_is_no_longer_than_asked():
    site = fit()
    for record in RECORDS:
        found = site.related(record["id"], limit=2)
        assert record["id"] not in ids(found)
        assert len(found) <= 2
        scores = [item.score for item in found]
        assert scores == sorted(scores, reverse=True)
        assert all(0 < score <= 1 for score in scores)


def test_a_story_is_shown_once_in_its_newest_version():
    again = {**RECORDS[1], "id": "fish-2", "title": "Fish in kelp, again", "supersedes": "fish"}
    site = fit([*RECORDS, again])
    assert "fish-2" in ids(site.related("waves"))
    assert "fish" not in ids(site.related("waves"))
    assert "fish" not in ids(site.related("fish-2"))
    assert site.explain("fish", "fish-2").same_story


def test_a_draft_is_related_and_never_shown():
    draft = {**RECORDS[1], "status": "draft"}
    site = fit([RECORDS[0], draft, *RECORDS[2:]])
    assert "fish" not in ids(site.related("waves"))
    assert "waves" in ids(site.related("fish"))


def test_a_text_from_outside_is_related_as_if_it_had_been_among_them():
    text = "Urchins graze kelp forests bare; otters bring the kelp back."
    found = fit().related_to(text, title="Urchins in the kelp")
    assert set(ids(found)[:2]) == {"waves", "fish"}
    assert "kelp" in map(str.casefold, found[0].shared_terms)
    among = fit([*RECORDS, {"id": "urchins", "title": "Urchins in the kelp", "text": text}])
    assert ids(found)[:2] == ids(among.related("urchins"))[:2]


def test_a_text_without_a_title_is_related_too():
    found = fit().related_to("A sourdough loaf from the village oven.", limit=2)
    assert set(ids(found)) == {"loaf", "oven"}


def test_a_copy_of_an_article_is_not_related_to_itself():
    waves = RECORDS[0]
    assert "waves" not in ids(fit().related_to(waves["text"], title=waves["title"]))


def test_articles_of_the_texts_own_language_go_first():
    german = {
        "id": "brot",
        "title": "Ein Laib Brot",
        "text": "Sourdough heißt auf Deutsch Sauerteig.",
        "language": "de",
    }
    site = fit([*({**record, "language": "en"} for record in RECORDS), german])
    text = "Auf Deutsch heißt sourdough Sauerteig. Sourdough bread rises in the kitchen."
    assert ids(site.related_to(text, language="de"))[0] == "brot"
    assert ids(site.related_to(text, language="en"))[0] != "brot"
    assert site.related_to(text, language="fr")


@pytest.mark.parametrize("text", ["", "  \n "])
def test_an_empty_text_is_an_error(text):
    with pytest.raises(InputError, match="empty"):
        fit().related_to(text)


def test_a_text_needs_articles_first():
    with pytest.raises(InputError, match="fit"):
        Recommender(encoder=HashingEncoder(64)).related_to("kelp")


def test_an_explanation_names_what_both_hold():
    why = fit().explain("waves", "fish")
    assert why.sentence.startswith("Both mention “")
    assert all(term in why.sentence for term in why.shared_terms)
    assert why.score is not None
    assert 0 < why.word_similarity < 1
    assert why.cosine < 1
    assert not why.same_story


def test_fitting_again_forgets_what_was_before():
    site = fit()
    site.fit(RECORDS[:3])
    assert len(site) == 3
    assert "oven" not in site
    with pytest.raises(NotFoundError, match="'oven'"):
        site.related("oven")


def test_fitting_that_is_interrupted_changes_nothing(monkeypatch):
    site = fit()
    before = [(item.article.id, item.score) for item in site.related("waves")]

    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("recommender.recommender.relate", interrupted)
    with pytest.raises(KeyboardInterrupt):
        site.fit([{**RECORDS[0], "language": "de"}, *RECORDS[2:]])
    assert [(item.article.id, item.score) for item in site.related("waves")] == before
    assert site.related_to("Sourdough bread in an oven.")[0].article.id in ("loaf", "oven")


def test_articles_at_one_address_are_one_story():
    again = {"id": "nets", "title": "Nets", "text": "Young fish hide from nets.", "url": "/fish"}
    site = fit([*RECORDS[:1], {**RECORDS[1], "url": "/fish"}, *RECORDS[2:], again])
    assert site.explain("fish", "nets").same_story
    assert not {"fish", "nets"} & {*ids(site.related("fish")), *ids(site.related("nets"))}
    assert len({"fish", "nets"} & {*ids(site.related("waves"))}) == 1
    assert not site.explain("waves", "loaf").same_story


def test_what_a_list_shows_has_the_same_score_in_an_explanation():
    german = {"title": "Fische im Tang", "text": "Junge Fische.", "language": "de"}
    records = [{**each, "language": "en"} for each in RECORDS]
    records[1]["translation_key"] = "fish"
    site = fit([*records, {**german, "id": "fisch", "translation_key": "fish"}])
    for record in records:
        for item in site.related(record["id"]):
            assert site.explain(record["id"], item.article.id).score == pytest.approx(item.score)
    again = {**RECORDS[1], "id": "fish-2", "date": "2020-01-01"}
    site = fit([*RECORDS, again, {**RECORDS[1], "id": "fish-3", "status": "draft"}])
    (shown,) = [item for item in site.related("waves") if item.article.id.startswith("fish")]
    assert site.explain("waves", shown.article.id).score == pytest.approx(shown.score)


def test_nothing_to_fit_is_an_error():
    with pytest.raises(InputError, match="list of articles is empty"):
        fit([])


def test_asking_before_fitting_says_what_to_do():
    site = Recommender(encoder=HashingEncoder(256))
    for ask in (
        lambda: site.related("waves"),
        lambda: site.explain("waves", "fish"),
        lambda: site.boilerplate,
    ):
        with pytest.raises(InputError, match=r"call fit\(articles\) first"):
            ask()


@pytest.mark.parametrize("records", [RECORDS[0], "waves", ["waves"], [("id", "waves")]])
def test_what_is_no_list_of_records_is_refused_in_words(records):
    with pytest.raises(InputError, match="article"):
        fit(records)


def test_a_limit_below_nothing_is_refused():
    with pytest.raises(InputError, match="-1"):
        fit().related("waves", limit=-1)
    assert fit().related("waves", limit=0) == []
    with pytest.raises(InputError, match="depth 0"):
        Recommender(depth=0)


def test_what_a_notebook_prints_is_a_line_without_texts():
    assert repr(Recommender("some-model")) == "<Recommender: some-model, not fitted>"
    site = fit()
    assert repr(site) == "<Recommender: hashing:256, 5 articles>"
    (first,) = site.related("waves", limit=1)
    assert repr(first).startswith(f"RelatedArticle({first.score:.2f}, 'fish', 'Fish in kelp', ")
    assert RECORDS[1]["text"] not in repr(first)


def test_a_single_article_has_no_related_ones():
    assert fit(RECORDS[:1]).related("waves") == []


@pytest.mark.parametrize(
    ("record", "field"),
    [
        ({"id": "a", "title": "A", "txt": "…"}, "txt"),
        ({"id": 7, "title": "A"}, "id"),
        ({"id": "a"}, "title"),
        ({"id": "a", "title": "A", "text": float("nan")}, "text"),
        ({"id": "a", "title": "A", "status": "live"}, "status"),
        ({"id": "a", "title": "A", "date": "yesterday"}, "date"),
        ({"id": "a", "title": "A", "date": "2023-02-30"}, "date"),
        ({"id": "a", "title": "A", "tags": "bread"}, "tags"),
        ({"id": "a ", "title": "A"}, "id"),
    ],
)
def test_a_record_that_is_no_article_is_refused_by_name(record, field):
    with pytest.raises(ArticleError) as caught:
        fit([record])
    assert caught.value.field == field


def test_an_id_that_occurs_twice_is_refused():
    with pytest.raises(ArticleError, match="two articles have the id"):
        fit([RECORDS[0], RECORDS[0]])


def test_records_and_articles_give_the_same_lists():
    articles = [
        Article(id=r["id"], title=r["title"], url="", sections=(Section(text=r["text"]),))
        for r in RECORDS
    ]
    one, other = fit(), fit(reversed(articles))
    for record in RECORDS:
        mine, theirs = one.related(record["id"]), other.related(record["id"])
        assert [(i.article.id, i.score) for i in mine] == [(i.article.id, i.score) for i in theirs]


def test_lists_are_those_of_a_build(sample_build):
    articles = list(sample_build.articles)
    now = microseconds(max(a.visible_from for a in articles if a.visible_from)) + 10**12
    site = Recommender(encoder=HashingEncoder(256)).fit(articles)
    served = ServingView(sample_build)
    seen = 0
    query = RelatedQuery(limit=6, fallback=Fallback.NONE)
    hidden = {a.id for a in articles if a.visible_from or a.visible_until}
    for row in range(sample_build.count):
        chosen = select(served, row, now=now, query=query)
        built = [sample_build.article_id(item.row) for item in chosen]
        found = ids(site.related(sample_build.article_id(row), limit=6))
        if not hidden & {*built, *found}:  # the two clocks differ
            assert found == built
            seen += 1
    assert seen > 60


def test_everything_exported_is_there_and_sorted():
    assert sorted(recommender.__all__) == recommender.__all__
    for name in recommender.__all__:
        assert getattr(recommender, name).__name__ == name
    with pytest.raises(AttributeError, match="nothing_such"):
        _ = recommender.nothing_such
