"""Front matter: YAML, TOML and JSON at the beginning of a page."""

from __future__ import annotations

import datetime as dt
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.articles.visibility_words import find_hiding_word
from index.errors import RecordError
from index.sources.front_matter import MAX_FRONT, notion_page, split_front_matter


@pytest.mark.parametrize(
    ("text", "front", "body"),
    [
        ("No front matter.\n\n---\n\na: b\n---\n", {}, "No front matter.\n\n---\n\na: b\n---\n"),
        ("---\ntitle: T\n---\nBody", {"title": "T"}, "Body"),
        ("\ufeff---\ntitle: T\n---\nBody", {"title": "T"}, "Body"),
        ("\n \n---  \ntitle: T\n---  \nBody", {"title": "T"}, "Body"),
        ("---\r\ntitle: T\r\n---\r\nBody\r\n", {"title": "T"}, "Body\n"),
        ("---\ntitle: T\n...\nBody", {"title": "T"}, "Body"),
        ("---\n---\nBody", {}, "Body"),
        ("---\n# a comment\n---", {}, ""),
        ('+++\ntitle = "T"\n+++\nBody', {"title": "T"}, "Body"),
        ("+++\nd = 2026-01-02\n+++\n", {"d": dt.date(2026, 1, 2)}, ""),
        ("+++\nd = 10:00:00\n+++\n", {"d": "10:00:00"}, ""),
        ('{\n "title": "T",\n "a": {\n "b": [1]\n}\n}\n\nBody', {"title": "T"}, "\n\nBody"),
        ('{"title": "a } b"}\nBody', {"title": "a } b"}, "\nBody"),
        ("{}\nBody", {}, "\nBody"),
        ("Draft: true\nDate: D\n\nBody", {"draft": "true", "date": "D"}, "Body"),
        ("Status: hidden\nAuthors: A\n\n# T\n", {"status": "hidden", "authors": "A"}, "# T\n"),
        ("Status: Accepted\nDate: D\n\nBody", {}, "Status: Accepted\nDate: D\n\nBody"),
        ("Visibility: 10 km\n\nBody", {}, "Visibility: 10 km\n\nBody"),
        ("Summary: short\n\nBody", {}, "Summary: short\n\nBody"),
        ("Date: D\nWeather: fair\n\nBody", {}, "Date: D\nWeather: fair\n\nBody"),
        (';;;\n{"title": "T"}\n;;;\nBody', {"title": "T"}, "Body"),
        ('---json\n{"title": "T"}\n---\nBody', {"title": "T"}, "Body"),
        ('---\n{\n "title": "T"\n}\n---\nBody', {"title": "T"}, "Body"),
        ("{% include x %}\nBody", {}, "{% include x %}\nBody"),
        ("{{< figure >}}", {}, "{{< figure >}}"),
    ],
)
def test_front_matter_is_read_in_every_form(text: str, front: dict[str, Any], body: str) -> None:
    found, rest = split_front_matter(text)
    assert {**found, **front} == found
    assert bool(found) == bool(front)
    assert rest == body


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("title: 2024", "2024"),
        ("title: 007", "007"),
        ("title: 12:30", "12:30"),
        ("title: 2026-01-02", "2026-01-02"),
        ("title: No", "No"),
        ("title: 1.10", "1.10"),
        ("title:\tTab", "Tab"),
        ("title: 'Go: the good parts'", "Go: the good parts"),
        ("title: >\n  Folded\n  text", "Folded text\n"),
        ("title: !!binary aGVsbG8=", "hello"),
        ("base: &b {title: T}\n<<: *b", "T"),
    ],
)
def test_a_title_is_what_is_written(written: str, read: str) -> None:
    assert split_front_matter(f"---\n{written}\n---\n")[0]["title"] == read


