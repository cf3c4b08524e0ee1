"""WordPress exports: what is read of them, and what no reader may see."""

from __future__ import annotations

import datetime as dt
import gzip
import time
from pathlib import Path
from typing import Any

import pytest

from index.articles.record import Record
from index.errors import SourceError
from index.sources.registry import open_source, table_for
from recommender.article import Image, Status
from tests.support.process_memory import status as memory
from tests.support.sample_records import read

HEAD = (
    '<?xml version="1.0" encoding="UTF-8"?>\n<!-- generated -->\n<rss version="2.0"'
    ' xmlns:excerpt="http://wordpress.org/export/1.2/excerpt/"'
    ' xmlns:content="http://purl.org/rss/1.0/modules/content/"'
    ' xmlns:dc="http://purl.org/dc/elements/1.1/"'
    ' xmlns:wp="http://wordpress.org/export/1.2/"><channel><language>en-GB</language>'
    "<wp:wxr_version>1.2</wp:wxr_version><wp:author><wp:author_login>ida</wp:author_login>"
    "<wp:author_display_name><![CDATA[Ida Okafor]]></wp:author_display_name></wp:author>\n"
)


def item(number: int, *more: str, **fields: str) -> str:
    values = {
        "title": f"Post {number}",
        "link": f"https://blog.example/post-{number}/",
        "content:encoded": f"<p>Words of post {number}.</p>",
        "wp:post_id": str(number),
        "wp:status": "publish",
        "wp:post_type": "post",
        **{name.replace("__", ":"): value for name, value in fields.items()},
    }
    lines = [f"<{name}><![CDATA[{value}]]></{name}>" for name, value in values.items()]
    return "<item>" + "".join(lines) + "".join(more) + "</item>\n"


def meta(key: str, value: str) -> str:
    return (
        f"<wp:postmeta><wp:meta_key>{key}</wp:meta_key>"
        f"<wp:meta_value><![CDATA[{value}]]></wp:meta_value></wp:postmeta>"
    )


def export(folder: Path, *items: str, end: str = "</channel></rss>\n") -> dict[str, Any]:
    path = folder / "export.xml"
    path.write_text(HEAD + "".join(items) + end)
    return {"kind": "wxr", "path": str(path)}


@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_an_export_is_read_in_any_form_of_unicode(codec: str, tmp_path: Path) -> None:
    title = "Grüße \N{SLICE OF PIZZA}"
    table = export(tmp_path, item(1, title=title), item(2, wp__status="draft"))
    path = Path(table["path"])
    path.write_bytes(path.read_text().encode(codec))
    assert table_for(str(path))["kind"] == "wxr"
    articles, report = read(table)
    assert [article.title for article in articles.values()] == [title, "Post 2"]
    assert articles["2"].status is Status.DRAFT
    assert not report.problems
    path.write_bytes(path.read_bytes()[:-150])
    with pytest.raises(SourceError, match="can't be read to its end"):
        read(table)


def test_a_post_comes_with_its_picture_author_terms_and_addresses(tmp_path: Path) -> None:
    table = export(
        tmp_path,
        item(
            1,
            '<category domain="category" nicename="sea">Sea</category>',
            '<category domain="post_tag" nicename="kelp">Kelp</category>',
            '<category domain="category" nicename="uncategorized">Uncategorized</category>',
            '<category domain="category" nicename="uncategorized">News</category>',
            '<category domain="category" nicename="non-classe">Non classé</category>',
            '<category domain="post_format" nicename="post-format-aside">Aside</category>',
            '<guid isPermaLink="false">https://blog.example/?p=1</guid>',
            meta("_thumbnail_id", "9"),
            dc__creator="ida",
            excerpt__encoded="By hand.",
            wp__post_date="2026-03-02 00:30:00",
            wp__post_date_gmt="2026-03-01 23:30:00",
            wp__post_name="post-one",
        ),
        item(
            9,
            "<wp:attachment_url>https://blog.example/k.jpg</wp:attachment_url>",
            meta("_wp_attachment_image_alt", "A diver"),
            wp__post_type="attachment",
            wp__status="inherit",
        ),
    )
    articles, report = read(table)
    article = articles["1"]
    assert (article.title, article.url) == ("Post 1", "https://blog.example/post-1/")
    assert article.excerpt == "By hand."
    assert article.tags == ("Sea", "Kelp", "News")
    assert article.authors == ("Ida Okafor",)
    assert article.image == Image(src="https://blog.example/k.jpg", alt="A diver")
    assert article.date == dt.date(2026, 3, 2)
    assert article.language == "en-gb"
    assert report.read == report.kept == 1
    (record,) = open_source(table).records()
    assert isinstance(record, Record)
    assert record.values["aliases"] == ["https://blog.example/?p=1"]
    assert record.location.endswith("post 1 (line 4)")
    assert open_source({**table, "map": {"id": "slug"}}).name == table["path"]


