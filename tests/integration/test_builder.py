"""Making a build: what goes in, what is kept from the last, and what does not matter."""

from __future__ import annotations

import os
import random
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from index.build.build import Build
from index.build.manifest import MANIFEST, SEAL
from index.building.builder import make_build
from index.building.context import BuildOptions
from index.building.engine import LocalEngine
from index.errors import SourceError
from index.root.root import Root
from index.sources.jsonl_source import JsonlSource
from recommender.encoder import Embeddings, Encoder, Fingerprint, HashingEncoder, Progress
from recommender.errors import InputError, NotFoundError
from recommender.sentence_encoder import DEFAULT_MODEL
from service.cli.build_command import hint_languages
from tests.support.articles import topical
from tests.support.builds import plain_mapping

Write = Callable[..., Path]
FOOTER = "This page is no advice; ask the harbour master before you sail."


class CountingEncoder:
    """Hashes words, and remembers every text it was given."""

    def __init__(self, dim: int = 64) -> None:
        self._inner = HashingEncoder(dim)
        self.texts: list[str] = []

    @property
    def fingerprint(self) -> Fingerprint:
        return self._inner.fingerprint

    def encode(self, texts: Sequence[str], *, progress: Progress | None = None) -> Embeddings:
        self.texts += texts
        return self._inner.encode(texts, progress=progress)


class Site:
    """A root and the records of a site, built again after each change."""

    def __init__(self, folder: Path) -> None:
        self.root = Root(folder / "root")

    def build(
        self,
        write_jsonl: Write,
        records: Sequence[Any],
        encoder: Encoder | None = None,
        *,
        publish: bool = True,
        told: Callable[[str, int, int | None], None] = lambda _stage, _done, _total: None,
        **options: Any,
    ) -> Build:
        source = JsonlSource(str(write_jsonl(records)))
        with self.root.locked("test"):
            manifest = make_build(
                self.root,
                [source],
                lambda: encoder or HashingEncoder(64),
                BuildOptions(mapping=plain_mapping(), **options),
                told,
            ).manifest
            if publish:
                self.root.make_live(self.root.verify(manifest.name))
        return self.root.open(manifest.name)


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


def ids(build: Build) -> list[str]:
    return [build.article_id(row) for row in range(build.count)]


def titles_in(texts: Sequence[str]) -> set[str]:
    """The titles with which the texts begin, each ending in a number of its own."""
    found = [re.match(r".*?, part \d+", text) for text in texts]
    assert all(found)
    return {match[0] for match in found if match}


def texts_by_id(build: Build) -> dict[str, str]:
    return {article.id: article.sections[0].text for article in build.articles}


# What goes in


def test_one_article_is_a_build_with_an_empty_list(site: Site, write_jsonl: Write) -> None:
    build = site.build(write_jsonl, topical(1))
    assert build.count == build.manifest.count == build.manifest.visible == 1
    assert build.related_rows.max() == -1
    assert site.root.verify().name == build.name


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([], "holds no records"),
        (["no json", '{"id": "a"}'], r"none of the 2 records.*line 1: not a JSON object"),
        ([""], "holds no records"),
    ],
)
def test_a_source_without_a_usable_article_is_an_error_and_no_model_is_loaded(
    site: Site, write_jsonl: Write, lines: list[str], message: str
) -> None:
    before = site.build(write_jsonl, topical(3))

    def never() -> Encoder:
        pytest.fail("a model was loaded for nothing")

    source = JsonlSource(str(write_jsonl(lines)))
    with site.root.locked("test"), pytest.raises(SourceError, match=message):
        make_build(site.root, [source], never, BuildOptions(mapping=plain_mapping()))
    assert site.root.names() == [before.name]
    assert site.root.verify().name == before.name


