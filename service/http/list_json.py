"""Renders the list of an article's related articles as the JSON body of a response."""

from json.encoder import encode_basestring

from index.build.build import Build
from index.build.list_dates import build_name
from index.query import RelatedQuery
from index.root.comparison import Variant
from service.clicks.placement import Placements
from service.serving.selection import Origin, SelectedItem

_ORIGINS = {origin: origin.encode() for origin in Origin}


def related_json(
    build: Build,
    article_id: str,
    items: list[SelectedItem],
    date: int | None = None,
    placement: str | None = None,
) -> bytes:
    """Returns the JSON body of a response with the related articles of one article.

    Args:
        build: The build that holds the articles' fields.
        article_id: The article whose related articles are listed.
        items: The related articles, in their order.
        date: The build in which the list last changed, as :func:`index.build.list_dates.build_date`
            gives it; by default this build. The body names that build.
        placement: The signed text by which clicks on the list are counted; ``None`` for none.
    """
    name = build.name if date is None else build_name(date)
    parts = (
        b'{"article_id":', quoted(article_id),
        b',"build":"', name.encode(), b'"', _placement(placement),
        b',"items":', items_json(build, items), b"}",
    )  # fmt: skip
    return b"".join(parts)  # one join makes an object of exactly this size, which the cache keeps


def exported_json(
    build: Build,
    row: int,
    items: list[SelectedItem],
    query: RelatedQuery,
    placements: Placements | None,
) -> bytes:
    """Returns the content of an article's file in a static export.

    Args:
        build: The build that holds the articles' fields.
        row: The row number of the article whose related articles are listed.
        items: The related articles, in their order.
        query: The query that chose them.
        placements: Makes the signed text by which clicks on the list are counted; ``None`` if
            they are not counted.
    """
    placement = None
    if placements is not None:
        placement = placements.token(build, row, items, query, Variant.EXPORTED)
    article_id, cards = quoted(build.article_id(row)), items_json(build, items)
    return b'{"article_id":%b%b,"items":%b}\n' % (article_id, _placement(placement), cards)


def _placement(token: str | None) -> bytes:
    return b"" if token is None else b',"placement":"%b"' % token.encode()


def items_json(build: Build, items: list[SelectedItem]) -> bytes:
    """Returns related articles as a JSON array, in their order.

    Each element holds the article's fields, copied as JSON from the build, and its score, its
    origin (why it is in the list, such as an editor's pin), its position from 1, and the terms that
    both articles share.
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
    """Returns a text as a JSON string in UTF-8, with its quotation marks: ``b'"text"'``."""
    return encode_basestring(text).encode()
