"""A page's links: which are an editor's own, which the page calls related, which are apart."""

from __future__ import annotations

import pytest

from index.sources.markup import parse_html, select
from index.sources.page_text import text_and_links

PAGE = """<html><head><base href="https://sea.example/b/"></head><body>
<nav><a href="/nav">Start</a></nav><article><h1>Kelp</h1>
<div class="entry-meta">by <a href="/jo">Jo</a></div>
<p>Kelp is like <a href="wrack">wrack</a>, not <a rel="sponsored" href="ad">this</a>.</p>
<h2>Where</h2><p>In <a href="cold">cold water</a>, <a href="#kelp">as said</a>.</p>
<p><strong>Read also:</strong> <a href="dulse">Dulse</a></p>
<h2>See also</h2><ul><li><a href="laver">Laver</a></li></ul>
<a href="rye" title="next chapter">Rye</a>
<h2>Uses</h2><p>It is eaten in many soups of the coast.</p>
<div class="post-navigation"><a href="older">Old kelp</a></div></article>
<section><h3>関連記事</h3><a href="moss">Moss</a></section></body></html>"""


WORDS = """
推荐阅读 相关新闻\uff1a 推薦閱讀 合わせて読みたい 関連記事はこちら 연관_기사 관련글
함께_보면_좋은_글 Похожие_материалы Материалы_по_теме Вам_также_может_понравиться
Схожі_статті اقرأ_أيضًا مواضيع_ذات_صلة بیشتر_بخوانید קראו_גם ये_भी_पढ़ें
บทความที่เกี่ยวข้อง Tin_liên_quan Có_thể_bạn_quan_tâm Benzer_haberler Διαβάστε_επίσης
Przeczytaj_także Posts_relacionados Artikel_terkait Enjoy_Reading_This_Article?
"""
FURTHER = [one.replace("_", " ") for one in WORDS.split()]


def test_links_are_told_apart_by_where_they_stand() -> None:
    root = parse_html(PAGE)
    found = text_and_links(select(root, "article")[0], title="Kelp", page=root)
    base = "https://sea.example/b/"
    assert [
        (link["url"].removeprefix(base), link["kind"], link["section"], link["heading"])
        for link in found["links"]
    ] == [
        ("https://sea.example/jo", "apart", None, ""),
        ("wrack", "text", 0, ""),
        ("ad", "apart", None, ""),
        ("cold", "text", 1, ""),
        ("dulse", "related", None, "Read also"),
        ("laver", "related", None, "See also"),
        ("rye", "apart", None, ""),
        ("older", "apart", None, ""),
        ("moss", "related", None, "関連記事"),
    ]
    assert "Laver" not in str(found["sections"])
    assert "Dulse" not in str(found["sections"])


@pytest.mark.parametrize("heading", ["Siehe auch", "Voir aussi", "Véase también", "Vedi anche",
                                     "Zie ook", "Veja também", "Zobacz też", "Se även", "参照",
                                     "相关文章", "另请参阅", "Our picks:",
                                     "Das könnte dir auch gefallen", "Lesen Sie dazu auch",
                                     "Weitere Artikel zum Thema", "Empfohlene Beiträge",
                                     "Dans la même catégorie", "Pour en savoir plus",
                                     "Ces articles pourraient vous intéresser", "Mehr dazu",
                                     "Articles recommandés", "Noticias relacionadas",
                                     "Te recomendamos leer", "Quizás te interese",
                                     "Lea también", "Publicaciones relacionadas",
                                     *FURTHER])  # fmt: skip
def test_headings_of_related_blocks_are_known_in_many_languages(heading: str) -> None:
    page = f"<div><p>{'Kelp grows. ' * 9}</p><h2>{heading}</h2><ul><li><a href=/x>X</a></ul></div>"
    found = text_and_links(parse_html(page), headings=("Our picks",))
    assert [link["kind"] for link in found["links"]] == ["related"]


