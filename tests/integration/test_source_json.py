"""JSON documents that hold their articles in a list."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from index.articles.parse import FieldMapping
from index.errors import SourceError
from index.sources import json_stream
from index.sources.registry import open_source, table_for
from index.sources.source_check import check_source
from recommender.article import Status
from recommender.errors import SettingError
from tests.support.process_memory import status
from tests.support.sample_records import RECORDS, read


def write(folder: Path, text: str) -> str:
    path = folder / "a.json"
    path.write_text(text)
    return str(path)


ITEMS = '[{"id": "a", "title": "A"},\n {"id": "b", "title": "B", "sections": [{"text": "]"}]}]'


@pytest.mark.parametrize(
    "text",
    [
        ITEMS,
        f"\ufeff\n{ITEMS}\n",
        f'{{"articles": {ITEMS}}}',
        f'{{"count": 2, "tags": ["x"], "articles": {ITEMS}, "more": {{"next": [1]}}}}',
        f'{{"meta": {{"a": []}}, "data": {{"posts": {ITEMS}}}}}',
        f'{{"data": {{"allPosts": {{"nodes": {ITEMS}}}}}}}',  # as GraphQL answers
        f'{{"data": {{"blog": {{"posts": {{"edges": {ITEMS}}}}}}}}}',
        f'{{"comments": [{{"id": "x"}}, {{}}, {{}}], "posts": {ITEMS}}}',
        f'{{"contentTypes": [{{"id": "x"}}], "assets": [{{"id": "y"}}], "entries": {ITEMS}}}',
        '[\n{"type":"header","version":"5.2.1","comment":"Export to JSON plugin for PHPMyAdmin"},\n'
        '{"type":"database","name":"site"},\n{"type":"table","name":"posts","database":"site","data":'
        f"\n{ITEMS}\n}}\n]",
        f'{{"included": [{{"id": "x"}}], "nodes_of_ours": {ITEMS}}}',
        # as Discourse and Outline answer
        f'{{"users": [{{"id": 1}}, {{}}, {{}}], "topic_list": {{"topics": {ITEMS}}}}}',
        f'{{"data": {ITEMS}, "policies": [{{"id": "a"}}, {{"id": "b"}}, {{"id": "c"}}]}}',
        f'{{"messages": [{{"status": "ok"}}], "collection": {ITEMS}}}',
        f'{{"articles": {ITEMS}, "topics": [{{"id": "x"}}], "issues": [{{"id": "y"}}]}}',
        f'{{"issues": {ITEMS}, "labels": [{{"id": "a"}}, {{"id": "b"}}, {{"id": "c"}}]}}',
        f'{{"topics": {ITEMS}, "groups": [{{}}, {{}}, {{}}], "users": [{{}}, {{}}, {{}}]}}',
        f'{{"policies": [{{}}, {{}}, {{}}], "works": {ITEMS}}}',
        f'{{"bugs": {ITEMS}, "labels": [{{"id": "a"}}]}}',
        f'{{"data": {{"posts": {ITEMS}, "page": {{"errors": [{{"a": 1}}]}}}}}}',
    ],
)
def test_all_records_of_the_one_list_are_read(tmp_path: Path, text: str) -> None:
    table = table_for(write(tmp_path, text))
    assert table["kind"] == "json"
    articles, report = read(table)
    assert articles.keys() == {"a", "b"}
    assert articles["b"].sections[0].text == "]"
    assert report.read == 2


def test_a_document_in_utf_16_is_refused_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(ITEMS, "utf-16")
    with pytest.raises(SettingError, match="save it as UTF-8"):
        table_for(str(tmp_path / "a.json"))


def test_json_lines_stay_json_lines_whatever_their_suffix(tmp_path: Path) -> None:
    one = '{"id": "a", "title": "A", "sections": [{"text": "T"}]}'
    for text in (one, f"{one}\n", f"{one}\n{one}"):
        assert table_for(write(tmp_path, text))["kind"] == "jsonl"


def test_a_list_that_is_read_as_json_lines_is_refused_with_the_kind(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r'a\.json line 2: a JSON list.*kind = "json"'):
        read({"kind": "jsonl", "path": write(tmp_path, f"\n{ITEMS}")})


def test_an_object_of_several_lines_is_told_once_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"line 1: an object of several lines.*jq -c"):
        read({"kind": "jsonl", "path": write(tmp_path, json.dumps(RECORDS[0], indent=1) * 2)})


def test_the_sample_comes_back_in_pieces_of_any_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = table_for(write(tmp_path, json.dumps(RECORDS, indent=1, ensure_ascii=False)))
    whole, report = read(table)
    assert report.kept == len(RECORDS)
    monkeypatch.setattr(json_stream, "_CHUNK", 7)
    assert read(table)[0] == whole


def test_of_several_lists_one_must_be_named(tmp_path: Path) -> None:
    path = write(tmp_path, f'{{"posts": {ITEMS}, "pages": [{{"id": "x", "title": "X"}}]}}')
    said = r"pages \(1\), posts \(2\); name the one.*items = .posts.$"
    with pytest.raises(SourceError, match=said):
        read({"kind": "json", "path": path})
    assert read({"kind": "json", "path": path, "items": "posts"})[0].keys() == {"a", "b"}
    beside = write(tmp_path, f'{{"blog": {ITEMS}, "pages": [{{"id": "x", "title": "X"}}]}}')
    with pytest.raises(
        SourceError, match=r"blog \(2\), pages \(1\); name the one.*items = .blog.$"
    ):
        read({"kind": "json", "path": beside})
    for one, other in (("policies", "settings"), ("labels", "bugs")):
        beside = write(tmp_path, f'{{"{one}": {ITEMS}, "{other}": [{{"id": "x"}}]}}')
        with pytest.raises(SourceError, match=f"holds several lists.*items = .{other}.$"):
            read({"kind": "json", "path": beside})
    with pytest.raises(SourceError, match="no list 'none'"):
        read({"kind": "json", "path": path, "items": "none"})


def test_an_item_that_is_none_costs_itself_and_is_found_by_its_number(tmp_path: Path) -> None:
    text = '[{"id": "a", "title": "A"},\n 7, {"id": "b" "title": "B"},\n\n{"id":"c"}]'
    path = write(tmp_path, text)
    articles, report = read({"kind": "json", "path": path})
    assert articles.keys() == {"a"}
    places = [problem.location for problem in report.problems if problem.reason != "no-text"]
    assert [place.removeprefix(path) for place in places] == [
        " item 2 (line 2)",
        " item 3 (line 2)",
        " item 4 (line 4)",
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[{"id": "a", "title": "A"}, {"id": "b"', "item 2, line 1: it breaks off"),
        ('[{"id": "a"}] and more', "line 1"),
        ('[{"id": "a"}}', "} stands in the wrong place"),
        ('{"title": "T",\n"tags": []}', "no list of articles"),
        ("[" * 100, "nested deeper"),
        ("7", "not JSON"),
        ("", "not JSON"),
    ],
)
def test_what_cant_be_read_to_its_end_is_told_with_its_place(
    tmp_path: Path, text: str, said: str
) -> None:
    with pytest.raises(SourceError, match=said):
        read({"kind": "json", "path": write(tmp_path, text)})


def test_an_item_without_end_is_never_held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_stream, "MAX_ELEMENT", 1_000_000)
    path = write(tmp_path, '[{"id": "' + "x" * 50_000_000)
    Path("/proc/self/clear_refs").write_text("5")
    before = status("VmRSS")
    with pytest.raises(SourceError, match="longer than 1000000 bytes"):
        read({"kind": "json", "path": path})
    assert status("VmHWM") - before < 20_000_000


TWICE = [
    '"draft": true, "draft": false',
    '"status": "draft", "status": "published"',
    '"draft": false, "draft": true, "draft": false, "draft": false',
    '"seo": {"noindex": true, "noindex": false}',
    '"visible_from": "2099-01-01", "visible_from": "2020-01-01"',
    '"visible_until": "2020-01-01", "visible_until": "2099-01-01"',
    '"zustand": "entwurf", "zustand": "public"',
]


@pytest.mark.parametrize("said", TWICE)
@pytest.mark.parametrize("suffix", ["json", "jsonl"])
def test_of_a_name_that_stands_twice_the_value_that_hides_holds(
    tmp_path: Path, said: str, suffix: str
) -> None:
    path = tmp_path / f"a.{suffix}"
    path.write_text(f'{{"articles": [{{"id": "a", "title": "A", {said}}}]}}')
    if suffix == "jsonl":
        path.write_text(f'{{"id": "a", "title": "A", {said}}}\n')
    articles, _ = read(table_for(str(path)) | {"map": {"status": "status,zustand"}})
    one, now = articles["a"], dt.datetime(2026, 11, 1, tzinfo=dt.UTC)
    times = one.visible_from or now, one.visible_until or now
    assert one.status is not Status.PUBLISHED or not times[0] <= now <= times[1]


def test_a_name_that_stands_twice_is_reported(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"id": "a", "title": "One", "title": "Two", "title": "Three", "url": "/a"}\n')
    articles, report = read(table_for(str(path)))
    assert articles["a"].title == "Three"
    assert report.notes["title: stands-twice"] == 1


@pytest.mark.parametrize(
    ("item", "fields"),
    [
        ({"attributes": {"status": "draft", "title": "T"}}, {"title": "attributes.title"}),
        ({"attributes": {"publishedAt": None, "title": "T"}}, {"title": "attributes.title"}),
        ({"title": "T", "seo": {"noindex": True, "text": "x"}}, {"excerpt": "seo.text"}),
        (
            {"title": "T", "content": {"rendered": "", "protected": True}},
            {"summary": "content.rendered"},
        ),
        ({"title": "T", "meta": {"state": "published", "noindex": 1}}, {"status": "meta.state"}),
        ({"title": "T", "publishedAt": None}, {"visible_from": "publishedAt"}),
    ],
)
def test_a_mapped_field_takes_nothing_along_that_hides_the_article(
    tmp_path: Path, item: dict[str, object], fields: dict[str, str]
) -> None:
    path = write(tmp_path, json.dumps([{"id": "a", **item}]))
    (article,) = read({"kind": "json", "path": path, "map": fields})[0].values()
    assert article.title == "T"
    assert article.status is not Status.PUBLISHED


def test_a_mapped_field_is_not_read_under_its_own_name_too(tmp_path: Path) -> None:
    item = {
        "id": "a",
        "title": "T",
        "sections": "Words of it.",
        "body": {"url": "/b", "tags": ["x"]},
    }
    fields = {"summary": "sections", "url": "body.url"}
    path = write(tmp_path, json.dumps([item]))
    (article,) = read({"kind": "json", "path": path, "map": fields})[0].values()
    assert (article.url, article.sections[0].text, article.tags) == ("/b", "Words of it.", ())


def test_of_an_object_that_a_map_reaches_into_the_rest_is_told_as_not_read(tmp_path: Path) -> None:
    inner = {"title": "T", "lead": "L", "status": "published", "publishedAt": "2020-01-01"}
    path = write(tmp_path, json.dumps([{"sys": {"id": "a"}, "attributes": inner, "box": {"a": 1}}]))
    fields = {"id": "sys.id", "title": "attributes.title"}
    source = open_source({"kind": "json", "path": path, "map": fields})
    mapping = FieldMapping(url_template="/{id}", timezone=ZoneInfo("UTC"))
    assert check_source(source, mapping, 9).unread == {"attributes.lead": "L", "box": "{'a': 1}"}


def test_a_list_of_one_value_is_reached_into_as_drupal_writes_it(tmp_path: Path) -> None:
    items = [
        {"nid": [{"value": 7}], "title": [{"value": "Kelp"}], "status": [{"value": True}]},
        {"nid": [{"value": 8}], "title": [{"value": "Rye"}], "status": [{"value": False}]},
    ]
    table = {"kind": "json", "path": write(tmp_path, json.dumps(items))}
    articles, _ = read({**table, "map": {"id": "nid.value", "title": "title.value"}})
    assert {key: (one.title, one.status) for key, one in articles.items()} == {
        "7": ("Kelp", Status.PUBLISHED),
        "8": ("Rye", Status.HIDDEN),
    }


def test_an_id_that_is_an_address_links_its_article(tmp_path: Path) -> None:
    items = [{"@id": "https://shore.example/kelp", "title": "Kelp", "summary": "Waves.", "url": ""}]
    table = {"kind": "json", "path": write(tmp_path, json.dumps(items))}
    assert [one.url for one in read(table)[0].values()] == ["https://shore.example/kelp"]
    articles, _ = read({**table, "url_template": "/{title}"})
    assert [one.url for one in articles.values()] == ["/Kelp"]


def test_an_object_of_links_as_json_api_has_it_is_no_fault(tmp_path: Path) -> None:
    items = [{"id": "a", "title": "A", "summary": "Waves.", "links": {"self": {"href": "/a"}}}]
    articles, report = read({"kind": "json", "path": write(tmp_path, json.dumps(items))})
    assert articles["a"].links == ()
    assert not report.problems
