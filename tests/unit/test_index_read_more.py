"""The words at an excerpt's end that lead to its own article."""

from __future__ import annotations

import pytest

from index.articles.read_more import is_read_more, without_own_link, without_read_more


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("The tide came in […]", "The tide came in…"),
        ("The tide came in [...] Continue reading “Tides” →", "The tide came in…"),
        ("The tide came in. Read more »", "The tide came in."),
        ("Das Wasser kam… Weiterlesen", "Das Wasser kam…"),
        ("La marée monte… Lire la suite", "La marée monte…"),
        ("Words. The post Tides appeared first on The Shore.", "Words."),
        ("Worte. Der Beitrag Flut erschien zuerst auf Strand.", "Worte."),
        ("潮水来了。（阅读全文）", "潮水来了。"),  # noqa: RUF001 - as written in Chinese
        ("潮が満ちた。詳しくはこちら", "潮が満ちた。"),
        ("밀물이 왔다. 자세히 보기", "밀물이 왔다."),
        ("Прилив пришёл. Подробнее", "Прилив пришёл."),
        ("जल आया। और पढ़ें", "जल आया।"),
        ("آب آمد. بیشتر بخوانید", "آب آمد."),
        ("潮水来了。 文章潮汐最先出现在海岸。", "潮水来了。"),
        ("潮水來了。 〈潮汐〉這篇文章最早發佈於《海岸》。", "潮水來了。"),
        ("潮が満ちた。 投稿 潮 は 海岸 に最初に表示されました。", "潮が満ちた。"),
        ("Прилив. Запис Прилив спершу з'явиться на Берег.", "Прилив."),
        ("מים. הפוסט גאות הופיע לראשונה ב-חוף.", "מים."),
        ("The poster first appeared on the wall.", "The poster first appeared on the wall."),
        ("What I like to read more", "What I like to read more"),
        ("We want no more.", "We want no more."),
        ("Read more", ""),
        ("اقرأ المزيد", ""),
        ("The post office was closed.", "The post office was closed."),
    ],
)
def test_they_go_where_a_sentence_or_a_cut_stands_before_them(text: str, kept: str) -> None:
    assert without_read_more(text) == kept


@pytest.mark.parametrize(
    ("markup", "kept"),
    [
        ("<p>Waves <a href='/k'>Read <b>more</b> &rarr;</a></p>", "<p>Waves "),
        ("Waves <a href='/k'>Weiterlesen</a>.", "Waves "),
        ("Waves <a class=\"btn more-link\" href='/k'>Tovább →</a>", "Waves "),
        ("Waves [<a href='/k'>more</a>]", "Waves "),
        ("See <a href='/k'>the tables</a>.", "See <a href='/k'>the tables</a>."),
    ],
)
def test_a_link_with_such_words_at_the_end_goes(markup: str, kept: str) -> None:
    assert without_own_link(markup) == kept


@pytest.mark.parametrize(
    ("words", "own"),
    [
        ("Continue reading Tides and boats", True),
        ("(more…)", True),
        ("Mehr erfahren →", True),
        ("Leer más", True),
        ("続きを読む", True),
        ("Read full article >>", True),
        ("Click here to read more", True),
        ("Zum Artikel", True),
        ("Подробнее…", True),
        ("Click here to register", False),
        ("Moreover", False),
        ("The Reading Room", False),
    ],
)
def test_a_link_s_words_tell_whether_it_continues_an_excerpt(words: str, own: bool) -> None:
    assert is_read_more(words) is own


@pytest.mark.parametrize("unit", ["the post ", "read more ", "… ", "[…]", "more", " "])
def test_no_text_makes_it_slow(unit: str) -> None:
    text = unit * (1_000_000 // len(unit))
    assert without_read_more(text)[:10] == text[:10]
    is_read_more(text)
