"""A card has one definition: each of its fields is in the JSON, the documents and the fragment."""

from __future__ import annotations

import html
import importlib.resources
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.articles.card import ArticleCard, CardImage, read_card, render_card
from index.build.build import Build
from recommender.article import Article, Image
from service.api.api_models import RelatedItem
from service.api.draft_models import SameStory
from service.http.html_fragment import FragmentCard, Heading, make_fragment_card, render_fragment

FIELDS = list(ArticleCard.model_fields)
CARD: dict[str, Any] = {
    "article_id": "an/id",
    "title": "A <title>",
    "url": "/an%2Fid?a&b",
    "excerpt": "An “excerpt” & more.",
    "image": {"src": "/picture.svg", "alt": "What it shows"},
    "date": "2026-03-05",
}
SELECTORS = {
    "article_id": None,  # readers know an article by its address
    "title": ".alsolike-title",
    "url": ".alsolike-title a",
    "excerpt": ".alsolike-excerpt",
    "image": ".alsolike-image",
    "date": ".alsolike-date",
}
"""Where the fragment shows each field, as the widget's style sheet names it."""


def in_fragment(card: dict[str, Any]) -> str:
    shown = make_fragment_card(ArticleCard.model_validate(card), "en", "en")
    return render_fragment([shown], Heading(text="More", language="en")).decode()


def values_of(value: Any) -> list[str]:
    return (
        [part for one in value.values() for part in values_of(one)]
        if isinstance(value, dict)
        else [value]
    )


def test_every_field_of_a_card_is_tested_here() -> None:
    assert list(CARD) == list(SELECTORS) == FIELDS
    assert list(CARD["image"]) == list(CardImage.model_fields)


@pytest.mark.parametrize("name", FIELDS)
def test_the_json_of_a_card_has_each_field(name: str, sample_build: Build) -> None:
    rendered = json.loads(b"{%b}" % sample_build.cards[0])
    assert list(rendered) == FIELDS
    assert name in RelatedItem.model_json_schema()["required"]
    assert name in SameStory.model_json_schema()["required"]
    assert name in FragmentCard.model_fields


@pytest.mark.parametrize("name", [name for name in FIELDS if SELECTORS[name]])
def test_the_fragment_and_its_style_show_each_field(name: str) -> None:
    page = in_fragment(CARD)
    for value in values_of(CARD[name]):
        assert html.escape(value) in page or value in page
    style = (importlib.resources.files("service") / "static" / "widget.css").read_text()
    for part in str(SELECTORS[name]).split():
        assert part in style
        assert part.removeprefix(".") in page


@given(
    title=st.text(st.characters(exclude_categories=["Cs"])).filter(str.strip),
    excerpt=st.text(st.characters(exclude_categories=["Cs"]), max_size=60),
    picture=st.none() | st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
)
def test_a_card_is_rendered_as_json_and_read_back(
    title: str, excerpt: str, picture: str | None
) -> None:
    article = Article(
        id="a",
        title=title,
        url="/a",
        excerpt=excerpt,
        image=None if picture is None else Image(src="/a.svg", alt=picture),
    )
    rendered = b"{%b}" % render_card(article, "")
    values = json.loads(rendered)
    assert rendered == json.dumps(values, ensure_ascii=False, separators=(",", ":")).encode()
    assert read_card(rendered[1:-1]) == ArticleCard.model_validate(values)
    assert values["title"] == title
    assert values["image"] == (None if picture is None else {"src": "/a.svg", "alt": picture})
