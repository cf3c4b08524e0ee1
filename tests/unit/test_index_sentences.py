"""Sentences about links: what they name stands in both articles; stored and made anew alike."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from index.articles.card import render_card
from index.build.build import Build
from index.build.explanations import EXPLAINED
from index.build.link_graph import EDITORIAL
from index.build.sentences import BuildSentences, _Texts
from index.files import BlobWriter
from recommender.article import Article
from recommender.neighbors import NO_ROW
from recommender.parameters import SHOWN
from recommender.sentences import CLOSE, NOTHING


def words(text: str) -> str:
    return " ".join(["", *re.findall(r"\w+", text.casefold()), ""])


class Reader:
    """Takes sentences apart, and looks in the articles for what they name."""

    def __init__(self, build: Build) -> None:
        self.articles = [build.article(row) for row in range(build.count)]
        self.texts = [
            words(
                " . ".join(
                    [each.title, *(f"{part.heading} . {part.text}" for part in each.sections)]
                )
            )
            for each in self.articles
        ]
        self.links = build.page_links

    def check(self, row: int, other: int, sentence: str) -> None:
        for clause in sentence[:-1].split(", and "):
            clause = clause[0].lower() + clause[1:]
            assert self._holds(row, other, clause), (row, other, sentence)

    def _holds(self, row: int, other: int, clause: str) -> bool:
        mine, theirs = self.articles[row], self.articles[other]
        kind, named = next(
            (start, clause[len(start) :]) for start in KINDS if clause.startswith(start)
        )
        names = re.findall("“(.+?)”", named) or re.split(", | and ", named)
        if kind == "both are tagged ":
            tags = ({tag.casefold() for tag in each.tags} for each in (mine, theirs))
            return {name.casefold() for name in names} <= set.intersection(*tags)
        if kind == "both are by ":
            return {*names} <= {*mine.authors} & {*theirs.authors}
        if kind == "the text names ":
            return named == f"“{theirs.title}”" and words(theirs.title) in self.texts[row]
        if kind == "its text names ":
            return named == f"“{mine.title}”" and words(mine.title) in self.texts[other]
        if kind == "the page links to it":
            return other in self._linked(row)
        if kind == "its page links to this one":
            return row in self._linked(other)
        if kind == "both are linked from ":
            pages = [at for at, each in enumerate(self.articles) if f"“{each.title}”" == named]
            return any({row, other} <= self._linked(page) for page in pages)
        return all(words(name) in self.texts[at] for name in names for at in (row, other))

    def _linked(self, row: int) -> set[int]:
        return {target for target, kind in self.links.out(row) if kind in EDITORIAL}


KINDS = (
    *("both mention ", "both are tagged "),
    *("both are by ", "the text names ", "its text names ", "the page links to it"),
    *("its page links to this one", "both are linked from "),
)


def test_what_sentences_name_stands_in_both_and_few_name_nothing(
    sample_build: Build,
) -> None:
    reader, sentences = Reader(sample_build), BuildSentences(sample_build.checked)
    unnamed = []
    for row in range(sample_build.count):
        others = [other for other in sample_build.related(row)[0] if other != NO_ROW]
        for place, (other, sentence) in enumerate(
            zip(others, sentences.among(row, others), strict=True)
        ):
            if sentence not in (CLOSE, NOTHING):
                reader.check(row, other, sentence)
            elif place < SHOWN:
                unnamed.append((row, other))
    assert len(unnamed) <= 0.04 * SHOWN * sample_build.count


def test_stored_sentences_are_those_that_comparing_two_articles_finds(sample_build: Build) -> None:
    sentences = BuildSentences(sample_build.checked)
    for row in range(0, sample_build.count, 7):
        others = [other for other in sample_build.related(row)[0] if other != NO_ROW]
        anew = BuildSentences(sample_build.checked)
        anew._related = anew._related[:, :0]  # as if no list held what is asked for
        assert sentences.among(row, others) == anew.among(row, others)
        assert len(others) > EXPLAINED


@pytest.mark.parametrize("name", ['"title":"no"', 'a\\"title":', "“title”:", 'x","title":"y', "é"])
def test_a_title_is_read_from_a_card_whatever_its_id_and_title_hold(
    tmp_path: Path, name: str
) -> None:
    cards = BlobWriter(tmp_path / "cards.bin")
    article = Article(id=name, title=name, url='/?q="title":')
    cards.append(render_card(article, name))
    cards.close()
    assert _Texts(tmp_path.joinpath).title(0) == article.title
