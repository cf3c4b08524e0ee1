"""Some records of a source, made into articles apart from all others: on any machine, at any time.

What concerns all of them together (an id that occurred before, the first thousand problems) is left
to whoever puts the batches together, and everything that is needed for it comes along.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import astuple, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from index.articles.article_store import to_bytes
from index.articles.parse import FieldMapping, parse_records
from index.articles.read_report import ReadReport
from index.articles.record import Record, RecordProblem
from index.building.byte_strings import cut_pieces, join_pieces, lengths_of
from index.errors import SourceError


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedBatch:
    """Articles of some records, in arrays only, so that they can be sent and kept.

    Attributes:
        ids: Shape (bytes,), uint8: the articles' ids, one after another.
        articles: The same of :func:`index.articles.article_store.to_bytes` of each.
        lengths: Shape (articles, 2), int64: of each article's id and bytes.
        outcome: Shape (bytes,), uint8: see :class:`Outcome`, as JSON.
    """

    ids: NDArray[np.uint8]
    articles: NDArray[np.uint8]
    lengths: NDArray[np.int64]
    outcome: NDArray[np.uint8]

    def kept(self) -> list[tuple[str, bytes]]:
        """Id and bytes of each article, in the order of the records."""
        ids = cut_pieces(self.ids, self.lengths[:, 0])
        articles = cut_pieces(self.articles, self.lengths[:, 1])
        return [(each.decode(), data) for each, data in zip(ids, articles, strict=True)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of a batch's records.

    Attributes:
        report: Of this batch alone.
        places: Where each article stands.
        told: How many of the report's problems come before what may be said of each article.
        refused: Why the rest of the batch was not looked at; empty if it was.
    """

    report: ReadReport
    places: list[str]
    told: list[int]
    refused: str

    @classmethod
    def of(cls, batch: ParsedBatch) -> Outcome:
        """That of a batch."""
        found = json.loads(batch.outcome.tobytes())
        counts = {name: Counter(found.pop(name)) for name in _COUNTS}
        problems = [
            RecordProblem(location=place, field=field, reason=reason, message=message)
            for place, field, reason, message in found.pop("problems")
        ]
        report = ReadReport(
            read=found.pop("read"), kept=found.pop("kept"), problems=problems, **counts
        )
        return cls(report=report, **found)


_COUNTS = ("skipped", "notes", "unused_fields")


def parse_batch(
    raw: Sequence[Any],
    *,
    parse: Callable[[Any], Record | RecordProblem],
    mapping: FieldMapping,
    strict: bool,
) -> ParsedBatch:
    """Articles of some records.

    Args:
        raw: Records as their source holds them.
        parse: Makes a record of each; see :class:`index.sources.source.SplitSource`.
        mapping: How their fields are named.
        strict: End at the first problem of any kind.
    """
    report = ReadReport()
    ids: list[bytes] = []
    articles: list[bytes] = []
    places: list[str] = []
    told: list[int] = []
    refused = ""
    try:
        for article, place in parse_records(map(parse, raw), mapping, report, strict=strict):
            ids.append(article.id.encode())
            articles.append(to_bytes(article))
            places.append(place)
            told.append(len(report.problems))
    except SourceError as error:
        refused = str(error)
    outcome = {
        "read": report.read,
        "kept": report.kept,
        **{name: getattr(report, name) for name in _COUNTS},
        "problems": [astuple(problem) for problem in report.problems],
        "places": places,
        "told": told,
        "refused": refused,
    }
    return ParsedBatch(
        ids=join_pieces(ids),
        articles=join_pieces(articles),
        lengths=lengths_of(ids, articles),
        outcome=join_pieces([json.dumps(outcome).encode()]),
    )
