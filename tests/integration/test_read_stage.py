"""However records are handed out in batches, reading gives what reading one by one would."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from index.articles.article_store import ARTICLES, ArticleStore, to_bytes
from index.articles.parse import parse_records
from index.articles.read_report import ReadReport
from index.articles.record import Record, RecordProblem
from index.building.context import BuildContext, BuildOptions
from index.building.engine import InterruptibleIterator, LocalEngine
from index.building.read_stage import read_sources
from index.errors import SourceError
from index.sources.configured_source import ConfiguredSource
from index.sources.csv_source import CsvSource
from index.sources.html_pages import HtmlSource
from index.sources.jsonl_source import JsonlSource
from index.sources.markdown_pages import MarkdownSource
from index.sources.plain_pages import PlainSource
from index.sources.source import Source, pass_through, split_records
from recommender.errors import AlsoLikeError
from tests.support.builds import plain_mapping

KINDS: dict[str, dict[str, Any]] = {
    "good": {"url": "/x", "summary": "Tall and green."},
    "bare": {},
    "noted": {"url": "/x", "summary": "Tall.", "status": "publishd", "date": "soon"},
    "bad": {"title": " "},
    "nameless": {"id": ""},
    "long": {"body": "x" * 300},
}


class Listed:
    """Records of kinds, some of them no records at all; may break off."""

    def __init__(self, name: str, kinds: Sequence[tuple[str, str]], breaks: bool = False) -> None:
        self.name = name
        self._kinds = kinds
        self._breaks = breaks

    def records(self) -> Iterator[Record | RecordProblem]:
        for number, (article_id, kind) in enumerate(self._kinds):
            place = f"{self.name} {number}"
            if kind == "broken":
                yield RecordProblem(
                    location=place, field="", reason="invalid-json", message="no JSON"
                )
            else:
                values = {"id": article_id, "title": f"{place} \U0001f30a", **KINDS[kind]}
                yield Record(location=place, values=values)
        if self._breaks:
            raise SourceError(f"{self.name} broke off")


class Chunked(LocalEngine):
    """Hands out so many at a time, and works ahead as a cluster does."""

    def __init__(self, size: int) -> None:
        self._size = size

    def stream(
        self, work: Callable[[Sequence[Any]], Any], items: Iterable[Any], *, stage: str = ""
    ) -> Iterator[Any]:
        assert stage == "read"
        stream = InterruptibleIterator(items)
        listed = list(stream)
        starts = range(0, len(listed), self._size)
        yield from [work(listed[start : start + self._size]) for start in starts]
        stream.check()


def one_by_one(
    sources: Sequence[Source], options: BuildOptions
) -> tuple[dict[str, bytes], ReadReport]:
    """What reading means, without batches."""
    report = ReadReport()
    articles: dict[str, bytes] = {}
    for source in sources:
        for article, record in parse_records(
            source.records(), options.mapping, report, strict=options.strict
        ):
            if options.only and article.id not in options.only:
                continue
            if article.id in articles:
                message = (
                    f"id {article.id!r} occurred before; the first article keeps it; if this is "
                    "another page, map another field to its id, such as url: --map id=url; if a "
                    "join of a database repeats it, group the rows: GROUP BY"
                )
                if options.strict:
                    raise SourceError(f"{record.location}: {message} (--strict refuses the source)")
                report.kept -= 1
                report.skip(
                    RecordProblem(
                        location=record.location, field="id", reason="duplicate", message=message
                    )
                )
            else:
                articles[article.id] = to_bytes(replace(article, source=source.name))
    return articles, report


def read(
    folder: Path, sources: Sequence[Source], options: BuildOptions
) -> tuple[dict[str, bytes], ReadReport]:
    context = BuildContext(
        folder=folder,
        options=options,
        previous=None,
        progress=lambda _stage, _done, _total: None,
    )
    read_sources(context, sources)
    store = ArticleStore(folder / ARTICLES)
    kept = list(store.kept())
    ids = [article.id for article in store]
    store.close()
    assert ids == sorted(ids, key=str.encode)
    return dict(zip(ids, kept, strict=True)), context.report


RECORDS = st.lists(
    st.tuples(st.sampled_from("abcdefä"), st.sampled_from([*KINDS, "broken"])), max_size=12
)


@hypothesis_settings(max_examples=200)
@given(
    first=RECORDS,
    second=RECORDS,
    breaks=st.booleans(),
    strict=st.booleans(),
    size=st.integers(1, 9),
    capped=st.integers(1, 9),
)
def test_batches_change_nothing(
    tmp_path_factory: pytest.TempPathFactory,
    first: list[tuple[str, str]],
    second: list[tuple[str, str]],
    breaks: bool,
    strict: bool,
    size: int,
    capped: int,
) -> None:
    sources = [Listed("first", first), Listed("second", [*second, ("z", "good")], breaks)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("index.articles.read_report._KEPT_PROBLEMS", capped)
        options = BuildOptions(mapping=plain_mapping(), strict=strict, engine=Chunked(size))
        try:
            expected: Any = one_by_one(sources, options)
        except AlsoLikeError as error:
            expected = (type(error), str(error))
        try:
            found: Any = read(tmp_path_factory.mktemp("read"), sources, options)
        except AlsoLikeError as error:
            found = (type(error), str(error))
        assert found == expected


def test_what_is_not_wanted_is_read_and_left(tmp_path: Path) -> None:
    kinds = [("a", "good"), ("b", "noted"), ("a", "bare"), ("c", "bad"), ("b", "good")]
    options = BuildOptions(mapping=plain_mapping(), only=frozenset("b"), engine=Chunked(2))
    articles, report = one_by_one([Listed("first", kinds)], options)
    assert (report.kept, dict(report.skipped)) == (3, {"title: missing": 1, "id: duplicate": 1})
    with pytest.raises(AlsoLikeError, match="--only takes all other articles from the live build"):
        read(tmp_path, [Listed("first", kinds)], options)
    assert list(articles) == ["b"]


def test_a_stream_that_breaks_off_gives_what_came_before() -> None:
    def items() -> Iterator[int]:
        yield from range(70)
        raise SourceError("broke off")

    got: list[int] = []
    with pytest.raises(SourceError, match="broke off"):
        got.extend(len(some) for some in LocalEngine().stream(list, items()))
    assert sum(got) == 70


def test_lines_are_taken_apart_and_made_into_the_same_records(
    write_jsonl: Callable[[Iterable[Any]], Path],
) -> None:
    lines = [{"id": "a", "titel": "A"}, "no JSON", "", b"\xff", {"id": "b", "titel": "B"}]
    path = str(write_jsonl(lines))
    plain = JsonlSource(path)
    configured = ConfiguredSource(source=plain, fields={"title": "titel"}, url_template="/x/{id}")
    for source in (plain, configured):
        raw, parse = split_records(source)
        assert parse is not pass_through
        assert [parse(item) for item in raw] == list(source.records())
    assert [getattr(record, "url_template", None) for record in configured.records()] == [
        "/x/{id}",
        None,
        None,
        "/x/{id}",
    ]


@pytest.mark.parametrize("kind", [HtmlSource, MarkdownSource, PlainSource])
def test_pages_are_taken_apart_and_made_into_the_same_records(
    tmp_path: Path, kind: type[HtmlSource] | type[MarkdownSource] | type[PlainSource]
) -> None:
    suffix = {HtmlSource: "html", MarkdownSource: "md", PlainSource: "txt"}[kind]
    contents = [b"---\ntitle: One\n---\nA text", b"", b"\xff\xfe\x00", b"x" * 4_200_000, b"<p>Two"]
    for number, content in enumerate(contents):
        (tmp_path / f"{number}.{suffix}").write_bytes(content)
    (tmp_path / f"gone.{suffix}").symlink_to(tmp_path / "nowhere")
    source = kind(path=str(tmp_path))
    raw, parse = split_records(source)
    assert parse is not pass_through
    sent = [pickle.loads(pickle.dumps((parse, item))) for item in raw]
    records = [again(item) for again, item in sent]
    assert records == list(source.records())
    reasons = [record.reason for record in records if isinstance(record, RecordProblem)]
    assert {"page-too-long", "link"} < set(reasons)


def test_a_source_of_any_kind_leaves_its_renaming_to_others(tmp_path: Path) -> None:
    table = tmp_path / "a.csv"
    table.write_text("id,titel\na,A\nb\n")
    configured = ConfiguredSource(
        source=CsvSource(path=str(table)), fields={"title": "titel"}, url_template="/x/{id}"
    )
    raw, parse = split_records(configured)
    first, *rest = raw
    assert isinstance(first, Record)
    assert first.values == {"id": "a", "titel": "A"}
    assert [parse(item) for item in (first, *rest)] == list(configured.records())
    assert getattr(parse(first), "url_template") == "/x/{id}"  # noqa: B009 - a problem has none


def test_what_holds_a_secret_is_made_into_records_where_it_is_read(
    write_jsonl: Callable[[Iterable[Any]], Path],
) -> None:
    plain = JsonlSource(str(write_jsonl([{"id": "a", "title": "A"}])))
    configured = ConfiguredSource(source=plain, secrets=("articles",))
    raw, parse = split_records(configured)
    assert parse is pass_through
    (record,) = raw
    assert "articles" not in record.location