def test_other_values_keep_their_types() -> None:
    front, _ = split_front_matter(
        "---\ndate: 2026-01-02 10:00:00 -5\nday: 2026-01-02\nnever: 2026-02-30\n"
        "permalink: false\nslug: ~\ntwice: &t {a: 1}\nagain: *t\n---\n"
    )
    assert front == {
        "date": dt.datetime(2026, 1, 2, 10, tzinfo=dt.timezone(dt.timedelta(hours=-5))),
        "day": dt.date(2026, 1, 2),
        "never": "2026-02-30",
        "permalink": False,
        "slug": None,
        "twice": {"a": 1},
        "again": {"a": 1},
    }


@pytest.mark.parametrize(
    "text",
    [
        "---\ntitle: T\ndraft: true\ndraft: false\n---\n",
        "---\ntitle: T\ndraft: false\ndraft: true\ndraft: false\n---\n",
        "---\ntitle: T\nseo: {noindex: true, noindex: false}\n---\n",
        '{"title": "T", "status": "draft", "status": "published"}',
    ],
)
def test_of_a_name_that_is_written_twice_the_value_that_hides_holds(text: str) -> None:
    front, _ = split_front_matter(text)
    assert find_hiding_word(front, front.get("status")) is not None


@pytest.mark.parametrize(
    ("text", "front"),
    [
        ("Title: T\nTags: a, b\nStatus: draft\n\nBody", {"tags": "a, b", "status": "draft"}),
        ("Title: T\nSummary: One\n    two\n\nBody", {"summary": "One two"}),
        ("<!--\n.. title: T\n.. status: private\n-->\nBody", {"status": "private"}),
        ("<!--\ntitle: T\npublished: false\n-->\n\nBody", {"published": "false"}),  # Wiki.js
        ("title:: T\npublic:: false\n\nBody", {"public": "false"}),
        ("\u200b\ufeff---\ntitle: T\ndraft: true\n---\nBody", {"draft": True}),
    ],
)
def test_lines_of_names_and_values_are_front_matter(text: str, front: dict[str, Any]) -> None:
    read, body = split_front_matter(text)
    assert (read, body.strip()) == ({"title": "T"} | front, "Body")


def test_properties_of_notes_are_front_matter() -> None:
    logseq = "type:: [[Sea]], [[Kelp]]\nalias::\n\n- Body"
    assert split_front_matter(logseq) == ({"type": "Sea, Kelp", "alias": ""}, "- Body")
    notion = notion_page("# T\n\nTags: sea\nDue by: noon\n\n<aside>\nBody\n</aside>\n")
    front, body = split_front_matter(notion)
    assert (front, body.strip()) == ({"title": "T", "tags": "sea", "due by": "noon"}, "Body")
    for text in ("# T\n\nNote: a\nline of text.\n", "# T\n\nBody\n"):
        assert notion_page(text) == text


def test_what_a_merged_table_says_is_overridden() -> None:
    front, _ = split_front_matter("---\nbase: &b {draft: true}\n<<: *b\ndraft: false\n---\n")
    assert find_hiding_word(front, None) is None


MERGES = "\n".join(
    f"{name}: &{name} {{<<: [{', '.join(f'*{below}' for _ in range(9))}]}}"
    for below, name in ("ab", "bc", "cd", "de", "ef", "fg")
)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("---\ntitle: T\ndraft: true\n", "no closing ---"),
        ("+++\ntitle = 1\n---\n", "no closing"),
        ("---\ntitle: Go: the good parts\n---\n", "line 2: .* quotation marks"),
        ("---\na: b\nauthor: @ann\n---\n", "line 3: .* quotation marks"),
        ("---\na: b\n\tc: d\n---\n", "line 3: .* tab"),
        ("---\n- x\n---\n", "names with values"),
        ("---\na: !!python/object/apply:os.system ['x']\n---\n", "not YAML"),
        ("---\na: &a [*a]\n---\n", "nested more than"),
        ("---\na: &a {x: 1}\n" + MERGES + "\n---\n", "more than 10000 values"),
        ("---\na: &a [" + "1," * 999 + "]\nb: [" + "*a," * 99 + "]\n---\n", "more than 10000"),
        ("---\na: " + "[" * 5000 + "\n---\n", "nested"),
        ("+++\na = \n+++\n", "not TOML.*line 2"),
        ('{\n"draft": true,\n}\nBody', "not JSON"),
        ('{"draft": true\nBody', "not JSON"),
        ('{"a": ' + "[" * 5000, "not JSON"),
        ('{"a": [' + "1," * 10_001 + "1]}", "more than 10000 values"),
        ("---js\n{title: 'T'}\n---\n", "front matter in js"),
        ("---\na: " + "x" * MAX_FRONT + "\n---\n", "longer than"),
        ("---\na: " + "9" * 400 + "\n---\n", "an integer of over"),
    ],
)
def test_front_matter_that_cant_be_read_is_refused(text: str, message: str) -> None:
    with pytest.raises(RecordError, match=message):
        split_front_matter(text)