def test_a_build_says_what_it_holds(site: Site, write_jsonl: Write) -> None:
    records = topical(6)
    records[1]["status"] = "draft"
    build = site.build(write_jsonl, [*records, "no json", {"id": "x"}, records[2]])
    manifest = build.manifest
    assert (manifest.count, manifest.visible, manifest.encoded) == (6, 5, 6)
    reading = manifest.reading
    assert reading["read"] == 9
    assert reading["read"] == reading["kept"] + sum(reading["skipped"].values())
    assert reading["skipped"] == {"id: duplicate": 1, "invalid-json": 1, "title: missing": 1}
    assert manifest.encoder.model == "hashing:64"
    assert manifest.index.recall == 1.0


def test_of_two_articles_with_one_id_the_first_keeps_it(site: Site, write_jsonl: Write) -> None:
    first, second = topical(1)[0], {**topical(1)[0], "title": "Another"}
    assert site.build(write_jsonl, [first, second]).article(0).title == first["title"]
    with pytest.raises(SourceError, match=r"line 2.*occurred before.*--strict"):
        site.build(write_jsonl, [first, second], strict=True)


def test_of_two_sources_the_first_wins(site: Site, write_jsonl: Write) -> None:
    near = write_jsonl([{**topical(1)[0], "title": "Near"}], "near.jsonl")
    far = write_jsonl([{**record, "title": "Far"} for record in topical(2)], "far.jsonl")
    with site.root.locked("test"):
        manifest = make_build(
            site.root,
            [JsonlSource(str(near)), JsonlSource(str(far))],
            lambda: HashingEncoder(64),
            BuildOptions(mapping=plain_mapping()),
        ).manifest
    assert manifest.sources == [str(near), str(far)]
    assert [article.title for article in site.root.open(manifest.name).articles] == [
        "Near",
        "Far",
    ]


def test_lists_are_as_deep_as_asked_for_and_never_hold_the_article_itself(
    site: Site, write_jsonl: Write
) -> None:
    build = site.build(write_jsonl, topical(24), depth=4)
    assert build.related_rows.shape == (24, 4)
    assert not (build.related_rows == np.arange(24)[:, None]).any()
    assert build.related_scores.max() <= 1.0
    present = build.related_rows != -1
    assert (build.related_scores[present] > 0).all()


def test_articles_are_related_to_those_of_their_topic(site: Site, write_jsonl: Write) -> None:
    build = site.build(write_jsonl, topical(40))
    firsts = [build.article_id(int(row)) for row in build.related_rows[:, 0]]
    same = [
        mine.partition("-")[0] == first.partition("-")[0]
        for mine, first in zip(ids(build), firsts, strict=True)
    ]
    assert np.mean(same) >= 0.95


# What does not matter


def test_articles_at_one_address_are_one_story_and_a_tag_s_case_is_none(
    site: Site, write_jsonl: Write
) -> None:
    records = topical(8)
    for record, url, tags in zip(
        records,
        ["https://a.example/kelp", "http://A.example/kelp/#top", "https://a.example/kelp?p=2"],
        [["Tides"], ["tides"], ["TIDES", "kelp"]],
        strict=False,
    ):
        record |= {"url": url, "tags": tags}
    build = site.build(write_jsonl, records)
    rows = [build.row(record["id"]) for record in records]
    stories = [int(build.stories[row]) for row in rows if row is not None]
    assert stories[0] == stories[1]
    assert len(set(stories)) == 7
    assert (
        len(build.tag_numbers) == len(build.tag_names) == len(set(map(str.lower, build.tag_names)))
    )


def test_the_order_of_the_input_does_not_matter(tmp_path: Path, write_jsonl: Write) -> None:
    records = topical(40)
    for number, record in enumerate(records):
        record["tags"] = [f"tag{number % 3}", "all"]
        record["language"] = ("en", "de", None)[number % 3]
    shuffled = random.Random(1).sample(records, len(records))
    one = Site(tmp_path / "one").build(write_jsonl, records)
    other = Site(tmp_path / "other").build(write_jsonl, shuffled)
    # These name the build and the moment at which it was made.
    dated = {MANIFEST, SEAL, "report.json", "report.html", "listed_in.npy"}
    files = set(one.manifest.files) - dated
    assert set(other.manifest.files) - dated == files
    assert len(files) > 30
    differing = [
        name
        for name in files
        if one.manifest.files[name].sha256 != other.manifest.files[name].sha256
    ]
    assert differing == []


