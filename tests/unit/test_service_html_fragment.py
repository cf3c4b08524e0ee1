"""The "You May Also Like" section: what a page may safely take in."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from index.articles.card import ArticleCard
from index.articles.word_table import load_table
from index.root.root import Root
from service.app import create_app
from service.http import html_fragment
from service.http.html_fragment import (
    FragmentCard,
    Heading,
    make_fragment_card,
    make_heading,
    render_fragment,
)
from service.settings import Settings
from tests.support.articles import prose
from tests.support.builds import publish

HOSTILE = "</a><script>alert('x')</script>\"' onload=alert(1) {{ 7*7 }} <!-- &amp;"
ALLOWED = {"section", "h2", "h3", "ul", "li", "img", "div", "a", "time", "p", "span"}
VOID = {"img"}


class Page(HTMLParser):
    """Reads HTML as a browser would, as far as these tests need it."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.open: list[str] = []
        self.comments: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_comment(self, data: str) -> None:
        self.comments.append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def values(**changes: Any) -> dict[str, Any]:
    return {
        "article_id": "a",
        "title": "A title",
        "url": "/a",
        "excerpt": "An excerpt.",
        "image": {"src": "/a.svg", "alt": "A picture"},
        "date": "2026-03-05",
        **changes,
    }


def in_fragment(card: dict[str, Any], language: str | None, locale: str) -> FragmentCard:
    return make_fragment_card(ArticleCard.model_validate(card), language, locale)


def section(*cards: dict[str, Any], language: str | None = "en", locale: str = "en") -> Page:
    heading = make_heading(None, language, locale)
    return Page(
        render_fragment([in_fragment(card, language, locale) for card in cards], heading).decode()
    )


@hypothesis_settings(max_examples=60)
@given(
    title=st.text(min_size=1) | st.just(HOSTILE),
    excerpt=st.text() | st.just(HOSTILE),
    alt=st.text() | st.just(HOSTILE),
    url=st.just(HOSTILE) | st.text(),
)
def test_no_value_leaves_its_place(title: str, excerpt: str, alt: str, url: str) -> None:
    page = section(
        values(title=title, excerpt=excerpt, url=url, image={"src": url, "alt": alt}), values()
    )
    assert {tag for tag, _ in page.tags} <= ALLOWED
    assert page.open == []
    assert page.comments == []
    assert len(page.all("li")) == 2
    assert len(page.all("a")) == 4
    for _, attributes in page.tags:
        assert not any(name.startswith("on") or name == "style" for name in attributes)


def test_a_hostile_title_is_shown_as_it_is_written() -> None:
    page = section(values(title=HOSTILE, excerpt=HOSTILE))
    assert page.text.count(HOSTILE) == 2
    assert page.all("a")[1]["aria-label"] == f"Read more: {HOSTILE}"
    assert "49" not in page.text


def test_a_hostile_record_goes_through_the_whole_service_without_harm(tmp_path: Path) -> None:
    place = Root(tmp_path / "root")
    hostile = [
        {
            "id": f'"><script>{number}',
            "title": f"{HOSTILE} {number}",
            "summary": f"{HOSTILE} {prose(number)}",
            "excerpt": HOSTILE,
            "url": f"https://site.example/?q='><b>{number}",
            "image": {"src": "/x.svg?'\"><b>", "alt": HOSTILE},
            "language": "en",
            "date": "2026-03-05",
        }
        for number in range(4)
    ]
    unsafe = {"id": "unsafe", "title": "Unsafe", "summary": prose(9), "url": "javascript:alert(1)"}
    publish(place, tmp_path, [*hostile, unsafe])
    with TestClient(create_app(Settings(root=place.path))) as client:
        answer = client.get("/v1/related.html", params={"id": '"><script>0'})
        unsafe_page = client.get("/v1/related.html", params={"id": "unsafe"})
        assert unsafe_page.status_code == 200
    assert answer.status_code == 200
    page = Page(answer.text)
    assert {tag for tag, _ in page.tags} <= ALLOWED
    assert len(page.all("li")) == 4
    assert page.all("a")[0]["href"].startswith("https://site.example/?q='><b>")
    assert "javascript:" not in answer.text


