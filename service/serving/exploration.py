"""Swaps two neighbors in some lists, so that clicks tell what a position does by itself."""

from __future__ import annotations

from index.root.comparison import fraction_of
from service.serving.selection import Origin, SelectedItem


def explore(items: list[SelectedItem], share: float, *seed: object) -> None:
    """Swap two neighbors in a share of all lists; only related articles ever move.

    Args:
        items: The list, changed in place.
        share: The share.
        *seed: What decides whether, and which: the article and the block of time.
    """
    if fraction_of("explore", *seed) >= share:
        return
    places = [
        place
        for place in range(len(items) - 1)
        if items[place].origin is items[place + 1].origin is Origin.RELATED
    ]
    if places:
        place = places[int(fraction_of("place", *seed) * len(places))]
        items[place : place + 2] = items[place + 1], items[place]
