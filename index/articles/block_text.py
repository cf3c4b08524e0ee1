"""Reads texts that content systems keep as blocks: trees of paragraphs, headings and spans."""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from index.articles.cleaning import literal
from index.articles.json_text import load_json

_TEXTS = ("text", "plain_text", "processed", "value", "content", "insert")
_INNER = tuple(
    "root document ops blocks body content children data items rich_text paragraphs value".split()
)
_KINDS = ("type", "_type", "nodeType")
_INLINE = set("text span link autolink hyperlink mention inline emoji".split())
_DEPTH = 60


def block_text(value: Any) -> Any:
    """Return the text of a value that is a list or tree of blocks, or the JSON text of one.

    So Sanity, Prismic, Contentful, Storyblok, Strapi, Wagtail, EditorJS, Lexical, Tiptap, Slate and
    Quill keep texts; a list of texts counts as paragraphs, and an object of words with lists of
    their places, as in OpenAlex, as the text of these words. A value without such text is returned
    as it is, but parsed if it is JSON of more than numbers.
    """
    blocks = value
    if isinstance(value, str) and value.strip()[:1] in ("[", "{"):
        with suppress(ValueError):
            blocks = load_json(value)
    if isinstance(blocks, str) or (blocks is not value and _is_positions(blocks)):
        return value  # such as [5]
    if isinstance(blocks, Mapping) and blocks and all(map(_is_positions, blocks.values())):
        places = [(at, word) for word, found in blocks.items() for at in found]
        return " ".join(word for _, word in sorted(places))
    return _text_of(blocks, _DEPTH).strip() or blocks


def _is_positions(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(type(one) is int for one in value)


def _text_of(node: Any, depth: int) -> str:
    if depth < 0:
        return ""
    if isinstance(node, list):
        return "".join(
            f"{one}\n" if isinstance(one, str) else _text_of(one, depth - 1) for one in node
        )
    if not isinstance(node, Mapping):
        return ""
    kind = next((node[name] for name in _KINDS if isinstance(node.get(name), str)), "")
    own = next((node[name] for name in _TEXTS if isinstance(node.get(name), str)), None)
    if own is None:
        own = "".join(_text_of(node[name], depth - 1) for name in _INNER if name in node)
        inline = False
    else:
        own, inline = "" if own.startswith(("http://", "https://")) else own, True
        is_span = kind in _INLINE and depth < _DEPTH - 2  # further out blocks may be called so
        if is_span and (own == node.get("text") or "nodeType" in node):
            own = literal(own)
    return own if (kind in _INLINE if kind else inline) else f"{own}\n"