@pytest.mark.parametrize(
    ("language", "locale", "printed", "heading", "more"),
    [
        ("en", "de", "March 5, 2026", "You May Also Like", "Read more"),
        ("en-gb", "de", "5 March 2026", "You May Also Like", "Read more"),
        ("de", "en", "5. März 2026", "Das könnte Sie auch interessieren", "Weiterlesen"),
        ("fr", "en", "5 mars 2026", "Vous aimerez aussi", "Lire la suite"),
        ("pt-br", "en", "5 de março de 2026", "Você também pode gostar", "Ler mais"),
        ("pt-pt", "en", "5 de março de 2026", "Também lhe pode interessar", "Ler mais"),
        ("pl", "en", "5 marca 2026", "Może Cię też zainteresować", "Czytaj dalej"),
        ("zh-tw", "en", "2026年3月5日", "你可能也喜歡", "閱讀全文"),
        ("zh-cn", "en", "2026年3月5日", "你可能还喜欢", "阅读全文"),
        ("sw", "en", "5 Machi 2026", "You May Also Like", "Read more"),
        (None, "de", "5. März 2026", "Das könnte Sie auch interessieren", "Weiterlesen"),
        ("xx-unheard", "es", "5 de marzo de 2026", "También te puede interesar", "Leer más"),
    ],
)
def test_words_and_dates_are_in_the_article_s_language(
    language: str | None, locale: str, printed: str, heading: str, more: str
) -> None:
    page = section(values(), language=language, locale=locale)
    assert printed in page.text
    assert page.all("time") == [{"class": "alsolike-date", "datetime": "2026-03-05"}]
    assert heading in page.text
    assert page.all("section")[0]["aria-label"] == heading
    assert page.all("a")[1]["aria-label"] == f"{more}: A title"
    assert page.all("li")[0].get("lang") == language


def test_english_words_in_a_card_of_another_language_are_marked_as_english() -> None:
    assert section(values(), language="sw").all("a")[1]["lang"] == "en"
    assert "lang" not in section(values(), language="de").all("a")[1]


@pytest.mark.parametrize(
    ("language", "page_language", "said"),
    [
        ("en", "de", "Englisch"),
        ("pt-br", "de", "Portugiesisch"),
        ("de-at", "de", None),
        (None, "de", None),
        ("xx-unheard", "de", None),
        ("de", None, None),
    ],
)
def test_a_card_in_another_language_than_the_page_says_so(
    language: str | None, page_language: str | None, said: str | None
) -> None:
    card = make_fragment_card(ArticleCard(**values()), language, "en", page_language)
    page = Page(render_fragment([card], make_heading(None, page_language, "en")).decode())
    labels = page.all("span")
    assert labels == ([{"class": "alsolike-language", "lang": "de"}] if said else [])
    assert said is None or said in page.text


def test_every_language_has_a_heading_and_a_label_and_is_known_by_its_tag() -> None:
    for tag, words in load_table(html_fragment.__file__).items():
        assert [isinstance(word, str) for word in words] == [True, True]
        assert make_heading(None, tag, "en") == Heading(text=words[0], language=tag)


def test_a_heading_of_the_site_s_own_is_kept() -> None:
    assert make_heading("Mehr davon", "fr", "en") == Heading(text="Mehr davon", language=None)


def test_each_card_can_be_reached_once_by_keyboard_and_says_where_it_leads() -> None:
    page = section(values(), values(title="Another", url="/b"))
    links = page.all("a")
    assert [link["href"] for link in links if link.get("tabindex") != "-1"] == ["/a", "/b"]
    assert all(image["alt"] == "A picture" for image in page.all("img"))
    assert all(image["loading"] == "lazy" for image in page.all("img"))


def test_a_card_does_without_what_an_article_lacks() -> None:
    bare = values(image=None, date=None, excerpt="", title="„Über“ Bäume")
    page = section(bare)
    assert page.all("img") == []
    assert page.all("time") == []
    assert page.all("p") == []
    (placeholder,) = page.all("span")
    assert placeholder["aria-hidden"] == "true"
    assert in_fragment(bare, "de", "en").initial == "Ü", "its first letter stands for the picture"


def test_no_cards_make_no_section() -> None:
    assert render_fragment([], Heading(text="Unseen", language=None)) == b""
