"""Benchmarks find judged sets by what lies in the data folder."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from pathlib import Path

import pytest

from benchmarks.corpora import corpus_names, family, load_corpora

POSTS = {
    "2021-03-04-tides.md": "---\ntitle: Tides\ntags: [sea]\nauthors: [Mira]\n---\n"
    "The sea falls. We told of [kelp on rocks](/2021/03/05/kelp/) and [elsewhere](https://e.org).",
    "2021-03-05-kelp.md": "---\ntitle: Kelp\n---\nKelp on rocks grows.",
    "2021-03-06-draft.md": "---\ntitle: Unfinished\ndraft: true\n---\n[Kelp](/2021/03/05/kelp/)",
}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    records = [{"id": name, "title": name.upper(), "text": f"about {name}"} for name in "dcba"]
    records.append({"id": "e", "title": "", "text": "no title"})
    for name in ("reef-en", "unjudged"):
        with gzip.open(tmp_path / f"{name}.jsonl.gz", "wt") as file:
            file.writelines(f"{json.dumps(record)}\n" for record in records)
    with gzip.open(tmp_path / "reef-en.qrels_same_bay.tsv.gz", "wt") as file:
        file.write("a\tb\t1\na\tc\t2\na\td\t1\na\te\t1\nb\ta\t1\n")
    with tarfile.open(tmp_path / "shore-posts.tar.gz", "w:gz") as archive:
        for name, text in POSTS.items():
            entry = tarfile.TarInfo(f"site/posts/{name}")
            entry.size = len(text.encode())
            archive.addfile(entry, io.BytesIO(text.encode()))
    return tmp_path


def test_sets_with_judgments_and_blogs_are_found_whatever_their_names(data: Path) -> None:
    assert corpus_names(data) == ["reef-en", "shore-posts"]
    reef, _ = load_corpora(data)
    assert reef.ids == ["a", "b", "c", "d"]
    assert reef.texts[0].whole == "A. about a"
    assert reef.judged == {"reef-en-same-bay": {"a": {"b": 1, "c": 2, "d": 1}}}
    assert family("reef-en-same-bay") == family("reef_de") == family("reef")


def test_posts_of_which_one_links_to_the_other_are_related_without_the_links_words(
    data: Path,
) -> None:
    _, shore = load_corpora(data)
    kelp, tides = shore.articles
    assert shore.judged == {"shore-posts": {kelp.id: {tides.id: 1}, tides.id: {kelp.id: 1}}}
    assert " ".join(tides.sections[0].text.split()) == "The sea falls. We told of and elsewhere."
    assert kelp.sections[0].text == "Kelp on rocks grows."
    assert (tides.tags, tides.authors, str(tides.date)) == (("sea",), ("Mira",), "2021-03-04")
    assert not tides.links
