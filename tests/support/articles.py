"""Made-up corpora of a known shape: topics whose articles share words, yet are no copies."""

from __future__ import annotations

import random
from typing import Any

TOPICS = {
    "sea": "kelp urchin reef tide otter mussel lagoon seagrass plankton buoy current trench "
    "barnacle estuary dolphin coral cormorant seal anchovy spray",
    "song": "choir verse melody tenor rehearsal hymn organ harmony alto chorus ballad singer "
    "cadence refrain conductor soprano rhythm lyric psalm fugue",
    "bread": "sourdough oven crumb loaf yeast baker rye flour crust dough proofing kneading "
    "bakery spelt semolina ferment starter kiln barley malt",
    "rail": "tram platform signal carriage timetable conductor sleeper gauge locomotive depot "
    "junction ticket turnout pantograph siding viaduct buffer railway coach shunting",
}
"""Twenty words of each topic."""


def topical(count: int, *, seed: int = 0, words: int = 14) -> list[dict[str, Any]]:
    """``count`` records ``sea-000``, ``song-001``, …: the topics in turn, words at random."""
    draw = random.Random(seed)
    records = []
    for number in range(count):
        topic = list(TOPICS)[number % len(TOPICS)]
        chosen = draw.sample(TOPICS[topic].split(), words)
        records.append(
            {
                "id": f"{topic}-{number:03}",
                "title": f"{chosen[0]} and {chosen[1]}, part {number}".capitalize(),
                "url": f"/{topic}/{number}",
                "summary": f"{' '.join(chosen[2:])}.".capitalize(),
                "date": f"2026-{1 + number % 12:02}-{1 + number % 28:02}",
            }
        )
    return records


_WORDS = [
    first + last for first in "bcdfglmnprst" for last in ("arn", "elt", "irro", "ove", "umpa")
]


def prose(seed: int, words: int = 60) -> str:
    """A text of its own for every seed: alike enough to be related, never a near-duplicate."""
    return " ".join(random.Random(seed).choices(_WORDS, k=words)).capitalize() + "."