@pytest.mark.parametrize(
    "line",
    [
        "上一篇\uff1a<a href=/x>X</a> 下一篇\uff1a<a href=/y>Y</a>",
        "Next message: <a href=/x>X</a>",
        "다음 글 <a href=/x>X</a>",
        "이전글 <a href=/x>X</a>",
        "<a href=/x>下一篇\uff1aX</a>",
        "Следующая статья: <a href=/x>X</a>",
    ],
)
def test_a_line_that_leads_to_the_page_before_or_after_is_no_reference(line: str) -> None:
    page = f"<div><p>{'Kelp grows. ' * 9}</p><p>{line}</p></div>"
    assert {link["kind"] for link in text_and_links(parse_html(page))["links"]} == {"apart"}


def test_what_stands_in_for_things_that_browsers_show_is_no_text() -> None:
    page = """<div><p>Kelp.</p><video src=a>No video for you.</video><p>It is
    <math><mi>E</mi><annotation encoding="application/x-tex">E = mc^2</annotation></math>.</p>
    <textarea>Write here.</textarea></div>"""
    (section,) = text_and_links(parse_html(page))["sections"]
    assert section["text"].split() == ["Kelp.", "It", "is", "E."]
    page = "<div><p><ruby>昆布<rp>(</rp><rt>こんぶ</rt><rp>)</rp></ruby>の森</p></div>"
    assert text_and_links(parse_html(page))["sections"][0]["text"] == "昆布の森"
    page = "<div><p>潮来了。\n  潮去了，\n又来 了。\nAnd so on.\nEnd.</p></div>"  # noqa: RUF001
    text = text_and_links(parse_html(page))["sections"][0]["text"]
    assert text == "潮来了。潮去了，又来 了。 And so on. End."  # noqa: RUF001 - as in Chinese


@pytest.mark.parametrize(
    "part",
    [
        '<div id="ez-toc-container"><p class="ez-toc-title">Contents</p></div>',
        '<div class="lwptoc"><b>Contents</b></div>',
        '<div class="wp-block-yoast-seo-table-of-contents"><h2>Contents</h2></div>',
        '<div class="wp-block-uagb-table-of-contents"><div>Contents</div></div>',
        '<div class="wp-block-rank-math-toc-block"><h2>Contents</h2></div>',
        '<div class="elementor-widget-table-of-contents"><h4>Contents</h4></div>',
        '<div class="addtoany_share_save_container">Share this:</div>',
        '<div class="heateor_sss_sharing_container">Share with friends</div>',
        '<div class="saboxplugin-wrap">Ann writes.</div>',
        '<div class="pp-multiple-authors-boxes-wrapper"><h2>Author</h2></div>',
        '<ul class="wp-block-latest-posts__list"><li><a href="/n">Newest</a></li></ul>',
        '<div class="wp-block-query"><h2><a href="/n">Newest</a></h2></div>',
        '<span class="screen-reader-text">(opens in a new tab)</span>',
        '<div class="mepr-unauthorized-message">You are not allowed here.</div>',
        '<div class="pmpro_card pmpro_content_message"><h2>Membership Required</h2></div>',
        '<div class="wp-block-jetpack-paywall jetpack-subscribe-paywall">Subscribe!</div>',
        '<a class="wprm-recipe wprm-recipe-jump" href="#recipe">Jump to Recipe</a>',
        '<div class="kk-star-ratings">Rate this post</div>',
    ],
)
def test_what_wordpress_s_plugins_put_into_a_post_is_no_text(part: str) -> None:
    words = "Kelp grows in cold water along rocky coasts, where swell brings it food."
    (section,) = text_and_links(parse_html(f"<div><p>{words}</p>{part}</div>"))["sections"]
    assert section == {"heading": "", "text": words}


def test_quotations_and_code_are_told_apart_section_by_section() -> None:
    page = """<div><p>She said <q>kelp is food</q>.</p><blockquote><p>Kelp &lt; moss.</p>
    <p>So it is.</p></blockquote><h2>How</h2><p>Run <code>eat
    kelp</code> now.</p></div>"""
    first, second = text_and_links(parse_html(page))["sections"]
    assert first["quoted"] == ["kelp is food", "Kelp &lt; moss.\nSo it is."]
    assert second["quoted"] == ["eat kelp"]
    assert all(passage in first["text"] for passage in first["quoted"])
