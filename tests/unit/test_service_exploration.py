"""Neighbors that change places: in the wanted share of lists, and only related articles."""

from __future__ import annotations

from collections import Counter

import pytest

from service.serving.exploration import explore
from service.serving.selection import Origin, SelectedItem

ORIGINS = [Origin.PINNED, *[Origin.RELATED] * 4, Origin.FALLBACK]


def explored(share: float, block: int, origins: list[Origin] = ORIGINS) -> list[int]:
    items = [SelectedItem(row, 0.5, origin, b"") for row, origin in enumerate(origins)]
    explore(items, share, "article", block)
    return [item.row for item in items]


def test_two_neighbors_change_places_in_a_share_of_blocks() -> None:
    found = Counter(tuple(explored(0.3, block)) for block in range(3_000))
    assert found[0, 1, 2, 3, 4, 5] / 3_000 == pytest.approx(0.7, abs=0.03)
    swapped = {rows: count for rows, count in found.items() if rows != (0, 1, 2, 3, 4, 5)}
    assert swapped.keys() == {(0, 2, 1, 3, 4, 5), (0, 1, 3, 2, 4, 5), (0, 1, 2, 4, 3, 5)}
    assert min(swapped.values()) > 230
    assert explored(0.3, 5) == explored(0.3, 5)


def test_nothing_moves_that_has_no_related_neighbor() -> None:
    origins = [Origin.RELATED, Origin.PINNED, Origin.RELATED, Origin.FALLBACK]
    assert all(explored(1, block, origins) == [0, 1, 2, 3] for block in range(20))
    assert explored(1, 1, []) == []
