"""Encodings mean what browsers take them to mean."""

from __future__ import annotations

import pytest

from index.sources.encodings import charset_of, codec_of, decode, markup_encoding


@pytest.mark.parametrize(
    ("label", "codec", "text"),
    [
        ("gb2312", "gb18030", "朱镕基 \U00020087"),
        ("GBK", "gb18030", "朱镕基"),
        ("iso-8859-1", "cp1252", "the bakers\u2019 \u201cbest\u201d \u2013 5 €"),
        ("latin1", "cp1252", "\u2019"),
        ("us-ascii", "cp1252", "\u2019"),
        ("ISO-8859-9", "cp1254", "İŞĞ \u2019"),
        ("tis-620", "cp874", "ข้าว…"),
        ("x-sjis", "cp932", "①髙"),
        ("shift_jis", "cp932", "①髙"),
        ("ks_c_5601-1987", "cp949", "똠방각하"),
        ("big5", "big5hkscs", "咗"),
        ("koi8-r", "koi8_r", "хлеб"),
        ("windows-1251", "cp1251", "хлеб"),
    ],
)
def test_a_label_means_what_the_web_says(label: str, codec: str, text: str) -> None:
    assert decode(text.encode(codec), label) == text


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("ä".encode("utf-8-sig"), "ä"),
        ("ä".encode("utf-16"), "ä"),
        (b"\xfe\xff\x00\xe4", "ä"),
        ("ä”".encode(), "ä”"),
    ],
)
def test_a_mark_outranks_what_is_declared_and_utf_8_is_seen_below_a_wrong_label(
    content: bytes, text: str
) -> None:
    assert decode(content, "windows-1252") == text


@pytest.mark.parametrize("label", ["", "utf-8", "no-such", "replacement", "utf-7", "base64"])
def test_bytes_that_are_no_text_are_refused_with_their_place(label: str) -> None:
    with pytest.raises(ValueError, match=r"byte 2 is 0xff.*save it as UTF-8"):
        decode(b"ab\xff", label)


@pytest.mark.parametrize(
    ("text", "encoding", "is_read"),
    [
        ("Il été où les ÉLÈVES «\u00a0étaient\u00a0»", "windows-1252", True),
        ("L\u2019acqua è blu \u2013 © \u2014\u2014\u2014\u2014", "windows-1252", True),
        ("Как испечь хлеб: я и ты", "windows-1251", False),
        ("Как испечь хлеб: я и ты", "koi8-r", False),
        ("Ζεστό ψωμί", "windows-1253", False),
        ("家でパンを焼く方法について", "shift_jis", False),
        ("如何在家烤面包这是一个简单的方法", "gbk", False),
    ],
)
@pytest.mark.parametrize("declared", ["", "utf-8"])
def test_bytes_that_are_not_utf_8_are_western_only_if_they_look_so(
    text: str, encoding: str, is_read: bool, declared: str
) -> None:
    page = f"{'.' * 9_000}{text}".encode(encoding)
    if is_read:
        assert decode(page, declared, lenient=True).strip(".") == text
    else:
        with pytest.raises(ValueError, match="declare its encoding"):
            decode(page, declared, lenient=True)
    wrong = f"{text} {'.' * 99}\udcff"
    read = decode(wrong.encode(errors="surrogateescape"), declared, lenient=True)
    assert read == wrong.replace("\udcff", "\ufffd")


@pytest.mark.parametrize("own", ["", "utf-8", "no-such"])
def test_only_what_is_not_utf_8_is_western_in_an_old_text_of_a_new_template(own: str) -> None:
    texts = "Café 東京からの手紙を読む", "\u2019 \u201ckelp\u201d, été là" * 9
    page = b"".join(
        text.encode(codec) for text, codec in zip(texts, ("utf-8", "cp1252"), strict=True)
    )
    assert decode(page, "utf-8", own, lenient=True) == "".join(texts)


def test_where_the_header_says_utf_8_wrongly_the_page_s_own_word_counts() -> None:
    page = "Zażółć gęślą jaźń".encode("windows-1250")
    assert decode(page, "utf-8", "windows-1250", lenient=True) == "Zażółć gęślą jaźń"
    mostly = "ł".encode() * 99 + b" \xb3"
    assert decode(mostly, "utf-8", "windows-1250", lenient=True)[-2:] == " \ufffd"


@pytest.mark.parametrize(
    ("head", "label"),
    [
        (b"<meta charset=gb2312>", "gb2312"),
        (b"<META CharSet = 'GB2312' />", "GB2312"),
        (b'<meta content="text/html; charset=gb2312" http-equiv=Content-Type>', "gb2312"),
        (b'<meta name=description content="charset=gb2312">', ""),
        (b"<!-- <meta charset=gb2312> --><meta charset=big5>", "big5"),
        (b"<meta charset=no-such><meta charset=big5>", "big5"),
        (b"<meta charset=utf-16>", "utf-8"),
        (b"<?xml version='1.0' encoding='ISO-8859-1'?><html>", "ISO-8859-1"),
        (b"<\0?\0x\0m\0l\0", "utf-16le"),
        (b"\0<\0?\0x\0m\0l", "utf-16be"),
        (b" " * 1024 + b"<meta charset=big5>", ""),
        (b" " * 1024 + b"<meta charset=big5>\xff", "big5"),
        (b"<p>charset=big5", ""),
    ],
)
def test_a_document_declares_its_encoding(head: bytes, label: str) -> None:
    assert markup_encoding(head) == label


def test_a_content_type_names_its_charset() -> None:
    assert charset_of('text/html; Charset="windows-1251"; x=y') == "windows-1251"
    assert charset_of("text/html") == ""
    assert charset_of(f"charset={' ' * 400_000}") == ""  # in a moment


def test_an_operator_may_name_what_only_python_knows() -> None:
    assert [codec_of(name) for name in ("latin-1", "latin1", "cp850", "utf_8")] == [
        *("cp1252", "cp1252", "cp850", "utf-8")
    ]
    for name in ("utf-9", "base64", "", "replacement"):
        with pytest.raises(LookupError):
            codec_of(name)