def test_authors_who_wrote_together_are_all_named(tmp_path: Path) -> None:
    jo = "<wp:author><wp:author_login>jo</wp:author_login></wp:author>"
    terms = [
        f'<category domain="author" nicename="{name}">{text}</category>'
        for name, text in (("cap-ida", "ida"), ("cap-jo", "jo"), ("dan-brown", "Dan Brown"))
    ]
    items = item(1, *terms, dc__creator="ida"), item(2, terms[2], dc__creator="ida")
    articles, _ = read(export(tmp_path, jo, *items))
    assert [one.authors for one in articles.values()] == [("Ida Okafor", "jo"), ("Ida Okafor",)]


@pytest.mark.parametrize("state", ["draft", "pending", "private", "trash", "inherit", "mine", ""])
def test_what_is_not_published_is_shown_to_no_reader(tmp_path: Path, state: str) -> None:
    articles, _ = read(export(tmp_path, item(1, wp__status=state)))
    assert articles["1"].status is not Status.PUBLISHED


def test_a_post_behind_a_password_is_shown_to_no_reader(tmp_path: Path) -> None:
    articles, _ = read(export(tmp_path, item(1, wp__post_password="x")))
    assert articles["1"].status is not Status.PUBLISHED


def test_the_name_of_a_block_is_read_once(tmp_path: Path) -> None:
    text = f"<p>Kelp grows.</p><!-- wp:{'1' * 400_000}"
    articles, _ = read(export(tmp_path, item(1, content__encoded=text)))
    assert len(articles) == 1, "a quadratic reading is stopped, and the post lost"


def test_a_scheduled_post_appears_at_its_instant_in_gmt(tmp_path: Path) -> None:
    fields = {"wp__status": "future", "wp__post_date": "2031-01-01 10:00:00"}
    table = export(
        tmp_path, item(1, **fields, wp__post_date_gmt="2031-01-01 09:00:00"), item(2, **fields)
    )
    articles, _ = read(table)
    assert articles["1"].visible_from == dt.datetime(2031, 1, 1, 9, tzinfo=dt.UTC)
    assert articles["2"].status is not Status.PUBLISHED


