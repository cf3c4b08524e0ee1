"""Renders a list as the JSON body of a response."""

from __future__ import annotations

from json.encoder import encode_basestring

from index.build.build import Build
from service.serving.selection import Origin, SelectedItem

_ORIGINS = {origin: origin.encode() for origin in Origin}


def related_json(build: Build, article_id: str, items: list[SelectedItem]) -> bytes:
    """The body of a JSON response."""
    parts = (
        b'{"article_id":', quoted(article_id),
        b',"build":"', build.name.encode(),
        b'","items":', items_json(build, items), b"}",
    )  # fmt: skip
    return b"".join(parts)  # of just the size it needs, as it may be kept


def items_json(build: Build, items: list[SelectedItem]) -> bytes:
    """A list as a JSON array: the build's card bytes, and what this list adds to each."""
    cards = build.cards.several([item.row for item in items])
    return b"[%b]" % b",".join(
        [
            b'{%b,"score":%a,"origin":"%b","position":%d,"shared_terms":[%b]}'
            % (card, score, _ORIGINS[origin], position, explained)
            for position, (card, (_, score, origin, explained)) in enumerate(
                zip(cards, items, strict=True), 1
            )
        ]
    )


def quoted(text: str) -> bytes:
    """A JSON string, in UTF-8."""
    return encode_basestring(text).encode()
