"""What the first records of a source show: the names of fields, and the encoding."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from service.cli.first_records import with_proposals

LONG = "Kelp grows in cold water along the coast. " * 9
SHORT = "Kelp grows."
BLOCKS = [{"type": "paragraph", "text": LONG}]


@pytest.mark.parametrize(
    ("item", "found"),
    [
        ({"id": 1, "title": "K", "summary": SHORT}, {}),
        ({"id": 1, "title": "K", "sections": [{"text": "x"}], "body": SHORT}, {}),
        # Of several texts the longest.
        (
            {"id": 1, "title": "K", "summary": SHORT, "content": LONG},
            {"summary": "content", "excerpt": "summary"},
        ),
        (
            {"id": 1, "title": "K", "description": SHORT, "blocks": BLOCKS},
            {"summary": "blocks", "excerpt": "description"},
        ),
        ({"id": 1, "title": "K", "summary": LONG, "text": SHORT}, {}),
        # Names in any spelling.
        (
            {"Post Title": "K", "Post URL": "/k", "Published At": "2026-01-02", "Título": "L"},
            {"title": "Post Title", "url": "Post URL", "date": "Published At"},
        ),
        ({"id": 1, "título": "K", "conteúdo": SHORT}, {"title": "título", "summary": "conteúdo"}),
        (
            {"id": 1, "title": "K", "author": "Ann", "categories": ["sea"], "cover": "/k.jpg"},
            {"authors": "author", "tags": "categories", "image": "cover"},
        ),
        ({"id": 1, "title": "K", "author": 7, "categories": [3], "cover": "b6a1-77"}, {}),
        ({"id": 1, "title": "K", "location": "Kiel", "href": "https://a.org/api/7"}, {}),
        # Papers, as databases and citation managers export them.
        (
            {"id": 1, "title": "K", "abstractText": LONG, "authorString": "Lind A, Berg O."},
            {"summary": "abstractText", "authors": "authorString"},
        ),
        (
            {"Study Title": "K", "Brief Summary": LONG, "Study URL": "/k", "Conditions": "Cold"},
            {"title": "Study Title", "summary": "Brief Summary", "url": "Study URL"}
            | {"tags": "Conditions"},
        ),
        (
            {"Key": "A", "Title": "K", "Abstract Note": LONG, "Manual Tags": "sea; kelp"},
            {"id": "Key", "summary": "Abstract Note", "tags": "Manual Tags"},
        ),
        (
            {"id": 1, "title": "K", "metadata": {"description": LONG, "creators": [{"name": "A"}]}},
            {"summary": "metadata.description", "authors": "metadata.creators"},
        ),
        (
            {"id": 1, "title": "K", "issued": {"date-parts": [[2021, 3, 15]]}},
            {"date": "issued"},
        ),
        (
            {"id": 1, "dc.title": "K", "dc.description.abstract": LONG, "dc.creator": "Lind, Ann"},
            {"title": "dc.title", "summary": "dc.description.abstract", "authors": "dc.creator"},
        ),
        (
            {"id": 1, "metadata": {"dc.title": [{"value": "K"}], "dc.date.issued": ["2021"]}},
            {"title": "metadata.dc.title.value", "date": "metadata.dc.date.issued"},
        ),
        # Ids.
        ({"PMID": "7", "title": "K"}, {"id": "PMID"}),
        ({"objectID": "7", "title": "K", "slug": "k"}, {}),
        ({"headline": "K", "subject": "sea"}, {"id": "headline", "title": "headline"}),
        # Objects.
        (
            {"id": 1, "attributes": {"title": "K", "body": {"value": SHORT, "processed": LONG}}},
            {"title": "attributes.title", "summary": "attributes.body.processed"},
        ),
        (
            {"sys": {"id": "a"}, "fields": {"title": {"en-US": "K"}, "body": {"en-US": LONG}}},
            {"id": "sys.id", "title": "fields.title.en-US", "summary": "fields.body.en-US"},
        ),
        (
            {"id": 1, "title": {"rendered": "K"}, "content": {"rendered": LONG}, "link": "/k"},
            {"title": "title.rendered", "summary": "content.rendered", "url": "link"},
        ),
        (
            {"id": 1, "data": {"title": [{"type": "heading1", "text": "K"}], "body": BLOCKS}},
            {"title": "data.title.text", "summary": "data.body"},
        ),
        ({"id": 1, "title": "K", "category": {"name": "sea"}}, {"tags": "category"}),
        # Help desks and wikis.
        (
            {"id": 1, "question": "K?", "answer": LONG, "locale": "en_GB", "label_names": ["sea"]},
            {"title": "question", "summary": "answer", "language": "locale", "tags": "label_names"},
        ),
        (
            {"id": 1, "title": "K", "url": "https://api.a.org/k", "html_url": "https://a.org/k"},
            {"url": "html_url"},
        ),
        (
            {"Id": "k", "Title": "K", "Answer__c": LONG, "FirstPublishedDate": "2026-01-02"},
            {"summary": "Answer__c", "date": "FirstPublishedDate"},
        ),
        (
            {"id": 1, "title": "K", "body": {"storage": {"value": LONG, "representation": "x"}}},
            {"summary": "body.storage.value"},
        ),
        (
            {"article": {"id": "k", "name": "K", "text": LONG, "publicUrl": "https://a.org/k"}},
            {"title": "article.name", "summary": "article.text", "url": "article.publicUrl"},
        ),
        (
            {"id": 1, "translation": {"locale": "en-US", "title": "K", "content": LONG}},
            {
                "title": "translation.title",
                "summary": "translation.content",
                "language": "translation.locale",
            },
        ),
        (
            {"id": 1, "name": "K", "description": SHORT, "answer": {"id": 1, "body": LONG}},
            {"title": "name", "summary": "answer.body", "excerpt": "description"},
        ),
        (
            {
                "sys_id": "k",
                "short_description": "K",
                "text": LONG,
                "summary": {"link": "/x", "value": "b7"},
            },
            {"id": "sys_id", "title": "short_description", "summary": "text"},
        ),
        (
            {"_id": {"$oid": "65f1"}, "title": "K", "createdAt": {"$date": "2026"}},
            {"date": "createdAt"},
        ),
    ],
)
def test_usual_names_are_proposed_for_what_they_hold(
    tmp_path: Path, item: dict[str, Any], found: dict[str, str]
) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(json.dumps(item) + "\n")
    table = {"kind": "jsonl", "path": str(path)}
    assert with_proposals(table) == {**table, "map": found}


def test_records_that_lack_their_address_get_another_id(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("key,title,url\n1,K,/k\n2,L,\n")
    assert with_proposals({"kind": "csv", "path": str(path)})["map"] == {"id": "key"}
    path.write_text("key,title,url\n1,K,/k\n1,L,\n")
    assert with_proposals({"kind": "csv", "path": str(path)})["map"] == {}


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        ("id;Titel;Text\n1;Möwen;Über der See\n2;Tang;Am Meer\n".encode("windows-1252"), True),
        ("id;Titel;Text\n1;Möwen;Un été où les élèves ont brûlé un hêtre\n".encode("cp1252"), True),
        ("id;Titel;Text\n1;Möwen;Über der See\n".encode(), False),
        (b"id;Titel;Text\n1;M\xf6wen;a\n" + "2;Möwen;b\n".encode(), False),
    ],
)
def test_a_table_that_excel_saved_is_read_in_its_encoding(
    tmp_path: Path, content: bytes, encoding: bool
) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(content)
    found = with_proposals({"kind": "csv", "path": str(path)})
    assert found.get("encoding") == ("windows-1252" if encoding else None)
    assert found["map"] == {"title": "Titel", "summary": "Text"}


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("Водоросли растут в холодной воде", "cp1251"),
        ("Wodorosty rosną w zimnej wodzie a żyją na lądzie", "cp1250"),
        ("V moři rostou řasy které žijí na skalách a šumí", "cp1250"),
        ("A tengerben nőnek az algák a hűvös és mély vízben", "cp1250"),
    ],
)
def test_a_table_in_another_encoding_is_not_garbled(
    tmp_path: Path, text: str, encoding: str
) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(f"id;title;summary\n1;K;{text}\n".encode(encoding))
    assert "encoding" not in with_proposals({"kind": "csv", "path": str(path)})


@pytest.mark.parametrize(
    ("header", "encoding"),
    [
        ("编号,标题,正文,链接", "gb18030"),
        ("番号,タイトル,本文,リンク", "shift_jis"),
        ("번호,제목,내용,링크", "euc-kr"),
        ("編號,標題,內容,連結", "big5"),
        ("номер,Заголовок,Текст,Ссылка", "windows-1251"),
        ("nr,Tytuł,Treść,Adres", "windows-1250"),
        ("الرقم,العنوان,النص,الرابط", "windows-1256"),
        ("الرقم,العنوان,النص,الرابط", None),
        ("شناسه,عنوان,متن,لینک", None),
        ("id,Tiêu đề,Nội dung,Liên kết", None),
    ],
)
def test_tables_in_many_languages_are_read_by_their_names(
    tmp_path: Path, header: str, encoding: str | None
) -> None:
    path = tmp_path / "a.csv"
    _, title, text, _ = header.split(",")
    path.write_bytes(f"{header}\n1,{title},{LONG},/k\n".encode(encoding or "utf-8"))
    found = with_proposals({"kind": "csv", "path": str(path)})
    assert (found["map"]["title"], found["map"]["summary"]) == (title, text)
    assert found.get("encoding") == encoding


def test_a_name_that_stands_twice_is_proposed_as_it_is_written(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(f'{{"id": 1, "title": "K", "body": "{LONG}", "body": "{SHORT}"}}\n')
    assert with_proposals({"kind": "jsonl", "path": str(path)})["map"] == {"summary": "body"}


def test_a_source_that_is_no_table_is_left_as_it_is() -> None:
    assert with_proposals({"kind": "html", "path": "site"}) == {"kind": "html", "path": "site"}