@pytest.mark.parametrize(
    "kind", ["attachment", "nav_menu_item", "revision", "wp_block", "product", "custom_css"]
)
def test_what_is_no_post_is_no_article_unless_its_type_is_named(tmp_path: Path, kind: str) -> None:
    table = export(tmp_path, item(1), item(2, wp__post_type=kind), item(3, wp__post_type="page"))
    assert read(table)[0].keys() == {"1", "3"}
    assert read({**table, "types": [kind]})[0].keys() == {"2"}


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("_yoast_wpseo_meta-robots-noindex", "1"),
        ("rank_math_robots", 'a:1:{i:0;s:7:"noindex";}'),
        ("_genesis_noindex", "1"),
        ("_tsf_noindex", "1"),
        ("slim_seo", 'a:1:{s:7:"noindex";i:1;}'),
        ("_members_access_role", "subscriber"),
        ("_llms_is_restricted", "yes"),
        ("s2member_ccaps_req", 'a:1:{i:0;s:4:"gold";}'),
        ("_hide_from_homepage", "1"),
        ("exclude_from_related_posts", "1"),
        ("patreon-level", "5"),
        ("memberful_acl", "a:1:{i:0;i:5;}"),
        ("groups-read", "3"),
        ("_links_to", "https://other.example/"),
        ("_yoast_wpseo_redirect", "https://other.example/"),
        ("_jetpack_newsletter_access", "paid_subscribers"),
        ("_relevanssi_hide_post", "on"),
        ("exclude_from_archive", "1"),
        ("exclude_local_search", "1"),
        ("redirect", "https://other.example/"),
        ("_pprredirect_active", "1"),
        ("_seopress_redirections_enabled", "yes"),
        ("_wplp_post_front", "1"),
        ("wds_meta-robots-noindex", "1"),
        ("_sitemap_exclude", "1"),
        (
            "um_content_restriction",
            'a:2:{s:26:"_um_custom_access_settings";b:1;s:14:"_um_accessible";s:1:"2";}',
        ),
        ("_wpmem_block", "1"),
        ("_issuem_leaky_paywall_visibility", 'a:1:{s:15:"visibility_type";s:4:"only";}'),
        ("_whp_hide_on_search", "1"),
        ("_private", "1"),
        ("visibility", "hidden"),
        ("_is_archived", "yes"),
        ("members_only", "1"),
        ("_post_status", "draft"),
        ("pms-content-restrict-user-status", "loggedin"),
    ],
)
def test_a_plugin_s_noindex_is_handed_on(tmp_path: Path, key: str, value: str) -> None:
    (record,) = open_source(export(tmp_path, item(1, meta(key, value)))).records()
    assert isinstance(record, Record)
    assert record.values["robots"] == "noindex"


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("_yoast_wpseo_meta-robots-noindex", "2"),
        ("rank_math_robots", 'a:1:{i:0;s:5:"index";}'),
        ("slim_seo", 'a:1:{s:7:"noindex";i:0;}'),
        ("_jetpack_newsletter_access", "everybody"),
        ("rcp_access_level", "None"),
        ("patreon-level", "0"),
        ("memberful_acl", "a:0:{}"),
        ("_genesis_noindex", "0"),
        ("_hide_title", "1"),
        ("_issuem_leaky_paywall_visibility", 'a:1:{s:15:"visibility_type";s:7:"default";}'),
        (
            "um_content_restriction",
            'a:2:{s:26:"_um_custom_access_settings";b:0;s:14:"_um_accessible";s:1:"2";}',
        ),
        ("_wp_old_slug", "noindex"),
        ("_visibility", "on the shore"),
        ("show", "all the waves"),
        ("_wp_trash_meta_status", "publish"),
    ],
)
def test_other_words_of_a_plugin_hide_nothing(tmp_path: Path, key: str, value: str) -> None:
    (record,) = open_source(export(tmp_path, item(1, meta(key, value)))).records()
    assert isinstance(record, Record)
    assert not record.values.get("robots")


@pytest.mark.parametrize(
    "apart",
    [
        "<!-- wp:premium-content/subscriber-view --><p>Inner</p>"
        "<!-- /wp:premium-content/subscriber-view --><p>All see this.</p>",
        "[members_only level='2']Inner[/members_only]<p>All see this.</p>",
        "[restrict]Inner <b>words</b>[/restrict]<p>All see this.</p>",
        "<p>All see this.</p><!-- wp:jetpack/paywall /--><p>Inner</p>",
        '<!-- wp:group {"metadata":{"blockVisibility":false}} --><!-- wp:group --><p>In</p>'
        "<!-- /wp:group --><p>ner</p><!-- /wp:group --><p>All see this.</p>",
        '<p>All see this.</p><!-- wp:paragraph {"blockVisibility":{"visibilityByRole":"logged-in"}}'
        " --><p>Inner, to the end</p>",
        "[passster password='x']Inner[/passster]<p>All see this.</p>",
        "[ppwp passwords='x']Inner[/ppwp]<p>All see this.</p>",
        "<!-- wp:passster/content-protector --><p>Inner</p><!-- /wp:passster/content-protector -->"
        "<p>All see this.</p>",
        "[sociallocker]Inner[/sociallocker]<p>All see this.</p>",
        "[vc_raw_html]JTNDc2NyaXB0JTNF[/vc_raw_html]<p>All see this.</p>",
        '[vc_row disable_element="yes"]Inner[/vc_row]<p>All see this.</p>',
        '[et_pb_section fb="1" disabled="on"]Inner[/et_pb_section]<p>All see this.</p>',
    ],
)
def test_what_a_post_holds_for_some_readers_is_no_text(tmp_path: Path, apart: str) -> None:
    articles, _ = read(export(tmp_path, item(1, content__encoded=f"<p>Kelp.</p>{apart}")))
    assert articles["1"].sections[0].text == "Kelp.\nAll see this."