# What is kept from the last build


def test_a_text_that_did_not_change_is_not_encoded_again(
    site: Site, write_jsonl: Write, tmp_path: Path
) -> None:
    records = topical(20)
    encoder = CountingEncoder()
    assert site.build(write_jsonl, records, encoder).manifest.encoded == 20
    assert titles_in(encoder.texts) == {record["title"] for record in records}

    records[3]["summary"] = "An owl was seen above the depot and nobody knows why it came."
    records[5]["tags"] = ["a tag changes no text"]
    records.append({**topical(21)[20], "id": "new"})
    del records[0]
    encoder.texts.clear()
    build = site.build(write_jsonl, records, encoder)
    assert build.manifest.encoded == 2
    assert titles_in(encoder.texts) == {records[2]["title"], records[-1]["title"]}
    fresh = Site(tmp_path / "fresh").build(write_jsonl, records)
    assert fresh.manifest.encoded == 20
    assert fresh.manifest.files["embeddings.npy"] == build.manifest.files["embeddings.npy"]


def test_a_system_that_can_t_reserve_space_or_name_cores_makes_the_same_build(
    site: Site, write_jsonl: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = site.build(write_jsonl, topical(12))
    for missing in ("posix_fallocate", "sched_getaffinity"):  # as on macOS
        monkeypatch.delattr(os, missing)
    second = site.build(write_jsonl, topical(12), from_scratch=True)
    for name in ("embeddings.npy", "related_rows.npy"):
        assert second.manifest.files[name] == first.manifest.files[name]


def test_the_same_source_again_encodes_nothing(site: Site, write_jsonl: Write) -> None:
    encoder = CountingEncoder()
    first = site.build(write_jsonl, topical(12), encoder)
    encoder.texts.clear()
    again = site.build(write_jsonl, topical(12), encoder)
    assert encoder.texts == []
    assert again.manifest.encoded == 0
    assert again.manifest.files["related_rows.npy"] == first.manifest.files["related_rows.npy"]


def test_another_model_encodes_everything_anew(site: Site, write_jsonl: Write) -> None:
    site.build(write_jsonl, topical(12), CountingEncoder(64))
    encoder = CountingEncoder(32)
    assert site.build(write_jsonl, topical(12), encoder).manifest.encoded == 12
    assert len(titles_in(encoder.texts)) == 12


def test_what_the_pages_share_is_carried_over_until_it_is_to_be_learned_anew(
    site: Site, write_jsonl: Write
) -> None:
    plain = topical(16)
    with_footer = [{**record, "summary": f"{record['summary']} {FOOTER}"} for record in plain]
    encoder = CountingEncoder()
    site.build(write_jsonl, with_footer, encoder)
    assert not any("harbour master" in text for text in encoder.texts)

    # What a single article holds would no longer be learned, and yet its text does not change.
    encoder.texts.clear()
    site.build(write_jsonl, [with_footer[0], *plain[1:]], encoder)
    assert encoder.texts == []

    site.build(write_jsonl, [with_footer[0], *plain[1:]], encoder, relearn=True)
    assert titles_in(encoder.texts) == {plain[0]["title"]}
    assert any("harbour master" in text for text in encoder.texts)


class Interrupted(CountingEncoder):
    """Ends with an error once it has encoded a number of texts."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self.most = most

    def encode(self, texts: Sequence[str], *, progress: Progress | None = None) -> Embeddings:
        if len(self.texts) >= self.most:
            raise KeyboardInterrupt
        return super().encode(texts, progress=progress)


def test_what_an_unfinished_build_has_encoded_is_not_encoded_again(
    site: Site, write_jsonl: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("index.building.engine._ENCODE_CHUNK", 4)
    records, work = topical(20), tmp_path / "root" / "work"
    interrupted = Interrupted(16)  # titles and bodies of two chunks
    with pytest.raises(KeyboardInterrupt):
        site.build(write_jsonl, records, interrupted, engine=LocalEngine(work))
    assert site.root.names() == []
    done = titles_in(interrupted.texts)
    assert len(done) == 8

    changed = next(record for record in records if record["title"] in done)
    changed["summary"] = "An owl was seen above the depot and nobody knows why it came."
    told: list[tuple[str, int, int | None]] = []
    encoder = CountingEncoder()
    build = site.build(
        write_jsonl, records, encoder, engine=LocalEngine(work), told=lambda *at: told.append(at)
    )
    assert titles_in(encoder.texts) == {r["title"] for r in records} - done | {changed["title"]}
    assert ("encode", 7, 20) in told
    assert ("encode", 20, 20) in told
    fresh = Site(tmp_path / "fresh").build(write_jsonl, records)
    assert build.manifest.files["embeddings.npy"] == fresh.manifest.files["embeddings.npy"]
    assert not work.exists()


def test_a_small_build_leaves_what_a_full_one_has_encoded(
    site: Site, write_jsonl: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("index.building.engine._ENCODE_CHUNK", 4)
    records, work = topical(24), tmp_path / "root" / "work"
    site.build(write_jsonl, records[:12])
    with pytest.raises(KeyboardInterrupt):
        site.build(write_jsonl, records, Interrupted(8), engine=LocalEngine(work))
    only = frozenset([records[0]["id"]])
    assert site.build(write_jsonl, records, only=only, engine=LocalEngine(work)).manifest.small
    encoder = CountingEncoder()
    site.build(write_jsonl, records, encoder, engine=LocalEngine(work))
    assert len(titles_in(encoder.texts)) == 8
    assert not work.exists()


def test_a_damaged_file_of_an_unfinished_build_is_passed_over(
    site: Site, write_jsonl: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("index.building.engine._ENCODE_CHUNK", 4)
    records, work = topical(20), tmp_path / "root" / "work"
    with pytest.raises(KeyboardInterrupt):
        site.build(write_jsonl, records, Interrupted(24), engine=LocalEngine(work))
    cut, changed, _ = sorted(work.glob("*/*.npz"))
    cut.write_bytes(cut.read_bytes()[:100])
    content = bytearray(changed.read_bytes())
    content[len(content) // 2] ^= 1
    changed.write_bytes(content)
    encoder = CountingEncoder()
    build = site.build(write_jsonl, records, encoder, engine=LocalEngine(work))
    assert len(titles_in(encoder.texts)) == 16
    fresh = Site(tmp_path / "fresh").build(write_jsonl, records)
    assert build.manifest.files["embeddings.npy"] == fresh.manifest.files["embeddings.npy"]


def test_what_another_model_had_encoded_is_no_use(
    site: Site, write_jsonl: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("index.building.engine._ENCODE_CHUNK", 4)
    work = tmp_path / "root" / "work"
    with pytest.raises(KeyboardInterrupt):
        site.build(write_jsonl, topical(12), Interrupted(16), engine=LocalEngine(work))
    encoder = CountingEncoder(32)
    site.build(write_jsonl, topical(12), encoder, engine=LocalEngine(work))
    assert len(titles_in(encoder.texts)) == 12


def test_a_build_that_did_not_go_live_has_not_encoded_in_vain(
    site: Site, write_jsonl: Write
) -> None:
    held = site.build(write_jsonl, topical(12), publish=False)
    encoder = CountingEncoder()
    site.build(write_jsonl, topical(12), encoder, publish=False, from_scratch=True)
    assert len(titles_in(encoder.texts)) == 12
    site.root.remove(site.root.names()[-1])

    encoder.texts.clear()
    build = site.build(write_jsonl, topical(14), encoder)
    assert titles_in(encoder.texts) == {record["title"] for record in topical(14)[12:]}

    # A live build of another model changes nothing about that; a damaged file does.
    site.build(write_jsonl, topical(12), CountingEncoder(32))
    encoder.texts.clear()
    site.build(write_jsonl, topical(14), encoder, publish=False)
    assert encoder.texts == []
    for name in site.root.names():
        (site.root.builds / name / "embeddings.npy").write_bytes(b"")
    assert len({held.name, build.name, *site.root.names()}) == 4
    site.build(write_jsonl, topical(14), encoder, publish=False, from_scratch=True)
    assert len(titles_in(encoder.texts)) == 14


def test_languages_are_told_before_anything_is_encoded(
    site: Site, write_jsonl: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    encoder, told = CountingEncoder(), []

    def tell(languages: Mapping[str, int]) -> None:
        told.append((dict(languages), list(encoder.texts)))
        hint_languages(DEFAULT_MODEL, languages)

    records = [{**one, "language": "fr-CA"} for one in topical(12)]
    records[0]["language"] = records[1]["language"] = "en"
    site.build(write_jsonl, records, encoder, on_prepared=tell)
    assert told == [({"": 0, "en": 2, "fr-ca": 10}, [])]
    assert "most articles are not in English (fr-ca 10), the only" in capsys.readouterr().err
    for model, languages in (("other", {"fr": 9}), (DEFAULT_MODEL, {"": 5, "en-GB": 2, "fr": 7})):
        hint_languages(model, languages)
    assert capsys.readouterr().err == ""


# Single articles


def test_one_article_is_refreshed_and_all_others_stay_as_they_are(
    site: Site, write_jsonl: Write
) -> None:
    records = topical(12)
    encoder = CountingEncoder()
    before = texts_by_id(site.build(write_jsonl, records, encoder))
    changed = [{**record, "summary": "Everything about it is new."} for record in records]
    encoder.texts.clear()
    wanted = records[4]["id"]
    build = site.build(write_jsonl, changed, encoder, only=frozenset({wanted}))
    assert texts_by_id(build) == {**before, wanted: "Everything about it is new."}
    assert build.manifest.encoded == 1
    assert titles_in(encoder.texts) == {records[4]["title"]}


def test_one_article_is_added_from_a_source_that_holds_nothing_else(
    site: Site, write_jsonl: Write
) -> None:
    before = ids(site.build(write_jsonl, topical(8)))
    new = {**topical(9)[8], "id": "a new one"}
    build = site.build(write_jsonl, [new], only=frozenset({"a new one"}))
    assert set(ids(build)) == {*before, "a new one"}


def test_an_article_that_the_source_does_not_hold_is_refused_by_name(
    site: Site, write_jsonl: Write
) -> None:
    before = site.build(write_jsonl, topical(3))
    with pytest.raises(InputError, match="no usable article with this id") as caught:
        site.build(write_jsonl, topical(3), only=frozenset({"sea-000", "nowhere"}))
    assert "nowhere" in str(caught.value)
    assert site.root.verify().name == before.name


def test_single_articles_need_a_live_build(site: Site, write_jsonl: Write) -> None:
    with pytest.raises(NotFoundError, match="first build the whole source"):
        site.build(write_jsonl, topical(3), only=frozenset({"sea-000"}))


def test_progress_names_every_stage_and_counts_what_is_encoded(
    site: Site, write_jsonl: Write
) -> None:
    seen: list[tuple[str, int, int | None]] = []
    source = JsonlSource(str(write_jsonl(topical(10))))
    with site.root.locked("test"):
        manifest = make_build(
            site.root,
            [source],
            lambda: HashingEncoder(64),
            BuildOptions(mapping=plain_mapping()),
            lambda *step: seen.append(step),
        ).manifest
    assert {"read", "prepare", "encode", "relate", "write"} <= {stage for stage, _, _ in seen}
    assert seen[[stage for stage, _, _ in seen].index("encode") + 10] == ("encode", 10, 10)
    assert set(manifest.seconds) == {stage for stage, _, _ in seen}
