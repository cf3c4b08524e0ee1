"""What a list says its articles share, stored and made anew."""

from __future__ import annotations

import json

from index.build.build import Build
from index.build.explanations import EXPLAINED
from recommender.neighbors import NO_ROW
from service.serving.selection import shared_terms


def test_what_is_stored_is_what_comparing_two_articles_finds(sample_build: Build) -> None:
    explained = 0
    for row in range(sample_build.count):
        others = [other for other in sample_build.related(row)[0][:EXPLAINED] if other != NO_ROW]
        stored = [json.loads(b"[%b]" % place) for place in sample_build.explained(row)]
        assert stored == [shared_terms(sample_build, row, other) for other in others]
        explained += sum(map(bool, stored))
    assert explained > sample_build.count
