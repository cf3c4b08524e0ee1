"""Swaps two neighbors in some lists, so that clicks tell what a position does by itself."""

from index.root.comparison import fraction_of
from service.serving.selection import Origin, SelectedItem


def explore(items: list[SelectedItem], share: float, *seed: object) -> None:
    """Swaps two articles that stand next to each other, in a share of all lists.

    Pins, fallbacks and articles that the page names never move.

    Args:
        items: The list of one article, changed in place.
        share: The share of lists to change, from 0 to 1.
        *seed: Values that decide whether this list changes and where, such as the article's id and
            the hour: the same values always give the same result.
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
