"""The language of an article, and which pages are translations of each other, by every way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from index.articles.guessed_languages import Certainty, find_language, settle_guesses
from index.articles.language_tags import read_language
from index.articles.read_report import ReadReport
from index.articles.translation_keys import find_translations, read_alternates
from index.building.builder import make_build
from index.building.context import BuildOptions
from index.publishing.gates import Limits
from index.root.root import Root
from index.sources.page_language import PagePath, read_page_path, translated_bases
from index.sources.registry import open_source
from index.sources.source_check import check_source
from recommender.article import Article, Section
from recommender.encoder import HashingEncoder
from recommender.errors import ArticleError, SettingError
from tests.support.builds import plain_mapping
from tests.support.sample_records import read

ENGLISH = "The harbour keeps its lamps lit through the longest night so that the boats come home."
GERMAN = "Der Hafen läßt seine Lampen die lange Nacht hindurch brennen, damit die Boote heimfinden."
SPANISH = "El puerto deja sus faroles encendidos toda la noche para que vuelvan las barcas a casa."
GUESSING = replace(plain_mapping(), guess_language=True)


def write(folder: Path, **pages: str) -> str:
    for name, text in pages.items():
        path = folder / name.replace("__", "/").replace("_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return str(folder)


@pytest.mark.parametrize(
    ("given", "tag"),
    [
        *[("pt-BR", "pt-br"), ("de_DE.UTF-8", "de-de"), ("zh_Hans", "zh-hans"), ("DEU", "de")],
        *[("German", "de"), ("deutsch", "de"), ("Français", "fr"), ("English (US)", "en")],
        *[
            ("iw", "he"),
            (["en"], "en"),
            ({"name": "Swedish"}, "sv"),
            ("Brazilian Portuguese", "pt-br"),
        ],
        *[("und", None), ("*", None), ("x-default", None), (" ", None), ("ast", "ast")],
        *[(False, "no"), ([False], "no"), ("no", "no")],
        *[
            ("jp", "ja"),
            ("cn", "zh"),
            ("ua", "uk"),
            ("简体中文", "zh-hans"),
            ("繁體中文", "zh-hant"),
        ],
    ],
)
def test_tags_locales_codes_and_names_are_read_as_tags(given: Any, tag: str | None) -> None:
    assert read_language(given) == tag


@pytest.mark.parametrize("given", ["de, en", ["de", "en"], 7, True, "klingonisch", "x" * 999])
def test_what_names_no_language_or_several_is_refused(given: Any) -> None:
    with pytest.raises(ArticleError, match="is no language; write it like"):
        read_language(given)


@pytest.mark.parametrize(
    ("name", "languages", "said"),
    [
        ("de/kelp", ("de", "en"), PagePath("de/kelp", "de", "kelp")),
        ("sea/kelp.pt-BR", ("pt-br",), PagePath("pt-br/sea/kelp", "pt-br", "sea/kelp")),
        ("sea/index.de", ("de",), PagePath("de/sea", "de", "sea/index")),
        ("de/index", ("de",), PagePath("de", "de", "index")),
        ("kelp", ("de",), PagePath("kelp", "", "kelp")),
        ("de/kelp", (), PagePath("de/kelp")),
        ("it/kelp.js", ("de",), PagePath("it/kelp.js", "", "it/kelp.js")),
        ("de", ("de",), PagePath("de", "", "de")),
    ],
)
def test_a_path_names_the_languages_that_a_source_lists(
    name: str, languages: tuple[str, ...], said: PagePath
) -> None:
    assert read_page_path(name, languages) == said


def test_a_suffix_is_a_language_beside_the_same_page_in_another() -> None:
    names = ["kelp", "kelp.es", "rye/index.de", "rye/index.fr", "alone.de", "v1.2", "v1"]
    translated = translated_bases(names)
    assert translated == {"kelp", "rye/index"}
    found = {name: read_page_path(name, (), translated) for name in names}
    assert found["kelp.es"] == PagePath("es/kelp", "es", "kelp")
    assert found["kelp"] == PagePath("kelp", "", "kelp")
    assert found["rye/index.de"] == PagePath("de/rye", "de", "rye/index")
    assert found["alone.de"] == PagePath("alone.de")


def test_a_folder_of_pages_in_two_languages(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        en__kelp_md=f"---\ntitle: Kelp\n---\n{ENGLISH}",
        de__kelp_md=f"---\ntitle: Tang\n---\n{GERMAN}",
        de__own_md=f"---\ntitle: Own\nlang: de-AT\ntranslationKey: other\n---\n{GERMAN}",
    )
    found, report = read({"kind": "markdown", "path": path, "languages": ["German", "en"]})
    assert {key: one.language for key, one in found.items()} == {
        "en/kelp": "en",
        "de/kelp": "de",
        "de/own": "de-at",
    }
    assert found["en/kelp"].translation_key == found["de/kelp"].translation_key
    assert found["de/own"].translation_key == "other"
    assert report.languages == {"path": 2, "field": 1}
    with pytest.raises(SettingError, match=r"languages: 'dee\?' is no language"):
        open_source({"kind": "html", "path": path, "languages": ["dee?"]})


def html(*, lang: str = "", head: str = "", text: str = ENGLISH) -> str:
    attribute = f" lang={lang}" if lang else ""
    return f"<html{attribute}><head>{head}</head><body><h1>T</h1><p>{text}</p></body></html>"


def links(**alternates: str) -> str:
    return "".join(
        f'<link rel="alternate" hreflang="{name.replace("_", "-")}" href="{url}">'
        for name, url in alternates.items()
    )


def test_html_pages_say_their_language_and_their_translations(tmp_path: Path) -> None:
    both = links(en="https://x.example/kelp/", de="/de/tang", x_default="https://x.example/")
    own = '<link rel="canonical" href="https://x.example/{}">'
    path = write(
        tmp_path,
        kelp_html=html(lang="de", head=own.format("kelp") + both),
        tang_html=html(lang="de", head=own.format("de/tang") + both),
        lone_html=html(lang="sv", head=own.format("lone") + links(sv="https://x.example/lone")),
        none_html=html(),
        stated_html=html(
            lang="en",
            head='<script type="application/ld+json">{"@type": "Article", "inLanguage": "fr"}'
            "</script>",
        ),
    )
    found, report = read({"kind": "html", "path": path, "language": "nb"})
    languages = {key: one.language for key, one in found.items()}
    assert languages == {"kelp": "en", "tang": "de", "lone": "sv", "none": "nb", "stated": "fr"}
    assert found["kelp"].translation_key == found["tang"].translation_key is not None
    assert found["lone"].translation_key is None
    assert report.languages == {"page": 3, "constant": 1, "field": 1}


def test_a_theme_s_english_is_no_language_of_a_page_in_other_letters(tmp_path: Path) -> None:
    head = "<meta property=og:locale content=en_US>"
    texts = {"zh": "潮水在夜里涌来，渔船沿着海岸慢慢地回到 Kiel 的港口。" * 5}  # noqa: RUF001
    texts["ru"] = "Ночью приходит прилив, и лодки медленно возвращаются в гавань. " * 5
    pages = {f"{name}_html": html(lang="en", head=head, text=text) for name, text in texts.items()}
    path = write(tmp_path, en_html=html(lang="en"), de_html=html(lang="en", text=GERMAN), **pages)
    found, _ = read({"kind": "html", "path": path})
    languages = {key: one.language for key, one in found.items()}
    assert languages == {"en": "en", "de": "en", "zh": None, "ru": None}


def test_a_folder_says_more_than_the_lang_of_the_page(tmp_path: Path) -> None:
    path = write(tmp_path, de__tang_html=html(lang="en"), en__kelp_html=html(lang="en"))
    found, _ = read({"kind": "html", "path": path, "languages": ["de", "en"]})
    assert {key: one.language for key, one in found.items()} == {"de/tang": "de", "en/kelp": "en"}


def test_alternates_are_told_by_the_smallest_address() -> None:
    pair = [("en", "https://x.example/b"), ("de-AT", "https://x.example/a/?utm_source=feed")]
    assert read_alternates(pair, "http://x.example/a") == ("de-AT", "alternates of //x.example/a")
    assert read_alternates(pair, "").key == "alternates of //x.example/a"
    assert read_alternates([("en", "https://x.example/b")], "https://x.example/b/").key == ""
    assert read_alternates([("en", "http://h//[x")], "") == ("", "")


def test_posts_of_wordpress_name_each_other() -> None:
    assert find_translations({"id": 7, "translations": {"en": 7, "de": 5}}, "s") == "post 5 of s"
    assert find_translations({"id": 7, "wpml_translations": [{"id": 9}]}, "s") == "post 7 of s"
    for nothing in ([], {}, None, "no", {"en": 7}, [{"href": "/x"}]):
        assert find_translations({"id": 7, "translations": nothing}, "s") == ""


def test_a_key_may_be_a_number_and_is_never_a_list(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        a_md="---\ntitle: A\nref: 12\n---\nWords",
        b_md="---\ntitle: B\nref: [1, 2]\n---\nWords",
    )
    mapping = {"translation_key": "ref"}
    found, report = read({"kind": "markdown", "path": path, "map": mapping})
    assert [found[key].translation_key for key in "ab"] == ["12", None]
    assert report.notes["translation_key: invalid"] == 1


def article(text: str, **fields: Any) -> Article:
    return Article(id="a", title="T", url="/a", sections=(Section(text=text),), **fields)


@pytest.mark.parametrize(("text", "language"), [(ENGLISH, "en"), (GERMAN, "de"), (SPANISH, "es")])
def test_a_text_is_guessed_if_it_is_long_enough(text: str, language: str) -> None:
    assert find_language(article(text * 3)) == (language, Certainty.FIRM)
    assert find_language(article("1234 567")) == ("", Certainty.NOTHING)
    assert find_language(article(text[:20]))[1] < Certainty.FAIR


def test_a_lone_uncertain_guess_does_not_tear_a_source_apart() -> None:
    counts = {
        ("en", Certainty.FIRM): 97,
        ("nl", Certainty.FAIR): 1,
        ("nl", Certainty.WEAK): 1,
        ("de", Certainty.FIRM): 1,
        ("", Certainty.NOTHING): 3,
    }
    settled = settle_guesses(counts)
    assert {settled[guess] for guess in counts if guess[0] not in ("de",)} == {"en"}
    assert settled["de", Certainty.FIRM] == "de"
    counts["nl", Certainty.FAIR] = 30
    settled = settle_guesses(counts)
    assert (settled["nl", Certainty.FAIR], settled["", Certainty.NOTHING]) == ("nl", "")


def test_guesses_take_the_name_that_the_source_has_for_the_language() -> None:
    counts = {("pt-br", Certainty.SAID): 3, ("pt", Certainty.FIRM): 2, ("no", Certainty.FAIR): 1}
    settled = settle_guesses(counts, said_before=["nb"])
    assert settled == {("pt", Certainty.FIRM): "pt-br", ("no", Certainty.FAIR): "nb"}


def test_the_build_guesses_only_what_nothing_says(
    write_jsonl: Callable[..., Path], build_root: Callable[..., Any]
) -> None:
    records = [
        {"id": "said", "title": "Said", "summary": ENGLISH * 2, "language": "de"},
        {"id": "guessed", "title": "Farol", "summary": SPANISH * 2},
        {"id": "short", "title": "Hm"},
    ]
    source = write_jsonl(records)
    for mapping, expected, ways in (
        (GUESSING, ["es", "de", None], {"field": 1, "guess": 1, "unknown": 1}),
        (plain_mapping(), [None, "de", None], {"field": 1, "unknown": 2}),
    ):
        _, build = build_root(source, mapping=mapping, limits=Limits(accept_change=True))
        assert [one.language for one in build.articles] == expected
        assert build.report()["reading"]["languages"] == ways
        names = [build.language_names[number] for number in build.languages]
        assert names == [language or "" for language in expected]


def test_the_constant_of_a_source_needs_no_guess_and_the_check_tells_guesses(
    write_jsonl: Callable[..., Path],
) -> None:
    path = write_jsonl([{"id": "a", "title": "Farol", "summary": SPANISH * 2}])
    table = {"kind": "jsonl", "path": str(path)}
    said = check_source(open_source({**table, "language": "Galician"}), GUESSING, 20)
    assert said.report.languages == {"constant": 1}
    guessed = check_source(open_source(table), GUESSING, 20)
    assert guessed.report.languages == {"guess": 1}
    (field,) = [one for one in guessed.fields if one.field == "language"]
    assert (field.filled, field.example) == (1, "es")
    with pytest.raises(SettingError, match="is no language"):
        open_source({**table, "language": "Elvish?"})


def test_two_pages_of_one_language_with_one_key_are_reported(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        a_md=f"---\ntitle: Apples\nlang: en\ntranslationKey: post\n---\n{ENGLISH}",
        b_md=f"---\ntitle: Boats\nlang: en\ntranslationKey: post\n---\n{ENGLISH[::-1]}",
        c_md=f"---\ntitle: Tang\nlang: de\ntranslationKey: post\n---\n{GERMAN}",
    )
    root = Root(tmp_path / "root")
    with root.locked("test"):
        result = make_build(
            root,
            [open_source({"kind": "markdown", "path": path})],
            lambda: HashingEncoder(64),
            BuildOptions(mapping=plain_mapping()),
        )
    report: ReadReport = result.report
    assert report.notes["translation_key: same-language"] == 2
    assert "give each page and its translations a key" in report.problems[-1].message
    assert len(set(root.open(result.manifest.name).stories.tolist())) == 3