def test_a_product_that_the_shop_does_not_list_is_shown_to_no_reader(tmp_path: Path) -> None:
    term = '<category domain="product_visibility" nicename="exclude-from-catalog">x</category>'
    table = export(tmp_path, item(1, term, wp__post_type="product"))
    articles, _ = read({**table, "types": ["product"]})
    assert articles["1"].status is Status.HIDDEN


def test_a_post_that_expires_is_shown_until_then(tmp_path: Path) -> None:
    table = export(tmp_path, item(1, meta("_expiration-date", "1893456000")))
    assert read(table)[0]["1"].visible_until == dt.datetime(2030, 1, 1, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("key", "value", "until"),
    [
        ("unpublish_timestamp", "1893456000", 2030),
        ("_post_expire", "2030-01-01", 2030),
        ("expiration_date", "in a year", None),
        ("coupon_expires_in", "30", None),
    ],
)
def test_the_end_of_a_post_is_known_by_other_names(
    tmp_path: Path, key: str, value: str, until: int | None
) -> None:
    article = read(export(tmp_path, item(1, meta(key, value))))[0]["1"]
    assert (article.visible_until and article.visible_until.year) == until
    assert article.status is Status.PUBLISHED


def test_a_post_under_embargo_is_shown_after_it(tmp_path: Path) -> None:
    fields = meta("_embargo_until", "2030-01-01") + meta("release_date", "2031-01-01")
    article = read(export(tmp_path, item(1, fields)))[0]["1"]
    assert article.visible_from == dt.datetime(2030, 1, 1, tzinfo=dt.UTC)


def test_a_bare_ampersand_costs_itself_and_is_reported(tmp_path: Path) -> None:
    table = export(tmp_path, "<item><category>A & B&nbsp;C</category></item>", item(1))
    articles, report = read(table)
    assert articles.keys() == {"1"}
    assert report.skipped == {"not-well-formed": 2}
    assert "line 4" in report.problems[-1].message


def test_shortcodes_are_no_text_and_the_words_of_a_caption_are(tmp_path: Path) -> None:
    content = (
        "First lines.\n\nA second paragraph [sic].\n"
        '[caption id="a" width="3"]<img src="/k.jpg" /> Kelp by a diver[/caption]'
        '[gallery ids="1,2"][embed]https://video.example/1[/embed][contact-form-7 id="4"]'
        "[su_note]inside[/su_note][ez-toc]\n\nhttps://www.youtube.com/watch?v=2\n\nhttps://flic.kr/p/5\n"
        '<div class="wp-block-embed__wrapper">\nhttps://kelp.example/3\n</div>'
        "<pre>GET\nhttps://kelp.example/4\n</pre>"
        "<!-- wp:query-no-results --><p>Nothing found.</p><!-- /wp:query-no-results -->"
    )
    articles, _ = read(export(tmp_path, item(1, content__encoded=content)))
    text = articles["1"].sections[0].text
    assert text.split("\n") == [
        "First lines.",
        "A second paragraph [sic].",
        "Kelp by a diver",
        "inside",
        "GET https://kelp.example/4",
    ]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("[:de]Tang[:en]Kelp[:]", "Kelp"),
        ("[:de]Tang[:en]Kelp[:] by Mira", "Kelp by Mira"),
        ("By Mira: [:de]Tang[:en]Kelp[:]", "By Mira: Kelp"),
        ("<!--:en-->Kelp<!--:--><!--:de-->Tang<!--:-->", "Kelp"),
        ("{:fr}Varech{:}{:de}Tang{:}", "Varech"),
        ("Cut by a[:ix] and a[:iy]", "Cut by a[:ix] and a[:iy]"),
        ("Cut by a[:ix] and a[:] too", "Cut by a[:ix] and a[:] too"),
        ("[:]Kelp a[:ix]", "[:]Kelp a[:ix]"),
    ],
)
def test_of_a_text_in_several_languages_the_site_s_own_is_read(
    tmp_path: Path, text: str, shown: str
) -> None:
    fields = {"title": text, "content__encoded": f"{text}\n\n", "excerpt__encoded": text}
    (article,) = read(export(tmp_path, item(1, **fields)))[0].values()
    assert (article.title, article.sections[0].text, article.excerpt) == (shown, shown, shown)