_PIECES = ("---", "+++", ";;;", "\n", "{", "}", '"a"', ": ", "[", "]", "&a ", "*a", "!!int ", "<<")


@given(st.lists(st.sampled_from(_PIECES) | st.text(max_size=4), max_size=30).map("".join))
def test_no_text_makes_it_fail_otherwise(text: str) -> None:
    for content in (text, f"---\n{text}\n---\n", f"+++\n{text}\n+++\n", f"{{{text}}}"):
        with suppress(RecordError):
            front, body = split_front_matter(content)
            assert all(isinstance(name, str) for name in front)
            assert content.replace("\r\n", "\n").replace("\r", "\n").endswith(body)


@pytest.mark.parametrize(
    "text",
    [
        " ---\ntitle: T\ndraft: true\n---\nBody\n",
        "----\ntitle: T\ndraft: true\n----\nBody\n",
        "––-\ntitle: T\ndraft: true\n––-\nBody\n",  # noqa: RUF001 - dashes of a word processor
        "<!--\n---\ntitle: T\ndraft: true\n---\n-->\nBody\n",
        "```yaml\ntitle: T\ndraft: true\n```\nBody\n",
        "{title: 'T', draft: true}\n\nBody\n",
        "<!-- by hand -->\n---\ntitle: T\ndraft: true\n---\nBody\n",
        "# A heading\n---\ntitle: T\ndraft: true\n---\nBody\n",
        "title: T\ndraft: true\n---\nBody\n",
        "title: T\ntags:\n- a\n- b\npassword: sea\n---\nBody\n",
        "title: T\ntags:\n- a\npublished: false\n\nBody\n",
        "--- # by hand\ntitle: T\ndraft: true\n---\nBody\n",
        "***\ntitle: T\nstatus: draft\n***\n# T\n",
        "===\ntitle = T\npublished = false\n===\n",
    ],
)
def test_what_looks_like_front_matter_is_never_published_as_text(text: str) -> None:
    with pytest.raises(RecordError, match="begins like front matter"):
        split_front_matter(text)


def test_hexo_needs_no_first_line_of_dashes() -> None:
    text = "date: D\ntitle: T\ntags:\n- a\npassword: x\n---\nBody"
    front = {"date": "D", "title": "T", "tags": ["a"], "password": "x"}
    assert split_front_matter(text, opened=False) == (front, "Body")
    assert split_front_matter("Tides:\n- a\n---\nB", opened=False) == ({}, "Tides:\n- a\n---\nB")


@pytest.mark.parametrize(
    "text",
    [
        "# A title\n\nText: with a colon.\n",
        "Note: this page is short.\n",
        "std::sort is fast.\n\nText.\n",
        "Tides:\n- at noon\n- at night\n---\nText.\n",
        "----\n\nA line above, then text.\n",
        "***\nNote: a line above.\nStatus: of the draft, then text.\n",
        "{: .note}\nA paragraph.\n",
        "# How drafts work\n\n```yaml\n---\ndraft: true\n---\n```\n",
        "{% include a.html %}\n",
        "<!-- a comment: of an editor -->\nText\n",
        "```js\nconst a = {b: 1};\n```\n",
    ],
)
def test_a_page_without_front_matter_is_all_body(text: str) -> None:
    assert split_front_matter(text) == ({}, text)
