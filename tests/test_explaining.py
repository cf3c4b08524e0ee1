"""What a list says its articles share, stored and made anew."""

from __future__ import annotations

from index.build import Build
from index.explaining import EXPLAINED
from index.selection import shared_terms
from recommender.neighbors import NO_ROW
from recommender.sharing import MAX_SHARED


def test_what_is_stored_is_what_comparing_two_articles_finds(sample_build: Build) -> None:
    explained = 0
    for row in range(sample_build.count):
        rows, _ = sample_build.related(row)
        stored = sample_build.shared(row)
        for place, other in enumerate(rows[:EXPLAINED]):
            known = stored[place * MAX_SHARED : (place + 1) * MAX_SHARED]
            names = [sample_build.phrase_names[phrase] for phrase in known if phrase >= 0]
            assert names == ([] if other == NO_ROW else shared_terms(sample_build, row, other))
            explained += bool(names)
    assert explained > sample_build.count
