"""Lists of names as front matter, configurations and tables write them."""

from __future__ import annotations

from typing import Any

import pytest

from index.articles.text_lists import names_in, split_authors, split_listed


@pytest.mark.parametrize(
    ("value", "names"),
    [
        (["kelp", " wrack "], ["kelp", "wrack"]),
        ("kelp, wrack", ["kelp", "wrack"]),
        ("kelp, brown; wrack", ["kelp, brown", "wrack"]),
        ([{"name": "kelp"}, {"slug": "wrack"}], ["kelp"]),
        ([1, None, ""], ["1"]),
        (7, ["7"]),
        (None, []),
        ("", []),
    ],
)
def test_names_are_read_from_a_list_or_from_one_text(value: Any, names: list[str]) -> None:
    assert names_in(value) == names


def test_a_generator_may_part_names_by_spaces() -> None:
    assert names_in("kelp wrack", str.split) == ["kelp", "wrack"]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("{kelp,wrack}", ["kelp", "wrack"]),
        ('{"kelp, brown",it\'s,NULL,"a \\"b\\""}', ["kelp, brown", "it's", 'a "b"']),
        ("['kelp', \"it's\", None]", ["kelp", "it's"]),
        ("['kelp [1]' 'wrack']", ["kelp [1]", "wrack"]),  # as NumPy writes it
        ("[kelp, brown wrack]", ["kelp", "brown wrack"]),
        ("{'name': 'kelp'}", None),
        ("{{a,b},{c,d}}", None),
        ("[draft], kelp", None),
        ("[a](b)", None),
        ("{kelp", None),
        ("['kelp", None),
    ],
)
def test_a_list_in_a_cell_is_read_as_databases_and_programs_write_it(
    text: str, names: list[str] | None
) -> None:
    assert split_listed(text) == names


def test_white_space_in_a_byline_is_read_once() -> None:
    blanks = chr(0x3000) * 400_000  # a quadratic reading would take a quarter of an hour
    assert split_authors(f"Ada{blanks}Bo") == ["Ada Bo"]
    assert split_authors(f"Mara Lind,{blanks}Ole Berg") == ["Mara Lind", "Ole Berg"]


@pytest.mark.parametrize(
    ("byline", "names"),
    [
        ("作者\uff1a张三、李四", ["张三", "李四"]),
        ("文/李四", ["李四"]),
        ("取材・文\uff1d山田太郎", ["山田太郎"]),
        ("Автор: Иван Петров и Мария Сидорова", ["Иван Петров", "Мария Сидорова"]),
        ("Por Ana López y Juan Pérez", ["Ana López", "Juan Pérez"]),
        ("Oleh Kovalenko", ["Oleh Kovalenko"]),
        ("Oleh K.", ["Oleh K."]),
        ("Von Miller and Ann Lind", ["Von Miller", "Ann Lind"]),
        ("Von Mara Lind und Ole Berg", ["Mara Lind", "Ole Berg"]),
        ("Von Redaktion", ["Redaktion"]),
        ("Von: Lind", ["Lind"]),
        ("Par AFP", ["AFP"]),
        ("Por Ana", ["Ana"]),
        ("Door Redactie", ["Redactie"]),
        ("Von DPA", ["DPA"]),
        *((f"Oleh {role}", [role]) for role in ("Admin", "Redaksi", "Redacción", "Rédaction")),
        ("By Lind", ["Lind"]),
        ("José Ortega y Gasset", ["José Ortega y Gasset"]),
        ("بقلم: أحمد محمد", ["أحمد محمد"]),
        ("מאת דוד כהן", ["דוד כהן"]),
        ("Tác giả: Nguyễn An", ["Nguyễn An"]),
    ],
)
def test_a_byline_is_read_as_its_language_writes_it(byline: str, names: list[str]) -> None:
    assert split_authors(byline) == names
