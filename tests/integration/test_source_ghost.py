"""Ghost exports: what is read of them, and what no reader may see."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest

from index.articles.record import Record
from index.errors import SourceError
from index.sources.ghost import read_webhook
from index.sources.registry import open_source, table_for
from recommender.article import Image, Status
from recommender.errors import SettingError
from tests.support.sample_records import read


def post(**fields: Any) -> dict[str, Any]:
    return {
        "id": "1",
        "title": "Kelp & waves",
        "slug": "kelp",
        "html": "<p>Behind the kelp the waves were lower.</p>",
        "status": "published",
        "visibility": "public",
        "type": "post",
        "published_at": "2026-03-02T10:00:00.000Z",
        **fields,
    }


def export(folder: Path, *posts: dict[str, Any], nested: bool = True, **tables: Any) -> str:
    data = {"meta": {"exported_on": 1, "version": "5.0.0"}, "data": {"posts": posts, **tables}}
    path = folder / "site.json"
    path.write_text(json.dumps({"db": [data]} if nested else data))
    return str(path)


@pytest.mark.parametrize("nested", [True, False])
def test_a_post_comes_with_its_picture_authors_and_tags(tmp_path: Path, nested: bool) -> None:
    path = export(
        tmp_path,
        post(feature_image="__GHOST_URL__/content/k.png", custom_excerpt="Calm < water"),
        nested=nested,
        tags=[
            {"id": "t1", "name": "Sea", "slug": "sea", "visibility": "public"},
            {"id": "t2", "name": "#internal", "slug": "hash-internal", "visibility": "internal"},
        ],
        posts_tags=[{"post_id": "1", "tag_id": "t2"}, {"post_id": "1", "tag_id": "t1"}],
        users=[{"id": "u", "name": "Ida Okafor", "slug": "ida"}],
        posts_authors=[{"post_id": "1", "author_id": "u"}],
        posts_meta=[{"post_id": "1", "feature_image_alt": "A diver"}],
        settings=[{"key": "locale", "value": "en"}],
    )
    table = table_for(path)
    assert table["kind"] == "ghost"
    article = read({**table, "site": "https://s.example/"})[0]["1"]
    assert (article.title, article.url) == ("Kelp & waves", "https://s.example/kelp/")
    assert article.excerpt == "Calm < water"
    assert article.image == Image(src="https://s.example/content/k.png", alt="A diver")
    assert (article.tags, article.authors, article.language) == (("Sea",), ("Ida Okafor",), "en")
    assert article.date == dt.date(2026, 3, 2)
    assert article.sections[0].text == "Behind the kelp the waves were lower."
    pattern = "/{year}/{month}/{primary_tag}/{slug}/"
    assert read({**table, "permalink": pattern})[0]["1"].url == "/2026/03/sea/kelp/"
    with pytest.raises(SettingError, match="permalink"):
        open_source({**table, "permalink": "/{name}/"})


@pytest.mark.parametrize("visibility", ["members", "paid", "tiers", "label:vip"])
def test_a_post_for_members_gives_no_text(tmp_path: Path, visibility: str) -> None:
    restricted = post(visibility=visibility, title="", plaintext="Secret", custom_excerpt="Teaser")
    (record,) = open_source({"kind": "ghost", "path": export(tmp_path, restricted)}).records()
    assert isinstance(record, Record)
    assert record.values["excerpt"] == "Teaser"
    assert "waves" not in str(record.values)
    assert "Secret" not in str(record.values)


@pytest.mark.parametrize(
    "fields",
    [
        {"status": "draft"},
        {"status": "sent"},
        {"status": None},
        {"password": "x"},
        {"email_only": 1},
        {"codeinjection_head": "<META CONTENT=noindex NAME=googlebot>"},
        {"codeinjection_foot": '<meta http-equiv="refresh" content="0; url=/x">'},
        {"codeinjection_head": "<script>window.location.replace('https://x.example')</script>"},
    ],
)
def test_what_is_not_on_the_site_is_shown_to_no_reader(
    tmp_path: Path, fields: dict[str, Any]
) -> None:
    articles, _ = read({"kind": "ghost", "path": export(tmp_path, post(**fields))})
    assert articles["1"].status is not Status.PUBLISHED


def test_a_script_that_a_reader_must_set_off_hides_nothing(tmp_path: Path) -> None:
    for script in (
        "button.onclick = () => { location.href = '/more' }",
        "location.hash=='#x' && location.replace('/y')",
        "a.setAttribute('onclick', \"location.href='/x'\")",
    ):
        path = export(tmp_path, post(codeinjection_foot=f"<script>{script}</script>"))
        assert read({"kind": "ghost", "path": path})[0]["1"].status is Status.PUBLISHED


def test_days_are_those_of_the_site_and_labels_stand_in_their_order(tmp_path: Path) -> None:
    path = export(
        tmp_path,
        post(published_at="2026-01-31T23:30:00.000Z"),
        settings=[{"key": "timezone", "value": "Asia/Tokyo"}],
        tags=[{"id": name, "name": name.title(), "slug": name} for name in ("news", "sea")],
        posts_tags=[
            {"post_id": "1", "tag_id": "news", "sort_order": 1},
            {"post_id": "1", "tag_id": "sea", "sort_order": 0},
        ],
    )
    permalink = "/{primary_tag}/{year}/{month}/{day}/{slug}/"
    article = read({"kind": "ghost", "path": path, "permalink": permalink})[0]["1"]
    assert (article.url, article.date) == ("/sea/2026/02/01/kelp/", dt.date(2026, 2, 1))
    assert article.tags == ("Sea", "News")


def test_a_block_for_members_is_no_text_of_a_public_post(tmp_path: Path) -> None:
    begin = '<!--kg-gated-block:begin nonMember:false memberSegment:"status:free" -->'
    html = f"<p>Waves</p>{begin}<p>Secret</p><!--kg-gated-block:end--><p>Kelp</p>"
    path = export(tmp_path, post(html=html, locale="fr"))
    article = read({"kind": "ghost", "path": path})[0]["1"]
    assert (article.sections[0].text, article.language) == ("Waves\nKelp", "fr")


def test_a_post_that_was_only_mailed_is_hidden_where_another_table_says_so(tmp_path: Path) -> None:
    path = export(tmp_path, post(), posts_meta=[{"post_id": "1", "email_only": 1}])
    assert read({"kind": "ghost", "path": path})[0]["1"].status is not Status.PUBLISHED


def test_a_scheduled_post_appears_at_its_instant(tmp_path: Path) -> None:
    planned = post(status="scheduled", published_at="2031-01-01T09:00:00.000Z")
    articles, _ = read({"kind": "ghost", "path": export(tmp_path, planned)})
    assert articles["1"].visible_from == dt.datetime(2031, 1, 1, 9, tzinfo=dt.UTC)


def test_pages_stand_at_their_slug_and_the_types_can_be_chosen(tmp_path: Path) -> None:
    path = export(tmp_path, post(), post(id="2", slug="about", type="page"), post(id="3", page=1))
    table = {"kind": "ghost", "path": path, "permalink": "/blog/{slug}/"}
    articles, _ = read(table)
    assert [articles[key].url for key in "123"] == ["/blog/kelp/", "/about/", "/kelp/"]
    assert read({**table, "types": ["page"]})[0].keys() == {"2", "3"}


def test_a_canonical_address_is_the_link_and_the_own_one_an_alias(tmp_path: Path) -> None:
    path = export(tmp_path, post(canonical_url="https://other.example/kelp"))
    (record,) = open_source({"kind": "ghost", "path": path}).records()
    assert isinstance(record, Record)
    assert record.values["url"] == "https://other.example/kelp"
    assert record.values["aliases"] == ["/kelp/"]


def test_a_post_without_html_is_read_from_plain_text_or_reported(tmp_path: Path) -> None:
    only = {"html": None, "lexical": "{}"}
    path = export(tmp_path, post(html="", plaintext="One\nTwo"), post(**only, id="2"))
    articles, report = read({"kind": "ghost", "path": path})
    assert articles["1"].sections[0].text == "One\nTwo"
    assert report.skipped == {"html: no-html": 1}
    assert report.problems[-1].location.endswith("post 2 (line 1)")


def test_other_json_is_no_ghost_export(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text('{"posts": [{"id": 1}]}')
    with pytest.raises(SourceError, match='kind = "json"'):
        read({"kind": "ghost", "path": str(path)})
    path.write_text('{"db": [{"data": {"posts": [{"id": "1", "slug": "a"')
    with pytest.raises(SourceError, match="line 1: it breaks off"):
        read({"kind": "ghost", "path": str(path)})


@pytest.mark.parametrize("kind", ["post", "page"])
def test_a_webhook_of_a_ghost_in_a_folder_gives_the_address_as_it_stands(kind: str) -> None:
    url, image = "https://s.example/blog/kelp/", "__GHOST_URL__/content/k.png"
    current = post(url=url, type=kind, feature_image=image)
    _, item = read_webhook("webhook", {kind: {"current": current, "previous": {}}})
    assert isinstance(item, Record)
    assert item.values["url"] == url
    if kind == "page":
        assert item.values["image"]["src"] == "https://s.example/blog/content/k.png"
