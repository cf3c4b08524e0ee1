"""Renders a related list as the JSON body of a response."""

from __future__ import annotations

from json.encoder import encode_basestring

from index.build.build import Build
from service.serving.selection import Origin, SelectedItem

_ORIGINS = {origin: origin.encode() for origin in Origin}


def related_json(build: Build, article_id: str, items: list[SelectedItem]) -> bytes:
    """Returns the JSON body of a response for an article's related list."""
    parts = (
        b'{"article_id":', quoted(article_id),
        b',"build":"', build.name.encode(),
        b'","items":', items_json(build, items), b"}",
    )  # fmt: skip
    return b"".join(parts)  # joined in one step: no spare capacity is kept in the cache


def items_json(build: Build, items: list[SelectedItem]) -> bytes:
    """Returns a related list as a JSON array.

    Each element holds the article's fields, copied as JSON from the build, and its score, origin
    and position in the list.
    """
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
    """Returns a text as a JSON string in UTF-8."""
    return encode_basestring(text).encode()
