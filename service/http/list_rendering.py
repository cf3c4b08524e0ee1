"""A list as the bytes of an answer: JSON, or the HTML fragment."""

from __future__ import annotations

import json
from json.encoder import encode_basestring

from index.build.build import Build
from service.http.fragment import make_card, make_heading, render_fragment
from service.serving.selection import Origin, SelectedItem

_ORIGINS = {origin: origin.encode() for origin in Origin}


def related_json(build: Build, article_id: str, chosen: list[SelectedItem]) -> bytes:
    """The body of an answer."""
    parts = (
        b'{"article_id":', quoted(article_id),
        b',"build":"', build.name.encode(),
        b'","items":', items_json(build, chosen), b"}",
    )  # fmt: skip
    return b"".join(parts)  # of just the size it needs, as it may be kept


def items_json(build: Build, chosen: list[SelectedItem]) -> bytes:
    """A list as a JSON array: the build's card bytes, joined with what this list adds."""
    cards = build.cards.several([item.row for item in chosen])
    return b"[%b]" % b",".join(
        [
            b'{%b,"score":%a,"origin":"%b","position":%d,"shared_terms":[%b]}'
            % (card, score, _ORIGINS[origin], position, explained)
            for position, (card, (_, score, origin, explained)) in enumerate(
                zip(cards, chosen, strict=True), 1
            )
        ]
    )


def related_html(
    build: Build, row: int, chosen: list[SelectedItem], *, heading: str | None, locale: str
) -> bytes:
    """The section for a page.

    Args:
        build: The build.
        row: The article that the section stands under.
        chosen: What it shows.
        heading: The setting ``heading``.
        locale: The setting ``locale``.
    """

    def language(of: int) -> str | None:
        return build.language_names[build.language_of[of]] or None

    cards = [
        make_card(json.loads(b"{%b}" % build.cards[item.row]), language(item.row), locale)
        for item in chosen
    ]
    return render_fragment(cards, make_heading(heading, language(row), locale))


def quoted(text: str) -> bytes:
    """A JSON string, in UTF-8."""
    return encode_basestring(text).encode()
