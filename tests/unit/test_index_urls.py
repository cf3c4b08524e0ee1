"""Addresses: which of them name the same page."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.articles.urls import url_key
from index.build.name_table import address_key, host_of, path_of

PAGE = "https://harbour.example/news/kelp"


@pytest.mark.parametrize(
    "other",
    [
        "http://harbour.example/news/kelp",
        "HTTPS://Harbour.Example/news/kelp/",
        "https://harbour.example:443/news/kelp",
        "http://harbour.example:80/news/kelp#tides",
        "https://harbour.example./news/kelp/index.html",
        "//harbour.example/news/kelp/INDEX.htm",
        "https://harbour.example/news/k%65lp?utm_source=letter&utm_medium=mail#top",
        "https://harbour.example/news/../news/./kelp?fbclid=abc&mtm_kwd=x&srsltid=y&_gl=z",
        " https://harbour.example/news/kelp? ",
        "https://harbour.example/news/kelp#!",
        "https://harbour.example/news/kelp#/",
    ],
)
def test_two_spellings_of_one_page_have_one_key(other: str) -> None:
    assert url_key(other) == url_key(PAGE)


@pytest.mark.parametrize(
    "other",
    [
        "https://harbour.example/news/Kelp",
        "https://harbour.example/news/kelp-2",
        "https://harbour.example/news%2Fkelp",
        "https://harbour.example/news/kelp?page=2",
        "https://harbour.example:8080/news/kelp",
        "https://other.example/news/kelp",
        "https://harbour.example/news/kelp#/tides",
        "https://harbour.example/news/kelp#!tides",
        "/news/kelp",
        "https://[harbour/news/kelp",
    ],
)
def test_another_page_has_another_key(other: str) -> None:
    assert url_key(other) != url_key(PAGE)


@pytest.mark.parametrize(
    "rest", ["#/tides", "#!tides?a=/b", "?a=1#/tides", "/kelp#/tides", "/", ""]
)
def test_a_key_is_a_host_and_what_follows_it(rest: str) -> None:
    key = address_key(f"https://www.harbour.example:8080{rest}")
    assert host_of(key) == "harbour.example:8080"
    assert path_of(key) == address_key(f"/{rest.removeprefix('/')}")


def test_escapes_normal_forms_and_scripts_of_a_host_make_no_difference() -> None:
    assert url_key("https://bücher.example/caf\u00e9") == url_key(
        "http://xn--bcher-kva.example/cafe%CC%81/"
    )


def test_parameters_are_compared_in_any_order_and_an_empty_one_counts() -> None:
    assert url_key("/?b=2&a=1") == url_key("/?a=1&b=2") == url_key("/index.php?a=1&b=2")
    assert url_key("/?a=") != url_key("/")


@given(
    st.sampled_from(
        ["", "http://kelp.example", "https://www.sea-7.kelp.example", "https://localhost"]
    ),
    st.lists(st.text("aZ09_~-", min_size=1), max_size=4),
    st.sampled_from(["", "/"]),
)
def test_a_plain_address_and_one_with_a_parameter_that_counts_visitors_have_one_key(
    host: str, parts: list[str], end: str
) -> None:
    plain = host + "".join(f"/{part}" for part in parts) + end
    assert url_key(plain) == url_key(f"{plain}?utm_source=letter")


def test_the_home_page_has_a_key_with_and_without_its_slash() -> None:
    assert url_key("https://harbour.example") == url_key("https://harbour.example/")
    assert url_key("/") == url_key("/index.html") == "/"


@given(st.text(st.characters(exclude_categories=["Cc", "Cs", "Zs", "Zl", "Zp"]), max_size=60))
def test_a_fragment_never_makes_another_page(text: str) -> None:
    url = "/" + text.translate({ord(mark): "x" for mark in "?#[]"})
    assert url_key(url) == url_key(f"{url}#part")


@given(st.text(max_size=60))
def test_any_text_has_a_key(text: str) -> None:
    assert isinstance(url_key(text), str)
