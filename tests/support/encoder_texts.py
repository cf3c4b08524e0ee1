"""Texts to encode: two on the sea, two on a choir."""

from __future__ import annotations

TEXTS = [
    "Kelp forests slow the waves that reach the shore.",
    "Seaweed meadows calm the sea before it meets the coast.",
    "A choir learns its second verse by heart.",
    "Der Chor lernt die zweite Strophe auswendig.",
]