def test_the_texts_of_divi_5_stand_in_its_blocks_attributes(tmp_path: Path) -> None:
    def block(kind: str, name: str, value: str, more: str = "") -> str:
        said = f'"{name}":{{"innerContent":{{"desktop":{{"value":{value}}}}}}}{more}'
        return f"<!-- wp:divi/{kind} {{{said}}} /-->\n"

    off = ",".join(f'"{name}":{{"value":"on"}}' for name in ("desktop", "tablet", "phone"))
    content = (
        "<!-- wp:divi/placeholder --><!-- wp:divi/section {} -->"
        + block("heading", "title", '"Where it grows"')
        + block("text", "content", r'"\u003cp\u003eIn \u0022cold\u0022 water.\u003c/p\u003e"')
        + block("text", "content", '"Hidden words"', f',"module":{{"disabledOn":{{{off}}}}}')
        + block("button", "button", '{"text":"Buy"}')
        + "<!-- /wp:divi/section --><!-- /wp:divi/placeholder -->"
    )
    (section,) = read(export(tmp_path, item(1, content__encoded=content)))[0]["1"].sections
    assert (section.heading, section.text) == ("Where it grows", 'In "cold" water.')


def test_characters_that_xml_forbids_cost_nothing(tmp_path: Path) -> None:
    path = tmp_path / "export.xml.gz"
    text = "\n\n" + HEAD + item(1, title="Sal\x0bt") + "</channel></rss>"
    path.write_bytes(gzip.compress(text.encode()))
    assert read(table_for(str(path)))[0]["1"].title == "Sal t"


def test_an_export_that_breaks_off_ends_the_build_after_what_could_be_read(tmp_path: Path) -> None:
    table = export(tmp_path, item(1), "<item><title>Cut", end="")
    with pytest.raises(SourceError, match=r"can't be read to its end.*line"):
        read(table)


def test_a_feed_is_no_export_and_an_export_no_feed(tmp_path: Path) -> None:
    table = export(tmp_path, item(1))
    with pytest.raises(SourceError, match='kind = "wxr"'):
        read({"kind": "feed", "path": table["path"]})
    assert table_for(table["path"])["kind"] == "wxr"
    Path(table["path"]).write_text("<rss><channel><item><title>T</title></item></channel></rss>")
    with pytest.raises(SourceError, match='kind = "feed"'):
        read(table)
    assert table_for(table["path"])["kind"] == "feed"


@pytest.mark.parametrize("entity", ["'y'", "SYSTEM 'file:///etc/passwd'"])
def test_entities_of_an_export_are_never_read(tmp_path: Path, entity: str) -> None:
    table = export(tmp_path, item(1))
    text = (
        Path(table["path"]).read_text().replace("<rss", f"<!DOCTYPE a [<!ENTITY x {entity}>]><rss")
    )
    Path(table["path"]).write_text(text.replace("<![CDATA[Post 1]]>", "&x;"))
    with pytest.raises(SourceError, match="entities"):
        read(table)


def test_memory_does_not_grow_with_an_export(tmp_path: Path) -> None:
    path = tmp_path / "export.xml"
    comment = "<wp:comment><wp:comment_content>Well said</wp:comment_content></wp:comment>"
    with path.open("w") as file:
        file.write(HEAD)
        for number in range(2_000):
            words = f"<p>{'Words of the sea and the shore. ' * 48}</p>" * 10
            file.write(item(number, comment * 20, content__encoded=words))
        file.write("</channel></rss>")
    Path("/proc/self/clear_refs").write_text("5")
    before, begun = memory("VmRSS"), time.monotonic()
    assert path.stat().st_size > 30_000_000
    count = sum(1 for _ in open_source({"kind": "wxr", "path": str(path)}).records())
    assert count == 2_000
    assert memory("VmHWM") - before < 30_000_000
    assert time.monotonic() - begun < 60
